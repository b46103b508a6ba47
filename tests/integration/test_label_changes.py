"""A new version with other labels on its pods, behind a route that leads by a subset, through Istio and under load."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application, until

OLD = {"app": "rollouts-demo", "version": "v1"}
NEW = {"app": "rollouts-demo", "version": "v2"}


def _subset(app: Application, labels: dict[str, str]) -> None:
    app.patch("DestinationRule", app.name, {"spec": {"subsets": [{"name": "v1", "labels": labels}]}})


@pytest.fixture
def by_subset(app: Application) -> Application:
    """The route leads to the stable Service by the subset v1, which takes the pods with version v1."""
    app.scale(2)
    app.patch("Deployment", app.name, {"spec": {"template": {"metadata": {"labels": OLD}}}})
    app.wait_for_pods(2)
    spec = {"host": app.name, "subsets": [{"name": "v1", "labels": {"version": "v1"}}]}
    app.make({"apiVersion": "networking.istio.io/v1beta1", "kind": "DestinationRule", "metadata": {"name": app.name}, "spec": spec})
    http = app.get("VirtualService")["spec"]["http"]
    until("the subset has pods", lambda: len(_labelled(app, "v1")) == 2)
    http[0]["route"][0]["destination"]["subset"] = "v1"
    app.patch("VirtualService", app.name, {"spec": {"http": http}})
    app.wait_for("blue")
    until("no request comes to the former pods", lambda: set(app.ask(50)) == {"blue"} and len(_labelled(app)) == 2)
    return app


def _labelled(app: Application, version: str = "") -> list[str]:
    """The pods that are not going, or those of a version."""
    pods = app.request("GET", "Pod")["items"]
    there = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    return [pod["metadata"]["name"] for pod in there if not version or pod["metadata"]["labels"].get("version") == version]


def _plan(app: Application, **more: Any) -> dict[str, Any]:
    container = {"name": app.name, "image": "argoproj/rollouts-demo:yellow"}
    revision = {"template": {"metadata": {"labels": NEW}, "spec": {"containers": [container]}}}
    return {**app.plan(steps=[{"set_weight": 50}, {"pause": {}}], grace="2s"), "revision": revision, **more}


def test_a_release_and_a_switch_are_refused_before_anything_is_written(by_subset: Application) -> None:
    app = by_subset
    green = copy.deepcopy(app.get("Deployment"))
    green = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "green"}, "spec": green["spec"]}
    labels = {"app": "green", "version": "v2"}
    green["spec"]["selector"]["matchLabels"] = green["spec"]["template"]["metadata"]["labels"] = labels
    app.make(green)
    app.wait_for_pods(2, "green")
    before = app.snapshot()
    bluegreen = {"services": {"active": app.name, "preview": f"{app.name}-canary"}, "canary": None, "bluegreen": {"auto_promotion": True}}
    with app.load() as load:
        message = f"VirtualService {app.namespace}/{app.name} leads to Service {app.name} by subset v1 (version=v1, in DestinationRule"
        for plan in (_plan(app), _plan(app, **bluegreen), _plan(app, **bluegreen, routers=None)):
            refused = app.module("rollout_step", plan)
            assert refused["failed"] and refused["msg"].startswith(message), refused["msg"]
            found = app.module("rollout_preflight_info", {key: value for key, value in plan.items() if key != "grace"})
            assert not found["ok"] and message in found["msg"], found["msg"]
        refused = app.module("bluegreen_switch", {"active_service": app.name, "target": "green", "grace": "2s"})
        assert refused["failed"] and refused["msg"].startswith(message), refused["msg"]
    assert not load.results().failures, load.results().summary()
    assert app.snapshot() == before


def test_a_router_is_not_put_back_before_its_subset_has_pods(by_subset: Application) -> None:
    """All requests are answered by the new version until somebody has mended the subset."""
    app = by_subset
    _subset(app, {"app": app.name})
    with app.load() as load:
        assert app.module("rollout_step", _plan(app))["phase"] == "Paused"
        _subset(app, {"version": "v1"})
        stuck = app.module("rollout_step", {"name": app.name, "promote": {}})
        assert stuck["failed"] and "subset v1, has no ready endpoints with the labels version=v1" in stuck["msg"], stuck["msg"]
        assert set(app.ask(100)) == {"yellow"}
        _subset(app, {"app": app.name})
        assert app.module("rollout_step", _plan(app))["phase"] == "Healthy"
    assert not load.results().failures, load.results().summary()
