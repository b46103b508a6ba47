"""canary_weight against the real API server and the real gateway."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application

OPTIONS = {
    "router": "istio",
    "name": "rollouts-demo",
    "stable_service": "rollouts-demo",
    "canary_service": "rollouts-demo-canary",
    "grace": "0.3s",
}


@pytest.mark.quick
def test_check_run_check_run(app: Application) -> None:
    before = app.snapshot()
    wanted = {**OPTIONS, "weight": 20}
    preview = app.module("canary_weight", wanted, check=True, diff=True)
    assert preview["changed"] and preview["weight"] == {"stable": 80, "canary": 20}, preview
    assert app.snapshot() == before
    real = app.module("canary_weight", wanted, diff=True)
    assert real["changed"] and real["previous_weight"] == {"stable": 100, "canary": 0}
    assert [_without_time(entry) for entry in real["diff"]] == [_without_time(entry) for entry in preview["diff"]]
    assert app.weights() == (80, 20)
    for check in (True, False):
        again = app.module("canary_weight", wanted, check=check, diff=True)
        assert (again["changed"], again["diff"], again["weight"]) == (False, [], {"stable": 80, "canary": 20})
    back = app.module("canary_weight", {**OPTIONS, "state": "absent"})
    assert back["changed"] and app.snapshot() == before
    assert not app.module("canary_weight", {**OPTIONS, "state": "absent"})["changed"]


def _without_time(entry: dict[str, Any]) -> dict[str, Any]:
    """A diff entry without the time of the change, which a preview cannot know."""
    entry = json.loads(json.dumps(entry))
    for side in ("before", "after"):
        annotations = entry[side]["metadata"].get("annotations", {})
        if "progressive.delivery/original" in annotations:
            annotations["progressive.delivery/original"] = json.loads(annotations["progressive.delivery/original"])["fields"]
    return entry


BAD_INPUT: list[tuple[str, dict[str, Any], str]] = [
    ("weight", {"weight": 120}, "weight must be a whole number from 0 to 100, not 120"),
    ("no such VirtualService", {"name": "nope"}, "VirtualService {ns}/nope does not exist: check its name and the namespace"),
    (
        "no such route",
        {"routes": ["nope"]},
        "VirtualService {ns}/rollouts-demo has no HTTP route named 'nope' (it has: primary): correct routes",
    ),
    ("no such stable Service", {"stable_service": "nope"}, "has no HTTP route to Service 'nope'"),
    (
        "another canary Service",
        {"canary_service": "nope"},
        "HTTP route primary also leads to rollouts-demo-canary, whose share is not defined",
    ),
    ("the same Service twice", {"canary_service": "rollouts-demo"}, "canary_service is 'rollouts-demo' as stable_service is"),
    ("no such version", {"api_version": "networking.istio.io/v9"}, "api_version 'networking.istio.io/v9' does not serve VirtualService"),
    ("grace", {"grace": "soon"}, "grace must be a duration, not 'soon'"),
    ("no weight", {"weight": None}, "weight is missing: give weight, matches or mirror"),
]


@pytest.mark.parametrize(("options", "message"), [case[1:] for case in BAD_INPUT], ids=[case[0] for case in BAD_INPUT])
def test_bad_input_is_one_clear_line_and_writes_nothing(still_app: Application, options: dict[str, Any], message: str) -> None:
    before = still_app.snapshot()
    result = still_app.module("canary_weight", {**OPTIONS, "weight": 20, **options})
    assert result["failed"] and not result.get("changed")
    assert message.format(ns=still_app.namespace) in result["msg"]
    assert "\n" not in result["msg"]
    assert still_app.snapshot() == before


def test_traffic_goes_to_no_service_that_is_missing_or_has_no_ready_pods(app: Application) -> None:
    """No pod is new enough for the canary Service; then the route leads to a Service that is not there."""
    app.patch("Service", "rollouts-demo-canary", {"spec": {"selector": {"version": "none"}}})
    app.module("service_selector", {"name": "rollouts-demo-canary", "state": "absent"})  # waits for the EndpointSlices
    before = app.snapshot()
    empty = app.module("canary_weight", {**OPTIONS, "weight": 20})
    assert empty["failed"] and "/rollouts-demo-canary has no ready endpoints and would get 20 of 100 parts of the traffic" in empty["msg"]
    assert app.snapshot() == before
    assert app.module("canary_weight", {**OPTIONS, "weight": 20, "require_ready": False})["changed"]
    assert app.module("canary_weight", {**OPTIONS, "state": "absent"})["changed"]

    route = [{"destination": {"host": "rollouts-demo"}, "weight": 100}, {"destination": {"host": "ghost"}, "weight": 0}]
    app.patch("VirtualService", "rollouts-demo", {"spec": {"http": [{"name": "primary", "route": route}]}})
    missing = app.module("canary_weight", {**OPTIONS, "canary_service": "ghost", "weight": 20})
    assert missing["msg"] == f"Service {app.namespace}/ghost does not exist: check its name and the namespace"


@pytest.mark.parametrize("on_drift", ["fail", "repair", "accept"])
def test_drift_is_told_and_handled_as_asked(app: Application, on_drift: str) -> None:
    app.module("canary_weight", {**OPTIONS, "weight": 20})
    theirs = app.get("VirtualService")["spec"]["http"]
    theirs[0]["route"][0]["weight"], theirs[0]["route"][1]["weight"] = 60, 40
    app.patch("VirtualService", "rollouts-demo", {"spec": {"http": theirs}})
    before = app.snapshot()
    result = app.module("canary_weight", {**OPTIONS, "weight": 50, "on_drift": on_drift})
    if on_drift == "fail":
        assert (
            "was changed by another client: spec.http[name=primary].route[host=rollouts-demo].weight is 60, was set to 80" in result["msg"]
        )
        assert app.snapshot() == before
        return
    assert len(result["drift"]) == 2 and app.weights() == (50, 50)
    app.module("canary_weight", {**OPTIONS, "state": "absent"})
    assert app.weights() == ((100, 0) if on_drift == "repair" else (60, 40))
