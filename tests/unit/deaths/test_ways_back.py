"""From any state that calls, and their deaths, can bring about: an abort leads all traffic to the stable version, absent to as it was."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import hypothesis
import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Failed
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import process
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Object, Stage, stage
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import NEVER, at_first, different, live_until
from hypothesis import strategies as st

STYLES = ["clone with a bystander, the canary Service made", "clone", "revisions", "pair", "StatefulSet", "DaemonSet"]
ROUTER = f"VirtualService/{NAME}"


class Call(NamedTuple):
    """One call, which dies at a write (or never), and how long it is until the next."""

    wish: dict[str, Any]
    image: str
    write: int
    carried_out: bool
    pause: int


_STEPS = st.one_of(
    st.integers(0, 100).map(lambda weight: {"set_weight": weight}),
    st.sampled_from([{"pause": {}}, {"pause": {"duration": 3}}, {"set_canary_scale": {"replicas": 2}}]),
)
_WISHES: list[dict[str, Any]] = [
    {},
    {"promote": {}},
    {"promote": {"full": True}},
    {"undo": "previous"},
    {"state": "aborted"},
    {"retry": True},
]
_CALLS = st.builds(
    Call,
    st.sampled_from(_WISHES),
    st.sampled_from(["yellow", "green"]),
    st.one_of(st.just(NEVER), st.integers(1, 60)),
    st.booleans(),
    st.sampled_from([0, 3, 40]),
)


@pytest.fixture(autouse=True)
def _dead_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dead run's Lease names this very process, which lives on."""
    monkeypatch.setattr(process, "is_gone", lambda _mark: True)


def _without_version(state: Object) -> Object:
    """Which version runs is another matter."""
    text = json.dumps({key: value for key, value in state.items() if key not in ("pods", "phase")}, sort_keys=True)
    for image in ("yellow", "green"):
        text = text.replace(f"rollouts-demo:{image}", "rollouts-demo:blue")
    return {**json.loads(text), "pods": len(state["pods"])}


def _finish(place: Stage, **wish: Any) -> None:
    """Carries the wish out; what is promoted already is brought to its end first, as the refusal says."""
    try:
        place.call(**wish)
    except Refused as refused:
        if "only tidying up is left: run it again to finish" not in str(refused):
            raise
        place.call(recorded=True)
        place.call(**wish)


def _led_back(case: str, steps: list[Any], calls: list[Call]) -> None:
    place = stage(replace(CASES[case], steps=steps))
    before = _without_version(at_first(case))
    for call in calls:
        place.case = replace(place.case, image=call.image)
        with contextlib.suppress(Refused, Failed):
            live_until(place, call.write, call.carried_out, **call.wish)
        place.cluster.time.sleep(call.pause)
    _finish(place, state="aborted")
    assert not place.judge.complaints
    assert place.phase() in (None, "Aborted", "Healthy")
    assert _without_version(place.end_state())[ROUTER]["spec"] == before[ROUTER]["spec"]
    _finish(place, state="absent")
    end = _without_version(place.end_state())
    assert not (place.judge.complaints or different(end, before))


def _examples(number: int) -> Callable[[Any], Any]:
    settings = hypothesis.settings(max_examples=number, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
    given = hypothesis.given(st.sampled_from(STYLES), st.lists(_STEPS, max_size=4), st.lists(_CALLS, min_size=1, max_size=4))
    return lambda test: settings(given(test))


@_examples(10)
def test_some_ways_back(case: str, steps: list[Any], calls: list[Call]) -> None:
    _led_back(case, steps, calls)


@pytest.mark.full
@_examples(300)
def test_many_ways_back(case: str, steps: list[Any], calls: list[Call]) -> None:
    _led_back(case, steps, calls)
