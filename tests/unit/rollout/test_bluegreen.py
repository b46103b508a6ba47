"""Blue-green: the exact actions of each style, the ways back from each place, and what calls decide in the delay after the switch."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import decide
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import abort_program, already_promoted, release_program
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import HEALTHY, Record
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.report import report
from ansible_collections.progressive.delivery.plugins.module_utils._steps.sequence import ScheduledAction
from ansible_collections.progressive.delivery.plugins.module_utils._strategies.sequence import Facts, facts_of
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import plan_of, record_of

ROUTER = [{"type": "istio", "name": "shop"}]
DRAIN, DELAY = "drain", "wait 30s"
NO_SERVICE, FULL, PREVIEW = "remove the canary Service", "run the canary for 100 % of the traffic", "run 1 pod of the canary"
BOTH = "Services shop, metrics"
TO_NEW, TO_OLD, TO_WORKLOAD = (f"point {BOTH} at the {version}" for version in ("canary", "stable version", "workload"))


def plan(style: str = "clone", routers: Any = None, kind: str = "Deployment", **bluegreen: Any) -> Plan:
    services = {"active": "shop", "preview": "shop-canary"}
    workload = {"name": "shop", "style": style, "kind": kind}
    part = {"preview_replicas": 1, **bluegreen}
    return plan_of(services=services, workload=workload, routers=routers, canary=None, bluegreen=part)


def texts(program: list[ScheduledAction]) -> list[str]:
    return [str(entry.action) for entry in program]


def steps(program: list[ScheduledAction]) -> list[tuple[int, str]]:
    return [(entry.step, str(entry.action)) for entry in program if entry.step is not None]


FIRST, LATER = Facts(("metrics",)), Facts(("metrics",), stable_made=True)
CLONE, REVISIONS, PAIR, IN_PLACE = plan(), plan("revisions"), plan("pair"), plan("in_place", kind="StatefulSet")
CLONE_START = ["pause the workload", TO_WORKLOAD, PREVIEW, "make the canary Service"]
PREVIEWED = [PREVIEW, "pause"]
SWITCH = [FULL, TO_NEW]
ROLLED = [DRAIN, DELAY, "roll the workload to the new version", TO_WORKLOAD, DRAIN, NO_SERVICE, "remove the canary"]
UNPINNED = f"give {BOTH} back their selectors"
RETIRED = [DRAIN, NO_SERVICE, DELAY, "scale the old version to 0"]
RELEASES: list[Any] = [
    (CLONE, FIRST, [*CLONE_START, *PREVIEWED, *SWITCH, *ROLLED, UNPINNED, "unpause the workload"]),
    (PAIR, FIRST, [*CLONE_START[1:], *PREVIEWED, *SWITCH, *ROLLED, UNPINNED]),
    (REVISIONS, FIRST, ["pause the workload", TO_OLD, PREVIEW, "make the canary Service", *PREVIEWED, *SWITCH, *RETIRED]),
    (REVISIONS, LATER, [TO_OLD, PREVIEW, "make the canary Service", *PREVIEWED, *SWITCH, *RETIRED]),
    (
        IN_PLACE,
        FIRST,
        [
            TO_OLD,
            "give the workload the new template",
            PREVIEW,
            "make the canary Service",
            *PREVIEWED,
            "run the canary for 50 % of the traffic",
            TO_NEW,
            DRAIN,
            DELAY,
            NO_SERVICE,
            "replace the last pods",
            UNPINNED,
        ],
    ),
    (plan("revisions", auto_promotion=True), LATER, [TO_OLD, PREVIEW, "make the canary Service", PREVIEW, *SWITCH, *RETIRED]),
    (
        plan("revisions", scale_down_delay="0"),
        LATER,
        [TO_OLD, PREVIEW, "make the canary Service", *PREVIEWED, *SWITCH, *RETIRED[:2], RETIRED[3]],
    ),
    (
        plan("revisions", ROUTER, mirror=10),
        LATER,
        [
            TO_OLD,
            PREVIEW,
            "make the canary Service",
            PREVIEW,
            PREVIEW,
            "move the traffic: 0 % to the canary, copies of 10 %",
            "pause",
            FULL,
            "put the routers back",
            TO_NEW,
            *RETIRED,
        ],
    ),
]


@pytest.mark.parametrize(("its", "facts", "wanted"), RELEASES)
def test_release(its: Plan, facts: Facts, wanted: list[str]) -> None:
    assert texts(release_program(its, facts)) == wanted


def test_the_steps_follow_from_the_options() -> None:
    program = release_program(REVISIONS, FIRST)
    assert steps(program) == [(0, PREVIEW), (1, "pause"), (2, FULL), (2, TO_NEW)]
    assert [str(step) for step in plan(routers=ROUTER, mirror=10, auto_promotion_after="10m").steps] == [
        "preview in 1 pod",
        "set_mirror_route preview: 10 %",
        "pause 10m",
        "switch",
    ]


def test_within_the_rollback_window_there_are_no_steps_and_yet_a_switch() -> None:
    program = release_program(REVISIONS, Facts(("metrics",), stable_made=True, skips=True))
    assert texts(program) == [TO_OLD, PREVIEW, "make the canary Service", *SWITCH, *RETIRED] and not steps(program)


CLEAN = [NO_SERVICE, "remove the canary", UNPINNED, "unpause the workload"]
# plan, the last action that has begun (and which one of that text), the way back
WAYS_BACK: list[Any] = [
    (CLONE, "pause", 0, [TO_WORKLOAD, *CLEAN]),
    (CLONE, FULL, 0, [TO_WORKLOAD, *CLEAN]),
    (CLONE, TO_NEW, 0, [TO_WORKLOAD, DRAIN, DELAY, *CLEAN]),
    (CLONE, DELAY, 0, [TO_WORKLOAD, DRAIN, DELAY, *CLEAN]),
    (
        CLONE,
        "roll the workload to the new version",
        0,
        [*SWITCH, DRAIN, "roll the workload to the stable version", TO_WORKLOAD, DRAIN, DELAY, *CLEAN],
    ),
    (REVISIONS, "pause", 0, [TO_OLD, NO_SERVICE, "scale the new version to 0", UNPINNED, "unpause the workload"]),
    (REVISIONS, DELAY, 0, [TO_OLD, DRAIN, NO_SERVICE, DELAY, "scale the new version to 0", UNPINNED, "unpause the workload"]),
    (IN_PLACE, "pause", 0, [TO_OLD, NO_SERVICE, "roll the workload to the stable version", UNPINNED]),
    (IN_PLACE, DELAY, 0, [TO_OLD, DRAIN, DELAY, NO_SERVICE, "roll the workload to the stable version", UNPINNED]),
    (
        plan("revisions", ROUTER, mirror=10),
        "pause",
        0,
        [TO_OLD, "put the routers back", DRAIN, NO_SERVICE, DELAY, "scale the new version to 0", UNPINNED, "unpause the workload"],
    ),
]


def at(its: Plan, text: str, nth: int, facts: Facts = FIRST) -> int:
    program = release_program(its, facts)
    return [place for place, entry in enumerate(program) if str(entry.action) == text][nth]


@pytest.mark.parametrize(("its", "text", "nth", "wanted"), WAYS_BACK)
def test_way_back(its: Plan, text: str, nth: int, wanted: list[str]) -> None:
    assert texts(abort_program(release_program(its, FIRST), at(its, text, nth), its, FIRST)) == wanted


def standing(its: Plan, text: str, **changes: Any) -> Record:
    """The record of a release that is at the last action of that text."""
    record = record_of(its, bystanders=["metrics"], stable={"template": "old"}, **changes)
    program = release_program(its, facts_of(record))
    position = max(place for place, entry in enumerate(program) if str(entry.action) == text)
    done = {entry.step for entry in program[:position] if entry.step is not None} - {program[position].step}
    return record_of(
        its,
        bystanders=["metrics"],
        stable={"template": "old"},
        position=position,
        began=5.0,
        steps=[{"began": 1.0, "ended": 2.0} for _step in done],
        **changes,
    )


SWITCHED = [(CLONE, "wait 30s"), (REVISIONS, "wait 30s"), (CLONE, "roll the workload to the new version")]
NOT_SWITCHED = [(CLONE, "pause"), (REVISIONS, TO_NEW), (CLONE, "remove the canary"), (REVISIONS, "scale the old version to 0")]


def promoted(record: Record, its: Plan) -> bool:
    return already_promoted(release_program(its, facts_of(record)), record.position, its)


@pytest.mark.parametrize(("its", "text"), [*SWITCHED, *NOT_SWITCHED])
def test_who_has_switched_can_undo_at_once_and_is_not_sent_back_by_a_newer_version(its: Plan, text: str) -> None:
    record, switched = standing(its, text), (its, text) in SWITCHED
    assert decide.runs_still(record, its, "previous") is switched
    assert decide.replaced(record, its, "replaced by the old one", "old").program == ("abort" if not promoted(record, its) else "release")
    after = decide.replaced(record, its, "replaced by green", "green")
    assert (after.program == "release") is (switched or promoted(record, its))
    assert (decide.DELAY in after.promoted) is switched


def test_undo_by_number_is_at_once_only_to_the_version_that_still_runs() -> None:
    history = [{"revision": number, "target": target, "phase": HEALTHY} for number, target in ((6, "old"), (5, "older"))]
    record = standing(REVISIONS, "wait 30s", history=history)
    assert [decide.runs_still(record, REVISIONS, undo) for undo in ("6", "5", "4")] == [True, False, False]


@pytest.mark.parametrize(("text", "canary"), [("pause", 0), (TO_NEW, 0), ("wait 30s", 100)])
def test_the_weight_is_that_of_the_active_service(text: str, canary: int) -> None:
    told = report(standing(REVISIONS, text), REVISIONS, "shop")
    assert (told["strategy"], told["weight"]) == ("bluegreen", {"stable": 100 - canary, "canary": canary})


def test_it_says_when_the_old_version_goes_and_what_the_pause_waits_for() -> None:
    waiting = standing(REVISIONS, "wait 30s", resume_at=35.0)
    assert report(waiting, REVISIONS, "shop")["scale_down_at"] == 35.0
    paused = report(standing(REVISIONS, "pause", phase="Paused"), REVISIONS, "shop")
    assert paused["scale_down_at"] is None
    assert "paused after preview in 1 pod, step 2 of 3: promote it" in paused["msg"]
