"""Changes of a pod template, merged as `kubectl patch` merges them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.templates import merged
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
