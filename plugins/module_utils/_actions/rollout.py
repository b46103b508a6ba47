"""What a call makes of a rollout: released further, aborted, or handed back."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._cluster import process
from .._objects.refusal import Refused
from .._objects.resources import SERVICE, WORKLOADS
from .._plan.plan import Plan, read_plan
from .._plan.probes import without_header_values
from .._rollout import decide
from .._rollout import record as records
from .._rollout.desired import desired_traffic
from .._rollout.expiry import let_expire
from .._rollout.program import RELEASE, program_of
from .._rollout.record import Record
from .._routing.target import DesiredTraffic, split_of
from .._steps.action import Action
from .._strategies.registry import strategy_of
from .._workloads import revisions
from .._workloads.configs import changed_since
from . import checks, declared, events, templates, traffic, trust, turning
from .advance import advance
from .configs import version_of
from .context import Journal
from .lease import RolloutLease
from .run import Run, Wish, open_run
from .running import is_held, running
from .workload import wait_taken_up

Object = dict[str, Any]

__all__ = ["Run", "Wish", "carry_out", "open_run"]


def carry_out(this: Run) -> None:
    """Carries out the wish as far as it asks. Raises Refused before the first write; Failed, Lost and NotYet later."""
    this.load()
    this.read = True
    try:
        {"present": _present, "aborted": turning.abort, "absent": turning.hand_back_all}[this.wish.state](this)
    finally:
        _give_back(this.lease)


def _give_back(lease: RolloutLease) -> None:
    try:
        lease.release()
    except Exception:  # pylint: disable=broad-except
        # It runs out by itself; what went wrong before is what the user must see.
        lease.held = False


def _present(this: Run) -> None:
    if turning.undo_at_once(this):
        return
    this.agreed = _plan(this)
    decide.only(this.found, this.wish.name, this.wish.revision)
    verdict = _admit(this)
    if verdict == decide.NOTHING:
        this.nothing_to_do = "the workload runs this version already"
        return
    _agree(this, verdict)
    if this.wish.ensure_step is not None and _ensured(this, verdict, this.wish.ensure_step):
        return
    if verdict == decide.REPLACE:
        _replace(this)
    elif this.ctx.check:
        _preview(this, _first_record(this) if verdict == decide.START else this.record)
    elif verdict == decide.START:
        _start(this)
        advance(this)
    elif _take_over(this):
        advance(this)
    else:
        # The run that was at work has come to its end while its Lease was waited for: look again what is left to do.
        this.lease.release()
        _present(this)


def _agree(this: Run, verdict: str) -> None:
    """Raises Refused for what the call cannot take from the record, before anything is written."""
    trust.require_known_routers(this)
    if verdict != decide.GO_ON:
        trust.require_asked_version(this)
        templates.refuse_restless(this.ctx, this.plan, this.workload, this.template, this.version.configs)
        return
    decide.refuse_contradiction(this.record, this.plan)
    this.record = _expired(this)
    if this.wish.promote is not None:
        _promote(this, this.wish.promote)
    trust.require_approval(this)
    trust.require_known_version(this)


def _refuse_promotion(this: Run, verdict: str) -> None:
    """Raises Refused for a promotion of something else than what is under way."""
    if verdict == decide.START:
        raise Refused(f"rollout {this.wish.name}: there is nothing to promote: no revision is under way")
    if verdict == decide.REPLACE:
        raise Refused(
            f"rollout {this.wish.name}: revision {this.record.revision} is under way and releases another version than the one asked for: "
            "leave out the version to promote that, or leave out promote to release this one instead"
        )


def _ensured(this: Run, verdict: str, number: int) -> bool:
    """Whether the step that the call asks for is done, or skipped; raises Refused where it is not the one that comes next."""
    if decide.ensured(this.record if verdict == decide.GO_ON else None, this.plan, number):
        return True
    if verdict == decide.START and decide.skips_steps(this.found, this.plan, revisions.template_hash(this.template)):
        this.nothing_to_do = "this version is within the rollback window: its steps are skipped; release it without ensure_step"
        return True
    return False


def _preview(this: Run, record: Record | None, before: Sequence[Action] = ()) -> None:
    """In check mode: the actions that the call would carry out, after those before the record's. record: None where these are all."""
    this.expected = record
    if record is not None:
        record = replace(record, promoted={key: mark for key, mark in record.promoted.items() if this.is_approved(key)})
    this.ahead = [*before, *(decide.ahead(record, this.plan, this.wish.until) if record is not None else [])]
    this.ctx.journal.changed = bool(this.ahead)


