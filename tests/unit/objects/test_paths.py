"""Paths into objects: what they find, what they make on the way, what they leave behind, how people read them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects import paths
from ansible_collections.progressive.delivery.plugins.module_utils._objects.paths import MISSING

ROUTE: dict[str, Any] = {
    "spec": {
        "http": [
            {"match": [{"uri": {"exact": "/"}}], "redirect": {"uri": "/shop"}},
            {"name": "primary", "route": [{"destination": {"host": "shop", "port": {"number": 80}}, "weight": 100}]},
        ],
        "nothing": None,
        "empty": {},
    }
}
PRIMARY = ("spec", "http", {"name": "primary"}, "route")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), ROUTE),
        (("spec", "empty"), {}),
        (("spec", "nothing"), None),
        (("spec", "nothing", "below"), MISSING),
        (("spec", "http", 0, "redirect", "uri"), "/shop"),
        (("spec", "http", 2), MISSING),
        (("spec", 0), MISSING),
        (("spec", "http", "name"), MISSING),
        ((*PRIMARY, 0, "weight"), 100),
        ((*PRIMARY, {"destination.host": "shop"}, "weight"), 100),
        ((*PRIMARY, {"destination.host": "shop", "weight": 100}, "destination", "port", "number"), 80),
        ((*PRIMARY, {"destination.host": "other"}), MISSING),
        ((*PRIMARY, {"destination.host": "shop"}, "weight", "below"), MISSING),
        (("spec", {"name": "primary"}), MISSING),
    ],
)
def test_get(path: paths.Path, value: Any) -> None:
    assert paths.get(ROUTE, path) == value
    assert (paths.get(ROUTE, path) is MISSING) == (value is MISSING)


def test_a_selector_does_not_take_an_element_that_lacks_the_field() -> None:
    assert paths.get([{"name": "y"}, {}], ({"name": "x"},)) is MISSING
    assert paths.get(["text", 1, None], ({"name": "x"},)) is MISSING


def test_none_selects_the_element_without_the_field() -> None:
    elements = [{"name": "a", "match": 1}, {"match": 1}, {"match": 2}]
    path = ({"name": None, "match": 1}, "weight")
    assert paths.replace(elements, path, 5)[1] == {"match": 1, "weight": 5}
    assert paths.replace([], path, 5) == [{"match": 1, "weight": 5}]
    with pytest.raises(paths.AmbiguousPath):
        paths.get(elements, ({"name": None},))


@pytest.mark.parametrize(
    ("place", "after"),
    [(None, ["a", "b", "new"]), (0, ["new", "a", "b"]), (1, ["a", "new", "b"]), (9, ["a", "b", "new"])],
)
def test_a_new_element_is_put_where_it_is_wanted(place: int | None, after: list[str]) -> None:
    elements = [{"name": "a"}, {"name": "b"}]
    found = paths.replace(elements, ({"name": "new"},), {"x": 1}, place)
    assert [each["name"] for each in found] == after
    assert paths.replace(found, ({"name": "new"},), {"name": "new"}, 0)[after.index("new")] == {"name": "new"}, "one that is there stays"


@pytest.mark.parametrize(
    ("obj", "path", "value", "after"),
    [
        ({}, ("a",), 1, {"a": 1}),
        ({}, ("a", "b", "c"), None, {"a": {"b": {"c": None}}}),
        ({"a": {"b": 1}}, ("a", "b"), {"c": 2}, {"a": {"b": {"c": 2}}}),
        ({"a": {"b": 1}}, ("a", "b"), MISSING, {"a": {}}),
        ({"a": 1}, ("b", "c"), MISSING, {"a": 1}),
        ({"a": [1, 2]}, ("a", 1), 3, {"a": [1, 3]}),
        ({"a": [1, 2]}, ("a", 0), MISSING, {"a": [2]}),
        ({}, ("a", 0, "b"), 1, {"a": [{"b": 1}]}),
        ({"a": [{"n": "x"}]}, ("a", {"n": "x"}, "v"), 1, {"a": [{"n": "x", "v": 1}]}),
        ({"a": [{"n": "x"}]}, ("a", {"n": "y"}), {"n": "y"}, {"a": [{"n": "x"}, {"n": "y"}]}),
        ({"a": [{"n": "x"}, {"n": "y"}]}, ("a", {"n": "x"}), MISSING, {"a": [{"n": "y"}]}),
        ({"a": [{"n": "x"}]}, ("a", {"n": "y"}), MISSING, {"a": [{"n": "x"}]}),
        # What a selector makes must answer to it: an element without its name would be another one.
        ({"a": []}, ("a", {"n": "y"}, "v"), 1, {"a": [{"n": "y", "v": 1}]}),
        ({}, ("a", {"d.host": "y"}, "v"), 1, {"a": [{"d": {"host": "y"}, "v": 1}]}),
        ({}, ("a", {"n": "x"}, "r", {"d.h": "y"}, "v"), 1, {"a": [{"n": "x", "r": [{"d": {"h": "y"}, "v": 1}]}]}),
    ],
)
def test_replace(obj: Any, path: paths.Path, value: Any, after: Any) -> None:
    before = copy.deepcopy(obj)
    assert paths.replace(obj, path, value) == after
    assert obj == before


def test_replace_shares_nothing_with_what_it_was_given() -> None:
    obj: dict[str, Any] = {"a": {"b": []}}
    value: dict[str, Any] = {"x": []}
    changed = paths.replace(obj, ("c",), value)
    value["x"].append(1)
    obj["a"]["b"].append(1)
    assert changed == {"a": {"b": []}, "c": {"x": []}}


@pytest.mark.parametrize("step", [{"n": "x"}, {"d.host": "h"}])
def test_a_selector_with_two_answers_is_ambiguous(step: Any) -> None:
    obj = {"a": [{"n": "x", "d": {"host": "h"}}, {"n": "x", "d": {"host": "h"}}]}
    for call in (
        lambda: paths.get(obj, ("a", step)),
        lambda: paths.replace(obj, ("a", step, "v"), 1),
        lambda: paths.replace(obj, ("a", step), MISSING),
        lambda: paths.depth_present(obj, ("a", step)),
    ):
        with pytest.raises(paths.AmbiguousPath, match=r"^\[(n=x|host=h)\]$"):
            call()


@pytest.mark.parametrize(
    ("path", "depth"),
    [
        ((), 0),
        (("spec",), 1),
        (("spec", "empty", "a", "b"), 2),
        (("gone", "a"), 0),
        ((*PRIMARY, {"destination.host": "x"}, "weight"), 4),
        ((*PRIMARY, 0), 5),
    ],
)
def test_depth_present(path: paths.Path, depth: int) -> None:
    assert paths.depth_present(ROUTE, path) == depth


@pytest.mark.parametrize(
    ("obj", "path", "depth", "after"),
    [
        ({"a": {"b": {}}}, ("a", "b", "c"), 0, {}),
        ({"a": {"b": {}}}, ("a", "b", "c"), 1, {"a": {}}),
        ({"a": {"b": {}}}, ("a", "b", "c"), 2, {"a": {"b": {}}}),
        ({"a": {"b": {}, "x": 1}}, ("a", "b", "c"), 0, {"a": {"x": 1}}),
        ({"a": {"b": {"x": 1}}}, ("a", "b", "c"), 0, {"a": {"b": {"x": 1}}}),
        ({"a": []}, ("a", {"n": "x"}), 0, {}),
        ({}, ("a", "b", "c"), 0, {}),
    ],
)
def test_prune(obj: Any, path: paths.Path, depth: int, after: Any) -> None:
    assert paths.prune(obj, path, depth) == after


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("spec", "selector", "app.kubernetes.io/name"), "spec.selector.app.kubernetes.io/name"),
        (("spec", "http", {"name": "primary"}, "route", 0, "weight"), "spec.http[name=primary].route[0].weight"),
        (("spec", "http", 3, "route", {"destination.host": "shop"}), "spec.http[3].route[host=shop]"),
    ],
)
def test_show(path: paths.Path, text: str) -> None:
    assert paths.show(path) == text


def test_missing_is_one_thing_however_it_is_copied() -> None:
    assert copy.deepcopy({"a": MISSING})["a"] is MISSING
    assert not MISSING
    assert repr(MISSING) == "MISSING"
