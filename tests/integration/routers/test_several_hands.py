"""Others at the same router object: a process that keeps rewriting it as GitOps does, and another call that sets weights at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.calls import finish
from ansible_collections.progressive.delivery.tests.harness.two_versions import TwoVersions

OPTIONS: dict[str, Any] = {"router": "istio", "name": "shop", "stable_service": "shop", "canary_service": "shop-canary", "grace": 0}
# The last ones find what the first ones found, but for what is rare.
ROUNDS = [pytest.param(20, id="20"), pytest.param(50, id="50", marks=pytest.mark.full)]


def _virtual_service() -> dict[str, Any]:
    route = {"name": "primary", "retries": {"attempts": 2}, "route": [{"destination": {"host": "shop"}, "weight": 100}]}
    return {
        "apiVersion": "networking.istio.io/v1beta1",
        "kind": "VirtualService",
        "metadata": {"name": "shop"},
        "spec": {"hosts": ["shop.local"], "http": [route]},
    }


def _weights(shop: TwoVersions) -> list[Any]:
    return [each.get("weight") for each in shop.get("VirtualService", "shop")["spec"]["http"][0]["route"]]


@pytest.mark.parametrize("rounds", ROUNDS)
def test_two_calls_at_once_both_end_with_a_clear_result(shop: TwoVersions, rounds: int) -> None:
    """No update is lost: the object ends with the split of one of them, its parts sum to 100, and both say so or why not."""
    shop.make(_virtual_service())
    for number in range(rounds):
        asked = (number % 49 + 1, 99 - number % 49)
        calls = [shop.start_module("canary_weight", {**OPTIONS, "weight": weight, "require_ready": False}) for weight in asked]
        results = [finish(call) for call in calls]
        assert [result["weight"] for result in results] == [{"stable": 100 - weight, "canary": weight} for weight in asked], results
        stable, canary = _weights(shop)
        assert canary in asked and stable + canary == 100
        # The memory is that of the object before the first call, whoever came last.
        memory = json.loads(shop.get("VirtualService", "shop")["metadata"]["annotations"]["progressive.delivery/original"])
        assert [field.get("was") for field in memory["fields"]] == [100, None]
    before = _virtual_service()["spec"]
    assert shop.module("canary_weight", {**OPTIONS, "state": "absent"})["changed"]
    assert shop.get("VirtualService", "shop")["spec"] == before


# What the other writes, and what our next call with weight 30 makes of it: on_drift, the weights then, what the message says.
def _their_weights(stable: int, canary: int) -> dict[str, Any]:
    both = [{"destination": {"host": "shop"}, "weight": stable}, {"destination": {"host": "shop-canary"}, "weight": canary}]
    return {"spec": {"http": [{**_virtual_service()["spec"]["http"][0], "route": both}]}}


REVERTED = {"spec": _virtual_service()["spec"]}
STRIPPED = {**REVERTED, "metadata": {"annotations": None}}
DRIFTS = [
    pytest.param(REVERTED, "fail", [100], "route[host=shop].weight is 100, was set to 80", id="reverted, fail"),
    pytest.param(REVERTED, "repair", [70, 30], "", id="reverted, repair"),
    pytest.param(_their_weights(60, 40), "fail", [60, 40], "weight is 60, was set to 80", id="another split, fail"),
    pytest.param(_their_weights(60, 40), "repair", [70, 30], "", id="another split, repair"),
    pytest.param(_their_weights(60, 40), "accept", [70, 30], "", id="another split, accept"),
    pytest.param(STRIPPED, "fail", [70, 30], "", id="replaced as a whole, annotation and all: nothing of ours is left to have drifted"),
]


@pytest.mark.parametrize(("theirs", "on_drift", "after", "said"), DRIFTS)
def test_a_gitops_process_rewrites_the_object_between_our_calls(
    shop: TwoVersions, theirs: dict[str, Any], on_drift: str, after: list[int], said: str
) -> None:
    shop.make(_virtual_service())
    assert shop.module("canary_weight", {**OPTIONS, "weight": 20})["changed"]
    shop.patch("VirtualService", "shop", theirs)
    seen = shop.get("VirtualService", "shop")
    result = shop.module("canary_weight", {**OPTIONS, "weight": 30, "on_drift": on_drift})
    assert bool(result.get("failed")) == bool(said), result["msg"]
    assert _weights(shop) == after
    if said:
        assert said in result["msg"] and "on_drift" in result["msg"]
        assert shop.get("VirtualService", "shop") == seen, "a refusal wrote something"
    else:
        assert bool(result["drift"]) == (theirs is not STRIPPED)


def test_a_process_that_never_stops_rewriting(shop: TwoVersions) -> None:
    """Between every two of our calls; with `repair` each call ends with its own split, and putting back ends with theirs."""
    shop.make(_virtual_service())
    for weight in (10, 50, 90, 0):
        result = shop.module("canary_weight", {**OPTIONS, "weight": weight, "on_drift": "repair"})
        assert result["weight"] == {"stable": 100 - weight, "canary": weight}, result.get("msg")
        shop.patch("VirtualService", "shop", REVERTED)
    assert not shop.module("canary_weight", {**OPTIONS, "state": "absent"}).get("failed")
    found = shop.get("VirtualService", "shop")
    assert found["spec"] == _virtual_service()["spec"] and "annotations" not in found["metadata"]
