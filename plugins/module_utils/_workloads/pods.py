"""What pods say of themselves: ready, going, or why they cannot start."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# States from which a container does not recover by waiting.
_STUCK = (
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
)


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Ready, and not on its way out."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    ready = any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)
    return ready and not pod["metadata"].get("deletionTimestamp")


def ready_uids(pods: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """The uids of the pods that can take requests."""
    return frozenset(str(pod["metadata"]["uid"]) for pod in pods if is_ready(pod))


def troubles(pods: Sequence[dict[str, Any]]) -> list[str]:
    """One line for each pod that is not ready: its name and, where it is known, why."""
    return [
        f"pod {pod['metadata']['name']} {_reason(pod)}"
        for pod in pods
        if not is_ready(pod) and not pod["metadata"].get("deletionTimestamp")
    ]


def state_of(pod: Mapping[str, Any]) -> str:
    """In a few words, for people."""
    if pod["metadata"].get("deletionTimestamp"):
        return "is going"
    return "is ready" if is_ready(pod) else _reason(pod)


def status_of(pod: Mapping[str, Any]) -> str:
    """In one word, as kubectl has it."""
    if pod["metadata"].get("deletionTimestamp"):
        return "Terminating"
    status = pod.get("status") or {}
    waiting = _waiting_reason(pod)
    unscheduled = any(each.get("type") == "PodScheduled" and each.get("status") == "False" for each in status.get("conditions") or [])
    return waiting[0] if waiting else "Unschedulable" if unscheduled else str(status.get("phase") or "Pending")


def ready_containers(pod: Mapping[str, Any]) -> str:
    """How many of its containers are ready, as `1/2`."""
    wanted = len((pod.get("spec") or {}).get("containers") or [])
    found = (pod.get("status") or {}).get("containerStatuses") or []
    return f"{sum(bool(each.get('ready')) for each in found)}/{max(wanted, len(found))}"


def restarts(pod: Mapping[str, Any]) -> int:
    """How often its containers were started again."""
    return sum(int(each.get("restartCount") or 0) for each in (pod.get("status") or {}).get("containerStatuses") or [])


def stuck(pods: Sequence[dict[str, Any]]) -> str | None:
    """The first pod that will not start however long one waits, None without one; those on their way out do not count."""
    for pod in pods:
        reason = _waiting_reason(pod)
        if reason and reason[0] in _STUCK and not pod["metadata"].get("deletionTimestamp"):
            return f"pod {pod['metadata']['name']} {_reason(pod)}"
    return None


def _reason(pod: Mapping[str, Any]) -> str:
    status = pod.get("status") or {}
    waiting = _waiting_reason(pod)
    if waiting:
        return f"is not ready: {waiting[0]}" + (f" ({waiting[1]})" if waiting[1] else "")
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return f"cannot be scheduled: {condition.get('message') or condition.get('reason')}"
    return f"is {status.get('phase', 'Pending')} and not ready"


def _waiting_reason(pod: Mapping[str, Any]) -> tuple[str, str] | None:
    status = pod.get("status") or {}
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (container.get("state") or {}).get("waiting")
        if waiting and waiting.get("reason"):
            return str(waiting["reason"]), " ".join(str(waiting.get("message") or "").split())
    return None
