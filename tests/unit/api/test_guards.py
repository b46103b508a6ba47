"""Which autoscalers and disruption budgets a release finds, and how it changes them and gives them back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import guards
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._actions.stage import Stage
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.errors import ApiError
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Drifted
from ansible_collections.progressive.delivery.plugins.module_utils._objects.resources import (
    DEPLOYMENT,
    HORIZONTAL_POD_AUTOSCALER,
    POD_DISRUPTION_BUDGET,
    SCALED_OBJECT,
    STATEFUL_SET,
)
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan, read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.hazards.registry import ClusterSnapshot
from ansible_collections.progressive.delivery.plugins.module_utils._steps.actions import ReleaseGuards, ScaleFollows
from ansible_collections.progressive.delivery.tests.unit.api.conftest import FakeClock, MemoryServer, answer
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import plan_of, record_of

LABELS = {"app": "shop"}


def plan_in(style: str, kind: str = "Deployment") -> Plan:
    return read_plan("shop", "test", {**plan_of().raw, "workload": {"name": "shop", "style": style, "kind": kind}})


def workload(name: str, replicas: int) -> dict[str, Any]:
    spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": {"metadata": {"labels": LABELS}}}
    done = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), 10)  # nobody counts here
    return {"kind": "Deployment", "metadata": {"name": name, "generation": 1}, "spec": spec, "status": {**done, "observedGeneration": 1}}


def autoscaler(name: str, target: str, owner: str = "") -> dict[str, Any]:
    owners = {"ownerReferences": [{"kind": "ScaledObject", "name": owner}]} if owner else {}
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": target}, "minReplicas": 1, "maxReplicas": 10}
    return {"kind": "HorizontalPodAutoscaler", "metadata": {"name": name, **owners}, "spec": spec}


def budget(name: str, app: str) -> dict[str, Any]:
    return {
        "kind": "PodDisruptionBudget",
        "metadata": {"name": name},
        "spec": {"minAvailable": 3, "selector": {"matchLabels": {"app": app}}},
    }


SCALED = {"kind": "ScaledObject", "metadata": {"name": "so"}, "spec": {"scaleTargetRef": {"name": "shop"}}}


@pytest.fixture
def ctx(client: Client, server: MemoryServer, clock: FakeClock) -> Context:
    """Of each kind one that is not the workload's."""
    for resource, obj in (
        (DEPLOYMENT, workload("shop", 4)),
        (DEPLOYMENT, workload("shop-canary", 2)),
        (HORIZONTAL_POD_AUTOSCALER, autoscaler("other", "other")),
        (POD_DISRUPTION_BUDGET, budget("other", "other")),
    ):
        put(server, resource, obj)
    server.requests.clear()
    return Context(client, clock, "test", "shop")  # type: ignore[arg-type]


def put(server: MemoryServer, resource: Any, obj: dict[str, Any]) -> str:
    path = str(resource.path("test", obj["metadata"]["name"]))
    server.put(path, obj)
    return path


def find(ctx: Context, server: MemoryServer, style: str = "clone", kind: str = "Deployment", running: str = "shop") -> list[str]:
    objects = list(server.objects.values())
    kinds = (HORIZONTAL_POD_AUTOSCALER, SCALED_OBJECT, POD_DISRUPTION_BUDGET)
    found = {resource: [each for each in objects if each.get("kind") == resource.kind] for resource in kinds}
    keys = guards.keys_of(ClusterSnapshot(plan_in(style, kind), workload("shop", 4), {}, found=found, runs=workload(running, 4)).guards)
    guards.require_rights(ctx, keys)
    return keys


@pytest.mark.parametrize(
    ("style", "kind", "expected"),
    [
        ("clone", "Deployment", ["HorizontalPodAutoscaler/own", "PodDisruptionBudget/own"]),
        ("in_place", "StatefulSet", []),
        ("in_place", "DaemonSet", []),
    ],
)
def test_just_the_workloads(ctx: Context, server: MemoryServer, style: str, kind: str, expected: list[str]) -> None:
    put(server, HORIZONTAL_POD_AUTOSCALER, autoscaler("own", "shop"))
    put(server, POD_DISRUPTION_BUDGET, budget("own", "shop"))
    assert find(ctx, server, style, kind) == expected


def test_one_that_follows_the_revision_that_runs(ctx: Context, server: MemoryServer) -> None:
    put(server, HORIZONTAL_POD_AUTOSCALER, autoscaler("own", "shop-4711"))
    assert find(ctx, server, "revisions", running="shop-4711") == ["HorizontalPodAutoscaler/own"] and find(ctx, server) == []


def test_of_keda_the_scaled_object_is_changed(ctx: Context, server: MemoryServer) -> None:
    autoscalers = put(server, HORIZONTAL_POD_AUTOSCALER, autoscaler("keda-hpa-so", "shop", owner="so"))
    path = put(server, SCALED_OBJECT, SCALED)
    assert find(ctx, server) == ["ScaledObject/so"]
    before = [server.objects[autoscalers]["spec"], server.objects[path]["spec"]]
    stage = stage_of(ctx, plan_in("clone"), "ScaledObject/so")
    for to, target, least in (("stable", "shop", 4), ("canary", "shop-canary", 4), ("workload", "shop", 4)):
        guards.follow(stage, ScaleFollows(to))
        assert server.objects[path]["spec"] == {"scaleTargetRef": {"name": target}, "minReplicaCount": least}
        assert server.objects[str(DEPLOYMENT.path("test", target))]["spec"]["replicas"] == 4
    guards.release(stage, ReleaseGuards("workload"))
    assert [server.objects[autoscalers]["spec"], server.objects[path]["spec"]] == before
    assert "annotations" not in server.objects[path]["metadata"]


