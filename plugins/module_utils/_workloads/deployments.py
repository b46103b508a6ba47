"""What a Deployment's status says: rolled out, stuck, ready."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def replicas_of(deployment: Mapping[str, Any]) -> int:
    """The replicas asked for; the API server's default is 1."""
    replicas = deployment["spec"].get("replicas")
    return 1 if replicas is None else int(replicas)


def waits_for_surge(deployment: Mapping[str, Any]) -> bool:
    """Whether it can only roll with a pod more than its replicas: none of these may be missing."""
    strategy = deployment["spec"].get("strategy") or {}
    if strategy.get("type") == "Recreate":
        return False
    rolling = {"maxSurge": "25%", "maxUnavailable": "25%", **(strategy.get("rollingUpdate") or {})}
    spared, more = (_parts(rolling[key], replicas_of(deployment)) for key in ("maxUnavailable", "maxSurge"))
    return spared < 1 and more > 0


def _parts(value: Any, replicas: int) -> float:
    """A number of pods, or a percentage of them."""
    text = str(value)
    return replicas * int(text[:-1]) / 100 if text.endswith("%") else int(text)


def not_rolled_out(deployment: Mapping[str, Any]) -> str | None:
    """What is missing until all replicas run the present template and are available; None when nothing is.

    Follows `kubectl rollout status`.
    """
    status = deployment.get("status") or {}
    wanted = replicas_of(deployment)
    updated, total, available = (int(status.get(key) or 0) for key in ("updatedReplicas", "replicas", "availableReplicas"))
    if not _taken_up(deployment):
        return "its last change has not been taken up yet"
    if updated < wanted:
        return f"{updated} of {wanted} replicas are updated"
    if total > updated:
        return f"{total - updated} old replicas are still there"
    if available < wanted:
        return f"{available} of {wanted} replicas are available"
    return None


def not_complete(deployment: Mapping[str, Any]) -> str | None:
    """What is missing until there are just its replicas, available, whatever the version: a paused one does not roll to its template."""
    status, wanted = deployment.get("status") or {}, replicas_of(deployment)
    total, available = (int(status.get(key) or 0) for key in ("replicas", "availableReplicas"))
    if not _taken_up(deployment):
        return "its last change has not been taken up yet"
    if (total, available) != (wanted, wanted):
        return f"of {wanted} replicas {total} are there and {available} available"
    return None


def failed(deployment: Mapping[str, Any]) -> str | None:
    """The Deployment controller's own verdict that the rollout is stuck, None without one."""
    if not _taken_up(deployment):
        return None  # The verdict is on what was there before the last change.
    for condition in (deployment.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return str(condition.get("message") or condition["reason"])
    return None


def cannot_make_pods(deployment: Mapping[str, Any]) -> str | None:
    """Why the API server refuses the Deployment's pods (a quota, an admission webhook, no ServiceAccount), None unless it does."""
    for condition in (deployment.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            return " ".join(str(condition.get("message") or condition.get("reason")).split())
    return None


def _taken_up(deployment: Mapping[str, Any]) -> bool:
    """Whether the status is that of the present spec."""
    observed = (deployment.get("status") or {}).get("observedGeneration")
    return int(observed or 0) >= int(deployment["metadata"].get("generation") or 0)
