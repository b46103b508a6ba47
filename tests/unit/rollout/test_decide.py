"""What a call may do, given the plan, the record, and what was asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import decide
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import ABORTED, DEGRADED, HEALTHY, PAUSED, Record
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
        pytest.param(None, "new", "old", False, decide.START, id="the first"),
        pytest.param(None, "new", "new", False, decide.NOTHING, id="nothing to release"),
        pytest.param(record_of(PLAN, **ENDED), "new", "new", False, decide.NOTHING, id="complete"),
        pytest.param(record_of(PLAN, **ENDED), "newer", "new", False, decide.START, id="the next"),
        pytest.param(record_of(PLAN, **ENDED), "new", "other", False, decide.START, id="somebody changed the workload"),
        pytest.param(SECOND_PAUSE, "new", "old", False, decide.GO_ON, id="paused"),
        pytest.param(at("roll the workload to the new version"), "new", "new", False, decide.GO_ON, id="rolled and under way"),
        pytest.param(decide.begin_abort(SECOND_PAUSE, "x"), "new", "old", False, decide.GO_ON, id="an abort that was cut off"),
        pytest.param(record_of(PLAN, **STOPPED), "newer", "old", False, decide.START, id="another after an abort"),
        pytest.param(record_of(PLAN, **STOPPED), "new", "old", True, decide.START, id="retried after an abort"),
        pytest.param(record_of(PLAN, **STOPPED), "old", "old", False, decide.NOTHING, id="the stable one after an abort"),
    ],
)
def test_admit(record: Record | None, target: str, live: str, retry: bool, verdict: str) -> None:
    assert decide.admit(record, PLAN, target, live, retry) == verdict


@pytest.mark.parametrize(
    ("record", "plan", "target", "said"),
    [
        pytest.param(
            record_of(PLAN, **STOPPED),
            PLAN,
            "new",
            "revision 7 was aborted (aborted by ann@host): release another version, or set retry to try it again",
            id="again",
        ),
        pytest.param(
            replace(SECOND_PAUSE, program="hand back"),
            plan_of(*SEED, image="shop:newer"),
            "newer",
            "rollout shop is being handed back: finish that first (state: absent)",
            id="other version in a hand-back",
        ),
        pytest.param(
            SECOND_PAUSE,
            plan_of({"set_weight": 1}),
            "new",
            "revision 7 is under way (Paused) by another plan than this one: finish it",
            id="other plan",
        ),
    ],
)
def test_what_contradicts_the_record_is_refused(record: Record, plan: Any, target: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        decide.admit(record, plan, target, "old", False)
    assert str(refused.value).removeprefix("rollout shop: ").startswith(said)


@pytest.mark.parametrize("steps_there", [({"set_weight": 5}, {"pause": {}}), ()])
def test_another_revision_of_the_same_plan_is_the_same_plan(steps_there: Any) -> None:
    plan = plan_of(*steps_there)
    assert decide.admit(record_of(plan), plan_of(*steps_there), "new", "old", False) == decide.GO_ON


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
    ("record", "promote", "said"),
    [
        (None, {}, "there is nothing to promote: it has no record in this namespace"),
        (
            SECOND_PAUSE,
            {"revision": 6, "step": 3},
            "promote names revision 6, but revision 7 is the present one: promote that, or leave revision out",
        ),
        (SECOND_PAUSE, {"revision": 8}, "promote names revision 8, but revision 7 is the present one"),
        (SECOND_PAUSE, {"step": 4}, "promote names step 4, but step 3 is the present one: promote that, or leave step out"),
        (FIRST_PAUSE, {"revision": 7, "step": 3}, "promote names step 3, but step 1 is the present one"),
        (record_of(PLAN, **ENDED), {"revision": 6}, "promote names revision 6, but revision 7 is the present one"),
        (record_of(PLAN, **STOPPED), {"revision": 6}, "promote names revision 6, but revision 7 is the present one"),
        (record_of(PLAN, **STOPPED), {"revision": 7}, "there is nothing to promote: revision 7 was aborted (aborted by ann@host)"),
    ],
)
def test_a_promotion_of_something_else_is_refused(record: Record | None, promote: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused) as refused:
        decide.promotable(record, "shop", promote)
    assert str(refused.value).startswith(f"rollout shop: {said}")


@pytest.mark.parametrize(
    ("record", "revision", "answer"),
    [
        pytest.param(None, None, False, id="never started"),
        pytest.param(None, 7, False, id="never started, named"),
        pytest.param(SECOND_PAUSE, None, True, id="paused"),
        pytest.param(SECOND_PAUSE, 7, True, id="named"),
        pytest.param(at("roll the workload to the new version"), None, True, id="rolling"),
        pytest.param(at("drain", 1), None, True, id="the last moment"),
        pytest.param(decide.begin_abort(SECOND_PAUSE, "x"), None, True, id="an abort that was cut off"),
        pytest.param(record_of(PLAN, **STOPPED), 7, False, id="aborted before"),
        pytest.param(record_of(PLAN, **ENDED), None, False, id="complete"),
    ],
)
def test_abortable(record: Record | None, revision: int | None, answer: bool) -> None:
    assert decide.abortable(record, PLAN if record else None, "shop", revision) is answer


@pytest.mark.parametrize(
    ("record", "revision", "said"),
    [
        (SECOND_PAUSE, 6, "revision 6 is not the present one (7): abort that, or leave revision out"),
        (record_of(PLAN, **STOPPED), 8, "revision 8 is not the present one (7)"),
        (at("remove the canary Service"), None, "revision 7 has been promoted and only tidying up is left: run it again to finish"),
        (at("unpause the workload"), 7, "revision 7 has been promoted and only tidying up is left"),
    ],
)
def test_what_cannot_be_aborted_is_refused(record: Record, revision: int | None, said: str) -> None:
    with pytest.raises(Refused) as refused:
        decide.abortable(record, PLAN, "shop", revision)
    assert str(refused.value).startswith(f"rollout shop: {said}")


def test_an_abort_turns_the_record_round_once() -> None:
    turned = decide.begin_abort(SECOND_PAUSE, "aborted by ann")
    assert (turned.program, turned.position, turned.aborted_at, turned.msg) == ("abort", 0, SECOND_PAUSE.position, "aborted by ann")
    assert (turned.began, turned.moved, turned.resume_at, turned.phase) == (None, None, None, "Progressing")
    assert (turned.revision, turned.target, turned.steps) == (7, "new", SECOND_PAUSE.steps)
    assert decide.begin_abort(turned, "again") == turned
    assert decide.finished(turned, PLAN, 0.0).phase == ABORTED
    assert decide.finished(SECOND_PAUSE, PLAN, 0.0).phase == HEALTHY


NEWER = plan_of({"set_weight": 10}, image="shop:newer")


@pytest.mark.parametrize(
    ("record", "plan", "asked", "target", "verdict"),
    [
        pytest.param(SECOND_PAUSE, plan_of(*SEED, image="shop:newer"), "other", "newer", decide.REPLACE, id="another version"),
        pytest.param(SECOND_PAUSE, NEWER, "other", "newer", decide.REPLACE, id="by another plan"),
        pytest.param(SECOND_PAUSE, NEWER, "other", "old", decide.REPLACE, id="the stable version"),
        pytest.param(replace(SECOND_PAUSE, phase=DEGRADED), NEWER, "other", "newer", decide.REPLACE, id="of one that got no further"),
        pytest.param(decide.begin_abort(SECOND_PAUSE, "x"), NEWER, "other", "newer", decide.REPLACE, id="of one that goes back"),
        pytest.param(at("remove the canary"), NEWER, "other", "newer", decide.REPLACE, id="of one that is promoted"),
        pytest.param(SECOND_PAUSE, PLAN, "same", "changed", decide.GO_ON, id="somebody changed the template"),
        pytest.param(SECOND_PAUSE, PLAN, "other", "new", decide.GO_ON, id="the same version in other words"),
    ],
)
def test_another_version_takes_the_place_of_one_under_way(record: Record, plan: Plan, asked: str, target: str, verdict: str) -> None:
    begun_as = plan.revision.asked("") if asked == "same" else asked
    assert decide.admit(replace(record, asked=begun_as), plan, target, "old", False) == verdict


@pytest.mark.parametrize(("target", "verdict"), [("other", decide.REPLACE), (SECOND_PAUSE.target, decide.GO_ON)])
def test_so_does_the_same_one_with_another_configuration(target: str, verdict: str) -> None:
    record = replace(SECOND_PAUSE, asked=PLAN.revision.asked(""))
    assert decide.admit(record, PLAN, target, "old", False) == decide.GO_ON  # the template was changed by somebody else
    assert decide.admit(record, PLAN, target, "old", False, reconfigured=True) == verdict


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
    ("record", "number", "said"),
    [
        (None, 2, "ensure_step 2 (pause 30s) is out of order: step 1 (set_weight 5) comes next: ensure that first"),
        (SECOND_PAUSE, 5, "ensure_step 5 (set_weight 80) is out of order: step 4 (pause until promoted) comes next: ensure that first"),
        (SECOND_PAUSE, 0, "ensure_step 0: the plan has 6 steps, which are counted from 1"),
        (None, 7, "ensure_step 7: the plan has 6 steps, which are counted from 1"),
    ],
)
def test_steps_out_of_order_are_refused(record: Record | None, number: int, said: str) -> None:
    with pytest.raises(Refused) as refused:
        decide.ensured(record, PLAN, number)
    assert str(refused.value) == f"rollout shop: {said}"


@pytest.mark.parametrize(("record", "revision"), [(None, None), (SECOND_PAUSE, None), (SECOND_PAUSE, 7)])
def test_a_call_goes_on_with_the_revision_that_it_names(record: Record | None, revision: int | None) -> None:
    decide.only(record, "shop", revision)


@pytest.mark.parametrize(
    ("record", "revision", "now"),
    [(SECOND_PAUSE, 6, "revision 7 is the present one"), (None, 7, "the rollout has been handed back")],
)
def test_a_call_goes_on_with_no_other_revision(record: Record | None, revision: int, now: str) -> None:
    with pytest.raises(Refused, match=f"^rollout shop: this call goes on with revision {revision}, but {now}: start anew"):
        decide.only(record, "shop", revision)


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


# Going back


def ended(revision: int, before: str, phase: str = HEALTHY) -> dict[str, Any]:
    return {"revision": revision, "target": f"r{revision}", "images": {"app": f"shop:{revision}"}, "phase": phase, "before": kept(before)}


def kept(version: str) -> dict[str, Any]:
    return {"template": version, "images": {"app": f"shop:{version[1:]}"}}


HISTORY = [ended(4, "r3", ABORTED), ended(3, "r2"), ended(2, "r1"), ended(1, "r0")]
AFTERWARDS = record_of(PLAN, **ENDED, history=HISTORY)


@pytest.mark.parametrize(
    ("undo", "live", "version"),
    [
        ("previous", "r3", "r2"),
        ("previous", "r1", "r0"),
        pytest.param("previous", "other", "r3", id="the workload was changed by hand: the last that was released"),
        ("2", "r3", "r2"),
        pytest.param("3", "r3", "r3", id="the one that runs"),
    ],
)
def test_undo(undo: str, live: str, version: str) -> None:
    wanted = kept(version)
    assert decide.undone(AFTERWARDS, "shop", undo, live) == {"images": wanted["images"], "held": wanted["template"]}


@pytest.mark.parametrize(
    ("target", "window", "skips"),
    [
        ("r3", 0, False),
        pytest.param("r3", 1, True, id="the present one counts"),
        ("r2", 1, False),
        ("r2", 2, True),
        pytest.param("r1", 2, False, id="out of the window"),
        pytest.param("r4", 4, False, id="an aborted one"),
        pytest.param("r0", 9, False, id="what ran before the first release"),
    ],
)
def test_what_was_released_before_skips_the_steps(target: str, window: int, skips: bool) -> None:
    assert decide.skips_steps(AFTERWARDS, replace(PLAN, rollback_window=window), target) is skips


def test_the_first_release_skips_nothing() -> None:
    assert not decide.skips_steps(None, replace(PLAN, rollback_window=3), "new")


def without_before(revision: int) -> dict[str, Any]:
    return {key: value for key, value in ended(revision, "r0").items() if key != "before"}


@pytest.mark.parametrize(
    ("record", "undo", "said"),
    [
        (None, "previous", "rollout shop: there is nothing to undo: it has no record in this namespace"),
        (SECOND_PAUSE, "previous", r"rollout shop: revision 7 is under way \(Paused\): abort it instead"),
        (AFTERWARDS, "4", r"there is no revision 4 to go back to \(complete are: 3, 2, 1\): name one of these, or previous"),
        (AFTERWARDS, "last", "there is no revision last to go back to"),
        (record_of(PLAN, **ENDED), "previous", "it is not known what ran before: release that version by its images"),
        (record_of(PLAN, **ENDED, history=[without_before(3)]), "previous", "it is not known what ran before"),
    ],
)
def test_there_is_nothing_to_go_back_to(record: Record | None, undo: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        decide.undone(record, "shop", undo, "r3")
