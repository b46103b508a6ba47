"""PodDisruptionBudgets: which pods they protect, and how many of these must stay while there are more."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._objects.edits import Edit
from .label_selectors import matches


def protects(budget: Mapping[str, Any], pod_labels: Mapping[str, str]) -> bool:
    """Whether pods with these labels are its pods."""
    return matches((budget.get("spec") or {}).get("selector"), pod_labels)


def covering_edits(budget: Mapping[str, Any], more: int) -> list[Edit]:
    """As many evictions are allowed as without so many more pods; a percentage, and maxUnavailable, are left as they are."""
    least = budget["spec"].get("minAvailable")
    return [Edit(("spec", "minAvailable"), least + more)] if isinstance(least, int) and more > 0 else []
