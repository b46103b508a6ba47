"""What a rollout is at: the action, since when, what it waits for, and how much of that is there."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from .._objects.resources import labels
from .._plan.plan import Plan
from .._steps.action import Action, describe
from .._workloads.pods import troubles
from .observed import Object, Observed
from .program import RELEASE, program_of
from .record import ABORTED, DEGRADED, HEALTHY, PAUSED, Record
from .versions import RolloutView, Waiting, is_pod_of, revisions_of, workloads_of


def action_at(record: Record, plan: Plan | None) -> Action | None:
    """The action that the record is at; None where nothing is under way, or it is at its end."""
    program = program_of(record, plan) if plan is not None and record.under_way else []
    return program[record.position].action if record.position < len(program) else None


def waiting_version(record: Record, plan: Plan | None) -> Waiting | None:
    """The version that has no traffic any more and is scaled down after a delay, where that is what the rollout is at."""
    action = action_at(record, plan)
    if action is None or not action.is_delay or record.resume_at is None:
        return None
    going = record.stable.get("template") if record.program == RELEASE else record.target
    return Waiting(str(going or ""), record.resume_at)


def set_weight(record: Record, plan: Plan | None) -> int | None:
    """The share in percent that the last step asks for that has begun; None where there is none, and before and after the steps."""
    if plan is None or record.program != RELEASE or record.skips or record.steps_done >= len(plan.steps):
        return None
    weights = [step.new_weight for step in plan.steps[: record.steps_done + 1] if step.new_weight is not None]
    return weights[-1] if weights else None


def reason_of(record: Record, plan: Plan | None) -> str:
    """Why it is in its phase, in a few words."""
    if record.phase == PAUSED:
        return "waiting for promotion" if record.resume_at is None else f"waiting until {clock_time(record.resume_at)}"
    if record.phase in (ABORTED, DEGRADED):
        return record.msg
    if record.phase == HEALTHY:
        return ""
    action = action_at(record, plan)
    if action is None:
        return "coming to its end" if plan is not None else ""
    said = describe(action, plan.strategy if plan is not None else "")
    return said if record.program == RELEASE or not record.msg else f"{said} ({record.msg})"


def progress_of(view: RolloutView, plan: Plan | None) -> Object | None:
    """What the rollout is at; None where nothing is under way.

    ready: how many of the pods that the action is about are ready, of how many. since: epoch seconds. holder: who works on it.
    """
    record, observed = view.record, view.observed
    if not record.under_way or plan is None:
        return None
    action = action_at(record, plan)
    about = _about(view, action)
    return {
        "action": describe(action, plan.strategy) if action is not None else "finish",
        "number": min(record.position + 1, max(1, len(program_of(record, plan)))),
        "total": len(program_of(record, plan)),
        "since": record.began,
        "elapsed": None if record.began is None or observed.now is None else max(0.0, observed.now - record.began),
        "ready": f"{sum(each['ready'] for each in about)}/{sum(each['replicas'] for each in about)}" if about else None,
        "waiting_for": _waiting_for(view, action, [str(each["name"]) for each in about]),
        "holder": observed.holder,
    }


def clock_time(at: float) -> str:
    """A point in time for people."""
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _about(view: RolloutView, action: Action | None) -> list[Object]:
    """The workloads whose pods the action is about."""
    concerns = action.concerns if action is not None else ""
    if concerns == "canary":
        parts = [part for revision in revisions_of(view) for part in revision["workloads"]]
        return [part for part in parts if part["version"] == view.subject.words[1]]
    if concerns == "workload":
        return [each for each in workloads_of(view) if each["name"] == view.subject.workload]
    return []


def _waiting_for(view: RolloutView, action: Action | None, about: Sequence[str]) -> str | None:
    """In words; None where nothing is known of it. about: the names of the workloads that it is about."""
    record, observed = view.record, view.observed
    if record.phase == DEGRADED:
        return "somebody who mends the cause and runs it again"
    if action is not None and action.is_pause and record.resume_at is None and record.began is not None:
        return "promotion"
    if action is not None and (action.is_pause or action.is_delay) and record.resume_at is not None:
        over = observed.now is not None and observed.now >= record.resume_at
        what = "the pause" if action.is_pause else "the delay"
        return (
            f"a run, since {what} is over" if over and observed.holder is None else f"the end of {what} at {clock_time(record.resume_at)}"
        )
    if observed.lease is not None and observed.holder is None:
        return "a run that goes on with it"
    lacking = _lacking(observed, [each for each in observed.workloads or [] if each["metadata"]["name"] in about])
    return lacking or (action.waits_for if action is not None else None)


def _lacking(observed: Observed, workloads: Sequence[Mapping[str, Any]]) -> str | None:
    """The first of their pods that is not ready, and how many more."""
    pods = [pod for pod in observed.pods or [] if any(is_pod_of(each, labels(pod)) for each in workloads)]
    found = troubles(pods)
    return None if not found else found[0] if len(found) == 1 else f"{found[0]}, and {len(found) - 1} more"
