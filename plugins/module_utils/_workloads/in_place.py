"""StatefulSets and DaemonSets: how far an update has come, and the update strategies that hold it where it is."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._objects.edits import Edit
from .deployments import replicas_of

CONTROLLER_REVISION_HASH = "controller-revision-hash"
_STATEFUL_SET, _DAEMON_SET = "StatefulSet", "DaemonSet"
_STRATEGY = ("spec", "updateStrategy")


def size_of(workload: Mapping[str, Any]) -> int:
    """How many pods a workload of any kind wants: replicas, or one for each node that takes it."""
    if workload["kind"] == _DAEMON_SET:
        return int((workload.get("status") or {}).get("desiredNumberScheduled") or 0)
    return replicas_of(workload)


def with_replicas(workload: dict[str, Any], count: int) -> dict[str, Any]:
    """The workload with so many replicas; a DaemonSet, which has one for each node, stays as it is where it has them."""
    return workload if size_of(workload) == count else {**workload, "spec": {**workload["spec"], "replicas": count}}


def not_taken_up(workload: Mapping[str, Any]) -> str | None:
    """What says that the controller has not seen the last change; None when it has."""
    observed = int((workload.get("status") or {}).get("observedGeneration") or 0)
    return None if observed >= int(workload["metadata"].get("generation") or 0) else "its last change has not been taken up yet"


def not_rolled_out(workload: Mapping[str, Any]) -> str | None:
    """What is missing until all pods run the present template and are ready; None when nothing is. Follows `kubectl rollout status`."""
    status, wanted = workload.get("status") or {}, size_of(workload)
    if workload["kind"] == _STATEFUL_SET:
        updated = int(status.get("updatedReplicas") or 0) if status.get("updateRevision") != status.get("currentRevision") else wanted
        ready = int(status.get("readyReplicas") or 0)
    else:
        updated, ready = int(status.get("updatedNumberScheduled") or 0), int(status.get("numberReady") or 0)
    if not_taken_up(workload):
        return not_taken_up(workload)
    if updated < wanted:
        return f"{updated} of {wanted} pods are updated"
    return f"{ready} of {wanted} pods are ready" if ready < wanted else None


def partition_of(stateful_set: Mapping[str, Any]) -> int:
    """The ordinal from which on pods are replaced."""
    rolling = (stateful_set["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    return int(rolling.get("partition") or 0)


def holding_edits(workload: Mapping[str, Any], count: int = 0) -> list[Edit]:
    """The update strategy under which just so many pods are replaced; a DaemonSet replaces none by itself.

    Source: https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#partitions, .../daemonset (OnDelete).
    """
    if workload["kind"] == _STATEFUL_SET:
        return [Edit((*_STRATEGY, "type"), "RollingUpdate"), Edit((*_STRATEGY, "rollingUpdate", "partition"), size_of(workload) - count)]
    return [Edit((*_STRATEGY, "type"), "OnDelete")]


def is_held(workload: Mapping[str, Any]) -> bool:
    """Whether its strategy is one that was set here."""
    if workload["kind"] == _STATEFUL_SET:
        return partition_of(workload) > 0
    return (workload["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"


def batch_of(workload: Mapping[str, Any]) -> int:
    """How many pods the user's own strategy replaces at a time: maxUnavailable, rounded up from percent; 1 without one."""
    rolling = (workload["spec"].get("updateStrategy") or {}).get("rollingUpdate") or {}
    limit = str(rolling.get("maxUnavailable", 1))
    return max(1, -(-size_of(workload) * int(limit[:-1]) // 100) if limit.endswith("%") else int(limit))


def ordinal(pod: Mapping[str, Any]) -> tuple[int, str]:
    """By what pods are ordered: the ordinal in the names of a StatefulSet's, else the name."""
    name = str(pod["metadata"]["name"])
    number = re.search(r"-(\d+)$", name)
    return (int(number.group(1)) if number else 0, name)
