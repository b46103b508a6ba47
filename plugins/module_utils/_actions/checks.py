"""What must be true before a rollout writes anything; what is found out on the way goes into the record."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Callable

from .._objects import pages
from .._objects.refusal import Refused
from .._objects.resources import DEPLOYMENT, POD, SERVICE, WORKLOADS, Resource, labels, name_of
from .._plan.plan import Plan
from .._rollout.findings import FATAL, WARNING, Finding, fatal, of_message, warning
from .._rollout.hazards.registry import hazards_in
from .._rollout.permissions import lacking
from .._routing.target import Target
from .._strategies.registry import strategy_of
from .._workloads import revisions
from .._workloads.marks import ROLLOUT
from .._workloads.pods import is_ready
from .._workloads.services import selector_of, selector_text, selects
from . import declared, guards, rights
from .context import Context, Failed
from .gather import PreflightInputs
from .workload_preconditions import refuse_taken

Object = dict[str, Any]

_REVIEW = Resource("authorization.k8s.io", "v1", "SelfSubjectRulesReview", "selfsubjectrulesreviews")


@dataclass(frozen=True)
class Facts:
    """What a rollout must remember of its start."""

    stable_hash: str
    bystanders: list[str]
    canary_service_made: bool
    guards: list[str]  # keys (Ref.key) of what scales the workload by itself, and of its disruption budgets
    canary_template: str  # of the other Deployment of a pair, as it was; its hash
    made: list[str]  # keys of what the plan declares, and is not there
    min_replicas: int  # pods that a canary with traffic has at least


@dataclass(frozen=True)
class Check:
    """title: the object that it is about. run: what it finds; it may also raise Refused, Failed or ApiError."""

    title: str
    run: Callable[[PreflightInputs], Iterable[Finding]]


def check(
    ctx: Context, plan: Plan, workload: Object, template: revisions.Template, running: Mapping[str, Any] | None, held: bool = False
) -> Facts:
    """Raises Refused, or NotFound for what is missing, when the rollout cannot be done safely; what endangers it becomes warnings.

    template: of the new version. running: what the record tells of the stable one; None: there is no record.
    held: the workload is paused between releases.
    """
    inputs = PreflightInputs(ctx, plan, workload, template, running, held)
    try:
        for each in checks_of(inputs):
            for finding in each.run(inputs):
                if finding.severity == FATAL:
                    raise Refused(finding.object, finding.problem, finding.remedy)
                ctx.journal.warnings.append(str(finding))
        stable = inputs.stable
    except Failed as problem:
        raise Refused(str(problem)) from None
    there = [name_of(each) for each in inputs.services]
    other = revisions.template_hash(stable.other) if stable.other else ""
    for ref, obj in inputs.made.items() if ctx.check else ():
        ctx.journal.wrote(ref, None, obj)
    made = [ref.key for ref in inputs.made]
    snapshot = inputs.snapshot
    scaling = guards.keys_of(snapshot.guards)
    return Facts(stable.hash, snapshot.bystanders, plan.canary_service not in there, scaling, other, made, snapshot.min_replicas)


def checks_of(inputs: PreflightInputs) -> list[Check]:
    """All checks of a start, in their order: each may be run without the others."""
    ctx, plan = inputs.ctx, inputs.plan
    workload = str(ctx.ref(WORKLOADS[plan.kind], plan.workload))
    return [
        permissions(inputs),
        Check(f"rollout {plan.name}", _leftovers),
        Check(str(ctx.ref(SERVICE, plan.stable_service)), _stable_service),
        Check(workload, _new_version),
        Check(workload, _hazards),
        Check(workload, _name_is_free),
        Check(workload, _stable_version),
        *(_router(inputs, target) for target in plan.routers),
        Check(workload, _pods),
        Check(workload, _guards),
    ]


def permissions(inputs: PreflightInputs) -> Check:
    """Whether all that a rollout must be allowed to do is granted."""
    return Check(f"namespace {inputs.ctx.namespace}", _permissions)


def _permissions(inputs: PreflightInputs) -> Iterator[Finding]:
    namespace = inputs.ctx.namespace
    review = {"apiVersion": _REVIEW.api_version, "kind": _REVIEW.kind, "spec": {"namespace": namespace}}
    answer = inputs.ctx.client.review(_REVIEW, review)
    missing = lacking(rights.needed(inputs), answer.get("status") or {})
    if missing:
        where = f"{pages.RBAC} has the whole of it" + (f", {pages.RBAC_TRACK_CONFIGS} that for Secrets" if inputs.copies_secrets else "")
        remedy = f"grant the verbs with a Role ({where}; rollout_preflight_info returns the smallest)"
        yield fatal(f"namespace {namespace}", f"does not allow {', '.join(missing)}", remedy)


def _leftovers(inputs: PreflightInputs) -> Iterator[Finding]:
    if not inputs.has_record:
        _refuse_left(inputs.ctx, inputs.plan.name, inputs.deployments)
    yield from ()


def refuse_leftovers(ctx: Context, rollout: str) -> None:
    """Raises Refused where the record is gone and objects of the rollout are left: the record said what to put back."""
    _refuse_left(ctx, rollout, ctx.client.list(DEPLOYMENT, ctx.namespace, f"{ROLLOUT}={rollout}")[0])


def _refuse_left(ctx: Context, rollout: str, deployments: Sequence[Object]) -> None:
    left = [each for each in deployments if labels(each).get(ROLLOUT) == rollout and not each["metadata"].get("deletionTimestamp")]
    if left:
        problem = f"has no record any more, but Deployment {ctx.namespace}/{name_of(left[0])} of it is there"
        raise Refused(f"rollout {rollout}", problem, f"put the application back by hand as {pages.LOST_RECORD} says")


def _stable_service(inputs: PreflightInputs) -> Iterator[Finding]:
    """A misspelled name looks the same as a Service that does not exist yet."""
    made = inputs.made_service
    if made is not None and not inputs.plan.ports:
        ports = ", ".join(" ".join(str(port[key]) for key in ("name", "port") if key in port) for port in made["spec"]["ports"])
        problem = f"does not exist, and will be created with the ports of the containers ({ports})"
        yield warning(
            str(inputs.ctx.ref(SERVICE, name_of(made))), problem, f"name them in services.ports, or correct services.{inputs.plan.words[0]}"
        )


def _new_version(inputs: PreflightInputs) -> Iterator[Finding]:
    revisions.template_hash(inputs.template)  # Refuses what does not fit the workload.
    yield from ()


def _hazards(inputs: PreflightInputs) -> Iterator[Finding]:
    yield from hazards_in(inputs.snapshot)
    yield from inputs.unread


def _name_is_free(inputs: PreflightInputs) -> Iterator[Finding]:
    refuse_taken(inputs.ctx, inputs.plan, inputs.deployments, revisions.template_hash(inputs.template_or_present))
    yield from ()


def _stable_version(inputs: PreflightInputs) -> Iterator[Finding]:
    if inputs.stable:  # Raises where the strategy cannot release the workload as it is.
        yield from strategy_of(inputs.plan).parts().handlers.check(inputs)


def _router(inputs: PreflightInputs, target: Target) -> Check:
    def run(inputs: PreflightInputs) -> Iterator[Finding]:
        for text in declared.validate(inputs.ctx, inputs.plan, target, *inputs.router(target)):
            yield replace(of_message(title, text), severity=WARNING)

    title = str(declared.routers_object(inputs.ctx, target)[0])
    return Check(title, run)


def _guards(inputs: PreflightInputs) -> Iterator[Finding]:
    """What has to be changed for the time of the release may be."""
    guards.require_rights(inputs.ctx, guards.keys_of(inputs.snapshot.guards))
    yield from ()


def _pods(inputs: PreflightInputs) -> Iterator[Finding]:
    """A Service with pods of other workloads too would lose them when it is pinned to one version of this one."""
    if inputs.snapshot.at_rest is not None:
        return  # The hazards say so.
    # A bystander of a pair may well take both of the two.
    names = (inputs.plan.stable_service, *(() if strategy_of(inputs.plan).keeps_second_workload else inputs.snapshot.bystanders))
    for service in (each for each in inputs.snapshot.foreign_services if name_of(each) in names and selector_of(each)):
        pods, _version = inputs.ctx.client.list(POD, inputs.ctx.namespace, selector_text(selector_of(service)))
        others = [name_of(pod) for pod in pods if is_ready(pod) and not selects(inputs.stable.pods, labels(pod))]
        if others:
            problem = f"selects pods of other workloads than {inputs.plan.kind} {inputs.plan.workload} too ({', '.join(others[:3])})"
            remedy = "give it a selector that matches just one workload"
            yield fatal(str(inputs.ctx.ref(SERVICE, name_of(service))), problem, remedy)
