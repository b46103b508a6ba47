"""What a call may go back to: undo, and what skips the steps since it ran before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import decide
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import ABORTED, HEALTHY, Record
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import record_of
from ansible_collections.progressive.delivery.tests.unit.rollout.test_decide import ENDED, PLAN, SECOND_PAUSE


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
    ("record", "undo", "what"),
    [
        (None, "previous", "has nothing to undo: it has no record in this namespace"),
        (SECOND_PAUSE, "previous", "has nothing to undo: revision 7 is under way (Paused)"),
        (AFTERWARDS, "4", "has no revision 4 to go back to (complete are: 3, 2, 1)"),
        (AFTERWARDS, "last", "has no revision last to go back to (complete are: 3, 2, 1)"),
        (record_of(PLAN, **ENDED), "previous", "does not know what ran before"),
        (record_of(PLAN, **ENDED, history=[without_before(3)]), "previous", "does not know what ran before"),
    ],
)
def test_there_is_nothing_to_go_back_to(record: Record | None, undo: str, what: str) -> None:
    with pytest.raises(Refused) as refused:
        decide.undone(record, "shop", undo, "r3")
    assert (refused.value.problem.object, refused.value.problem.what) == ("rollout shop", what)
