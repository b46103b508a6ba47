"""What is said of a rollout while somebody watches it, and when there is no more to come."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.observed import Observed
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.watching import ended, fitted, line, mark, status_in, told
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import position_of, record_of, release_of
from ansible_collections.progressive.delivery.tests.unit.rollout.scenes import CANARY_PLAN, NOW, READY, STARTING, canary, seen_by

RELEASE = release_of(CANARY_PLAN, record_of(CANARY_PLAN))
RUNS = {"position": position_of(RELEASE, "run the canary for 20 % of the traffic"), "began": NOW - 12, "steps": [{"began": 1.0}]}
PAUSE = {
    "phase": "Paused",
    "position": position_of(RELEASE, "pause"),
    "steps": [{"began": 1.0, "ended": 2.0}, {"began": 1.0}],
    "began": NOW,
}
TIMED = {**PAUSE, "resume_at": NOW + 60}


def test_a_line_says_what_it_is_at_and_differs_only_when_something_happens() -> None:
    first = seen_by(CANARY_PLAN, canary(0, (READY, STARTING), holder="ann"), **RUNS)
    said = "shop: step 1 of 3: Progressing: run the canary for 20 % of the traffic, 1/2 ready"
    assert line(first) == f"{said}, waiting for pod shop-canary-new-2: container ? is waiting: ContainerCreating"
    assert told({**first, "line": "x"}, "08:53:20") == "08:53:20 x (for 12s)"
    later = seen_by(CANARY_PLAN, canary(0, (READY, STARTING), holder="ann", now=NOW + 5), **RUNS)
    assert mark([later]) == mark([first]) and later != first
    assert mark([seen_by(CANARY_PLAN, canary(0, (READY, READY), holder="ann"), **RUNS)]) != mark([first])
    broken = seen_by(CANARY_PLAN, canary(problems=["a", "b"]), **PAUSE)
    assert line(broken) == "shop: step 2 of 3: Paused: waiting for promotion, problem: a, and 1 more"


@pytest.mark.parametrize(
    ("changes", "holder", "idle", "said"),
    [
        pytest.param({"program": "", "phase": "Healthy"}, None, 0.0, "it is complete", id="complete"),
        pytest.param({"program": "", "phase": "Aborted"}, None, 0.0, "it was aborted", id="aborted"),
        pytest.param({**RUNS, "phase": "Degraded"}, None, 0.0, "it is stuck until somebody mends the cause", id="stuck"),
        pytest.param({**RUNS, "phase": "Degraded"}, "ann", 0.0, None, id="somebody goes on"),
        pytest.param(PAUSE, None, 10.0, "it waits until somebody promotes or aborts it", id="paused"),
        pytest.param(PAUSE, None, 9.0, None, id="paused just now: the same play may promote it"),
        pytest.param(PAUSE, "ann", 99.0, None, id="paused, and about to go on"),
        pytest.param(TIMED, None, 999.0, None, id="a timed pause"),
        pytest.param({**PAUSE, "resume_at": NOW - 1}, None, 70.0, "no run has worked on it for 70 s", id="nobody goes on after it"),
        pytest.param(RUNS, None, 59.0, None, id="between two calls"),
        pytest.param(RUNS, None, 60.0, "no run has worked on it for 60 s", id="nobody goes on"),
        pytest.param(RUNS, "ann", 999.0, None, id="under way"),
    ],
)
def test_when_it_ends(changes: dict[str, Any], holder: str | None, idle: float, said: str | None) -> None:
    assert ended(seen_by(CANARY_PLAN, canary(holder=holder), **changes), idle, 60.0, NOW) == said


def test_it_ends_where_there_is_nothing_to_see() -> None:
    assert ended(seen_by(None, Observed()), 0.0, 60.0, NOW) == "nothing is under way"
    assert ended(seen_by(None, Observed(problems=["the record cannot be read"])), 0.0, 60.0, NOW) == "its record cannot be read"


def test_lines_of_a_terminal() -> None:
    text = "12:00:00 shop: Progressing: " + "waiting " * 20
    assert fitted(text, None) == [text] and fitted("short", 79) == ["short"]
    assert max(map(len, fitted(text, 79))) <= 79 and fitted(text, 79)[1].startswith("    waiting")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Status:          ॥ Paused: waiting", "Paused"),
        ("   └──⧉ shop  Deployment  ✔ Healthy  2d", "Healthy"),
        ("      └──□ shop-1  Pod  ✖ CrashLoopBackOff  2d", "Degraded"),
        ("Problems:        ⚠ Service test/shop does not exist", "problem"),
        ("Name:            shop", ""),
    ],
)
def test_what_a_line_of_the_tree_tells_of(text: str, status: str) -> None:
    assert status_in(text) == status
