"""Each version keeps the ConfigMaps and Secrets that it was released with, by the rights of the shipped Roles."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application, until
from ansible_collections.progressive.delivery.tests.harness.users import shipped_rules, user

PAUSED = [{"set_weight": 50}, {"pause": {}}]
COPY = "progressive.delivery/copy-of"


def configure(app: Application, value: str) -> None:
    """What users do: the objects are changed, the workload is not."""
    app.patch("ConfigMap", "app", {"data": {"value": value}})
    app.patch("Secret", "key", {"stringData": {"value": f"secret {value}"}})


def named(spec: Any) -> tuple[str, str]:
    container = spec["containers"][0]
    return container["envFrom"][0]["configMapRef"]["name"], container["env"][0]["valueFrom"]["secretKeyRef"]["name"]


def named_by(app: Application, name: str = "") -> tuple[str, str]:
    return named(app.get("Deployment", name)["spec"]["template"]["spec"])


def named_by_pods(app: Application) -> set[tuple[str, str]]:
    return {named(pod["spec"]) for pod in app.request("GET", "Pod")["items"] if not pod["metadata"].get("deletionTimestamp")}


def copies(app: Application) -> set[str]:
    """Of the ConfigMap and of the Secret."""
    found = [each for kind in ("ConfigMap", "Secret") for each in app.request("GET", kind)["items"]]
    return {each["metadata"]["name"] for each in found if COPY in (each["metadata"].get("annotations") or {})}


@pytest.fixture
def configured(app: Application) -> Application:
    """The seed, whose pods read a ConfigMap and a Secret."""
    app.make({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}, "data": {"value": "one"}})
    app.make({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key"}, "stringData": {"value": "secret one"}})
    [container] = app.get("Deployment")["spec"]["template"]["spec"]["containers"]
    secret = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "key", "key": "value"}}}
    reads = {**container, "envFrom": [{"configMapRef": {"name": "app"}}], "env": [secret]}
    app.patch("Deployment", app.name, {"spec": {"template": {"spec": {"containers": [reads]}}}})
    app.wait_for_pods(app.get("Deployment")["spec"]["replicas"])
    app.kubeconfig = user(app, [*shipped_rules(), *shipped_rules("rbac-track-configs.yml")])
    return app


def step(app: Application, phase: str, **options: Any) -> dict[str, Any]:
    result = app.module("rollout_step", {"name": app.name, **options}, diff=True)
    assert result.get("phase") == phase, result["msg"]
    assert "secret" not in json.dumps(result["diff"]).replace("secretKeyRef", "") and "c2VjcmV0" not in json.dumps(result["diff"])
    return result


def released(app: Application, **more: Any) -> dict[str, Any]:
    return app.plan("yellow", PAUSED, track_configs=True, grace=0, **more)


def refused(app: Application, said: str, found: str, **options: Any) -> None:
    """Preflight finds that, too."""
    said = said.format(app.namespace)
    plan = {**released(app), **options}
    result = app.module("rollout_step", plan)
    assert result["failed"] and not result["safe_to_abort"] and said in result["msg"] and "\n" not in result["msg"], result
    seen = app.module("rollout_preflight_info", plan)["findings"][0]
    assert seen["severity"] == "fatal" and found in seen["problem"], seen


def test_each_version_keeps_its_own(configured: Application) -> None:
    app = configured
    before = app.snapshot()
    gone = {"template": {"spec": {"volumes": [{"name": "gone", "configMap": {"name": "gone"}}]}}}
    refused(app, "not allowed to get secrets", "does not allow get secrets, create secrets", kubeconfig=user(app, shipped_rules()))
    refused(app, "ConfigMap {}/gone does not exist, and the new version", "does not exist", revision=gone)
    assert app.snapshot() == before
    step(app, "Healthy", **{**released(app), "canary": {}})
    first = named_by(app)
    assert first[0].startswith("app-") and first[1].startswith("key-") and copies(app) == set(first)
    assert not step(app, "Healthy", **released(app))["changed"]

    configure(app, "two")
    preview = app.module("rollout_step", released(app), check=True)["actions"][0]
    assert preview.startswith("copy ConfigMap app as app-") and "Secret key as key-" in preview
    step(app, "Paused", **released(app))
    second = named_by(app, f"{app.name}-canary")
    assert not set(first) & set(second) and copies(app) == {*first, *second}
    assert app.get("ConfigMap", second[0])["data"] == {"value": "two"} and app.get("Secret", second[1])["immutable"]
    app.request("DELETE", "Pod", next(pod["metadata"]["name"] for pod in app.request("GET", "Pod")["items"] if named(pod["spec"]) == first))
    app.wait_for_pods(app.get("Deployment")["spec"]["replicas"])
    assert named_by(app) == first and named_by_pods(app) == {first, second}
    step(app, "Healthy", promote={})
    assert named_by(app) == second and copies(app) == {*first, *second}
    record = app.get("ConfigMap", f"{app.name}.rollout")["data"]["record"]
    assert "two" not in record and "c2VjcmV0" not in record

    step(app, "Healthy", state="absent")
    until("the pods are its own", lambda: named_by_pods(app) == {second})
    assert copies(app) == set(second)
    after = {name: obj for name, obj in app.snapshot().items() if name not in (f"ConfigMap/{second[0]}", "ConfigMap/app")}
    for each in (before, after):
        each.pop(f"Deployment/{app.name}")
        each.pop("ConfigMap/app", None)
    assert after == before


@pytest.mark.full
def test_the_ways_back(configured: Application) -> None:
    app, versions = configured, []
    for value in ("two", "three"):
        configure(app, value)
        step(app, "Healthy", **{**released(app), "canary": {}})
        versions.append(named_by(app))
    first, second = versions
    configure(app, "four")
    step(app, "Paused", **released(app))
    assert len(copies(app)) == 6
    step(app, "Aborted", state="aborted")
    assert named_by(app) == second and copies(app) == {*first, *second}
    step(app, "Paused", undo="previous")
    step(app, "Healthy", promote={})
    assert named_by(app) == first and copies(app) == {*first, *second}
    step(app, "Healthy", state="absent")
    assert named_by_pods(app) == {first} and copies(app) == set(first)
