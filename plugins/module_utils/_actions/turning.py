"""Turns a rollout round: aborted, undone while the old version still runs, or handed back."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._cluster import process
from .._objects.refusal import Drifted, Refused
from .._objects.resources import WORKLOADS
from .._plan.plan import STRATEGIES, Plan, read_plan
from .._rollout import decide, state
from .._rollout.program import program_of, reached
from .._rollout.record import Record
from .._rollout.state import Operation, Request
from . import checks, trust
from .advance import advance, hand_back
from .lease import Lost
from .run import Run
from .running import running
from .stage import Stage

# After a living run's Lease was taken: the time in which a write that it had sent already still arrives.
_LAST_WRITE_ARRIVES = 1.0


def abort(this: Run) -> None:
    """State aborted: all traffic goes back, and the new version goes."""
    this.agreed = _recorded_plan(this)
    decide.refuse_other_revision(this.found, this.wish.name, this.wish.revision)
    if _operation(this, Request.ABORT) is Operation.NOTHING:
        return
    reason = f": {this.wish.reason}" if this.wish.reason else ""
    _turn_round(this, "aborted by " + "@".join(process.actor().values()) + reason, forget=False)


def hand_back_all(this: Run) -> None:
    """State absent: the same with what is under way, and then what releases left behind, and the record."""
    this.agreed = _recorded_plan(this)
    if this.found is not None:
        decide.only(this.found, this.wish.name, this.wish.revision)
    operation = _operation(this, Request.HAND_BACK)
    if operation is Operation.NOTHING:
        checks.refuse_leftovers(this.ctx, this.wish.name)
        return
    if not this.record.under_way:
        _forget(this)
        return
    _turn_round(this, "handed back by " + "@".join(process.actor().values()), forget=True)


def _operation(this: Run, request: Request) -> Operation:
    """What this request is, where the rollout is now."""
    return state.decide(this.wish.name, this.found, state.situation_of(this.found, this.agreed), request)


def undo_at_once(this: Run) -> bool:
    """Where the version to which undo goes back still runs, just the traffic goes back to it."""
    undo = this.wish.undo
    # What this very undo has begun is gone on with, and not undone in its turn.
    if undo is None or this.found is None or this.record.undo == undo or this.wish.promote is not None or this.wish.ensure_step is not None:
        return False
    plan = plan_of(this, this.record)
    back = _is_back(this, plan, undo)
    if not (back or decide.runs_still(this.record, plan, undo)):
        return False
    refuse_beside_undo(this.wish.plan)
    decide.only(this.record, this.wish.name, this.wish.revision)
    trust.require_own(this, plan)
    this.agreed = plan
    if _operation(this, Request.UNDO_AGAIN if back else Request.UNDO) is Operation.NOTHING:
        this.nothing_to_do = f"revision {this.record.revision} was undone already, and what ran before it runs again"
        return True
    _turn_round(this, "undone by " + "@".join(process.actor().values()), forget=False, undo=at_once(undo))
    return True


def _is_back(this: Run, plan: Plan, undo: str) -> bool:
    """Whether an undo like this one turned the last release round, and what ran before still runs."""
    if this.record.under_way or this.record.undo != at_once(undo):
        return False
    workload = this.ctx.client.get(this.ctx.ref(WORKLOADS[plan.kind], plan.workload))
    return bool(running(this.ctx, plan, this.found, workload)["template"] == this.record.stable.get("template"))


def at_once(undo: str) -> str:
    """What the record says of a release that undo turned round, as opposed to one that it began."""
    return f"{undo}, at once"


def was_undone(this: Run) -> bool:
    """Whether the release went back because this call, or one like it, asked for that."""
    return this.wish.undo is not None and this.found is not None and this.record.undo == at_once(this.wish.undo)


def refuse_beside_undo(options: Mapping[str, Any]) -> None:
    """Raises Refused for what only a release by a plan of its own takes."""
    keys = ("revision", "services", "routers", *STRATEGIES)
    given = sorted(key for key in keys if options.get(key) is not None)
    # Its name alone says which workload is meant, where only a record without a seal would.
    workload = {key for key, value in (options.get("workload") or {}).items() if value is not None}
    given = [*given, *(["workload"] if workload > {"name"} else [])]
    if given:
        raise Refused(
            "undo", "takes the plan of the last release", f"leave {', '.join(given)} out, or release the old version by its images"
        )


def _recorded_plan(this: Run) -> Plan | None:
    """The plan by which the rollout came to where it is, whatever the call names."""
    if this.found is None:
        return None
    plan = plan_of(this, this.record)
    trust.require_own(this, plan)
    decide.refuse_contradiction(this.record, plan)
    return plan


def plan_of(this: Run, record: Record) -> Plan:
    """The record's plan; just its times are the call's."""
    times = {key: this.wish.plan[key] for key in ("grace", "drain", "probe") if this.wish.plan.get(key) is not None}
    return read_plan(this.wish.name, this.ctx.namespace, {**trust.options_of(this, record), **times})


def _forget(this: Run) -> None:
    """Hands back what releases left behind, and forgets the record."""
    this.workload = this.ctx.client.find(this.ctx.ref(WORKLOADS[this.plan.kind], this.plan.workload)) or {}
    _refuse_waiting_edit(this)
    this.ahead = [entry.action for entry in program_of(decide.begin_hand_back(this.record), this.plan)] if this.ctx.check else []
    this.ctx.journal.changed = True
    this.ctx.journal.actions.append("forget the record")
    if this.ctx.check:
        return
    this.lease.acquire()
    this.load()
    if this.found is not None and this.record.under_way:
        raise Refused(this.title, "has just been changed by another run, which started a revision", "run the playbook again")
    if this.found is not None:
        hand_back(this)


def _refuse_waiting_edit(this: Run) -> None:
    """Raises Drifted where a version waits in the template of a workload that is held, which would roll to it."""
    if not (this.plan.hold and this.workload and this.ctx.on_drift == "fail") or this.record.program:
        return
    if not Stage(this.ctx, this.plan, this.record, lambda: None).ours(this.workload["spec"]["template"]):
        raise Drifted(
            this.plan.title,
            "has a version in its template that was not released",
            "release it, put the template back, or set on_drift to repair (it goes) or accept (the Deployment rolls to it)",
        )


def _turn_round(this: Run, reason: str, **marks: Any) -> None:
    """Takes the rollout over, from a living run too, and goes all the way back. marks: what else the record says from then on."""
    back = replace(decide.begin_abort(this.record, reason, this.ctx.clock.now()), **marks)
    program_of(back, this.plan)  # Says so where there is no way back.
    if this.ctx.check:
        this.ahead = [entry.action for entry in program_of(back, this.plan)[reached(back, this.plan) :]]
        this.ctx.journal.changed = True
        return
    this.workload = this.ctx.client.find(this.ctx.ref(WORKLOADS[this.plan.kind], this.plan.workload)) or {}
    this.lease.acquire(force=True)
    if not _taken_over(this, reason, marks):
        return
    this.ctx.journal.changed = True
    this.ctx.journal.actions.append(reason)
    advance(this)


def _taken_over(this: Run, reason: str, marks: Mapping[str, Any]) -> bool:
    """Turns the record round, whatever a run that still lives writes into it; False where that run had just come to its end."""
    while True:
        this.load()
        if this.found is None or not this.record.under_way:
            return False
        decide.only(this.found, this.wish.name, this.wish.revision)  # Another revision may have begun since the call was checked.
        try:
            this.save(replace(decide.begin_abort(this.record, reason, this.ctx.clock.now()), **marks))
        except Lost:
            continue
        # That run's next write is refused; one that it has sent already arrives before anything is decided here.
        this.ctx.clock.sleep(_LAST_WRITE_ARRIVES if this.lease.was_taken else 0.0)
        return True
