"""No action of a release, nor of the way back from any place in it, loses a request; both end where they should."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import abort_program, release_program
from ansible_collections.progressive.delivery.plugins.module_utils._steps.actions import (
    EnsureCanary,
    MoveTraffic,
    ScaleFollows,
    WaitPause,
)
from ansible_collections.progressive.delivery.plugins.module_utils._steps.sequence import ScheduledAction
from ansible_collections.progressive.delivery.plugins.module_utils._strategies.sequence import Facts
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import SEED, plan_of
from ansible_collections.progressive.delivery.tests.unit.rollout.model import LIVE, NEW, Lost, World, begin, carry_out
from hypothesis import given, settings
from hypothesis import strategies as st

WEIGHT = st.sampled_from([0, 1, 20, 50, 80, 100])
QA: list[Any] = [{"headers": {"x-qa": "1"}}]
OTHERS: list[Any] = [
    {"pause": {}},
    {"pause": 5},
    {"set_canary_scale": {"replicas": 1}},
    {"set_canary_scale": {"percent": 50}},
    {"set_canary_scale": {"match_traffic_weight": True}},
    {"set_header_route": {"name": "qa", "matches": QA}},
    {"set_header_route": {"name": "qa"}},
    {"set_mirror_route": {"name": "shadow", "percent": 10}},
    {"set_mirror_route": {"name": "shadow"}},
]
STEPS = st.lists(st.one_of(st.builds(lambda weight: {"set_weight": weight}, WEIGHT), st.sampled_from(OTHERS)), max_size=6)
PLANS: list[Any] = [
    (),
    SEED,
    ({"set_weight": 0},),
    ({"pause": {}}, {"set_weight": 80}, {"set_weight": 20}, {"set_weight": 50}, {"set_weight": 0}, {"set_weight": 30}),
    (OTHERS[5], OTHERS[7], {"set_weight": 50}, {"set_weight": 0}, OTHERS[6], OTHERS[8], {"set_weight": 20}),
    (OTHERS[3], {"set_weight": 80}, OTHERS[2], {"set_weight": 0}, OTHERS[4]),
]
BYSTANDERS = [(), ("all-shops", "metrics")]
GUARDS = [(), ("HorizontalPodAutoscaler/shop", "PodDisruptionBudget/shop")]


def cleared(world: World) -> World:
    """The world without what nobody sees of it afterwards."""
    seen = copy.deepcopy(world)
    seen.warm = set()
    seen.size = seen.load = LIVE
    return seen


def once(world: World, entry: ScheduledAction) -> None:
    carry_out(world, entry.action)


def with_a_death_in_between(world: World, entry: ScheduledAction) -> None:
    """The run dies after the first write; the next carries the whole action out again."""
    begin(world, entry.action)
    carry_out(world, entry.action)


def twice(world: World, entry: ScheduledAction) -> None:
    """The run dies before it has written down that the action is done; the second time must change nothing."""
    carry_out(world, entry.action)
    after = copy.deepcopy(world)
    carry_out(world, entry.action)
    assert world == after


MANNERS = [once, with_a_death_in_between, twice]


def finish(world: World, program: Sequence[ScheduledAction], manner: Any) -> World:
    for entry in program:
        manner(world, entry)
    return world


def scene(steps: Sequence[Any], facts: Facts) -> tuple[Plan, list[ScheduledAction], World]:
    plan = plan_of(*steps)
    by_hand = any("set_canary_scale" in step for step in steps)
    world = World(facts.bystanders, canary_given=not facts.canary_service_made, sized_by_hand=by_hand, scaled=facts.scaled)
    return plan, release_program(plan, facts), world


def found_at(world: World, entry: ScheduledAction) -> list[World]:
    """The worlds in which a release can be found that is at this action: it is not begun, begun, or done and not written down."""
    worlds = [copy.deepcopy(world) for _number in range(3)]
    begin(worlds[1], entry.action)
    carry_out(worlds[2], entry.action)
    return worlds


def check_release(steps: Sequence[Any], facts: Facts, manner: Any) -> None:
    _plan, release, world = scene(steps, facts)
    expected = cleared(world)
    expected.version = NEW
    assert cleared(finish(world, release, manner)) == expected


def check_aborts(steps: Sequence[Any], facts: Facts, manner: Any) -> int:
    """The way back from every position; how many there are."""
    plan, release, start = scene(steps, facts)
    here, ways = copy.deepcopy(start), 0
    for position, entry in enumerate(release):
        worlds = found_at(here, entry)
        once(here, entry)
        for world in worlds:
            try:
                program = abort_program(release, position, plan, facts)
            except Refused:
                # Too late: but then going on must still be possible.
                assert cleared(finish(world, release[position:], manner)).version == NEW
                continue
            assert cleared(finish(world, program, manner)) == cleared(start), f"abort at {position}: {entry.action}"
            ways += 1
    return ways


@pytest.mark.parametrize("manner", MANNERS)
@pytest.mark.parametrize("made", [True, False])
@pytest.mark.parametrize("guards", GUARDS)
@pytest.mark.parametrize("bystanders", BYSTANDERS)
@pytest.mark.parametrize("steps", PLANS)
def test_release_and_aborts(steps: Sequence[Any], bystanders: tuple[str, ...], guards: tuple[str, ...], made: bool, manner: Any) -> None:
    facts = Facts(bystanders, made, guards=guards)
    check_release(steps, facts, manner)
    _plan, release, _world = scene(steps, facts)
    tidying = 3 + made + bool(guards)  # remove, unpin, give back, resume: the last actions, from which nobody goes back
    assert check_aborts(steps, facts, manner) == 3 * (len(release) - tidying)


@settings(max_examples=40, deadline=None)
@given(STEPS, st.booleans(), st.sampled_from(GUARDS))
def test_any_steps(steps: list[Any], made: bool, guards: tuple[str, ...]) -> None:
    facts = Facts(("metrics",), made, guards=guards)
    check_release(steps, facts, once)
    check_aborts(steps, facts, once)


@pytest.mark.parametrize("steps", [(), SEED])
@pytest.mark.parametrize("made", [True, False])
def test_every_action_is_needed_and_the_model_misses_it(made: bool, steps: Sequence[Any]) -> None:
    _plan, release, start = scene(steps, Facts(("metrics",), made, guards=GUARDS[1]))
    good = cleared(finish(copy.deepcopy(start), release, once))
    for position, entry in enumerate(release):
        if isinstance(entry.action, (EnsureCanary, MoveTraffic, WaitPause)) or (steps and entry.action == ScaleFollows("canary")):
            continue  # These are steps, which a plan may do without, or find done.
        try:
            end = cleared(finish(copy.deepcopy(start), release[:position] + release[position + 1 :], once))
        except Lost:
            continue
        assert end != good, f"nobody misses {entry.action} at {position}"
