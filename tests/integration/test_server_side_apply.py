"""A pipeline applies the application server-side and without force: it gets a conflict during a rollout, and none after its end."""

from __future__ import annotations

import copy
import os
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness import objects
from ansible_collections.progressive.delivery.tests.harness.application import Application
from ansible_collections.progressive.delivery.tests.harness.calls import until
from ansible_collections.progressive.delivery.tests.harness.namespace import Namespace

Object = dict[str, Any]

NAME = "rollouts-demo"
APPLY = "application/apply-patch+yaml"


class Pipeline:
    """Has manifests of its own and applies them; its objects are made by it alone."""

    def __init__(self, place: Namespace, manifests: list[Object]) -> None:
        self.place, self.manifests = place, manifests
        for manifest in manifests:
            self.place.versions[manifest["kind"]] = manifest["apiVersion"]
            response = self._apply(manifest, force="true")
            assert response.status < 300, response.body
            own = [each for each in response.body["metadata"]["managedFields"] if each["manager"] == "ci"]
            self.place.patch(manifest["kind"], manifest["metadata"]["name"], {"metadata": {"managedFields": own}})

    def _apply(self, manifest: Object, **query: str) -> Any:
        path = self.place.path(manifest["kind"], manifest["metadata"]["name"])
        return self.place.transport.request("PATCH", path, {"fieldManager": "ci", **query}, manifest, APPLY)

    def conflicts(self, *changes: tuple[str, str, Any]) -> list[str]:
        """Objects that it cannot apply as they were first, or with these changes (kind and name, path, value). Nothing is kept."""
        found = []
        for manifest in self.manifests:
            key = f"{manifest['kind']}/{manifest['metadata']['name']}"
            changed = [_with(manifest, path, value) for of, path, value in changes if of == key]
            assert changed or not changes or key.startswith("Service"), key
            for wanted in (manifest, *changed):
                response = self._apply(wanted, dryRun="All")
                assert response.status in (200, 409), response.body
                found += [key] if response.status == 409 else []
        return sorted(set(found))

    def ours(self) -> list[str]:
        """Objects of which progressive.delivery owns fields."""
        found = [self.place.get(each["kind"], each["metadata"]["name"]) for each in self.manifests]
        return [
            each["kind"] for each in found if "progressive.delivery" in [entry["manager"] for entry in each["metadata"]["managedFields"]]
        ]


def _with(manifest: Object, path: str, value: Any) -> Object:
    changed = copy.deepcopy(manifest)
    at: Any = changed
    *steps, last = path.split(".")
    for step in steps:
        at = at[int(step)] if step.isdigit() else at[step]
    at[int(last) if last.isdigit() else last] = value
    return changed


def manifest_of(app: Namespace, kind: str, name: str, *keys: str) -> Object:
    """As a repository has it, with these keys of the spec."""
    live = app.get(kind, name)
    spec = {key: live["spec"][key] for key in keys}
    return {"apiVersion": app.versions[kind], "kind": kind, "metadata": {"name": name}, "spec": spec}


IMAGE = "spec.template.spec.containers.0.image"
CHANGES = [
    (f"Deployment/{NAME}", IMAGE, "argoproj/rollouts-demo:green"),
    (f"Service/{NAME}", "spec.selector", {"app": NAME, "tier": "web"}),
    (f"VirtualService/{NAME}", "spec.http", [{"name": "primary", "route": [{"destination": {"host": NAME}}]}]),
]


def pipeline_of(app: Application) -> Pipeline:
    container = {key: app.get("Deployment")["spec"]["template"]["spec"]["containers"][0][key] for key in ("name", "image", "ports")}
    deployment = manifest_of(app, "Deployment", NAME, "selector", "template")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    deployment["spec"]["template"] = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    service = manifest_of(app, "Service", NAME, "selector", "ports")
    return Pipeline(app, [deployment, service, manifest_of(app, "VirtualService", NAME, "hosts", "gateways", "http")])


