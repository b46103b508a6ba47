"""docs/admission.yml on the real API server: the operator works as before, others write everything but what the collection believes."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
import yaml
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.auth import connect
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Transport
from ansible_collections.progressive.delivery.tests.harness.application import ROOT, Application, application, until
from ansible_collections.progressive.delivery.tests.harness.namespace import NAMESPACES
from ansible_collections.progressive.delivery.tests.harness.users import shipped_rules, user

Object = dict[str, Any]

NAME = "rollouts-demo"
MERGE_PATCH = "application/merge-patch+json"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
PLURALS = {
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}
EDIT = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
MARK = "progressive.delivery/original"


def shipped() -> list[Object]:
    return list(yaml.safe_load((ROOT / "docs" / "admission.yml").read_text())["items"])


def username(kubeconfig: str) -> str:
    """As the API server calls the user."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    with closing(connect({"kubeconfig": kubeconfig})) as transport:
        answer = transport.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", None, review)
    return str(answer.body["status"]["userInfo"]["username"])


@contextmanager
def protected(app: Application, operator: str) -> Iterator[None]:
    """The policy for just this namespace, with this operator; it goes at the end."""
    name = f"progressive-delivery-{app.namespace}"
    made: list[str] = []
    try:
        for item in copy.deepcopy(shipped()):
            item["metadata"]["name"] = name
            if item["kind"] == "ValidatingAdmissionPolicy":
                [operators] = [each for each in item["spec"]["variables"] if each["name"] == "operators"]
                operators["expression"] = json.dumps([operator])
            else:
                item["spec"]["policyName"] = name
                item["spec"]["matchResources"]["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] = app.namespace
            path = f"{ADMISSION}/{PLURALS[item['kind']]}"
            answer = app.transport.request("POST", path, None, item)
            assert answer.status == 201, answer.body
            made.append(f"{path}/{name}")
        label = {"metadata": {"labels": {"progressive.delivery/protected": "true"}}}
        assert app.transport.request("PATCH", f"{NAMESPACES}/{app.namespace}", None, label, MERGE_PATCH).status == 200
        yield
    finally:
        for path in reversed(made):
            app.transport.request("DELETE", path)


class Place:
    """An application under the policy, its operator, and another user who may do everything in the namespace that RBAC knows."""

    def __init__(self, app: Application, operator: str, other: Transport) -> None:
        self.app, self.operator, self.other = app, operator, other

    def write(self, method: str, kind: str, name: str = "", body: Any = None, **query: str) -> tuple[int, str]:
        """What the other user gets for it."""
        content_type = MERGE_PATCH if method == "PATCH" else "application/json"
        path = self.app.path(kind, name) if name else self.app.path(kind, "x").removesuffix("/x")
        answer = self.other.request(method, path, query or None, body, content_type)
        return answer.status, str(answer.body.get("message", "")) if isinstance(answer.body, dict) else ""

    def call(self, **options: Any) -> Object:
        return self.app.module("rollout_step", {"name": NAME, "kubeconfig": self.operator, **options})


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """Paused in the middle of a release that the operator began."""
    with application(os.environ["KUBECONFIG"]) as app:
        operator, other = user(app, shipped_rules()), user(app, EDIT)
        app.versions.update({"Ingress": "networking.k8s.io/v1", "HTTPRoute": "gateway.networking.k8s.io/v1"})
        app.versions.update({"DestinationRule": "networking.istio.io/v1beta1", "Lease": "coordination.k8s.io/v1"})
        app.versions.update({"StatefulSet": "apps/v1", "DaemonSet": "apps/v1", "TraefikService": "traefik.io/v1alpha1"})
        app.versions.update({"PodDisruptionBudget": "policy/v1", "HorizontalPodAutoscaler": "autoscaling/v2", "Secret": "v1"})
        with protected(app, username(operator)), closing(connect({"kubeconfig": other})) as transport:
            made = Place(app, operator, transport)
            body = manifest("ConfigMap", "other.rollout")
            until("the policy is in force", lambda: made.write("POST", "ConfigMap", body=body, dryRun="All")[0] == 403)
            # VirtualService, Services, the record and the Lease are marked or there from now on.
            result = made.call(**app.plan(steps=[{"set_weight": 20}, {"pause": {}}]))
            assert (result.get("failed"), result["phase"]) == (None, "Paused"), result
            yield made


def manifest(kind: str, name: str, marked: str = "", **content: Any) -> Object:
    versions = {
        "ConfigMap": "v1",
        "Secret": "v1",
        "Service": "v1",
        "Deployment": "apps/v1",
        "StatefulSet": "apps/v1",
        "DaemonSet": "apps/v1",
        "Ingress": "networking.k8s.io/v1",
        "HTTPRoute": "gateway.networking.k8s.io/v1",
        "VirtualService": "networking.istio.io/v1beta1",
        "DestinationRule": "networking.istio.io/v1beta1",
        "TraefikService": "traefik.io/v1alpha1",
        "PodDisruptionBudget": "policy/v1",
        "HorizontalPodAutoscaler": "autoscaling/v2",
        "Lease": "coordination.k8s.io/v1",
    }
    annotations = {MARK: "{}"} if marked == "annotation" else {}
    labels = {"progressive.delivery/rollout": NAME} if marked == "label" else {}
    return {"apiVersion": versions[kind], "kind": kind, "metadata": {"name": name, "annotations": annotations, "labels": labels}, **content}


POD: Object = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "x", "image": "x"}]}}
SELECTED = {"selector": {"matchLabels": {"app": "x"}}, "template": POD}
BACKEND = {"service": {"name": NAME, "port": {"number": 80}}}
SPECS: dict[str, Object] = {
    "ConfigMap": {"data": {"a": "1"}},
    "Secret": {"stringData": {"a": "1"}},
    "Service": {"spec": {"ports": [{"port": 80}]}},
    "Deployment": {"spec": {**SELECTED, "replicas": 0}},
    "StatefulSet": {"spec": {**SELECTED, "replicas": 0, "serviceName": "x"}},
    "DaemonSet": {"spec": {**SELECTED, "template": {**POD, "spec": {**POD["spec"], "nodeSelector": {"no": "node"}}}}},
    "Ingress": {"spec": {"defaultBackend": BACKEND}},
    "HTTPRoute": {"spec": {"rules": [{"backendRefs": [{"name": NAME, "port": 80}]}]}},
    "VirtualService": {"spec": {"hosts": ["x.y"], "http": [{"route": [{"destination": {"host": NAME}}]}]}},
    "DestinationRule": {"spec": {"host": NAME}},
    "TraefikService": {"spec": {"weighted": {"services": [{"name": NAME, "port": 80}]}}},
    "PodDisruptionBudget": {"spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "y"}}}},
    "HorizontalPodAutoscaler": {
        "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}, "maxReplicas": 2},
    },
}
FORGED = json.dumps({"fields": []})


def marks(value: Any, key: str = MARK, of: str = "annotations") -> Object:
    return {"metadata": {of: {key: value}}}


REFUSED: list[Any] = [
    # method, kind, name, body
    ("POST", "ConfigMap", "", manifest("ConfigMap", "forged.rollout", data={"record": "{}"})),
    ("PATCH", "ConfigMap", f"{NAME}.rollout", {"data": {"record": "{}"}}),
    ("DELETE", "ConfigMap", f"{NAME}.rollout", None),
    ("DELETE", "ConfigMap", "", None),  # all of them
    ("POST", "Lease", "", manifest("Lease", "forged.rollout")),
    ("PATCH", "Lease", f"{NAME}.rollout", {"spec": {"renewTime": "2099-12-31T23:59:59.000000Z"}}),
    ("DELETE", "Lease", f"{NAME}.rollout", None),
    ("PATCH", "Service", NAME, marks(FORGED)),
    ("PATCH", "Service", NAME, marks(None)),
    ("PATCH", "Service", NAME, {"metadata": {"annotations": None}}),
    ("PATCH", "Service", NAME, marks("x", "progressive.delivery/bluegreen")),
    ("PATCH", "Service", NAME, marks(NAME, "progressive.delivery/rollout", "labels")),
    ("PATCH", "Service", NAME, marks("progressive.delivery", "app.kubernetes.io/managed-by", "labels")),
    ("PATCH", "VirtualService", NAME, marks(FORGED)),
    ("PATCH", "VirtualService", NAME, marks(None)),
    ("PATCH", "Deployment", NAME, marks("x", "progressive.delivery/switch", "labels")),
    ("PATCH", "Deployment", f"{NAME}-canary", marks(None, "progressive.delivery/rollout", "labels")),
    ("PATCH", "Deployment", f"{NAME}-canary", marks("mine", "app.kubernetes.io/managed-by", "labels")),
    *(("POST", kind, "", manifest(kind, "forged", how, **content)) for kind, content in SPECS.items() for how in ("annotation", "label")),
]


@pytest.mark.parametrize(
    ("method", "kind", "name", "body"), [pytest.param(*each, id=f"{number} {each[0]} {each[1]}") for number, each in enumerate(REFUSED)]
)
def test_others_may_not_write_what_the_collection_believes(place: Place, method: str, kind: str, name: str, body: Any) -> None:
    status, said = place.write(method, kind, name, body)
    assert status == 403 and "progressive.delivery, and user-" in said and "is not one of the operators who may" in said, (status, said)


ALLOWED: list[Any] = [
    ("PATCH", "Deployment", NAME, {"spec": {"replicas": 2}}),
    ("PATCH", "Deployment", NAME, {"spec": {"revisionHistoryLimit": 7}}),
    ("PATCH", "Deployment", f"{NAME}-canary", {"metadata": {"annotations": {"note": "x"}}}),
    ("PATCH", "Service", NAME, {"metadata": {"annotations": {"note": "x"}, "labels": {"team": "x"}}}),
    ("PATCH", "Service", f"{NAME}-canary", {"spec": {"internalTrafficPolicy": "Cluster"}}),
    ("PATCH", "VirtualService", NAME, {"metadata": {"labels": {"team": "x"}}}),
    ("PATCH", "VirtualService", NAME, {"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"}}}),
    ("POST", "Lease", "", manifest("Lease", "leader-of-theirs")),
    ("PATCH", "Lease", "leader-of-theirs", {"spec": {"holderIdentity": "x"}}),
    ("DELETE", "Lease", "leader-of-theirs", None),
    *(("POST", kind, "", manifest(kind, "theirs", **content)) for kind, content in SPECS.items()),
    ("PATCH", "ConfigMap", "theirs", {"data": {"a": "2"}}),
    ("PATCH", "ConfigMap", "theirs", marks("false", "progressive.delivery/track")),
    ("PATCH", "Secret", "theirs", marks("false", "progressive.delivery/track")),
    ("PATCH", "Deployment", "theirs", {"spec": {"template": {"spec": {"containers": [{"name": "x", "image": "y"}]}}}}),
    *(("DELETE", kind, "theirs", None) for kind in SPECS),
]


