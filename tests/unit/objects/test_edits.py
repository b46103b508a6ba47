"""Edits of a user's object: what is remembered, what is put back, what is said when somebody else changed it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects import edits
from ansible_collections.progressive.delivery.plugins.module_utils._objects.edits import ANNOTATION, Edit
from ansible_collections.progressive.delivery.plugins.module_utils._objects.paths import MISSING
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Drifted, Refused
from ansible_collections.progressive.delivery.plugins.module_utils._objects.relocation import Field

HASH = ("spec", "selector", "pod-template-hash")
TRACK = ("spec", "selector", "track")
Object = dict[str, Any]


def service(selector: Any = None, annotations: Any = None) -> Object:
    metadata: Object = {"name": "shop", "namespace": "test"}
    if annotations is not None:
        metadata["annotations"] = annotations
    return {"kind": "Service", "metadata": metadata, "spec": {"selector": {"app": "shop"} if selector is None else selector}}


def call(live: Object, *wanted: Edit, by: str = "shop", on_drift: str = "fail", memory: Any = None, at: float = 1.0) -> Object:
    """What an action writes: the edited object with its memory, through JSON as from the API server."""
    kept = copy.deepcopy(live)
    result = edits.stored(edits.edited(live, by, lambda _base: wanted, on_drift, memory), at)
    assert live == kept
    return dict(json.loads(json.dumps(result)))


def pinned(pod_hash: str = "abc", **more: Any) -> Object:
    return call(service(**more), Edit(HASH, pod_hash))


def changed(obj: Object, path: tuple[str, ...], value: Any) -> Object:
    """The object after somebody else's hand."""
    other = copy.deepcopy(obj)
    parent = other
    for step in path[:-1]:
        parent = parent[step]
    if value is MISSING:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return other


@pytest.mark.parametrize("annotations", [None, {"team": "shop"}])
@pytest.mark.parametrize("selector", [{"app": "shop"}, {"app": "shop", "pod-template-hash": "old"}, {"track": "stable"}, {}])
def test_an_edit_is_made_remembered_repeated_for_nothing_and_put_back(selector: Object, annotations: Any) -> None:
    original = service(selector, annotations)
    wanted = (Edit(HASH, "abc"), Edit(TRACK, MISSING))
    live = call(original, *wanted)
    expected = {key: value for key, value in {**selector, "pod-template-hash": "abc"}.items() if key != "track"}
    assert live["spec"]["selector"] == expected
    assert {key: value for key, value in live["metadata"]["annotations"].items() if key != ANNOTATION} == (annotations or {})
    assert edits.same(live, call(live, *wanted, at=2.0))
    assert not edits.same(live, original)
    assert call(live) == original
    assert edits.same(original, call(original))


def test_nothing_is_remembered_of_what_is_so_already() -> None:
    assert call(service(), Edit(("spec", "selector", "app"), "shop"), Edit(TRACK, MISSING)) == service()


def test_the_result_depends_on_the_wish_and_not_on_the_calls_before() -> None:
    through_another = call(pinned("abc"), Edit(TRACK, "canary"))
    assert edits.same(through_another, call(service(), Edit(TRACK, "canary")))


def test_edits_are_computed_from_the_object_without_the_owners_own() -> None:
    seen: list[Object] = []
    edits.edited(pinned(annotations={"a": "b"}), "shop", lambda base: seen.append(base) or [], "fail")  # type: ignore[func-returns-value]
    assert all(base == service(annotations={"a": "b"}) for base in seen)


def test_parents_that_were_made_go_again_and_those_that_were_there_stay() -> None:
    bare = {"metadata": {"name": "shop"}}
    assert call(call(bare, Edit(HASH, "abc"), Edit(TRACK, "x"))) == bare
    empty = service({})
    assert call(call(empty, Edit(HASH, "abc"))) == empty


def test_the_memory_says_when_the_object_was_changed_and_for_whom() -> None:
    live = call(service(), Edit(HASH, "abc"), by="release", at=12.3456789)
    assert edits.changed_at(live) == 12.346
    assert edits.changed_at(service()) is None
    assert edits.fields_of(live) == [Field(HASH, MISSING, "abc", "release", 2)]


