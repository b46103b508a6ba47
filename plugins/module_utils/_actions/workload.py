"""Pauses, rolls and resumes the user's Deployment, and knows which ReplicaSet is its present version."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable

from .._cluster.errors import Conflict
from .._objects.edits import Edit
from .._objects.patches import merge_patch
from .._objects.resources import DEPLOYMENT, POD, REPLICA_SET, Ref
from .._workloads import revisions
from .._workloads.deployments import failed, not_rolled_out, replicas_of
from .._workloads.in_place import not_taken_up
from .._workloads.label_selectors import match_labels, pod_selector
from .._workloads.marks import POD_TEMPLATE_HASH
from .._workloads.pods import is_ready, stuck, troubles
from .._workloads.services import selector_text
from . import objects
from .context import Context, Failed, NoProgress

Object = dict[str, Any]

_LOOK_AT_PODS_EVERY = 1.0


def pause(ctx: Context, name: str) -> Object:
    """Pauses the Deployment; returns it."""
    return objects.edit(ctx, ctx.ref(DEPLOYMENT, name), lambda _base: [Edit(("spec", "paused"), True)], annotate=False).after


def resume(ctx: Context, name: str) -> None:
    """Puts the Deployment's own `paused` back, and waits until its controller knows, so that another release may follow at once."""
    outcome = objects.edit(ctx, ctx.ref(DEPLOYMENT, name), lambda _base: [], annotate=False)
    if outcome.changed:
        wait_taken_up(ctx, ctx.ref(DEPLOYMENT, name))


def wait_ready_pods(ctx: Context, what: str, labels: str, count: int, stuck_as: str, remedy: str) -> None:
    """Waits until so many pods with the labels are ready; fails as soon as one is known not to start.

    what: that is waited for. stuck_as, remedy: of what is said then that it does not get ready, and what is to be done.
    """

    def missing(pods: list[Object]) -> str | None:
        ready = sum(map(is_ready, pods))
        if ready >= count:
            return None
        reason = stuck(pods)
        if reason:
            raise NoProgress(f"{stuck_as} does not get ready: {reason}: {remedy}")
        return "; ".join([f"{ready} of {count} pods are ready", *troubles(pods)[:3]])

    ctx.until(what, POD, missing, labels=labels)


def wait_taken_up(ctx: Context, ref: Ref) -> None:
    """Waits until the workload's controller has seen its last change; one that is gone needs none."""
    ctx.until(f"{ref} taken up", ref.resource, lambda found: next(map(not_taken_up, found), None), name=ref.name)


def replica_sets(ctx: Context, deployment: Object) -> list[Object]:
    """The ReplicaSets of a Deployment."""
    labels = pod_selector(deployment)
    return revisions.owned(ctx.client.list(REPLICA_SET, ctx.namespace, labels)[0], deployment)


def running_template(ctx: Context, deployment: Object) -> revisions.Template:
    """The template of the only version that has pods, which that of a paused Deployment need not be; raises as present_hash."""
    sets = replica_sets(ctx, deployment)
    return revisions.template_of(_present(ctx, deployment, sets, True)) if revisions.running(sets) else deployment["spec"]["template"]


def present_hash(ctx: Context, deployment: Object, held: bool = False) -> str:
    """The pod-template-hash of the only version that has pods; raises Failed where there are several, or another one.

    held: its template is allowed to be another one, which waits while the Deployment is paused.
    """
    return revisions.hash_of(_present(ctx, deployment, replica_sets(ctx, deployment), held))


def _present(ctx: Context, deployment: Object, sets: list[Object], held: bool) -> Object:
    name = deployment["metadata"]["name"]
    alive = revisions.running(sets)
    current = alive[0] if held and len(alive) == 1 else revisions.matching(sets, deployment["spec"]["template"])
    others = [each["metadata"]["name"] for each in alive if each is not current]
    if current is None or others:
        raise Failed(
            f"Deployment {ctx.namespace}/{name} is not fully rolled out: "
            + (f"ReplicaSet {', '.join(others)} still has pods" if others else "no ReplicaSet has its present template")
            + f": finish or undo its own rollout first (kubectl rollout status deployment/{name})"
        )
    return current


