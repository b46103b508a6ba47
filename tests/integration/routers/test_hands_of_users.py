"""canary_weight after users renamed, changed or deleted what carries the split, or when they call it otherwise than before."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness import routers
from ansible_collections.progressive.delivery.tests.harness.calls import until
from ansible_collections.progressive.delivery.tests.harness.two_versions import STABLE, TwoVersions

Manifest = dict[str, Any]
ISTIO: dict[str, Any] = {"router": "istio", "name": "shop", "stable_service": "shop", "grace": 0}
GATEWAY = {**ISTIO, "router": "gateway_api"}
INGRESS = {**ISTIO, "router": "ingress_nginx"}
SUBSETS = {**ISTIO, "stable_subset": "v1", "canary_subset": "v2", "destination_rule": "shop", "require_ready": False}


@pytest.fixture(autouse=True, scope="module")
def _ready(shop_of_file: TwoVersions) -> None:
    """Nothing here waits for a router that serves the pods, so these are waited for first."""
    for name in ("shop", "shop-canary"):
        assert shop_of_file.module("service_selector", {"name": name, "state": "absent"})["endpoints"] == {"ready": 2, "total": 2}


def call(shop: TwoVersions, options: Manifest, **more: Any) -> Manifest:
    result = shop.module("canary_weight", {**options, **more})
    assert not result.get("failed"), result["msg"]
    return result


def refused(shop: TwoVersions, message: str, options: Manifest, **more: Any) -> None:
    before = shop.snapshot()
    result = shop.module("canary_weight", {**options, **more})
    assert result["failed"] and message.format(ns=shop.namespace) in result["msg"] and "\n" not in result["msg"], result
    assert shop.snapshot() == before


def gateway_route(shop: TwoVersions) -> Manifest:
    [route] = routers.http_route(shop, 0, "TRAEFIK")
    del route["spec"]["rules"][0]["backendRefs"][1:]
    return dict(route)


def traefik_service(shop: TwoVersions) -> Manifest:
    service = routers.traefik_service(shop, 0)[0]
    del service["spec"]["weighted"]["services"][1:]
    return dict(service)


def virtual_service(shop: TwoVersions, *names: str) -> Manifest:
    routes = [{"name": name, "route": [{"destination": {"host": "shop", "port": {"number": 80}}}]} for name in names or ("p",)]
    spec = {"hosts": [shop.host], "http": routes}
    return {"apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService", "metadata": {"name": "shop"}, "spec": spec}


def rename(shop: TwoVersions, **more: Any) -> None:
    [route, *others] = shop.get("VirtualService", "shop")["spec"]["http"]
    shop.patch("VirtualService", "shop", {"spec": {"http": [{**route, "name": "new", **more}, *others]}})


@pytest.mark.parametrize("then", [{"state": "absent"}, {"weight": 40}, {"weight": 40, "on_drift": "repair"}])
def test_a_renamed_route_goes_on_being_split_and_goes_back(shop: TwoVersions, then: Manifest) -> None:
    shop.make(virtual_service(shop))
    call(shop, ISTIO, weight=20)
    rename(shop)
    result = call(shop, ISTIO, **then)
    assert result["previous_weight"] == {"stable": 80, "canary": 20}
    call(shop, ISTIO, state="absent")
    [route] = shop.get("VirtualService", "shop")["spec"]["http"]
    assert route == {"name": "new", "route": [{"destination": {"host": "shop", "port": {"number": 80}}}]}
    assert "annotations" not in shop.get("VirtualService", "shop")["metadata"]


def test_what_cannot_be_found_again_is_told_until_the_user_decides(shop: TwoVersions) -> None:
    shop.make(virtual_service(shop))
    call(shop, ISTIO, weight=20)
    route = shop.get("VirtualService", "shop")["spec"]["http"][0]["route"]
    rename(shop, route=[{**route[0], "weight": 70}, {**route[1], "weight": 30}])
    told = "and shop-canary still stands in it: take that out by hand, or set on_drift to accept"
    refused(shop, told, ISTIO, state="absent")
    refused(shop, told, ISTIO, state="absent", on_drift="repair")
    refused(shop, told, ISTIO, weight=40, on_drift="repair")
    assert call(shop, ISTIO, state="absent", on_drift="accept")["weight"] == {"stable": 70, "canary": 30}


def test_an_edited_rule_of_a_gateway_route_goes_back(shop: TwoVersions) -> None:
    route = gateway_route(shop)
    rule = {"matches": [{"path": {"type": "PathPrefix", "value": "/"}}], "backendRefs": [{"name": "shop", "port": 80}]}
    shop.make({**route, "spec": {**route["spec"], "rules": [rule]}})
    until("it is seen", lambda: not shop.module("canary_weight", {**GATEWAY, "weight": 20}, check=True).get("failed"))
    call(shop, GATEWAY, weight=20)
    [live] = shop.get("HTTPRoute", "shop")["spec"]["rules"]
    shop.patch("HTTPRoute", "shop", {"spec": {"rules": [{**live, "matches": [{"path": {"type": "PathPrefix", "value": "/v2"}}]}]}})
    call(shop, GATEWAY, state="absent")
    [live] = shop.get("HTTPRoute", "shop")["spec"]["rules"]
    assert [(ref["name"], ref["weight"]) for ref in live["backendRefs"]] == [("shop", 1)]


@pytest.mark.parametrize("asked", [{"routes": ["p"]}, {"routes": ["*"]}])
def test_absent_needs_no_routes(shop: TwoVersions, asked: Manifest) -> None:
    shop.make(virtual_service(shop, "p", "q"))
    before = shop.snapshot()
    call(shop, ISTIO, weight=20, **asked)
    result = call(shop, ISTIO, state="absent")
    assert result["changed"] and result["previous_weight"]["canary"] == 20 and shop.snapshot() == before


def test_absent_of_routes_that_the_user_took_out(shop: TwoVersions) -> None:
    shop.make(virtual_service(shop, "p", "q"))
    call(shop, ISTIO, weight=20, routes=["p"])
    [_ours, other] = shop.get("VirtualService", "shop")["spec"]["http"]
    other["route"][0]["destination"]["host"] = "elsewhere"
    shop.patch("VirtualService", "shop", {"spec": {"http": [other]}})
    result = call(shop, ISTIO, state="absent", routes=["p"])
    assert result["changed"] and result["weight"] == {"stable": 0, "canary": 0}
    assert "annotations" not in shop.get("VirtualService", "shop")["metadata"]
    assert not call(shop, ISTIO, state="absent", routes=["p"])["changed"]


def test_absent_of_objects_that_the_user_deleted(shop: TwoVersions) -> None:
    """What stands beside them is put back all the same, and so are the other objects of the call."""
    shop.make(virtual_service(shop))
    ingresses = [routers.ingress(shop, 0)[0] for _number in range(2)]
    ingresses[1]["metadata"]["name"] = "second"
    for each in ingresses:
        shop.make(each)
    both = {**INGRESS, "name": ["shop", "second"]}
    call(shop, ISTIO, weight=20)
    call(shop, both, weight=20)
    for kind in ("VirtualService", "Ingress"):
        shop.delete(kind, "shop")
    assert not call(shop, ISTIO, state="absent")["changed"]
    result = call(shop, both, state="absent")
    assert result["changed"] and shop.names("Ingress") == ["second"]
    again = call(shop, both, state="absent")
    assert not again["changed"] and "shop does not exist: there is nothing to put back" in json.dumps(again["warnings"])


def test_absent_of_a_split_by_subset(shop: TwoVersions) -> None:
    item = virtual_service(shop)
    item["spec"]["http"][0]["route"][0]["destination"]["subset"] = "v1"
    subsets = [{"name": "v1", "labels": {"version": "1"}}]
    spec = {"host": "shop", "subsets": subsets}
    rule = {"apiVersion": "networking.istio.io/v1beta1", "kind": "DestinationRule", "metadata": {"name": "shop"}, "spec": spec}
    shop.make(item)
    shop.make(rule)
    before = shop.snapshot()
    call(shop, SUBSETS, weight=20, canary_labels={"version": "2"})
    refused(
        shop, "VirtualService {ns}/shop is split by subset: name stable_subset, canary_subset and destination_rule", ISTIO, state="absent"
    )
    call(shop, SUBSETS, state="absent")
    assert shop.snapshot() == before
    call(shop, SUBSETS, weight=20, canary_labels={"version": "2"})
    shop.delete("VirtualService", "shop")
    assert call(shop, SUBSETS, state="absent")["changed"]
    assert shop.get("DestinationRule", "shop")["spec"]["subsets"] == subsets


def test_the_stable_service_written_otherwise_is_the_same(shop: TwoVersions) -> None:
    shop.make(virtual_service(shop))
    before = shop.snapshot()
    call(shop, ISTIO, weight=20)
    long = {"stable_service": f"shop.{shop.namespace}.svc.cluster.local", "canary_service": "shop-canary"}
    assert not call(shop, ISTIO, weight=20, **long)["changed"]
    assert call(shop, ISTIO, state="absent", **long)["changed"] and shop.snapshot() == before


def test_absent_in_the_name_of_another_split_says_so(shop: TwoVersions) -> None:
    shop.make(virtual_service(shop))
    call(shop, ISTIO, weight=20)
    result = call(shop, ISTIO, stable_service="other", state="absent")
    assert not result["changed"]
    told = "shop is split by canary_weight/shop; canary_weight/other has nothing to put back on it"
    assert told in json.dumps(result["warnings"])


def test_a_second_canary_ingress_of_one_ingress_is_refused(shop: TwoVersions) -> None:
    shop.make(routers.ingress(shop, 0)[0])
    before = shop.snapshot()
    call(shop, INGRESS, weight=50, canary_ingress="second")
    told = "Ingress {ns}/second was created for shop, and shop-canary does not exist: name that object"
    refused(shop, told, INGRESS, weight=10)
    refused(shop, told, INGRESS, state="absent")
    call(shop, INGRESS, state="absent", canary_ingress="second")
    assert shop.snapshot() == before


MAKE: dict[str, Callable[[TwoVersions], Manifest]] = {
    "istio": virtual_service,
    "gateway_api": gateway_route,
    "ingress_nginx": lambda shop: routers.ingress(shop, 0)[0],
    "traefik": traefik_service,
}


@pytest.mark.parametrize("router", MAKE)
def test_a_canary_service_without_the_ports_of_the_route_is_refused(shop: TwoVersions, router: str) -> None:
    shop.make(MAKE[router](shop))
    selector = shop.get("Service", "shop-canary")["spec"]["selector"]
    for name, port in (("other", {"port": 81, "targetPort": "http"}), ("nowhere", {"port": 80, "targetPort": "nope"})):
        spec = {"selector": selector, "ports": [{"name": "http", **port}]}
        shop.make({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
    options = {**ISTIO, "router": router, "weight": 50}
    until(
        "the route is seen",
        lambda: not shop.module("canary_weight", {**options, "canary_service": "shop-canary"}, check=True).get("failed"),
    )
    refused(
        shop,
        "Service {ns}/other has no port 80, at which the router sends requests to the stable one (it has: http 81)",
        options,
        canary_service="other",
    )
    refused(shop, "Service {ns}/nowhere (with port 80) has no ready endpoints", options, canary_service="nowhere")


def test_istio_finds_the_only_port_by_itself(shop: TwoVersions) -> None:
    """A route that names no port leads to the only one that a Service has, whichever that is."""
    [item] = routers.istio_http(shop, 0)
    item["spec"]["http"][0]["route"] = [{"destination": {"host": "shop"}}]
    spec = {"selector": shop.get("Service", "shop-canary")["spec"]["selector"], "ports": [{"port": 81, "targetPort": "http"}]}
    shop.make({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "other"}, "spec": spec})
    shop.make(item)
    shop.wait_for("GATEWAY_ISTIO", STABLE)
    call(shop, {**ISTIO, "grace": "2s"}, weight=50, canary_service="other")
    shop.check_split("GATEWAY_ISTIO", 50, count=400)


def test_what_a_parent_refuses_is_put_back_at_once(shop: TwoVersions) -> None:
    """A Service in a namespace that grants nothing: nobody can know before the controller has looked."""
    shop.make(gateway_route(shop))
    shop.wait_for("GATEWAY_TRAEFIK", STABLE)
    before = shop.snapshot()
    result = shop.module("canary_weight", {**GATEWAY, "weight": 50, "canary_service": "kubernetes.default", "require_ready": False})
    assert result["failed"] and "RefNotPermitted" in result["msg"] and result["msg"].endswith("was put back as it was before this call"), (
        result
    )
    assert shop.snapshot() == before
    shop.wait_for("GATEWAY_TRAEFIK", STABLE)


def test_a_probe_of_a_route_whose_weights_are_all_0(shop: TwoVersions) -> None:
    item = virtual_service(shop)
    item["spec"]["http"][0]["route"].append({"destination": {"host": "shop-canary"}})
    shop.make(item)
    probe = {"url": "http://127.0.0.1:9/", "expect": {"canary": "x"}, "timeout": "1s"}
    assert "of the traffic" not in call(shop, ISTIO, weight=0).get("msg", "")
    result = shop.module("canary_weight", {**ISTIO, "weight": 30, "probe": probe})
    assert result["failed"] and "Traceback" not in result.get("msg", "") and "ZeroDivision" not in result["msg"], result
