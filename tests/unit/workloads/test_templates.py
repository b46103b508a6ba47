"""Changes of a pod template, merged as `kubectl patch` merges them: afterwards the template says what was asked for."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.templates import MERGE_KEYS, merged
from hypothesis import given
from hypothesis import strategies as st

BASE: dict[str, Any] = {
    "metadata": {"labels": {"app": "shop"}},
    "spec": {
        "containers": [
            {"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}], "args": ["--one"]},
            {"name": "b", "image": "b:1", "ports": [{"name": "http", "containerPort": 80}]},
        ],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "tolerations": [{"key": "k"}],
    },
}


def container(name: str, **more: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": name, **more}]}}


# the changes, the path to what is different, what stands there then
CASES: list[Any] = [
    (container("a", image="a:2"), ("spec", "containers", 0, "image"), "a:2"),
    (container("a", image="a:2"), ("spec", "containers", 1), BASE["spec"]["containers"][1]),
    (container("c", image="c:1"), ("spec", "containers", 2), {"name": "c", "image": "c:1"}),
    (container("a", env=[{"name": "Y", "value": "3"}]), ("spec", "containers", 0, "env", 1, "value"), "3"),
    (container("a", env=[{"name": "Z", "value": "3"}]), ("spec", "containers", 0, "env", 2), {"name": "Z", "value": "3"}),
    (
        container("a", env=[{"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
        ("spec", "containers", 0, "env", 0),
        {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ),
    (container("a", env=[{"name": "X", "$patch": "delete"}]), ("spec", "containers", 0, "env"), [{"name": "Y", "value": "2"}]),
    (container("a", args=["--two"]), ("spec", "containers", 0, "args"), ["--two"]),
    (container("a", args=None), ("spec", "containers", 0), {key: BASE["spec"]["containers"][0][key] for key in ("name", "image", "env")}),
    (container("b", ports=[{"containerPort": 81}]), ("spec", "containers", 1, "ports", 1), {"containerPort": 81}),
    ({"spec": {"tolerations": [{"key": "other"}]}}, ("spec", "tolerations"), [{"key": "other"}]),
    ({"spec": {"volumes": [{"name": "w", "emptyDir": {}}]}}, ("spec", "volumes", 1, "name"), "w"),
    ({"metadata": {"annotations": {"x": "y"}}}, ("metadata", "annotations"), {"x": "y"}),
    ({"metadata": {"labels": {"app": None, "version": "2"}}}, ("metadata", "labels"), {"version": "2"}),
    ({"spec": {"nodeSelector": {"disk": "fast", "old": None}}}, ("spec", "nodeSelector"), {"disk": "fast"}),
]


@pytest.mark.parametrize(("changes", "path", "expected"), CASES)
def test_merged(changes: dict[str, Any], path: tuple[Any, ...], expected: Any) -> None:
    before = copy.deepcopy(BASE)
    at: Any = merged(BASE, changes)
    for step in path:
        at = at[step]
    assert at == expected
    assert before == BASE


@given(st.lists(st.sampled_from([changes for changes, _path, _expected in CASES]), max_size=4))
def test_the_same_changes_again_change_nothing(changes: list[dict[str, Any]]) -> None:
    """Else each call would find another version than the one before."""
    once = BASE
    for each in changes:
        once = merged(once, each)
    assert merged(once, changes[-1] if changes else {}) == once


DNS = [{"containerPort": 53, "name": "dns", "protocol": "UDP"}, {"containerPort": 53, "name": "dns-tcp", "protocol": "TCP"}]
ZONE, NODE = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
SPREAD = [
    {"topologyKey": ZONE, "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 1},
    {"topologyKey": ZONE, "whenUnsatisfiable": "ScheduleAnyway", "maxSkew": 1},
]
TWICE = [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}, {"name": "X", "value": "3"}]

# the list's name, the list before, the changes, the list after
LISTS: dict[str, tuple[str, list[Any], list[Any], list[Any]]] = {
    "a variable that stands twice: the container sees the last": (
        "env",
        TWICE,
        [{"name": "X", "value": "4"}],
        [*TWICE[:2], {"name": "X", "value": "4"}],
    ),
    "a variable that stands twice goes whole": ("env", TWICE, [{"name": "X", "$patch": "delete"}], TWICE[1:2]),
    "a variable that is given twice": (
        "env",
        [],
        [{"name": "X", "value": "1"}, {"name": "X", "value": "2"}],
        [{"name": "X", "value": "2"}],
    ),
    "53/TCP beside 53/UDP": ("ports", DNS[:1], [DNS[1]], DNS),
    "TCP where no protocol is given": ("ports", DNS, [{"containerPort": 53, "hostPort": 5353}], [DNS[0], {**DNS[1], "hostPort": 5353}]),
    "a port by its name alone": ("ports", DNS, [{"name": "dns", "hostPort": 5353}], [{**DNS[0], "hostPort": 5353}, DNS[1]]),
    "a named port that moves": ("ports", DNS, [{"name": "dns", "containerPort": 54}], [{**DNS[0], "containerPort": 54}, DNS[1]]),
    "two names for one port": (
        "ports",
        [{"containerPort": 80, "name": "a"}, {"containerPort": 80, "name": "b"}],
        [{"containerPort": 80, "name": "b", "hostPort": 1}],
        [{"containerPort": 80, "name": "a"}, {"containerPort": 80, "name": "b", "hostPort": 1}],
    ),
    "constraints by both keys": (
        "topologySpreadConstraints",
        SPREAD,
        [{**SPREAD[1], "maxSkew": 2}],
        [SPREAD[0], {**SPREAD[1], "maxSkew": 2}],
    ),
    "the only constraint of a topology": (
        "topologySpreadConstraints",
        [SPREAD[0], {**SPREAD[0], "topologyKey": NODE}],
        [{"topologyKey": NODE, "maxSkew": 2}],
        [SPREAD[0], {**SPREAD[0], "topologyKey": NODE, "maxSkew": 2}],
    ),
    "a volume from elsewhere": (
        "volumes",
        [{"name": "v", "configMap": {"name": "a"}}],
        [{"name": "v", "secret": {"secretName": "b"}}],
        [{"name": "v", "secret": {"secretName": "b"}}],
    ),
    "a part of a volume's source": (
        "volumes",
        [{"name": "v", "configMap": {"name": "a", "optional": True}}],
        [{"name": "v", "configMap": {"name": "b"}}],
        [{"name": "v", "configMap": {"name": "b", "optional": True}}],
    ),
    "a value from another place": (
        "env",
        [{"name": "X", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
        [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        [{"name": "X", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
    ),
    "an element that is replaced": ("ports", DNS, [{"containerPort": 53, "$patch": "replace"}], [DNS[0], {"containerPort": 53}]),
    "a list that is replaced": ("env", TWICE, [{"$patch": "replace"}, {"name": "Z", "value": "1"}], [{"name": "Z", "value": "1"}]),
    "a directive that says what is so anyway": (
        "env",
        TWICE[:1],
        [{"name": "X", "value": "2", "$patch": "merge"}],
        [{"name": "X", "value": "2"}],
    ),
    "finalizers": ("finalizers", ["a"], ["b", "a"], ["a", "b"]),
}


@pytest.mark.parametrize(("name", "before", "changes", "after"), LISTS.values(), ids=LISTS)
def test_lists(name: str, before: list[Any], changes: list[Any], after: list[Any]) -> None:
    once = merged({name: before}, {name: changes})
    assert once == {name: after}
    assert merged(once, {name: changes}) == once


MAPPINGS: dict[str, tuple[Any, Any, Any]] = {
    "another probe": ({"p": {"httpGet": {"port": 1}, "periodSeconds": 3}}, {"p": {"exec": {}}}, {"p": {"exec": {}, "periodSeconds": 3}}),
    "replaced": ({"p": {"a": 1}}, {"p": {"b": 2, "$patch": "replace"}}, {"p": {"b": 2}}),
    "deleted": ({"p": {"a": 1}, "q": 1}, {"p": {"$patch": "delete"}}, {"q": 1}),
}


@pytest.mark.parametrize(("before", "changes", "after"), MAPPINGS.values(), ids=MAPPINGS)
def test_mappings(before: Any, changes: Any, after: Any) -> None:
    assert merged(before, changes) == after


REFUSED: dict[str, tuple[Any, Any, str]] = {
    "the order": ({}, {"$setElementOrder/env": []}, r"template has the directive \$setElementOrder/env"),
    "the rest of a union": (
        {},
        {"spec": {"volumes": [{"name": "v", "$retainKeys": ["name"]}]}},
        r"template.spec.volumes\[v\] has the directive",
    ),
    "plain values": ({}, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x"]}}, "template.metadata has the directive"),
    "an unknown word": ({}, {"spec": {"$patch": "remove"}}, r"template.spec has the directive \$patch: 'remove'"),
    "at the top": ({}, {"$patch": "replace"}, r"template has the directive \$patch"),
    "where nothing is merged": (
        {},
        {"spec": {"tolerations": [{"key": "x", "$patch": "delete"}]}},
        "template.spec.tolerations has the directive",
    ),
    "without a key": ({}, {"spec": {"containers": [{"image": "x"}]}}, "template.spec.containers has an element without name"),
    "a port without a number": ({}, {"ports": [{"name": "new"}]}, "template.ports has an element without containerPort"),
    "one of two": (
        {"topologySpreadConstraints": SPREAD},
        {"topologySpreadConstraints": [{"topologyKey": ZONE}]},
        "matches 2 elements of the workload's template: leave one there, or replace the list",
    ),
    "one of two addresses": (
        {"hostAliases": [{"ip": "1"}, {"ip": "1"}]},
        {"hostAliases": [{"ip": "1"}]},
        "matches 2 elements of the workload's template: leave one there, or replace the list",
    ),
}


@pytest.mark.parametrize(("before", "changes", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_clear_is_refused(before: Any, changes: Any, message: str) -> None:
    with pytest.raises(Refused, match=message):
        merged(before, changes)


_KEY_VALUES: dict[str, list[Any]] = {
    "protocol": ["TCP", "UDP", None],
    "containerPort": [53, 80],
    "whenUnsatisfiable": ["DoNotSchedule", "ScheduleAnyway"],
}


def _element(name: str) -> st.SearchStrategy[dict[str, Any]]:
    keys = {key: st.sampled_from(_KEY_VALUES.get(key, ["a", "b"])) for key in MERGE_KEYS[name]}
    whole = st.fixed_dictionaries({**keys, "one": st.integers(0, 3)}, optional={"two": st.integers(0, 3)})
    return whole.map(lambda each: {key: value for key, value in each.items() if value is not None})


def _identity(name: str, element: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(element.get(key, "TCP" if key == "protocol" else None) for key in MERGE_KEYS[name])


def _effective(name: str, elements: list[dict[str, Any]]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The elements that Kubernetes uses; only environment variables may stand there twice, and then the last one counts."""
    return {_identity(name, each): each for each in elements}


@given(st.data(), st.sampled_from(sorted(MERGE_KEYS)))
def test_the_result_says_what_was_asked_for(data: st.DataObject, name: str) -> None:
    """Every element that a change names has the change's fields where Kubernetes looks, and all others are as they were."""
    base = data.draw(st.lists(_element(name), max_size=4, unique_by=None if name == "env" else lambda each: _identity(name, each)))
    changes = data.draw(st.lists(_element(name), max_size=3))
    result = merged({name: base}, {name: changes})[name]
    before, after = _effective(name, base), _effective(name, result)
    asked: dict[tuple[Any, ...], dict[str, Any]] = {}
    for change in changes:
        asked.setdefault(_identity(name, change), {}).update(change)
    one = name == "volumes"  # of which a new source takes the old one's place
    for key, element in after.items():
        kept = before.get(key, {}) if not (one and key in asked) else {}
        if one and key in asked:
            last = [each for each in changes if _identity(name, each) == key][-1]
            assert last.items() <= element.items()
        else:
            assert element == {**kept, **asked.get(key, {})}
    assert set(after) == {*before, *asked}
    assert len(result) == len(base) + len(set(asked) - set(before)), "no element is added that nobody asked for"