def roll(ctx: Context, name: str, template_of: Callable[[Object], revisions.Template]) -> None:
    """Rolls the Deployment to a template, until all its pods run it; one that was paused is resumed for that."""

    def spec_of(live: Object) -> Object:
        spec = {**live["spec"], "template": template_of(live)}
        if spec.get("paused") and (spec != live["spec"] or not_rolled_out(live)):
            spec.pop("paused")
        return spec

    _change(ctx, ctx.ref(DEPLOYMENT, name), spec_of)
    wait_rolled_out(ctx, name)


def set_template(ctx: Context, ref: Ref, template_of: Callable[[Object], revisions.Template], at_least: int = 0) -> None:
    """Gives the workload a template, and at least so many replicas; waits for nothing."""

    def spec_of(live: Object) -> Object:
        sized = {"replicas": max(at_least, replicas_of(live))} if at_least else {}
        return {**live["spec"], "template": template_of(live), **sized}

    _change(ctx, ref, spec_of)


def _change(ctx: Context, ref: Ref, spec_of: Callable[[Object], Object]) -> None:
    """Gives the workload another spec, computed anew where a conflict came from a change of the spec.

    To compute it may take requests of its own, in which time others may write the object again.
    """
    was: Object | None = None
    wanted: Object = {}
    for _attempt in range(8):
        live = ctx.client.get(ref)
        if was != live["spec"]:
            was, wanted = live["spec"], spec_of(live)
        patch = merge_patch(live, {**live, "spec": wanted})
        if not patch:
            return
        ctx.guard()
        try:
            ctx.journal.wrote(ref, live, ctx.client.patch(ref, patch, live))
            return
        except Conflict:
            continue
    raise Failed(f"{ref} keeps being changed by somebody else: find out who, and run again")


def wait_rolled_out(ctx: Context, name: str, pod_labels: dict[str, str] | None = None) -> Object:
    """Waits until all replicas run the Deployment's template; fails as soon as a pod is known not to start."""
    looked_at = [ctx.clock.monotonic()]

    def missing(deployments: list[Object]) -> str | None:
        if not deployments:
            raise Failed(f"Deployment {ctx.namespace}/{name} was deleted while it was waited for: run again")
        deployment = deployments[0]
        lacking = not_rolled_out(deployment)
        if lacking is None:
            return None
        verdict = failed(deployment)
        if verdict:
            raise NoProgress(f"Deployment {ctx.namespace}/{name} does not get ready: {verdict}")
        if ctx.clock.monotonic() - looked_at[0] < _LOOK_AT_PODS_EVERY:
            return lacking
        looked_at[0] = ctx.clock.monotonic()
        return _look_at_pods(ctx, deployment, pod_labels, lacking)

    return ctx.until(f"Deployment {ctx.namespace}/{name} fully rolled out", DEPLOYMENT, missing, name=name)[0]


def _look_at_pods(ctx: Context, deployment: Object, pod_labels: dict[str, str] | None, lacking: str) -> str:
    labels = pod_labels or _labels_of_version(ctx, deployment)
    if not labels:
        return lacking
    pods = ctx.client.list(POD, ctx.namespace, selector_text(labels))[0]
    reason = stuck(pods)
    if reason:
        raise NoProgress(f"Deployment {ctx.namespace}/{deployment['metadata']['name']} does not get ready: {reason}: mend the new version")
    why = "; ".join(troubles(pods)[:3])
    return f"{lacking} ({why})" if why else lacking


def _labels_of_version(ctx: Context, deployment: Object) -> dict[str, str]:
    """The labels of just the pods that run the present template: others, of versions that go, may well be in trouble."""
    found = revisions.matching(replica_sets(ctx, deployment), deployment["spec"]["template"])
    return {**match_labels(deployment), POD_TEMPLATE_HASH: revisions.hash_of(found)} if found else {}
