"""What a call has to do, given the plan, the record, and what was asked."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._objects.refusal import Refused
from .._plan.plan import Plan
from .._steps.action import Action
from .._steps.sequence import ScheduledAction
from .._strategies.registry import strategy_of
from .._strategies.sequence import facts_of, stable_services
from . import state
from .program import ABORT, HAND_BACK, RELEASE, program_of, reached, release_program, turned_at
from .record import ABORTED, BEGINNING, DEGRADED, END, HEALTHY, PAUSED, PROGRESSING, Record, record_name, with_history
from .state import Operation, Request, Situation, situation_of

# Beside the pauses in Record.promoted: the delay of the version without traffic.
DELAY = "delay"


def admit(
    record: Record | None,
    plan: Plan,
    target: str,
    live: str,
    retry: bool,
    held: bool = False,
    reconfigured: bool = False,
    promote: Mapping[str, Any] | None = None,
    ensure_step: int | None = None,
) -> Operation:
    """What a call that releases does.

    Args:
        record: The record, None where there is none.
        plan: The plan asked for.
        target: Hash of the template asked for.
        live: Hash of the template that runs now.
        retry: Whether a version that was aborted is to be tried again.
        held: Whether the workload is paused between releases.
        reconfigured: Whether its ConfigMaps and Secrets hold something else than at the start of the revision under way.
        promote: None, or what the call promotes.
        ensure_step: None, or the step that the call ensures.

    Raises:
        Refused: The call contradicts the record.
    """
    asked = _version_asked(record, plan, target, live, held, reconfigured)
    there = asked is Request.CONTINUE and record is not None and record.under_way
    request: Request = asked
    if asked is not Request.CHANGED_PLAN and promote is not None:
        full = Request.PROMOTE_FULL if promote.get("full") else Request.PROMOTE
        at_rest = asked is Request.RELEASE_RUNNING and not (record is not None and record.under_way)
        request = full if there or at_rest else Request.PROMOTE_OTHER
    elif asked is Request.CONTINUE and retry and not there:
        request = Request.RETRY
    elif asked is Request.CONTINUE and ensure_step is not None:
        request = Request.ENSURE_STEP
    own = plan if record is not None and record.plan_hash == plan.hash else None
    return state.decide(plan.name, record, situation_of(record, own), request)


def _version_asked(record: Record | None, plan: Plan, target: str, live: str, held: bool, reconfigured: bool) -> Request:
    """Which version the call asks for: CONTINUE, CHANGED_PLAN, RELEASE or RELEASE_RUNNING."""
    if record is None or not record.under_way:
        if target == live:
            return Request.RELEASE if plan.hold != held else Request.RELEASE_RUNNING
        return Request.CONTINUE if record is not None and record.target == target else Request.RELEASE
    # Where only the template is another one, another client changed it, which on_drift decides when it matters.
    another = reconfigured or record.asked != plan.revision.asked(record.salt) or (plan.hold and plan.revision.carried)
    if record.target != target and another:
        return Request.RELEASE_RUNNING if target == live else Request.RELEASE
    return Request.CONTINUE if record.plan_hash == plan.hash else Request.CHANGED_PLAN


def skips_steps(record: Record | None, plan: Plan, target: str) -> bool:
    """Whether a release goes back to one of the versions that were released last, as many as the plan's rollback window has."""
    complete = [entry for entry in record.history if entry["phase"] == HEALTHY] if record is not None else []
    return target in list(dict.fromkeys(entry["target"] for entry in complete))[: plan.rollback_window]


def ensured(record: Record | None, plan: Plan, number: int) -> bool:
    """Whether that step, counted from 1, is done already. record: of the revision under way, None where none is.

    Raises Refused where it is not the one that comes next.
    """
    refuse_no_such_step(plan, number)
    if record is not None and record.program != RELEASE:
        return False  # What is going back comes to its end first.
    done = record.steps_done if record is not None else 0
    if record is not None and (record.skips or number <= done):
        return True
    if number > done + 1:
        raise Refused(
            f"rollout {plan.name}",
            f"comes to step {done + 1} ({plan.steps[done]}) next, and ensure_step {number} ({plan.steps[number - 1]}) is out of order",
            f"ensure step {done + 1} first",
        )
    return False


def refuse_no_such_step(plan: Plan, number: int) -> None:
    """Raises Refused for a number that no step of the plan has."""
    total = len(plan.steps)
    if not 1 <= number <= total:
        raise Refused(f"rollout {plan.name}", f"has {total} steps, and ensure_step is {number}", f"give a number from 1 to {total}")


def replaced(record: Record, plan: Plan, reason: str, target: str) -> Record:
    """The record of a revision in whose place another one comes: it goes back, unless it has been promoted.

    plan: that of the record. target: hash of the template that is asked for.
    Where just the old version's delay is left of it, that is cut short: the traffic does not go back for a version that comes later. It
    does where the old version itself is asked for, which still runs.
    """
    situation = situation_of(record, plan)
    if situation is Situation.PROMOTED or record.program != RELEASE:
        return record
    if situation is Situation.SWITCHED and target != record.stable.get("template"):
        return replace(record, promoted={**record.promoted, DELAY: {"at": record.began}})
    return begin_abort(record, reason)


