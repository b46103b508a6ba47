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
from .._steps.actions import PinServices
from .._steps.sequence import ScheduledAction
from .._strategies.registry import strategy_of
from .._strategies.sequence import facts_of, stable_services
from .program import ABORT, HAND_BACK, RELEASE, already_promoted, program_of, release_program
from .record import ABORTED, DEGRADED, HEALTHY, PAUSED, PROGRESSING, Record, record_name, with_history

# Beside the pauses in Record.promoted: the delay of the version without traffic.
DELAY = "delay"

START, GO_ON, REPLACE, NOTHING = "start", "go on", "replace", "nothing"


def admit(record: Record | None, plan: Plan, target: str, live: str, retry: bool, held: bool = False, reconfigured: bool = False) -> str:
    """Whether this call starts a revision, goes on with the one under way or puts another one in its place, or has nothing to do.

    target, live: hashes of the template asked for and of the one that runs now. held: the workload is paused between releases.
    reconfigured: its ConfigMaps and Secrets hold something else than at the start of the revision under way.
    Raises Refused where the call contradicts the record.
    """
    if record is not None and record.program == HAND_BACK:
        raise Refused(f"rollout {plan.name} is being handed back: finish that first (state: absent)")
    if record is not None and record.under_way:
        # Where just the template is another one, somebody else changed it, which on_drift decides when it matters.
        another = reconfigured or record.asked != plan.revision.asked(record.salt) or (plan.hold and plan.revision.carried)
        if record.target != target and another:
            return REPLACE
        if record.plan_hash != plan.hash:
            raise Refused(
                f"rollout {plan.name}: revision {record.revision} is under way ({record.phase}) by another plan than this one: "
                "finish it with the same options, or abort it first (state: aborted)"
            )
        return GO_ON
    if target == live:
        return START if plan.hold != held else NOTHING
    if record is not None and record.phase == ABORTED and record.target == target and not retry:
        raise Refused(
            f"rollout {plan.name}: revision {record.revision} was aborted ({record.msg}): "
            "release another version, or set retry to try it again"
        )
    return START


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
            f"rollout {plan.name}: ensure_step {number} ({plan.steps[number - 1]}) is out of order: "
            f"step {done + 1} ({plan.steps[done]}) comes next: ensure that first"
        )
    return False


def refuse_no_such_step(plan: Plan, number: int) -> None:
    """Raises Refused for a number that no step of the plan has."""
    total = len(plan.steps)
    if not 1 <= number <= total:
        raise Refused(f"rollout {plan.name}: ensure_step {number}: the plan has {total} steps, which are counted from 1")


def replaced(record: Record, plan: Plan, reason: str, target: str) -> Record:
    """The record of a revision in whose place another one comes: it goes back, unless it has been promoted.

    plan: that of the record. target: hash of the template that is asked for.
    Where just the old version's delay is left of it, that is cut short: the traffic does not go back for a version that comes later. It
    does where the old version itself is asked for, which still runs.
    """
    if record.program != RELEASE or is_promoted(record, plan):
        return record
    if has_switched(record, plan) and target != record.stable.get("template"):
        return replace(record, promoted={**record.promoted, DELAY: {"at": record.began}})
    return begin_abort(record, reason)


def has_switched(record: Record, plan: Plan) -> bool:
    """Whether the new version has all the traffic, and is to keep it, and yet there is a way back."""
    if record.program != RELEASE or is_promoted(record, plan):
        return False
    program = release_program(plan, facts_of(record))
    rest = [entry.action for entry in program[record.position :]]
    switch = PinServices(stable_services(plan, facts_of(record)), "canary")
    return switch not in rest and (plan.bluegreen is not None or any(each.is_delay for each in rest))


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
    now = "the rollout has been handed back" if record is None else f"revision {record.revision} is the present one"
    raise Refused(f"rollout {name}: this call goes on with revision {revision}, but {now}: start anew without revision.number")


def promotable(record: Record | None, name: str, promote: Mapping[str, Any]) -> bool:
    """Whether `promote` passes the pause that the rollout is at; False when it has been passed before.

    Raises Refused when it names another revision, or a step that has not been reached, and where the revision was aborted.
    """
    if record is None:
        raise Refused(f"rollout {name}: there is nothing to promote: it has no record in this namespace")
    revision, step = promote.get("revision"), promote.get("step")
    if revision is not None and int(revision) != record.revision:
        raise Refused(
            f"rollout {name}: promote names revision {revision}, but revision {record.revision} is the present one: "
            "promote that, or leave revision out"
        )
    if record.phase == ABORTED:
        raise Refused(f"rollout {name}: there is nothing to promote: revision {record.revision} was aborted ({record.msg})")
    index = record.steps_done
    if step is not None and int(step) > index:
        raise Refused(f"rollout {name}: promote names step {step}, but step {index} is the present one: promote that, or leave step out")
    return record.program == RELEASE and (step is None or int(step) == index)


