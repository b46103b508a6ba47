"""What must be true before a rollout writes anything; what it finds out on the way goes into the record."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._objects.refusal import Refused
from .._objects.resources import DEPLOYMENT, POD, SERVICE, Resource, name_of
from .._objects.resources import labels as labels_of
from .._plan.plan import Plan
from .._rollout.permissions import lacking, of_router
from .._rollout.program import wishes
from .._routing import router_of
from .._workloads.clones import clone_name
from .._workloads.deployments import not_rolled_out, replicas_of
from .._workloads.marks import MANAGED_BY, MANAGER, POD_TEMPLATE_HASH, ROLLOUT
from .._workloads.pods import is_ready
from .._workloads.revisions import Template
from .._workloads.services import bystanders, is_headless, selector_of, selector_text, selects
from . import traffic, workload
from .clone import refuse_foreign
from .context import Context, Failed

Object = dict[str, Any]

_REVIEW = Resource("authorization.k8s.io", "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews")


@dataclass(frozen=True)
class Facts:
    """What a rollout must remember of its start."""

    stable_hash: str
    bystanders: list[str]
    canary_service_made: bool


def check(ctx: Context, plan: Plan, deployment: Object, template: Template) -> Facts:
    """Raises Refused, or NotFound for what is missing, when the rollout cannot be done safely."""
    _permissions(ctx, plan)
    refuse_leftovers(ctx, plan.name)
    stable_hash = _workload(ctx, deployment)
    pod_labels = (template.get("metadata") or {}).get("labels") or {}
    made = _services(ctx, plan, deployment, pod_labels)
    for target in plan.routers:
        traffic.validate(ctx, target, wishes(plan))
    services, _version = ctx.client.list(SERVICE, ctx.namespace)
    foreign = [each for each in services if (each["metadata"].get("labels") or {}).get(MANAGED_BY) != MANAGER]
    others = bystanders(foreign, pod_labels, [plan.stable_service, plan.canary_service])
    for service in foreign:
        if name_of(service) in (plan.stable_service, *others):
            _only_these_pods(ctx, service, deployment, stable_hash)
    return Facts(stable_hash, others, made)


def _only_these_pods(ctx: Context, service: Object, deployment: Object, stable_hash: str) -> None:
    """Raises Refused for a Service with pods of other workloads too: pinned to one version of this one, it would lose them."""
    pods, _version = ctx.client.list(POD, ctx.namespace, selector_text(selector_of(service)))
    others = [name_of(pod) for pod in pods if is_ready(pod) and labels_of(pod).get(POD_TEMPLATE_HASH) != stable_hash]
    if others:
        raise Refused(
            f"Service {ctx.namespace}/{name_of(service)} selects pods of other workloads than Deployment {name_of(deployment)} "
            f"too ({', '.join(others[:3])}): give it a selector that matches just one workload"
        )


def refuse_leftovers(ctx: Context, rollout: str) -> None:
    """Raises Refused where the record is gone and yet something of the rollout is there: nobody knows what it would have put back."""
    left, _version = ctx.client.list(DEPLOYMENT, ctx.namespace, f"{ROLLOUT}={rollout}")
    left = [each for each in left if not each["metadata"].get("deletionTimestamp")]
    if left:
        raise Refused(
            f"rollout {rollout} has no record any more, but Deployment {ctx.namespace}/{name_of(left[0])} of it is there: "
            "put the application back by hand as docs/troubleshooting.md says under 'The record is lost'"
        )


def _permissions(ctx: Context, plan: Plan) -> None:
    review = {"apiVersion": _REVIEW.api_version, "kind": _REVIEW.kind, "spec": {"namespace": ctx.namespace}}
    answer = ctx.client.review(_REVIEW, review)
    routers = [needed for target in plan.routers for needed in of_router(router_of(target).parts(target).values())]
    missing = lacking(routers, answer.get("status") or {})
    if missing:
        raise Refused(
            f"not allowed in namespace {ctx.namespace}: {', '.join(missing)}: "
            "grant the verbs with a Role (docs/rbac.yml has the whole of it)"
        )


def _workload(ctx: Context, deployment: Object) -> str:
    """The pod-template-hash of the version that runs."""
    title = f"Deployment {ctx.namespace}/{name_of(deployment)}"
    if deployment["spec"].get("paused"):
        raise Refused(f"{title} is paused: resume it first (kubectl rollout resume deployment/{name_of(deployment)})")
    if replicas_of(deployment) == 0:
        raise Refused(f"{title} is scaled to 0: there is no stable version to go back to; scale it up, or change its template directly")
    problem = not_rolled_out(deployment)
    if problem:
        raise Refused(f"{title} is not fully rolled out ({problem}): wait for its own rollout, or undo it (kubectl rollout undo)")
    clone = ctx.ref(DEPLOYMENT, clone_name(name_of(deployment)))
    live = ctx.client.find(clone)
    if live is not None:
        refuse_foreign(live, clone, ctx.by)
    try:
        return workload.present_hash(ctx, deployment)
    except Failed as problem_found:
        raise Refused(str(problem_found)) from None


def _services(ctx: Context, plan: Plan, deployment: Object, pod_labels: dict[str, str]) -> bool:
    """Whether the canary Service must be made."""
    old_labels = (deployment["spec"]["template"].get("metadata") or {}).get("labels") or {}
    stable = ctx.client.get(ctx.ref(SERVICE, plan.stable_service))
    canary: Object | None = ctx.client.find(ctx.ref(SERVICE, plan.canary_service))
    for service in [stable] if canary is None else [stable, canary]:
        title = f"Service {ctx.namespace}/{name_of(service)}"
        if is_headless(service):
            raise Refused(f"{title} is headless: it hands out pod addresses, which no router can split; name a Service with a cluster IP")
        for version, labels in (("present", old_labels), ("new", pod_labels)):
            if not selects(selector_of(service), labels):
                raise Refused(
                    f"{title} (selector {selector_text(selector_of(service)) or 'none'}) does not select the pods of the {version} version "
                    f"of Deployment {name_of(deployment)}: correct its selector or the template's labels"
                )
    return canary is None
