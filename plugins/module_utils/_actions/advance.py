"""Carries out a rollout's program: action after action, pauses waited out or stopped at, each place written down."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .._objects.durations import show
from .._rollout import decide
from .._rollout import record as records
from .._rollout.program import ABORT, HAND_BACK, RELEASE, program_of
from .._rollout.record import Record
from .._steps.action import Action, describe
from .._steps.sequence import ScheduledAction
from . import events
from .context import NoProgress, NotYet, TimedOut
from .perform import perform
from .run import Run
from .stage import Stage

# While a pause is waited out the record is looked at this often, since somebody may promote or abort meanwhile.
_LOOK_EVERY = 2.0


def advance(this: Run) -> None:
    """Carries out action after action of the record's program, until it ends or the wish is fulfilled."""
    begun_with = _steps_done(this)
    if this.found is not None and this.record.program == ABORT and not this.store.sealed:
        _make_sure(this)
    while this.found is not None and this.record.under_way:
        program = program_of(this.record, this.plan)
        if this.record.position >= len(program):
            _finish(this)
            return
        entry = program[this.record.position]
        if this.wish.until == "step" and _steps_done(this) > begun_with:
            this.save(this.record)
            return
        if not _do(this, entry):
            return


def _make_sure(this: Run) -> None:
    """A record without a seal may say that the routers have gone back: that finds out by itself what is left of it."""
    done = [entry.action for entry in program_of(this.record, this.plan)[: this.record.position]]
    for action in (each for each in done if each.restores_routers):
        _perform(this, action, resumed=False)


def _steps_done(this: Run) -> int:
    return this.record.steps_done if this.found else 0


def _do(this: Run, entry: ScheduledAction) -> bool:
    """Carries out one entry of the program; False where the call ends here."""
    entered = this.record.began is None
    this.save(decide.begin(this.record, entry, this.ctx.clock.now()))
    if entry.action.is_pause or entry.action.is_delay:
        if not _pause(this, entry, entered):
            return False
    else:
        this.lease.renew()
        try:
            _perform(this, entry.action, resumed=not entered)
        except NoProgress as problem:
            if not _goes_back(this, problem):
                raise
            return True
        except TimedOut as problem:
            _note_timeout(this, problem)
            raise
    _next(this, entry)
    return True


def _note_timeout(this: Run, problem: TimedOut) -> None:
    """Keeps what the call waited for in vain, for those who look at the rollout before it goes on."""
    if this.record.program == RELEASE:
        this.save(replace(this.record, msg=str(problem)))
    events.emit(this.ctx, this.workload, "RolloutTimedOut", f"Revision {this.record.revision}: {problem}", True)


def _goes_back(this: Run, problem: NoProgress) -> bool:
    """Decides a release that gets no further, where its plan has a deadline: whether it goes back, from here on, or stops."""
    if this.record.program != RELEASE or this.plan.progress_deadline is None:
        return False
    reason = f"no progress: {problem}"
    if this.plan.on_deadline == "stop" or decide.is_promoted(this.record, this.plan):
        this.save(replace(this.record, phase=records.DEGRADED, msg=reason))
        events.emit(this.ctx, this.workload, "RolloutDegraded", f"Revision {this.record.revision}: {problem}", True)
        return False
    this.save(decide.begin_abort(this.record, f"aborted for {reason}", this.ctx.clock.now()))
    this.ctx.journal.actions.append(f"abort for {reason}")
    return True


def _perform(this: Run, action: Action, resumed: bool) -> None:
    stage = Stage(this.ctx, this.plan, this.record, lambda: None, resumed, sealed=this.store.sealed)

    def moved() -> None:
        _moved(this)
        stage.record = this.record

    def note(**changes: Any) -> None:
        this.save(replace(this.record, **changes))
        stage.record = this.record

    stage.moved, stage.note = moved, note
    limit = this.plan.progress_deadline if this.record.program == RELEASE else None
    this.ctx.no_later_than = None if limit is None else (this.record.began or 0.0) + limit
    this.ctx.start_tolerance = this.plan.start_tolerance
    written = len(this.ctx.journal.diff)
    this.ctx.journal.acting = True
    perform(stage, action)
    if len(this.ctx.journal.diff) > written:
        this.ctx.journal.actions.append(describe(action, this.plan.strategy))


