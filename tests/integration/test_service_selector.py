"""service_selector against the real API server, EndpointSlices and all."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application

SERVICE = "rollouts-demo"


def _hash(app: Application) -> str:
    return str(app.request("GET", "ReplicaSet")["items"][0]["metadata"]["labels"]["pod-template-hash"])


@pytest.mark.parametrize("merge", [True, False])
def test_check_run_check_run_and_back(app: Application, merge: bool) -> None:
    before = app.snapshot()
    wanted: dict[str, Any] = {"name": SERVICE, "selector": {"pod-template-hash": _hash(app)}, "merge": merge}
    selector = {**({"app": "rollouts-demo"} if merge else {}), **wanted["selector"]}
    preview = app.module("service_selector", wanted, check=True)
    assert preview["changed"] and preview["selector"] == selector and app.snapshot() == before
    real = app.module("service_selector", wanted)
    assert real["changed"] and real["previous_selector"] == {"app": "rollouts-demo"}
    assert real["endpoints"] == {"ready": 1, "total": 1} and app.get("Service")["spec"]["selector"] == selector
    for check in (True, False):
        assert not app.module("service_selector", wanted, check=check)["changed"]
    assert app.module("service_selector", {"name": SERVICE, "state": "absent"})["changed"]
    assert app.snapshot() == before
    assert not app.module("service_selector", {"name": SERVICE, "state": "absent"})["changed"]


def test_null_takes_a_key_away_and_absent_brings_it_back(app: Application) -> None:
    app.module("service_selector", {"name": SERVICE, "selector": {"pod-template-hash": _hash(app), "app": None}})
    assert app.get("Service")["spec"]["selector"] == {"pod-template-hash": _hash(app)}
    app.module("service_selector", {"name": SERVICE, "state": "absent"})
    assert app.get("Service")["spec"]["selector"] == {"app": "rollouts-demo"}


BAD_INPUT: list[tuple[str, dict[str, Any], str]] = [
    (
        "no pod matches",
        {"selector": {"version": "none"}},
        "0 ready pods match app=rollouts-demo,version=none, 1 are needed (no pod matches)",
    ),
    (
        "too few pods",
        {"selector": {"istio-injection": "enabled"}, "min_ready": 2},
        "1 ready pods match app=rollouts-demo,istio-injection=enabled, 2 are needed",
    ),
    ("no such Service", {"name": "nope", "selector": {"a": "b"}}, "Service {ns}/nope does not exist"),
    ("no selector", {}, "selector is missing or empty"),
    ("no key left", {"selector": {"app": None}}, "Service {ns}/rollouts-demo would have no selector any more"),
    ("what YAML made a number of", {"selector": {"version": 1.10}}, "selector.version must be a string, not 1.1"),
    ("no name", {"name": "Shop", "selector": {"a": "b"}}, "name must be a Kubernetes name, not 'Shop': use at most 63 lower-case letters"),
    ("less than nothing", {"selector": {"a": "b"}, "min_ready": -1}, "min_ready must be 0 or more, not -1: correct it"),
]


@pytest.mark.parametrize(("options", "message"), [case[1:] for case in BAD_INPUT], ids=[case[0] for case in BAD_INPUT])
def test_bad_input_is_one_clear_line_and_writes_nothing(still_app: Application, options: dict[str, Any], message: str) -> None:
    before = still_app.snapshot()
    result = still_app.module("service_selector", {"name": SERVICE, "selector": None, **options})
    assert result["failed"] and message.format(ns=still_app.namespace) in result["msg"] and "\n" not in result["msg"]
    assert still_app.snapshot() == before


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"type": "ExternalName", "externalName": "example.org"}, "is of type ExternalName and has no pods"),
        ({"ports": [{"port": 80}]}, "has no selector, so another client manages its endpoints"),
    ],
)
def test_services_without_pods_are_refused(app: Application, spec: dict[str, Any], message: str) -> None:
    app.request("POST", "Service", body={"apiVersion": "v1", "kind": "Service", "metadata": {"name": "other"}, "spec": spec})
    before = app.snapshot()
    assert f"Service {app.namespace}/other {message}" in app.module("service_selector", {"name": "other", "selector": {"a": "b"}})["msg"]
    assert app.snapshot() == before


def test_a_headless_service_may_have_no_ports(app: Application) -> None:
    spec = {"clusterIP": "None", "selector": {"app": "rollouts-demo"}}
    app.request("POST", "Service", body={"apiVersion": "v1", "kind": "Service", "metadata": {"name": "peers"}, "spec": spec})
    before = app.snapshot()
    pinned = app.module("service_selector", {"name": "peers", "selector": {"pod-template-hash": _hash(app)}})
    assert pinned["changed"] and pinned["endpoints"] == {"ready": 1, "total": 1}
    assert app.module("service_selector", {"name": "peers", "state": "absent"})["endpoints"] == {"ready": 1, "total": 1}
    assert app.snapshot() == before


def test_drift_is_told_and_handled_as_asked(app: Application) -> None:
    own = {"pod-template-hash": _hash(app)}
    wanted = {"name": SERVICE, "selector": own}
    app.module("service_selector", wanted)
    app.patch("Service", SERVICE, {"spec": {"selector": {"pod-template-hash": None, "team": "shop"}}})
    before = app.snapshot()
    told = app.module("service_selector", wanted)
    assert told["failed"] and "spec.selector.pod-template-hash is absent" in told["msg"] and app.snapshot() == before
    repaired = app.module("service_selector", {**wanted, "selector": {**own, "team": None}, "on_drift": "repair"})
    assert repaired["drift"] and repaired["selector"] == {"app": "rollouts-demo", **own}


def test_a_renamed_port_is_not_taken_for_ready(app: Application) -> None:
    """The pods are ready, but the Service's named port leads nowhere: endpoints without ports, and every request a 503."""
    app.patch("Service", SERVICE, {"spec": {"ports": [{"name": "http", "port": 80, "targetPort": "renamed"}]}})
    result = app.module("service_selector", {"name": SERVICE, "selector": {"pod-template-hash": _hash(app)}, "wait_timeout": "2s"})
    assert result["failed"] and "0 of 1 ready pods stand in its EndpointSlices with all ports" in result["msg"]
