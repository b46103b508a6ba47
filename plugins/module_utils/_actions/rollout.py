"""Advances a rollout: finds its place from the record, carries out what comes next, writes down where it stands."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from .._cluster import process
from .._objects import edits
from .._objects.edits import Field
from .._objects.refusal import Refused
from .._objects.resources import CONFIG_MAP, DEPLOYMENT, LEASE
from .._plan.durations import show
from .._plan.plan import Plan, read_plan
from .._rollout import decide, record as records
from .._rollout.actions import Action, WaitPause
from .._rollout.program import Entry, program_of
from .._rollout.record import Record, record_name
from .._workloads import revisions
from . import checks, events
from .context import Context
from .lease import Lost, RolloutLease
from .perform import Stage, perform
from .store import Store

Object = Dict[str, Any]

# While a pause is waited out the record is looked at this often, since somebody may promote or abort meanwhile.
_LOOK_EVERY = 2.0
_SAVED_JUST_NOW = 0.2
# After a living run's Lease was taken: the time in which a write that it had sent already still arrives.
_LAST_WRITE_ARRIVES = 1.0


@dataclass(frozen=True)
class Wish:
    """What the caller asks for. plan: the plan's options, all None to take the plan from the record.

    until: pause, step or end. promote: None, or a mapping with revision, step, full. state: present, aborted, absent.
    """

    name: str
    plan: Mapping[str, Any]
    until: str = "pause"
    promote: Optional[Mapping[str, Any]] = None
    state: str = "present"
    revision: Optional[int] = None
    retry: bool = False


@dataclass
class Run:
    """One call's work on one rollout."""

    ctx: Context
    wish: Wish
    store: Store
    lease: RolloutLease
    record: Optional[Record] = None
    plan: Optional[Plan] = None
    deployment: Object = field(default_factory=dict)
    planned: List[Action] = field(default_factory=list)  # in check mode: what would be done
    nothing_to_do: bool = False  # the workload has the wanted version
    saved_at: float = float("-inf")  # when the record was last written here (monotonic)

    def recall(self, key: str) -> List[Field]:
        """What the record remembers of an object's fields."""
        return [edits.load(raw) for raw in (self.record.originals.get(key, []) if self.record else [])]

    def remember(self, key: str, fields: Any) -> None:
        """Writes into the record what an object was, before it is changed."""
        assert self.record is not None
        originals = {**self.record.originals, key: [edits.dump(each) for each in fields]}
        self.save(replace(self.record, originals={name: kept for name, kept in originals.items() if kept}))

    def save(self, record: Record) -> None:
        """Makes this the record, here and in the cluster."""
        if self.store.save(record):
            self.saved_at = self.ctx.clock.monotonic()
        self.record = record

    def guard(self) -> None:
        """Raises Lost when another call has taken over.

        Whoever takes over writes the record first of all, and a record that somebody else wrote cannot be saved: a save just now says the
        same as the Lease.
        """
        if self.ctx.clock.monotonic() - self.saved_at > _SAVED_JUST_NOW:
            self.lease.guard()


def open_run(ctx: Context, wish: Wish) -> Run:
    """A call's work, ready to be carried out; nothing is read yet."""
    ref = ctx.ref(CONFIG_MAP, record_name(wish.name))
    lease = RolloutLease(ctx.client, ctx.clock, ctx.ref(LEASE, ref.name), wish.name)
    this = Run(ctx, wish, Store(ctx.client, ref, wish.name), lease)
    ctx.recall, ctx.remember, ctx.guard, ctx.beat = this.recall, this.remember, this.guard, lease.beat
    return this


def carry_out(this: Run) -> None:
    """Carries out the wish as far as it asks. Raises Refused before the first write; Failed, Lost and NotYet later."""
    this.record = this.store.load()
    try:
        {"present": _present, "aborted": _aborted, "absent": _absent}[this.wish.state](this)
    finally:
        _give_back(this.lease)


def _give_back(lease: RolloutLease) -> None:
    try:
        lease.release()
    except Exception:  # pylint: disable=broad-except
        # It runs out by itself; what went wrong before is what the user must see.
        lease.held = False


def _present(this: Run) -> None:
    this.plan = _plan(this)
    verdict = _admit(this)
    if this.wish.promote is not None and this.record is not None:
        decide.promotable(this.record, this.wish.name, this.wish.promote)
    if verdict == decide.NOTHING:
        this.nothing_to_do = True
        return
    if this.wish.promote is not None and verdict == decide.START:
        raise Refused(f"rollout {this.wish.name}: there is nothing to promote: no revision is under way")
    if this.wish.promote is not None and verdict == decide.GO_ON:
        _promote(this)
    if this.ctx.check:
        _preview(this, verdict)
        return
    if verdict == decide.START:
        _start(this)
    else:
        _take_over(this)
    _carry_out(this)


