"""A release that gets no further: taken back by itself, or stopped, as its plan says."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application

STEPS: list[Any] = [{"set_weight": 20}, {"pause": {}}]


def call(app: Application, image: str, **options: Any) -> dict[str, Any]:
    return app.module("rollout_step", app.plan(image, STEPS, grace=0, **options))


def without_record(app: Application) -> dict[str, Any]:
    return {key: value for key, value in app.snapshot().items() if not key.endswith(".rollout")}


@pytest.mark.parametrize(
    ("image", "deadline", "reason"),
    [
        ("crash-1", "300s", "CrashLoopBackOff"),
        ("missing-1", "300s", "ImagePullBackOff"),
        ("unready-1", "3s", "within the progress deadline"),
    ],
)
def test_it_is_taken_back_by_itself(app: Application, image: str, deadline: str, reason: str) -> None:
    before = without_record(app)
    began = time.monotonic()
    result = call(app, image, progress_deadline=deadline)
    assert result["failed"] and result["phase"] == "Aborted" and result["safe_to_abort"] is False, result
    assert "no progress: Deployment" in result["msg"] and reason in result["msg"] and time.monotonic() - began < 300
    assert without_record(app) == before
    again = call(app, image, progress_deadline=deadline)
    assert again["failed"] and "was aborted (aborted for no progress" in again["msg"] and without_record(app) == before


def test_without_waiting_the_calls_together_have_the_time(app: Application) -> None:
    before = without_record(app)
    for _attempt in range(60):
        result = call(app, "unready-1", progress_deadline="4s", wait=False)
        if result.get("failed") or result["phase"] == "Aborted":
            break
        time.sleep(0.5)
    for _attempt in range(60):
        if result["phase"] == "Aborted":
            break
        result = app.module("rollout_step", {"name": app.name, "wait": False})
        time.sleep(0.5)
    assert result["phase"] == "Aborted" and without_record(app) == before, result


def test_it_stops_where_the_plan_says_so_and_goes_on_with_new_time(app: Application) -> None:
    before = without_record(app)
    for _attempt in range(2):
        began = time.monotonic()
        result = call(app, "unready-1", progress_deadline="3s", on_deadline="stop")
        assert (result["failed"], result["phase"]) == (True, "Degraded") and time.monotonic() - began >= 3, result
    assert f"{app.name}-canary" in app.names("Deployment") and app.weights() == (100, 0)
    [seen] = app.module("rollout_info", {"name": app.name})["rollouts"]
    assert seen["phase"] == "Degraded" and "mend the cause and run it again, or abort it" in seen["msg"]
    assert app.module("rollout_step", {"name": app.name, "state": "aborted"})["phase"] == "Aborted"
    assert without_record(app) == before


def test_the_playbook_aborts_once(app: Application) -> None:
    before = without_record(app)
    code, out = app.playbook("canary", app.canary_variables("unready-1", steps=STEPS, grace=0, progress_deadline="3s"))
    assert code != 0 and "no progress: Deployment" in out, out
    assert without_record(app) == before
    [seen] = app.module("rollout_info", {"name": app.name})["rollouts"]
    assert (seen["phase"], len(seen["history"])) == ("Aborted", 1)


def test_a_deadline_that_is_none(app: Application) -> None:
    before = app.names("ConfigMap")
    result = call(app, "yellow", progress_deadline="soon")
    assert result["failed"] and "progress_deadline: 'soon' is not a duration" in result["msg"] and app.names("ConfigMap") == before
