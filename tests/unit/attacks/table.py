"""Attacks by who may write what: how each changes the cluster, and which call of the operator's comes after it.

The application is paused at 20 % with another pause before 80 %. Beside it, in the same namespace, runs an application that is none of the
operator's business in these calls. A new attack is a line in ATTACKS.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._objects.edits import ANNOTATION
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import record as records
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import program_of
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.revisions import template_hash
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import (
    NAME,
    Case,
    Object,
    Stage,
    service,
    stage,
    virtual_service,
    workload,
)

OTHER, WORKER = "payments", "payments-worker"
EVIL = "registry.example/evil:1"
OLD_OTHER = "argoproj/rollouts-demo:green"
MERGE = "application/merge-patch+json"
STEPS: list[Any] = [{"set_weight": 20}, {"pause": {}}, {"set_weight": 50}, {"pause": {}}, {"set_weight": 80}]
_NAMESPACE = f"namespaces/{NAMESPACE}"
RECORD = f"/api/v1/{_NAMESPACE}/configmaps/{NAME}.rollout"
_UP = "../../../../../apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
CASE = Case(STEPS, (workload("Deployment", replicas=4), service(NAME), service(f"{NAME}-canary"), virtual_service()))


def _of_other(manifest: Object, name: str, replicas: int | None = None) -> Object:
    """The same object for the application that is none of this rollout."""
    copied: Object = json.loads(json.dumps(manifest).replace(NAME, name))
    if replicas is not None:
        copied["spec"]["replicas"] = replicas
    return copied


def neighbours() -> list[Object]:
    """The other application: with a Service, an autoscaler and a budget of its own, a Secret, and a worker that no Service leads to."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": OTHER}
    return [
        _of_other(workload("Deployment"), OTHER, 3),
        _of_other(workload("Deployment"), WORKER, 2),
        _of_other(service(NAME), OTHER),
        _of_other(virtual_service(canary=False), OTHER),
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": OTHER},
            "spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 9},
        },
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": OTHER},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": OTHER}}},
        },
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "payments-key"}, "data": {"key": "eA=="}},
    ]


def scene(case: Case = CASE, paused: bool = True) -> Stage:
    """Both applications; this one paused after its first step. Of the other one an old version is kept in a ReplicaSet."""
    place = stage(case, *neighbours())
    patch(place, f"/apis/apps/v1/{_NAMESPACE}/deployments/{OTHER}", _with_image(OTHER, OLD_OTHER))
    place.cluster.time.sleep(60)
    patch(place, f"/apis/apps/v1/{_NAMESPACE}/deployments/{OTHER}", _with_image(OTHER, "argoproj/rollouts-demo:blue"))
    place.cluster.time.sleep(60)
    if paused:
        place.call()
    return place


def _with_image(name: str, image: str) -> Object:
    return {"spec": {"template": {"spec": {"containers": [{"name": name, "image": image}]}}}}


def patch(place: Stage, path: str, body: Object) -> None:
    answer = place.cluster.server.request("PATCH", path, {}, body, MERGE)
    assert answer.status == 200, answer.body


def create(place: Stage, plural: str, manifest: Object, group: str = "/api/v1") -> None:
    answer = place.cluster.server.request("POST", f"{group}/{_NAMESPACE}/{plural}", None, manifest)
    assert answer.status == 201, answer.body


Act = Callable[[Stage], None]


def record(**changes: Any) -> Act:
    """Somebody who may edit ConfigMaps changes fields of the record."""

    def act(place: Stage) -> None:
        raw = {**place.record(), **changes}
        patch(place, RECORD, {"data": {"record": json.dumps(raw)}})

    return act


def record_text(text: str) -> Act:
    return lambda place: patch(place, RECORD, {"data": {"record": text}})


def plan(**changes: Any) -> Act:
    """The same of the plan in the record."""

    def act(place: Stage) -> None:
        record(plan={**place.record()["plan"], **changes})(place)

    return act


_PLAN: Object = {
    "workload": {"name": NAME},
    "services": {"stable": NAME},
    "routers": [{"type": "istio", "name": NAME}],
    "canary": {"steps": STEPS},
}


