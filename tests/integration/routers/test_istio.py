"""canary_weight on VirtualServices, against istiod and Envoy, with real traffic: splits, matches, copies, requests, bad input."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness import routers
from ansible_collections.progressive.delivery.tests.harness.audit import AuditLog, count
from ansible_collections.progressive.delivery.tests.harness.calls import until
from ansible_collections.progressive.delivery.tests.harness.two_versions import CANARY, STABLE, TwoVersions

Manifest = dict[str, Any]
OPTIONS: dict[str, Any] = {"router": "istio", "name": "shop", "stable_service": "shop", "grace": "1s"}  # an old split was served for 0.5 s
AT_ONCE = {**OPTIONS, "grace": 0}
ALL = (1, 5, 50, 95, 100, 0)
SOME = (5, 95, 0)
ENTRY = "GATEWAY_ISTIO"
MAKE = {"http": ("", routers.istio_http), "tls": ("_TLS", routers.istio_tls), "tcp": ("_TCP", routers.istio_tcp)}


def virtual_service(shop: TwoVersions, kind: str = "http", **more: Any) -> Manifest:
    """As users write it: to the stable Service, without a weight."""
    [item] = MAKE[kind][1](shop, 0)
    [route] = item["spec"][kind]
    del route["route"][1:], route["route"][0]["weight"]
    route.update(more)
    return dict(item)


@contextmanager
def served(shop: TwoVersions, *manifests: Manifest, entry: str = ENTRY, **request: Any) -> Iterator[dict[str, Any]]:
    """The objects are there, and requests come to the stable version; the snapshot of all objects."""
    with shop.holding(manifests):
        shop.wait_for(entry, STABLE, **request)
        yield shop.snapshot()


def call(shop: TwoVersions, options: Manifest, **more: Any) -> Manifest:
    result = shop.module("canary_weight", {**options, **more})
    assert not result.get("failed"), result["msg"]
    return result


@pytest.mark.parametrize(
    ("kind", "version", "weights", "requests"),
    [
        ("http", "v1beta1", SOME, 4000),
        pytest.param("http", "v1beta1", ALL, 4000, marks=pytest.mark.full),
        pytest.param("http", "v1", (5,), 400, marks=pytest.mark.full),
        pytest.param("http", "v1alpha3", (5,), 400, marks=pytest.mark.full),
        pytest.param("tcp", "v1beta1", SOME, 4000, marks=pytest.mark.full),
        ("tls", "v1", SOME, 1000),
    ],
)
def test_splits(shop: TwoVersions, kind: str, version: str, weights: tuple[int, ...], requests: int) -> None:
    entry, options = ENTRY + MAKE[kind][0], {**OPTIONS, "api_version": version}
    with served(shop, {**virtual_service(shop, kind), "apiVersion": f"networking.istio.io/{version}"}, entry=entry) as before:
        assert not call(shop, options, weight=0)["changed"]
        for weight in weights:
            result = call(shop, options, weight=weight)
            assert result["changed"] and result["weight"] == {"stable": 100 - weight, "canary": weight}
            shop.check_split(entry, weight, count=requests)
        call(shop, options, weight=20)
        written = shop.snapshot()
        again = shop.module("canary_weight", {**options, "weight": 20}, diff=True)
        assert (again["changed"], again["diff"]) == (False, [])
        assert shop.module("canary_weight", {**options, "weight": 30}, check=True)["changed"]
        assert shop.snapshot() == written
        assert call(shop, options, state="absent")["changed"] and shop.snapshot() == before
        assert shop.split(entry, 100) == {STABLE: 100}


def test_a_total_finer_than_percent_and_a_third_destination(shop: TwoVersions) -> None:
    with served(shop, virtual_service(shop)) as before:
        call(shop, OPTIONS, weight=3, weight_total=1000)
        shop.check_split(ENTRY, 3, 1000)
        call(shop, OPTIONS, state="absent")
        assert shop.snapshot() == before
    item = virtual_service(shop)
    item["spec"]["http"][0]["route"] = [
        {"destination": {"host": "shop"}, "weight": 60},
        {"destination": {"host": f"{shop.canary}.{shop.namespace}.svc.cluster.local"}, "weight": 40},
    ]
    with served(shop, virtual_service(shop)):
        shop.patch("VirtualService", "shop", {"spec": item["spec"]})
        wish = {"canary_service": "ghost", "additional_destinations": ["shop-canary"], "require_ready": False}
        call(shop, OPTIONS, weight=0, **wish)
        until("the third destination gets its share", lambda: CANARY in shop.split(ENTRY, 50))
        shop.check_split(ENTRY, 40)


# What a request has, and whether that is asked for by MATCHES; of those that are not, some come close.
MATCHES = [
    {"headers": {"X-Qa": {"exact": "1"}, "x-any": {"present": True}}},
    {"cookies": {"user": {"prefix": "test"}, "beta": "on"}},
    {"cookies": {"group": {"regex": "q.*[ab]"}}},
    {"query": {"v": {"prefix": "2"}}, "method": "POST"},
    {"path": {"prefix": "/new"}},
    {"path": {"regex": "/v[2-9]/.*"}, "headers": {"x-qa": {"regex": "[0-9]"}}},
]
REQUESTS: list[tuple[Manifest, bool]] = [
    ({}, False),
    ({"headers": {"x-qa": "1", "x-any": ""}}, True),
    ({"headers": {"x-qa": "1"}}, False),
    ({"headers": {"x-qa": "12", "x-any": "1"}}, False),
    ({"cookies": {"x": "1", "beta": "on", "user": "tester"}}, True),
    ({"cookies": {"user": "tester", "beta": "on"}}, True),
    ({"cookies": {"user": "tester", "beta": "only"}}, False),
    ({"cookies": {"group": "qa"}}, True),
    ({"cookies": {"group": "q", "other": "a"}}, False),
    ({"query": {"v": "2.1"}, "method": "POST"}, True),
    ({"query": {"v": "2.1"}}, False),
    ({"query": {"v": "1", "w": "2"}, "method": "POST"}, False),
    ({"path": "/new/shoes?a=b"}, True),
    ({"path": "/old/new"}, False),
    ({"path": "/v3/", "headers": {"x-qa": "7"}}, True),
    ({"path": "/v3/", "headers": {"x-qa": "77"}}, False),
]


def check_requests(shop: TwoVersions, requests: list[tuple[Manifest, bool]], number: int = 60) -> None:
    for request, taken in requests:
        assert shop.split(ENTRY, number, **request) == {CANARY if taken else STABLE: number}, request


@pytest.mark.parametrize("inherit", [True, False])
def test_matches_are_obeyed_at_weight_0(shop: TwoVersions, inherit: bool) -> None:
    with served(shop, virtual_service(shop)) as before:
        result = call(shop, OPTIONS, matches=MATCHES, inherit=inherit)
        assert result["changed"] and result["weight"] == {"stable": 100, "canary": 0}
        check_requests(shop, REQUESTS)
        assert not call(shop, OPTIONS, matches=MATCHES, inherit=inherit)["changed"]
        call(shop, OPTIONS, matches=MATCHES[:1], inherit=inherit, weight=50)
        assert shop.split(ENTRY, 500, headers={"x-qa": "1", "x-any": "1"}) == {CANARY: 500}
        shop.check_split(ENTRY, 50, count=1000)
        call(shop, OPTIONS, state="absent")
        assert shop.snapshot() == before
        check_requests(shop, [(request, False) for request, _taken in REQUESTS[:5]])


def test_what_a_managed_route_inherits(shop: TwoVersions) -> None:
    """Only requests that the shadowed route would get, rewritten as that one does, with its headers; others stay where they are."""
    item = virtual_service(shop)
    [route] = item["spec"]["http"]
    shadowed = {
        **route,
        "match": [{"uri": {"prefix": "/shop/"}, "withoutHeaders": {"x-old": {}}}],
        "rewrite": {"uri": "/"},
        "headers": {"request": {"set": {"x-seen": "1"}}},
        "timeout": "5s",
    }
    item["spec"]["http"] = [{**route, "match": [{"uri": {"prefix": "/shop/first"}}], "name": "first"}, {**shadowed, "name": "ours"}, route]
    matches = [{"headers": {"x-qa": "1"}}, {"path": {"prefix": "/shop/cart"}}]
    with served(shop, item) as before:
        call(shop, OPTIONS, matches=matches, routes=["ours"])
        taken = shop.see(ENTRY, path="/shop/shoes", headers={"x-qa": "1"})
        assert (taken["version"], taken["path"], taken["headers"]["x-seen"]) == (CANARY, "/shoes", "1")
        taken = shop.see(ENTRY, path="/shop/cart/2")
        assert (taken["version"], taken["path"], taken["headers"]["x-seen"]) == (CANARY, "/cart/2", "1")
        for request in ({"path": "/shop/first"}, {"path": "/else"}, {"path": "/shop/shoes", "headers": {"x-old": "1"}}):
            left = shop.see(ENTRY, **{**request, "headers": {"x-qa": "1", **request.get("headers", {})}})  # type: ignore[dict-item]
            assert left["version"] == STABLE and "x-seen" not in left["headers"]
        assert shop.see(ENTRY, path="/shop/shoes")["version"] == STABLE
        call(shop, OPTIONS, state="absent", routes=["ours"])
        assert shop.snapshot() == before


def test_copies_arrive_and_do_not_answer(shop: TwoVersions) -> None:
    def copies() -> int:
        return shop.received(CANARY) - before

    with served(shop, virtual_service(shop, timeout="3s", retries={"attempts": 2})) as original:
        call(shop, OPTIONS, mirror=100, weight=0)
        before = shop.received(CANARY)
        assert shop.split(ENTRY, 300) == {STABLE: 300}
        until("all copies have arrived", lambda: copies() == 300, seconds=10)
        call(shop, OPTIONS, mirror=0, weight=0)
        before = shop.received(CANARY)
        assert shop.split(ENTRY, 100) == {STABLE: 100} and copies() == 0
        call(shop, OPTIONS, mirror=20, weight=0)
        before = shop.received(CANARY)
        assert shop.split(ENTRY, 1000) == {STABLE: 1000}
        until("about a fifth is copied", lambda: 120 < copies() < 290, seconds=10)
        call(shop, OPTIONS, state="absent")
        assert shop.snapshot() == original


def test_several_virtual_services_or_none(shop: TwoVersions) -> None:
    other = virtual_service(shop)
    other["metadata"] = {"name": "other"}
    other["spec"]["hosts"] = [f"other.{shop.host}"]
    both = {**OPTIONS, "name": ["shop", "other"]}
    with served(shop, virtual_service(shop), other) as before:
        shop.wait_for(ENTRY, STABLE, host_header=f"other.{shop.host}")
        result = call(shop, both, weight=50)
        assert (result["previous_weight"], result["weight"]) == ({"stable": 100, "canary": 0}, {"stable": 50, "canary": 50})
        for host in (shop.host, f"other.{shop.host}"):
            shop.check_split(ENTRY, 50, count=1000, host_header=host)
        assert call(shop, {**both, "name": ["other", "shop"]}, weight=70)["previous_weight"] == {"stable": 50, "canary": 50}
        call(shop, both, state="absent")
        assert shop.snapshot() == before
        shop.patch("VirtualService", "other", {"spec": {"http": [{"route": [{"destination": {"host": "elsewhere"}}]}]}})
        before = shop.snapshot()
        result = shop.module("canary_weight", {**both, "weight": 50})
        assert f"VirtualService {shop.namespace}/other has no HTTP route to Service 'shop'" in result["msg"]
        assert shop.snapshot() == before


@pytest.mark.quick
def test_requests(shop: TwoVersions) -> None:
    """Nothing to change: the VirtualService. A change: also the EndpointSlices of both Services in one list, and the write."""
    log = AuditLog()
    change = {("get", "virtualservices"): 1, ("list", "endpointslices"): 1, ("patch", "virtualservices"): 1}
    with served(shop, virtual_service(shop)):
        for options, requests in (
            ({"weight": 0}, {("get", "virtualservices"): 1}),
            ({"weight": 20, "matches": MATCHES, "mirror": 5}, change),
            ({"weight": 20, "matches": MATCHES, "mirror": 5}, {("get", "virtualservices"): 1}),
            ({"state": "absent"}, change),
        ):
            mark = log.mark()
            call(shop, AT_ONCE, **options)
            assert count([each for each in log.since(mark) if each.namespace in (shop.namespace, "")]) == requests, options


BAD_INPUT: dict[str, tuple[Manifest, str]] = {
    "switch": (
        {"matches": [{"headers": {"x-qa": {"switch": True}}}]},
        "HTTP route number 1 without a name cannot match header x-qa switch with router istio",
    ),
    "a pattern that Envoy does not take": (
        {"matches": [{"headers": {"x-qa": {"regex": "(?!a)b"}}}]},
        "patterns of RE2 have no look-around",
    ),
    "half of a split by subset": ({"stable_subset": "v1"}, "stable_subset needs canary_subset, destination_rule for a split"),
    "no such DestinationRule": (
        {"stable_subset": "v1", "canary_subset": "v2", "destination_rule": "nope"},
        "DestinationRule {ns}/nope does not exist: check its name and the namespace",
    ),
    "no such TLS route": (
        {"tls_routes": [{"port": 443}]},
        "has no TLS route to Service 'shop' with port 443 (it has: none): correct tls_routes",
    ),
    "a name of none": ({"routes": ["nope"]}, "VirtualService {ns}/shop has no HTTP route named 'nope' (it has: none has a name)"),
    "no such Service": ({"canary_service": "ghost"}, "Service {ns}/ghost does not exist: check its name and the namespace"),
}


def test_bad_input_is_one_clear_line_and_writes_nothing(shop: TwoVersions) -> None:
    with served(shop, virtual_service(shop)) as before:
        for name, (options, message) in BAD_INPUT.items():
            result = shop.module("canary_weight", {**AT_ONCE, "weight": 20, **options})
            assert result["failed"] and not result.get("changed"), name
            assert message.format(ns=shop.namespace) in result["msg"] and "\n" not in result["msg"], result["msg"]
        assert shop.snapshot() == before


def test_somebody_else_changes_our_routes(shop: TwoVersions) -> None:
    """It is said what drifted, nothing is done by half, and it is repaired when that is asked for."""
    options = {**AT_ONCE, "matches": MATCHES[:1], "mirror": 5}
    with served(shop, virtual_service(shop)) as original:
        call(shop, options, weight=20)
        wanted = shop.snapshot()
        [ours, theirs] = shop.get("VirtualService")["spec"]["http"]
        theirs["mirrorPercentage"] = {"value": 50}
        shop.patch("VirtualService", "shop", {"spec": {"http": [{**ours, "timeout": "1s"}, theirs]}})
        before = shop.snapshot()
        result = shop.module("canary_weight", {**options, "weight": 50})
        assert "http[name=progressive-delivery-canary] is" in result["msg"] and "mirrorPercentage is" in result["msg"]
        assert shop.snapshot() == before
        assert len(call(shop, options, weight=20, on_drift="repair")["drift"]) == 2
        assert shop.snapshot()["VirtualService/shop"]["spec"] == wanted["VirtualService/shop"]["spec"]
        call(shop, options, state="absent")
        assert shop.snapshot() == original
