"""The workload that runs the new version beside the user's, and its size."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from .marks import REVISION, marks, own_labels
from .revisions import Template


def clone_name(workload: str) -> str:
    """The name of the clone."""
    return f"{workload}-canary"


def revision_name(workload: str, revision: str) -> str:
    """The name of the Deployment that style revisions keeps for a revision."""
    return f"{workload}-{revision}"


def clone_of(deployment: Mapping[str, Any], name: str, template: Template, revision: str, replicas: int, rollout: str) -> dict[str, Any]:
    """A Deployment like the user's under another name, with the new template, whose pods also carry the revision.

    It keeps all labels of the pods, so that NetworkPolicies and PodDisruptionBudgets go on applying; it takes
    over neither owners nor finalizers nor the metadata of other tools.
    """
    spec = copy.deepcopy(dict(deployment["spec"]))
    spec.pop("paused", None)
    spec["replicas"] = replicas
    spec["selector"] = _selecting(spec["selector"], revision)
    spec["template"] = copy.deepcopy(template)
    metadata = spec["template"].setdefault("metadata", {})
    metadata["labels"] = {**(metadata.get("labels") or {}), REVISION: revision}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": name,
            "namespace": deployment["metadata"]["namespace"],
            "labels": {**own_labels(deployment["metadata"].get("labels") or {}), **marks(rollout)},
        },
        "spec": spec,
    }


def canary_replicas(weight: int, live: int) -> int:
    """How many pods a weight in percent needs: rounded up, and at least one.

    Source: Argo Rollouts rounds the canary up too (docs/features/canary.md).
    """
    return max(1, -(-live * weight // 100))


def _selecting(selector: Mapping[str, Any], revision: str) -> dict[str, Any]:
    return {**copy.deepcopy(dict(selector)), "matchLabels": {**(selector.get("matchLabels") or {}), REVISION: revision}}
