"""What others do beside a release, and what stands in its way: under load, and nothing is lost."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import release_program
from ansible_collections.progressive.delivery.plugins.module_utils._steps.actions import RollWorkload
from ansible_collections.progressive.delivery.plugins.module_utils._strategies.sequence import Facts
from ansible_collections.progressive.delivery.tests.harness.application import Application, until
from ansible_collections.progressive.delivery.tests.harness.load import Load
from ansible_collections.progressive.delivery.tests.harness.mortal import die_at
from ansible_collections.progressive.delivery.tests.integration.hazards import autoscaler, budget, service

HALF: list[Any] = [{"set_weight": 50}, {"pause": {}}]
KINDS = ("VirtualService", "Service", "HorizontalPodAutoscaler", "PodDisruptionBudget")


def _none_failed(*loads: Load) -> None:
    time.sleep(1)
    for load in loads:
        assert not load.results().failures, load.results().failures[:3]


def _bystander(app: Application) -> Load:
    """A second Service on the same pods, which has requests of its own, and no canary."""
    app.make(service("other", {"app": app.name}))
    route = json.loads(json.dumps(app.get("VirtualService")))
    spec = {**route["spec"], "hosts": [f"other.{app.host}"], "http": [{"route": [{"destination": {"host": "other"}}]}]}
    app.make({"apiVersion": route["apiVersion"], "kind": "VirtualService", "metadata": {"name": "other"}, "spec": spec})
    load = Load(app.gateway, host_header=f"other.{app.host}", rate=100, connections=200)
    until("the other host answers", lambda: not _fails(app, f"other.{app.host}"))
    return load


def _fails(app: Application, host: str) -> bool:
    with Load(app.gateway, host_header=host, rate=1000, connections=5, max_requests=5) as load:
        return bool(load.wait().failures)


def _template(app: Application, patch: dict[str, Any]) -> None:
    app.patch("Deployment", app.name, {"spec": {"template": patch}})


def test_all_at_once(app: Application) -> None:
    """Two autoscalers, a budget, a bystander; in the pause somebody restarts the Deployment, and sets an image."""
    app.scale(3)
    for manifest in (autoscaler("a", app.name, 2), autoscaler("b", app.name, 2), budget(app.name, minAvailable=2)):
        app.make(manifest)
    bystander = _bystander(app)
    before = app.snapshot(*KINDS)
    with bystander, app.load(150) as load:
        assert app.module("rollout_step", app.plan(steps=HALF, grace="1s"))["phase"] == "Paused"
        _template(app, {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}}})
        _template(app, {"spec": {"containers": [{**_container(app), "image": "argoproj/rollouts-demo:red"}]}})
        stopped = app.module("rollout_step", {"name": app.name, "promote": {}})
        assert stopped["failed"] and "has a template that another client changed" in stopped["msg"], stopped
        done = app.module("rollout_step", {"name": app.name, "promote": {}, "on_drift": "repair"})
        assert done["phase"] == "Healthy", done["msg"]
        _none_failed(load, bystander)
    assert set(app.ask(20)) == {"yellow"} and app.snapshot(*KINDS) == before
    assert set(bystander.results().versions) == {"blue", "yellow"}


def _container(app: Application) -> dict[str, Any]:
    return dict(app.get("Deployment")["spec"]["template"]["spec"]["containers"][0])


@pytest.mark.full
def test_a_version_that_calls_its_port_otherwise(app: Application) -> None:
    """Its pods are ready, and nobody could reach them through the Service."""
    before = app.snapshot(*KINDS[:2])
    port = {**_container(app)["ports"][0], "name": "renamed"}
    container = {"name": app.name, "image": "argoproj/rollouts-demo:yellow", "ports": [port]}
    template = {"spec": {"containers": [container]}}
    wanted = {**app.plan(steps=HALF, grace="1s", wait_timeout=10), "revision": {"template": template}}
    with app.load(150) as load:
        failed = app.module("rollout_step", wanted)
        assert failed["failed"] and "port" in failed["msg"] and app.weights() == (100, 0), failed
        assert app.module("rollout_step", {"name": app.name, "state": "aborted"})["phase"] == "Aborted"
        _none_failed(load)
    assert app.snapshot(*KINDS[:2]) == before


def _release(app: Application) -> list[Any]:
    """The actions of the release, in order."""
    plan = read_plan(app.name, app.namespace, app.plan(steps=HALF[:1]))
    return [entry.action for entry in release_program(plan, Facts(canary_service_made=False))]


@pytest.mark.full
@pytest.mark.parametrize("place", range(9))
def test_an_abort_in_each_phase_of_the_promotion(app: Application, tmp_path: Path, place: int) -> None:
    """The call at work died there. The places are those of the actions around the rolling of the workload."""
    rolls = next(index for index, action in enumerate(_release(app)) if isinstance(action, RollWorkload))
    before = app.snapshot("VirtualService", "Service", "Deployment")
    options = {**app.plan(steps=HALF[:1], grace="2s"), "namespace": app.namespace, "kubeconfig": app.kubeconfig}
    with app.load(150) as load:
        die_at(options, tmp_path, rolls - 5 + place)
        result = app.module("rollout_step", {"name": app.name, "state": "aborted"})
        _none_failed(load)
    assert result["phase"] == "Aborted", result["msg"]
    assert app.snapshot("VirtualService", "Service", "Deployment") == before
    assert set(app.ask(20)) == {"blue"}
