"""Option hold: the Deployment waits paused between releases, and an edit of its template is the next version."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application

STEPS: list[Any] = [{"set_weight": 50}]
UP_TO_A_PAUSE: list[Any] = [{"set_weight": 50}, {"pause": {}}]


def _call(app: Application, steps: Any = None, **more: Any) -> dict[str, Any]:
    plan = app.plan(steps=STEPS if steps is None else steps, hold=True, grace="2s", **more)
    del plan["revision"]
    return app.module("rollout_step", plan)


def _edit(app: Application, version: str) -> None:
    app.change_container(image=f"argoproj/rollouts-demo:{version}")


def _told(result: dict[str, Any]) -> tuple[Any, ...]:
    assert not result.get("failed"), result
    return result["phase"], result["revision"], result["changed"]


def test_edits_wait_for_the_next_call(app: Application) -> None:
    before = app.snapshot()
    assert _told(_call(app)) == ("Healthy", 1, True)
    assert app.get("Deployment")["spec"]["paused"]
    assert _told(_call(app)) == ("Healthy", 1, False)
    with app.load() as load:
        _edit(app, "green")
        time.sleep(1)
        assert set(app.ask(20)) == {"blue"}
        assert _told(_call(app)) == ("Healthy", 2, True)
        assert _told(_call(app)) == ("Healthy", 2, False)
        assert set(app.ask(20)) == {"green"}

        _edit(app, "purple")
        assert _told(_call(app, UP_TO_A_PAUSE)) == ("Paused", 3, True)
        assert set(app.ask(60)) == {"green", "purple"}
        _edit(app, "yellow")
        late = app.module("rollout_step", {"name": app.name, "promote": {}})
        assert late["failed"] and "template that another client changed" in late["msg"], late
        assert _told(_call(app)) == ("Healthy", 4, True)
        assert set(app.ask(20)) == {"yellow"}

        _edit(app, "blue")
        waits = app.module("rollout_step", {"name": app.name, "state": "absent"})
        assert waits["failed"] and "has a version in its template that was not released" in waits["msg"], waits
        result = app.module("rollout_step", {"name": app.name, "state": "absent", "on_drift": "repair"})
        assert not result.get("failed"), result
        time.sleep(0.5)
    assert not load.results().failures, load.results().failures[:3]
    assert set(app.ask(20)) == {"yellow"}
    _edit(app, "blue")
    assert app.snapshot() == before


@pytest.mark.full
def test_edits_that_are_aborted_or_undone(app: Application) -> None:
    before = app.snapshot()
    assert _told(_call(app)) == ("Healthy", 1, True)
    with app.load() as load:
        _edit(app, "red")
        assert _told(_call(app, UP_TO_A_PAUSE)) == ("Paused", 2, True)
        assert _told(app.module("rollout_step", {"name": app.name, "state": "aborted"})) == ("Aborted", 2, True)
        refused = _call(app)
        assert refused["failed"] and "was aborted" in refused["msg"], refused
        _edit(app, "green")
        assert _told(_call(app)) == ("Healthy", 3, True)
        _edit(app, "red")
        assert _told(app.module("rollout_step", {"name": app.name, "undo": "1"})) == ("Healthy", 4, True)
        assert set(app.ask(20)) == {"blue"}
        result = app.module("rollout_step", {"name": app.name, "state": "absent"})
        assert not result.get("failed"), result
        time.sleep(0.5)
    assert not load.results().failures, load.results().failures[:3]
    assert app.snapshot() == before


def test_a_call_without_it_ends_it(app: Application) -> None:
    before = app.snapshot("Deployment", "Service", "VirtualService")
    assert _told(_call(app)) == ("Healthy", 1, True)
    plan = app.plan("blue", STEPS)
    assert _told(app.module("rollout_step", plan)) == ("Healthy", 2, True)
    assert _told(app.module("rollout_step", plan)) == ("Healthy", 2, False)
    assert app.snapshot("Deployment", "Service", "VirtualService") == before
