"""What a call makes of a rollout: released further, aborted, or handed back."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._cluster import process
from .._objects.refusal import Refused
from .._objects.resources import WORKLOADS
from .._plan.plan import Plan, read_plan
from .._rollout import decide
from .._rollout import record as records
from .._rollout.program import RELEASE, program_of
from .._rollout.record import Record
from .._workloads import revisions
from . import checks, events, templates
from .advance import advance, hand_back
from .lease import Lost, RolloutLease
from .run import Run, Wish, open_run

Object = dict[str, Any]

__all__ = ["Run", "Wish", "carry_out", "open_run"]

# After a living run's Lease was taken: the time in which a write that it had sent already still arrives.
_LAST_WRITE_ARRIVES = 1.0


def carry_out(this: Run) -> None:
    """Carries out the wish as far as it asks. Raises Refused before the first write; Failed, Lost and NotYet later."""
    this.found = this.store.load()
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
    this.agreed = _plan(this)
    verdict = _admit(this)
    if this.wish.promote is not None and this.found is not None:
        decide.promotable(this.record, this.wish.name, this.wish.promote)
    if verdict == decide.NOTHING:
        this.nothing_to_do = True
        return
    if this.wish.promote is not None and verdict == decide.START:
        raise Refused(f"rollout {this.wish.name}: there is nothing to promote: no revision is under way")
    if this.wish.promote is not None and verdict == decide.GO_ON:
        _promote(this, this.wish.promote)
    if this.ctx.check:
        _preview(this, verdict)
        return
    if verdict == decide.START:
        _start(this)
    elif not _take_over(this):
        # The run that was at work has come to its end while its Lease was waited for: look again what is left to do.
        this.lease.release()
        _present(this)
        return
    advance(this)


def _preview(this: Run, verdict: str) -> None:
    """In check mode: the actions that the call would carry out."""
    record = _first_record(this) if verdict == decide.START else this.record
    this.planned = decide.ahead(record, this.plan, this.wish.until)
    this.ctx.journal.changed = bool(this.planned)


def _images(record: Record) -> str:
    return ", ".join(f"{name}={image}" for name, image in sorted(record.images.items()))


def _plan(this: Run) -> Plan:
    """The plan asked for; without a workload, the record's, with what else is given."""
    options = {key: value for key, value in this.wish.plan.items() if value is not None}
    if this.wish.undo is not None:
        options = {**options, **_undo(this, this.wish.undo, options)}
    if "workload" not in options:
        if this.found is None:
            raise Refused(
                f"rollout {this.wish.name} has no record in namespace {this.ctx.namespace}: check its name and the namespace, "
                "or give its plan (workload, revision, services, routers, canary)"
            )
        options = {**this.record.plan, **options}
        return read_plan(this.wish.name, this.ctx.namespace, options)
    plan = read_plan(this.wish.name, this.ctx.namespace, options)
    if plan.revision.carried and plan.style in ("clone", "in_place"):
        raise Refused("revision is missing: name the new version by images, template, definition or restart")
    return plan


