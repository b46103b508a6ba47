"""Switches that are killed, disturbed and crossed by others, in memory: the next call ends in the same state, and no request is lost."""

from __future__ import annotations

import contextlib
import json
import zlib
from functools import cache, partial
from typing import Any

import hypothesis
import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Failed
from ansible_collections.progressive.delivery.plugins.module_utils._actions.switch_hold import Overruled
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.errors import ApiError
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response, TransportError
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Drifted, Refused
from ansible_collections.progressive.delivery.tests.harness.memory.contract import Api
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.harness.users import shipped_rules
from ansible_collections.progressive.delivery.tests.unit.deaths.faulty import FAULTS, LONG_OUTAGE, OF_WATCHES, Faulty
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import NEVER, Dead, Mortal, different
from ansible_collections.progressive.delivery.tests.unit.deaths.switches import BLUE, CASES, GREEN, SHOP, Stage, stage
from ansible_collections.progressive.delivery.tests.unit.deaths.test_hands import Crowded
from hypothesis import strategies as st

Object = dict[str, Any]

THERE: Object = {"target": GREEN}
BACK: Object = {"target": BLUE, "target_kind": None}
ABSENT: Object = {"state": "absent", "target": None}
# What is called before the call that dies, and that call.
COURSES: dict[str, tuple[list[Object], Object]] = {
    "there": ([], THERE),
    "there, and not waiting": ([], {**THERE, "wait": False}),
    "back within the delay": ([{**THERE, "scale_down": False}], BACK),
    "back after it": ([THERE], BACK),
    "absent within the delay": ([{**THERE, "scale_down": False}], ABSENT),
    "absent after it": ([THERE], ABSENT),
}


def options_of(place: Stage, asked: Object) -> Object:
    """A kind of None is that of the workload with the name."""
    if "target_kind" not in asked:
        return asked
    kind = next(obj["kind"] for obj in place.case.objects if obj["metadata"]["name"] == asked["target"])
    return {**asked, "target_kind": kind}


def call(place: Stage, asked: Object, transport: Any = None) -> Object:
    return place.call(transport, **options_of(place, asked))


def to_its_end(place: Stage, asked: Object) -> None:
    """Again, as long as it has something to wait for."""
    for _number in range(20):
        result = call(place, asked)
        if "msg" not in result and result["scale_down_at"] is None:
            return
        place.cluster.time.sleep(5)
    raise AssertionError(f"it comes to no end: {result}")


def begun(case: str, course: str) -> Stage:
    place = stage(CASES[case])
    if case == "a selector that takes all":
        # The first version is told from all others before the second comes.
        call(place, {"target": BLUE})
        scale(place, GREEN, 2)
    for asked in COURSES[course][0]:
        call(place, asked)
    return place


def scale(place: Stage, name: str, replicas: int) -> None:
    Api(place.cluster.server, NAMESPACE, lambda: place.cluster.time.sleep(0.05)).patch("Deployment", name, spec={"replicas": replicas})
    place.cluster.time.sleep(10)


@cache
def undisturbed(case: str, course: str) -> tuple[Object, int]:
    """The end state, and how many writes it takes."""
    place = begun(case, course)
    mortal = Mortal(place.cluster.server, NEVER, carried_out=True)
    call(place, COURSES[course][1], mortal)
    to_its_end(place, COURSES[course][1])
    assert not place.judge.complaints, place.judge.complaints
    return place.end_state(), mortal.writes


def wrong(place: Stage, wanted: Object) -> object:
    end = place.end_state()
    return place.judge.complaints or different(end, wanted)


# Every death is tried in the full run; each time those of one write in five, other ones for each case.
PAIRS = [(case, course, zlib.crc32(f"{case} {course}".encode())) for case in CASES for course in COURSES]
DEATHS = [pytest.param(case, course, number, 5, id=f"{case}-{course}") for case, course, number in PAIRS]
DEATHS += [pytest.param(case, course, 0, 1, id=f"{case}-{course}-all", marks=pytest.mark.full) for case, course, _number in PAIRS]