def successor(record: Record, its_plan: Plan, plan: Plan, target: str) -> Record | None:
    """The record of the revision that takes this one's place, as far as it can be told before that has come to its end.

    its_plan: by which this one does. target: hash of the template asked for. None where that is what runs then.
    """
    ended = finished(record, its_plan, 0.0)
    running = ended.target if ended.phase == HEALTHY else ended.stable.get("template")
    if target == running:
        return None
    fresh: dict[str, Any] = {"promoted": {}, "steps": [], "skips": skips_steps(ended, plan, target), "made": [], "msg": ""}
    stable = {**ended.stable, "template": running}
    return replace(ended, revision=record.revision + 1, stable=stable, target=target, phase=PROGRESSING, program=RELEASE, **fresh)


def only(record: Record | None, name: str, revision: int | None) -> None:
    """Raises Refused where the call may go on with one revision only, and that is not the present one any more."""
    if revision is None or (record is not None and record.revision == revision):
        return
    now = "has been handed back" if record is None else f"is at revision {record.revision}"
    raise Refused(f"rollout {name}", f"{now}, and this call goes on with revision {revision}", "start again without revision.number")


def promotable(record: Record, name: str, promote: Mapping[str, Any]) -> bool:
    """Whether `promote` passes the pause that the rollout is at; False when it has been passed before.

    Raises Refused when it names another revision, or a step that has not been reached.
    """
    revision, step = promote.get("revision"), promote.get("step")
    if revision is not None and int(revision) != record.revision:
        raise Refused(
            f"rollout {name}",
            f"is at revision {record.revision}, and promote names revision {revision}",
            "promote that, or leave revision out",
        )
    index = record.steps_done
    if step is not None and int(step) > index:
        raise Refused(f"rollout {name}", f"is at step {index}, and promote names step {step}", "promote that, or leave step out")
    return record.program == RELEASE and (step is None or int(step) == index)


def undone(record: Record | None, name: str, undo: str, live: str) -> dict[str, Any]:
    """The revision to which `undo` goes back, as the plan's `revision`.

    undo: `previous`, which is what ran before the version that runs now, or the number of a revision in the history.
    live: hash of the template that the workload has. Raises Refused where there is no such revision.
    """
    state.decide(name, record, situation_of(record, None), Request.UNDO)
    complete = [entry for entry in record.history if entry["phase"] == HEALTHY] if record is not None else []
    if undo != "previous":
        found = next((entry for entry in complete if str(entry["revision"]) == undo), None)
        if found is None:
            numbers = ", ".join(str(entry["revision"]) for entry in complete) or "none"
            raise Refused(
                f"rollout {name}", f"has no revision {undo} to go back to (complete are: {numbers})", "name one of these, or previous"
            )
        return {"images": found["images"], "held": found["target"]}
    # A call that just holds or resumes the workload changes no version.
    last = next((entry for entry in complete if entry["target"] == live and (entry.get("before") or {}).get("template") != live), None)
    if last is None and complete:
        return {"images": complete[0]["images"], "held": complete[0]["target"]}  # Somebody changed the workload by hand since.
    before = (last or {}).get("before") or {}
    if not before:
        raise Refused(f"rollout {name}", "does not know what ran before", "release that version by its images")
    return {"images": before["images"], "held": before["template"]}


def runs_still(record: Record, plan: Plan, undo: str) -> bool:
    """Whether the version to which `undo` goes back is the one before the switch, so that the release just turns round."""
    if situation_of(record, plan) is not Situation.SWITCHED:
        return False
    complete = {str(entry["revision"]): entry["target"] for entry in record.history if entry["phase"] == HEALTHY}
    return undo == "previous" or (undo in complete and complete[undo] == record.stable.get("template"))


def refuse_other_revision(record: Record | None, name: str, revision: int | None) -> None:
    """Raises Refused where an abort names another revision than the present one."""
    if record is not None and revision is not None and int(revision) != record.revision:
        raise Refused(f"rollout {name}", f"is at revision {record.revision}, not {revision}", "abort that revision, or leave revision out")


def begin_abort(record: Record, reason: str, now: float | None = None) -> Record:
    """The record turned round: from now on it carries out the way back. now: None where nothing was under way."""
    if record.program != RELEASE:
        return record
    # The action that ends here may have moved traffic just now, and not have lived to note it.
    moving = record.began is not None and record.phase != PAUSED
    return replace(
        record,
        program=ABORT,
        aborted_at=record.position,
        position=BEGINNING,
        began=None,
        moved=None,
        moved_before=now if moving and record.moved is None else record.moved,
        resume_at=None,
        phase=PROGRESSING,
        msg=reason,
    )


