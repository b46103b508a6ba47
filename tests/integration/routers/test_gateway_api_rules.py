"""Matches and copies of canary_weight on routes of the Gateway API, and what is refused, against Traefik and istiod with real traffic."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness import grpc, routers
from ansible_collections.progressive.delivery.tests.harness.calls import until
from ansible_collections.progressive.delivery.tests.harness.two_versions import CANARY, STABLE, TwoVersions

OPTIONS: dict[str, Any] = {"router": "gateway_api", "name": "shop", "stable_service": "shop", "canary_service": "shop-canary"}
AT_ONCE = {**OPTIONS, "grace": 0}
GRACE = {"TRAEFIK": "2s", "ISTIO_API": "1s"}  # how long each was seen to serve an old split
CONTROLLERS = ["TRAEFIK", "ISTIO_API"]
STRIPPED = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}


def user_route(shop: TwoVersions, controller: str) -> dict[str, Any]:
    """All paths to the stable Service, those below /old without this prefix; those below /fixed to another Service of that version."""
    [item] = routers.http_route(shop, 0, controller)
    [rule] = item["spec"]["rules"]
    fixed = [{"name": "fixed", "port": 80}]
    item["spec"]["rules"] = [
        {**rule, "name": "all"},
        {**rule, "name": "old", "matches": [{"path": {"value": "/old"}}], "filters": [STRIPPED]},
        {"matches": [{"path": {"value": "/fixed"}}], "backendRefs": fixed},
    ]
    return dict(item)


@pytest.fixture(autouse=True)
def fixed(shop: TwoVersions) -> None:
    """A Service of the stable version that is not part of the release."""
    service = shop.get("Service", "shop")
    spec = {"selector": service["spec"]["selector"], "ports": service["spec"]["ports"]}
    shop.make({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "fixed"}, "spec": spec})


def call(shop: TwoVersions, options: dict[str, Any], **more: Any) -> dict[str, Any]:
    result = shop.module("canary_weight", {**options, **more})
    assert not result.get("failed"), result["msg"]
    return result


QA = {"headers": {"X-Qa": "1"}}
# The matches, then what a request has and which version must answer it at weight 0, or at 100.
MATCHES: dict[str, tuple[dict[str, Any], list[tuple[dict[str, Any], str]]]] = {
    "a header, only where the rule's requests are": (
        {"weight": 0, "matches": [QA]},
        [
            ({}, STABLE),
            ({"headers": {"X-Qa": "1"}}, CANARY),
            ({"headers": {"x-qa": "1"}, "path": "/old/a"}, CANARY),
            ({"headers": {"X-Qa": "2"}}, STABLE),
            ({"headers": {"X-Qa": "1"}, "path": "/fixed"}, STABLE),
        ],
    ),
    "a header wherever it is": (
        {"weight": 0, "matches": [QA], "inherit": False},
        [({}, STABLE), ({"headers": {"X-Qa": "1"}}, CANARY), ({"headers": {"X-Qa": "1"}, "path": "/fixed/a"}, CANARY)],
    ),
    "patterns of headers and of the query, and cookies": (
        {
            "weight": 0,
            "matches": [
                {"headers": {"X-User": {"prefix": "an.n"}}},
                {"headers": {"X-Team": {"regex": "a|b"}}},
                {"query": {"qa": {"present": True}}},
                {"cookies": {"qa": {"exact": "1"}}},
                {"cookies": {"user": {"prefix": "an"}}},
            ],
        },
        [
            ({"headers": {"X-User": "an.na"}}, CANARY),
            ({"headers": {"X-User": "anxna"}}, STABLE),
            ({"headers": {"X-User": "xan.n"}}, STABLE),
            ({"headers": {"X-Team": "b"}}, CANARY),
            ({"headers": {"X-Team": "bc"}}, STABLE),
            ({"query": {"a": "1", "qa": "x"}}, CANARY),
            ({"query": {"qab": "x"}}, STABLE),
            ({"cookies": {"a": "b", "qa": "1", "c": "d"}}, CANARY),
            ({"cookies": {"user": "ann"}}, CANARY),
            ({"cookies": {"qa": "11"}}, STABLE),
            ({"cookies": {"xqa": "1"}}, STABLE),
            ({"cookies": {"a": "qa=1"}}, STABLE),
        ],
    ),
    "a path and a method": (
        {"weight": 0, "routes": ["all"], "matches": [{"path": {"prefix": "/new"}, "method": "POST"}, {"path": {"exact": "/now"}}]},
        [
            ({"path": "/new/a", "method": "POST"}, CANARY),
            ({"path": "/new"}, STABLE),
            ({"path": "/newer", "method": "POST"}, STABLE),
            ({"path": "/now"}, CANARY),
            ({"path": "/now/a"}, STABLE),
        ],
    ),
    "all of a match": (
        {"weight": 0, "matches": [{"headers": {"X-Qa": "1", "X-Team": "a"}, "query": {"q": "1"}}]},
        [
            ({"headers": {"X-Qa": "1", "X-Team": "a"}, "query": {"q": "1"}}, CANARY),
            ({"headers": {"X-Qa": "1"}, "query": {"q": "1"}}, STABLE),
            ({"headers": {"X-Qa": "1", "X-Team": "a"}}, STABLE),
        ],
    ),
}


@pytest.mark.parametrize("controller", [CONTROLLERS[0], pytest.param(CONTROLLERS[1], marks=pytest.mark.full)])
def test_matches_are_always_obeyed(shop: TwoVersions, controller: str) -> None:
    gateway = f"GATEWAY_{controller}"
    shop.make(user_route(shop, controller))
    shop.wait_for(gateway, STABLE)
    before = shop.snapshot()
    options = {**OPTIONS, "grace": GRACE[controller], "routes": ["*"]}
    for asked, requests in MATCHES.values():
        assert call(shop, {**options, **asked})["changed"]
        for request, version in requests:
            assert shop.split(gateway, 100, **request) == {version: 100}, (asked, request)
    assert call(shop, options, weight=50, matches=[QA])["changed"]
    assert shop.split(gateway, 200, headers={"X-Qa": "1"}) == {CANARY: 200}
    assert shop.see(gateway, path="/old/a", headers={"X-Qa": "1"})["path"] == "/a", "the managed rule rewrites otherwise"
    shop.check_split(gateway, 50, count=1000)
    assert call(shop, options, state="absent")["changed"]
    assert shop.snapshot() == before
    assert shop.split(gateway, 200, headers={"X-Qa": "1"}) == {STABLE: 200}


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_headers_of_grpc_calls(shop: TwoVersions, controller: str) -> None:
    gateway = f"GATEWAY_{controller}"
    [item] = routers.grpc_route(shop, 0, controller)
    [rule] = item["spec"]["rules"]
    item["spec"]["rules"] = [{**rule, "matches": [{"method": {"service": "shop.Shop"}}]}, {**rule, "name": "rest"}]
    shop.make(item)
    shop.wait_for(gateway, STABLE)
    before = shop.snapshot()
    options = {**OPTIONS, "kind": "GRPCRoute", "grace": GRACE[controller], "routes": ["*"]}
    call(shop, options, weight=0, matches=[{"headers": {"x-user": {"prefix": "ann"}}}])

    def answers(path: str, user: str) -> str:
        return str(grpc.call(*shop.address(gateway), shop.host, path, {"x-user": user})["version"])

    for path in ("/shop.Shop/Buy", "/other.Other/Do"):
        assert {answers(path, "anne") for _number in range(10)} == {CANARY}
        assert {answers(path, "bob") for _number in range(10)} == {STABLE}
    call(shop, options, state="absent")
    assert shop.snapshot() == before


def test_copies_arrive_and_do_not_answer(shop: TwoVersions) -> None:
    gateway = "GATEWAY_ISTIO_API"
    shop.make(user_route(shop, "ISTIO_API"))
    shop.wait_for(gateway, STABLE)
    before = shop.snapshot()
    options = {**OPTIONS, "grace": "1s", "routes": ["all"]}
    assert call(shop, options, mirror=100)["changed"] and not call(shop, options, mirror=100)["changed"]
    got = shop.received(CANARY)
    assert shop.split(gateway, 300) == {STABLE: 300}
    until("all copies have arrived", lambda: shop.received(CANARY) - got == 300, seconds=10)
    assert shop.split(gateway, 50, path="/fixed") == {STABLE: 50}
    assert shop.received(CANARY) - got == 300, "requests of another rule are copied"
    assert call(shop, options, state="absent")["changed"] and shop.snapshot() == before
    assert shop.split(gateway, 50) == {STABLE: 50} and shop.received(CANARY) - got == 300


def test_traefik_breaks_rules_that_mirror_and_is_not_asked_to(shop: TwoVersions) -> None:
    """It reports the route as accepted, and answers 500: when that has changed, the refusal can go."""
    item = user_route(shop, "TRAEFIK")
    copies = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "fixed", "port": 80}}}
    item["spec"]["rules"][1]["filters"] = [copies]
    shop.make(item)
    shop.wait_for("GATEWAY_TRAEFIK", STABLE)
    assert {each.status for each in shop.ask("GATEWAY_TRAEFIK", 10, path="/old").requests} == {500}
    before = shop.snapshot()
    result = shop.module("canary_weight", {**AT_ONCE, "routes": ["all"], "mirror": 100})
    assert result["failed"] and "is served by Traefik, which cannot mirror" in result["msg"]
    assert shop.snapshot() == before


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no such route": ({"name": "nope"}, "HTTPRoute {ns}/nope does not exist: check its name and the namespace"),
    "no such stable Service": (
        {"stable_service": "nope", "routes": []},
        "leads to Service 'nope' (its backends: fixed, shop, shop-canary)",
    ),
    "no such canary Service": ({"canary_service": "nope", "additional_destinations": ["shop-canary"]}, "Service {ns}/nope does not exist"),
    "two rules": ({"routes": []}, "has 2 rules that lead to Service 'shop' (rule 'all', rule 'old')"),
    "no such rule": ({"routes": ["nope"]}, "has no rule named 'nope' (it has: all, old)"),
    "a pattern of paths": (
        {"matches": [{"path": {"regex": "/a.*"}}]},
        "have path regex '/a.*', which router gateway_api cannot match",
    ),
    "another path where the prefix is replaced": ({"routes": ["old"], "matches": [{"path": "/old/a"}]}, "rule 'old' replaces the prefix"),
    "a switch": ({"matches": [{"headers": {"a": {"switch": True}}}]}, "have header a switch, which router gateway_api cannot match"),
    "version": ({"api_version": "v1alpha1"}, "api_version 'v1alpha1' does not serve HTTPRoute: use one of gateway.networking.k8s.io/v1,"),
    "an option of another router": ({"canary_ingress": "x"}, "canary_ingress cannot be used with router gateway_api"),
}


def test_bad_input_is_one_clear_line_and_writes_nothing(shop: TwoVersions) -> None:
    shop.make(user_route(shop, "TRAEFIK"))
    shop.wait_for("GATEWAY_TRAEFIK", STABLE)
    before = shop.snapshot()
    for case, (options, message) in REFUSED.items():
        result = shop.module("canary_weight", {**AT_ONCE, "weight": 20, "routes": ["all"], **options})
        assert result["failed"] and not result.get("changed") and "\n" not in result["msg"], case
        assert message.format(ns=shop.namespace) in result["msg"], (case, result["msg"])
    assert shop.snapshot() == before


@pytest.mark.parametrize("kind", ["TCPRoute", "TLSRoute"])
def test_routes_without_requests_have_no_matches_and_no_copies(shop: TwoVersions, kind: str) -> None:
    [item] = {"TCPRoute": routers.tcp_route, "TLSRoute": routers.tls_route}[kind](shop, 0, "ISTIO_API")
    shop.make(item)
    for asked in ({"matches": [QA]}, {"mirror": 100}):
        result = shop.module("canary_weight", {**AT_ONCE, "kind": kind, "api_version": "v1", **asked}, check=True)
        assert result["failed"] and f"{kind} {shop.namespace}/shop cannot do {next(iter(asked))} with router gateway_api" in result["msg"]


# Parents


def test_a_route_that_is_new_is_waited_for(shop: TwoVersions) -> None:
    shop.make(user_route(shop, "TRAEFIK"))
    result = shop.module("canary_weight", {**AT_ONCE, "routes": ["*"], "weight": 20})
    assert result.get("changed"), result["msg"]


def test_a_route_attached_to_nothing_is_refused(shop: TwoVersions) -> None:
    item = user_route(shop, "TRAEFIK")
    item["spec"]["parentRefs"] = [{"name": "nobodys"}]
    shop.make(item)
    before = shop.snapshot()
    for options in ({"wait_timeout": 2}, {"wait": False}):
        began = time.monotonic()
        result = shop.module("canary_weight", {**AT_ONCE, **options, "routes": ["*"], "weight": 20})
        assert result["failed"] and not result.get("changed") and time.monotonic() - began < 60, "it waited the default time"
        says = f"has no status from a controller for Gateway {shop.namespace}/nobodys: check that this exists"
        assert says in result["msg"], result["msg"]
    assert shop.snapshot() == before
    shop.patch("HTTPRoute", "shop", {"spec": {"parentRefs": []}})
    result = shop.module("canary_weight", {**AT_ONCE, "routes": ["*"], "weight": 20})
    assert result["failed"] and "has no parentRefs and is attached to nothing" in result["msg"]
    shop.patch(
        "HTTPRoute", "shop", {"spec": {"parentRefs": [{"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "nobodys"}]}}
    )
    assert shop.snapshot() == before


@pytest.mark.parametrize("controller", CONTROLLERS)
def test_a_parent_that_refuses_fails_the_call_at_once(shop: TwoVersions, controller: str) -> None:
    """Before the write nothing is written; what is refused after it is told of in the controller's words, and put back at once."""
    shop.make(user_route(shop, controller))
    shop.wait_for(f"GATEWAY_{controller}", STABLE)
    original = shop.snapshot()
    options = {**AT_ONCE, "routes": ["all"], "canary_service": "missing", "additional_destinations": ["shop-canary"], "weight": 100}
    began = time.monotonic()
    result = shop.module("canary_weight", {**options, "require_ready": False, "wait_timeout": 300})
    assert result["failed"] and time.monotonic() - began < 300
    assert "ResolvedRefs=False, BackendNotFound (" in result["msg"] and "missing" in result["msg"], result["msg"]
    assert "was put back as it was before this call" in result["msg"], result["msg"]
    assert shop.snapshot() == original
    assert not call(shop, options, state="absent", weight=None)["changed"]
    parents = [{**shop.get("HTTPRoute")["spec"]["parentRefs"][0], "sectionName": "tcp-0"}]
    shop.patch("HTTPRoute", "shop", {"spec": {"parentRefs": parents}})

    def refused() -> bool:
        result = shop.module("canary_weight", {**AT_ONCE, "routes": ["*"], "weight": 5}, check=True)
        return (
            bool(result.get("failed"))
            and f"HTTPRoute {shop.namespace}/shop is not served by Gateway" in result["msg"]
            and "Accepted=False" in result["msg"]
        )

    until("the listener refuses it", refused)
