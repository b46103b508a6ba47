"""The exact actions of a release and of its ways back, as users read them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import (
    abort_program,
    already_promoted,
    hand_back_program,
    program_of,
    release_program,
)
from ansible_collections.progressive.delivery.plugins.module_utils._steps import actions
from ansible_collections.progressive.delivery.plugins.module_utils._steps.sequence import ScheduledAction
from ansible_collections.progressive.delivery.plugins.module_utils._strategies.sequence import Facts
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import SEED, plan_of, position_of, record_of

MADE = "make the canary Service"
GIVEN = "point Service shop-canary at the canary"


def texts(program: list[ScheduledAction]) -> list[str]:
    return [str(entry.action) for entry in program]


def moves(weight: int) -> list[str]:
    return [f"run the canary for {weight} % of the traffic", f"move the traffic: {weight} % to the canary"]


def step(index: int, does: list[str]) -> list[tuple[int, str]]:
    return [(index, text) for text in does]


def start(weight: int, canary: str = MADE, services: str = "Service shop") -> list[str]:
    return ["pause the workload", f"point {services} at the workload", f"run the canary for {weight} % of the traffic", canary]


def clean_up(services: str = "Service shop", selectors: str = "its selector", made: bool = True) -> list[str]:
    removed = ["remove the canary Service"] if made else []
    return [*removed, "remove the canary", f"give {services} back {selectors}", "unpause the workload"]


def promotion(services: str = "Service shop") -> list[str]:
    return [
        *moves(100),
        f"point {services} at the canary",
        "drain",
        "roll the workload to the new version",
        f"point {services} at the workload",
        "put the routers back",
        "drain",
    ]


BOTH = "Services shop, metrics"
ALL = "Services shop, metrics, shop-canary"

# steps, bystanders, canary Service made, start, what the steps do (step, action), promotion and end
RELEASES = [
    pytest.param((), (), True, start(1), [], promotion() + clean_up(), id="no steps"),
    pytest.param(
        SEED,
        (),
        True,
        start(5),
        [*step(0, moves(5)), (1, "pause"), *step(2, moves(20)), (3, "pause"), *step(4, moves(80)), *step(5, moves(100))],
        promotion() + clean_up(),
        id="the seed",
    ),
    pytest.param(
        ({"pause": {}}, {"set_weight": 50}),
        ("metrics",),
        False,
        start(50, GIVEN, BOTH),
        [(0, "pause"), *step(1, moves(50))],
        promotion(BOTH) + clean_up(ALL, "their selectors", made=False),
        id="a bystander and a canary Service of the user's",
    ),
    pytest.param(
        ({"set_weight": 50},),
        (),
        False,
        start(50, GIVEN),
        step(0, moves(50)),
        promotion() + clean_up("Services shop, shop-canary", "their selectors", made=False),
        id="a canary Service of the user's",
    ),
    pytest.param(
        ({"set_weight": 0}, {"set_weight": 80}, {"set_weight": 20}, {"set_weight": 50}, {"set_weight": 0}, {"set_weight": 10}),
        (),
        True,
        start(0),
        [
            *step(0, moves(0)),
            *step(1, moves(80)),
            # Pods go when none of them has traffic any more, and not before.
            (2, "move the traffic: 20 % to the canary"),
            *step(3, ["run the canary for 80 % of the traffic", "move the traffic: 50 % to the canary"]),
            *step(4, ["move the traffic: 0 % to the canary", "drain", "run the canary for 0 % of the traffic"]),
            *step(5, moves(10)),
        ],
        promotion() + clean_up(),
        id="up and down",
    ),
    pytest.param(
        (
            {"set_header_route": {"name": "qa", "matches": [{"headers": {"x-qa": "1"}}]}},
            {"set_mirror_route": {"name": "shadow", "percent": 10}},
            {"set_weight": 20},
            {"set_header_route": {"name": "qa"}},
            {"set_weight": 0},
            {"set_mirror_route": {"name": "shadow"}},
        ),
        (),
        True,
        start(20),
        [
            # One pod at least for requests that come whatever the weight.
            *step(0, ["run the canary for 0 % of the traffic", "move the traffic: 0 % to the canary, requests by qa"]),
            *step(1, ["run the canary for 0 % of the traffic", "move the traffic: 0 % to the canary, requests by qa, copies of 10 %"]),
            *step(2, ["run the canary for 20 % of the traffic", "move the traffic: 20 % to the canary, requests by qa, copies of 10 %"]),
            *step(3, ["run the canary for 20 % of the traffic", "move the traffic: 20 % to the canary, copies of 10 %"]),
            (4, "move the traffic: 0 % to the canary, copies of 10 %"),
            *step(5, ["move the traffic: 0 % to the canary", "drain", "run the canary for 0 % of the traffic"]),
        ],
        promotion() + clean_up(),
        id="requests by their headers, and copies",
    ),
    pytest.param(
        (
            {"set_canary_scale": {"replicas": 2}},
            {"set_weight": 50},
            {"set_canary_scale": {"percent": 10}},
            {"set_weight": 0},
            {"set_canary_scale": {"match_traffic_weight": True}},
            {"set_weight": 80},
        ),
        (),
        True,
        ["pause the workload", "point Service shop at the workload", "run 2 pods of the canary", MADE],
        [
            (0, "run 2 pods of the canary"),
            *step(1, ["run 2 pods of the canary", "move the traffic: 50 % to the canary"]),
            (2, "run the canary for 10 % of the traffic"),
            *step(3, ["move the traffic: 0 % to the canary", "drain", "run the canary for 10 % of the traffic"]),
            (4, "run the canary for 0 % of the traffic"),
            *step(5, moves(80)),
        ],
        promotion() + clean_up(),
        id="so many pods as the plan says",
    ),
]


@pytest.mark.parametrize(("steps", "bystanders", "made", "begins", "stepwise", "ends"), RELEASES)
def test_release(
    steps: Any, bystanders: tuple[str, ...], made: bool, begins: list[str], stepwise: list[tuple[int, str]], ends: list[str]
) -> None:
    program = release_program(plan_of(*steps), Facts(bystanders, made))
    assert texts(program) == begins + [text for _step, text in stepwise] + ends
    assert [entry.step for entry in program] == [None] * len(begins) + [step for step, _text in stepwise] + [None] * len(ends)


def test_only_services_without_traffic_are_pinned_without_grace() -> None:
    pins = [
        entry.action
        for entry in release_program(plan_of(*SEED), Facts(("metrics",), False))
        if isinstance(entry.action, actions.PinServices)
    ]
    assert [pin.services for pin in pins if not pin.carries_traffic] == [("shop-canary",)]
    assert [pin.to for pin in pins if pin.carries_traffic] == ["workload", "canary", "workload"]


TO_OLD = ["point Service shop at the workload"]
BACK = ["put the routers back", "drain"]
FROM_CLONE = [*moves(100), "point Service shop at the canary", "drain", "roll the workload to the stable version", *TO_OLD]

# the action that the release is at (and which one of that text), the way back but for the cleaning up
ABORTS = [
    ("pause the workload", 0, []),
    ("point Service shop at the workload", 0, TO_OLD),
    ("run the canary for 5 % of the traffic", 0, TO_OLD),
    (MADE, 0, TO_OLD),
    ("run the canary for 5 % of the traffic", 1, TO_OLD),
    ("move the traffic: 5 % to the canary", 0, TO_OLD + BACK),
    ("pause", 0, TO_OLD + BACK),
    ("pause", 1, TO_OLD + BACK),
    ("move the traffic: 100 % to the canary", 0, TO_OLD + BACK),
    ("run the canary for 100 % of the traffic", 1, TO_OLD + BACK),
    ("move the traffic: 100 % to the canary", 1, TO_OLD + BACK),
    ("point Service shop at the canary", 0, TO_OLD + BACK),
    ("drain", 0, TO_OLD + BACK),
    ("roll the workload to the new version", 0, FROM_CLONE + BACK),
    ("point Service shop at the workload", 1, FROM_CLONE + BACK),
    ("put the routers back", 0, FROM_CLONE + BACK),
    ("drain", 1, FROM_CLONE + BACK),
]


@pytest.mark.parametrize(("text", "nth", "way_back"), ABORTS)
def test_abort(text: str, nth: int, way_back: list[str]) -> None:
    plan = plan_of(*SEED)
    release = release_program(plan, Facts((), True))
    program = abort_program(release, position_of(release, text, nth), plan, Facts((), True))
    assert texts(program) == way_back + clean_up()
    assert {entry.step for entry in program} == {None}


@pytest.mark.parametrize("made", [True, False])
@pytest.mark.parametrize("text", ["remove the canary Service", "remove the canary", "give", "unpause the workload"])
def test_what_has_been_promoted_is_not_aborted(text: str, made: bool) -> None:
    plan = plan_of(*SEED)
    release = release_program(plan, Facts((), made))
    found = [position for position, entry in enumerate(release) if str(entry.action).startswith(text)]
    for position in found:
        assert already_promoted(release, position, plan)
        with pytest.raises(
            Refused, match=r"^rollout shop: the new version has been promoted and only tidying up is left: run it again to finish"
        ):
            abort_program(release, position, plan, Facts((), made))
    assert bool(found) == (made or text != "remove the canary Service")
    assert already_promoted(release, len(release), plan)


@pytest.mark.parametrize("made", [True, False])
def test_the_program_of_a_record(made: bool) -> None:
    plan = plan_of(*SEED)
    record = record_of(plan, bystanders=["metrics"], canary_service_made=made)
    release = release_program(plan, Facts(("metrics",), made))
    assert program_of(record, plan) == release
    aborted = record_of(plan, bystanders=["metrics"], canary_service_made=made, program="abort", aborted_at=6)
    assert program_of(aborted, plan) == abort_program(release, 6, plan, Facts(("metrics",), made))


def test_copies_are_made_first_and_tidied_last() -> None:
    facts = Facts(copies=(("ConfigMap", "app", "app-1"), ("Secret", "key", "key-2")), tracks=True)
    plain, plan = Facts(), plan_of(*SEED)
    copies, tidy = (
        "copy ConfigMap app as app-1, Secret key as key-2",
        "remove the copies of ConfigMaps and Secrets that no version needs any more",
    )
    release = release_program(plan, facts)
    assert texts(release) == [copies, *texts(release_program(plan, plain)), tidy]
    assert texts(abort_program(release, 3, plan, facts)) == [*texts(abort_program(release_program(plan, plain), 2, plan, plain)), tidy]
    assert texts(hand_back_program(plan, facts)) == [tidy] and not hand_back_program(plan, plain)