def new_record(**changes: Any) -> Act:
    """A record where there was none, of a release that waits for nothing but the next call."""

    def act(place: Stage) -> None:
        now = place.cluster.time.now()
        raw = {
            "format": 1,
            "name": NAME,
            "plan": {
                "workload": {"name": NAME},
                "services": {"stable": NAME},
                "routers": [{"type": "istio", "name": NAME}],
                "canary": {"steps": STEPS},
            },
            "plan_hash": "0000000000",
            "revision": 1,
            "target": "0000000000",
            "phase": "Paused",
            "program": "release",
            "position": 4,
            "began": now,
            "steps": [{"began": now, "ended": now}, {"began": now}],
            "stable": {"workload": NAME, "template": "1111111111", "hash": "2222222222", "images": {}},
            **changes,
        }
        labels = {"app.kubernetes.io/managed-by": "progressive.delivery", "progressive.delivery/rollout": NAME}
        metadata = {"name": f"{NAME}.rollout", "labels": labels}
        create(place, "configmaps", {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"record": json.dumps(raw)}})

    return act


def further(place: Stage, by: int) -> str:
    """The position so many actions behind that of the record."""
    now = records.load({"record": json.dumps(place.record())}, NAME)
    program = program_of(now, read_plan(NAME, "test", now.plan))
    [here] = [index for index, entry in enumerate(program) if entry.id == now.position]
    return program[here + by].id


def memory(where: str, path: list[Any], was: Any, **now: Any) -> Act:
    """Somebody who may edit an object writes our annotation on it."""
    text = json.dumps({"at": 1.0, "fields": [{"by": NAME, "depth": 1, "path": path, "was": was, **now}]})
    return lambda place: patch(place, where, {"metadata": {"annotations": {ANNOTATION: text}}})


def original(key: str, path: list[Any], was: Any, **now: Any) -> Act:
    """The record says what an object was before; what it was set to is what it has, so that nothing seems to have drifted."""
    return record(originals={key: [{"by": NAME, "depth": 1, "path": path, "was": was, **now}]})


SERVICE_PATH = f"/api/v1/{_NAMESPACE}/services/{NAME}"
ROUTER_PATH = f"/apis/networking.istio.io/v1beta1/{_NAMESPACE}/virtualservices/{NAME}"
_EVIL_SPEC = {"containers": [{"name": NAME, "image": EVIL}], "serviceAccountName": "admin", "hostPID": True}
_EVIL_TEMPLATE = {"metadata": {"labels": {"app": NAME}}, "spec": _EVIL_SPEC}
_DEFINITION = {
    "apiVersion": "example.org/v1",
    "kind": "Road",
    "plural": _UP,
    "destinations": "spec.lanes[]",
    "destination": {"service": "name"},
}
_POD = ["spec", "template", "spec"]
_ROUTE: list[Any] = ["spec", "http", {"name": "primary"}]
_WORKLOAD, _ROUTER = f"Deployment/{NAME}", f"VirtualService/{NAME}"
_BINDINGS = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "plural": "rolebindings"}


def _old_of_other(place: Stage) -> str:
    """The hash of a version of the other application that a ReplicaSet holds."""
    found = [each["spec"]["template"] for each in place.all("ReplicaSet") if OTHER in each["metadata"]["name"]]
    return next(template_hash(each) for each in found if each["spec"]["containers"][0]["image"] == OLD_OTHER)


def _as_other(**changes: Any) -> Act:
    """The record is changed to release an old version of the other application."""

    def act(place: Stage) -> None:
        held = _old_of_other(place)
        part = {**place.record()["plan"], "workload": {"name": OTHER}, "revision": {"held": held}, **changes}
        record(plan=part, target=held)(place)

    return act


def _history(target: str | None, images: Object) -> Act:
    def act(place: Stage) -> None:
        held = target or _old_of_other(place)
        entry = {"revision": 7, "target": held, "phase": "Healthy", "images": images, "before": {"template": held, "images": images}}
        record(program="", phase="Healthy", history=[entry])(place)

    return act


def _secret_with_our_label(place: Stage) -> None:
    labels = {"app.kubernetes.io/managed-by": "progressive.delivery", "progressive.delivery/rollout": NAME}
    patch(place, f"/api/v1/{_NAMESPACE}/secrets/payments-key", {"metadata": {"labels": labels}})
    record(tracks=True, copies={"Secret/payments-key": "payments"})(place)


