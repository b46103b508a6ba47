"""Pauses that expire: what the next call makes of the release."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import decide
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.expiry import let_expire
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import program_of, reached
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import Record
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import plan_of, position_of, record_of, release_of

BEGAN = 100.0
DONE = {"began": 1.0, "ended": 2.0}


def paused(pause: Any, began: float = BEGAN) -> tuple[Record, Any]:
    """A release that has come to this pause."""
    plan = plan_of({"set_weight": 20}, {"pause": pause}, {"set_weight": 50})
    position = position_of(release_of(plan, record_of(plan)), "pause")
    record = record_of(plan, position=position, steps=[DONE])
    return decide.begin(record, program_of(record, plan)[position], began), plan


@pytest.mark.parametrize(
    ("pause", "after", "becomes"),
    [
        ({"expires": "1h"}, 3599, "as it is"),
        ({"expires": "1h"}, 3600, "aborted"),
        ({"expires": "1h", "then": "promote"}, 3599, "as it is"),
        ({"expires": "1h", "then": "promote"}, 3600, "promoted"),
        ({}, 1e9, "as it is"),
        ({"duration": "1s"}, 1e9, "as it is"),
    ],
)
def test_what_becomes_of_it(pause: Any, after: float, becomes: str) -> None:
    record, plan = paused(pause)
    found = let_expire(record, plan, BEGAN + after)
    if becomes == "aborted":
        assert found == decide.begin_abort(record, "aborted, since the pause at step 2 expired after 1h")
    elif becomes == "promoted":
        assert found.promoted == {"1": {"expired": "1h", "at": BEGAN + after}}
        assert "move the traffic: 50 % to the canary" in map(str, decide.ahead(found, plan, "pause"))
    else:
        assert found == record
    assert let_expire(found, plan, BEGAN + after) == found


def test_the_time_counts_from_the_begin_however_often_it_is_looked_at() -> None:
    record, plan = paused({"expires": "1h"})
    again = decide.begin(record, program_of(record, plan)[reached(record, plan)], BEGAN + 3000)
    assert let_expire(again, plan, BEGAN + 3600).program == "abort"


def test_who_promoted_in_time_is_not_undone() -> None:
    record, plan = paused({"expires": "1h"})
    promoted = replace(record, promoted={"1": {"user": "ann"}})
    assert let_expire(promoted, plan, BEGAN + 4000) == promoted
