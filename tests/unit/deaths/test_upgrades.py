"""Rollouts that release 0.1.0 left in any phase: later code finishes them, aborts them and hands them back, and no request is lost.

The states are in tests/fixtures/records-0.1.0. Each goes on in each way that EXPECTED names, and must end as a rollout does that this code
made from its start.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._workloads import configs
from ansible_collections.progressive.delivery.tests.harness.memory.judge import Judge
from ansible_collections.progressive.delivery.tests.harness.memory.snapshots import restored, unpacked
from ansible_collections.progressive.delivery.tests.unit.deaths import cases, switches
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import DRAIN, GRACEFUL, LAG, NAME, Case, Object
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import wrong
from ansible_collections.progressive.delivery.tests.unit.deaths.test_switches import ABSENT, BACK, THERE, to_its_end
from ansible_collections.progressive.delivery.tests.unit.deaths.test_switches import wrong as wrong_in_switch

FOLDER = Path(__file__).parents[2] / "fixtures" / "records-0.1.0"
FILES = sorted(path.stem for path in FOLDER.glob("*.json"))
CASES = [name for name in FILES if not name.startswith("switch-")]
SWITCHES = [name for name in FILES if name.startswith("switch-")]

BEGIN, FIRST, UNTOUCHED = "before the release", "before the release, with what is declared", "before all calls"
SECOND = ", second revision"
GREEN = "argoproj/rollouts-demo:green"

# Ways to go on. In the first two a pause that is open is promoted.
AGAIN, RECORDED, ABORT, HAND_BACK = "the same call", "by the record alone", "abort", "hand back"
UNDO, RETRY, OTHER = "undo", "retry", "another version"
# Where they end. The last three are of a release that has been completed.
RELEASED, ABORTED, GONE = "released", "aborted", "as before all calls"
UNDONE, RELEASED_GREEN, RELEASED_AND_GONE = "undone", "another version is released", "released and handed back"

_FORWARD = {AGAIN: RELEASED, RECORDED: RELEASED, ABORT: ABORTED, HAND_BACK: GONE}
_BACK = {AGAIN: ABORTED, RECORDED: ABORTED, ABORT: ABORTED, HAND_BACK: GONE}
_LEAVING = {AGAIN: GONE, RECORDED: GONE, ABORT: ABORTED, HAND_BACK: GONE}  # an abort takes the wish to forget back
EXPECTED: dict[str, dict[str, str]] = {
    "killed in the start": {**_FORWARD, OTHER: RELEASED_GREEN},
    "killed in the steps": {**_FORWARD, OTHER: RELEASED_GREEN},
    "paused": {**_FORWARD, UNDO: ABORTED, OTHER: RELEASED_GREEN},
    "promoted and killed": _FORWARD,
    "killed in the promotion": _FORWARD,
    "killed just after the switch": _FORWARD,
    "killed while tidying up": {AGAIN: RELEASED, RECORDED: RELEASED, ABORT: RELEASED, HAND_BACK: RELEASED_AND_GONE},
    "killed in the delay": {**_FORWARD, UNDO: ABORTED},
    "killed in an abort from the steps": _BACK,
    "killed in an abort from the promotion": _BACK,
    "killed in an abort in the delay": _BACK,
    "killed in an undo in the delay": {**_BACK, UNDO: ABORTED},
    "killed in a hand-back from the steps": _LEAVING,
    "killed in a hand-back from the promotion": _LEAVING,
    "killed in a hand-back after the release": dict.fromkeys((AGAIN, RECORDED, ABORT, HAND_BACK), RELEASED_AND_GONE),
    "aborted": {AGAIN: RELEASED, ABORT: ABORTED, HAND_BACK: GONE, RETRY: RELEASED, OTHER: RELEASED_GREEN},
    "healthy": {AGAIN: RELEASED, ABORT: RELEASED, HAND_BACK: RELEASED_AND_GONE, UNDO: UNDONE, OTHER: RELEASED_GREEN},
    "killed in an undo": {UNDO: UNDONE, RECORDED: UNDONE, ABORT: ABORTED, HAND_BACK: GONE},
    "healthy, second revision": {AGAIN: RELEASED, ABORT: RELEASED, HAND_BACK: RELEASED_AND_GONE, UNDO: UNDONE},
    "killed in the steps, second revision": _FORWARD,
    "stopped by a deadline": {ABORT: ABORTED, HAND_BACK: GONE, OTHER: RELEASED_GREEN},
    "aborted by a deadline": {ABORT: ABORTED, HAND_BACK: GONE, OTHER: RELEASED_GREEN},
}

# What is refused, with which message, and the ways that lead to the end all the same.
_PROMOTED = r"promoted and only tidying up is left: run it again to finish"
# Its record has no seal, and nothing runs the new version yet: whoever may edit ConfigMaps could have named the images.
_NOT_SEEN = "names an image for container .* that no object of this rollout runs yet: give the plan, or set record_key"
_SEEN_IN_THE_START = ("clone-held", "statefulset", "blue-green-statefulset")  # The workload has the new template there.
_HANDED_BACK = r"is being handed back: finish that first"
REFUSED: dict[tuple[str, str], tuple[str, list[str]]] = {
    ("killed while tidying up", ABORT): (_PROMOTED, [RECORDED, ABORT]),
    ("killed while tidying up", HAND_BACK): (_PROMOTED, [RECORDED, HAND_BACK]),
    ("killed in a hand-back after the release", AGAIN): (_HANDED_BACK, [HAND_BACK]),
    ("killed in a hand-back after the release", RECORDED): (_HANDED_BACK, [HAND_BACK]),
    ("aborted", AGAIN): (r"revision \d was aborted \(aborted by deployer@ci\)", [RETRY]),
    ("killed in the start", RECORDED): (_NOT_SEEN, [AGAIN]),
    ("paused", UNDO): (r"is under way \(Paused\): abort it instead", [ABORT]),
}


@dataclass
class Stage(cases.Stage):
    """Also compares what else a rollout changes or makes."""

    def end_state(self) -> Object:
        found = super().end_state()
        for kind in ("HorizontalPodAutoscaler", "PodDisruptionBudget"):
            found |= {f"{kind}/{each['metadata']['name']}": (each["spec"], each["metadata"].get("annotations")) for each in self.all(kind)}
        names = {f"{kind}/{each['metadata']['name']}" for kind in ("ConfigMap", "Secret") for each in self.all(kind)}
        return {**found, "configs": sorted(names - {f"ConfigMap/{NAME}.rollout"})}


@dataclass(frozen=True)
class Fixture:
    """A file: the case, the states by name, and the objects that they are made of."""

    case: Object
    states: Object
    objects: list[Object]

    def place(self, name: str, **changes: Any) -> Stage:
        """A cluster in this state, whose controllers and judge begin to work."""
        state = self.states[name]
        content = {**self.case, **state["case"], **changes}
        given: dict[str, Any] = {
            key: tuple(value) if key in ("objects", "services", "declared") else value for key, value in content.items()
        }
        case = Case(**given)
        cluster = restored(state, self.objects, GRACEFUL if case.graceful else 0.5)
        drain = GRACEFUL - LAG - 1.0 if case.graceful else DRAIN
        return Stage(case, cluster, Judge(cluster, (NAME,), case.services, LAG, drain, case.graceful))


@cache
def fixture(name: str) -> Fixture:
    content = json.loads((FOLDER / f"{name}.json").read_text())
    return Fixture(content["case"], content["states"], unpacked(content))


def go_on(place: Stage, way: str) -> None:
    """One call."""
    paused = place.phase() == "Paused"
    if way == OTHER:
        release(place, GREEN)
        if place.phase() == "Paused":
            release(place, GREEN, promote={"full": True})
    elif way == AGAIN:
        place.call(promote={"full": True} if paused else None)
    else:
        wishes: dict[str, Object] = {
            RECORDED: {"recorded": True, **({"promote": {}} if paused else {})},
            ABORT: {"state": "aborted"},
            HAND_BACK: {"state": "absent"},
            UNDO: {"undo": "previous"},
            RETRY: {"retry": True},
        }
        place.call(**wishes[way])


def release(place: Stage, image: str, **wish: Any) -> None:
    if place.case.edited:
        place.edit(image)
        place.call(**wish)
    else:
        place.call(options={"revision": {"images": {NAME: image}}}, **wish)


@cache
def wanted(case: str, state: str, end: str) -> Object:
    """The end state of a rollout from its start, by this code."""
    found = fixture(case)
    if end in (GONE, ABORTED) and not state.endswith((SECOND, "killed in an undo")):
        return _before(found, state) if end == ABORTED else found.place(UNTOUCHED).end_state()
    place = found.place(BEGIN)
    _calls(place, state, end)
    assert not place.judge.complaints
    return {**place.end_state(), **({"phase": "Aborted"} if end == ABORTED else {})}


def _before(found: Fixture, state: str) -> Object:
    """What an abort of a first revision ends in. Where another version waits than at the start, the application is made with that."""
    edited = found.states[state]["case"].get("edited")
    place = found.place(FIRST)
    if edited:
        waiting = cases.stage(replace(place.case, edited=edited))
        place = Stage(waiting.case, waiting.cluster, waiting.judge)
    return {**place.end_state(), "phase": "Aborted"}


def _calls(place: Stage, state: str, end: str) -> None:
    """The calls that an end is reached by, with a rest after each of them, as in the states."""
    second = state.endswith(SECOND)
    if second or end != RELEASED_GREEN:
        place.call()
        place.end_state()
    if second and end == ABORTED and place.case.edited:
        place.edit(GREEN)  # and there it waits
    elif end == RELEASED_GREEN or (second and end not in (ABORTED, GONE)):
        release(place, GREEN)
        place.end_state()
    if end in (UNDONE, RELEASED_AND_GONE, GONE):
        go_on(place, UNDO if end == UNDONE else HAND_BACK)


def parameters() -> Iterator[Any]:
    """All of them in the full run; each time every state of some cases and some states of every case, each in one way."""
    for (row, case), (column, state) in itertools.product(enumerate(CASES), enumerate(EXPECTED)):
        ways = EXPECTED[state] if state in fixture(case).states else {}
        for number, (way, end) in enumerate(ways.items()):
            some = (row + column) % 3 == 0 and (row + column) // 3 % len(ways) == number
            yield pytest.param(case, state, way, end, id=f"{case}-{state}-{way}", marks=() if some else pytest.mark.full)


@pytest.mark.parametrize(("case", "state", "way", "end"), [*parameters()])
def test_a_rollout_of_0_1_0(case: str, state: str, way: str, end: str) -> None:
    place = fixture(case).place(state)
    ways = [way]
    if (state, way) in REFUSED and not (state == "killed in the start" and case in _SEEN_IN_THE_START):
        message, ways = REFUSED[state, way]
        version = place.cluster.store.version
        with pytest.raises(Refused, match=message):
            go_on(place, way)
        assert place.cluster.store.version == version, "a call that is refused writes nothing"
    for each in ways:
        go_on(place, each)
    # The copies of ConfigMaps keep the names that 0.1.0 gave them: the content is the same.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configs, "copy_name", configs.guessable_name)
        expected = wanted(case, state, end)
    assert not wrong(place, expected)


@pytest.mark.parametrize("case", CASES)
def test_each_state_is_tried(case: str) -> None:
    """And nothing moves in it before the next call, as when it was written."""
    states = fixture(case).states
    assert {*states} <= {*EXPECTED, BEGIN, FIRST, UNTOUCHED}
    for name in states:
        place = fixture(case).place(name)
        before = {kind: dict(objects) for kind, objects in place.cluster.store.objects.items()}
        place.cluster.time.sleep(60.0)
        assert place.cluster.store.objects == before, name


def switch(name: str, state: str) -> switches.Stage:
    """A cluster in this state of a switch."""
    found = fixture(name)
    given: dict[str, Any] = {key: value if key == "options" else tuple(value) for key, value in found.case.items()}
    case = switches.Case(**given)
    cluster = restored(found.states[state], found.objects)
    return switches.Stage(case, cluster, Judge(cluster, case.virtual_services, case.services, LAG, DRAIN))


COURSES: dict[str, list[Object]] = {
    "there": [THERE],
    "hand back": [ABSENT],
    "back, hand back": [BACK, ABSENT],
    "there, back, hand back": [THERE, BACK, ABSENT],
}


def switch_parameters() -> Iterator[Any]:
    """Each state in each way in the full run; each time in one way."""
    every = [(row, column, name, state) for row, name in enumerate(SWITCHES) for column, state in enumerate(fixture(name).states)]
    for row, column, name, state in every:
        for number, course in enumerate(COURSES):
            some = (row + column) % len(COURSES) == number
            yield pytest.param(name, state, course, id=f"{name}-{state}-{course}", marks=() if some else pytest.mark.full)


@pytest.mark.parametrize(("name", "state", "course"), [*switch_parameters()])
def test_a_switch_of_0_1_0(name: str, state: str, course: str) -> None:
    start, place = switch(name, BEGIN), switch(name, state)
    to_its_end(start, COURSES[course][-1])
    for asked in COURSES[course]:
        to_its_end(place, asked)
    assert not wrong_in_switch(place, start.end_state())
