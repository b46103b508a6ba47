"""A move with a probe returns as soon as the split is really served, and says what was measured."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.two_versions import TwoVersions

GRACE = 300  # far longer than a probe takes, also on a busy machine
OPTIONS: dict[str, Any] = {"router": "istio", "name": "shop", "stable_service": "shop", "canary_service": "shop-canary", "grace": GRACE}


@pytest.fixture
def routed(shop: TwoVersions) -> TwoVersions:
    route = [{"destination": {"host": "shop"}, "weight": 100}, {"destination": {"host": "shop-canary"}, "weight": 0}]
    shop.make(
        {
            "apiVersion": "networking.istio.io/v1beta1",
            "kind": "Gateway",
            "metadata": {"name": "shop"},
            "spec": {
                "selector": {"istio": "ingressgateway"},
                "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": [shop.host]}],
            },
        }
    )
    shop.make(
        {
            "apiVersion": "networking.istio.io/v1beta1",
            "kind": "VirtualService",
            "metadata": {"name": "shop"},
            "spec": {"hosts": [shop.host], "gateways": ["shop"], "http": [{"route": route}]},
        }
    )
    shop.wait_for("GATEWAY_ISTIO", "blue")
    return shop


def _probe(shop: TwoVersions, **more: Any) -> dict[str, Any]:
    host, port = shop.address("GATEWAY_ISTIO")
    return {"url": f"http://{host}:{port}/", "headers": {"Host": shop.host}, "expect": {"canary": "x-version: yellow"}, **more}


def test_each_move_is_seen_before_the_call_returns(routed: TwoVersions) -> None:
    for weight in (5, 50, 100, 0):
        began = time.monotonic()
        result = routed.module("canary_weight", {**OPTIONS, "weight": weight, "probe": _probe(routed)})
        assert not result.get("failed"), result["msg"]
        measured = result["measured"]
        assert measured["conclusive"] and measured["failed"] == 0
        assert measured["requests"] == measured["canary"] + measured["stable"]
        assert abs(measured["share"] - weight) <= 20, measured
        assert time.monotonic() - began < GRACE, "it waited the grace"
        routed.check_split("GATEWAY_ISTIO", weight, count=1000)


def test_what_is_not_served_fails_and_says_what_was_seen(routed: TwoVersions) -> None:
    """The probe asks for a host of nobody: the split is written, and never seen."""
    probe = _probe(routed, headers={"Host": "nobody.local"}, timeout="2s")
    result = routed.module("canary_weight", {**OPTIONS, "weight": 20, "probe": probe})
    assert result["failed"] and "the split was not served within 2s: asked 20 %" in result["msg"]
    assert "status 404" in result["msg"]


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ({"url": "shop", "expect": {"canary": "x"}}, "probe.url must be a URL, not 'shop'"),
        ({"url": "http://127.0.0.1/", "expect": {}}, "probe"),
        ({"url": "http://127.0.0.1/", "expect": {"canary": "("}}, "probe.expect.canary must be a regular expression, not '('"),
    ],
)
def test_a_bad_probe_writes_nothing(routed: TwoVersions, probe: dict[str, Any], said: str) -> None:
    before = routed.get("VirtualService", "shop")
    result = routed.module("canary_weight", {**OPTIONS, "weight": 20, "probe": probe})
    assert result["failed"] and said in result["msg"]
    assert routed.get("VirtualService", "shop") == before
