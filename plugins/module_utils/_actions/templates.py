"""The pod templates of a rollout's versions: made from what the plan says, or found in the objects that hold them."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._objects.patches import merge_patch
from .._objects.refusal import Refused
from .._objects.resources import CONTROLLER_REVISION, DEPLOYMENT, WORKLOADS, Ref
from .._plan.plan import Plan
from .._strategies.registry import strategy_of
from .._workloads import revisions
from .._workloads.configs import renamed
from .._workloads.label_selectors import pod_selector
from .._workloads.revisions import Template
from .._workloads.templates import merged
from . import apply, made
from . import workload as workloads
from .context import Context, Failed

Object = dict[str, Any]


def new_template(ctx: Context, plan: Plan, workload: Object, present: Template, target: str = "", tried: bool = True) -> Template:
    """The template of the new version, as the API server would store it.

    Requests: a dry run where the template would change, since what the user gives lacks the API server's defaults, and admission may
    change it; LISTs of what holds templates where the plan names one of these.

    Args:
        present: What the new template is made from where the plan gives only the difference.
        target: Hash of the new version's template, where the record has it. A template that an object holds with this hash is not tried.
        tried: Whether images may be sent to the API server in a dry run.
    """
    revision = plan.revision
    if revision.held is not None:
        found = held(ctx, plan, workload, revision.held)
        return found if revision.held == target else _tried(ctx, plan, workload, found)
    if revision.template is not None:
        return _tried(ctx, plan, workload, merged(present, revision.template))
    if revision.definition is not None:
        return _tried(ctx, plan, workload, revision.definition)
    if revision.restart is not None:
        return revisions.restarted(present, revision.restart)
    if revision.carried and strategy_of(plan).keeps_second_workload:
        canary = ctx.client.get(ctx.ref(DEPLOYMENT, plan.canary_workload))["spec"]["template"]
        return {**canary, "metadata": present.get("metadata") or {}}
    template = revisions.with_images(present, revision.images, plan.title)
    return _tried(ctx, plan, workload, template) if tried else template


def refuse_restless(ctx: Context, plan: Plan, workload: Object, new: Template, configs: Mapping[str, Sequence[str]]) -> None:
    """Raises Refused where admission changes the new template once more when that is written: each call would begin another revision.

    Requests: none where the API server stores the images as they were asked for; else a dry run.

    Args:
        configs: As a record has them; the new template names the copies.
    """
    revision = plan.revision
    if revision.held is not None or revision.restart is not None or revision.carried:
        return
    if revision.images:
        asked = renamed(revisions.with_images(workload["spec"]["template"], revision.images, plan.title), configs)
        if revisions.template_hash(asked) == revisions.template_hash(new):
            return
    again = _tried(ctx, plan, workload, new)
    where = difference(new, again)
    if where:
        problem = f"has a pod template that admission changes at each write ({where} differs from one dry run to the next)"
        raise Refused(plan.title, problem, "make the mutating webhook or policy idempotent, or exclude this workload from it")


def difference(one: Template, other: Template) -> str:
    """The path of the first field in which two templates differ; empty where they are the same version."""
    if revisions.template_hash(one) == revisions.template_hash(other):
        return ""
    patch, path = merge_patch(one, other), ["spec.template"]
    while isinstance(patch, dict) and patch:
        key = next(iter(patch))
        path, patch = [*path, key], patch[key]
    return ".".join(path)


def held(ctx: Context, plan: Plan, workload: Object, hash_of_template: str) -> Template:
    """The template with this hash, which an object of the cluster holds."""
    found = _find(ctx, plan, workload, hash_of_template)
    if found is None:
        problem = "has no object with the template of that revision any more (revisionHistoryLimit, or its owner was deleted)"
        raise Refused(plan.title, problem, "release it by its images or its template instead")
    return found


def stable_template(ctx: Context, plan: Plan, workload: Object, hashes: Sequence[str]) -> Template:
    """The stable version's template. hashes: its own, and that of what admission made of it, in ReplicaSets too."""
    found = find_first(ctx, plan, workload, hashes)
    if found is None:
        problem = "has no object with the template of the stable version any more (revisionHistoryLimit?)"
        raise Failed(plan.title, problem, "set the workload's template to the stable version by hand and run again")
    return found


