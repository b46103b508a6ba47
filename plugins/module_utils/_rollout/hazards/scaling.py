"""Hazards of autoscaling: HorizontalPodAutoscalers and KEDA's ScaledObjects that count or scale what a rollout works with."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._objects.resources import DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER, SCALED_OBJECT, name_of
from ..._workloads.label_selectors import matches
from ..findings import Finding, fatal, warning
from .snapshot import ClusterSnapshot, Object


def two_over_the_same_pods(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """Kubernetes takes the selector of what an autoscaler scales for its pods, and stops all that share any (AmbiguousSelector)."""
    selectors = {name_of(each): each["spec"].get("selector") for each in snapshot.deployments}
    found = [
        each
        for each in snapshot.all(HORIZONTAL_POD_AUTOSCALER)
        if _kind_of_target(each) == DEPLOYMENT.kind and matches(selectors.get(_target(each)), snapshot.present_labels)
    ]
    if len(found) > 1:
        names = " and ".join(name_of(each) for each in found)
        problem = f"is counted by several HorizontalPodAutoscalers ({names}), so that Kubernetes stops them all (AmbiguousSelector)"
        yield warning(snapshot.title, problem, "delete all but one, or give their workloads selectors that do not match each other's pods")


def of_the_canary(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """Two would size it, the rollout and the autoscaler."""
    canary = snapshot.plan.canary_workload
    for each in _autoscalers(snapshot):
        if _target(each) == canary and _kind_of_target(each) == DEPLOYMENT.kind:
            problem = f"scales Deployment {canary}, which runs the new version, and would take pods from it that have traffic"
            remedy = "delete it, or let it scale something else; that of the workload follows the traffic"
            yield fatal(snapshot.titled(each["kind"], name_of(each)), problem, remedy)


def of_shared_pods(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """It would give the workload the pods back that the canary has."""
    for each in _autoscalers(snapshot) if snapshot.plan.by_pods else []:
        if _target(each) == snapshot.plan.workload and _kind_of_target(each) == snapshot.plan.kind:
            problem = f"scales {snapshot.title}, whose number of pods is what shares the traffic with router type replicas"
            yield fatal(
                snapshot.titled(each["kind"], name_of(each)), problem, "use another router, or delete it for the time of the release"
            )


def _autoscalers(snapshot: ClusterSnapshot) -> list[Object]:
    return [*snapshot.all(HORIZONTAL_POD_AUTOSCALER), *snapshot.all(SCALED_OBJECT)]


def _reference(autoscaler: Mapping[str, Any]) -> Mapping[str, Any]:
    return (autoscaler.get("spec") or {}).get("scaleTargetRef") or {}


def _target(autoscaler: Mapping[str, Any]) -> str:
    return str(_reference(autoscaler).get("name", ""))


def _kind_of_target(autoscaler: Mapping[str, Any]) -> str:
    return str(_reference(autoscaler).get("kind") or DEPLOYMENT.kind)
