"""Whatever stands in a VirtualService: a split changes weights that sum to 100 and nothing else, and leaves no trace."""

from __future__ import annotations

import copy
import json
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._objects import edits
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Target, Wish, split_of
from hypothesis import given, settings
from hypothesis import strategies as st

from .moves import carried_out

Object = dict[str, Any]

STABLE = st.sampled_from(["shop", "shop.test.svc.cluster.local"])
CANARY = st.sampled_from(["shop-canary", "shop-canary.test.svc.cluster.local"])
OTHER = st.sampled_from(["other", "shop.other.svc.cluster.local", "shop-canary-2", "example.org"])
JSON = st.recursive(
    st.one_of(st.none(), st.integers(), st.text("ab", max_size=3)),
    lambda below: st.dictionaries(st.sampled_from("ab"), below, max_size=2),
    max_leaves=4,
)
WEIGHTS = st.lists(st.integers(0, 100), min_size=1, max_size=4)


@st.composite
def destinations(draw: st.DrawFn, host: st.SearchStrategy[str]) -> Object:
    made: Object = {"destination": {"host": draw(host), **draw(st.sampled_from([{}, {"port": {"number": 80}}]))}}
    if draw(st.booleans()):
        made["weight"] = draw(st.integers(0, 100))
    return {**made, **draw(st.dictionaries(st.just("headers"), JSON, max_size=1))}


@st.composite
def moved_routes(draw: st.DrawFn) -> list[Object]:
    made = [draw(destinations(STABLE))]
    if draw(st.booleans()):
        made.insert(draw(st.integers(0, 1)), draw(destinations(CANARY)))
    return made


@st.composite
def virtual_services(draw: st.DrawFn) -> tuple[Object, list[int]]:
    """A VirtualService, and which of its routes lead to the stable Service."""
    http, moved = [], []
    for index in range(draw(st.integers(1, 4))):
        entry: Object = draw(st.dictionaries(st.sampled_from(["match", "timeout", "retries", "mirror", "corsPolicy"]), JSON, max_size=3))
        if draw(st.booleans()):
            entry["name"] = draw(st.sampled_from(["primary", "secondary"]))
        kind = draw(st.sampled_from(["moved", "other", "redirect"]))
        if kind == "moved":
            entry["route"] = draw(moved_routes())
            moved.append(index)
        elif kind == "other":
            entry["route"] = draw(st.lists(destinations(OTHER), max_size=2))
        else:
            entry["redirect"] = {"uri": "/"}
        http.append(entry)
    metadata = {"name": "shop", "namespace": "test", **draw(st.sampled_from([{}, {"annotations": {"team": "shop"}}]))}
    return {"kind": "VirtualService", "metadata": metadata, "spec": {"hosts": ["x"], "http": http}}, moved


def write(live: Object, target: Target, weight: int | None) -> Object:
    wish = None if weight is None else Wish(split_of(weight))
    return dict(json.loads(json.dumps(carried_out({"virtual_service": live}, target, wish)["virtual_service"])))


def without_weights(http: list[Object], moved: list[int], added: set[int]) -> list[Object]:
    """The routes without what a split may change: weights, and the canary destinations that were added."""
    plain = copy.deepcopy(http)
    for index in moved:
        if index in added:
            plain[index]["route"].pop()
        for each in plain[index]["route"]:
            each.pop("weight", None)
    return plain


@settings(max_examples=100, deadline=None)
@given(virtual_services(), WEIGHTS)
def test_any_splits_one_after_the_other(given_one: tuple[Object, list[int]], weights: list[int]) -> None:
    original, moved = given_one
    if not moved:
        return
    target = Target("istio", "shop", "test", "shop", "shop-canary", ("*",))
    before = original["spec"]["http"]
    live = original
    for weight in weights:
        live = write(live, target, weight)
        http = live["spec"]["http"]
        added = {index for index in moved if len(http[index]["route"]) > len(before[index]["route"])}
        assert added == {index for index in moved if len(before[index]["route"]) == 1 and weight > 0}
        assert without_weights(http, moved, added) == without_weights(before, moved, set())
        assert {**live["spec"], "http": None} == {**original["spec"], "http": None}
        for index in moved:
            shares = {each["destination"]["host"].split(".")[0]: each.get("weight", 0) for each in http[index]["route"]}
            assert weight in (0, shares.get("shop-canary"))
            assert len(shares) == 1 or (shares["shop"], sum(shares.values())) == (100 - weight, 100)
        assert edits.same(live, write(live, target, weight))
    assert write(live, target, None) == original
