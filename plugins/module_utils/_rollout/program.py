"""The order of a rollout: the list of actions of a release, of the way back from any place in it, and of the hand-back after it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from typing import Callable

from .._objects.refusal import Refused
from .._objects.shown import echo
from .._plan.plan import Plan, read_plan
from .._steps.action import Action
from .._steps.actions import CopyConfigs, LabelPods, MakeDeclared, RemoveConfigs, UnlabelPods
from .._steps.sequence import ScheduledAction, identified
from .._strategies.registry import strategy_of
from .._strategies.sequence import Facts, facts_of, floor_of, stable_services
from .record import BEGINNING, END, Record, record_name

RELEASE, ABORT, HAND_BACK = "release", "abort", "hand back"


def program_of(record: Record, plan: Plan) -> list[ScheduledAction]:
    """The program that the record is carrying out."""
    facts = facts_of(record)
    if record.program == HAND_BACK:
        return hand_back_program(plan, facts)
    release = release_program(plan, facts)
    return abort_program(release, turned_at(record, plan), plan, facts) if record.program == ABORT else release


def reached(record: Record, plan: Plan) -> int:
    """The index of the action that comes next, in the program that the record is carrying out."""
    return _index(record, record.position, plan, lambda each: program_of(record, each))


def turned_at(record: Record, plan: Plan) -> int:
    """The index of the action in the release from which an abort goes back."""
    return _index(record, record.aborted_at, plan, lambda each: release_program(each, facts_of(record)))


def _index(record: Record, position: str, plan: Plan, sequence: Callable[[Plan], list[ScheduledAction]]) -> int:
    """The index of a position in the sequence that a plan makes; raises Refused where it is at no action of the record's own plan."""
    ids = [each.id for each in sequence(plan)]
    known = {BEGINNING: 0, END: len(ids), **{each: index for index, each in enumerate(ids)}}
    if position in known:
        return known[position]
    # A delay, which each call may change, is no action where it is 0: the next one comes then.
    own = [each.id for each in sequence(read_plan(record.name, plan.namespace, record.plan))]
    later = own[own.index(position) :] if position in own else []
    found = next((known[each] for each in later if each in known), None)
    if found is None:
        raise Refused(
            f"rollout {record.name}",
            f"has a record whose next action, {echo(position)}, is not one of its plan",
            f"restore ConfigMap {record_name(record.name)}, or put the application back by hand and delete it",
        )
    return found


def release_program(plan: Plan, facts: Facts) -> list[ScheduledAction]:
    """What is not there yet, start, steps, promotion. What was made of the plan stays on every way back: it carries traffic."""
    sequence = strategy_of(plan).parts().sequence
    made: list[Action] = [MakeDeclared(key) for key in facts.made]
    copied: list[Action] = [CopyConfigs(facts.copies)] if facts.copies else []
    switch = sequence.switch(plan, facts)
    follows = facts.scaled and sequence.follows
    skipped = facts.skips or facts.unchanged
    steps = [] if skipped else sequence.course(plan.steps, follows, switch, floor_of(plan, facts))
    start = [ScheduledAction(action) for action in (*made, *copied, *sequence.start(plan, facts))]
    # A canary has no step for what its promotion begins with.
    rest = switch if plan.bluegreen is None or not steps else []
    ending = [ScheduledAction(action) for action in (*rest, *sequence.ending(plan, facts), *_tidied(facts))]
    return _labelled(plan, facts, start + steps + ending)


def abort_program(release: Sequence[ScheduledAction], position: int, plan: Plan, facts: Facts) -> list[ScheduledAction]:
    """The way back from a position in the release (the action there may be half done)."""
    if already_promoted(release, position, plan):
        raise Refused(
            f"rollout {plan.name}",
            "cannot be aborted, because the new version has been promoted and only tidying up is left",
            "run it again to finish, then release the old version",
        )
    begun = [entry.action for entry in release[: position + 1]]
    actions = (*strategy_of(plan).parts().sequence.way_back(plan, facts, begun), *_tidied(facts))
    return _labelled(plan, facts, [ScheduledAction(action) for action in actions])


def hand_back_program(plan: Plan, facts: Facts) -> list[ScheduledAction]:
    """From the end of a release to the application as it was; empty where a release leaves nothing behind."""
    unlabelled: list[Action] = [UnlabelPods()] if facts.labels else []
    actions = (*strategy_of(plan).parts().sequence.hand_back(plan, facts), *unlabelled, *_tidied(facts, history=False))
    return identified([ScheduledAction(action) for action in actions])


def _labelled(plan: Plan, facts: Facts, program: list[ScheduledAction]) -> list[ScheduledAction]:
    """With the pods labelled wherever others become active or the preview, and once more for pods that come later."""
    if not facts.labels or facts.unchanged:
        return identified(program)
    stable = stable_services(plan, facts)
    found: list[ScheduledAction] = []
    for entry, following in zip(program, [*program[1:], None]):
        found.append(entry)
        previewed = entry.step == 0 and (following is None or following.step != 0)
        if previewed or entry.action.pins(stable):
            found.append(ScheduledAction(LabelPods(), entry.step))
    return identified([*found, ScheduledAction(LabelPods())])


def _tidied(facts: Facts, history: bool = True) -> list[Action]:
    """No copy of a ConfigMap or Secret stays that nothing needs. history: whether one can still go back to former versions."""
    return [RemoveConfigs(history)] if facts.tracks else []


def already_promoted(release: Sequence[ScheduledAction], position: int, plan: Plan) -> bool:
    """Whether the way back is closed, so that there is none but another release."""
    final = {each.kind for each in strategy_of(plan).parts().sequence.final}
    return any(entry.action.kind in final for entry in release[: position + 1])