def _moved(this: Run) -> None:
    """Traffic has been moved just now."""
    this.save(replace(this.record, moved=this.ctx.clock.now()))


def _next(this: Run, entry: ScheduledAction) -> None:
    before = _steps_done(this)
    this.record = decide.advance(this.record, this.plan, this.ctx.clock.now())
    if _steps_done(this) > before and entry.step is not None:
        step = this.plan.steps[entry.step]
        events.emit(
            this.ctx,
            this.workload,
            "RolloutStepCompleted",
            f"Step {entry.step + 1}/{len(this.plan.steps)} of revision {this.record.revision}: {step}",
        )


def _pause(this: Run, entry: ScheduledAction, entered: bool) -> bool:
    """Whether the pause is over; waits for its end where the wish says so. The Lease is free meanwhile."""
    delay = entry.action.is_delay
    if entered and not delay:
        text = "until promoted" if this.record.resume_at is None else f"for {show(this.record.resume_at - (this.record.began or 0.0))}"
        events.emit(this.ctx, this.workload, "RolloutPaused", f"Revision {this.record.revision} pauses {text}")
    if _pause_over(this, entry):
        return True
    over = this.wish.until == "end" or this.wish.ensure_step is not None
    rides = this.ctx.wait and this.record.resume_at is not None and (over or delay or not entered)
    if not rides and delay:
        raise NotYet(f"the version without traffic goes in {show((this.record.resume_at or 0.0) - this.ctx.clock.now())}")
    if not rides:
        return False
    this.lease.release()
    if not _wait_out(this, entry):
        return False
    place = _place(this.found)
    this.ctx.journal.acting = False
    this.lease.acquire()
    this.load()
    return bool(_place(this.found) == place)


def _pause_over(this: Run, entry: ScheduledAction) -> bool:
    if entry.action.is_pause and this.is_approved(str(entry.step)):
        return True
    if entry.action.is_delay and decide.DELAY in this.record.promoted:
        return True
    return this.record.resume_at is not None and this.ctx.clock.now() >= this.record.resume_at


def _wait_out(this: Run, entry: ScheduledAction) -> bool:
    """Sleeps until the pause is over; False when somebody else went on with the rollout meanwhile."""
    place = _place(this.found)
    while not _pause_over(this, entry):
        left = (this.record.resume_at or 0.0) - this.ctx.clock.now()
        this.ctx.clock.sleep(min(_LOOK_EVERY, max(0.0, left)))
        this.load()
        if _place(this.found) != place:
            return False
    return True


def _place(record: Record | None) -> Any:
    return record and (record.revision, record.program, record.position)


def _finish(this: Run) -> None:
    """The program is at its end: the record says so, or goes."""
    if this.record.program == HAND_BACK:
        forget(this)
        return
    done = decide.finished(this.record, this.plan, this.ctx.clock.now())
    phase = done.phase
    this.save(done)
    reason = "RolloutCompleted" if phase == records.HEALTHY else "RolloutAborted"
    events.emit(
        this.ctx,
        this.workload,
        reason,
        f"Revision {done.revision} is {phase}{': ' + done.msg if done.msg else ''}",
        phase != records.HEALTHY,
    )
    if done.forget:
        hand_back(this)


def hand_back(this: Run) -> None:
    """What a release left behind goes, and then the record."""
    back = decide.begin_hand_back(this.record)
    if not program_of(back, this.plan):
        forget(this)
        return
    this.save(back)
    advance(this)


def forget(this: Run) -> None:
    """Removes the record and the Lease."""
    this.store.remove()
    this.lease.remove()
    this.found = None
