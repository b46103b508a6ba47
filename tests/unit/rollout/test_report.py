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
NO_EXPIRY = {"expires_at": None, "at_expiry": None}


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
        **NO_EXPIRY,
        "strategy": "canary",
        "scale_down_at": None,
        "steps_skipped": False,
        "phase": phase,
        "msg": msg,
        "revision": 7,
        "step": {"index": step[0], "total": 6, "current": step[1]},
        "weight": {"stable": 100 - canary, "canary": canary},
        "resume_at": resume_at,
    }


EXPIRING = plan_of({"set_weight": 20}, {"pause": {"expires": "2m"}})
WAITS = {"phase": PAUSED, "position": 6, "began": 1760000000.0, "steps": [{"began": 1.0, "ended": 2.0}, {"began": 1760000000.0}]}


@pytest.mark.parametrize("then", ["abort", "promote"])
def test_it_says_when_a_pause_expires(then: str) -> None:
    plan = plan_of({"set_weight": 20}, {"pause": {"expires": "2m", "then": then}})
    told = report(record_of(plan, **WAITS), plan, "shop")
    assert (told["expires_at"], told["at_expiry"], told["resume_at"]) == (1760000120.0, then, None)
    assert told["msg"].endswith(
        f"promote it with promote: {{revision: 7, step: 1}}, or abort it with state: aborted; "
        f"at 2025-10-09T08:55:20Z it expires, and the next call then {then}s it"
    )


@pytest.mark.parametrize(
    "changes", [{"phase": PROGRESSING}, {"promoted": {"1": {}}}, {"program": "abort"}, {"program": "", "phase": ABORTED}]
)
def test_what_does_not_expire(changes: dict[str, Any]) -> None:
    told = report(record_of(EXPIRING, **{**WAITS, **changes}), EXPIRING, "shop")
    assert {key: told[key] for key in NO_EXPIRY} == NO_EXPIRY


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "steps skipped: within the rollback window"),
        ({"program": "abort", "msg": "aborted by ann"}, "steps skipped: within the rollback window: aborted by ann"),
        ({"program": "", "phase": HEALTHY}, "complete; steps skipped: within the rollback window"),
        ({"program": "", "phase": ABORTED, "msg": "aborted by ann"}, "aborted by ann; all traffic is on the stable version"),
    ],
)
def test_skipped_steps_are_not_told_as_done(changes: dict[str, Any], said: str) -> None:
    told = report(record_of(PLAN, skips=True, **changes), PLAN, "shop")
    assert (told["msg"], told["step"]) == (f"{HEAD}: {said}", {"index": 0, "total": 6, "current": None})
    assert told["steps_skipped"] is True


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
