"""A call that has come to its end leaves the application at rest: the next one, whatever it asks for, may follow at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import process
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Stage, stage
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import live_until


@pytest.fixture(autouse=True)
def _dead_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dead run's Lease names this very process, which lives on."""
    monkeypatch.setattr(process, "is_gone", lambda _mark: True)


def release(place: Stage, image: str) -> None:
    if place.case.edited and place.phase() is not None:
        place.edit(f"argoproj/rollouts-demo:{image}")
        place.call()
    else:
        place.call(options={"revision": {"images": {NAME: f"argoproj/rollouts-demo:{image}"}}})


def hand_back_and_release(place: Stage) -> None:
    place.call(state="absent")
    release(place, "green")


NEXT: dict[str, Callable[[Stage], object]] = {
    "undo": lambda place: place.call(undo="previous"),
    "another release": partial(release, image="green"),
    "hand back, and another release": hand_back_and_release,
}


@pytest.mark.parametrize("following", NEXT)
@pytest.mark.parametrize("case", CASES)
def test_after_a_release(case: str, following: str) -> None:
    place = stage(CASES[case])
    place.call()
    NEXT[following](place)
    assert (place.phase(), place.judge.complaints) == ("Healthy", [])


@pytest.mark.parametrize("state", ["aborted", "absent"])
@pytest.mark.parametrize("case", CASES)
def test_after_a_way_back(case: str, state: str) -> None:
    place = stage(CASES[case])
    live_until(place, 30)
    if place.phase() == "Healthy":
        return
    place.call(state=state)
    release(place, "green")
    assert (place.phase(), place.judge.complaints) == ("Healthy", [])
