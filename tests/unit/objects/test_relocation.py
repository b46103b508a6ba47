"""Somebody renames or edits what our changes stand in: they are found again there, or it is said that they are lost."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects import edits
from ansible_collections.progressive.delivery.plugins.module_utils._objects.edits import Edit
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Drifted
from hypothesis import given
from hypothesis import strategies as st

Object = dict[str, Any]


def route(host: str, **more: Any) -> Object:
    return {**more, "route": [{"destination": {"host": host}}]}


def split(step: Any, weight: int = 20, host: str = "shop") -> list[Edit]:
    """Both weights, in the route that the step selects."""
    at = ("spec", "http", step, "route")
    canary = {"destination": {"host": f"{host}-canary"}, "weight": weight}
    return [
        Edit((*at, {"destination.host": host}, "weight"), 100 - weight),
        Edit((*at, {"destination.host": f"{host}-canary"}), canary),
    ]


def virtual_service(*routes: Object) -> Object:
    return {"kind": "VirtualService", "metadata": {"name": "shop", "namespace": "test"}, "spec": {"http": list(routes)}}


def call(live: Object, wanted: list[Edit], on_drift: str = "fail") -> Object:
    return edits.stored(edits.edited(live, "shop", lambda _base: wanted, on_drift), 1.0)


def rename(http: list[Object]) -> None:
    http[0]["name"] = "new"


def nameless(http: list[Object]) -> None:
    del http[0]["name"]


def swap_and_rename(http: list[Object]) -> None:
    http.reverse()
    http[1]["name"] = "new"


def match(http: list[Object]) -> None:
    http[0]["match"] = [{"uri": {"prefix": "/new"}}]


def insert(http: list[Object]) -> None:
    http.insert(0, route("else"))


def other_host(http: list[Object]) -> None:
    http[0]["route"][0]["destination"]["host"] = "shop.test.svc.cluster.local"


NAMED = virtual_service(route("shop", name="p"), route("else", name="q"))
UNNAMED = virtual_service(route("shop", match=[{"uri": {"prefix": "/"}}]), route("else"))
FOUND = [
    pytest.param(NAMED, {"name": "p"}, rename, id="renamed"),
    pytest.param(NAMED, {"name": "p"}, nameless, id="without its name"),
    pytest.param(NAMED, {"name": "p"}, swap_and_rename, id="moved and renamed"),
    pytest.param(NAMED, {"name": "p"}, other_host, id="its stable destination written otherwise"),
    pytest.param(UNNAMED, {"match": [{"uri": {"prefix": "/"}}]}, match, id="other matches"),
    pytest.param(UNNAMED, 0, insert, id="another route put before one that is known by its place"),
]


@pytest.mark.parametrize(("original", "step", "by_somebody"), FOUND)
@pytest.mark.parametrize("on_drift", edits.ON_DRIFT)
def test_what_was_changed_is_found_again(original: Object, step: Any, by_somebody: Callable[[list[Object]], None], on_drift: str) -> None:
    live = call(original, split(step))
    wanted = copy.deepcopy(original)
    for obj in (live, wanted):
        by_somebody(obj["spec"]["http"])
    assert edits.lost(live, "shop") == []
    assert call(live, [], on_drift) == wanted
    assert edits.base_of(live, "shop", on_drift) == wanted


def gone(http: list[Object]) -> None:
    del http[0]


def renamed_and_reweighted(http: list[Object]) -> None:
    rename(http)
    http[0]["route"][0]["weight"] = 70


def copied(http: list[Object]) -> None:
    http.append({**copy.deepcopy(http[0]), "name": "copy"})
    rename(http)


@pytest.mark.parametrize("by_somebody", [gone, renamed_and_reweighted, copied])
def test_what_cannot_be_found_again_is_lost(by_somebody: Callable[[list[Object]], None]) -> None:
    live = call(NAMED, split({"name": "p"}))
    by_somebody(live["spec"]["http"])
    assert len(edits.lost(live, "shop")) == 2
    after = call(live, [])
    assert after["spec"] == live["spec"] and "annotations" not in after["metadata"]
    with pytest.raises(Drifted):
        call(live, split({"name": "p"}, 50))


def test_two_routes_are_not_taken_for_each_other() -> None:
    """One is renamed, the other one carries the same split and keeps its name."""
    original = virtual_service(route("shop", name="p"), route("shop", name="q"))
    live = call(original, split({"name": "p"}) + split({"name": "q"}))
    rename(live["spec"]["http"])
    wanted = copy.deepcopy(original)
    rename(wanted["spec"]["http"])
    assert call(live, []) == wanted


def test_an_owner_finds_its_own_beside_another() -> None:
    original = virtual_service(route("shop", name="p"), route("else", name="q"))
    live = edits.stored(edits.edited(original, "other", lambda _base: split({"name": "q"}, 10, "else"), "fail"), 1.0)
    live = call(live, split({"name": "p"}))
    rename(live["spec"]["http"])
    wanted = copy.deepcopy(original)
    rename(wanted["spec"]["http"])
    assert edits.stored(edits.edited(call(live, []), "other", lambda _base: [], "fail"), 2.0) == wanted


NAMES = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5, unique=True)


@given(NAMES, st.data())
def test_whatever_is_renamed_and_moved(names: list[str], data: st.DataObject) -> None:
    """Routes that are split each by a weight of its own, which tells them apart, go back wherever they are and whatever they are called."""
    original = virtual_service(*(route("shop", name=name) for name in names))
    chosen = data.draw(st.lists(st.sampled_from(names), unique=True))
    weights = dict(zip(chosen, range(10, 100, 10), strict=False))
    live = call(original, [edit for name, weight in weights.items() for edit in split({"name": name}, weight)])
    order = data.draw(st.permutations(range(len(names))))
    calls = data.draw(st.lists(st.sampled_from("uvwxyz"), min_size=len(names), max_size=len(names), unique=True))
    renamed = data.draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names)))
    for obj in (live, original):
        http = obj["spec"]["http"]
        for entry, name, is_renamed in zip(http, calls, renamed, strict=True):
            entry["name"] = name if is_renamed else entry["name"]
        http[:] = [http[index] for index in order]
    assert call(live, []) == original
