"""Gathers what can be seen of a rollout: its record, its workloads and their pods, its Services, its routers. Only reads."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from .._objects.resources import CONFIG_MAP, DEPLOYMENT, ENDPOINT_SLICE, POD, SERVICE, labels, name_of
from .._plan.plan import Plan, read_plan
from .._rollout.record import Record, record_name
from .._rollout.report import report
from .._rollout.tree import tree
from .._workloads.clones import clone_name
from .._workloads.deployments import replicas_of
from .._workloads.marks import MANAGED_BY, MANAGER, REVISION, ROLLOUT
from .._workloads.pods import is_ready, state_of
from .._workloads.revisions import images_of
from .._workloads.services import endpoints_of, selector_of, selector_text, selects
from . import traffic
from .context import Context
from .store import Store

Object = dict[str, Any]


def names(ctx: Context) -> list[str]:
    """All rollouts of the namespace that have a record."""
    found, _version = ctx.client.list(CONFIG_MAP, ctx.namespace, f"{MANAGED_BY}={MANAGER}")
    rollouts = {labels(each).get(ROLLOUT, ""): name_of(each) for each in found}
    return sorted(rollout for rollout, name in rollouts.items() if rollout and name == record_name(rollout))


def look(ctx: Context, name: str) -> dict[str, Any]:
    """All that can be seen of one rollout; what is not there is left out. Without a record nothing else is known of it."""
    record = Store(ctx.client, ctx.ref(CONFIG_MAP, record_name(name)), name).load()
    plan = read_plan(name, ctx.namespace, record.plan) if record is not None else None
    info: dict[str, Any] = {"name": name, **report(record, plan, name), "history": [], "services": [], "routers": [], "workloads": []}
    if record is not None and plan is not None:
        services = _services(ctx, plan, record)
        info.update(
            history=record.history,
            services=services,
            routers=[_router(ctx, target) for target in plan.routers],
            workloads=_workloads(ctx, plan, services),
        )
    return {**info, "tree": tree(info)}


def _services(ctx: Context, plan: Plan, record: Record) -> list[Object]:
    roles = {plan.stable_service: "stable", plan.canary_service: "canary", **dict.fromkeys(record.bystanders, "bystander")}
    slices, _version = ctx.client.list(ENDPOINT_SLICE, ctx.namespace, f"kubernetes.io/service-name in ({','.join(roles)})")
    found = {name: ctx.client.find(ctx.ref(SERVICE, name)) for name in roles}
    told = []
    for name, service in found.items():
        if service is not None:
            endpoints = endpoints_of(name, slices, (service.get("spec") or {}).get("ports") or [])
            ready = {"ready": len(endpoints.ready), "total": len(endpoints.total)}
            told.append({"name": name, "role": roles[name], "selector": selector_of(service), "endpoints": ready})
    return told


def _router(ctx: Context, target: Any) -> Object:
    return {"type": target.router, "name": target.name, "weight": asdict(traffic.look(ctx, target))}


def _workloads(ctx: Context, plan: Plan, services: Sequence[Object]) -> list[Object]:
    """The workload, and the clone while there is one."""
    found = [ctx.client.find(ctx.ref(DEPLOYMENT, name)) for name in (plan.workload, clone_name(plan.workload))]
    there = [each for each in found if each is not None]
    return [_workload(ctx, each, is_clone=name_of(each) != plan.workload, services=services) for each in there]


def _workload(ctx: Context, deployment: Object, is_clone: bool, services: Sequence[Object]) -> Object:
    selector = (deployment["spec"].get("selector") or {}).get("matchLabels") or {}
    pods, _version = ctx.client.list(POD, ctx.namespace, selector_text(selector))
    # The clone's pods keep all labels of the workload's.
    own = sorted((pod for pod in pods if (REVISION in labels(pod)) == is_clone), key=name_of)
    return {
        "kind": DEPLOYMENT.kind,
        "name": name_of(deployment),
        "version": "canary" if is_clone else "stable",
        "replicas": replicas_of(deployment),
        "ready": sum(map(is_ready, own)),
        "paused": bool(deployment["spec"].get("paused")),
        "images": images_of(deployment["spec"]["template"]),
        "services": [each["name"] for each in services if any(selects(each["selector"], labels(pod)) for pod in own)],
        "pods": [{"name": name_of(pod), "state": state_of(pod)} for pod in own],
    }
