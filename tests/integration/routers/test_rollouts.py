"""Whole releases over routers other than Istio, under live traffic: nothing is lost, and the router ends as it began."""

from __future__ import annotations

import os
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application, until
from ansible_collections.progressive.delivery.tests.harness.load import Load
from ansible_collections.progressive.delivery.tests.harness.pods import received

RATE = 200.0
GRACE = "2s"  # Traefik follows within 1.3 s here


def _ingress(app: Application) -> dict[str, Any]:
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": app.name, "port": {"number": 80}}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": app.name},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": app.host, "http": {"paths": [path]}}]},
    }


def _http_route(app: Application, controller: str = "TRAEFIK") -> dict[str, Any]:
    namespace, _slash, gateway = os.environ[f"SHARED_GATEWAY_{controller}"].partition("/")
    parent = {"name": gateway, "namespace": namespace, "sectionName": "http"}
    rules = [{"backendRefs": [{"name": app.name, "port": 80}]}]
    spec = {"parentRefs": [parent], "hostnames": [app.host], "rules": rules}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": app.name}, "spec": spec}


ROUTERS = [
    pytest.param(_ingress, "ingress_nginx", "GATEWAY_NGINX", id="ingress_nginx"),
    pytest.param(_http_route, "gateway_api", "GATEWAY_TRAEFIK", id="gateway_api"),
]


class Traffic:
    """Requests to an application through a gateway."""

    def __init__(self, app: Application, gateway: str) -> None:
        self.app = app
        self.url = f"http://{os.environ[gateway]}/"

    def load(self, **bounds: Any) -> Load:
        return Load(self.url, host_header=self.app.host, rate=RATE, connections=200, **bounds)

    def versions(self, number: int = 50, **bounds: Any) -> set[str]:
        """Which versions answer; empty where a request failed."""
        results = self.load(max_requests=number, **bounds).start().wait()
        return set() if results.failures else set(results.versions)


@pytest.mark.parametrize(("manifest", "router", "gateway"), ROUTERS)
def test_a_release_and_an_abort(app: Application, manifest: Any, router: str, gateway: str) -> None:
    app.make(manifest(app))
    ask = Traffic(app, gateway)
    until(f"blue answers through {gateway}", lambda: ask.versions() == {"blue"})
    kind = manifest(app)["kind"]
    before = app.snapshot("Service", kind)
    plan = {"routers": [{"type": router, "name": app.name}], "grace": GRACE, "until": "end"}
    with ask.load(duration=600) as traffic:
        paused = app.module("rollout_step", app.plan("yellow", [{"set_weight": 20}, {"pause": {}}], **plan))
        assert paused.get("phase") == "Paused", paused["msg"]
        aborted = app.module("rollout_step", {"name": app.name, "state": "aborted"})
        assert aborted.get("phase") == "Aborted", aborted["msg"]
        assert app.snapshot("Service", kind) == before
        done = app.module("rollout_step", app.plan("green", [{"set_weight": 50}], **plan))
        assert done.get("phase") == "Healthy", done["msg"]
    results = traffic.results()
    assert not results.failures, f"{len(results.failures)} of {len(results.requests)} failed, first {results.failures[:3]}"
    assert set(results.versions) == {"blue", "yellow", "green"}
    assert app.snapshot("Service", kind) == before


QA = {"x-qa": "1"}
HEADER, NO_HEADER = ({"set_header_route": {"name": "qa", **more}} for more in ({"matches": [{"headers": {"x-qa": "1"}}]}, {}))
BY_REQUESTS = [
    pytest.param(None, "istio", "GATEWAY_ISTIO", 100, id="istio"),
    pytest.param(
        lambda app: _http_route(app, "ISTIO_API"), "gateway_api", "GATEWAY_ISTIO_API", 100, id="gateway_api", marks=pytest.mark.full
    ),
    pytest.param(_ingress, "ingress_nginx", "GATEWAY_NGINX", 0, id="ingress_nginx", marks=pytest.mark.full),
]