@pytest.mark.parametrize(("case", "course", "number", "step"), DEATHS)
def test_death(case: str, course: str, number: int, step: int) -> None:
    wanted, writes = undisturbed(case, course)
    found = {}
    for write in range(1 + number % min(step, writes), writes + 1, step):
        for carried_out in (False, True):
            place = begun(case, course)
            with contextlib.suppress(Dead):
                call(place, COURSES[course][1], Mortal(place.cluster.server, write, carried_out))
            to_its_end(place, COURSES[course][1])
            found[write, carried_out] = wrong(place, wanted)
    assert found and not {write: problem for write, problem in found.items() if problem}


@pytest.mark.parametrize(("case", "course", "number", "step"), DEATHS)
def test_another_wish_after_a_death(case: str, course: str, number: int, step: int) -> None:
    """Whatever was under way: back to blue, and to what was there at first."""
    found = {}
    _state, writes = undisturbed(case, course)
    for write in range(1 + number % min(step, writes), writes + 1, step):
        for asked in (BACK, ABSENT):
            place = begun(case, course)
            with contextlib.suppress(Dead):
                call(place, COURSES[course][1], Mortal(place.cluster.server, write, carried_out=bool(write % 2)))
            to_its_end(place, asked)
            to_its_end(place, ABSENT)
            found[write, asked["target"]] = wrong(place, at_first(case))
    assert found and not {write: problem for write, problem in found.items() if problem}


@pytest.mark.parametrize("case", CASES)
def test_there_after_a_hand_back_that_died(case: str) -> None:
    """The old version, which the hand-back has scaled up again, is scaled down as after any switch."""
    wanted, _writes = undisturbed(case, "there")
    found = {}
    for write in range(1, undisturbed(case, "absent after it")[1] + 1):
        place = begun(case, "absent after it")
        with contextlib.suppress(Dead):
            call(place, ABSENT, Mortal(place.cluster.server, write, carried_out=True))
        place.cluster.time.sleep(5)
        remembers = "progressive.delivery/bluegreen" in place.cluster.get("Service", SHOP)["metadata"].get("annotations", {})
        if case == "a selector that takes all" and not remembers:
            break  # It is complete, and no version is told from the other.
        to_its_end(place, THERE)
        found[write] = wrong(place, wanted)
    assert found and not {write: problem for write, problem in found.items() if problem}


@cache
def at_first(case: str) -> Object:
    """As the user had it; a second version that was brought up by hand stays so."""
    place = stage(CASES[case])
    if case == "a selector that takes all":
        scale(place, GREEN, 2)
    return place.end_state()


@pytest.mark.parametrize("case", CASES)
def test_absent_leaves_no_trace(case: str) -> None:
    for course in ("there", "back within the delay", "back after it"):
        place = begun(case, course)
        to_its_end(place, COURSES[course][1])
        assert call(place, ABSENT)["changed"] and not call(place, ABSENT)["changed"]
        assert not wrong(place, at_first(case)), course


# Every fault for one case, and some for each of the others; all of them in the full run.
FAULTY = [(case, fault, zlib.crc32(f"{case} {fault}".encode())) for case in CASES for fault in FAULTS]
EACH_TIME = [pytest.param(case, fault, 17) for case, fault, number in FAULTY if case == "through a router" or number % 8 == 0]
FULL = [pytest.param(case, fault, 1, marks=pytest.mark.full) for case, fault, _number in FAULTY]


@pytest.mark.parametrize(("case", "fault", "step"), EACH_TIME + FULL)
def test_a_fault(case: str, fault: str, step: int) -> None:
    """A call that meets one goes on by itself, but for an outage that is longer than it is patient."""
    found: dict[object, object] = {}
    for course in ("there", "back after it", "absent after it"):
        wanted, _writes = undisturbed(case, course)
        number = 2 + zlib.crc32(f"{case} {fault}".encode()) % (1 if fault in OF_WATCHES else step)
        while True:
            place = begun(case, course)
            faulty, message = Faulty(place.cluster.server, fault, number), ""
            try:
                call(place, COURSES[course][1], faulty)
            except (Refused, Failed, ApiError, TransportError) as problem:
                message = str(problem)
                place.cluster.time.sleep(LONG_OUTAGE)
                to_its_end(place, COURSES[course][1])
            if not faulty.came:
                break
            found[course, number] = wrong(place, wanted) or (fault != "a long outage" and message)
            number += step
    assert not {number: problem for number, problem in found.items() if problem}


