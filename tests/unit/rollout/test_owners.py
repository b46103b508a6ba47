"""Who else keeps the fields that a rollout sets: GitOps tools, and clients that apply server-side."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.hazards import owners
from ansible_collections.progressive.delivery.tests.unit.rollout.test_hazards import named, problems, snapshot

Object = dict[str, Any]


def managed(manager: str, fields: Any, operation: str = "Update", **more: str) -> Object:
    entries = [{"manager": manager, "operation": operation, "fieldsV1": fields, **more}]
    return named("Service", "shop", {}, managedFields=entries)


SELECTOR: list[Any] = [("spec", "selector")]


@pytest.mark.parametrize(
    ("obj", "tool", "name"),
    [
        pytest.param(named("S", "s", {}), None, "", id="nobody"),
        pytest.param(named("S", "s", {}, labels={"app.kubernetes.io/instance": "shop"}), None, "", id="an instance is no proof"),
        pytest.param(named("S", "s", {}, annotations={"argocd.argoproj.io/tracking-id": "shop:apps/D:n/s"}), "argo", "shop", id="tracking"),
        pytest.param(named("S", "s", {}, labels={"kustomize.toolkit.fluxcd.io/name": "apps"}), "kustomize", "apps", id="Kustomization"),
        pytest.param(named("S", "s", {}, labels={"helm.toolkit.fluxcd.io/name": "shop"}), "helm", "shop", id="HelmRelease"),
        pytest.param(managed("argocd-controller", {"f:spec": {"f:selector": {}}}), "argo", "", id="by manager"),
        pytest.param(managed("argocd-controller", {"f:spec": {"f:ports": {}}}), None, "", id="of another field"),
        pytest.param(managed("kubectl", {"f:spec": {"f:selector": {}}}), None, "", id="another manager"),
        pytest.param(managed("ci", {"f:spec": {"f:selector": {}}}, "Apply"), "applier", "ci", id="applied server-side"),
        pytest.param(managed("ci", {"f:spec": {"f:ports": {}}}, "Apply"), None, "", id="another field applied"),
        pytest.param(managed("ci", {"f:spec": {"f:selector": {}}}, "Apply", subresource="status"), None, "", id="status applied"),
        pytest.param(managed("progressive.delivery", {"f:spec": {"f:selector": {}}}, "Apply"), None, "", id="we"),
        *(
            pytest.param(managed("ci", fields, "Apply"), None, "", id=f"fields {fields!r}")
            for fields in (None, "f:spec", {"f:spec": "f:selector"})
        ),
    ],
)
def test_owners(obj: Object, tool: str | None, name: str) -> None:
    owner = owners.owner_of(obj, SELECTOR)
    assert (owner and owner.tool, owner.name if owner else "") == (tool, name)


def test_a_field_manager_is_told_in_safe_text() -> None:
    at = snapshot(found={})
    at.deployment["metadata"]["managedFields"] = [
        {"manager": "ci\n\x1b[31m" + "x" * 200, "operation": "Apply", "fieldsV1": {"f:spec": {"f:paused": {}}}}
    ]
    [problem] = problems(owners.owned, at)
    assert problem.startswith("warning Deployment test/shop is kept by server-side apply by field manager 'ci\\n\\x1b[31mx")
    assert "which gets conflicts when it applies during the rollout (.spec.paused" in problem and "\n" not in problem and len(problem) < 300


@pytest.mark.parametrize(
    ("path", "jq", "pointer"),
    [
        (("spec", "paused"), ".spec.paused", "/spec/paused"),
        (("metadata", "annotations", "a.b/c"), '.metadata.annotations["a.b/c"]', "/metadata/annotations/a.b~1c"),
        (("spec", "http", {"name": "x"}, "route", 0, "weight"), ".spec.http[].route[].weight", "/spec/http"),
    ],
)
def test_paths_of_other_tools(path: Any, jq: str, pointer: str) -> None:
    assert (owners.jq(path), owners.pointer(path)) == (jq, pointer)
