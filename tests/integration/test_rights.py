"""The Role that rollout_preflight returns, on the real API server: enough for a rollout's whole life, and no rule of it too much."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.auth import connect
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import StreamRefused
from ansible_collections.progressive.delivery.tests.harness.application import Application, until
from ansible_collections.progressive.delivery.tests.harness.styles import STYLES
from ansible_collections.progressive.delivery.tests.harness.users import user

Object = dict[str, Any]

STEPS: list[Any] = [{"set_weight": 20}, {"pause": {}}, {"set_weight": 60}]


def _nothing(_app: Application) -> None:
    """The seed is as it is needed."""


def _with_a_route(app: Application) -> None:
    namespace, _slash, gateway = os.environ["SHARED_GATEWAY_TRAEFIK"].partition("/")
    parent = {"name": gateway, "namespace": namespace, "sectionName": "http"}
    rules = [{"backendRefs": [{"name": app.name, "port": 80}]}]
    spec = {"parentRefs": [parent], "hostnames": [app.host], "rules": rules}
    app.make({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": app.name}, "spec": spec})


def _with_an_ingress(app: Application) -> None:
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": app.name, "port": {"number": 80}}}}
    spec = {"ingressClassName": "nginx", "rules": [{"host": app.host, "http": {"paths": [path]}}]}
    app.make({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": app.name}, "spec": spec})


def _with_others(app: Application) -> None:
    """A bystander and an autoscaler, which are named in the Role."""
    service = app.get("Service")
    app.make({**service, "metadata": {"name": "other"}, "spec": {key: service["spec"][key] for key in ("selector", "ports")}})
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": app.name}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 5}
    app.make({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "scaler"}, "spec": spec})


_BLUEGREEN = {"auto_promotion": False, "scale_down_delay": "1s", "abort_scale_down_delay": "1s"}
CASES: dict[str, tuple[Object, Callable[[Application], None]]] = {
    "clone, istio": ({}, _with_others),
    "revisions, gateway_api": (
        {
            "workload": {"name": "rollouts-demo", "style": "revisions"},
            "routers": [{"type": "gateway_api", "name": "rollouts-demo"}],
            "canary": {"steps": STEPS, "scale_down_delay": "1s", "abort_scale_down_delay": "1s"},
        },
        _with_a_route,
    ),
    "in place, StatefulSet": (STYLES["StatefulSet"][0], STYLES["StatefulSet"][1]),
    "blue-green": (
        {
            "bluegreen": _BLUEGREEN,
            "canary": None,
            "routers": None,
            "services": {"active": "rollouts-demo", "preview": "rollouts-demo-preview"},
        },
        _nothing,
    ),
    "ingress_nginx": ({"routers": [{"type": "ingress_nginx", "name": "rollouts-demo"}]}, _with_an_ingress),
}


# What the preflight does not ask for: a release warns of Events (tests/integration/test_every_write.py), and lists VirtualServices only
# where a DestinationRule is.
UNASKED = [("events", ["create"]), ("virtualservices", ["list"])]
EACH_TIME = ("clone, istio", "revisions, gateway_api")


@pytest.fixture
def plan(app: Application, case: str) -> Object:
    """The options of rollout_step, of a case whose application is prepared."""
    options, prepare = CASES[case]
    prepare(app)
    return {key: value for key, value in {**app.plan(steps=STEPS), **options}.items() if value is not None}


def _role(app: Application, plan: Object, **more: Any) -> Object:
    result = app.module("rollout_preflight_info", {**plan, **more})
    assert not result.get("failed") and result["ok"], result
    return dict(result["role"])


def _fine(result: Object, phase: str | None) -> None:
    assert (result.get("failed"), result.get("phase")) == (None, phase), result
    denied = [each for each in result.get("warnings") or [] if "does not allow" in each or "not allowed" in each]
    assert not denied


@pytest.mark.parametrize("case", [pytest.param(each, marks=[] if each in EACH_TIME else [pytest.mark.full]) for each in CASES])
@pytest.mark.usefixtures("case")
def test_the_role_is_enough(app: Application, plan: Object) -> None:
    role = _role(app, plan)
    assert role["metadata"] == {"name": f"progressive-delivery-{app.name}", "namespace": app.namespace}
    app.kubeconfig = user(app, role["rules"])
    assert _role(app, plan) == role

    def call(**options: Any) -> Object:
        return dict(app.module("rollout_step", {"name": app.name, **options}))

    def release(image: str) -> None:
        _fine(call(**{**plan, "revision": {"images": {app.name: f"argoproj/rollouts-demo:{image}"}}}), "Paused")

    release("yellow")
    _fine(call(promote={"full": True}, until="end"), "Healthy")
    release("green")
    info = app.module("rollout_info", {"name": app.name})["rollouts"][0]
    assert not info["problems"], info["problems"]
    _fine(call(state="aborted"), "Aborted")
    result = call(state="absent")
    assert not result.get("failed"), result


@pytest.mark.parametrize("case", [pytest.param(each, marks=[pytest.mark.full] if number else []) for number, each in enumerate(CASES)])
@pytest.mark.usefixtures("case")
def test_no_rule_is_too_much(app: Application, plan: Object) -> None:
    """Without any one of them the preflight names what is lacking, or the release warns of it, or cannot change what it must."""
    rules = _role(app, plan)["rules"]
    for number, rule in enumerate(rules):
        kubeconfig = user(app, rules[:number] + rules[number + 1 :])
        result = app.module("rollout_preflight_info", {**plan, "kubeconfig": kubeconfig})
        said = " ".join(f"{each['object']} {each['problem']}" for each in result["findings"])
        plural = rule["resources"][0]
        if (plural, rule["verbs"]) in UNASKED:
            continue
        assert f"{rule['verbs'][0]} {plural}" in said or f"not allowed to {rule['verbs'][0]} " in said, (rule, said)


def test_a_list_and_a_watch_of_one_object_are_allowed_by_its_name(still_app: Application) -> None:
    """And nothing but these: what the Role's rules with resourceNames for list and watch rest on."""
    about = {"apiGroups": ["apps"], "resources": ["deployments"]}
    kubeconfig = user(still_app, [{**about, "resourceNames": [still_app.name], "verbs": ["list", "watch", "create"]}])
    path = f"/apis/apps/v1/namespaces/{still_app.namespace}/deployments"
    with closing(connect({"kubeconfig": kubeconfig})) as transport:

        def listed(**query: str) -> int:
            return transport.request("GET", path, query).status

        def watched(**query: str) -> int:
            try:
                list(transport.stream(path, {"watch": "1", "timeoutSeconds": "1", **query}, 3.0))
            except StreamRefused as refused:
                return refused.response.status
            return 200

        one = {"fieldSelector": f"metadata.name={still_app.name}"}
        until("the right has arrived", lambda: listed(**one) == 200)
        for ask in (listed, watched):
            assert (ask(**one), ask(**one, limit="500")) == (200, 200)
            assert {ask(), ask(fieldSelector="metadata.name=other"), ask(labelSelector="app=x")} == {403}
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": still_app.name}, "spec": {}}
        assert transport.request("POST", path, None, body).status == 403, "to create needs a rule without names"
