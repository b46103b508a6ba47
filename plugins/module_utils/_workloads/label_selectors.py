"""Label selectors, as workloads and PodDisruptionBudgets have them: what they take, and as the API's list requests write them."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def selector_in(workload: Mapping[str, Any]) -> dict[str, Any]:
    """The label selector of a workload; empty where it has none."""
    return dict((workload.get("spec") or {}).get("selector") or {})


def match_labels(workload: Mapping[str, Any]) -> dict[str, str]:
    """The labels that all pods of a workload have by its selector, as a Service could select them.

    These are its matchLabels and the expressions that allow one value only. The selector may ask for more: see takes_pod.
    """
    selector = selector_in(workload)
    alone = {str(each.get("key")): each["values"][0] for each in selector.get("matchExpressions") or [] if _allows_one_value(each)}
    return {**alone, **(selector.get("matchLabels") or {})}


def takes_pod(workload: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a pod with these labels is one of the workload's; no pod is, where the selector is empty."""
    selector = selector_in(workload)
    return bool(label_selector(selector)) and matches(selector, labels)


def pod_selector(workload: Mapping[str, Any]) -> str:
    """The workload's selector in a list request. One that is empty becomes a selector that takes nothing, not everything."""
    return label_selector(selector_in(workload)) or _NOTHING


def label_selector(selector: Mapping[str, Any]) -> str:
    """A label selector, matchLabels and matchExpressions, as the labelSelector of a list request; an empty one takes everything."""
    exactly = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    return ",".join([*exactly, *map(_expression_text, selector.get("matchExpressions") or [])])


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """No selector takes nothing, an empty one everything."""
    if selector is None:
        return False
    exactly = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return exactly and all(_holds(each, labels) for each in selector.get("matchExpressions") or [])


# No label has the value x and not the value x.
_NOTHING = "progressive.delivery/nothing=x,progressive.delivery/nothing!=x"
_WORDS = {"In": "in", "NotIn": "notin"}


def _allows_one_value(expression: Mapping[str, Any]) -> bool:
    return expression.get("operator") == "In" and len(expression.get("values") or []) == 1


def _expression_text(expression: Mapping[str, Any]) -> str:
    key, operator = str(expression.get("key")), str(expression.get("operator"))
    if operator in _WORDS:
        return f"{key} {_WORDS[operator]} ({','.join(expression.get('values') or [])})"
    return key if operator == "Exists" else f"!{key}"


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator, values = str(expression.get("key")), expression.get("operator"), expression.get("values") or []
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    if operator == "Exists":
        return key in labels
    return operator == "DoesNotExist" and key not in labels