def _replace(this: Run) -> None:
    """Brings the revision under way to its end, which is back where it has not been promoted, and starts the one asked for."""
    reason = f"replaced by {_named(this)}"
    _rehearse(this)
    if this.ctx.check:
        old = turning.plan_of(this, this.record)
        turned = decide.replaced(this.record, old, reason, revisions.template_hash(this.template))
        rest = [entry.action for entry in program_of(turned, old)[turned.position :]]
        rest = [each for each in rest if not (each.is_delay and decide.DELAY in turned.promoted)]
        after = decide.successor(turned, old, this.plan, revisions.template_hash(this.template))
        _preview(this, after and replace(after, **_configs(this)), rest)
        return
    _take_lease(this)
    if this.found is not None and this.record.under_way:
        _end(this, reason)
    if this.found is None or not this.record.under_way:
        # It is free again for the start, before which somebody else may come.
        this.lease.release()
        this.ctx.journal.acting = False
        _present(this)


def _end(this: Run, reason: str) -> None:
    """Brings the revision under way to its end, by its own plan."""
    this.agreed = turning.plan_of(this, this.record)
    turned = decide.replaced(this.record, this.plan, reason, revisions.template_hash(this.template))
    if turned != this.record:
        this.save(turned)
        this.ctx.journal.changed = True
        this.ctx.journal.actions.append(reason)
    ref = this.ctx.ref(WORKLOADS[this.plan.kind], this.plan.workload)
    this.workload = this.ctx.client.find(ref) or {}
    advance(this)
    if this.workload:
        wait_taken_up(this.ctx, ref)


def _rehearse(this: Run) -> None:
    """Raises Refused, or NotFound, for what a changed plan asks for and cannot have, as far as it shows while another one is under way."""
    if this.plan.hash == this.record.plan_hash:
        return
    rehearsal = replace(this.ctx, check=True, journal=Journal())
    if rehearsal.client.find(rehearsal.ref(SERVICE, this.plan.stable_service)) is None:
        declared.service_to_make(rehearsal, this.plan, this.workload)
    for target in this.plan.routers:
        found, made = declared.objects_to_be(rehearsal, this.plan, target)
        if made:
            declared.validate(rehearsal, this.plan, target, found, made)
            continue
        promotion = {} if this.plan.bluegreen else {"promotion": DesiredTraffic(split_of(100))}
        for step, wish in {**promotion, **desired_traffic(this.plan)}.items():
            try:
                traffic.move(rehearsal, target, wish, require_ready=False, together=this.plan.routers)
            except Refused as problem:
                raise Refused(f"{step}: {problem}") from None