def _undo(this: Run, undo: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The revision to which the call goes back; the one that is under way when that goes back, too."""
    given = sorted(set(options) & {"workload", "revision", "services", "routers", "canary"})
    if given:
        raise Refused(f"undo goes by the plan of the last release: leave {', '.join(given)} out, or release the old version by its images")
    if this.found is None:
        return {"revision": decide.undone(None, this.wish.name, undo, "")}
    if this.record.under_way and this.record.plan["revision"].get("held"):
        return {}
    plan = read_plan(this.wish.name, this.ctx.namespace, this.record.plan)
    live = this.ctx.client.get(this.ctx.ref(WORKLOADS[plan.kind], plan.workload))
    return {"revision": decide.undone(this.found, this.wish.name, undo, _running(this, live)["template"])}


def _admit(this: Run) -> str:
    this.workload = this.ctx.client.get(this.ctx.ref(WORKLOADS[this.plan.kind], this.plan.workload))
    this.template = templates.new_template(this.ctx, this.plan, this.workload, this.workload["spec"]["template"])
    running = _running(this, this.workload)["template"]
    return decide.admit(this.found, this.plan, revisions.template_hash(this.template), running, this.wish.retry)


def _running(this: Run, live: Object) -> dict[str, Any]:
    """The version that has the traffic while nothing is under way, as a record's `stable` tells it."""
    if this.found is not None and this.record.stable.get("made") and not this.record.under_way:
        return this.record.stable
    template = live["spec"]["template"]
    return {"workload": live["metadata"]["name"], "template": revisions.template_hash(template), "images": revisions.images_of(template)}


def _start(this: Run) -> None:
    record = _first_record(this)
    this.lease.acquire()
    if this.store.load() != this.found:
        raise Refused(f"rollout {this.wish.name}: another run has just started or ended a revision: run again")
    this.save(record)
    events.emit(this.ctx, this.workload, "RolloutStarted", f"Revision {record.revision} of rollout {record.name}: {_images(record)}")


def _first_record(this: Run) -> Record:
    """The record of the new revision, after all checks."""
    new, last = this.template, this.found
    running = _running(this, this.workload)
    facts = checks.check(this.ctx, this.plan, this.workload, new, running)
    lasting = last is not None and bool(running.get("made"))
    return Record(
        name=this.plan.name,
        plan={**this.plan.raw, "revision": this.plan.revision.kept(revisions.template_hash(new))},
        plan_hash=this.plan.hash,
        revision=last.revision + 1 if last else 1,
        target=revisions.template_hash(new),
        phase=records.PROGRESSING,
        program=RELEASE,
        stable={**running, "hash": facts.stable_hash, "canary": facts.canary_template},
        images=revisions.images_of(new),
        bystanders=sorted({*facts.bystanders, *(last.bystanders if last and lasting else [])}),
        asked=this.plan.revision.asked,
        originals=last.originals if last and lasting else {},
        canary_service_made=facts.canary_service_made,
        history=last.history if last else [],
        by=process.actor(),
    )


def _take_over(this: Run) -> bool:
    """Takes the Lease of a rollout that is under way, and the record as it is now; False where it no longer is under way."""
    promoted = this.record.promoted if this.found else {}
    this.lease.acquire()
    this.found = this.store.load()
    if this.found is None:
        raise Refused(f"rollout {this.wish.name}: it has just been handed back: run again to start anew")
    if not this.record.under_way:
        return False
    if promoted != this.record.promoted:
        this.save(replace(this.record, promoted={**this.record.promoted, **promoted}))
    return True


def _promote(this: Run, promote: Mapping[str, Any]) -> None:
    """Marks the pauses that `promote` passes; they are written down with the next save."""
    if not decide.promotable(this.record, this.wish.name, promote):
        return
    here = this.record.steps_done
    last = len(this.plan.steps) if promote.get("full") else here + 1
    mark = {**process.actor(), "at": this.ctx.clock.now()}
    this.record = replace(this.record, promoted={**this.record.promoted, **{str(index): mark for index in range(here, last)}})


def _aborted(this: Run) -> None:
    this.agreed = _recorded_plan(this)
    if not decide.abortable(this.found, this.agreed, this.wish.name, this.wish.revision):
        return
    reason = f": {this.wish.reason}" if this.wish.reason else ""
    _turn_round(this, "aborted by " + "@".join(process.actor().values()) + reason, forget=False)


def _recorded_plan(this: Run) -> Plan | None:
    """The plan by which the rollout came to where it is, whatever the call names; just its times are the call's."""
    if this.found is None:
        return None
    times = {key: this.wish.plan[key] for key in ("grace", "drain", "probe") if this.wish.plan.get(key) is not None}
    return read_plan(this.wish.name, this.ctx.namespace, {**this.record.plan, **times})


def _absent(this: Run) -> None:
    this.agreed = _recorded_plan(this)
    if this.found is None:
        checks.refuse_leftovers(this.ctx, this.wish.name)
        return
    if not this.record.under_way:
        _forget(this)
        return
    _turn_round(this, "handed back by " + "@".join(process.actor().values()), forget=True)


def _forget(this: Run) -> None:
    """Hands back what releases left behind, and forgets the record."""
    this.planned = [entry.action for entry in program_of(decide.begin_hand_back(this.record), this.plan)] if this.ctx.check else []
    this.ctx.journal.changed = True
    this.ctx.journal.actions.append("forget the record")
    if this.ctx.check:
        return
    this.lease.acquire()
    this.found = this.store.load()
    if this.found is not None and this.record.under_way:
        raise Refused(f"rollout {this.wish.name}: another run has just started a revision: run again")
    if this.found is not None:
        this.workload = this.ctx.client.find(this.ctx.ref(WORKLOADS[this.plan.kind], this.plan.workload)) or {}
        hand_back(this)


def _turn_round(this: Run, reason: str, forget: bool) -> None:
    """Takes the rollout over, from a living run too, and goes all the way back."""
    back = replace(decide.begin_abort(this.record, reason), forget=forget)
    program_of(back, this.plan)  # Says so where there is no way back.
    if this.ctx.check:
        this.planned = [entry.action for entry in program_of(back, this.plan)[back.position :]]
        this.ctx.journal.changed = True
        return
    this.workload = this.ctx.client.find(this.ctx.ref(WORKLOADS[this.plan.kind], this.plan.workload)) or {}
    this.lease.acquire(force=True)
    if not _taken_over(this, reason, forget):
        return
    this.ctx.journal.changed = True
    this.ctx.journal.actions.append(reason)
    advance(this)


def _taken_over(this: Run, reason: str, forget: bool) -> bool:
    """Turns the record round, whatever a run that still lives writes into it; False where that run had just come to its end."""
    while True:
        this.found = this.store.load()
        if this.found is None or not this.record.under_way:
            return False
        try:
            this.save(replace(decide.begin_abort(this.record, reason), forget=forget))
        except Lost:
            continue
        # That run's next write is refused; one that it has sent already arrives before anything is decided here.
        this.ctx.clock.sleep(_LAST_WRITE_ARRIVES if this.lease.was_taken else 0.0)
        return True