CROSSING = ["Service only", "Service only, at once", "through a router", "preview swaps", "StatefulSets"]


@pytest.mark.parametrize("step", [pytest.param(3, id="some"), pytest.param(1, id="all", marks=pytest.mark.full)])
@pytest.mark.parametrize("asked", [BACK, THERE, ABSENT], ids=["back", "the same", "absent"])
@pytest.mark.parametrize("course", ["there", "back after it"])
@pytest.mark.parametrize("case", CROSSING)
def test_two_calls_at_once(case: str, course: str, asked: Object, step: int) -> None:
    """The one that comes last has its way, wherever the first one is; that one ends too, or says who has overruled it."""
    _state, writes = undisturbed(case, course)
    for write in range(1, writes + 1, step):
        place = begun(case, course)
        crowded = Crowded(place.cluster.server, write, partial(call, place, {**asked, "scale_down": False}))
        with contextlib.suppress(Overruled):
            call(place, COURSES[course][1], crowded)
        assert crowded.write == 0 and not place.judge.complaints, (write, place.judge.complaints)
        to_its_end(place, asked)
        to_its_end(place, ABSENT)
        assert not wrong(place, at_first(case)), write


def test_the_last_of_two_calls_is_active() -> None:
    _state, writes = undisturbed("Service only", "there")
    for write in range(1, writes - 3):  # the last ones scale down
        place = begun("Service only", "there")
        crowded = Crowded(place.cluster.server, write + 1, partial(call, place, {**BACK, "scale_down": False}))
        with pytest.raises(
            Overruled,
            match="is being switched to Deployment/shop-blue by another call, which took over while this one switched to Deployment/shop-g",
        ):
            call(place, THERE, crowded)
        assert place.cluster.get("Service", SHOP)["spec"]["selector"]["colour"] == "blue"


@hypothesis.settings(max_examples=25)
@hypothesis.given(
    st.sampled_from(sorted(CASES)),
    st.lists(
        st.tuples(st.integers(1, 16), st.booleans(), st.sampled_from([0, 3, 40]), st.sampled_from([THERE, BACK, ABSENT]), st.booleans()),
        max_size=4,
    ),
)
def test_several_deaths(case: str, deaths: list[tuple[int, bool, int, Object, bool]]) -> None:
    place = begun(case, "there")
    for write, carried_out, seconds, asked, waits in deaths:
        with contextlib.suppress(Dead):
            call(place, {**asked, "wait": waits}, Mortal(place.cluster.server, write, carried_out))
        place.cluster.time.sleep(seconds)
    to_its_end(place, ABSENT)
    assert not wrong(place, at_first(case))


@pytest.mark.parametrize("case", CASES)
def test_check_mode_foretells(case: str) -> None:
    for course, (_before, asked) in COURSES.items():
        if asked.get("wait") is False:
            continue  # it does what it comes to
        place = begun(case, course)
        place.cluster.time.sleep(5)
        version = place.cluster.store.version
        preview = call(place, {**asked, "check": True})
        assert place.cluster.store.version == version
        real = call(place, asked)
        assert shown(preview) == shown(real), course
        for key in ("changed", "active", "previous", "scale_down_at"):
            assert preview[key] == real[key], (course, key)


def shown(result: Object) -> Object:
    """The first and the last state of each object, without times, names of calls, and what the API server counts."""
    from ansible_collections.progressive.delivery.plugins.module_utils._objects.patches import merge_diffs

    def plain(obj: Any) -> Any:
        if not isinstance(obj, dict):
            return obj
        metadata = {**obj["metadata"], "annotations": dict(obj["metadata"].get("annotations") or {})}
        for key in ("progressive.delivery/original", "progressive.delivery/bluegreen"):
            if key in metadata["annotations"]:
                memory = json.loads(metadata["annotations"][key])
                metadata["annotations"][key] = {name: value for name, value in memory.items() if name not in ("at", "run", "waiting")}
        return {**obj, "metadata": metadata}

    return {each["before_header"]: (plain(each["before"]), plain(each["after"])) for each in merge_diffs(result["diff"])}