def for_canary(ctx: Context, plan: Plan, canary: Object, new: Template) -> Template:
    """The same as of_canary, as the API server would store it."""
    found = of_canary(plan, canary, new)
    return found if plan.revision.carried else _dry_run(ctx, ctx.ref(DEPLOYMENT, plan.canary_workload), canary, found)


def of_canary(plan: Plan, canary: Object, new: Template) -> Template:
    """The new version for the other Deployment of a pair, which keeps its own labels. new: the one for the workload."""
    own: Template = canary["spec"]["template"]
    revision = plan.revision
    if revision.carried:
        return own
    if revision.images and revision.held is None:
        return revisions.with_images(own, revision.images, f"{plan.kind} {plan.namespace}/{plan.canary_workload}")
    if revision.restart is not None:
        return revisions.restarted(own, revision.restart)
    return {**new, "metadata": own.get("metadata") or {}}


def own_versions(ctx: Context, plan: Plan, workload: Object) -> list[Template]:
    """The templates that objects of the workload's own hold: versions that it has had."""
    found = _controller_revisions(ctx, workload) if plan.kind != DEPLOYMENT.kind else workloads.replica_sets(ctx, workload)
    return [revisions.template_of(each) for each in found]


def kept(ctx: Context, plan: Plan, workload: Object) -> list[Template]:
    """The templates of the workload's versions that objects of the cluster hold."""
    return [revisions.template_of(each) for each in _holders(ctx, plan, workload)]


def find_first(ctx: Context, plan: Plan, workload: Object, hashes: Sequence[str]) -> Template | None:
    """The template with the first of these hashes that an object holds."""
    return next((found for each in hashes for found in [_find(ctx, plan, workload, each)] if found is not None), None)


def _find(ctx: Context, plan: Plan, workload: Object, hash_of_template: str) -> Template | None:
    live: Template = workload["spec"]["template"]
    if revisions.template_hash(live) == hash_of_template:
        return live
    return revisions.holding(_holders(ctx, plan, workload), hash_of_template)


def _holders(ctx: Context, plan: Plan, workload: Object) -> list[Object]:
    if plan.kind != DEPLOYMENT.kind:
        return _controller_revisions(ctx, workload)
    return [*workloads.replica_sets(ctx, workload), *made.deployments(ctx, plan.name)]


def _controller_revisions(ctx: Context, workload: Object) -> list[Object]:
    """As objects with the template where other kinds have it. Source: a ControllerRevision's data is the patch {spec: {template}}."""
    labels = pod_selector(workload)
    owned = revisions.owned(ctx.client.list(CONTROLLER_REVISION, ctx.namespace, labels)[0], workload)
    return [{"spec": {"template": _plain(each["data"]["spec"]["template"])}} for each in owned]


def _plain(template: Template) -> Template:
    return {key: value for key, value in template.items() if key != "$patch"}


def _tried(ctx: Context, plan: Plan, workload: Object, template: Template) -> Template:
    """The template as the API server would store it in the user's workload."""
    return _dry_run(ctx, ctx.ref(WORKLOADS[plan.kind], plan.workload), workload, template)


def _dry_run(ctx: Context, ref: Ref, workload: Object, template: Template) -> Template:
    """The template as the API server would store it, with defaults and admission; raises what that says of one that it refuses."""
    wanted = {**workload, "spec": {**workload["spec"], "template": template}}
    if not merge_patch(workload, wanted):
        return template
    stored: Template = apply.dry_run(ctx, ref, workload, wanted)["spec"]["template"]
    return stored
