"""Pauses that expire: until when somebody may promote, and what the next call makes of a release whose pause has expired."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass, replace

from .._objects.durations import show
from .._plan.plan import Plan
from .decide import begin_abort
from .program import RELEASE
from .record import PAUSED, Record


@dataclass(frozen=True)
class Expiry:
    """at: in epoch seconds. then: abort or promote. after: seconds."""

    at: float
    then: str
    after: float


def expiry(record: Record, plan: Plan) -> Expiry | None:
    """When the pause that the rollout is at expires; None where it does not."""
    here = record.steps_done
    if record.program != RELEASE or record.phase != PAUSED or record.began is None or str(here) in record.promoted:
        return None
    step = plan.steps[here] if here < len(plan.steps) else None
    if step is None or step.expiry is None:
        return None
    after, then = step.expiry
    return Expiry(record.began + after, then, after)


def let_expire(record: Record, plan: Plan, now: float) -> Record:
    """The record as a call goes on with it: where its pause has expired, turned round, or with that pause passed."""
    due = expiry(record, plan)
    if due is None or now < due.at:
        return record
    here = record.steps_done
    if due.then == "promote":
        return replace(record, promoted={**record.promoted, str(here): {"expired": show(due.after), "at": now}})
    return begin_abort(record, f"aborted, since the pause at step {here + 1} expired after {show(due.after)}")
