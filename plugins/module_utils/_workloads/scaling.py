"""What scales workloads by itself: whom a HorizontalPodAutoscaler or a ScaledObject scales, and between which sizes."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from .._objects.edits import Edit

# Where the smallest and the largest size stand, and what they are where they are left out.
# Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/horizontal-pod-autoscaler-v2/,
# https://keda.sh/docs/latest/reference/scaledobject-spec/
_SIZES = {
    "HorizontalPodAutoscaler": (("minReplicas", 1), ("maxReplicas", 1)),
    "ScaledObject": (("minReplicaCount", 0), ("maxReplicaCount", 100)),
}
_TARGET = ("spec", "scaleTargetRef", "name")


def target_of(scaler: Mapping[str, Any]) -> str:
    """The name of the workload that it scales."""
    return str(_reference(scaler).get("name", ""))


def scales(scaler: Mapping[str, Any], kind: str, names: Container[str]) -> bool:
    """Whether it scales a workload of that kind with one of these names."""
    return (_reference(scaler).get("kind") or "Deployment") == kind and target_of(scaler) in names


def is_of_keda(autoscaler: Mapping[str, Any]) -> bool:
    """Whether KEDA made it for a ScaledObject, which is then the one to change: KEDA reverts changes of its own."""
    return any(owner.get("kind") == "ScaledObject" for owner in autoscaler["metadata"].get("ownerReferences") or [])


def least_of(scaler: Mapping[str, Any]) -> int:
    """The fewest pods to which it scales."""
    return _size(scaler, 0)


def within(scaler: Mapping[str, Any], size: int) -> int:
    """The size, as far as it goes so far; above its limit it would scale down at once."""
    return min(max(size, least_of(scaler)), _size(scaler, 1))


def holding_edits(scaler: Mapping[str, Any], name: str, least: int) -> list[Edit]:
    """It scales the workload of that name, and to no fewer pods."""
    return [*leading_edits(name), Edit(("spec", _SIZES[scaler["kind"]][0][0]), within(scaler, least))]


def leading_edits(name: str) -> list[Edit]:
    """It scales the workload of that name as it likes."""
    return [Edit(_TARGET, name)]


def _reference(scaler: Mapping[str, Any]) -> Mapping[str, Any]:
    return (scaler.get("spec") or {}).get("scaleTargetRef") or {}


def _size(scaler: Mapping[str, Any], which: int) -> int:
    key, default = _SIZES[scaler["kind"]][which]
    value = scaler["spec"].get(key)
    return default if value is None else int(value)