@pytest.mark.parametrize("style", ["clone", "revisions"])
def test_a_release_and_the_hand_back(app: Application, style: str) -> None:
    pipeline = pipeline_of(app)
    plan = app.plan(steps=[{"set_weight": 50}, {"pause": {}}], workload={"name": NAME, "style": style}, grace=0)
    assert pipeline.conflicts(*CHANGES) == []
    seen = app.module("rollout_preflight_info", plan)
    told = [each["object"].split()[0] for each in seen["findings"] if "server-side apply by field manager 'ci'" in each["problem"]]
    assert told == ["Deployment", "Service", "VirtualService"]
    assert app.module("rollout_step", plan, diff=False)["phase"] == "Paused"
    assert {f"Service/{NAME}", f"VirtualService/{NAME}"} <= set(pipeline.conflicts(*CHANGES))
    done = app.module("rollout_step", {**plan, "promote": {"full": True}, "until": "end"})
    assert done["phase"] == "Healthy", done
    if style == "clone":
        assert (pipeline.conflicts(*CHANGES), pipeline.ours()) == ([], [])
    result = app.module("rollout_step", {"name": NAME, "state": "absent"})
    assert not result.get("failed") and not [each for each in result.get("warnings") or [] if "managedFields" in each], result
    assert (pipeline.conflicts(*CHANGES), pipeline.ours()) == ([], [])


def test_an_abort_and_a_hand_back_in_the_steps(app: Application) -> None:
    pipeline = pipeline_of(app)
    plan = app.plan(steps=[{"set_weight": 50}, {"pause": {}}], grace=0)
    for state in ("aborted", "absent"):
        assert app.module("rollout_step", {**plan, "retry": state == "absent"})["phase"] == "Paused"
        assert pipeline.ours() == ["Deployment", "Service", "VirtualService"]
        app.module("rollout_step", {"name": NAME, "state": state})
        assert (pipeline.conflicts(*CHANGES), pipeline.ours()) == ([], []), state


def _http_route(app: Application) -> list[Object]:
    [route] = [each for each in objects.gateway_api(app.host, {NAME: 100, f"{NAME}-canary": 0}) if each["kind"] == "HTTPRoute"]
    namespace, _slash, name = os.environ["SHARED_GATEWAY_TRAEFIK"].partition("/")
    route["spec"]["parentRefs"] = [{"name": name, "namespace": namespace, "sectionName": "http"}]
    return [route]


SINGLE: dict[str, Any] = {
    "Istio": (
        {"router": "istio", "name": NAME},
        lambda app: [manifest_of(app, "VirtualService", NAME, "hosts", "gateways", "http")],
        CHANGES[2],
    ),
    "HTTPRoute": (
        {"router": "gateway_api"},
        _http_route,
        ("HTTPRoute/{}", "spec.rules", [{"backendRefs": [{"name": NAME, "port": 80}]}]),
    ),
    "Ingress, made beside": (
        {"router": "ingress_nginx"},
        lambda app: objects.ingress_nginx(app.host, {NAME: 100}),
        ("Ingress/{}", "metadata.annotations", {"team": "shop"}),
    ),
}


@pytest.mark.parametrize("router", SINGLE)
def test_a_split(app: Application, router: str) -> None:
    options, make, (key, path, value) = SINGLE[router]
    pipeline = Pipeline(app, make(app))
    name = pipeline.manifests[0]["metadata"]["name"]
    change = (key.format(name), path, value)
    options = {"name": name, "stable_service": NAME, "canary_service": f"{NAME}-canary", "grace": 0, **options}
    before = app.snapshot()
    until("the split is made", lambda: not app.module("canary_weight", {**options, "weight": 20}).get("failed"))
    split = pipeline.conflicts(change)
    assert split == ([] if router.startswith("Ingress") else [change[0]])
    result = app.module("canary_weight", {**options, "state": "absent"})
    assert not result.get("failed"), result
    assert (pipeline.conflicts(change), pipeline.ours(), app.snapshot()) == ([], [], before)


def test_a_selector_and_a_switch(app: Application) -> None:
    pipeline = Pipeline(app, [manifest_of(app, "Service", NAME, "selector", "ports")])
    pods = {"pod-template-hash": app.request("GET", "ReplicaSet")["items"][0]["metadata"]["labels"]["pod-template-hash"]}
    app.module("service_selector", {"name": NAME, "selector": pods})
    assert pipeline.ours() == ["Service"] and pipeline.conflicts(CHANGES[1]) == [f"Service/{NAME}"]
    app.module("service_selector", {"name": NAME, "state": "absent"})
    assert (pipeline.conflicts(CHANGES[1]), pipeline.ours()) == ([], [])