def _labelled_deployment(place: Stage) -> None:
    labels = {"app.kubernetes.io/managed-by": "progressive.delivery", "progressive.delivery/rollout": NAME}
    patch(place, f"/apis/apps/v1/{_NAMESPACE}/deployments/{WORKER}", {"metadata": {"labels": labels}})
    record(stable={**place.record()["stable"], "workload": WORKER, "made": True})(place)


def _with_digits(place: Stage, digits: int) -> str:
    return json.dumps({**place.record(), "revision": 0}).replace('"revision": 0', '"revision": ' + "9" * digits)


def _without(*keys: str) -> Act:
    """The record does not tell this of the stable version."""
    return lambda place: record(stable={key: value for key, value in place.record()["stable"].items() if key not in keys})(place)


@dataclass(frozen=True)
class Attack:
    """writes: what the attacker may write. act: what is written. call: what the operator asks for afterwards.

    holds: it is enough that the canary gets no more traffic than before, and no pause is passed.
    """

    writes: str
    act: Act
    call: Object = field(default_factory=dict)
    holds: bool = False
    paused: bool = True


PROMOTE: Object = {"recorded": True, "promote": {}}
ABORT: Object = {"state": "aborted"}
ABSENT: Object = {"state": "absent"}
GO_ON: Object = {"recorded": True}
WITH_PLAN: Object = {}
UNDO: Object = {"undo": "previous"}
_R, _S, _V, _L = "ConfigMaps", "one Service", "one VirtualService", "Leases"

