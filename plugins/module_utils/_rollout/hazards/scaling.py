"""Hazards of autoscaling: HorizontalPodAutoscalers and KEDA's ScaledObjects that count or scale what a rollout works with."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._objects.resources import DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER, SCALED_OBJECT, name_of
from ..._workloads.clones import clone_name
from ..._workloads.label_selectors import matches
from ..findings import Finding, fatal, warning
from .scene import Object, Scene


def two_over_the_same_pods(scene: Scene) -> Iterator[Finding]:
    """Kubernetes takes the selector of what an autoscaler scales for its pods, and stops all that share any (AmbiguousSelector)."""
    selectors = {name_of(each): each["spec"].get("selector") for each in scene.deployments}
    found = [
        each
        for each in scene.all(HORIZONTAL_POD_AUTOSCALER)
        if _kind_of_target(each) == DEPLOYMENT.kind and matches(selectors.get(_target(each)), scene.present_labels)
    ]
    if len(found) > 1:
        names = " and ".join(name_of(each) for each in found)
        problem = f"is counted by several HorizontalPodAutoscalers ({names}), so that Kubernetes stops them all (AmbiguousSelector)"
        yield warning(scene.title, problem, "delete all but one, or give their workloads selectors that do not match each other's pods")


def of_the_clone(scene: Scene) -> Iterator[Finding]:
    """Two would size the clone, the rollout and the autoscaler."""
    clone = clone_name(scene.plan.workload)
    for each in _autoscalers(scene):
        if _target(each) == clone and _kind_of_target(each) == DEPLOYMENT.kind:
            problem = f"scales Deployment {clone}, which is the clone's name, and would take pods from it that have traffic"
            yield fatal(scene.titled(each["kind"], name_of(each)), problem, "delete it, or let it scale something else")


def below_the_present_size(scene: Scene) -> Iterator[Finding]:
    """It counts the clone's pods too, which have the same labels, and takes their share of the load for idle pods of the workload."""
    for each in _autoscalers(scene):
        least, key = _least(each)
        mine = _target(each) == scene.plan.workload and _kind_of_target(each) == DEPLOYMENT.kind
        if mine and not _is_of_keda(each) and least < scene.replicas:
            yield warning(
                scene.titled(each["kind"], name_of(each)),
                f"may scale Deployment {scene.plan.workload} from {scene.replicas} to {least} pods while the clone has its "
                "traffic, too few for when that comes back",
                f"set its {key} to {scene.replicas} until the rollout has ended",
            )


def _autoscalers(scene: Scene) -> list[Object]:
    return [*scene.all(HORIZONTAL_POD_AUTOSCALER), *scene.all(SCALED_OBJECT)]


def _is_of_keda(autoscaler: Mapping[str, Any]) -> bool:
    """Whether KEDA made it for a ScaledObject, which is then the one to change."""
    return any(owner.get("kind") == SCALED_OBJECT.kind for owner in autoscaler["metadata"].get("ownerReferences") or [])


def _reference(autoscaler: Mapping[str, Any]) -> Mapping[str, Any]:
    return (autoscaler.get("spec") or {}).get("scaleTargetRef") or {}


def _target(autoscaler: Mapping[str, Any]) -> str:
    return str(_reference(autoscaler).get("name", ""))


def _kind_of_target(autoscaler: Mapping[str, Any]) -> str:
    return str(_reference(autoscaler).get("kind") or DEPLOYMENT.kind)


def _least(autoscaler: Mapping[str, Any]) -> tuple[int, str]:
    """The fewest pods that it may leave, and the field that says so; by default 1, and 0 with KEDA."""
    key, default = ("minReplicaCount", 0) if autoscaler["kind"] == SCALED_OBJECT.kind else ("minReplicas", 1)
    value = (autoscaler.get("spec") or {}).get(key)
    return (default if value is None else int(value)), key
