"""After a release, an abort or a hand-back this collection owns no field of an object that somebody applies server-side."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import process
from ansible_collections.progressive.delivery.plugins.module_utils._objects.ownership import MANAGER, without_ours
from ansible_collections.progressive.delivery.tests.harness.memory.managed import applied
from ansible_collections.progressive.delivery.tests.unit.deaths import cases, switches
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import NEVER, Dead, Mortal, live_until
from ansible_collections.progressive.delivery.tests.unit.deaths.test_switches import ABSENT, BACK, THERE, call, to_its_end

Object = dict[str, Any]

KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Service", "VirtualService", "Ingress")
# What these leave on the application between releases is given back by the hand-back.
LASTING = {name for name in cases.CASES if "revisions" in name or "held" in name}
CASES = [name for name, case in cases.CASES.items() if not case.declared]


@pytest.fixture(autouse=True)
def _dead_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dead run's Lease names this very process, which lives on."""
    monkeypatch.setattr(process, "is_gone", lambda _mark: True)


def owned(place: Any) -> list[str]:
    """The fields that are owned here, by object."""
    found = [(obj, each) for kind in KINDS for obj in place.all(kind) for each in obj["metadata"].get("managedFields") or []]
    return [f"{obj['kind']}/{obj['metadata']['name']}: {each['fieldsV1']}" for obj, each in found if each["manager"] == MANAGER]


def stage(name: str) -> cases.Stage:
    case = cases.CASES[name]
    return cases.stage(replace(case, objects=tuple(map(applied, case.objects))))


ENDS: dict[str, Callable[[cases.Stage], object]] = {
    "released": lambda place: live_until(place, NEVER),
    "released and handed back": lambda place: (live_until(place, NEVER), live_until(place, NEVER, state="absent")),
    "aborted": lambda place: (live_until(place, 30), live_until(place, NEVER, state="aborted")),
    "handed back from the steps": lambda place: (live_until(place, 30), live_until(place, NEVER, state="absent")),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("name", CASES)
def test_a_rollout(name: str, end: str) -> None:
    place = stage(name)
    ENDS[end](place)
    if name in LASTING and end in ("released", "aborted"):
        live_until(place, NEVER, state="absent")
    assert owned(place) == [] and not place.judge.complaints


def test_while_a_release_runs_its_fields_are_owned() -> None:
    """Whoever applies them then is told of the conflict."""
    place = stage("clone")
    live_until(place, 30)
    found = {each.partition(":")[0] for each in owned(place)}
    assert found >= {"Deployment/rollouts-demo", "Service/rollouts-demo", "VirtualService/rollouts-demo"}


@pytest.mark.parametrize("carried_out", [False, True])
@pytest.mark.parametrize("name", ["clone", "pair", "StatefulSet", "clone, ingress-nginx"])
def test_a_death(name: str, carried_out: bool) -> None:
    """The last writes of a release: each of them is the last one of a run that dies."""
    place = stage(name)
    writes = live_until(place, NEVER)
    for write in range(writes - 14, writes + 1):
        place = stage(name)
        live_until(place, write, carried_out)
        live_until(place, NEVER)
        assert owned(place) == [], write


@pytest.mark.parametrize("name", [name for name in switches.CASES if name != "a selector that takes all"])
def test_a_switch(name: str) -> None:
    case = switches.CASES[name]

    def begun() -> switches.Stage:
        return switches.stage(replace(case, objects=tuple(map(applied, case.objects))))

    for course in ([THERE, ABSENT], [THERE, BACK, ABSENT]):
        place = begun()
        for asked in course:
            to_its_end(place, asked)
        assert owned(place) == [], course
    for write in range(1, 12):
        place = begun()
        to_its_end(place, THERE)
        with contextlib.suppress(Dead):
            call(place, ABSENT, Mortal(place.cluster.server, write, carried_out=True))
        to_its_end(place, ABSENT)
        assert owned(place) == [], write


APPLY: Object = {"manager": "flux", "operation": "Apply"}
OURS: Object = {"manager": MANAGER, "operation": "Update"}


@pytest.mark.parametrize(
    ("entries", "left"),
    [
        pytest.param(None, None, id="none"),
        pytest.param([OURS], None, id="nobody applies it"),
        pytest.param([OURS, {**APPLY, "subresource": "status"}], None, id="a controller applies its status"),
        pytest.param([APPLY], None, id="nothing is ours"),
        pytest.param([APPLY, {**OURS, "subresource": "scale"}], None, id="of a subresource"),
        pytest.param([APPLY, OURS, {"manager": "kubectl"}], [APPLY, {"manager": "kubectl"}], id="ours goes"),
        pytest.param([OURS, "x", None, 7, APPLY, {}], ["x", None, 7, APPLY, {}], id="what is no entry stays"),
        pytest.param([*[{}] * 300, OURS, APPLY], None, id="a list without an end is not searched"),
    ],
)
def test_the_list_without_ours(entries: Any, left: Any) -> None:
    assert without_ours({"metadata": {"managedFields": entries}}) == left
    assert without_ours({}) is None
