"""Strategy pair: the user keeps two Deployments, and the second one runs the new version for the time of the release."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..._actions import guards, objects, templates, workload
from ..._actions.context import Context
from ..._actions.stage import Stage
from ..._objects.edits import Edit
from ..._objects.refusal import Refused
from ..._objects.resources import DEPLOYMENT, SERVICE, Ref, labels, name_of
from ..._plan.plan import Plan
from ..._rollout.findings import Finding, fatal
from ..._rollout.hazards.services import lacking_port
from ..._rollout.program import RELEASE
from ..._steps import actions as kinds
from ..._workloads import revisions
from ..._workloads.deployments import replicas_of
from ..._workloads.label_selectors import match_labels
from ..._workloads.services import selector_of, selector_text, selects
from ..clone.handlers import roll_workload, shrunk
from ..handlers import Handlers, Pin, StableVersion
from ..sequence import facts_of

if TYPE_CHECKING:
    from ..._actions.gather import PreflightInputs

Object = dict[str, Any]

_REPLICAS = ("spec", "replicas")


def pin(stage: Stage, to: str) -> Pin:
    """By all labels of the Deployment's own selector, which its pods have whatever their template."""
    ref = _canary(stage) if to == "canary" else stage.ref
    return Pin(match_labels(stage.ctx.client.get(ref)), exact=True)


def _canary(stage: Stage) -> Ref:
    return stage.ctx.ref(DEPLOYMENT, stage.plan.canary_workload)


def ensure_canary(stage: Stage, action: kinds.EnsureCanary) -> None:
    ref, stable = _canary(stage), stage.workload()
    wanted = action.pods(replicas_of(stable))
    written = len(stage.ctx.journal.diff)
    before = stage.ctx.client.get(ref)
    # First the replicas, whose number before is remembered: that the canary has been touched shows by it.
    replicas = wanted if action.shrink or not _touched(stage) else max(wanted, replicas_of(before))
    guards.cover_canary(stage, before, replicas)
    _scale(stage, replicas)
    if stage.record.program == RELEASE:  # On the way back it has the new version, whatever became of the workload's template.
        new = stage.new_template(stable)
        workload.set_template(stage.ctx, ref, lambda live: stage.with_copies(templates.for_canary(stage.ctx, stage.plan, live, new)))
    workload.wait_rolled_out(stage.ctx, ref.name)
    if action.shrink:
        shrunk(stage, before, written)


def _touched(stage: Stage) -> bool:
    return bool(stage.ctx.recall(_canary(stage).key))


def _scale(stage: Stage, replicas: int) -> None:
    objects.edit(_scaling(stage), _canary(stage), lambda _base: [Edit(_REPLICAS, replicas)], annotate=False)


def _scaling(stage: Stage) -> Context:
    """What the workload's autoscaler made of the canary's size, while it followed that, is no drift."""
    return replace(stage.ctx, on_drift="repair") if facts_of(stage.record).scaled else stage.ctx


def remove_canary(stage: Stage, _action: kinds.RemoveCanary) -> None:
    """The canary gets its own replicas back, and after an abort its own template."""
    ref = _canary(stage)
    if stage.ctx.client.find(ref) is None:
        return
    if stage.record.program != RELEASE:

        def before(live: Object) -> revisions.Template:
            return templates.held(stage.ctx, stage.plan, live, stage.record.stable["canary"])

        workload.set_template(stage.ctx, ref, before)
    after = objects.edit(_scaling(stage), ref, lambda _base: [], annotate=False).after
    if not after["spec"].get("paused"):
        workload.wait_rolled_out(stage.ctx, ref.name)


def stable_version(ctx: Context, plan: Plan, live: Object, _held: bool) -> StableVersion:
    """Raises Refused where one of the two would take the other's pods."""
    canary = ctx.client.get(ctx.ref(DEPLOYMENT, plan.canary_workload))
    if canary["spec"].get("paused"):
        raise Refused(str(ctx.ref(DEPLOYMENT, plan.canary_workload)), "is paused", "resume it first")
    own, others = match_labels(live), match_labels(canary)
    for ours, name, theirs, other in (
        (own, plan.workload, canary, plan.canary_workload),
        (others, plan.canary_workload, live, plan.workload),
    ):
        if not ours:
            problem = "has no matchLabels in its selector, so that no Service can select its pods"
            raise Refused(str(ctx.ref(DEPLOYMENT, name)), problem, "give its selector a label that only its own pods have")
        if selects(ours, labels(theirs["spec"]["template"])):
            problem = f"has no label that distinguishes it from {other}: a Service that selects {selector_text(ours)} gets the pods of both"
            remedy = "give each of the two a label of its own in selector.matchLabels and in its template"
            raise Refused(str(ctx.ref(DEPLOYMENT, name)), problem, remedy)
    return StableVersion(workload.present_hash(ctx, live), own, canary["spec"]["template"])


def check(inputs: PreflightInputs) -> Iterator[Finding]:
    """The canary Service must select the pods of the second Deployment."""
    other = f"Deployment {inputs.plan.canary_workload}"
    for service in (each for each in inputs.services if name_of(each) == inputs.plan.canary_service):
        if selector_of(service) and not selects(selector_of(service), labels(inputs.stable.other)):
            problem = f"(selector {selector_text(selector_of(service))}) does not select the pods of {other}"
            yield fatal(str(inputs.ctx.ref(SERVICE, name_of(service))), problem, "correct its selector or the template's labels")
            continue
        template = templates.of_canary(inputs.plan, {"spec": {"template": inputs.stable.other}}, inputs.template)
        where = str(inputs.ctx.ref(SERVICE, name_of(service)))
        finding = lacking_port(where, service, template, str(inputs.ctx.ref(DEPLOYMENT, inputs.plan.canary_workload)))
        if finding is not None:
            yield finding


HANDLERS = Handlers(
    pin,
    stable_version,
    {kinds.EnsureCanary: ensure_canary, kinds.RollWorkload: roll_workload, kinds.RemoveCanary: remove_canary},
    check,
)