def undone(record: Record | None, name: str, undo: str, live: str) -> dict[str, Any]:
    """The revision to which `undo` goes back, as the plan's `revision`.

    undo: `previous`, which is what ran before the version that runs now, or the number of a revision in the history.
    live: hash of the template that the workload has. Raises Refused where there is no such revision.
    """
    if record is None:
        raise Refused(f"rollout {name}: there is nothing to undo: it has no record in this namespace")
    if record.under_way:
        raise Refused(f"rollout {name}: revision {record.revision} is under way ({record.phase}): abort it instead (state: aborted)")
    complete = [entry for entry in record.history if entry["phase"] == HEALTHY]
    if undo != "previous":
        found = next((entry for entry in complete if str(entry["revision"]) == undo), None)
        if found is None:
            numbers = ", ".join(str(entry["revision"]) for entry in complete) or "none"
            raise Refused(
                f"rollout {name}: there is no revision {undo} to go back to (complete are: {numbers}): name one of these, or previous"
            )
        return {"images": found["images"], "held": found["target"]}
    # A call that just holds or resumes the workload changes no version.
    last = next((entry for entry in complete if entry["target"] == live and (entry.get("before") or {}).get("template") != live), None)
    if last is None and complete:
        return {"images": complete[0]["images"], "held": complete[0]["target"]}  # Somebody changed the workload by hand since.
    before = (last or {}).get("before") or {}
    if not before:
        raise Refused(f"rollout {name}: it is not known what ran before: release that version by its images")
    return {"images": before["images"], "held": before["template"]}


def runs_still(record: Record, plan: Plan, undo: str) -> bool:
    """Whether the version to which `undo` goes back is the one before the switch, so that the release just turns round."""
    if not has_switched(record, plan):
        return False
    complete = {str(entry["revision"]): entry["target"] for entry in record.history if entry["phase"] == HEALTHY}
    return undo == "previous" or (undo in complete and complete[undo] == record.stable.get("template"))


def abortable(record: Record | None, plan: Plan | None, name: str, revision: int | None) -> bool:
    """Whether there is something to abort; False when it has been aborted before or was never started.

    Raises Refused when another revision is named, or the new version is promoted already.
    """
    if record is None or plan is None:
        return False
    if revision is not None and int(revision) != record.revision:
        raise Refused(f"rollout {name}: revision {revision} is not the present one ({record.revision}): abort that, or leave revision out")
    if record.program != RELEASE:
        return record.under_way
    if is_promoted(record, plan):
        raise Refused(
            f"rollout {name}: revision {record.revision} has been promoted and only tidying up is left: "
            "run it again to finish, then release the old version"
        )
    return True


def is_promoted(record: Record, plan: Plan) -> bool:
    """Whether a release has come so far that there is no way back."""
    return already_promoted(release_program(plan, facts_of(record)), record.position, plan)


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
        position=0,
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
    done, rest = program[record.position], program[record.position + 1 :]
    steps = list(record.steps)
    if done.step is not None and (not rest or rest[0].step != done.step):
        steps[done.step] = {**steps[done.step], "ended": now}
    return replace(record, position=record.position + 1, began=None, moved=None, resume_at=None, phase=PROGRESSING, steps=steps)


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
        began=began,
        steps=steps,
        phase=PAUSED if entry.action.is_pause else PROGRESSING,
        resume_at=resume_at,
        msg="" if record.program == RELEASE else record.msg,
    )


def ahead(record: Record, plan: Plan, until: str) -> list[Action]:
    """The actions that a call carries out: to the next pause, to the end of the step, or over timed pauses to the end."""
    program = program_of(record, plan)
    actions: list[Action] = []
    for index in range(record.position, len(program)):
        entry = program[index]
        if until == "step" and _finished_before(program, index) > record.steps_done:
            break
        if not entry.action.is_pause:
            actions.append(entry.action)
        elif not _passed(record, index, entry.action, str(entry.step), until):
            break
    return actions


def _passed(record: Record, index: int, pause: Action, step: str, until: str) -> bool:
    """Whether a call goes over this pause: one that is promoted, and a timed one that it finds or rides out."""
    found = index == record.position and record.began is not None
    return step in record.promoted or (pause.seconds is not None and (found or until == "end"))


def _finished_before(program: list[ScheduledAction], index: int) -> int:
    """How many steps have no entry from this one on."""
    return len({each.step for each in program[:index]} - {each.step for each in program[index:]} - {None})


def refuse_contradiction(record: Record, plan: Plan) -> None:
    """Raises Refused where a record under way is at no place of its own plan, so that another client has written it."""
    if not record.under_way:
        return
    program = program_of(record, plan)
    finished_steps = _finished_before(program, record.position) if record.program == RELEASE else record.steps_done
    if record.position > len(program) or record.steps_done != finished_steps or record.steps_done > len(plan.steps):
        raise Refused(
            f"rollout {plan.name}: its record says action {record.position} of {len(program)} and {record.steps_done} finished steps, "
            f"which does not fit its plan: restore ConfigMap {record_name(plan.name)}, or put the application back by hand and delete it"
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
        return release[: record.position]
    return [*release[: record.aborted_at], *program_of(record, plan)[: record.position]]


def finished(record: Record, plan: Plan, now: float) -> Record:
    """The record after a release or an abort has come to its end."""
    phase = ABORTED if record.program == ABORT else HEALTHY
    done = replace(record, program="", position=0, phase=phase, began=None, moved=None, resume_at=None)
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
    return replace(record, program=HAND_BACK, position=0, began=None, moved=None, phase=PROGRESSING, forget=True)
