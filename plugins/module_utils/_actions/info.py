"""Gathers what can be seen of a rollout: its record, its workloads and their pods, its Services, its routers. Only reads."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from .._objects.resources import CONFIG_MAP, DEPLOYMENT, ENDPOINT_SLICE, POD, SERVICE, WORKLOADS, labels, name_of
from .._plan.plan import Plan, read_plan
from .._rollout.record import HEALTHY, Record, record_name
from .._rollout.report import report
from .._rollout.tree import tree
from .._workloads import in_place
from .._workloads.clones import clone_name, revision_name
from .._workloads.deployments import replicas_of
from .._workloads.marks import MANAGED_BY, MANAGER, REVISION, ROLLOUT
from .._workloads.pods import is_ready, state_of
from .._workloads.revisions import images_of
from .._workloads.services import endpoints_of, selector_of, selector_text, selects
from . import made, traffic
from .context import Context
from .store import Store

Object = dict[str, Any]


def names(ctx: Context) -> list[str]:
    """All rollouts of the namespace that have a record."""
    found, _version = ctx.client.list(CONFIG_MAP, ctx.namespace, f"{MANAGED_BY}={MANAGER}")
    rollouts = {(labels(each).get(ROLLOUT, ""), name_of(each)) for each in found}
    return sorted(rollout for rollout, name in rollouts if rollout and name == record_name(rollout))


def look(ctx: Context, name: str) -> dict[str, Any]:
    """All that can be seen of one rollout; what is not there is left out. Without a record nothing else is known of it."""
    record = Store(ctx.client, ctx.ref(CONFIG_MAP, record_name(name)), name).load()
    plan = read_plan(name, ctx.namespace, record.plan) if record is not None else None
    info: dict[str, Any] = {"name": name, **report(record, plan, name), "history": [], "services": [], "routers": [], "workloads": []}
    if record is not None and plan is not None:
        services = _services(ctx, plan, record)
        info.update(
            history=record.history,
            services=_with_endpoints(ctx, services),
            routers=[_router(ctx, target) for target in plan.routers],
            workloads=_workloads(ctx, plan, record, services),
        )
    return {**info, "tree": tree(info)}


def draw(ctx: Context, plan: Plan, record: Record, told: Object) -> str:
    """The picture of a rollout whose record has been read; told: what `report` says of it. Costs four requests, or three."""
    return tree({"name": plan.name, **told, "workloads": _workloads(ctx, plan, record, _services(ctx, plan, record))})


def _services(ctx: Context, plan: Plan, record: Record) -> list[Object]:
    """Those of the rollout that are there: stable, canary, then the bystanders."""
    roles = {plan.stable_service: "stable", plan.canary_service: "canary", **dict.fromkeys(record.bystanders, "bystander")}
    found = {name_of(each): each for each in ctx.client.list(SERVICE, ctx.namespace)[0]}
    return [{**found[name], "role": role} for name, role in roles.items() if name in found]


def _with_endpoints(ctx: Context, services: Sequence[Object]) -> list[Object]:
    names = ",".join(map(name_of, services))
    slices, _version = ctx.client.list(ENDPOINT_SLICE, ctx.namespace, f"kubernetes.io/service-name in ({names})") if names else ([], "")
    told = []
    for service in services:
        endpoints = endpoints_of(name_of(service), slices, (service.get("spec") or {}).get("ports") or [])
        ready = {"ready": len(endpoints.ready), "total": len(endpoints.total)}
        told.append({"name": name_of(service), "role": service["role"], "selector": selector_of(service), "endpoints": ready})
    return told


def _router(ctx: Context, target: Any) -> Object:
    return {"type": target.router, "name": target.name, "weight": asdict(traffic.look(ctx, target))}


def _workloads(ctx: Context, plan: Plan, record: Record, services: Sequence[Object]) -> list[Object]:
    """The workload, and what runs the new version, or kept old ones, beside it."""
    live = ctx.client.find(ctx.ref(WORKLOADS[plan.kind], plan.workload))
    beside: list[Object | None] = []
    if plan.style == "clone":
        beside = [ctx.client.find(ctx.ref(DEPLOYMENT, clone_name(plan.workload)))]
    elif plan.style == "pair":
        beside = [ctx.client.find(ctx.ref(DEPLOYMENT, plan.canary_workload))]
    elif plan.style == "revisions":
        beside = [*sorted(made.deployments(ctx, plan.name), key=name_of)]
    canaries = _canaries(plan, record)
    found = [each for each in (live, *beside) if each is not None]
    pods = _pods(ctx, [_selector(each) for each in found])
    return [_workload(each, name_of(each) in canaries, services, pods) for each in found]


def _selector(workload: Object) -> dict[str, str]:
    return (workload["spec"].get("selector") or {}).get("matchLabels") or {}


def _pods(ctx: Context, selectors: Sequence[dict[str, str]]) -> list[Object]:
    """All that one of these selects. What was made here selects by the workload's labels, too, and needs no list of its own."""
    widest = [each for each in selectors if not any(other.items() < each.items() for other in selectors)]
    lists = [ctx.client.list(POD, ctx.namespace, text)[0] for text in dict.fromkeys(map(selector_text, widest))]
    return sorted({name_of(pod): pod for pods in lists for pod in pods}.values(), key=name_of)


def _canaries(plan: Plan, record: Record) -> tuple[str, ...]:
    """The names of what runs the new version, which of style revisions has become the stable one at the end of a release."""
    if plan.style == "revisions":
        return () if record.phase == HEALTHY else (revision_name(plan.workload, record.target),)
    return (clone_name(plan.workload) if plan.style == "clone" else plan.canary_workload,) if plan.style in ("clone", "pair") else ()


def _images(workload: Object, pods: Sequence[Object]) -> tuple[dict[str, str], dict[str, str]]:
    """Those that run, and those of a template that waits while the Deployment is paused; by container."""
    images = images_of(workload["spec"]["template"])
    if not (workload["spec"].get("paused") and pods):
        return images, {}
    found = images_of(pods[0])  # what is injected into pods is none of the user's
    running = {name: found.get(name, image) for name, image in images.items()}
    return running, {} if running == images else images


def _workload(workload: Object, is_canary: bool, services: Sequence[Object], pods: Sequence[Object]) -> Object:
    selector = _selector(workload)
    # The pods of what was made here keep all labels of the workload's.
    own = [pod for pod in pods if selects(selector, labels(pod)) and (REVISION in labels(pod)) == (REVISION in selector)]
    images, waiting = _images(workload, own)
    return {
        "kind": workload["kind"],
        "name": name_of(workload),
        "version": "canary" if is_canary else "stable",
        "replicas": replicas_of(workload) if workload["kind"] == DEPLOYMENT.kind else in_place.size_of(workload),
        "ready": sum(map(is_ready, own)),
        "paused": bool(workload["spec"].get("paused")),
        "images": images,
        "waiting": waiting,
        "services": [name_of(each) for each in services if any(selects(selector_of(each), labels(pod)) for pod in own)],
        "pods": [{"name": name_of(pod), "state": state_of(pod)} for pod in own],
    }
