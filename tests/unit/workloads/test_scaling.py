"""Whom autoscalers scale, and the limits that a release gives them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.edits import Edit
from ansible_collections.progressive.delivery.plugins.module_utils._workloads import scaling


def autoscaler(least: int | None = 2, most: int = 10, **target: Any) -> dict[str, Any]:
    given = {} if least is None else {"minReplicas": least}
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop", **target}
    return {"kind": "HorizontalPodAutoscaler", "metadata": {}, "spec": {"scaleTargetRef": ref, "maxReplicas": most, **given}}


def scaled_object(**spec: Any) -> dict[str, Any]:
    return {"kind": "ScaledObject", "metadata": {}, "spec": {"scaleTargetRef": {"name": "shop"}, **spec}}


@pytest.mark.parametrize(
    ("scaler", "kind", "expected"),
    [
        (autoscaler(), "Deployment", True),
        (autoscaler(), "StatefulSet", False),
        (autoscaler(kind="StatefulSet"), "StatefulSet", True),
        (autoscaler(name="other"), "Deployment", False),
        (scaled_object(), "Deployment", True),
    ],
)
def test_whom_it_scales(scaler: dict[str, Any], kind: str, expected: bool) -> None:
    assert scaling.scales(scaler, kind, {"shop", "shop-5"}) is expected


NAME = ("spec", "scaleTargetRef", "name")


@pytest.mark.parametrize(
    ("scaler", "size", "key", "least"),
    [
        (autoscaler(), 4, "minReplicas", 4),
        (autoscaler(), 1, "minReplicas", 2),
        (autoscaler(None), 1, "minReplicas", 1),
        # More than it may have: it would scale down to its limit at once, and must be allowed to.
        (autoscaler(most=3), 4, "minReplicas", 3),
        (scaled_object(), 4, "minReplicaCount", 4),
        (scaled_object(minReplicaCount=5), 4, "minReplicaCount", 5),
        (scaled_object(), 120, "minReplicaCount", 100),
        (scaled_object(maxReplicaCount=3), 4, "minReplicaCount", 3),
    ],
)
def test_holding(scaler: dict[str, Any], size: int, key: str, least: int) -> None:
    assert scaling.holding_edits(scaler, "shop-canary", size) == [Edit(NAME, "shop-canary"), Edit(("spec", key), least)]
    assert scaling.within(scaler, size) == least
    assert scaling.leading_edits("shop-canary") == [Edit(NAME, "shop-canary")]
