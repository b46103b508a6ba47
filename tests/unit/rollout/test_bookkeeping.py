"""A record walks through its program action by action: where it stands, which steps are done, what the canary gets."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import decide
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import record as records
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import already_promoted, program_of
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import PAUSED, PROGRESSING, Record
from ansible_collections.progressive.delivery.plugins.module_utils._steps.actions import WaitPause
from ansible_collections.progressive.delivery.plugins.module_utils._steps.pause import Pause
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import SEED, plan_of, record_of
from ansible_collections.progressive.delivery.tests.unit.rollout.model import World, carry_out

PLANS = [(), SEED, ({"pause": 3}, {"set_weight": 80}, {"set_weight": 20}, {"set_weight": 0})]


def stored(record: Record) -> Record:
    """The record as the next call reads it."""
    return records.load(json.loads(json.dumps(records.dump(record))), record.name)


def walk(record: Record, plan: Plan, now: float = 100.0) -> Any:
    """Every record on the way, as it is written before an action, with that action; the last has none."""
    program = program_of(record, plan)
    while record.position < len(program):
        entry = program[record.position]
        record = stored(decide.begin(record, entry, now))
        yield record, entry
        record = stored(decide.advance(record, plan, now + 5))
        now += 10
    yield record, None


@pytest.mark.parametrize("steps", PLANS)
def test_steps_begin_and_end_in_their_order(steps: Any) -> None:
    plan = plan_of(*steps)
    last = None
    for record, entry in walk(record_of(plan), plan):
        assert record.under_way
        if entry is None:
            last = record
            continue
        assert record.began is not None
        assert (record.phase == PAUSED) == isinstance(entry.action, WaitPause) and record.phase in (PAUSED, PROGRESSING)
        if entry.step is not None:
            assert record.steps_done == entry.step
            assert len(record.steps) == entry.step + 1
            step = plan.steps[entry.step]
            timed = step.duration if isinstance(step, Pause) else None
            assert record.resume_at == (None if timed is None else record.began + timed)
    assert last is not None
    assert last.steps_done == len(last.steps) == len(steps)
    times = [time for step in last.steps for time in (step["began"], step["ended"])]
    assert times == sorted(times)
    assert (last.began, last.moved, last.resume_at) == (None, None, None)


def test_an_action_that_is_begun_again_keeps_its_time() -> None:
    plan = plan_of({"pause": 30})
    record = record_of(plan, position=4)
    entry = program_of(record, plan)[4]
    first = decide.begin(record, entry, 100.0)
    again = decide.begin(stored(first), entry, 120.0)
    assert again == first
    assert (again.began, again.resume_at, again.steps) == (100.0, 130.0, [{"began": 100.0}])


def test_a_message_lasts_as_long_as_what_it_speaks_of() -> None:
    plan = plan_of({"set_weight": 5})
    entry = program_of(record_of(plan), plan)[0]
    assert decide.begin(record_of(plan, msg="stuck"), entry, 1.0).msg == ""
    assert decide.begin(record_of(plan, msg="aborted by ann", program="abort"), entry, 1.0).msg == "aborted by ann"


@pytest.mark.parametrize("made", [True, False])
@pytest.mark.parametrize("steps", PLANS)
def test_the_weight_that_is_told_is_the_routers(steps: Any, made: bool) -> None:
    plan = plan_of(*steps)
    world = World((), canary_given=not made)
    for record, entry in walk(record_of(plan, canary_service_made=made), plan):
        assert [decide.current_weight(record, plan)] * 2 == world.weights
        if entry is None:
            continue
        if not already_promoted(program_of(record, plan), record.position, plan):
            check_the_way_back(decide.begin_abort(record, "x"), plan, copy.deepcopy(world))
        carry_out(world, entry.action)


def check_the_way_back(record: Record, plan: Plan, world: World) -> None:
    for back, entry in walk(record, plan):
        assert [decide.current_weight(back, plan)] * 2 == world.weights
        assert back.steps == record.steps
        if entry is not None:
            carry_out(world, entry.action)


def test_nothing_under_way_has_no_weight() -> None:
    plan = plan_of(*SEED)
    assert decide.current_weight(record_of(plan, program="", position=20), plan) == 0