def stage_of(ctx: Context, plan: Plan, *keys: str, **record: Any) -> Stage:
    return Stage(ctx, plan, record_of(plan, guards=list(keys), stable={"workload": "shop"}, **record), lambda: None)


OWN = ("HorizontalPodAutoscaler/own", "PodDisruptionBudget/own")


def test_in_place_only_the_size_is_held(ctx: Context, server: MemoryServer) -> None:
    hpa = autoscaler("own", "shop")
    hpa["spec"]["scaleTargetRef"]["kind"] = "StatefulSet"
    path = put(server, HORIZONTAL_POD_AUTOSCALER, hpa)
    assert find(ctx, server, "in_place", "StatefulSet") == [OWN[0]]
    put(server, STATEFUL_SET, {**workload("shop", 4), "kind": "StatefulSet"})
    stage = stage_of(ctx, plan_in("in_place", "StatefulSet"), OWN[0])
    guards.follow(stage, ScaleFollows("workload"))
    assert server.objects[path]["spec"] == {**hpa["spec"], "minReplicas": 4}
    guards.release(stage, ReleaseGuards("workload"))
    assert server.objects[path]["spec"] == hpa["spec"]


@pytest.mark.parametrize(
    ("style", "app", "coming", "least"),
    [
        ("clone", "shop", 1, 3 + 2),
        ("clone", "shop", 4, 3 + 4),
        # The user's own pods of a pair are in the budget already; others are not its business.
        ("pair", "shop", 1, 3),
        ("pair", "shop", 4, 3 + 2),
        ("pair", "second", 4, 3),
    ],
)
def test_a_budget_counts_in_just_the_pods_that_come_by_the_release(
    ctx: Context, server: MemoryServer, style: str, app: str, coming: int, least: int
) -> None:
    path = put(server, POD_DISRUPTION_BUDGET, budget("own", "shop"))
    stage = stage_of(ctx, plan_in(style), OWN[1])
    canary = workload("shop-canary", 2)
    canary["spec"]["template"] = {"metadata": {"labels": {"app": app}}}
    if style == "clone":
        canary["metadata"]["labels"] = {"progressive.delivery/rollout": "shop"}
    guards.cover_canary(stage, canary, coming)
    assert server.objects[path]["spec"]["minAvailable"] == least
    guards.release(stage, ReleaseGuards("workload"))
    assert server.objects[path]["spec"]["minAvailable"] == 3


@pytest.mark.parametrize(("program", "on_drift", "least"), [("abort", "fail", 7), ("abort", "repair", 1), ("release", "accept", 7)])
def test_limits_that_somebody_changed_meanwhile(ctx: Context, server: MemoryServer, program: str, on_drift: str, least: int) -> None:
    path = put(server, HORIZONTAL_POD_AUTOSCALER, autoscaler("own", "shop"))
    guards.follow(stage_of(ctx, plan_in("clone"), OWN[0]), ScaleFollows("canary"))
    server.put(path, {**server.objects[path], "spec": {**server.objects[path]["spec"], "minReplicas": 7}})
    with pytest.raises(Drifted, match=r"spec.minReplicas is 7, was set to 4"):
        guards.release(stage_of(ctx, plan_in("clone"), OWN[0]), ReleaseGuards("workload"))
    stage = stage_of(replace(ctx, on_drift=on_drift), plan_in("clone"), OWN[0], program=program)
    guards.follow(stage, ScaleFollows("workload"))
    assert server.objects[path]["spec"] == {**autoscaler("own", "shop")["spec"], "minReplicas": 7}
    guards.release(stage, ReleaseGuards("workload"))
    assert server.objects[path]["spec"] == {**autoscaler("own", "shop")["spec"], "minReplicas": least}


def test_limits_that_somebody_put_back_meanwhile_are_fine(ctx: Context, server: MemoryServer) -> None:
    path = put(server, HORIZONTAL_POD_AUTOSCALER, autoscaler("own", "shop"))
    stage = stage_of(ctx, plan_in("clone"), OWN[0])
    guards.follow(stage, ScaleFollows("canary"))
    server.put(path, {**server.objects[path], "spec": autoscaler("own", "shop")["spec"]})
    guards.release(stage, ReleaseGuards("workload"))
    assert server.objects[path]["spec"] == autoscaler("own", "shop")["spec"]


def test_one_that_the_user_deletes_meanwhile_is_left_so(ctx: Context) -> None:
    stage = stage_of(ctx, plan_in("clone"), *OWN)
    guards.follow(stage, ScaleFollows("canary"))
    guards.release(stage, ReleaseGuards("workload"))
    assert not ctx.journal.changed


def test_who_may_not_change_one_is_refused(ctx: Context, server: MemoryServer) -> None:
    put(server, HORIZONTAL_POD_AUTOSCALER, autoscaler("own", "shop"))
    server.faults = [None, answer(403)]
    with pytest.raises(
        ApiError,
        match=r"^HorizontalPodAutoscaler test/own cannot be changed because the user is not allowed to patch",
    ):
        find(ctx, server)
    server.faults = [None, answer(409)]
    assert find(ctx, server) == ["HorizontalPodAutoscaler/own"]