def _plan(this: Run) -> Plan:
    """The plan asked for; without a workload, the record's, with what else is given."""
    options = {key: value for key, value in this.wish.plan.items() if value is not None}
    if "workload" not in options:
        if this.record is None:
            raise Refused(
                f"rollout {this.wish.name} has no record in namespace {this.ctx.namespace}: check its name and the namespace, "
                "or give its plan (workload, revision, services, routers, canary)"
            )
        options = {**this.record.plan, **options}
    return read_plan(this.wish.name, this.ctx.namespace, options)


def _admit(this: Run) -> str:
    assert this.plan is not None
    this.deployment = this.ctx.client.get(this.ctx.ref(DEPLOYMENT, this.plan.workload))
    new, live = _templates(this)
    return decide.admit(this.record, this.plan, revisions.template_hash(new), revisions.template_hash(live), this.wish.retry)


def _templates(this: Run) -> Tuple[revisions.Template, revisions.Template]:
    """The template asked for, and the present one."""
    assert this.plan is not None
    live = this.deployment["spec"]["template"]
    return revisions.with_images(live, this.plan.images, f"Deployment {this.plan.namespace}/{this.plan.workload}"), live


def _start(this: Run) -> None:
    record = _first_record(this)
    this.lease.acquire()
    if this.store.load() != this.record:
        raise Refused(f"rollout {this.wish.name}: another run has just started or ended a revision: run again")
    this.save(record)
    events.emit(this.ctx, this.deployment, "RolloutStarted", f"Revision {record.revision} of rollout {record.name}: {_images(record)}")


def _first_record(this: Run) -> Record:
    """The record of the new revision, after all checks."""
    assert this.plan is not None
    new, live = _templates(this)
    facts = checks.check(this.ctx, this.plan, this.deployment, new)
    last = this.record
    return Record(
        name=this.plan.name,
        plan=this.plan.raw,
        plan_hash=this.plan.hash,
        revision=last.revision + 1 if last else 1,
        target=revisions.template_hash(new),
        phase=records.PROGRESSING,
        program="release",
        stable={"hash": facts.stable_hash, "template": revisions.template_hash(live), "images": revisions.images_of(live)},
        images=revisions.images_of(new),
        bystanders=facts.bystanders,
        canary_service_made=facts.canary_service_made,
        history=last.history if last else [],
        by=process.actor(),
    )


def _take_over(this: Run) -> None:
    """Takes the Lease of a rollout that is under way, and the record as it is now."""
    promoted = this.record.promoted if this.record else {}
    this.lease.acquire()
    this.record = this.store.load()
    if this.record is None or not this.record.under_way:
        raise Refused(f"rollout {this.wish.name}: another run has just ended it: run again to see how")
    if promoted != this.record.promoted:
        this.save(replace(this.record, promoted={**this.record.promoted, **promoted}))


def _promote(this: Run) -> None:
    """Marks the pauses that `promote` passes; they are written down with the next save."""
    assert this.record is not None and this.wish.promote is not None and this.plan is not None
    if not decide.promotable(this.record, this.wish.name, this.wish.promote):
        return
    here = this.record.steps_done
    last = len(this.plan.steps) if this.wish.promote.get("full") else here + 1
    mark = {**process.actor(), "at": this.ctx.clock.now()}
    this.record = replace(this.record, promoted={**this.record.promoted, **{str(index): mark for index in range(here, last)}})


def _carry_out(this: Run) -> None:
    """Action after action, until the program ends or the wish is fulfilled."""
    begun_with = _steps_done(this)
    while this.record is not None and this.record.under_way:
        assert this.plan is not None
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


def _steps_done(this: Run) -> int:
    return this.record.steps_done if this.record else 0


def _do(this: Run, entry: Entry) -> bool:
    """Carries out one entry of the program; False where the call ends here."""
    assert this.record is not None and this.plan is not None
    entered = this.record.began is None
    this.save(decide.begin(this.record, entry, this.ctx.clock.now()))
    if isinstance(entry.action, WaitPause):
        if not _pause(this, entry, entered):
            return False
    else:
        this.lease.beat()
        _perform(this, entry.action, resumed=not entered)
    _advance(this, entry)
    return True


def _perform(this: Run, action: Action, resumed: bool) -> None:
    assert this.record is not None and this.plan is not None
    stage = Stage(this.ctx, this.plan, this.record, lambda: None, resumed)

    def moved() -> None:
        _moved(this)
        assert this.record is not None
        stage.record = this.record

    stage.moved = moved
    written = len(this.ctx.journal.diff)
    this.ctx.journal.acting = True
    perform(stage, action)
    if len(this.ctx.journal.diff) > written:
        this.ctx.journal.actions.append(str(action))


def _moved(this: Run) -> None:
    """Traffic has been moved just now."""
    assert this.record is not None
    this.save(replace(this.record, moved=this.ctx.clock.now()))


def _advance(this: Run, entry: Entry) -> None:
    assert this.record is not None and this.plan is not None
    before = _steps_done(this)
    this.record = decide.advance(this.record, this.plan, this.ctx.clock.now())
    if _steps_done(this) > before and entry.step is not None:
        step = this.plan.steps[entry.step]
        events.emit(
            this.ctx,
            this.deployment,
            "RolloutStepCompleted",
            f"Step {entry.step + 1}/{len(this.plan.steps)} of revision {this.record.revision}: {step}",
        )