@pytest.mark.parametrize(("manifest", "router", "gateway", "mirror"), BY_REQUESTS)
def test_testers_and_copies_come_first(app: Application, manifest: Any, router: str, gateway: str, mirror: float) -> None:
    """By header at weight 0, to as many pods as the plan says; then by weight; then all is as it was. Twice: taken back, and promoted."""
    app.scale(3)
    if manifest is not None:
        app.make(manifest(app))
    ask = Traffic(app, gateway)
    until(f"blue answers through {gateway}", lambda: ask.versions() == {"blue"})
    before = app.snapshot("Service", "VirtualService", *([manifest(app)["kind"]] if manifest else []))
    copies, no_copies = ([{"set_mirror_route": {"name": "shadow", "percent": each}}] if mirror else [] for each in (mirror, 0))
    steps = [{"set_canary_scale": {"replicas": 2}}, HEADER, *copies, {"pause": {}}]
    steps += [NO_HEADER, *no_copies, {"set_canary_scale": {"match_traffic_weight": True}}, {"set_weight": 20}, {"pause": {}}]
    plan = {"routers": [{"type": router, "name": app.name}], "grace": GRACE}

    def testers_only(version: str) -> None:
        assert (ask.versions(), ask.versions(headers=QA)) == ({"blue"}, {version})
        assert app.get("Deployment", f"{app.name}-canary")["spec"]["replicas"] == 2

    with ask.load(duration=600) as traffic:
        started = app.module("rollout_step", app.plan("yellow", steps, **plan))
        assert (started.get("phase"), started.get("weight")) == ("Paused", {"stable": 100, "canary": 0}), started["msg"]
        testers_only("yellow")
        if mirror:
            assert received(app.transport, app.namespace, "yellow") > 200
        assert app.module("rollout_step", {"name": app.name, "state": "aborted"})["phase"] == "Aborted"
        assert app.snapshot(*{key.partition("/")[0] for key in before}) == before
        assert app.module("rollout_step", app.plan("green", steps, **plan))["phase"] == "Paused"
        testers_only("green")
        promoted = app.module("rollout_step", {"name": app.name, "promote": {}})
        assert (promoted.get("phase"), promoted.get("weight")) == ("Paused", {"stable": 80, "canary": 20}), promoted["msg"]
        assert ask.versions(200, headers=QA) == {"blue", "green"}
        assert app.module("rollout_step", {"name": app.name, "promote": {}})["phase"] == "Healthy"
    results = traffic.results()
    assert not results.failures, f"{len(results.failures)} of {len(results.requests)} failed, first {results.failures[:3]}"
    assert app.snapshot(*{key.partition("/")[0] for key in before}) == before


@pytest.mark.parametrize(
    ("manifest", "router", "step", "message"),
    [
        (_http_route, "gateway_api", {"set_mirror_route": {"name": "shadow", "percent": 5}}, "is served by Traefik, which cannot mirror"),
        (
            _ingress,
            "ingress_nginx",
            {"set_header_route": {"name": "qa", "matches": [{"path": "/"}]}},
            "cannot carry path exact '/' with router ingress_nginx",
        ),
        (_ingress, "ingress_nginx", {"set_mirror_route": {"name": "shadow", "percent": 5}}, "cannot mirror 5 percent"),
    ],
)
def test_what_a_router_cannot_do_is_refused_before_the_start(app: Application, manifest: Any, router: str, step: Any, message: str) -> None:
    app.make(manifest(app))
    plan = app.plan("yellow", [{"set_weight": 5}, step], routers=[{"type": router, "name": app.name}])
    if router == "gateway_api":
        until("it is seen", lambda: app.get("HTTPRoute", app.name).get("status", {}).get("parents"))
    before = app.snapshot()
    result = app.module("rollout_step", plan)
    assert result["failed"] and "canary.steps[1]" in result["msg"] and message in result["msg"], result["msg"]
    assert app.snapshot() == before