def test_others_may_write_everything_else(place: Place) -> None:
    for method, kind, name, body in ALLOWED:
        status, said = place.write(method, kind, name, body)
        assert status in (200, 201, 202), (method, kind, name, status, said)
    place.app.patch("Deployment", NAME, {"spec": {"replicas": 1}})


def test_the_operator_goes_on_to_the_hand_back(place: Place) -> None:
    """Controllers of Kubernetes, which copy labels to ReplicaSets, pods and EndpointSlices, work as before."""
    place.app.wait_for_pods(1)
    assert place.call(state="aborted")["phase"] == "Aborted"
    result = place.call(**place.app.plan("green"), until="end")
    assert (result.get("failed"), result["phase"]) == (None, "Healthy"), result
    assert set(place.app.ask(20)) == {"green"}
    result = place.call(state="absent")
    assert not result.get("failed"), result
    assert f"{NAME}.rollout" not in [*place.app.names("ConfigMap"), *place.app.names("Lease")]


def test_a_caller_who_is_no_operator_is_told_so(place: Place) -> None:
    """Before anything is written to the application."""
    before = place.app.snapshot()
    kubeconfig = user(place.app, shipped_rules())
    result = place.app.module("rollout_step", {**place.app.plan("red"), "kubeconfig": kubeconfig})
    assert result["failed"] and not result["safe_to_abort"] and "is not one of the operators who may write it" in result["msg"], result
    assert place.app.snapshot() == before


def test_a_namespace_with_records_can_go(app: Application) -> None:
    operator = user(app, [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}])
    with protected(app, username(operator)), closing(connect({"kubeconfig": operator})) as transport:
        body, path = manifest("ConfigMap", "shop.rollout"), app.path("ConfigMap", "x").removesuffix("/x")
        until("the policy is in force", lambda: app.transport.request("POST", path, {"dryRun": "All"}, body).status == 403)
        until("the operator has the right", lambda: transport.request("POST", path, None, body).status == 201)
        assert app.transport.request("DELETE", app.path("ConfigMap", "shop.rollout")).status == 403
        app.transport.request("DELETE", f"{NAMESPACES}/{app.namespace}")
        until("the namespace is gone", lambda: app.transport.request("GET", f"{NAMESPACES}/{app.namespace}").status == 404)
