"""Where a program holds the autoscaler, lets it follow the traffic, and gives all limits back; without guards it does nothing of that."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan, read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import (
    abort_program,
    hand_back_program,
    release_program,
)
from ansible_collections.progressive.delivery.plugins.module_utils._steps.sequence import ScheduledAction
from ansible_collections.progressive.delivery.plugins.module_utils._strategies.sequence import Facts
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import SEED, plan_of, position_of

SCALED = ("HorizontalPodAutoscaler/shop", "PodDisruptionBudget/shop")
BUDGET = ("PodDisruptionBudget/shop",)
BACK = "give the autoscaler and the disruption budgets their own limits back"


def hold(to: str) -> str:
    return f"hold the autoscaler on the {to}"


STABLE, CANARY, WORKLOAD = hold("stable version"), hold("canary"), hold("workload")
KINDS = {"in_place": "StatefulSet"}


def plan_in(style: str, *steps: Any) -> Plan:
    raw = plan_of(*steps).raw
    return read_plan("shop", "test", {**raw, "workload": {"name": "shop", "style": style, "kind": KINDS.get(style, "Deployment")}})


def texts(program: list[ScheduledAction]) -> list[str]:
    return [str(entry.action) for entry in program]


def marked(program: list[ScheduledAction]) -> list[str]:
    """The actions of guards, each with the one that comes after it."""
    found = texts(program)
    pairs = zip(found, [*found[1:], "the end"], strict=True)
    return [f"{text}, {after}" for text, after in pairs if text in (STABLE, CANARY, WORKLOAD, BACK)]


PIN = "point Service shop at the"
FULL = "move the traffic: 100 % to the canary"

RELEASES = [
    ("clone", [f"{STABLE}, {PIN} workload", f"{CANARY}, {FULL}", f"{WORKLOAD}, {PIN} workload", f"{BACK}, unpause the workload"]),
    ("pair", [f"{STABLE}, {PIN} workload", f"{CANARY}, {FULL}", f"{WORKLOAD}, {PIN} workload", f"{BACK}, the end"]),
    ("revisions", [f"{STABLE}, {PIN} stable version", f"{CANARY}, {FULL}", f"{BACK}, the end"]),
    ("in_place", [f"{WORKLOAD}, {PIN} stable version", f"{BACK}, the end"]),
]


@pytest.mark.parametrize(("style", "expected"), RELEASES)
def test_release(style: str, expected: list[str]) -> None:
    plan = plan_in(style, {"set_weight": 50})
    guarded = release_program(plan, Facts(guards=SCALED))
    assert marked(guarded) == expected
    assert marked(release_program(plan, Facts(guards=BUDGET))) == expected[-1:]
    plain = release_program(plan, Facts())
    assert marked(plain) == []
    assert [text for text in texts(guarded) if text not in (STABLE, CANARY, WORKLOAD, BACK)] == texts(plain)


def move(weight: int) -> str:
    return f"move the traffic: {weight} % to the canary"


STEPS: list[tuple[list[Any], list[str]]] = [
    ([{"set_weight": 50}, {"set_weight": 51}], [f"{CANARY}, {move(51)}"]),
    ([{"set_weight": 80}, {"set_weight": 90}, {"set_weight": 20}], [f"{CANARY}, {move(80)}", f"{STABLE}, {move(20)}"]),
    ([{"set_weight": 80}, {"set_weight": 0}], [f"{CANARY}, {move(80)}", f"{STABLE}, {move(0)}"]),
    ([{"set_canary_scale": {"replicas": 2}}, {"set_weight": 80}], []),
    (
        [{"set_canary_scale": {"percent": 60}}, {"set_weight": 80}, {"set_canary_scale": {"match_traffic_weight": True}}, {"pause": {}}],
        [f"{CANARY}, pause"],
    ),
    (
        [{"set_weight": 80}, {"set_canary_scale": {"replicas": 2}}, {"pause": {}}],
        [f"{CANARY}, {move(80)}", f"{STABLE}, pause"],
    ),
]


@pytest.mark.parametrize(("steps", "expected"), STEPS)
def test_it_follows_most_of_the_traffic_unless_the_plan_fixes_the_size(steps: list[Any], expected: list[str]) -> None:
    start, *within = marked(release_program(plan_in("clone", *steps), Facts(guards=SCALED)))
    assert start.startswith(STABLE) and within[:-3] == expected
    assert marked(release_program(plan_in("in_place", *steps), Facts(guards=SCALED)))[1:] == [f"{BACK}, the end"]


CLONE_BACK = f"{BACK}, unpause the workload"
# style, the action that the release is at (and which one of that text), the guards on the way back
ABORTS = [
    ("clone", STABLE, 0, [CLONE_BACK]),
    ("clone", "pause", 0, [f"{WORKLOAD}, {PIN} workload", CLONE_BACK]),
    ("clone", CANARY, 0, [f"{WORKLOAD}, {PIN} workload", CLONE_BACK]),
    ("clone", "roll the workload to the new version", 0, [f"{CANARY}, {FULL}", f"{WORKLOAD}, {PIN} workload", CLONE_BACK]),
    ("clone", WORKLOAD, 0, [f"{CANARY}, {FULL}", f"{WORKLOAD}, {PIN} workload", CLONE_BACK]),
    ("revisions", "pause", 0, [f"{STABLE}, {PIN} stable version", f"{BACK}, give Service shop back its selector"]),
    ("revisions", "drain", 0, [f"{STABLE}, {PIN} stable version", f"{BACK}, give Service shop back its selector"]),
    ("in_place", "pause", 0, [f"{BACK}, the end"]),
]


@pytest.mark.parametrize(("style", "text", "nth", "expected"), ABORTS)
def test_abort(style: str, text: str, nth: int, expected: list[str]) -> None:
    plan, facts = plan_in(style, *SEED), Facts(guards=SCALED)
    release = release_program(plan, facts)
    assert marked(abort_program(release, position_of(release, text, nth), plan, facts)) == expected


def test_after_revisions_it_goes_on_with_what_runs_and_at_the_hand_back_to_the_workload() -> None:
    plan, facts = plan_in("revisions", *SEED), Facts(guards=SCALED, stable_made=True)
    release = release_program(plan, facts)
    assert [entry.action.variant for entry in release if str(entry.action) == BACK] == ["canary"]
    back = abort_program(release, position_of(release, "pause"), plan, facts)
    assert [entry.action.variant for entry in back if str(entry.action) == BACK] == ["stable"]
    handed = hand_back_program(plan, facts)
    assert marked(handed) == [f"{WORKLOAD}, {PIN} workload", f"{BACK}, unpause the workload"]
    assert [entry.action.variant for entry in handed if str(entry.action) == BACK] == ["workload"]