ATTACKS: dict[str, Attack] = {
    # Names that lead to other objects
    "the plural of a definition leads elsewhere, abort": Attack(
        _R, plan(routers=[{"type": "road", "name": "x", "definition": _DEFINITION}]), ABORT
    ),
    "the plural of a definition leads elsewhere, promote": Attack(
        _R, plan(routers=[{"type": "road", "name": "x", "definition": _DEFINITION}]), PROMOTE
    ),
    "a definition of RoleBindings": Attack(
        _R, plan(routers=[{"type": "road", "name": "x", "definition": {**_DEFINITION, **_BINDINGS}}]), PROMOTE
    ),
    "a definition of any kind, only in the record": Attack(
        _R, plan(routers=[{"type": "road", "name": "x", "definition": {**_DEFINITION, "plural": "roads"}}]), PROMOTE
    ),
    "a router's name leads elsewhere": Attack(_R, plan(routers=[{"type": "istio", "name": "../../x"}]), PROMOTE),
    "a workload's name leads elsewhere": Attack(_R, plan(workload={"name": "../../kube-system/deployments/coredns"}), ABORT),
    "a Service's name injects a query": Attack(_R, plan(services={"stable": f"{NAME}?dryRun=All"}), ABORT),
    "a bystander's name leads elsewhere": Attack(_R, record(bystanders=["../../kube-system/services/kube-dns"]), ABORT),
    "the stable workload's name leads elsewhere": Attack(
        _R, lambda place: record(stable={**place.record()["stable"], "workload": "../x", "made": True})(place), ABSENT
    ),
    "a guard's name leads elsewhere": Attack(_R, record(guards=["HorizontalPodAutoscaler/../../x"]), ABORT),
    "a copy's name leads elsewhere": Attack(_R, record(tracks=True, copies={"Secret/../../kube-system/secrets/x": "x"}), ABORT),
    "a configuration's copy leads elsewhere": Attack(_R, record(configs={"ConfigMap/a": ["a", "../../x"]}), PROMOTE),
    "what was declared leads elsewhere": Attack(_R, record(made=["Service/../../x"]), PROMOTE),
    "the target is a selector": Attack(_R, record(target="x,app"), ABORT),
    "a record of another name": Attack(_R, record(name="other"), ABORT),
    # What is released
    "a whole template": Attack(_R, plan(revision={"template": _EVIL_TEMPLATE}), PROMOTE),
    "a whole definition": Attack(_R, plan(revision={"definition": _EVIL_TEMPLATE}), PROMOTE),
    "another image": Attack(_R, plan(revision={"images": {NAME: EVIL}}), PROMOTE),
    "another image, and the call goes on": Attack(_R, plan(revision={"images": {NAME: EVIL}}), GO_ON),
    "another image, and abort": Attack(_R, plan(revision={"images": {NAME: EVIL}}), ABORT),
    "another workload": Attack(_R, plan(workload={"name": OTHER}), PROMOTE),
    "another workload, and abort": Attack(_R, plan(workload={"name": OTHER}), ABORT),
    "another workload, in another style": Attack(_R, plan(workload={"name": OTHER, "style": "revisions"}), PROMOTE),
    "another workload at an old version of its own": Attack(_R, _as_other(), PROMOTE),
    "a new record with an image": Attack(_R, new_record(plan={**_PLAN, "revision": {"images": {NAME: EVIL}}}), PROMOTE, paused=False),
    "a new record that aborts": Attack(_R, new_record(program="abort", phase="Progressing", position=0), GO_ON, paused=False),
    "a history to undo to another image": Attack(_R, _history("3333333333", {NAME: EVIL}), UNDO),
    "a history to undo to a version of the other application": Attack(_R, _history(None, {NAME: OLD_OTHER}), UNDO),
    "a stable version of the other application": Attack(
        _R, lambda place: record(stable={**place.record()["stable"], "template": _old_of_other(place)})(place), ABORT
    ),
    # What is put back
    "an image as the original": Attack(_R, original(_WORKLOAD, [*_POD, "containers", 0, "image"], EVIL), ABORT),
    "a ServiceAccount as the original": Attack(_R, original(_WORKLOAD, [*_POD, "serviceAccountName"], "admin"), ABORT),
    "hostPID as the original": Attack(_R, original(_WORKLOAD, [*_POD, "hostPID"], True), ABORT),
    "a template as the original": Attack(_R, original(_WORKLOAD, ["spec", "template"], _EVIL_TEMPLATE), ABORT),
    "externalIPs as the original": Attack(_R, original(f"Service/{NAME}", ["spec", "externalIPs"], ["192.0.2.1"]), ABORT),
    "hosts as the original": Attack(_R, original(_ROUTER, ["spec", "hosts"], ["bank.example"], now=["rollouts-demo.local"]), ABORT),
    "a route as the original": Attack(
        _R, original(_ROUTER, [*_ROUTE, "route", {"destination.host": NAME}], {"destination": {"host": OTHER}}), ABORT
    ),
    "owners as the original": Attack(_R, original(f"Service/{NAME}", ["metadata", "ownerReferences"], [{"uid": "x"}]), ABSENT),
    "externalIPs in the annotation": Attack(_S, memory(SERVICE_PATH, ["spec", "externalIPs"], ["192.0.2.1"]), ABORT),
    "a type in the annotation": Attack(_S, memory(SERVICE_PATH, ["spec", "type"], "NodePort", now="ClusterIP"), ABORT),
    "finalizers in the annotation": Attack(_S, memory(SERVICE_PATH, ["metadata", "finalizers"], ["x/y"]), ABSENT),
    "hosts in the annotation": Attack(_V, memory(ROUTER_PATH, ["spec", "hosts"], ["bank.example"], now=["rollouts-demo.local"]), ABORT),
    "a route's headers in the annotation": Attack(_V, memory(ROUTER_PATH, [*_ROUTE, "headers"], {"request": {"set": {"a": "b"}}}), ABORT),
    "a negative place in the annotation": Attack(_V, memory(ROUTER_PATH, ["spec", "http", -1], {}), ABORT),
    # What a rollout holds and takes away
    "a bystander that has other pods": Attack(_R, record(bystanders=[OTHER]), PROMOTE),
    "the other application's Service as the stable one": Attack(_R, plan(services={"stable": OTHER, "canary": f"{NAME}-canary"}), PROMOTE),
    "the other application's autoscaler": Attack(_R, record(guards=[f"HorizontalPodAutoscaler/{OTHER}"]), PROMOTE),
    "the other application's budget": Attack(_R, record(guards=[f"PodDisruptionBudget/{OTHER}"]), PROMOTE),
    "a Secret as a copy": Attack(_R, record(tracks=True, copies={"Secret/payments-key": "payments"}), ABORT),
    "a Secret as a copy, with our label": Attack("ConfigMaps and labels of Secrets", _secret_with_our_label, ABORT),
    "a Deployment as one of ours": Attack(
        _R, lambda place: record(stable={**place.record()["stable"], "workload": WORKER, "made": True})(place), ABSENT
    ),
    "a Deployment as one of ours, with our label": Attack("ConfigMaps and labels of Deployments", _labelled_deployment, ABSENT),
    "the user's own canary Service as one of ours": Attack(_R, record(canary_service_made=True), ABORT),
    "labels that selectors need": Attack(_R, record(labels={"app": [NAME]}), ABSENT),
    # Places, pauses, approvals
    "a pause that the record says is promoted": Attack(_R, record(promoted={"1": {"user": "ann", "at": 1.0}}), WITH_PLAN, holds=True),
    "the same, by name": Attack(_R, record(promoted={"1": {"user": "ann", "at": 1.0}}), GO_ON, holds=True),
    "a place behind the pause": Attack(
        _R,
        lambda place: record(position=further(place, 1), phase="Progressing", steps=[{"began": 1.0, "ended": 2.0}] * 2, began=None)(place),
        WITH_PLAN,
        holds=True,
    ),
    "a place behind both pauses": Attack(
        _R,
        lambda place: record(position=further(place, 4), phase="Progressing", steps=[{"began": 1.0, "ended": 2.0}] * 4, began=None)(place),
        WITH_PLAN,
        holds=True,
    ),
    "a place behind the end": Attack(_R, record(position="drain#9000"), ABORT),
    "an abort that is at its end": Attack(_R, record(program="abort", phase="Progressing", position="end"), GO_ON),
    "skipped steps": Attack(_R, record(skips=True), WITH_PLAN, holds=True),
    "finished steps": Attack(_R, record(steps=[{"began": 1.0, "ended": 2.0}] * 5), WITH_PLAN, holds=True),
    # Times
    "a grace of a century": Attack(_R, plan(grace=3e9), ABORT),
    "a drain of a century": Attack(_R, plan(drain="99999d"), ABORT),
    "a beginning in the far future": Attack(_R, record(began=2e11, moved=2e11, resume_at=2e11), ABORT),
    # What is asked
    "a probe of the metadata service": Attack(
        _R, plan(probe={"url": "http://169.254.169.254/latest/meta-data", "expect": {"canary": "x"}}), PROMOTE
    ),
    "a probe of a host inside": Attack(
        _R, plan(probe={"url": "http://10.0.0.1/admin", "headers": {"X": "y"}, "expect": {"canary": "(x|xx)+y"}}), PROMOTE
    ),
    # Shapes
    "deep JSON": Attack(_R, record_text('{"a":' * 60_000 + "1" + "}" * 60_000), ABORT),
    "a plan of an unknown form": Attack(_R, record(plan={"grace": "x"}, plan_hash="1"), WITH_PLAN),
    "a plan of an unknown form, abort": Attack(_R, record(plan={"grace": "x"}, plan_hash="1"), ABORT),
    "no plan": Attack(_R, record(plan={}, plan_hash="1"), WITH_PLAN),
    "a plan without steps": Attack(
        _R, record(plan={**_PLAN, "canary": {"steps": []}}, plan_hash="1", steps=[{"began": 1.0, "ended": 2.0}] * 9), WITH_PLAN
    ),
    "no word of the stable version": Attack(_R, record(stable={}), ABORT),
    "no workload of the stable version": Attack(_R, _without("workload"), ABORT),
    "no template of the stable version": Attack(_R, _without("template"), ABORT),
    "no template of the stable version, promote": Attack(_R, _without("template"), PROMOTE),
    "no hash of the stable version": Attack(_R, _without("hash"), PROMOTE),
    "no template of the made stable version": Attack(
        _R, record(program="", phase="Healthy", stable={"workload": NAME, "made": True}), WITH_PLAN
    ),
    "a number of 400 digits": Attack(_R, lambda place: record_text(_with_digits(place, 400))(place), ABORT),
    "a number of 400 digits, by the plan": Attack(_R, lambda place: record_text(_with_digits(place, 400))(place), WITH_PLAN),
    "a number without end": Attack(_R, record_text('{"format": 1, "name": ' + "9" * 5000 + "}"), ABORT),
    "not a number": Attack(_R, record(began=float("nan")), ABORT),
    "a huge text": Attack(_R, record(msg="x" * 500_000), ABORT),
    "a plan of odd shapes": Attack(_R, plan(canary={"steps": [{"set_weight": [1]}, [[]], None]}, services=[], routers={}), ABORT),
    "odd shapes everywhere": Attack(_R, record(stable=[], steps={}, images=7, by=[1], history=[None], labels={"a": 1}, uids=[]), ABORT),
}