def _images(images: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={image}" for name, image in sorted(images.items()))


def _named(this: Run) -> str:
    """The version that is asked for, by its images, or where these are the same by its template's hash."""
    images = revisions.images_of(this.template)
    return f"template {revisions.template_hash(this.template)}" if images == this.record.images else _images(images)


def _plan(this: Run) -> Plan:
    """The plan asked for; without a workload, the record's, with what else is given."""
    options = {key: value for key, value in this.wish.plan.items() if value is not None}
    if this.wish.undo is not None:
        options = {**{key: value for key, value in options.items() if key != "workload"}, **_undo(this, this.wish.undo, options)}
    if "workload" not in options or not (this.planned or this.wish.undo):
        named = options.pop("workload", {})
        if this.found is None:
            raise Refused(
                f"rollout {this.wish.name} has no record in namespace {this.ctx.namespace}: check its name and the namespace, "
                "or give its plan (workload, revision, services, routers, canary)"
            )
        options = {**trust.options_of(this, this.record), **options}
        found = read_plan(this.wish.name, this.ctx.namespace, options)
        trust.require_own(this, found)
        _refuse_other_workload(found, named)
        return found
    plan = read_plan(this.wish.name, this.ctx.namespace, options)
    if plan.revision.carried and not strategy_of(plan).carries_revision and not plan.hold:
        raise Refused("revision is missing: name the new version by images, template, definition or restart")
    return plan


def _refuse_other_workload(plan: Plan, named: Mapping[str, Any]) -> None:
    """Raises Refused where the call names another workload than its record. named: the option workload."""
    recorded = {"name": plan.workload, "kind": plan.kind, "style": plan.style, "canary": plan.canary_workload}
    other = [key for key, value in named.items() if value is not None and value != recorded[key]]
    if other:
        raise Refused(
            f"rollout {plan.name} is about {plan.title} by its record, and workload.{other[0]} is {named[other[0]]!r}: leave workload out "
            "to go on with that, or give the whole plan (services, routers, canary)"
        )


def _undo(this: Run, undo: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The revision to which the call goes back; the one that is under way when that goes back, too."""
    turning.refuse_beside_undo(options)
    if this.found is None:
        return {"revision": decide.undone(None, this.wish.name, undo, "")}
    if this.record.under_way and this.record.undo in (undo, turning.at_once(undo)):
        return {}
    plan = read_plan(this.wish.name, this.ctx.namespace, trust.options_of(this, this.record))
    trust.require_own(this, plan)
    live = this.ctx.client.get(this.ctx.ref(WORKLOADS[plan.kind], plan.workload))
    revision = decide.undone(this.found, this.wish.name, undo, running(this.ctx, plan, this.found, live)["template"])
    stored = this.record.also_stored(revision["held"])
    found = templates.find_first(this.ctx, plan, live, [revision["held"], *stored]) if stored else None
    return {"revision": revision if found is None else {**revision, "held": revisions.template_hash(found)}}


def _admit(this: Run) -> str:
    promote = this.wish.promote
    if this.wish.ensure_step is not None:
        decide.refuse_no_such_step(this.plan, this.wish.ensure_step)
    if promote is not None and this.found is not None:
        decide.promotable(this.record, this.wish.name, promote)
    this.workload = this.ctx.client.get(this.ctx.ref(WORKLOADS[this.plan.kind], this.plan.workload))
    this.agreed, tried = trust.version_shown(this)
    this.version = version_of(this.ctx, this.plan, this.workload, this.found, _settled(this), tried)
    target, live = revisions.template_hash(this.template), running(this.ctx, this.plan, this.found, this.workload)["template"]
    held = is_held(this.plan, this.found, this.workload)
    reconfigured = this.found is not None and changed_since(this.record.configs, this.version.configs)
    verdict = decide.admit(this.found, this.plan, target, live, this.wish.retry, held, reconfigured)
    if promote is not None:
        _refuse_promotion(this, verdict)
    return verdict


def _settled(this: Run) -> bool:
    """Whether the call goes on with the revision under way as it was begun: it names that one, or none of its own."""
    return this.found is not None and this.record.under_way and (this.wish.revision is not None or not this.planned)


def _start(this: Run) -> None:
    record = _first_record(this)
    this.lease.acquire()
    before = this.found
    if this.load() != before:
        raise Refused(f"rollout {this.wish.name}: another run has just started or ended a revision: run again")
    this.working = record.revision
    this.save(record)
    events.emit(this.ctx, this.workload, "RolloutStarted", f"Revision {record.revision} of rollout {record.name}: {_images(record.images)}")


def _first_record(this: Run) -> Record:
    """The record of the new revision, after all checks."""
    new, last = this.template, this.found
    target = revisions.template_hash(new)
    live = running(this.ctx, this.plan, last, this.workload)
    facts = checks.check(this.ctx, this.plan, this.workload, new, live if last else None, is_held(this.plan, last, this.workload))
    lasting = last is not None and bool(live.get("made"))
    salt = secrets.token_hex(8)
    kept = {"held": target} if this.plan.hold and this.plan.revision.carried else this.plan.revision.kept(target)
    return Record(
        name=this.plan.name,
        plan={**this.plan.raw, "revision": kept, **_stored_probe(this.plan.raw)},
        plan_hash=this.plan.hash,
        revision=last.revision + 1 if last else 1,
        target=target,
        phase=records.PROGRESSING,
        program=RELEASE,
        stable={**live, "hash": facts.stable_hash, "canary": facts.canary_template},
        images=revisions.images_of(new),
        bystanders=sorted({*facts.bystanders, *(last.bystanders if last and lasting else [])}),
        asked=this.plan.revision.asked(salt),
        salt=salt,
        uids=last.uids if last else {},
        stored=last.stored if last else {},
        undo=this.wish.undo or "",
        skips=_skips(this, target),
        originals=this.lasting_originals(),
        canary_service_made=facts.canary_service_made,
        made=facts.made,
        guards=facts.guards,
        labels=_labels(this.plan, last),
        history=last.history if last else [],
        by=process.actor(),
        min_replicas=facts.min_replicas,
        **_configs(this),
    )


def _stored_probe(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The probe as the record keeps it: the values of its headers may be secrets."""
    return {"probe": without_header_values(raw["probe"])} if raw.get("probe") is not None else {}


def _skips(this: Run, target: str) -> bool:
    """Whether the release skips its steps, as one of the last versions; the history of a record without a seal is no proof of that."""
    if not decide.skips_steps(this.found, this.plan, target):
        return False
    if this.store.sealed or trust.ran_before(this, target):
        return True
    this.ctx.journal.warnings.append(
        f"{this.plan.title}: no step is skipped: the record, which has no seal, says that this version ran before, and no object of the "
        "cluster shows it"
    )
    return False


def _labels(plan: Plan, last: Record | None) -> dict[str, list[str]]:
    """Those of this plan, and of the releases before, which pods have until the hand-back."""
    found = {key: {*values} for key, values in (last.labels if last else {}).items()}
    for given in (plan.bluegreen.active, plan.bluegreen.preview) if plan.bluegreen else ():
        for key, value in given.items():
            found.setdefault(key, set()).add(value)
    return {key: sorted(values) for key, values in found.items()}


def _configs(this: Run) -> dict[str, Any]:
    """What the record of the new revision says of its ConfigMaps and Secrets."""
    version = this.version
    return {"configs": version.configs, "copies": version.copies, "tracks": this.plan.track_configs or bool(version.copies)}


def _take_over(this: Run) -> bool:
    """Takes the Lease of a rollout that is under way, and the record as it is now; False where it no longer is under way."""
    promoted = this.record.promoted
    _take_lease(this)
    if not this.record.under_way:
        return False
    this.working = this.record.revision
    loaded = this.record
    this.record = replace(loaded, promoted={**loaded.promoted, **promoted})
    going = _expired(this)
    if going.program != loaded.program:
        this.ctx.journal.actions.append(going.msg)
    if going != loaded:
        this.save(going)
    this.record = going
    return True


def _take_lease(this: Run) -> None:
    """Takes the Lease, and the record as it is now; raises Refused where that is of another revision."""
    revision = this.record.revision
    this.lease.acquire()
    this.load()
    if this.found is None:
        raise Refused(f"rollout {this.wish.name}: it has just been handed back: run again to start anew")
    if this.record.revision != revision:
        raise Refused(f"rollout {this.wish.name}: another run has just begun revision {this.record.revision}: run again")


def _expired(this: Run) -> Record:
    """The record as the call goes on with it where a pause has expired.

    That an expired pause is passed is for the caller's plan, or for a sealed record, to say.
    """
    after = let_expire(this.record, this.plan, this.ctx.clock.now())
    passed = {key: mark for key, mark in after.promoted.items() if key not in this.record.promoted}
    if passed and not (this.store.sealed or this.planned):
        raise Refused(
            f"rollout {this.wish.name}: its pause has expired, and the record, which has no seal, says that it is to be passed then: "
            "promote it, give the plan, or set record_key"
        )
    this.granted.update(passed)
    return after


def _promote(this: Run, promote: Mapping[str, Any]) -> None:
    """Marks the pauses that `promote` passes; they are written down with the next save."""
    if not decide.promotable(this.record, this.wish.name, promote):
        return
    here = this.record.steps_done
    last = len(this.plan.steps) if promote.get("full") else here + 1
    mark = {**process.actor(), "at": this.ctx.clock.now()}
    marks = {str(index): mark for index in range(here, last)}
    this.granted.update(marks)
    this.record = replace(this.record, promoted={**this.record.promoted, **marks})
