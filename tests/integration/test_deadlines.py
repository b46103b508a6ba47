"""A release that gets no further: taken back by itself, or stopped, as its plan says."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application, until

STEPS: list[Any] = [{"set_weight": 20}, {"pause": {}}]


def call(app: Application, image: str, **options: Any) -> dict[str, Any]:
    return app.module("rollout_step", app.plan(image, STEPS, grace=0, **options))


def without_record(app: Application) -> dict[str, Any]:
    return {key: value for key, value in app.snapshot().items() if not key.endswith(".rollout")}


@pytest.mark.parametrize(
    ("image", "deadline", "reason"),
    [
        ("crash-1", "300s", "container rollouts-demo restarted 3 times"),
        ("oom-1", "300s", "last exit code 137, OOMKilled (CrashLoopBackOff)"),
        ("missing-1", "300s", "container rollouts-demo is waiting: ImagePullBackOff (Back-off pulling image"),
        ("invalid-1", "300s", "container rollouts-demo is waiting: InvalidImageName"),
        ("unready-1", "3s", "within the progress deadline: 0 of 1 replicas are available (pod rollouts-demo-canary-"),
        ("gated-1", "3s", "is not ready: corresponding condition of pod readiness gate does not exist"),
        ("evicted-1", "5s", "was evicted: The node was low on resource: memory"),
    ],
)
def test_it_is_taken_back_by_itself(app: Application, image: str, deadline: str, reason: str) -> None:
    before = without_record(app)
    began = time.monotonic()
    result = call(app, image, progress_deadline=deadline, start_tolerance={"time": "3s"})
    assert result["failed"] and result["phase"] == "Aborted" and result["safe_to_abort"] is False, result
    assert "no progress: Deployment" in result["msg"] and reason in result["msg"] and time.monotonic() - began < 300
    assert without_record(app) == before
    again = call(app, image, progress_deadline=deadline)
    assert again["failed"] and "was aborted (aborted for no progress" in again["msg"] and without_record(app) == before


@pytest.mark.parametrize("image", ["crash-twice-1", "pull-later-1", "config-later-1", "late-1"])
def test_what_heals_at_the_start_is_waited_for(app: Application, image: str) -> None:
    result = call(app, image, progress_deadline="120s")
    assert (result["phase"], app.weights()) == ("Paused", (80, 20)), result["msg"]


UNSCHEDULABLE: dict[str, Any] = {"template": {"spec": {"nodeSelector": {"no-node": "has-this"}}}}
GATED: dict[str, Any] = {
    "template": {
        "spec": {
            "readinessGates": [{"conditionType": "example.org/gate"}],
            "containers": [{"name": "rollouts-demo", "image": "argoproj/rollouts-demo:gated-1"}],
        }
    }
}


UNREADY: dict[str, Any] = {"images": {"rollouts-demo": "argoproj/rollouts-demo:unready-1"}}
CAUSES: dict[str, tuple[dict[str, Any], str]] = {
    "unschedulable": (UNSCHEDULABLE, "cannot be scheduled: 0/"),
    "gate": (GATED, "waits for its readiness gate example.org/gate: nothing has set it"),
    "unready": (UNREADY, "container rollouts-demo runs and is not ready"),
}
MANNERS: dict[str, dict[str, Any]] = {
    "wait_timeout": {"wait_timeout": "4s"},
    "no wait": {"wait": False},
    "deadline": {"progress_deadline": "4s", "on_deadline": "stop"},
}
# Each cause and each manner once, the other pairs where there is time for all.
ALWAYS = [("unschedulable", "wait_timeout"), ("gate", "no wait"), ("unready", "deadline")]


@pytest.mark.parametrize(
    ("manner", "revision", "reason"),
    [
        pytest.param(
            MANNERS[manner], *CAUSES[cause], id=f"{cause}, {manner}", marks=[] if (cause, manner) in ALWAYS else [pytest.mark.full]
        )
        for cause in CAUSES
        for manner in MANNERS
    ],
)
def test_whatever_ends_the_wait_names_the_reason(app: Application, manner: dict[str, Any], revision: dict[str, Any], reason: str) -> None:
    """In the message; in the record and in an Event unless the call may not wait."""
    plan = {**app.plan(steps=STEPS, grace=0, **manner), "revision": revision}
    for _attempt in range(20):
        result = app.module("rollout_step", plan)
        if reason in result["msg"]:
            break
        assert manner == {"wait": False}, result["msg"]
        time.sleep(0.5)
    assert reason in result["msg"]
    if "wait" not in manner:
        [seen] = app.module("rollout_info", {"name": app.name})["rollouts"]
        events = [each["message"] for each in app.request("GET", "Event")["items"] if each["reason"].startswith("Rollout")]
        assert reason in seen["msg"] and any(reason in each for each in events), (seen["msg"], events)


def test_a_pod_that_the_api_server_refuses_is_told(app: Application) -> None:
    """A quota that somebody makes after the checks, as an admission webhook might; no pod is there to say why."""
    assert call(app, "yellow", wait_timeout="60s")["phase"] == "Paused"
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"}, "spec": {"hard": {"pods": "0"}}}
    with app.holding([quota]):
        until("the quota counts", lambda: app.get("ResourceQuota", "full").get("status", {}).get("hard"))
        result = app.module("rollout_step", {"name": app.name, "promote": {}, "wait_timeout": "3s"})
    assert result["failed"] and "exceeded quota: full" in result["msg"], result["msg"]


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
    assert result["failed"] and "progress_deadline must be a duration, not 'soon'" in result["msg"] and app.names("ConfigMap") == before
