"""The table of states is total, its situations are those of records, and its page in the documentation is up to date."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import decide
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.expiry import let_expire
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import program_of, reached
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import ABORTED, HEALTHY, Record
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.state import (
    LEADS_TO,
    PROGRESS,
    TABLE,
    Operation,
    Refusal,
    Request,
    Situation,
    situation_of,
)
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.state import decide as operation
from ansible_collections.progressive.delivery.tests.tools import state_table
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import SEED, plan_of, record_of

PLAN = plan_of(*SEED)
EXPIRES = plan_of({"set_weight": 5}, {"pause": {"expires": "1h"}}, {"set_weight": 20})
PLANS = {
    "clone": PLAN,
    "revisions": plan_of(*SEED, workload={"name": "shop", "style": "revisions"}),
    "blue-green": plan_of(canary=None, services={"active": "shop", "preview": "shop-preview"}, bluegreen={}, routers=None),
}
NOW = 1e9


@pytest.mark.parametrize(("situation", "request_"), [*itertools.product(Situation, Request)])
def test_each_request_has_an_answer_in_each_situation(situation: Situation, request_: Request) -> None:
    record = None if situation is Situation.NO_RECORD else record_of(PLAN, msg="aborted by ann {braces}")
    outcome = TABLE[situation, request_]
    if isinstance(outcome, Operation):
        assert operation("shop", record, situation, request_) is outcome
        return
    with pytest.raises(Refused) as refused:
        operation("shop", record, situation, request_)
    problem = refused.value.problem
    assert problem.object == "rollout shop" and problem.what and problem.remedy
    assert "{revision}" not in str(problem)


def test_the_table_is_total_and_has_nothing_else() -> None:
    assert list(TABLE) == [(situation, request) for request in Request for situation in Situation]
    assert {each for each in TABLE.values() if isinstance(each, Operation)} == {*Operation}


def test_only_a_release_under_way_is_promoted_rolled_back_or_replaced() -> None:
    at_rest = (Situation.NO_RECORD, Situation.HEALTHY, Situation.ABORTED)
    for (situation, _request), outcome in TABLE.items():
        if situation in at_rest:
            assert isinstance(outcome, Refusal) or outcome in (Operation.NOTHING, Operation.START, Operation.HAND_BACK)
        else:
            assert outcome not in (Operation.START, Operation.NOTHING)


def walk(record: Record, plan: Plan) -> Iterator[Record]:
    """The records of a rollout that is carried out to its end."""
    while record.under_way:
        program, here = program_of(record, plan), reached(record, plan)
        if here >= len(program):
            record = decide.finished(record, plan, NOW)
        else:
            record = decide.begin(record, program[here], NOW)
            yield record
            record = decide.advance(record, plan, NOW)
        yield record


def edges(record: Record, plan: Plan) -> set[tuple[Situation, Situation]]:
    """From which situation to which a rollout goes on its way."""
    seen = [situation_of(each, plan) for each in (record, *walk(record, plan))]
    return {(one, other) for one, other in itertools.pairwise(seen) if one is not other}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_a_rollout_goes_the_ways_of_the_picture(plan: Plan) -> None:
    record = record_of(plan)
    drawn = {(start, end) for start, ends in PROGRESS.items() for end in ends}
    found = edges(record, plan)
    for each in walk(record, plan):
        if situation_of(each, plan) in (Situation.RELEASING, Situation.PAUSED, Situation.SWITCHED):
            turned = decide.begin_abort(each, "aborted", NOW)
            assert situation_of(turned, plan) is LEADS_TO[Operation.ROLL_BACK]
            found |= edges(turned, plan)
    assert found <= drawn
    assert {Situation.PAUSED, Situation.PROMOTED, Situation.HEALTHY, Situation.ABORTED} <= {end for _start, end in found}
    assert situation_of(decide.begin_hand_back(record_of(plan, program="", phase=HEALTHY)), plan) is LEADS_TO[Operation.HAND_BACK]


def test_every_way_of_the_picture_is_gone() -> None:
    """But for the last, at whose end there is no record."""
    gone = {edge for plan in PLANS.values() for edge in edges(record_of(plan), plan)}
    gone |= {edge for plan in PLANS.values() for edge in edges(decide.begin_abort(record_of(plan), "x"), plan)}
    paused = next(each for each in walk(record_of(EXPIRES), EXPIRES) if situation_of(each, EXPIRES) is Situation.PAUSED)
    gone.add((situation_of(paused, EXPIRES), situation_of(let_expire(paused, EXPIRES, NOW + 9999), EXPIRES)))
    drawn = {(start, end) for start, ends in PROGRESS.items() for end in ends}
    assert drawn - gone == {(Situation.HANDING_BACK, Situation.NO_RECORD)}


@pytest.mark.parametrize(
    ("changes", "situation"),
    [
        ({"program": "", "phase": ABORTED}, Situation.ABORTED),
        ({"program": "", "phase": HEALTHY}, Situation.HEALTHY),
        ({"program": "abort"}, Situation.ROLLING_BACK),
        ({"program": "hand back"}, Situation.HANDING_BACK),
        ({}, Situation.RELEASING),
        ({"phase": "Degraded"}, Situation.RELEASING),
    ],
)
def test_the_situation_of_a_record(changes: dict[str, Any], situation: Situation) -> None:
    assert situation_of(record_of(PLAN, **changes), PLAN) is situation
    assert situation_of(replace(record_of(PLAN), **changes), None) is situation


def test_without_a_record() -> None:
    assert situation_of(None, None) is Situation.NO_RECORD


def test_the_page_is_up_to_date() -> None:
    assert state_table.FILE.read_text() == state_table.page(), "write it anew: tests/tools/state-table"
