"""The exact actions of each style (of clone, where options change them): release, ways back, hand-back, as users read them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import decide
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import (
    abort_program,
    hand_back_program,
    program_of,
    release_program,
)
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import ABORTED, HEALTHY
from ansible_collections.progressive.delivery.plugins.module_utils._steps.sequence import ScheduledAction
from ansible_collections.progressive.delivery.plugins.module_utils._strategies.sequence import Facts
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import plan_of, record_of

FIRST, LATER = Facts(("metrics",)), Facts(("metrics",), stable_made=True)
GIVEN = Facts((), canary_service_made=False, stable_made=True)
BOTH = "Services shop, metrics"
SIZE, MOVE = "run the canary for 50 % of the traffic", "move the traffic: 50 % to the canary"
STEP = [SIZE, MOVE]
FULL = ["run the canary for 100 % of the traffic", "move the traffic: 100 % to the canary"]
ROUTERS = ["put the routers back", "drain"]
NO_SERVICE = "remove the canary Service"


def plan(style: str, kind: str = "Deployment", **more: Any) -> Plan:
    return plan_of({"set_weight": 50}, workload={"name": "shop", "style": style, "kind": kind}, **more)


def texts(program: list[ScheduledAction]) -> list[str]:
    return [str(entry.action) for entry in program]


REVISIONS, PAIR, IN_PLACE = plan("revisions"), plan("pair"), plan("in_place", "StatefulSet")
ROLLING, HELD, NOT_HELD = plan("clone", promotion="rolling"), plan("clone", hold=True), plan("clone")
BY_PODS = plan("clone", routers=[{"type": "replicas"}], services={"stable": "shop"})
SHARE = "give the canary 50 % of the pods"
RUNS = Facts(unchanged=True)  # what is asked for runs already
UNPIN = f"give {BOTH} back their selectors"
PINNED = f"point {BOTH} at the workload"
ROLLED = [UNPIN, "roll the workload to the new version", PINNED]
START = ["pause the workload", PINNED, SIZE, "make the canary Service", *STEP]
CLEAN = [NO_SERVICE, "remove the canary", UNPIN]
BACK = ["roll the workload to the stable version", PINNED, "drain", *CLEAN[1:], "unpause the workload"]

PROMOTION = [*FULL, f"point {BOTH} at the canary", *ROUTERS, NO_SERVICE, "wait 30s", "scale the old version to 0"]
RELEASES: list[Any] = [
    (
        REVISIONS,
        FIRST,
        ["pause the workload", f"point {BOTH} at the stable version", SIZE, "make the canary Service", *STEP, *PROMOTION],
    ),
    (REVISIONS, LATER, [f"point {BOTH} at the stable version", SIZE, "make the canary Service", *STEP, *PROMOTION]),
    (
        REVISIONS,
        GIVEN,
        [
            "point Service shop at the stable version",
            SIZE,
            "point Service shop-canary at the canary",
            *STEP,
            *FULL,
            "point Service shop at the canary",
            *ROUTERS,
            "wait 30s",
            "scale the old version to 0",
        ],
    ),
    (
        PAIR,
        FIRST,
        [
            f"point {BOTH} at the workload",
            SIZE,
            "make the canary Service",
            *STEP,
            *FULL,
            f"point {BOTH} at the canary",
            "drain",
            "roll the workload to the new version",
            f"point {BOTH} at the workload",
            *ROUTERS,
            NO_SERVICE,
            "remove the canary",
            f"give {BOTH} back their selectors",
        ],
    ),
    (
        IN_PLACE,
        FIRST,
        [
            f"point {BOTH} at the stable version",
            "give the workload the new template",
            SIZE,
            "make the canary Service",
            *STEP,
            *FULL,
            f"give {BOTH} back their selectors",
            *ROUTERS,
            NO_SERVICE,
            "replace the last pods",
        ],
    ),
    (ROLLING, FIRST, [*START, *ROLLED, *ROUTERS, *CLEAN, "unpause the workload"]),
    (
        BY_PODS,
        FIRST,
        [
            "pause the workload",
            SHARE,
            FULL[0],
            f"point {BOTH} at the canary",
            "drain",
            "roll the workload to the new version",
            PINNED,
            "drain",
            *CLEAN[1:],
            "unpause the workload",
        ],
    ),
    (HELD, RUNS, ["pause the workload"]),
    (NOT_HELD, RUNS, ["pause the workload", "roll the workload to the stable version", "unpause the workload"]),
]


@pytest.mark.parametrize(("asked", "facts", "expected"), RELEASES)
def test_a_release(asked: Plan, facts: Facts, expected: list[str]) -> None:
    assert texts(release_program(asked, facts)) == expected


STABLE = f"point {BOTH} at the stable version"
# The plan, the facts, the action that is under way and its number among those of this text, the way back.
WAYS_BACK: list[Any] = [
    (REVISIONS, FIRST, "pause the workload", 0, [NO_SERVICE, "scale the new version to 0", UNPIN, "unpause the workload"]),
    (REVISIONS, LATER, SIZE, 0, [STABLE, NO_SERVICE, "scale the new version to 0"]),
    (REVISIONS, LATER, MOVE, 0, [STABLE, *ROUTERS, NO_SERVICE, "wait 30s", "scale the new version to 0"]),
    (REVISIONS, LATER, "wait 30s", 0, [STABLE, *ROUTERS, NO_SERVICE, "wait 30s", "scale the new version to 0"]),
    (
        REVISIONS,
        GIVEN,
        MOVE,
        0,
        [
            "point Service shop at the stable version",
            *ROUTERS,
            "point Service shop-canary at the stable version",
            "wait 30s",
            "scale the new version to 0",
        ],
    ),
    (PAIR, FIRST, SIZE, 0, [f"point {BOTH} at the workload", NO_SERVICE, "remove the canary", UNPIN]),
    (
        PAIR,
        FIRST,
        "roll the workload to the new version",
        0,
        [
            *FULL,
            f"point {BOTH} at the canary",
            "drain",
            "roll the workload to the stable version",
            f"point {BOTH} at the workload",
            *ROUTERS,
            NO_SERVICE,
            "remove the canary",
            UNPIN,
        ],
    ),
    (ROLLING, FIRST, MOVE, 0, [PINNED, *ROUTERS, *CLEAN, "unpause the workload"]),
    *(
        (
            ROLLING,
            FIRST,
            place,
            nth,
            [UNPIN, "roll the workload to the stable version", PINNED, *ROUTERS, *CLEAN, "unpause the workload"],
        )
        for place, nth in ((UNPIN, 0), (ROLLED[1], 0), (PINNED, 1), ("drain", 0))
    ),
    (BY_PODS, FIRST, "pause the workload", 0, [*CLEAN[1:], "unpause the workload"]),
    (BY_PODS, FIRST, SHARE, 0, BACK),
    (BY_PODS, FIRST, FULL[0], 0, BACK),
    (BY_PODS, FIRST, "roll the workload to the new version", 0, [FULL[0], f"point {BOTH} at the canary", "drain", *BACK]),
    (HELD, FIRST, MOVE, 0, [PINNED, *ROUTERS, *CLEAN]),
    (IN_PLACE, FIRST, STABLE, 0, [STABLE, NO_SERVICE, UNPIN]),
    (IN_PLACE, FIRST, SIZE, 0, [STABLE, NO_SERVICE, "roll the workload to the stable version", UNPIN]),
    (IN_PLACE, FIRST, NO_SERVICE, 0, [STABLE, *ROUTERS, NO_SERVICE, "roll the workload to the stable version", UNPIN]),
]


@pytest.mark.parametrize(("asked", "facts", "place", "nth", "expected"), WAYS_BACK)
def test_the_way_back(asked: Plan, facts: Facts, place: str, nth: int, expected: list[str]) -> None:
    release = release_program(asked, facts)
    position = [index for index, text in enumerate(texts(release)) if text == place][nth]
    assert texts(abort_program(release, position, asked, facts)) == expected


@pytest.mark.parametrize(
    ("asked", "place"), [(REVISIONS, "scale the old version to 0"), (PAIR, "remove the canary"), (IN_PLACE, "replace the last pods")]
)
def test_there_is_no_way_back_once_the_old_version_goes(asked: Plan, place: str) -> None:
    release = release_program(asked, FIRST)
    with pytest.raises(Refused, match="has been promoted and only tidying up is left"):
        abort_program(release, texts(release).index(place), asked, FIRST)


@pytest.mark.parametrize(
    ("asked", "facts", "expected"),
    [
        (REVISIONS, FIRST, ["remove the revisions"]),  # what an aborted first release left
        (
            REVISIONS,
            LATER,
            [
                "roll the workload to the stable version",
                f"point {BOTH} at the workload",
                "drain",
                "remove the revisions",
                UNPIN,
                "unpause the workload",
            ],
        ),
        (PAIR, FIRST, []),
        (IN_PLACE, FIRST, []),
        (NOT_HELD, FIRST, []),
        (HELD, FIRST, ["roll the workload to the stable version", "unpause the workload"]),
    ],
)
def test_the_hand_back(asked: Plan, facts: Facts, expected: list[str]) -> None:
    assert texts(hand_back_program(asked, facts)) == expected


def test_what_a_release_leaves_behind_is_remembered_until_the_hand_back() -> None:
    """The stable version of the next release is the one just released; after an abort it is still the one before."""
    under_way = record_of(REVISIONS, stable={"workload": "shop", "template": "old"}, originals={"Deployment/shop": [{}]})
    healthy = decide.finished(under_way, REVISIONS, 1.0)
    assert (healthy.phase, healthy.stable["workload"], healthy.stable["made"]) == (HEALTHY, "shop-new", True)
    assert healthy.originals == under_way.originals
    assert healthy.history[0]["before"] == {"template": "old"}
    aborted = decide.finished(decide.begin_abort(under_way, "aborted"), REVISIONS, 1.0)
    assert (aborted.phase, aborted.stable) == (ABORTED, under_way.stable)
    back = decide.begin_hand_back(healthy)
    assert texts(program_of(back, REVISIONS))[0] == "roll the workload to the stable version"
    assert decide.current_weight(back, REVISIONS) == 0
    with pytest.raises(Refused, match="is being handed back: finish that first"):
        decide.admit(back, REVISIONS, "x", "y", retry=False)
    assert decide.begin_abort(back, "again") == back


def test_the_other_styles_forget() -> None:
    record = record_of(PAIR, originals={"Deployment/shop-canary": [{}]})
    assert decide.finished(record, PAIR, 1.0).originals == {}


def test_that_a_workload_was_paused_is_remembered_while_it_is_held() -> None:
    under_way = record_of(HELD, stable={"workload": "shop", "template": "old", "source": "new"}, originals={"Deployment/shop": [{}]})
    healthy = decide.finished(under_way, HELD, 1.0)
    assert (healthy.originals, healthy.stable["template"], "source" in healthy.stable) == (under_way.originals, "new", False)


# The plan, whether the workload is held, the template asked for, the one that runs, the verdict.
@pytest.mark.parametrize(
    ("asked", "held", "target", "verdict"),
    [
        (HELD, False, "old", decide.START),
        (HELD, True, "old", decide.NOTHING),
        (HELD, True, "new", decide.START),
        (NOT_HELD, True, "old", decide.START),
        (NOT_HELD, False, "old", decide.NOTHING),
    ],
)
def test_a_workload_is_held_or_resumed_where_there_is_nothing_to_release(asked: Plan, held: bool, target: str, verdict: str) -> None:
    assert decide.admit(None, asked, target, "old", retry=False, held=held) == verdict


@pytest.mark.parametrize(("revision", "verdict"), [({}, decide.REPLACE), ({"images": {"app": "shop:2"}}, decide.GO_ON)])
def test_an_edit_in_the_middle_is_the_next_version_of_a_workload_that_is_held(revision: dict[str, Any], verdict: str) -> None:
    """Where the call itself names the version, the edit is drift."""
    asked = plan("clone", hold=True, revision=revision)
    assert decide.admit(record_of(asked, asked=asked.revision.asked("")), asked, "newer", "old", retry=False, held=True) == verdict
