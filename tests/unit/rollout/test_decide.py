"""What a call may do, given the plan, the record, and what was asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.problem import Problem
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import decide, state
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import (
    ABORTED,
    BEGINNING,
    DEGRADED,
    HEALTHY,
    PAUSED,
    Record,
)
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.state import Operation
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import SEED, plan_of, position_of, record_of, release_of

PLAN = plan_of(*SEED)
ENDED = {"program": "", "phase": HEALTHY, "steps": [{"began": 1.0, "ended": 2.0}] * len(SEED)}
STOPPED = {"program": "", "phase": ABORTED, "msg": "aborted by ann@host"}


def steps(done: int, begun: bool = True) -> list[dict[str, float]]:
    return [{"began": 1.0, "ended": 2.0}] * done + ([{"began": 3.0}] if begun else [])


def at(text: str, nth: int = 0, **changes: Any) -> Record:
    """A record whose release is at this action, and has done the steps before it."""
    release = release_of(PLAN, record_of(PLAN))
    position = position_of(release, text, nth)
    reached = release[position].step
    done = len(SEED) if position > position_of(release, "pause", 1) and reached is None else reached or 0
    return record_of(PLAN, **{"position": position, "began": 3.0, "steps": steps(done, reached is not None), **changes})


FIRST_PAUSE = at("pause", phase=PAUSED, resume_at=33.0)
SECOND_PAUSE = at("pause", 1, phase=PAUSED)


@pytest.mark.parametrize(
    ("record", "target", "live", "retry", "verdict"),
    [
        pytest.param(None, "new", "old", False, Operation.START, id="the first"),
        pytest.param(None, "new", "new", False, Operation.NOTHING, id="nothing to release"),
        pytest.param(record_of(PLAN, **ENDED), "new", "new", False, Operation.NOTHING, id="complete"),
        pytest.param(record_of(PLAN, **ENDED), "newer", "new", False, Operation.START, id="the next"),
        pytest.param(record_of(PLAN, **ENDED), "new", "other", False, Operation.START, id="somebody changed the workload"),
        pytest.param(SECOND_PAUSE, "new", "old", False, Operation.CONTINUE, id="paused"),
        pytest.param(at("roll the workload to the new version"), "new", "new", False, Operation.CONTINUE, id="rolled and under way"),
        pytest.param(decide.begin_abort(SECOND_PAUSE, "x"), "new", "old", False, Operation.CONTINUE, id="an abort that was cut off"),
        pytest.param(record_of(PLAN, **STOPPED), "newer", "old", False, Operation.START, id="another after an abort"),
        pytest.param(record_of(PLAN, **STOPPED), "new", "old", True, Operation.START, id="retried after an abort"),
        pytest.param(record_of(PLAN, **STOPPED), "old", "old", False, Operation.NOTHING, id="the stable one after an abort"),
    ],
)
def test_admit(record: Record | None, target: str, live: str, retry: bool, verdict: Operation) -> None:
    assert decide.admit(record, PLAN, target, live, retry) is verdict


@pytest.mark.parametrize(
    ("record", "plan", "target", "what", "remedy"),
    [
        pytest.param(
            record_of(PLAN, **STOPPED),
            PLAN,
            "new",
            "does not start this version again: revision 7 was aborted (aborted by ann@host)",
            "release another version, or set retry to try it again",
            id="again",
        ),
        pytest.param(
            replace(SECOND_PAUSE, program="hand back"),
            plan_of(*SEED, image="shop:newer"),
            "newer",
            "is being handed back",
            "finish that first (state: absent)",
            id="other version in a hand-back",
        ),
        pytest.param(
            SECOND_PAUSE,
            plan_of({"set_weight": 1}),
            "new",
            "cannot go on: revision 7 is under way (Paused) by another plan than this one",
            "finish it with the same options, or abort it first (state: aborted)",
            id="other plan",
        ),
    ],
)
def test_what_contradicts_the_record_is_refused(record: Record, plan: Any, target: str, what: str, remedy: str) -> None:
    with pytest.raises(Refused) as refused:
        decide.admit(record, plan, target, "old", False)
    assert refused.value.problem == Problem("rollout shop", what, remedy)


@pytest.mark.parametrize("steps_there", [({"set_weight": 5}, {"pause": {}}), ()])
def test_another_revision_of_the_same_plan_is_the_same_plan(steps_there: Any) -> None:
    plan = plan_of(*steps_there)
    assert decide.admit(record_of(plan), plan_of(*steps_there), "new", "old", False) is Operation.CONTINUE


@pytest.mark.parametrize(
    ("record", "promote", "passes"),
    [
        pytest.param(SECOND_PAUSE, {}, True, id="the present ones"),
        pytest.param(SECOND_PAUSE, {"revision": None, "step": None, "full": False}, True, id="as Ansible fills in"),
        pytest.param(SECOND_PAUSE, {"revision": 7, "step": 3}, True, id="named"),
        pytest.param(SECOND_PAUSE, {"revision": "7", "step": "3"}, True, id="named in text"),
        pytest.param(SECOND_PAUSE, {"revision": 7}, True, id="only the revision"),
        pytest.param(SECOND_PAUSE, {"step": 3}, True, id="only the step"),
        pytest.param(SECOND_PAUSE, {"full": True}, True, id="all"),
        pytest.param(SECOND_PAUSE, {"revision": 7, "step": 1}, False, id="a step that was passed"),
        pytest.param(SECOND_PAUSE, {"step": 1, "full": True}, False, id="all, told before"),
        pytest.param(FIRST_PAUSE, {}, True, id="a timed pause"),
        pytest.param(record_of(PLAN, **ENDED), {"revision": 7, "step": 3}, False, id="complete"),
        pytest.param(record_of(PLAN, **ENDED), {}, False, id="complete, nothing named"),
        pytest.param(decide.begin_abort(SECOND_PAUSE, "x"), {"revision": 7, "step": 3}, False, id="going back"),
    ],
)
def test_promotable(record: Record, promote: dict[str, Any], passes: bool) -> None:
    assert decide.promotable(record, "shop", promote) is passes


@pytest.mark.parametrize(
    ("record", "promote", "what"),
    [
        (SECOND_PAUSE, {"revision": 6, "step": 3}, "is at revision 7, and promote names revision 6"),
        (SECOND_PAUSE, {"revision": 8}, "is at revision 7, and promote names revision 8"),
        (SECOND_PAUSE, {"step": 4}, "is at step 3, and promote names step 4"),
        (FIRST_PAUSE, {"revision": 7, "step": 3}, "is at step 1, and promote names step 3"),
        (record_of(PLAN, **ENDED), {"revision": 6}, "is at revision 7, and promote names revision 6"),
        (record_of(PLAN, **STOPPED), {"revision": 6}, "is at revision 7, and promote names revision 6"),
    ],
)
def test_a_promotion_of_another_revision_or_step_is_refused(record: Record, promote: dict[str, Any], what: str) -> None:
    with pytest.raises(Refused) as refused:
        decide.promotable(record, "shop", promote)
    assert (refused.value.problem.object, refused.value.problem.what) == ("rollout shop", what)


@pytest.mark.parametrize(
    ("record", "plan", "target", "live", "what"),
    [
        pytest.param(None, PLAN, "new", "old", "has nothing to promote: no revision is under way", id="never started"),
        pytest.param(record_of(PLAN, **ENDED), PLAN, "newer", "new", "has nothing to promote: no revision is under way", id="complete"),
        pytest.param(
            record_of(PLAN, **STOPPED),
            PLAN,
            "new",
            "old",
            "has nothing to promote: revision 7 was aborted (aborted by ann@host)",
            id="aborted",
        ),
        pytest.param(
            replace(SECOND_PAUSE, asked="other"),
            plan_of(*SEED, image="shop:newer"),
            "newer",
            "old",
            "cannot be promoted: revision 7 is under way and releases another version than the one asked for",
            id="another version",
        ),
    ],
)
def test_where_there_is_nothing_to_promote(record: Record | None, plan: Plan, target: str, live: str, what: str) -> None:
    with pytest.raises(Refused) as refused:
        decide.admit(record, plan, target, live, retry=False, promote={})
    assert (refused.value.problem.object, refused.value.problem.what) == ("rollout shop", what)


@pytest.mark.parametrize(
    ("record", "operation"),
    [
        pytest.param(None, Operation.NOTHING, id="never started"),
        pytest.param(SECOND_PAUSE, Operation.ROLL_BACK, id="paused"),
        pytest.param(at("roll the workload to the new version"), Operation.ROLL_BACK, id="rolling"),
        pytest.param(at("drain", 1), Operation.ROLL_BACK, id="the last moment"),
        pytest.param(decide.begin_abort(SECOND_PAUSE, "x"), Operation.ROLL_BACK, id="an abort that was cut off"),
        pytest.param(record_of(PLAN, **STOPPED), Operation.NOTHING, id="aborted before"),
        pytest.param(record_of(PLAN, **ENDED), Operation.NOTHING, id="complete"),
    ],
)
def test_abort(record: Record | None, operation: Operation) -> None:
    assert state.decide("shop", record, state.situation_of(record, PLAN), state.Request.ABORT) is operation


@pytest.mark.parametrize("request_", [state.Request.ABORT, state.Request.HAND_BACK, state.Request.UNDO])
@pytest.mark.parametrize("record", [at("remove the canary Service"), at("unpause the workload")])
def test_what_is_promoted_does_not_go_back(record: Record, request_: state.Request) -> None:
    with pytest.raises(Refused) as refused:
        state.decide("shop", record, state.situation_of(record, PLAN), request_)
    what = "has no way back: revision 7 has been promoted and only tidying up is left"
    assert refused.value.problem == Problem("rollout shop", what, "run it again to finish, then release the old version")


@pytest.mark.parametrize(("record", "revision"), [(SECOND_PAUSE, 6), (record_of(PLAN, **STOPPED), 8)])
def test_an_abort_of_another_revision_is_refused(record: Record, revision: int) -> None:
    with pytest.raises(Refused) as refused:
        decide.refuse_other_revision(record, "shop", revision)
    assert (refused.value.problem.object, refused.value.problem.what) == ("rollout shop", f"is at revision 7, not {revision}")


@pytest.mark.parametrize(("record", "revision"), [(None, 7), (SECOND_PAUSE, 7), (SECOND_PAUSE, None)])
def test_an_abort_of_the_present_revision_is_not(record: Record | None, revision: int | None) -> None:
    decide.refuse_other_revision(record, "shop", revision)


def test_an_abort_turns_the_record_round_once() -> None:
    turned = decide.begin_abort(SECOND_PAUSE, "aborted by ann")
    assert (turned.program, turned.position, turned.aborted_at, turned.msg) == ("abort", BEGINNING, "pause:4", "aborted by ann")
    assert (turned.began, turned.moved, turned.resume_at, turned.phase) == (None, None, None, "Progressing")
    assert (turned.revision, turned.target, turned.steps) == (7, "new", SECOND_PAUSE.steps)
    assert decide.begin_abort(turned, "again") == turned
    assert decide.finished(turned, PLAN, 0.0).phase == ABORTED
    assert decide.finished(SECOND_PAUSE, PLAN, 0.0).phase == HEALTHY


NEWER = plan_of({"set_weight": 10}, image="shop:newer")


@pytest.mark.parametrize(
    ("record", "plan", "asked", "target", "verdict"),
    [
        pytest.param(SECOND_PAUSE, plan_of(*SEED, image="shop:newer"), "other", "newer", Operation.REPLACE, id="another version"),
        pytest.param(SECOND_PAUSE, NEWER, "other", "newer", Operation.REPLACE, id="by another plan"),
        pytest.param(SECOND_PAUSE, NEWER, "other", "old", Operation.REPLACE, id="the stable version"),
        pytest.param(replace(SECOND_PAUSE, phase=DEGRADED), NEWER, "other", "newer", Operation.REPLACE, id="of one that got no further"),
        pytest.param(decide.begin_abort(SECOND_PAUSE, "x"), NEWER, "other", "newer", Operation.REPLACE, id="of one that goes back"),
        pytest.param(at("remove the canary"), NEWER, "other", "newer", Operation.REPLACE, id="of one that is promoted"),
        pytest.param(SECOND_PAUSE, PLAN, "same", "changed", Operation.CONTINUE, id="somebody changed the template"),
        pytest.param(SECOND_PAUSE, PLAN, "other", "new", Operation.CONTINUE, id="the same version in other words"),
    ],
)
def test_another_version_takes_the_place_of_one_under_way(record: Record, plan: Plan, asked: str, target: str, verdict: Operation) -> None:
    begun_as = plan.revision.asked("") if asked == "same" else asked
    assert decide.admit(replace(record, asked=begun_as), plan, target, "old", False) is verdict


@pytest.mark.parametrize(("target", "verdict"), [("other", Operation.REPLACE), (SECOND_PAUSE.target, Operation.CONTINUE)])
def test_so_does_the_same_one_with_another_configuration(target: str, verdict: Operation) -> None:
    record = replace(SECOND_PAUSE, asked=PLAN.revision.asked(""))
    assert decide.admit(record, PLAN, target, "old", False) is Operation.CONTINUE  # the template was changed by somebody else
    assert decide.admit(record, PLAN, target, "old", False, reconfigured=True) is verdict


@pytest.mark.parametrize(
    ("record", "goes_back"),
    [
        pytest.param(SECOND_PAUSE, True, id="paused"),
        pytest.param(at("roll the workload to the new version"), True, id="rolling"),
        pytest.param(at("remove the canary"), False, id="promoted"),
        pytest.param(decide.begin_abort(SECOND_PAUSE, "x"), False, id="goes back already"),
    ],
)
def test_what_is_replaced_goes_back_or_is_finished_first(record: Record, goes_back: bool) -> None:
    wanted = decide.begin_abort(record, "replaced by app=shop:newer") if goes_back else record
    assert decide.replaced(record, PLAN, "replaced by app=shop:newer", "newer") == wanted


@pytest.mark.parametrize(
    ("record", "target", "begins"),
    [
        pytest.param(decide.begin_abort(SECOND_PAUSE, "x"), "newer", True, id="after the way back"),
        pytest.param(decide.begin_abort(SECOND_PAUSE, "x"), "old", False, id="back to the stable version"),
        pytest.param(at("remove the canary"), "newer", True, id="after the promotion"),
        pytest.param(at("remove the canary"), "new", False, id="what was promoted"),
        pytest.param(at("remove the canary"), "old", True, id="back after the promotion"),
    ],
)
def test_what_comes_after_the_one_that_is_replaced(record: Record, target: str, begins: bool) -> None:
    found = decide.successor(replace(record, stable={"template": "old"}, promoted={"3": {}}), PLAN, NEWER, target)
    assert (found is not None) == begins
    if found is not None:
        assert (found.revision, found.target, found.steps, found.promoted) == (8, target, [], {})
        assert [str(action) for action in decide.ahead(found, NEWER, "step")][-1] == "move the traffic: 10 % to the canary"


@pytest.mark.parametrize(
    ("record", "number", "done"),
    [
        pytest.param(None, 1, False, id="the first of a new revision"),
        pytest.param(SECOND_PAUSE, 1, True, id="done"),
        pytest.param(SECOND_PAUSE, 3, True, id="the last that is done"),
        pytest.param(SECOND_PAUSE, 4, False, id="the present one"),
        pytest.param(at("drain"), 6, True, id="all are done"),
        pytest.param(record_of(PLAN, skips=True), 6, True, id="skipped"),
        pytest.param(decide.begin_abort(SECOND_PAUSE, "x"), 1, False, id="going back comes first"),
    ],
)
def test_ensured(record: Record | None, number: int, done: bool) -> None:
    assert decide.ensured(record, PLAN, number) is done


@pytest.mark.parametrize(
    ("record", "number", "what", "remedy"),
    [
        (None, 2, "comes to step 1 (set_weight 5) next, and ensure_step 2 (pause 30s) is out of order", "ensure step 1 first"),
        (
            SECOND_PAUSE,
            5,
            "comes to step 4 (pause until promoted) next, and ensure_step 5 (set_weight 80) is out of order",
            "ensure step 4 first",
        ),
        (SECOND_PAUSE, 0, "has 6 steps, and ensure_step is 0", "give a number from 1 to 6"),
        (None, 7, "has 6 steps, and ensure_step is 7", "give a number from 1 to 6"),
    ],
)
def test_steps_out_of_order_are_refused(record: Record | None, number: int, what: str, remedy: str) -> None:
    with pytest.raises(Refused) as refused:
        decide.ensured(record, PLAN, number)
    assert refused.value.problem == Problem("rollout shop", what, remedy)


@pytest.mark.parametrize(("record", "revision"), [(None, None), (SECOND_PAUSE, None), (SECOND_PAUSE, 7)])
def test_a_call_goes_on_with_the_revision_that_it_names(record: Record | None, revision: int | None) -> None:
    decide.only(record, "shop", revision)


@pytest.mark.parametrize(
    ("record", "revision", "now"),
    [(SECOND_PAUSE, 6, "is at revision 7"), (None, 7, "has been handed back")],
)
def test_a_call_goes_on_with_no_other_revision(record: Record | None, revision: int, now: str) -> None:
    with pytest.raises(Refused) as refused:
        decide.only(record, "shop", revision)
    assert refused.value.problem.what == f"{now}, and this call goes on with revision {revision}"


UNTIL_END = "unpause the workload"
TO_OLD = "point Service shop at the workload"


@pytest.mark.parametrize(
    ("record", "until", "first", "last"),
    [
        pytest.param(
            record_of(PLAN), "pause", "pause the workload", "move the traffic: 5 % to the canary", id="from the start to the first pause"
        ),
        pytest.param(record_of(PLAN), "step", "pause the workload", "move the traffic: 5 % to the canary", id="from the start, one step"),
        pytest.param(record_of(PLAN), "end", "pause the workload", "move the traffic: 20 % to the canary", id="over timed pauses only"),
        pytest.param(at("pause", began=None), "pause", None, None, id="a timed pause that comes"),
        pytest.param(at("pause", began=None), "step", None, None, id="a timed pause that comes, one step"),
        pytest.param(
            FIRST_PAUSE,
            "pause",
            "run the canary for 20 % of the traffic",
            "move the traffic: 20 % to the canary",
            id="a timed pause that is found",
        ),
        pytest.param(FIRST_PAUSE, "step", None, None, id="a timed pause that is found is a step"),
        pytest.param(FIRST_PAUSE, "end", "run the canary for 20 % of the traffic", "move the traffic: 20 % to the canary", id="ridden out"),
        pytest.param(SECOND_PAUSE, "pause", None, None, id="until promoted"),
        pytest.param(SECOND_PAUSE, "step", None, None, id="until promoted, one step"),
        pytest.param(SECOND_PAUSE, "end", None, None, id="until promoted, whatever is asked"),
        pytest.param(at("pause", 1, promoted={"3": {}}), "pause", "run the canary for 80 % of the traffic", UNTIL_END, id="promoted"),
        pytest.param(at("pause", 1, promoted={"3": {}}), "step", None, None, id="promoted, one step"),
        pytest.param(
            at("move the traffic: 80 % to the canary"),
            "step",
            "move the traffic: 80 % to the canary",
            "move the traffic: 80 % to the canary",
            id="the rest of a step",
        ),
        pytest.param(
            at("run the canary for 100 % of the traffic", 1),
            "step",
            "run the canary for 100 % of the traffic",
            UNTIL_END,
            id="promotion is no step",
        ),
        pytest.param(record_of(PLAN, promoted={"3": {}}), "end", "pause the workload", UNTIL_END, id="everything"),
        pytest.param(decide.begin_abort(SECOND_PAUSE, "x"), "pause", TO_OLD, UNTIL_END, id="the way back is not paused"),
        pytest.param(decide.begin_abort(SECOND_PAUSE, "x"), "step", TO_OLD, UNTIL_END, id="the way back has no steps"),
    ],
)
def test_ahead(record: Record, until: str, first: str | None, last: str | None) -> None:
    found = [str(action) for action in decide.ahead(record, PLAN, until)]
    assert (found[0], found[-1]) == (first, last) if found else (first, last) == (None, None)
    assert "pause" not in found
