"""Several owners edit one object: whoever goes, and in whichever order, leaves the others' fields and in the end the original."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects import edits
from ansible_collections.progressive.delivery.plugins.module_utils._objects.edits import ANNOTATION, Edit
from ansible_collections.progressive.delivery.plugins.module_utils._objects.paths import MISSING
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Drifted
from hypothesis import given, settings
from hypothesis import strategies as st

Object = dict[str, Any]
Path = tuple[str, ...]
OWNERS = ("shop", "canary_weight/shop")
KEYS = st.sampled_from("abc")
LEAVES = st.one_of(st.none(), st.integers(2, 9), st.booleans(), st.text("xy", max_size=2), st.lists(st.integers(2, 9), max_size=2))
VALUES = st.recursive(LEAVES, lambda below: st.dictionaries(KEYS, below, max_size=2), max_leaves=3)
SPECS = st.dictionaries(KEYS, st.recursive(LEAVES, lambda below: st.dictionaries(KEYS, below, max_size=3), max_leaves=8), max_size=3)
PATHS = st.lists(KEYS, min_size=1, max_size=3).map(lambda keys: ("spec", *keys))
MAPPINGS = st.sampled_from([None, {"team": "shop"}])


def write(live: Object, by: str, wish: Mapping[Any, Any], on_drift: str = "fail") -> Object:
    """What the API server holds after a call: the live object itself where nothing needs to be written."""
    result = edits.edited(live, by, lambda _base: [Edit(path, value) for path, value in wish.items()], on_drift)
    wanted = json.loads(json.dumps(edits.stored(result, 1.0)))
    return live if edits.same(live, wanted) else dict(wanted)


def plain(obj: Object) -> Object:
    """The object without the memory."""
    copied = copy.deepcopy(obj)
    annotations = copied["metadata"].get("annotations", {})
    annotations.pop(ANNOTATION, None)
    if not annotations:
        copied["metadata"].pop("annotations", None)
    return copied


def put(obj: Object, path: Path, value: Any) -> None:
    for key in path[:-1]:
        if value is MISSING and key not in obj:
            return
        obj = obj.setdefault(key, {})
    if value is MISSING:
        obj.pop(path[-1], None)
    else:
        obj[path[-1]] = copy.deepcopy(value)


def walkable(obj: Object, path: Path) -> bool:
    """Whether all of the path but its end leads through mappings, or through nothing."""
    at: Any = obj
    for key in path[:-1]:
        if not isinstance(at, dict):
            return False
        if key not in at:
            return True
        at = at[key]
    return isinstance(at, dict)


def apart(chosen: list[Path]) -> list[Path]:
    """The paths none of which lies above another."""
    return [path for path in chosen if not any(other != path and path == other[: len(path)] for other in chosen)]


@st.composite
def stories(draw: st.DrawFn) -> tuple[Object, list[tuple[str, dict[Path, Any]]]]:
    """An object, and calls of two owners, each with paths of its own."""
    metadata: Object = {"name": "shop", "namespace": "test"}
    annotations = draw(MAPPINGS)
    obj: Object = {
        "kind": "Service",
        "metadata": {**metadata, **({"annotations": annotations} if annotations else {})},
        "spec": draw(SPECS),
    }
    chosen = [path for path in apart(draw(st.lists(PATHS, min_size=1, max_size=6, unique=True))) if walkable(obj, path)]
    owner_of = {path: draw(st.sampled_from(OWNERS)) for path in chosen}
    calls = []
    for by in draw(st.lists(st.sampled_from(OWNERS), max_size=6)):
        mine = [path for path in chosen if owner_of[path] == by]
        wished = draw(st.lists(st.sampled_from(mine), unique=True)) if mine else []
        calls.append((by, {path: draw(st.one_of(VALUES, st.just(MISSING))) for path in wished}))
    return obj, calls


@settings(max_examples=100, deadline=None)
@given(stories(), st.permutations(OWNERS))
def test_owners_of_different_fields_do_not_notice_each_other(
    story: tuple[Object, list[tuple[str, dict[Path, Any]]]], leaving: list[str]
) -> None:
    original, calls = story
    wishes: dict[str, dict[Path, Any]] = {by: {} for by in OWNERS}
    live = original
    for by, wish in [*calls, *((by, {}) for by in leaving)]:
        live = write(live, by, wish)
        wishes[by] = wish
        expected = copy.deepcopy(original)
        for each in wishes.values():
            for path, value in each.items():
                put(expected, path, value)
        assert plain(live) == expected
        for other in OWNERS:
            assert write(live, other, wishes[other]) is live, f"a repeated call of {other} writes"
    assert live == original


@st.composite
def quarrels(draw: st.DrawFn) -> list[tuple[str, Any, str]]:
    """Calls of two owners about the same field: who, the value (None: put it back), and what is to be done about drift."""
    step = st.tuples(st.sampled_from(OWNERS), st.one_of(st.none(), st.integers(1, 4)), st.sampled_from(edits.ON_DRIFT))
    return draw(st.lists(step, max_size=6))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([{}, {"a": {}}, {"a": {"b": 2}}]), quarrels(), st.permutations(OWNERS), st.sampled_from(["repair", "accept"]))
def test_owners_of_the_same_field_notice_and_lose_nothing(
    spec: Object, calls: list[tuple[str, Any, str]], leaving: list[str], on_drift: str
) -> None:
    original: Object = {"kind": "Service", "metadata": {"name": "shop", "namespace": "test"}, "spec": spec}
    live = original
    for by, value, manner in [*calls, *((by, None, on_drift) for by in leaving)]:
        wish = {} if value is None else {("spec", "a", "b"): value}
        try:
            live = write(live, by, wish, manner)
        except Drifted:
            assert manner == "fail"
            continue
        if value is not None:
            assert live["spec"]["a"]["b"] == value
            assert write(live, by, wish) is live
    assert live == original


@pytest.mark.parametrize(("first", "second"), [OWNERS, OWNERS[::-1]])
def test_who_laid_the_last_hand_on_a_field_takes_it_away_first(first: str, second: str) -> None:
    path = ("spec", "selector", "pod-template-hash")
    original: Object = {"kind": "Service", "metadata": {"name": "shop", "namespace": "test"}, "spec": {"selector": {"app": "shop"}}}
    live = write(write(original, first, {path: "one"}), second, {path: "two"})
    # What the first has set is not what serves now: it must not go on as if it were.
    for wish in ({path: "one"}, {path: "three"}, {}):
        with pytest.raises(Drifted, match='pod-template-hash is "two", was set to "one"'):
            write(live, first, wish)
    live = write(live, second, {})
    assert live["spec"]["selector"] == {"app": "shop", "pod-template-hash": "one"}
    assert write(live, first, {}) == original
