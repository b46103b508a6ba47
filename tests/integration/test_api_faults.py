"""A bad line to the API server, or none, in the middle of a release under load: it goes on, or the next call does; no request is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness import api_server
from ansible_collections.progressive.delivery.tests.harness.application import Application, finish, until
from ansible_collections.progressive.delivery.tests.harness.line import Line
from ansible_collections.progressive.delivery.tests.harness.load import Load
from ansible_collections.progressive.delivery.tests.harness.users import shipped_rules, user

STEPS = [{"set_weight": 50}, {"set_weight": 20}]
EVERY = 0.6
_ALL_ARE_BACK = 60.0  # seconds


def _released(app: Application, before: dict[str, Any], load: Load) -> None:
    """All as it was but for the new version, and nothing was lost."""
    time.sleep(1)
    assert not load.results().failures, load.results().failures[:3]
    assert app.snapshot("VirtualService", "Service") == before
    assert set(app.ask(20)) == {"yellow"}


@pytest.mark.full  # the test below meets most of this on a real server
@pytest.mark.parametrize("down", [5.0, 20.0])
def test_connections_that_are_cut_and_an_api_server_that_is_down(app: Application, tmp_path: Path, down: float) -> None:
    """A call is patient for longer than that."""
    before = app.snapshot("VirtualService", "Service")
    with Line(app.kubeconfig) as line, app.load(150) as load:
        options = app.plan(steps=STEPS, grace="1s", until="end", kubeconfig=line.kubeconfig(tmp_path))
        call = app.start_module("rollout_step", options)
        was_down = False
        while call.poll() is None:
            time.sleep(EVERY)
            line.cut()
            if not was_down and app.weights() != (100, 0):
                line.down(down)
                was_down = True
        result = finish(call)
        assert result["phase"] == "Healthy", result["msg"]
        assert was_down and line.cuts > 1
        _released(app, before, load)


PLACES: dict[str, Callable[[Application], bool]] = {
    "before the first traffic": lambda app: "rollouts-demo-canary" in app.names("Deployment"),
    "at 50 percent": lambda app: app.weights() == (50, 50),
    "in the promotion": lambda app: app.weights() == (0, 100),
}


@pytest.mark.parametrize("place", [pytest.param(each, marks=[] if each == "at 50 percent" else [pytest.mark.full]) for each in PLACES])
def test_an_api_server_that_is_killed(app: Application, place: str) -> None:
    """By a user with the shipped rights, whom a server that has just started does not know for a moment."""
    api_server.rest()
    before = app.snapshot("VirtualService", "Service")
    options = app.plan(steps=STEPS, grace="1s", until="end", kubeconfig=user(app, shipped_rules()))
    with app.load(150) as load:
        call = app.start_module("rollout_step", options)
        until(place, lambda: PLACES[place](app))
        api_server.kill()
        result = finish(call)
        if result.get("failed"):  # a busy machine starts the server more slowly than a call is patient
            assert "\n" not in result["msg"] and result["phase"] == "Progressing", result
            time.sleep(_ALL_ARE_BACK)
            result = app.module("rollout_step", options)
        assert result["phase"] == "Healthy", result["msg"]
        _released(app, before, load)
