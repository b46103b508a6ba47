"""Which routers there are, how long each needs to converge, and which weights can be asked for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing import registry
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Split, Target, split_of


def _target(kind: str) -> Target:
    return Target(kind, "shop", "test", "shop", "shop-canary")


@pytest.mark.parametrize("kind", sorted(registry.ROUTERS))
def test_every_router_names_an_object_of_the_users_first_and_has_a_grace(kind: str) -> None:
    router = registry.router_of(_target(kind))
    first = next(iter(router.parts(_target(kind)).values()))
    assert (first.name, first.required) == ("shop", True)
    assert router.grace > 0


def test_an_unknown_router_is_refused_with_those_there_are() -> None:
    with pytest.raises(Refused, match=r"^router must be a known router, not 'nginx': use one of .*istio"):
        registry.router_of(_target("nginx"))


@pytest.mark.parametrize(
    ("kinds", "asked", "grace"),
    [
        (["istio"], None, 5.0),
        (["istio", "istio"], None, 5.0),
        ([], None, 5.0),
        (["istio"], 0.0, 0.0),
        (["istio"], 12.5, 12.5),
        ([], 1.0, 1.0),
    ],
)
def test_grace(kinds: list[str], asked: Any, grace: float) -> None:
    assert registry.default_grace(map(_target, kinds), asked) == grace


@pytest.mark.parametrize("weight", [0, 1, 50, 99, 100])
def test_the_split_of_a_weight(weight: int) -> None:
    assert split_of(weight) == Split(stable=100 - weight, canary=weight)


@pytest.mark.parametrize("weight", [-1, 101, 120])
def test_a_weight_out_of_range_is_refused(weight: int) -> None:
    with pytest.raises(Refused, match=f"^weight must be a whole number from 0 to 100, not {weight}: "):
        split_of(weight)
