"""Decides whether a pod that fails at its start may still recover, as the kubelet tries again, or counts as stuck."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .pods import (
    condition_of,
    containers_of,
    crashes,
    epoch_of,
    fails,
    has_ended,
    last_end,
    reason_of,
    restart_count,
    started_at,
    waiting_reason,
)

# What no further attempt of the kubelet mends.
_NEVER_HEALS = ("InvalidImageName", "ErrImageNeverPull")
# The kubelet tries again 10 s after the first failure, so a wait sees at least that attempt.
_ONE_MORE_ATTEMPT = 15.0


@dataclass(frozen=True)
class StartTolerance:
    """What a pod may go through before it counts as stuck.

    Attributes:
        time: Seconds for which its image cannot be pulled, or its configuration is missing.
        restarts: Of a container that crashes.
    """

    time: float = 60.0
    restarts: int = 3


DEFAULT_TOLERANCE = StartTolerance()


@dataclass
class StartWatch:
    """Judges the pods of one wait.

    Time counts by the pod's own times, so that a wait that continues after a killed run does not begin anew, and by what this wait has
    seen, since the clock here may differ from the cluster's.

    Args:
        tolerance: What a pod may go through.
        looks_once: The call may not wait, so it judges by the pod's own times alone.
    """

    tolerance: StartTolerance
    looks_once: bool = False
    _since: dict[str, float] = field(default_factory=dict)  # when a pod was first seen to fail, by its uid

    def stuck(self, pods: Sequence[Mapping[str, Any]], now: float, monotonic: float) -> str | None:
        """Returns the first pod that counts as stuck, with the reason, None without one.

        Args:
            pods: The pods.
            now: Epoch seconds.
            monotonic: Seconds of this process.
        """
        for pod in pods:
            if has_ended(pod) or pod["metadata"].get("deletionTimestamp"):
                continue
            text = self._judge(pod, now, monotonic)
            if text:
                return f"pod {pod['metadata']['name']}: {text}"
        return None

    def _judge(self, pod: Mapping[str, Any], now: float, monotonic: float) -> str:
        uid, failing = str(pod["metadata"].get("uid")), failing_container(pod)
        if failing is None:
            self._since.pop(uid, None)
            return ""
        seen = monotonic - self._since.setdefault(uid, monotonic)
        reason = waiting_reason(failing)
        if reason in _NEVER_HEALS:
            return reason_of(pod)
        if crashes(failing):
            return reason_of(pod) if restart_count(failing) >= self.tolerance.restarts else ""
        began = _began(pod, failing)
        lasts = max(seen, 0.0 if began is None else now - began)
        patient = not self.looks_once and seen < min(self.tolerance.time, _ONE_MORE_ATTEMPT)
        return "" if patient or lasts < self.tolerance.time else f"{reason_of(pod)} for {lasts:.0f} s"


def any_fails(pods: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a container of any pod fails to start, whatever is tolerated."""
    there = (pod for pod in pods if not has_ended(pod) and not pod["metadata"].get("deletionTimestamp"))
    return any(failing_container(pod) is not None for pod in there)


def failing_container(pod: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first container that is down and fails to start, None without one."""
    return next((each for name, each in containers_of(pod) if "running" not in (each.get("state") or {}) and fails(name, each)), None)


def _began(pod: Mapping[str, Any], failing: Mapping[str, Any]) -> float | None:
    """When the kubelet could first try to start the container: when it took the pod up, or the last container before it ended."""
    times = [started_at(pod)]
    for _name, container in containers_of(pod):
        times.append(epoch_of(last_end(container).get("finishedAt")))
        if container is failing:
            break
    initialized = condition_of(pod, "Initialized")
    if initialized.get("status") == "True":
        times.append(epoch_of(initialized.get("lastTransitionTime")))
    return max((each for each in times if each is not None), default=None)
