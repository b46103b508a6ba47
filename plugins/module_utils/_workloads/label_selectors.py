"""Whether a label selector, as workloads and PodDisruptionBudgets have them, takes an object with certain labels."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def match_labels(workload: Mapping[str, Any]) -> dict[str, str]:
    """The labels by which a workload knows its pods."""
    return dict(((workload.get("spec") or {}).get("selector") or {}).get("matchLabels") or {})


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """No selector takes nothing, an empty one everything."""
    if selector is None:
        return False
    exactly = all(labels.get(key) == value for key, value in (selector.get("matchLabels") or {}).items())
    return exactly and all(_holds(each, labels) for each in selector.get("matchExpressions") or [])


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator, values = str(expression.get("key")), expression.get("operator"), expression.get("values") or []
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    if operator == "Exists":
        return key in labels
    return operator == "DoesNotExist" and key not in labels