def advance(record: Record, plan: Plan, now: float) -> Record:
    """The record after the action at its position is done."""
    program = program_of(record, plan)
    here = reached(record, plan)
    done, rest = program[here], program[here + 1 :]
    following = rest[0].id if rest else END
    steps = list(record.steps)
    if done.step is not None and (not rest or rest[0].step != done.step):
        steps[done.step] = {**steps[done.step], "ended": now}
    return replace(record, position=following, began=None, moved=None, resume_at=None, phase=PROGRESSING, steps=steps)


def begin(record: Record, entry: ScheduledAction, now: float) -> Record:
    """The record as it is written before an action: from when, in which step, until when a pause lasts."""
    # After a deadline was over whoever goes on has its time anew.
    began = now if record.began is None or record.phase == DEGRADED else record.began
    steps: list[dict[str, Any]] = list(record.steps)
    if entry.step is not None and len(steps) <= entry.step:
        steps.append({"began": began})
    resume_at = began + entry.action.seconds if entry.action.seconds is not None else None
    return replace(
        record,
        position=entry.id,
        began=began,
        steps=steps,
        phase=PAUSED if entry.action.is_pause else PROGRESSING,
        resume_at=resume_at,
        msg="" if record.program == RELEASE else record.msg,
    )


def ahead(record: Record, plan: Plan, until: str) -> list[Action]:
    """The actions that a call carries out: to the next pause, to the end of the step, or over timed pauses to the end."""
    program = program_of(record, plan)
    here = reached(record, plan)
    actions: list[Action] = []
    for index in range(here, len(program)):
        entry = program[index]
        if until == "step" and _finished_before(program, index) > record.steps_done:
            break
        if not entry.action.is_pause:
            actions.append(entry.action)
        elif not _passed(record, index == here, entry.action, str(entry.step), until):
            break
    return actions


def _passed(record: Record, here: bool, pause: Action, step: str, until: str) -> bool:
    """Whether a call goes over this pause: one that is promoted, and a timed one that it finds or rides out."""
    found = here and record.began is not None
    return step in record.promoted or (pause.seconds is not None and (found or until == "end"))


def _finished_before(program: list[ScheduledAction], index: int) -> int:
    """How many steps have no entry from this one on."""
    return len({each.step for each in program[:index]} - {each.step for each in program[index:]} - {None})


def refuse_contradiction(record: Record, plan: Plan) -> None:
    """Raises Refused where a record under way is at no place of its own plan, so that another client has written it."""
    if not record.under_way:
        return
    here = reached(record, plan)
    finished_steps = _finished_before(program_of(record, plan), here) if record.program == RELEASE else record.steps_done
    if record.steps_done != finished_steps or record.steps_done > len(plan.steps):
        raise Refused(
            f"rollout {plan.name}",
            f"has a record that does not fit its plan (next action {record.position or 'the first'}, finished steps {record.steps_done})",
            f"restore ConfigMap {record_name(plan.name)}, or put the application back by hand and delete it",
        )


def current_weight(record: Record, plan: Plan) -> int:
    """The canary's share in percent that the record's program has reached."""
    weight = 0
    services = stable_services(plan, facts_of(record))
    for entry in walked(record, plan):
        if plan.bluegreen is not None and entry.action.pins(services) is not None:
            weight = 100 if entry.action.pins(services) == "canary" else 0
        elif entry.action.weight_after is not None:
            weight = entry.action.weight_after
        elif entry.action.restores_routers:
            weight = 0
    return weight


def walked(record: Record, plan: Plan) -> list[ScheduledAction]:
    """The entries of the revision under way that are done: of the release, and of the way back where it has turned round."""
    if not record.under_way or record.program == HAND_BACK:
        return []
    release = release_program(plan, facts_of(record))
    if record.program != ABORT:
        return release[: reached(record, plan)]
    return [*release[: turned_at(record, plan)], *program_of(record, plan)[: reached(record, plan)]]


def finished(record: Record, plan: Plan, now: float) -> Record:
    """The record after a release or an abort has come to its end."""
    phase = ABORTED if record.program == ABORT else HEALTHY
    done = replace(record, program="", position=BEGINNING, phase=phase, began=None, moved=None, resume_at=None)
    done = replace(done, history=with_history(done, now, plan.history_limit))
    if not (strategy_of(plan).keeps_versions or plan.hold):
        return replace(done, originals={})
    if phase == ABORTED:
        return done
    stable: dict[str, Any] = {"workload": plan.workload, "template": done.target, "images": done.images}
    if strategy_of(plan).keeps_versions:
        stable.update(workload=strategy_of(plan).new_workload_name(plan, done.target), made=True)
    return replace(done, stable=stable)


def begin_hand_back(record: Record) -> Record:
    """The record of a rollout with nothing under way, which takes from here on what its releases left behind."""
    return replace(record, program=HAND_BACK, position=BEGINNING, began=None, moved=None, phase=PROGRESSING, forget=True)
