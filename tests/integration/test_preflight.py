"""rollout_preflight_info against the real API server: each hazard as a scenario, what may not be read, and that nothing is written."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import preflight
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.clock import Clock
from ansible_collections.progressive.delivery.tests.harness.application import Application, until
from ansible_collections.progressive.delivery.tests.harness.audit import AuditLog
from ansible_collections.progressive.delivery.tests.harness.users import shipped_rules, user, without
from ansible_collections.progressive.delivery.tests.integration.hazards import (
    AFFINITY,
    CASES,
    CLONE,
    NAME,
    NO_ROOM,
    POD,
    ROUTE,
    STABLE,
    Case,
    Object,
    item,
    service,
)

STEPS: list[Any] = [{"set_weight": 20}, {"pause": {}}]


def look(app: Application, **options: Any) -> list[str]:
    """All findings that are fatal or warnings, as F or W and text."""
    context = Context(client=Client(app.transport, Clock()), clock=Clock(), namespace=app.namespace, by="")
    plan = app.plan(**{"steps": STEPS, **options})
    seen = preflight.run(context, plan.pop("name"), plan)
    told = [each for each in seen["findings"] if each["severity"] != "info"]
    texts = [f"{each['severity'][0].upper()} {each['object']} {each['problem']}: {each['remedy']}" for each in told]
    assert seen["ok"] == (not any(text.startswith("F") for text in texts)) and "\n" not in "".join(texts) + seen["msg"]
    return texts


def expect(app: Application, findings: list[str], more: bool = False, **options: Any) -> None:
    """Just these are found, or more, as soon as controllers have noticed what there is."""
    wanted = [each.replace("{ns}", app.namespace) for each in findings]
    deadline = time.monotonic() + 60
    while True:
        found = look(app, **options)
        known = [text for text in found if any(text.startswith(start) for start in wanted)]
        if all(any(text.startswith(start) for text in found) for start in wanted) and (more or known == found):
            return
        assert time.monotonic() < deadline, f"found {json.dumps(found, indent=1)}, expected {json.dumps(wanted, indent=1)}"
        time.sleep(0.1)


@contextmanager
def patched(app: Application, patches: dict[str, Object]) -> Iterator[None]:
    """The application has what the merge patches say within, and not after it."""
    with ExitStack() as after:
        for key, patch in patches.items():
            kind, _slash, name = key.partition("/")
            after.callback(app.patch, kind, name, _back(app.get(kind, name), patch))
            app.patch(kind, name, patch)
        yield


def _back(live: Any, patch: Any) -> Any:
    """The merge patch that undoes one."""
    if not isinstance(patch, dict) or not isinstance(live, dict):
        return live
    return {key: _back(live.get(key), each) for key, each in patch.items()}


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_each_hazard_is_found_and_nothing_else(still_app: Application, case: Case) -> None:
    patches = dict(case.patch)
    if case.template:
        patches[f"Deployment/{NAME}"] = {"spec": {"template": {"spec": case.template}}}
    with still_app.holding(case.make), patched(still_app, patches):
        expect(still_app, case.findings, case.more, **case.options)


def test_what_a_release_does_not_see_is_told_and_stands_in_no_way(still_app: Application) -> None:
    context = Context(client=Client(still_app.transport, Clock()), clock=Clock(), namespace=still_app.namespace, by="")
    seen = preflight.run(context, still_app.name, still_app.plan(steps=STEPS))
    assert seen["msg"].endswith("nothing stands in its way") and seen["ok"]
    assert [(each["severity"], each["object"].split()[0]) for each in seen["findings"]] == [("info", "rollout"), ("info", "Deployment")]


def test_who_last_applied_a_field_owns_it(still_app: Application) -> None:
    """Flux without its labels, known by the manager of the field; a manager of other fields owns nothing that a rollout sets."""
    path = still_app.path("Service", NAME)
    for manager, spec in (("kustomize-controller", {"selector": POD}), ("helm-controller", {"internalTrafficPolicy": "Cluster"})):
        applied = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME}, "spec": spec}
        query = {"fieldManager": manager, "force": "true"}
        response = still_app.transport.request("PATCH", path, query, applied, "application/apply-patch+yaml")
        assert response.status == 200, response.body
    try:
        expect(still_app, [f"W {STABLE} is kept by Flux (its Kustomization)"])
    finally:
        still_app.patch("Service", NAME, {"metadata": {"managedFields": [{}]}})


SCALED_OBJECTS: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "scaledobjects.keda.sh"},
    "spec": {
        "group": "keda.sh",
        "scope": "Namespaced",
        "names": {"kind": "ScaledObject", "plural": "scaledobjects"},
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


def test_keda(still_app: Application) -> None:
    """Its resource is served while the test runs, where it is not anyway; all other tests are without."""
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    path = f"/apis/keda.sh/v1alpha1/namespaces/{still_app.namespace}/scaledobjects"
    made = still_app.transport.request("POST", definitions, None, SCALED_OBJECTS).status == 201

    def scaled(name: str, target: str) -> bool:
        obj = item("keda.sh/v1alpha1", "ScaledObject", name, {"scaleTargetRef": {"name": target}})
        return still_app.transport.request("POST", path, None, obj).status == 201

    try:
        until("a ScaledObject is made", lambda: scaled("shop", NAME))
        until("another one is made", lambda: scaled("clone", CLONE))
        expect(
            still_app,
            [f"F ScaledObject {{ns}}/clone scales Deployment {CLONE}"],
        )
    finally:
        still_app.transport.request("DELETE", path)
        if made:
            still_app.transport.request("DELETE", f"{definitions}/scaledobjects.keda.sh")


def found_by_module(app: Application, **options: Any) -> tuple[bool, list[str]]:
    result = app.module("rollout_preflight_info", {**app.plan(steps=STEPS), **options})
    assert not result.get("failed") and not result["changed"], result["msg"]
    return result["ok"], [f"{each['object']} {each['problem']}" for each in result["findings"] if each["severity"] != "info"]


def test_with_fewer_rights_the_findings_name_verb_and_resource(still_app: Application) -> None:
    """Without what only the checks look at, a rollout can go; without what it needs, it cannot."""
    namespace = f"namespace {still_app.namespace} does not allow"
    needed = [rule for rule in shipped_rules() if rule["apiGroups"] not in (["autoscaling"], ["policy"], ["keda.sh"])]
    needed = without(without(needed, "list", "resourcequotas"), "list", "destinationrules")
    ok, found = found_by_module(still_app, kubeconfig=user(still_app, needed))
    assert ok and [text.partition(", so")[0] for text in found] == [
        f"{namespace} list {resource}"
        for resource in (
            "horizontalpodautoscalers.autoscaling",
            "scaledobjects.keda.sh",
            "poddisruptionbudgets.policy",
            "resourcequotas",
            "destinationrules.networking.istio.io",
        )
    ]
    result = still_app.module("rollout_step", {**still_app.plan(), "kubeconfig": user(still_app, needed)}, check=True)
    assert not result.get("failed") and all(text in str(result["warnings"]) for text in found), result["msg"]
    fewer = without(without(shipped_rules(), "patch", "services"), "get", "virtualservices")
    ok, found = found_by_module(still_app, kubeconfig=user(still_app, fewer))
    assert not ok and found[0] == f"{namespace} patch services, get virtualservices.networking.istio.io"
    assert "because the user is not allowed to get virtualservices" in found[1] and len(found) == 2
    fewer = without(shipped_rules(), "create", "virtualservices")
    routers = [{"type": "istio", "name": name, "spec": {"hosts": ["a.b"], "http": [ROUTE]}} for name in (NAME, "new")]
    ok, found = found_by_module(still_app, kubeconfig=user(still_app, fewer), routers=routers[1:])
    assert not ok and found[0] == f"{namespace} create virtualservices.networking.istio.io"
    assert found_by_module(still_app, kubeconfig=user(still_app, fewer), routers=routers[:1]) == (True, []), "it is there already"


def test_without_nodes_it_says_how_many_are_needed(still_app: Application) -> None:
    kubeconfig = user(still_app, shipped_rules())
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [AFFINITY]}}
    with patched(still_app, {f"Deployment/{NAME}": {"spec": {"template": {"spec": {"affinity": affinity}}}}}):
        _ok, found = found_by_module(still_app, kubeconfig=kubeconfig)
    assert any(text.endswith("(podAntiAffinity), and its 3 pods in the promotion need as many") for text in found), found


def test_a_plan_that_is_none_is_an_error(still_app: Application) -> None:
    result = still_app.module("rollout_preflight_info", {**still_app.plan(), "canary": {"steps": [{"set_weight": 120}]}})
    assert result["failed"] and "canary.steps[0].set_weight must be a whole number from 0 to 100, not 120" in result["msg"]


def test_a_start_is_stopped_by_what_is_fatal_and_warns_of_the_rest(still_app: Application) -> None:
    """The same findings, and nothing is written; looking writes nothing either."""
    quota = item("v1", "ResourceQuota", "pods", {"hard": {"pods": "2"}})
    with still_app.holding([service("wide", POD), quota]):
        before = still_app.snapshot()
        log = AuditLog()
        mark = log.mark()
        expect(still_app, ["W Service {ns}/wide selects the same pods", f"F ResourceQuota {{ns}}/pods {NO_ROOM} 2 pods of 1"])
        written = [each for each in log.since(mark) if each.verb not in ("get", "list") and "dryRun=All" not in each.path]
        assert {(entry.verb, entry.resource) for entry in written} <= {("create", "selfsubjectrulesreviews")}
        result = still_app.module("rollout_step", still_app.plan())
        assert result["failed"] and not result["safe_to_abort"] and f"ResourceQuota {still_app.namespace}/pods {NO_ROOM}" in result["msg"]
        assert f"Service {still_app.namespace}/wide selects the same pods" in str(result["warnings"])
        assert still_app.snapshot() == before


def test_a_rollout_that_is_under_way_or_was_aborted(app: Application) -> None:
    """What a rollout itself has changed is no hazard."""
    assert app.module("rollout_step", app.plan(steps=STEPS, grace=0))["phase"] == "Paused"
    expect(app, [])
    others = [f"W rollout {NAME} revision 1 is under way (Paused) and releases another version, which this one would replace"]
    expect(app, others, revision={"images": {NAME: "argoproj/rollouts-demo:green"}})
    assert app.module("rollout_step", {"name": app.name, "state": "aborted"})["phase"] == "Aborted"
    expect(app, [f"W rollout {NAME} does not start this version again"])