@pytest.mark.parametrize("was", [MISSING, None, 0, False, "", {}, [], {"a": [None]}])
@pytest.mark.parametrize("now", [MISSING, None, 1, "x", {"b": {}}])
def test_a_field_survives_being_stored(was: Any, now: Any) -> None:
    field = Field(("spec", "http", {"name": "a"}, 0), was, now, "shop", 2)
    loaded = edits.load(json.loads(json.dumps(edits.dump(field))))
    assert loaded == field
    assert (loaded.was is MISSING, loaded.now is MISSING) == (was is MISSING, now is MISSING)


@pytest.mark.parametrize("value", ["theirs", MISSING, None, {"a": 1}])
def test_drift_fails_unless_told_otherwise(value: Any) -> None:
    live = changed(pinned(), HASH, value)
    with pytest.raises(Drifted) as refused:
        call(live, Edit(HASH, "new"))
    assert str(refused.value).startswith("Service test/shop was changed by somebody else: spec.selector.pod-template-hash is ")
    assert 'was set to "abc": set on_drift to repair' in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("original", "theirs", "on_drift", "wish", "seen", "given_back"),
    [
        ({}, "theirs", "repair", "new", "new", MISSING),
        ({}, "theirs", "accept", "new", "new", "theirs"),
        ({}, "theirs", "repair", None, MISSING, MISSING),
        ({}, "theirs", "accept", None, "theirs", "theirs"),
        ({"pod-template-hash": "old"}, "theirs", "repair", "new", "new", "old"),
        ({"pod-template-hash": "old"}, "theirs", "accept", "new", "new", "theirs"),
        ({"pod-template-hash": "old"}, MISSING, "repair", None, "old", "old"),
        ({"pod-template-hash": "old"}, MISSING, "accept", None, MISSING, MISSING),
        ({}, "theirs", "accept", "theirs", "theirs", "theirs"),
    ],
)
def test_drift_is_repaired_or_accepted(original: Object, theirs: Any, on_drift: str, wish: Any, seen: Any, given_back: Any) -> None:
    live = changed(pinned(selector={"app": "shop", **original}), HASH, theirs)
    wanted = [] if wish is None else [Edit(HASH, wish)]
    assert edits.edited(live, "shop", lambda _base: wanted, on_drift).drifted == ["spec.selector.pod-template-hash"]
    after = call(live, *wanted, on_drift=on_drift)
    assert after["spec"]["selector"].get("pod-template-hash", MISSING) == seen
    assert edits.same(after, call(after, *wanted))
    restored = call(after)
    assert restored["spec"]["selector"].get("pod-template-hash", MISSING) == given_back
    assert "annotations" not in restored["metadata"]


def test_who_put_the_original_back_by_hand_is_in_nobodys_way_when_it_is_to_be_put_back() -> None:
    live = changed(pinned(), HASH, MISSING)
    assert call(live) == service()


@pytest.mark.parametrize(
    "now_there",
    [
        pytest.param({"app": "shop"}, id="died before the write"),
        pytest.param({"app": "shop", "pod-template-hash": "abc"}, id="annotation removed by somebody"),
    ],
)
def test_the_owners_own_memory_serves_where_the_annotation_has_none(now_there: Object) -> None:
    memory = [Field(HASH, MISSING, "abc", "shop", 2)]
    live = service(now_there)
    assert call(live, memory=memory) == service()
    after = call(live, Edit(HASH, "abc"), memory=memory)
    assert after["spec"]["selector"] == {"app": "shop", "pod-template-hash": "abc"}
    assert call(after) == service()


def test_the_annotation_outranks_the_owners_own_memory() -> None:
    # It was written down that "new" would be set, and the run died before it was.
    memory = [Field(HASH, MISSING, "new", "shop", 2)]
    after = call(pinned("abc"), Edit(HASH, "new"), memory=memory)
    assert edits.same(after, call(service(), Edit(HASH, "new")))


