"""Whole releases over routers other than Istio, under live traffic: nothing is lost, and the router ends as it began."""

from __future__ import annotations

import os
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application, until
from ansible_collections.progressive.delivery.tests.harness.load import Load

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


def _http_route(app: Application) -> dict[str, Any]:
    namespace, _slash, gateway = os.environ["SHARED_GATEWAY_TRAEFIK"].partition("/")
    parent = {"name": gateway, "namespace": namespace, "sectionName": "http"}
    rules = [{"backendRefs": [{"name": app.name, "port": 80}]}]
    spec = {"parentRefs": [parent], "hostnames": [app.host], "rules": rules}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": app.name}, "spec": spec}


ROUTERS = [
    pytest.param(_ingress, "ingress_nginx", "GATEWAY_NGINX", id="ingress_nginx"),
    pytest.param(_http_route, "gateway_api", "GATEWAY_TRAEFIK", id="gateway_api"),
]


@pytest.mark.parametrize(("manifest", "router", "gateway"), ROUTERS)
def test_a_release_and_an_abort(app: Application, manifest: Any, router: str, gateway: str) -> None:
    app.make(manifest(app))
    url = f"http://{os.environ[gateway]}/"

    def load(**bounds: Any) -> Load:
        return Load(url, host_header=app.host, rate=RATE, connections=200, **bounds)

    def served() -> bool:
        results = load(max_requests=20).start().wait()
        return not results.failures and set(results.versions) == {"blue"}

    until(f"blue answers through {gateway}", served)
    kind = manifest(app)["kind"]
    before = app.snapshot("Service", kind)
    plan = {"routers": [{"type": router, "name": app.name}], "grace": GRACE, "until": "end"}
    with load(duration=600) as traffic:
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
