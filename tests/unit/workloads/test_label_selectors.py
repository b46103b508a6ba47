"""Which labels a selector takes, and how a list request writes it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.label_selectors import (
    label_selector,
    match_labels,
    matches,
    pod_selector,
    takes_pod,
)
from ansible_collections.progressive.delivery.tests.harness.memory.selectors import selecting
from hypothesis import given
from hypothesis import strategies as st

PODS = {"app": "shop", "tier": "web"}


def expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, **({"values": list(values)} if values else {})}]}


@pytest.mark.parametrize(
    ("selector", "taken"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "shop"}}, True),
        ({"matchLabels": {"app": "other"}}, False),
        (expression("app", "In", "a", "shop"), True),
        (expression("app", "In", "a"), False),
        (expression("no", "In", "a"), False),
        (expression("app", "NotIn", "a"), True),
        (expression("app", "NotIn", "shop"), False),
        (expression("no", "NotIn", "a"), True),
        (expression("app", "Exists"), True),
        (expression("no", "Exists"), False),
        (expression("no", "DoesNotExist"), True),
        (expression("app", "DoesNotExist"), False),
        (expression("app", "Unheard"), False),
        ({"matchLabels": {"app": "shop"}, **expression("tier", "In", "db")}, False),
    ],
)
def test_matches(selector: Any, taken: bool) -> None:
    assert matches(selector, PODS) is taken


_KEYS, _VALUES = st.sampled_from(["a", "b", "c"]), st.sampled_from(["x", "y"])
_LABELS = st.dictionaries(_KEYS, _VALUES)
_BY_VALUES = st.tuples(_KEYS, st.sampled_from(["In", "NotIn"]), st.lists(_VALUES, min_size=1, unique=True))
_NONE: list[str] = []
_BY_KEY = st.tuples(_KEYS, st.sampled_from(["Exists", "DoesNotExist"]), st.just(_NONE))
_SELECTORS = st.builds(
    lambda exactly, more: {
        **({"matchLabels": exactly} if exactly else {}),
        **({"matchExpressions": [{"key": key, "operator": operator, "values": values} for key, operator, values in more]} if more else {}),
    },
    _LABELS,
    st.lists(_BY_VALUES | _BY_KEY, max_size=3),
)


@given(_SELECTORS, _LABELS)
def test_a_list_request_takes_what_the_selector_takes(selector: dict[str, Any], labels: dict[str, str]) -> None:
    pod = {"metadata": {"name": "x", "labels": labels}}
    workload = {"spec": {"selector": selector}}
    assert selecting(label_selector(selector), "")(pod) == matches(selector, labels)
    assert selecting(pod_selector(workload), "")(pod) == takes_pod(workload, labels)
    if matches(selector, labels):
        assert all(key in labels for key in match_labels(workload))


@pytest.mark.parametrize("workload", [{}, {"spec": {}}, {"spec": {"selector": {}}}, {"spec": {"selector": {"matchLabels": {}}}}])
def test_an_empty_selector_takes_no_pod(workload: dict[str, Any]) -> None:
    assert not takes_pod(workload, PODS) and not selecting(pod_selector(workload), "")({"metadata": {"labels": PODS}})


@pytest.mark.parametrize(
    ("selector", "labels"),
    [
        ({"matchLabels": {"a": "1"}}, {"a": "1"}),
        (expression("a", "In", "1"), {"a": "1"}),
        ({"matchLabels": {"a": "1"}, **expression("b", "In", "2")}, {"a": "1", "b": "2"}),
        (expression("a", "In", "1", "2"), {}),
        (expression("a", "Exists"), {}),
        (expression("a", "NotIn", "1"), {}),
    ],
)
def test_what_a_service_can_select(selector: Any, labels: dict[str, str]) -> None:
    assert match_labels({"spec": {"selector": selector}}) == labels
