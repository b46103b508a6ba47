"""Runs that are killed before or after any one of their writes: the next one ends in the same state, and no request is lost."""

from __future__ import annotations

import contextlib

import hypothesis
import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import process
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, stage
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import (
    NEVER,
    at_first,
    back,
    live_until,
    undisturbed,
    way_back,
    wrong,
)
from hypothesis import strategies as st

# Every death is tried in the full run; each time, those of one write in so many, not the same ones before the write as after it.
SOME = 17
EXTENT = [pytest.param(SOME, id="some"), pytest.param(1, id="all", marks=pytest.mark.full)]
SIDES = [pytest.param(False, id="before the write"), pytest.param(True, id="after the write")]


@pytest.fixture(autouse=True)
def _dead_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dead run's Lease names this very process, which lives on."""
    monkeypatch.setattr(process, "is_gone", lambda _mark: True)


@pytest.mark.parametrize("step", EXTENT)
@pytest.mark.parametrize("carried_out", SIDES)
@pytest.mark.parametrize("case", CASES)
def test_death_in_a_release(case: str, carried_out: bool, step: int) -> None:
    wanted, writes = undisturbed(case)
    assert wanted["phase"] == "Healthy"
    found = {}
    for write in range(1 + (step // 2 if carried_out else 0), writes + 1, step):
        place = stage(CASES[case])
        live_until(place, write, carried_out)
        live_until(place, NEVER)
        found[write] = wrong(place, wanted)
    assert not {write: problem for write, problem in found.items() if problem}


@pytest.mark.parametrize("step", [pytest.param(37, id="some"), pytest.param(12, id="more", marks=pytest.mark.full)])
@pytest.mark.parametrize("state", ["aborted", "absent"])
@pytest.mark.parametrize("case", CASES)
def test_death_on_the_way_back(case: str, state: str, step: int) -> None:
    """Begun at several places of the release; ended by the same call again, or by one that just goes on."""
    found = {}
    for begun in range(min(step, 27), undisturbed(case)[1] + 1, step):
        for write in range(1 + begun % max(1, step // 3), way_back(case, state, begun) + 1, max(1, step // 3)):
            place = stage(CASES[case])
            live_until(place, begun)
            live_until(place, write, carried_out=bool(write % 2), state=state)
            live_until(place, NEVER, state=state)
            found[begun, write] = wrong(place, back(case, state))
    assert found and not {place: problem for place, problem in found.items() if problem}


@pytest.mark.parametrize("step", EXTENT)
def test_death_in_a_hand_back_of_revisions(step: int) -> None:
    """A release in this style leaves its Deployments behind."""
    case = "revisions"
    found = {}
    for write in range(1, 200, step):
        place = stage(CASES[case])
        live_until(place, NEVER)
        if live_until(place, write, carried_out=bool(write % 2), state="absent") < write:
            break
        live_until(place, NEVER, state="absent")
        # The application is as it was, but for the version.
        wanted, _writes = undisturbed(case)
        after = {**at_first(case), "Deployment/rollouts-demo": place.end_state()["Deployment/rollouts-demo"], "pods": wanted["pods"]}
        assert after["Deployment/rollouts-demo"]["spec"]["replicas"] == 2
        found[write] = place.judge.complaints
    assert found and not {write: problem for write, problem in found.items() if problem}


def test_what_was_made_is_as_it_was_declared() -> None:
    """After a release and after an abort, with nothing of ours on it; what is there already is not made."""
    case = "clone that makes what is declared"
    for state in ("present", "aborted"):
        place = stage(CASES[case])
        live_until(place, NEVER if state == "present" else 40)
        live_until(place, NEVER, state=state)
        found, wanted = place.end_state(), at_first(case)
        assert {key: found[key] for key in found if key.startswith(("Service/", "VirtualService/"))} == {
            key: wanted[key] for key in wanted if key.startswith(("Service/", "VirtualService/"))
        }
        made = [action for action in place.call(retry=True).ctx.journal.actions if action.startswith("make ")]
        assert made == ([] if state == "present" else ["make the canary Service"])


def test_a_dead_run_whose_end_nobody_can_see(monkeypatch: pytest.MonkeyPatch) -> None:
    """It ran on another machine: its Lease is waited out."""
    monkeypatch.setattr(process, "is_gone", lambda _mark: False)
    wanted, writes = undisturbed("clone")
    for write in range(5, writes + 1, 17):
        place = stage(CASES["clone"])
        live_until(place, write)
        live_until(place, NEVER)
        assert not wrong(place, wanted), f"write {write}"


@hypothesis.settings(max_examples=15)
@hypothesis.example("clone, held", [(44, True, 0, "present"), (3, False, 0, "aborted")])
@hypothesis.given(
    st.sampled_from(sorted(CASES)),
    st.lists(
        st.tuples(st.integers(1, 60), st.booleans(), st.sampled_from([0, 3, 40]), st.sampled_from(["present", "aborted"])), max_size=3
    ),
)
def test_several_deaths(case: str, deaths: list[tuple[int, bool, int, str]]) -> None:
    """Whatever is asked for meanwhile, by calls that die in their turn: the last call brings it to one of the two ends."""
    place = stage(CASES[case])
    for write, carried_out, seconds, state in deaths:
        with contextlib.suppress(Refused):  # aborted or promoted already
            live_until(place, write, carried_out, state=state)
        place.cluster.time.sleep(seconds)
    with contextlib.suppress(Refused):
        live_until(place, NEVER)
    wanted = undisturbed(case)[0] if place.phase() == "Healthy" else back(case, "aborted")
    assert not wrong(place, wanted)
