"""What must be true before a rollout writes anything; what it finds out on the way goes into the record."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._objects import edits
from .._objects.refusal import Refused
from .._objects.resources import DEPLOYMENT, POD, SERVICE, Resource, name_of
from .._objects.resources import labels as labels_of
from .._plan.plan import Plan
from .._rollout.course import wishes
from .._rollout.permissions import lacking, of_router
from .._routing import router_of
from .._workloads.marks import MANAGED_BY, MANAGER, ROLLOUT
from .._workloads.pods import is_ready
from .._workloads.revisions import Template, template_hash
from .._workloads.services import bystanders, is_headless, selector_of, selector_text, selects
from . import traffic
from .context import Context
from .startable import stable_of

Object = dict[str, Any]

_REVIEW = Resource("authorization.k8s.io", "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews")


@dataclass(frozen=True)
class Facts:
    """What a rollout must remember of its start."""

    stable_hash: str
    bystanders: list[str]
    canary_service_made: bool
    canary_template: str  # of the other Deployment of a pair, as it was; its hash


def check(ctx: Context, plan: Plan, workload: Object, template: Template, running: Mapping[str, Any]) -> Facts:
    """Raises Refused, or NotFound for what is missing, when the rollout cannot be done safely.

    template: of the new version. running: what the record tells of the stable one.
    """
    _permissions(ctx, plan)
    if not running.get("made"):
        refuse_leftovers(ctx, plan.name)
    stable = stable_of(ctx, plan, workload, running, template_hash(template))
    pod_labels = labels_of(template)
    made = _services(ctx, plan, workload, pod_labels, stable.other)
    for target in plan.routers:
        traffic.validate(ctx, target, wishes(plan))
    services, _version = ctx.client.list(SERVICE, ctx.namespace)
    # As they are without our pins, of which some styles leave some after a release.
    foreign = [edits.base_of(each, ctx.by) for each in services if labels_of(each).get(MANAGED_BY) != MANAGER]
    others = bystanders(foreign, pod_labels, [plan.stable_service, plan.canary_service])
    for service in foreign:
        if name_of(service) == plan.stable_service or (name_of(service) in others and plan.style != "pair"):
            _only_these_pods(ctx, plan, service, stable.pods)
    return Facts(stable.hash, others, made, template_hash(stable.other) if stable.other else "")


def _only_these_pods(ctx: Context, plan: Plan, service: Object, stable: Mapping[str, str]) -> None:
    """Raises Refused for a Service with pods of other workloads too: pinned to one version of this one, it would lose them.

    stable: the labels of the stable version's pods.
    """
    pods, _version = ctx.client.list(POD, ctx.namespace, selector_text(selector_of(service)))
    others = [name_of(pod) for pod in pods if is_ready(pod) and not selects(stable, labels_of(pod))]
    if others:
        raise Refused(
            f"Service {ctx.namespace}/{name_of(service)} selects pods of other workloads than {plan.kind} {plan.workload} "
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


def _services(ctx: Context, plan: Plan, workload: Object, new: Mapping[str, str], other: Mapping[str, Any]) -> bool:
    """Whether the canary Service must be made.

    new: the labels of the new version's pods. other: the template of a pair's other Deployment.
    """
    old = labels_of(workload["spec"]["template"])
    stable = ctx.client.get(ctx.ref(SERVICE, plan.stable_service))
    canary: Object | None = ctx.client.find(ctx.ref(SERVICE, plan.canary_service))
    for service in [stable] if canary is None else [stable, canary]:
        if is_headless(service):
            raise Refused(
                f"Service {ctx.namespace}/{name_of(service)} is headless: it hands out pod addresses, which no router can split; "
                "name a Service with a cluster IP"
            )
        title = f"{plan.kind} {plan.workload}"
        wanted = {f"the present version of {title}": old, f"the new version of {title}": new}
        if other and service is canary:
            wanted = {f"{plan.kind} {plan.canary_workload}": labels_of(other)}
        for whose, labels in wanted.items():
            _require_selects(ctx, edits.base_of(service, ctx.by), labels, whose)
    return canary is None


def _require_selects(ctx: Context, service: Object, labels: Mapping[str, str], whose: str) -> None:
    if not selects(selector_of(service), labels):
        raise Refused(
            f"Service {ctx.namespace}/{name_of(service)} (selector {selector_text(selector_of(service)) or 'none'}) does not select the "
            f"pods of {whose}: correct its selector or the template's labels"
        )