def test_own_memory_that_neither_value_fits_is_drift() -> None:
    with pytest.raises(Drifted):
        call(service({"pod-template-hash": "theirs"}), Edit(HASH, "abc"), memory=[Field(HASH, MISSING, "abc", "shop", 2)])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]x",
        "3",
        '"text"',
        "null",
        '[["fields", 1]]',
        '{"fields": 3}',
        '{"fields": [{}]}',
        '{"fields": ["x"]}',
        '{"fields": [{"path": 1, "by": "x"}]}',
    ],
)
def test_an_annotation_that_cannot_be_read_is_refused_by_name(text: str) -> None:
    live = service(annotations={ANNOTATION: text})
    with pytest.raises(
        Refused, match=f"^Service test/shop carries an annotation {ANNOTATION} that this collection did not write: put the object back"
    ) as told:
        call(live, Edit(HASH, "abc"))
    assert not isinstance(told.value, Drifted)


ROUTE = ("spec", "http", {"name": "primary"}, "route")
CANARY = {"destination": {"host": "shop-canary"}, "weight": 5}
STABLE_WEIGHT = (*ROUTE, {"destination.host": "shop"}, "weight")
ADDED = (*ROUTE, {"destination.host": "shop-canary"})


def routes(*destinations: Object, name: str = "primary") -> Object:
    return {
        "kind": "VirtualService",
        "metadata": {"name": "shop", "namespace": "test"},
        "spec": {"http": [{"name": name, "route": list(destinations)}]},
    }


SHOP: Object = {"destination": {"host": "shop"}}
OTHER: Object = {"destination": {"host": "other"}, "weight": 0}


def test_list_elements_are_added_changed_and_removed_again() -> None:
    original = routes(OTHER, SHOP)
    live = call(original, Edit(STABLE_WEIGHT, 95), Edit(ADDED, CANARY))
    assert live["spec"]["http"][0]["route"] == [OTHER, {**SHOP, "weight": 95}, CANARY]
    live["spec"]["http"].insert(0, {"name": "new", "redirect": {"uri": "/"}})
    live["spec"]["http"][1]["route"].reverse()
    live = call(live, Edit(STABLE_WEIGHT, 80), Edit(ADDED, {**CANARY, "weight": 20}))
    assert live["spec"]["http"][1]["route"] == [{**SHOP, "weight": 80}, OTHER, {**CANARY, "weight": 20}]
    assert call(live)["spec"]["http"] == [{"name": "new", "redirect": {"uri": "/"}}, {"name": "primary", "route": [SHOP, OTHER]}]


def test_a_selector_that_has_become_ambiguous_is_refused() -> None:
    live = call(routes(SHOP), Edit(STABLE_WEIGHT, 95), Edit(ADDED, CANARY))
    live["spec"]["http"][0]["route"].append(SHOP)
    with pytest.raises(
        Refused, match=r"^VirtualService test/shop has several elements that match spec.http\[name=primary\].route\[host=shop\].weight: "
    ):
        call(live)


@pytest.mark.parametrize(
    ("there_now", "repaired"),
    [
        pytest.param([SHOP], [{**SHOP, "weight": 95}, CANARY], id="both undone"),
        pytest.param([CANARY], [CANARY, {**SHOP, "weight": 95}], id="stable removed"),
        pytest.param([{**SHOP, "weight": 95}, {**CANARY, "weight": 50}], [{**SHOP, "weight": 95}, CANARY], id="canary changed"),
        pytest.param([], [{**SHOP, "weight": 95}, CANARY], id="all removed"),
    ],
)
def test_elements_that_somebody_changed_or_removed_are_repaired_whole(there_now: list[Object], repaired: list[Object]) -> None:
    wanted = (Edit(STABLE_WEIGHT, 95), Edit(ADDED, CANARY))
    live = call(routes({**SHOP, "weight": 100}), *wanted)
    live["spec"]["http"][0]["route"] = there_now
    with pytest.raises(Drifted):
        call(live, *wanted)
    after = call(live, *wanted, on_drift="repair")["spec"]["http"][0]["route"]
    assert sorted(after, key=str) == sorted(repaired, key=str)
