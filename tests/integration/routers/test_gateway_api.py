"""canary_weight on routes of the Gateway API, against Traefik and istiod, with real traffic."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness import routers
from ansible_collections.progressive.delivery.tests.harness.audit import AuditLog, count
from ansible_collections.progressive.delivery.tests.harness.calls import until
from ansible_collections.progressive.delivery.tests.harness.two_versions import STABLE, TwoVersions, two_versions

OPTIONS: dict[str, Any] = {"router": "gateway_api", "name": "shop", "stable_service": "shop", "canary_service": "shop-canary"}
AT_ONCE = {**OPTIONS, "grace": 0}
GRACE = {"TRAEFIK": "2s", "ISTIO_API": "1s"}  # how long each was seen to serve an old split
ALL = (1, 5, 50, 95, 100, 0)
SOME = (5, 95, 0)
MAKE = {
    "HTTPRoute": ("", routers.http_route),
    "GRPCRoute": ("", routers.grpc_route),
    "TLSRoute": ("_TLS", routers.tls_route),
    "TCPRoute": ("_TCP", routers.tcp_route),
}
# kind, in which version (of the user's object, and asked for), controller, weights, and requests for each
SPLITS = [
    pytest.param("HTTPRoute", "v1", "TRAEFIK", SOME, 4000, id="HTTPRoute v1 TRAEFIK"),
    pytest.param("HTTPRoute", "v1", "TRAEFIK", ALL, 4000, id="HTTPRoute v1 TRAEFIK, all", marks=pytest.mark.full),
    pytest.param("HTTPRoute", "v1beta1", "ISTIO_API", SOME, 4000, id="HTTPRoute v1beta1 ISTIO_API"),
    pytest.param("GRPCRoute", "v1", "TRAEFIK", SOME, 4000, id="GRPCRoute v1 TRAEFIK", marks=pytest.mark.full),
    pytest.param("TCPRoute", "v1alpha2", "ISTIO_API", SOME, 1000, id="TCPRoute v1alpha2 ISTIO_API"),
    pytest.param("TLSRoute", "v1", "ISTIO_API", SOME, 1000, id="TLSRoute v1 ISTIO_API", marks=pytest.mark.full),
]


def gateway(controller: str, kind: str = "HTTPRoute") -> str:
    return f"GATEWAY_{controller}{MAKE[kind][0]}"


def user_route(shop: TwoVersions, controller: str, kind: str = "HTTPRoute", version: str = "v1", backends: int = 1) -> dict[str, Any]:
    """As users write it: to the stable Service, without what the API server fills in."""
    [item] = MAKE[kind][1](shop, 0, controller, version=version)
    refs = item["spec"]["rules"][0]["backendRefs"]
    item["spec"]["rules"][0]["backendRefs"] = refs[:backends]
    if backends == 1:
        del refs[0]["weight"]
    item["metadata"]["labels"] = {"team": "shop"}
    return dict(item)


def call(shop: TwoVersions, options: dict[str, Any], **more: Any) -> dict[str, Any]:
    result = shop.module("canary_weight", {**options, **more})
    assert not result.get("failed"), result["msg"]
    return result


@pytest.mark.parametrize(("kind", "version", "controller", "weights", "requests"), SPLITS)
def test_splits(shop: TwoVersions, kind: str, version: str, controller: str, weights: tuple[int, ...], requests: int) -> None:
    entry = gateway(controller, kind)
    shop.make(user_route(shop, controller, kind, version))
    shop.wait_for(entry, STABLE)
    before = shop.snapshot()
    options = {**OPTIONS, "kind": kind, "api_version": version, "grace": GRACE[controller]}
    assert not call(shop, options, weight=0)["changed"]
    for weight in weights:
        result = call(shop, options, weight=weight)
        assert result["changed"]
        assert result["weight"]["canary"] * 100 == weight * sum(result["weight"].values())
        shop.check_split(entry, weight, count=requests)
    assert not call(shop, options, weight=weights[-1])["changed"]
    call(shop, options, weight=20)
    assert call(shop, options, state="absent")["changed"]
    assert shop.snapshot() == before
    assert shop.split(entry, 50) == {STABLE: 50}


@pytest.mark.quick
def test_check_run_check_run(shop: TwoVersions) -> None:
    shop.make(user_route(shop, "TRAEFIK"))
    wanted = {**AT_ONCE, "weight": 20, "matches": [{"headers": {"X-Canary": {"exact": "1"}}}]}
    until("the route is seen", lambda: not shop.module("canary_weight", wanted, check=True).get("failed"))
    before = shop.snapshot()
    preview = shop.module("canary_weight", wanted, check=True, diff=True)
    assert preview["changed"] and preview["weight"] == {"stable": 80, "canary": 20}
    assert [entry["before_header"] for entry in preview["diff"]] == [f"HTTPRoute {shop.namespace}/shop"]
    assert shop.snapshot() == before
    real = shop.module("canary_weight", wanted, diff=True)
    assert real["changed"] and real["previous_weight"] == {"stable": 1, "canary": 0} and not real.get("warnings")
    for check in (True, False):
        again = shop.module("canary_weight", wanted, check=check, diff=True)
        assert (again["changed"], again["diff"]) == (False, [])
    assert shop.module("canary_weight", {**AT_ONCE, "state": "absent"}, check=True)["changed"]
    assert call(shop, AT_ONCE, state="absent")["changed"] and shop.snapshot() == before


def test_requests(shop: TwoVersions) -> None:
    """Nothing to change: the route. A change: also the EndpointSlices of both Services in one list, the write, a watch. No discovery.

    The first one asks for the canary Service, too: whether it has the ports of the rules.
    """
    shop.make(user_route(shop, "ISTIO_API", backends=2))
    shop.wait_for(gateway("ISTIO_API"), STABLE)
    change = {("get", "httproutes"): 1, ("list", "endpointslices"): 1, ("patch", "httproutes"): 1, ("watch", "httproutes"): 1}
    log = AuditLog()
    for options, requests in (
        ({"weight": 0}, {("get", "httproutes"): 1}),
        ({"weight": 20}, {**change, ("get", "services"): 1}),
        ({"weight": 20}, {("get", "httproutes"): 1}),
        ({"weight": 30}, change),
        ({"weight": 30, "matches": [{"headers": {"X-Canary": "1"}}], "mirror": 100}, change),
        ({"state": "absent"}, change),
    ):
        mark = log.mark()
        call(shop, AT_ONCE, **options)
        found = [entry for entry in log.since(mark) if entry.namespace == shop.namespace or not entry.namespace]
        assert count(found) == requests, options


def test_somebody_else_changes_the_route(shop: TwoVersions) -> None:
    """It is said what drifted, nothing is done by half, and it is repaired when that is asked for."""
    options = {**AT_ONCE, "matches": [{"headers": {"X-Canary": "1"}}]}
    shop.make(user_route(shop, "TRAEFIK", backends=2))
    shop.wait_for(gateway("TRAEFIK"), STABLE)
    original = shop.snapshot()
    call(shop, options, weight=20)
    rules = shop.get("HTTPRoute")["spec"]["rules"]
    rules[1]["backendRefs"][0]["weight"] = 70
    new = {"matches": [{"path": {"value": "/new"}}], "backendRefs": rules[1]["backendRefs"][1:]}
    shop.patch("HTTPRoute", "shop", {"spec": {"rules": [new, *rules]}})
    drifted = shop.snapshot()
    result = shop.module("canary_weight", {**options, "weight": 30})
    assert result["failed"] and "backendRefs[name=shop].weight is 70, was set to 80" in result["msg"], result["msg"]
    assert shop.snapshot() == drifted
    repaired = call(shop, options, weight=30, on_drift="repair")
    assert repaired["weight"] == {"stable": 70, "canary": 30} and len(repaired["drift"]) == 1
    assert len(shop.get("HTTPRoute")["spec"]["rules"]) == 3, "the user's new rule is lost"
    call(shop, options, state="absent")
    shop.patch("HTTPRoute", "shop", {"spec": {"rules": shop.get("HTTPRoute")["spec"]["rules"][1:]}})
    assert shop.snapshot() == original


@pytest.mark.parametrize("controller", ["TRAEFIK", "ISTIO_API"])
def test_backends_in_another_namespace(shop: TwoVersions, controller: str) -> None:
    """Without a grant the parent refuses, and nothing is written."""
    with two_versions(replicas=1) as other:
        [item] = routers.http_route(shop, 0, controller)
        refs = item["spec"]["rules"][0]["backendRefs"]
        refs[:] = [{**refs[0], "namespace": other.namespace}]
        there = {"stable_service": f"shop.{other.namespace}", "canary_service": f"shop-canary.{other.namespace}"}
        options = {**OPTIONS, **there, "grace": GRACE[controller]}
        shop.make(item)
        until("it is refused", lambda: shop.module("canary_weight", {**options, "weight": 50}, check=True).get("failed"))
        before = shop.snapshot()
        result = shop.module("canary_weight", {**options, "weight": 50})
        assert result["failed"] and "ResolvedRefs=False, RefNotPermitted (" in result["msg"], result["msg"]
        assert shop.snapshot() == before
        who = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": shop.namespace}
        grant = {"apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "ReferenceGrant", "metadata": {"name": "shop"}}
        other.make({**grant, "spec": {"from": [who], "to": [{"group": "", "kind": "Service"}]}})
        shop.wait_for(gateway(controller), STABLE)
        until("it is granted", lambda: not shop.module("canary_weight", {**options, "weight": 50}, check=True).get("failed"))
        call(shop, options, weight=50)
        shop.check_split(gateway(controller), 50, count=1000)
        assert shop.see(gateway(controller))["namespace"] == other.namespace
        call(shop, options, state="absent")
        assert shop.snapshot() == before


@pytest.mark.parametrize("controller", ["TRAEFIK", "ISTIO_API"])
def test_a_canary_without_a_grant_loses_no_request(shop: TwoVersions, controller: str) -> None:
    """It stands in the route without a share until the controller has taken it; one that is refused is taken out again."""
    with two_versions(replicas=1) as other:
        [item] = routers.http_route(shop, 0, controller)
        backends = item["spec"]["rules"][0]["backendRefs"]
        del backends[1:]
        options = {**OPTIONS, "canary_service": f"shop-canary.{other.namespace}", "grace": GRACE[controller]}
        shop.make(item)
        shop.wait_for(gateway(controller), STABLE)
        before = shop.snapshot()
        with shop.load(gateway(controller), rate=300) as load:
            for weight in (50, 100):
                result = shop.module("canary_weight", {**options, "weight": weight})
                assert result["failed"] and "ResolvedRefs=False, RefNotPermitted (" in result["msg"], result["msg"]
                assert "was put back as it was before this call" in result["msg"]
            who = {"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": shop.namespace}
            grant = {"apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "ReferenceGrant", "metadata": {"name": "shop"}}
            assert shop.snapshot() == before
            other.make({**grant, "spec": {"from": [who], "to": [{"group": "", "kind": "Service"}]}})
            call(shop, options, weight=50)
            shop.check_split(gateway(controller), 50, count=1000)
            call(shop, options, state="absent")
        results = load.results()
        assert not results.failures, results.summary()
        assert shop.snapshot() == before
