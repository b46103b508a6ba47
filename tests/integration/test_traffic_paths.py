"""Every router of the shared test cluster carries and splits traffic, without anything of this collection: the ground of other tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness import grpc, routers
from ansible_collections.progressive.delivery.tests.harness.calls import until
from ansible_collections.progressive.delivery.tests.harness.two_versions import CANARY, STABLE, TwoVersions, two_versions

Manifests = Callable[[TwoVersions, int], list[dict[str, Any]]]

SPLITS: dict[str, tuple[str, Manifests]] = {
    "VirtualService http v1": ("GATEWAY_ISTIO", partial(routers.istio_http, version="v1")),
    "VirtualService http v1beta1": ("GATEWAY_ISTIO", routers.istio_http),
    "VirtualService http v1alpha3": ("GATEWAY_ISTIO", partial(routers.istio_http, version="v1alpha3")),
    "VirtualService tls": ("GATEWAY_ISTIO_TLS", routers.istio_tls),
    "VirtualService tcp": ("GATEWAY_ISTIO_TCP", routers.istio_tcp),
    "Ingress": ("GATEWAY_NGINX", routers.ingress),
    "TraefikService": ("GATEWAY_TRAEFIK", routers.traefik_service),
}
# By controller and kind: the gateway's listener, what makes the route, and the versions in which the controller's users may write it.
ROUTES = {
    "HTTPRoute": ("", routers.http_route, ("v1", "v1beta1")),
    "GRPCRoute": ("", routers.grpc_route, ("v1", "v1alpha2")),
    "TLSRoute": ("_TLS", routers.tls_route, ("v1", "v1alpha2")),
    "TCPRoute": ("_TCP", routers.tcp_route, ("v1", "v1alpha2")),
}
SPLITS |= {
    f"{controller} {kind} {version}": (f"GATEWAY_{controller}{listener}", partial(make, router=controller, version=version))
    for controller in ("ISTIO_API", "TRAEFIK")
    for kind, (listener, make, versions) in ROUTES.items()
    for version in versions
}


@pytest.mark.parametrize(("gateway", "manifests"), SPLITS.values(), ids=SPLITS)
def test_a_split(shop: TwoVersions, gateway: str, manifests: Manifests) -> None:
    with shop.holding(manifests(shop, 50)):
        shop.wait_for(gateway, STABLE, CANARY)
        shop.check_split(gateway, 50, count=400)
    with shop.holding(manifests(shop, 0)):
        shop.wait_for(gateway, STABLE)


@pytest.mark.parametrize("controller", ["ISTIO_API", "TRAEFIK"])
def test_a_grpc_call(shop: TwoVersions, controller: str) -> None:
    with shop.holding(routers.grpc_route(shop, 0, controller)):
        shop.wait_for(f"GATEWAY_{controller}", STABLE)
        answer = grpc.call(*shop.address(f"GATEWAY_{controller}"), shop.host, "/shop.Shop/Buy", {"x-user": "ann"})
    seen = {key: answer[key] for key in ("version", "protocol", "method", "path", "host")}
    assert seen == {"version": STABLE, "protocol": "HTTP/2.0", "method": "POST", "path": "/shop.Shop/Buy", "host": shop.host}
    assert answer["headers"]["x-user"] == "ann"


def test_names_in_handshakes_are_passed_through(shop: TwoVersions) -> None:
    with shop.holding(routers.istio_tls(shop, 100)):
        shop.wait_for("GATEWAY_ISTIO_TLS", CANARY)
        assert shop.see("GATEWAY_ISTIO_TLS")["tls"]
        assert shop.ask("GATEWAY_ISTIO_TLS", host_header="other.example").failures


def mirrored_by_istio(shop: TwoVersions) -> list[dict[str, Any]]:
    [item] = routers.istio_http(shop, 0)
    item["spec"]["http"][0]["mirror"] = {"host": shop.canary}
    return [item]


def mirrored_by_a_route(shop: TwoVersions) -> list[dict[str, Any]]:
    [item] = routers.http_route(shop, 0, "ISTIO_API")
    copies = {"backendRef": {"name": shop.canary, "port": 80}}
    item["spec"]["rules"][0]["filters"] = [{"type": "RequestMirror", "requestMirror": copies}]
    return [item]


def mirrored_by_traefik(shop: TwoVersions) -> list[dict[str, Any]]:
    service, route = routers.traefik_service(shop, 0)
    service["spec"] = {"mirroring": {"name": shop.name, "port": 80, "mirrors": [{"name": shop.canary, "port": 80, "percent": 100}]}}
    return [service, route]


@pytest.mark.parametrize(
    ("gateway", "manifests"),
    [("GATEWAY_ISTIO", mirrored_by_istio), ("GATEWAY_ISTIO_API", mirrored_by_a_route), ("GATEWAY_TRAEFIK", mirrored_by_traefik)],
    ids=["VirtualService", "HTTPRoute", "TraefikService"],
)
def test_copies_arrive_and_do_not_answer(shop: TwoVersions, gateway: str, manifests: Callable[[TwoVersions], Any]) -> None:
    def copies_lost() -> int:
        return (shop.received(STABLE) - before[0]) - (shop.received(CANARY) - before[1])

    before = shop.received(STABLE), shop.received(CANARY)
    with shop.holding(manifests(shop)):
        shop.wait_for(gateway, STABLE, connections=1)  # one after the other: of requests at once Traefik does not copy each
        assert shop.split(gateway, 50, connections=1) == {STABLE: 50}
        until("all copies have arrived", lambda: copies_lost() == 0, seconds=10)


def test_pods_tell_what_they_were_asked(shop: TwoVersions) -> None:
    [item] = routers.istio_http(shop, 0)
    rewrite = {"match": [{"uri": {"prefix": "/old"}}], "rewrite": {"uri": "/new", "authority": "new.example"}}
    item["spec"]["http"].insert(0, {**item["spec"]["http"][0], **rewrite})
    with shop.holding([item]):
        shop.wait_for("GATEWAY_ISTIO", STABLE)
        request = {"path": "/old?a=1", "query": {"b": "2"}, "method": "PUT", "headers": {"X-Qa": "1"}, "cookies": {"c": "3", "d": "4"}}
        answer = shop.see("GATEWAY_ISTIO", **request)
    assert (answer["method"], answer["host"], answer["path"]) == ("PUT", "new.example", "/new?a=1&b=2")
    assert {key: answer["headers"][key] for key in ("x-qa", "cookie")} == {"x-qa": "1", "cookie": "c=3; d=4"}


CONTROLLERS = {"ISTIO_API": "istio.io/gateway-controller", "TRAEFIK": "traefik.io/gateway-controller"}


def wait_for_conditions(shop: TwoVersions, kind: str, *controllers: str, generation: int, **statuses: str) -> None:
    """Until each of these controllers has written these statuses of its parent, about this generation of the route."""

    def written() -> bool:
        found = {}
        for parent in shop.get(kind).get("status", {}).get("parents", []):
            told = {one["type"]: (one["status"], one["observedGeneration"]) for one in parent["conditions"]}
            found[parent["controllerName"]] = {name: told.get(name) for name in statuses}
        return found == {each: {name: (status, generation) for name, status in statuses.items()} for each in controllers}

    until(f"{kind} of generation {generation} has {statuses}", written, seconds=15)


@pytest.mark.parametrize("controller", CONTROLLERS)
@pytest.mark.parametrize("kind", ROUTES)
def test_controllers_write_what_they_think_of_a_route(shop: TwoVersions, controller: str, kind: str) -> None:
    _listener, make, versions = ROUTES[kind]
    [item] = make(shop, 50, controller, versions[0])
    wait = partial(wait_for_conditions, shop, kind, CONTROLLERS[controller])
    with shop.holding([item]):
        wait(generation=1, Accepted="True", ResolvedRefs="True")
        item["spec"]["rules"][0]["backendRefs"][1]["name"] = "missing"
        shop.patch(kind, shop.name, {"spec": item["spec"]})
        wait(generation=2, Accepted="True", ResolvedRefs="False")
        item["spec"]["parentRefs"][0]["sectionName"] = "tls" if kind == "TCPRoute" else "tcp-0"
        shop.patch(kind, shop.name, {"spec": item["spec"]})
        wait(generation=3, Accepted="False")


def test_two_controllers_serve_one_route_and_each_writes_its_part(shop: TwoVersions) -> None:
    [item] = routers.http_route(shop, 50, "ISTIO_API")
    item["spec"]["parentRefs"].append(shop.parent("TRAEFIK"))
    with shop.holding([item]):
        for generation, versions in ((1, (STABLE, CANARY)), (2, (CANARY,))):
            wait_for_conditions(shop, "HTTPRoute", *CONTROLLERS.values(), generation=generation, Accepted="True", ResolvedRefs="True")
            for controller in CONTROLLERS:
                shop.wait_for(f"GATEWAY_{controller}", *versions)
            item["spec"]["rules"] = routers.http_route(shop, 100, "ISTIO_API")[0]["spec"]["rules"]
            shop.patch("HTTPRoute", shop.name, {"spec": item["spec"]})


def test_namespaces_side_by_side(shop: TwoVersions) -> None:
    """Each has its hosts, and its ports."""
    gateways = ["GATEWAY_ISTIO", "GATEWAY_ISTIO_TLS", "GATEWAY_ISTIO_TCP", "GATEWAY_TRAEFIK_TCP"]
    with two_versions(replicas=1) as other:
        assert other.slot != shop.slot
        for one, canary in ((shop, 0), (other, 100)):
            routes = [routers.istio_http(one, canary), routers.istio_tls(one, canary), routers.istio_tcp(one, canary)]
            [router] = routes[0]
            for [part] in routes[1:]:
                router["spec"].update({key: part["spec"][key] for key in ("tls", "tcp") if key in part["spec"]})
            one.make(router)
            one.make(*routers.tcp_route(one, canary, "TRAEFIK"))
        for gateway in gateways:
            shop.wait_for(gateway, STABLE)
            other.wait_for(gateway, CANARY)
        shop.delete("VirtualService")
        shop.delete("TCPRoute")
