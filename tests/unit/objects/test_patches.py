"""Merge patches turn one object into another, and diffs show people what was changed."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects import patches
from hypothesis import given, settings
from hypothesis import strategies as st

# A merge patch cannot set null, so none stands in a mapping; inside lists, which are replaced whole, it may.
LEAVES = st.one_of(
    st.integers(2, 5), st.booleans(), st.text("ab", max_size=2), st.lists(st.one_of(st.none(), st.integers(2, 5)), max_size=2)
)
OBJECTS = st.dictionaries(
    st.sampled_from("abcd"),
    st.recursive(
        LEAVES,
        lambda below: st.one_of(st.dictionaries(st.sampled_from("abcd"), below, max_size=3), st.lists(below, max_size=2)),
        max_leaves=6,
    ),
    max_size=4,
)


def apply_merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386, section 2, word for word."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = apply_merge_patch(result.get(name), value)
    return result


@settings(max_examples=100, deadline=None)
@given(OBJECTS, OBJECTS)
def test_the_patch_turns_before_into_after(before: dict[str, Any], after: dict[str, Any]) -> None:
    kept = copy.deepcopy((before, after))
    patch = patches.merge_patch(before, after)
    assert apply_merge_patch(before, patch) == after
    assert (patch == {}) == (before == after)
    assert (before, after) == kept


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        (
            {"spec": {"selector": {"app": "x"}, "type": "ClusterIP"}},
            {"spec": {"selector": {"app": "x", "v": "1"}, "type": "ClusterIP"}},
            {"spec": {"selector": {"v": "1"}}},
        ),
        ({"metadata": {"annotations": {"a": "1"}}}, {"metadata": {}}, {"metadata": {"annotations": None}}),
        ({"a": {"b": 1}}, {"a": {}}, {"a": {"b": None}}),
        ({"a": None}, {}, {"a": None}),
        ({"a": [1, {"b": 1}]}, {"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}),
        ({"a": {}}, {"a": []}, {"a": []}),
        ({"a": 1}, {"a": {"b": {}}}, {"a": {"b": {}}}),
    ],
)
def test_the_patch_holds_just_what_differs(before: dict[str, Any], after: dict[str, Any], patch: dict[str, Any]) -> None:
    assert patches.merge_patch(before, after) == patch


@pytest.mark.parametrize(
    ("patch", "sent"),
    [
        ({}, {"metadata": {"resourceVersion": "7"}}),
        ({"spec": {"a": 1}}, {"spec": {"a": 1}, "metadata": {"resourceVersion": "7"}}),
        ({"metadata": {"annotations": None}}, {"metadata": {"annotations": None, "resourceVersion": "7"}}),
        ({"metadata": {"resourceVersion": "1"}}, {"metadata": {"resourceVersion": "7"}}),
    ],
)
def test_a_guarded_patch_names_the_version_that_was_seen(patch: dict[str, Any], sent: dict[str, Any]) -> None:
    assert patches.with_resource_version(patch, {"metadata": {"name": "x", "resourceVersion": "7"}}) == sent


LIVE = {
    "kind": "Service",
    "metadata": {"name": "shop", "uid": "u", "resourceVersion": "1", "managedFields": [{}], "labels": {"a": "b"}},
    "spec": {},
    "status": {"x": 1},
}


@pytest.mark.parametrize(
    ("obj", "shown"),
    [(LIVE, {"kind": "Service", "metadata": {"name": "shop", "labels": {"a": "b"}}, "spec": {}}), (None, ""), ("text", "text")],
)
def test_a_diff_hides_what_the_api_server_keeps(obj: Any, shown: Any) -> None:
    assert patches.diff_entry("Service test/shop", obj, obj) == {
        "before_header": "Service test/shop",
        "after_header": "Service test/shop",
        "before": shown,
        "after": shown,
    }


def test_a_diff_hides_what_secrets_hold() -> None:
    secret = {"kind": "Secret", "metadata": {"name": "key"}, "data": {"a": "czNjcjN0"}, "stringData": {"b": "s3cr3t"}}
    hidden = {**secret, "data": {"a": "********"}, "stringData": {"b": "********"}}
    assert patches.diff_entry("Secret test/key", None, secret)["after"] == hidden and secret["data"] == {"a": "czNjcjN0"}
    config = {**secret, "kind": "ConfigMap"}
    assert patches.diff_entry("ConfigMap test/key", config, None)["before"] == config


def containers(**values: Any) -> list[dict[str, Any]]:
    return [{"name": "app", "image": "shop:1", "env": [{"name": name, "value": value} for name, value in values.items()]}]


def workload(**changes: Any) -> dict[str, Any]:
    """A Deployment with a variable in each place that can have one, and with the whole of it once more, as kubectl keeps it."""
    spec = {"containers": containers(**changes), "initContainers": containers(B="s3same"), "ephemeralContainers": containers(C="s3same")}
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": str(spec), "team": "shop"}
    return {
        "kind": "Deployment",
        "metadata": {"name": "shop", "annotations": annotations},
        "spec": {"template": {"metadata": {"labels": {"env": "prod"}}, "spec": spec}},
    }


def shown_values(entry: dict[str, Any], side: str, part: str = "containers") -> dict[str, str]:
    return {each["name"]: each["value"] for each in entry[side]["spec"]["template"]["spec"][part][0]["env"]}


def test_a_diff_hides_environment_values_and_still_says_which_changed() -> None:
    first = patches.diff_entry(
        "Deployment test/shop", workload(KEEP="s3same", EDIT="s3old", GONE="s3gone"), workload(KEEP="s3same", EDIT="s3x")
    )
    # The order differs, and a variable is new: each is compared with the one of its name.
    second = patches.diff_entry("Deployment test/shop", first["after"], workload(NEW="s3new", EDIT="s3edited", KEEP="s3same"))
    [merged] = patches.merge_diffs([first, second])
    assert "s3" not in str(merged) and "s3" not in str(first)
    assert shown_values(merged, "before") == {"KEEP": "********", "EDIT": "********", "GONE": "********"}
    assert shown_values(merged, "after") == {"NEW": "********", "EDIT": "******** (changed)", "KEEP": "********"}
    assert shown_values(merged, "after", "initContainers") == {"B": "********"}
    assert merged["after"]["metadata"]["annotations"] == {"team": "shop"}
    assert merged["after"]["spec"]["template"]["metadata"] == {"labels": {"env": "prod"}}
    assert merged["after"]["spec"]["template"]["spec"]["containers"][0]["image"] == "shop:1"


def test_a_change_of_nothing_but_a_secret_value_is_one() -> None:
    old, new = workload(A="s3old"), workload(A="s3new")
    assert len(patches.merge_diffs([patches.diff_entry("x", old, new)])) == 1
    assert patches.merge_diffs([patches.diff_entry("x", old, new), patches.diff_entry("x", new, old)]) == []
    secret = {"kind": "Secret", "metadata": {"name": "key"}, "data": {"a": "b2xk", "b": "c2FtZQ=="}}
    [entry] = patches.merge_diffs([patches.diff_entry("x", secret, {**secret, "data": {"a": "bmV3", "b": "c2FtZQ=="}})])
    assert entry["after"]["data"] == {"a": "******** (changed)", "b": "********"}
    assert patches.merge_diffs([patches.diff_entry("x", secret, copy.deepcopy(secret))]) == []


@settings(max_examples=100, deadline=None)
@given(
    st.recursive(
        st.sampled_from(["open", 1, None, True]),
        lambda below: st.one_of(
            st.lists(below, max_size=3),
            st.dictionaries(st.sampled_from(["a", "data", "value", "spec"]), below, max_size=3),
            st.builds(
                lambda rest, value: {**rest, "env": [{"name": "A", "value": value}, {"name": "B", "valueFrom": rest}, "open"]},
                st.dictionaries(st.sampled_from("ab"), below, max_size=2),
                st.sampled_from(["s3cret", {"x": "s3cret"}, ["s3cret"]]),
            ),
            st.builds(lambda data: {"kind": "Secret", "data": {"x": data}, "stringData": {"y": "s3cret"}}, st.just("s3cret")),
        ),
        max_leaves=8,
    )
)
def test_no_secret_value_is_in_a_diff_wherever_it_stands(data: Any) -> None:
    before = {"metadata": {}, "x": data}
    entry = patches.diff_entry("x", before, {"metadata": {}, "y": data})
    merged = patches.merge_diffs([entry, copy.deepcopy(entry)])
    assert "s3cret" not in json.dumps([entry, merged, patches.without_managed_fields(before)])


def test_a_result_shows_the_object_without_managed_fields() -> None:
    assert patches.without_managed_fields(LIVE)["metadata"] == {"name": "shop", "uid": "u", "resourceVersion": "1", "labels": {"a": "b"}}
    assert "managedFields" in LIVE["metadata"]


def entry(title: str, before: Any, after: Any) -> dict[str, Any]:
    return {"before_header": title, "after_header": title, "before": before, "after": after}


@pytest.mark.parametrize(
    ("entries", "merged"),
    [
        ([], []),
        ([entry("a", 1, 2), entry("b", 1, 2), entry("a", 2, 3)], [entry("a", 1, 3), entry("b", 1, 2)]),
        ([entry("a", 1, 2), entry("a", 2, 1)], []),
        ([entry("a", "", 2), entry("a", 2, "")], []),
    ],
)
def test_diffs_are_merged_by_object(entries: list[dict[str, Any]], merged: list[dict[str, Any]]) -> None:
    kept = copy.deepcopy(entries)
    assert patches.merge_diffs(entries) == merged
    assert entries == kept