def test_back_within_the_delay_starts_no_pod() -> None:
    place = begun("Service only", "back within the delay")
    pods = {pod["metadata"]["uid"] for pod in place.all("Pod")}
    assert call(place, {**BACK, "wait": False})["active"] == {"kind": "Deployment", "name": BLUE}
    to_its_end(place, {**BACK, "scale_down": False})
    assert {pod["metadata"]["uid"] for pod in place.all("Pod")} == pods and not place.judge.complaints


def test_without_waiting_the_next_call_after_the_delay_scales_down() -> None:
    place = stage(CASES["Service only"])
    result = call(place, {**THERE, "wait": False})
    assert result["changed"] and result["scale_down_at"] > place.cluster.time.now() and result["msg"].startswith("waiting for Service shop")
    while "msg" in result:
        place.cluster.time.sleep(1)
        result = call(place, {**THERE, "wait": False})
    due = result["scale_down_at"]
    for _again in range(2):
        again = call(place, {**THERE, "wait": False})
        assert (again["changed"], again["scale_down_at"]) == (False, due)
    place.cluster.time.go_to(due)
    after = call(place, {**THERE, "wait": False})
    assert after["changed"] and after["scale_down_at"] is None
    assert place.cluster.get("Deployment", BLUE)["spec"]["replicas"] == 0 and not place.judge.complaints


def test_a_service_that_leads_to_the_old_version_keeps_it() -> None:
    place = stage(CASES["Service only"])
    other = {**place.case.objects[-1], "metadata": {"name": "admin"}}
    place.cluster.apply(other)
    result = call(place, THERE)
    assert result["scale_down_at"] is None and place.cluster.get("Deployment", BLUE)["spec"]["replicas"] == 2
    assert place.warnings == ["Deployment/shop-blue is not scaled down: Service admin leads to its pods"]
    Api(place.cluster.server, NAMESPACE, lambda: None).ask("DELETE", "Service", "admin")
    assert call(place, THERE)["changed"] and place.cluster.get("Deployment", BLUE)["spec"]["replicas"] == 0


def test_who_points_the_service_back_by_hand_is_told_and_followed() -> None:
    """As in need: the old version runs still, and nothing scales it down."""
    place = begun("Service only", "back within the delay")
    api = Api(place.cluster.server, NAMESPACE, lambda: place.cluster.time.sleep(0.05))
    api.patch("Service", SHOP, spec={"selector": {"colour": "blue"}})
    with pytest.raises(Drifted, match=r"spec\.selector\.colour is \"blue\", was set to \"green\""):
        call(place, THERE)
    assert call(place, {**BACK, "scale_down": False})["active"] == {"kind": "Deployment", "name": BLUE}
    call(place, {**BACK})
    assert not place.judge.complaints and place.end_state()["pods"] == ["blue", "blue"]


def test_who_scales_up_by_hand_is_followed() -> None:
    place = begun("Service only", "back after it")
    scale(place, BLUE, 3)
    call(place, BACK)
    assert place.end_state()["pods"] == ["blue"] * 3 and not place.judge.complaints


def test_the_shipped_role_is_enough() -> None:
    asked: set[tuple[str, str]] = set()

    class Noting(Crowded):
        def request(self, method: str, *more: Any) -> Response:
            parts = more[0].split("/namespaces/")[1].split("/")[1:]
            verb = {"GET": "get" if len(parts) > 1 else "list", "POST": "create"}.get(method, method.lower())
            asked.add((verb, parts[0]))
            return super().request(method, *more)

    for case in CASES:
        place = stage(CASES[case])
        for wish in (THERE, BACK, ABSENT):
            with contextlib.suppress(Refused):
                call(place, wish, Noting(place.cluster.server, NEVER, lambda: None))
    granted = {(verb, resource) for rule in shipped_rules() for resource in rule["resources"] for verb in rule["verbs"]}
    assert asked and asked <= granted