def _pause(this: Run, entry: Entry, entered: bool) -> bool:
    """Whether the pause is over; waits for its end where the wish says so. The Lease is free meanwhile."""
    assert this.record is not None
    if entered:
        text = "until promoted" if this.record.resume_at is None else f"for {show(this.record.resume_at - (this.record.began or 0.0))}"
        events.emit(this.ctx, this.deployment, "RolloutPaused", f"Revision {this.record.revision} pauses {text}")
    if _pause_over(this, entry):
        return True
    rides = this.ctx.wait and this.record.resume_at is not None and (this.wish.until == "end" or not entered)
    if not rides:
        return False
    this.lease.release()
    if not _wait_out(this, entry):
        return False
    place = _place(this.record)
    this.lease.acquire()
    this.record = this.store.load()
    return bool(_place(this.record) == place)


def _pause_over(this: Run, entry: Entry) -> bool:
    assert this.record is not None
    if str(entry.step) in this.record.promoted:
        return True
    return this.record.resume_at is not None and this.ctx.clock.now() >= this.record.resume_at


def _wait_out(this: Run, entry: Entry) -> bool:
    """Sleeps until the pause is over; False when somebody else went on with the rollout meanwhile."""
    place = _place(this.record)
    while not _pause_over(this, entry):
        assert this.record is not None and this.record.resume_at is not None
        this.ctx.clock.sleep(min(_LOOK_EVERY, max(0.0, this.record.resume_at - this.ctx.clock.now())))
        this.record = this.store.load()
        if _place(this.record) != place:
            return False
    return True


def _place(record: Optional[Record]) -> Any:
    return record and (record.revision, record.program, record.position)


def _finish(this: Run) -> None:
    """The program is at its end: the record says so, or goes."""
    assert this.record is not None
    now = this.ctx.clock.now()
    phase = decide.finished_phase(this.record)
    done = replace(this.record, program="", position=0, phase=phase, began=None, originals={})
    this.save(replace(done, history=records.with_history(done, now)))
    reason = "RolloutCompleted" if phase == records.HEALTHY else "RolloutAborted"
    events.emit(
        this.ctx,
        this.deployment,
        reason,
        f"Revision {done.revision} is {phase}{': ' + done.msg if done.msg else ''}",
        phase != records.HEALTHY,
    )
    if done.forget:
        _forget(this)


def _forget(this: Run) -> None:
    this.store.remove()
    this.lease.remove()
    this.record = None


def _aborted(this: Run) -> None:
    this.plan = _plan(this) if this.record else None
    if not decide.abortable(this.record, this.plan, this.wish.name, this.wish.revision):
        return
    _turn_round(this, "aborted by " + "@".join(process.actor().values()), forget=False)


def _absent(this: Run) -> None:
    if this.record is None:
        return
    this.plan = _plan(this)
    if not this.record.under_way:
        this.ctx.journal.changed = True
        this.ctx.journal.actions.append("forget the record")
        if not this.ctx.check:
            this.lease.acquire()
            this.store.load()
            _forget(this)
        return
    _turn_round(this, "handed back by " + "@".join(process.actor().values()), forget=True)


def _turn_round(this: Run, reason: str, forget: bool) -> None:
    """Takes the rollout over, from a living run too, and goes all the way back."""
    assert this.record is not None and this.plan is not None
    back = replace(decide.begin_abort(this.record, reason), forget=forget)
    program_of(back, this.plan)  # Says so where there is no way back.
    if this.ctx.check:
        this.planned = [entry.action for entry in program_of(back, this.plan)[back.position :]]
        this.ctx.journal.changed = True
        return
    this.deployment = this.ctx.client.get(this.ctx.ref(DEPLOYMENT, this.plan.workload))
    this.lease.acquire(force=True)
    if not _taken_over(this, reason, forget):
        return
    this.ctx.journal.changed = True
    this.ctx.journal.actions.append(reason)
    _carry_out(this)


def _taken_over(this: Run, reason: str, forget: bool) -> bool:
    """Turns the record round, whatever a run that still lives writes into it; False where that run had just come to its end."""
    while True:
        this.record = this.store.load()
        if this.record is None or not this.record.under_way:
            return False
        try:
            this.save(replace(decide.begin_abort(this.record, reason), forget=forget))
        except Lost:
            continue
        # That run's next write is refused; one that it has sent already arrives before anything is decided here.
        this.ctx.clock.sleep(_LAST_WRITE_ARRIVES if this.lease.was_taken else 0.0)
        return True


def _preview(this: Run, verdict: str) -> None:
    """In check mode: the actions that the call would carry out."""
    record = _first_record(this) if verdict == decide.START else this.record
    assert record is not None and this.plan is not None
    this.planned = decide.ahead(record, this.plan, this.wish.until)
    this.ctx.journal.changed = bool(this.planned)


def _images(record: Record) -> str:
    return ", ".join(f"{name}={image}" for name, image in sorted(record.images.items()))
