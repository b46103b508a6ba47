"""What users are told of a rollout: phase, step, weight, and in one line how to go on."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import decide
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import (
    ABORTED,
    DEGRADED,
    HEALTHY,
    PAUSED,
    PROGRESSING,
    Record,
)
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.report import report
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import SEED, plan_of, position_of, record_of, release_of

PLAN = plan_of(*SEED)
RELEASE = release_of(PLAN, record_of(PLAN))
HEAD = "rollout shop, revision 7"


def at(text: str, nth: int = 0, done: int = 0, **changes: Any) -> Record:
    steps = [{"began": 1.0, "ended": 2.0}] * done
    return record_of(PLAN, position=position_of(RELEASE, text, nth), began=1.0, steps=steps, **changes)


SECOND_PAUSE = at("pause", 1, done=3, phase=PAUSED)
CASES = [
    pytest.param(record_of(PLAN), PROGRESSING, f"{HEAD}: step 1 of 6", (0, "set_weight 5"), 0, None, id="started"),
    pytest.param(at("move the traffic: 5 % to the canary"), PROGRESSING, f"{HEAD}: step 1 of 6", (0, "set_weight 5"), 0, None, id="moving"),
    pytest.param(
        at("pause", done=1, phase=PAUSED, resume_at=31.0),
        PAUSED,
        f"{HEAD}: paused after 5 %, step 2 of 6: goes on when the pause is over and it is run again",
        (1, "pause 30s"),
        5,
        31.0,
        id="a timed pause",
    ),
    pytest.param(
        SECOND_PAUSE,
        PAUSED,
        f"{HEAD}: paused after 20 %, step 4 of 6: promote it with promote: {{revision: 7, step: 3}}, or abort it with state: aborted",
        (3, "pause until promoted"),
        20,
        None,
        id="until promoted",
    ),
    pytest.param(
        at("roll the workload to the new version", done=6), PROGRESSING, f"{HEAD}: step 6 of 6", (6, None), 100, None, id="promoting"
    ),
    pytest.param(at("remove the canary", done=6), PROGRESSING, f"{HEAD}: step 6 of 6", (6, None), 0, None, id="tidying up"),
    pytest.param(
        record_of(PLAN, program="", phase=HEALTHY, steps=[{"began": 1.0, "ended": 2.0}] * 6),
        HEALTHY,
        f"{HEAD}: complete",
        (6, None),
        0,
        None,
        id="complete",
    ),
    pytest.param(
        decide.begin_abort(SECOND_PAUSE, "aborted by ann"),
        PROGRESSING,
        f"{HEAD}: step 4 of 6: aborted by ann",
        (3, "pause until promoted"),
        20,
        None,
        id="going back",
    ),
    pytest.param(
        record_of(PLAN, program="", phase=ABORTED, msg="aborted by ann", resume_at=5.0),
        ABORTED,
        f"{HEAD}: aborted by ann; all traffic is on the stable version",
        (0, None),
        0,
        None,
        id="aborted",
    ),
    pytest.param(
        record_of(PLAN, phase=DEGRADED, msg="deadline"),
        DEGRADED,
        f"{HEAD}: deadline: mend the cause and run it again, or abort it with state: aborted",
        (0, "set_weight 5"),
        0,
        None,
        id="degraded",
    ),
]


@pytest.mark.parametrize(("record", "phase", "msg", "step", "canary", "resume_at"), CASES)
def test_report(record: Record, phase: str, msg: str, step: tuple[int, Any], canary: int, resume_at: float | None) -> None:
    assert report(record, PLAN, "shop") == {
        "phase": phase,
        "msg": msg,
        "revision": 7,
        "step": {"index": step[0], "total": 6, "current": step[1]},
        "weight": {"stable": 100 - canary, "canary": canary},
        "resume_at": resume_at,
    }


@pytest.mark.parametrize(("record", "plan"), [(None, None), (None, PLAN)])
def test_without_a_record_nothing_is_under_way(record: Any, plan: Any) -> None:
    told = report(record, plan, "shop")
    assert (told["phase"], told["msg"], told["weight"]) == (HEALTHY, "rollout shop: nothing is under way", {"stable": 100, "canary": 0})


@pytest.mark.parametrize("phase", [PROGRESSING, PAUSED, HEALTHY, ABORTED])
def test_a_plan_without_steps(phase: str) -> None:
    plan = plan_of()
    told = report(record_of(plan, phase=phase), plan, "shop")
    assert told["step"] == {"index": 0, "total": 0, "current": None}
    assert told["msg"].startswith(HEAD)
