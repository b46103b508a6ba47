"""Hazards of PodDisruptionBudgets, which apply to the pods of both versions while a rollout runs."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..._objects.resources import POD_DISRUPTION_BUDGET, name_of
from ..._workloads.label_selectors import matches
from ..findings import Finding, warning
from .snapshot import ClusterSnapshot, Object


def two_over_the_same_pods(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """The eviction API refuses pods that more than one protects."""
    found = _budgets(snapshot)
    if len(found) > 1:
        names = " and ".join(name_of(each) for each in found)
        problem = f"has pods under several PodDisruptionBudgets ({names}), so that none of them can be evicted and no node drained"
        yield warning(snapshot.title, problem, "delete all but one, or let them select different pods")


def without_any_eviction(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """A rollout that waits for people keeps its pods where they are for longer than an update does."""
    for budget in _budgets(snapshot):
        # The clone's pods, which are as many at the end, count too; a number of pods grows with them.
        said = _leaves_none(budget.get("spec") or {}, 2 * snapshot.replicas)
        if said:
            yield warning(
                snapshot.titled(POD_DISRUPTION_BUDGET.kind, name_of(budget)),
                f"lets no pod be evicted ({said}), so that nodes cannot be drained while the rollout runs",
                "let it spare at least one pod (maxUnavailable 1), or keep the nodes as they are until the rollout has ended",
            )


def _budgets(snapshot: ClusterSnapshot) -> list[Object]:
    """Those that protect the workload's pods."""
    found = snapshot.all(POD_DISRUPTION_BUDGET)
    return [each for each in found if matches((each.get("spec") or {}).get("selector"), snapshot.present_labels)]


def _leaves_none(spec: Object, replicas: int) -> str | None:
    """What of the spec keeps every pod of so many."""
    most, least = spec.get("maxUnavailable"), spec.get("minAvailable")
    if most is not None and _parts(most, replicas) == 0:
        return f"maxUnavailable {most}"
    if least is not None and _parts(least, replicas) * (2 if isinstance(least, int) else 1) >= replicas:
        return f"minAvailable {least}"
    return None


def _parts(value: Any, replicas: int) -> int:
    """A number of pods, or a percentage of them, which PodDisruptionBudgets round up."""
    text = str(value)
    percent = text[:-1] if text.endswith("%") else ""
    if percent.isdigit():
        return -(-replicas * int(percent) // 100)
    return int(text) if text.isdigit() else replicas
