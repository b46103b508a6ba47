"""Runs that are killed: the next one finds its place and ends in the same state, and no request is lost meanwhile."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application, until

STEPS = [{"set_weight": 20}, {"pause": {"duration": "1s"}}, {"set_weight": 100}]


def _image(app: Application) -> str:
    return str(app.get("Deployment")["spec"]["template"]["spec"]["containers"][0]["image"]).rpartition(":")[2]


PLACES: dict[str, Callable[[Application], bool]] = {
    "at the start": lambda app: "rollouts-demo-canary" in app.names("Deployment"),
    "at 20 percent": lambda app: app.weights() == (80, 20),
    "in the promotion": lambda app: _image(app) == "yellow",
}


def _descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        parents.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    found, rest = [pid], [pid]
    while rest:
        children = parents.get(rest.pop(), [])
        found += children
        rest += children
    return found


def _kill(pids: list[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def _cases() -> Iterator[Any]:
    for place in PLACES:
        # tests/integration/test_every_write.py and test_styles.py have more deaths at the start.
        early = [pytest.mark.full] if place == "at the start" else []
        yield pytest.param(place, False, id=f"{place}, the whole tree", marks=early)
        # Where its module is when it goes on alone makes little difference.
        marks = [] if place == "at 20 percent" else [pytest.mark.full]
        yield pytest.param(place, True, id=f"{place}, only ansible-playbook", marks=marks)


@pytest.mark.parametrize(("place", "only_the_parent"), list(_cases()))
def test_a_killed_run_is_resumed(app: Application, place: str, only_the_parent: bool) -> None:
    before = app.snapshot()
    variables = app.canary_variables(steps=STEPS, grace="1s")
    with app.load(150) as load:
        process = app.start_playbook("canary", variables)
        until(place, lambda: PLACES[place](app))
        _kill([process.pid] if only_the_parent else _descendants(process.pid))
        process.wait()
        began = time.monotonic()
        code, out = app.playbook("canary", variables)
        # The module of a run whose parent was killed goes on; the next run says who is at work, and the one after it goes on.
        while code and only_the_parent and "is working on it right now" in out:
            assert time.monotonic() - began < 120
            code, out = app.playbook("canary", variables)
        time.sleep(0.5)
    assert code == 0, out
    assert not load.results().failures, load.results().failures[:3]
    after = app.snapshot()
    assert _image(app) == "yellow"
    assert set(after) - set(before) == {"ConfigMap/rollouts-demo.rollout", "Lease/rollouts-demo.rollout"}
    unchanged = [key for key in before if not key.startswith("Deployment")]
    assert {key: after[key] for key in unchanged} == {key: before[key] for key in unchanged}
    assert "paused" not in after["Deployment/rollouts-demo"]["spec"]
