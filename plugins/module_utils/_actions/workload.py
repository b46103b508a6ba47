"""Pauses, rolls and resumes the user's Deployment, and knows which ReplicaSet is its present version."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable

from .._objects.edits import Edit
from .._objects.resources import DEPLOYMENT, POD, REPLICA_SET, Ref
from .._workloads import revisions
from .._workloads.deployments import cannot_make_pods, failed, not_rolled_out, replicas_of
from .._workloads.in_place import not_taken_up, with_replicas
from .._workloads.label_selectors import match_labels, pod_selector
from .._workloads.marks import POD_TEMPLATE_HASH
from .._workloads.pods import has_ended, is_ready, troubles
from .._workloads.services import selector_text
from .._workloads.starting import any_fails
from . import apply, objects
from .context import Context, Failed, NoProgress
from .ownership import give_up

Object = dict[str, Any]

Written = Callable[[revisions.Template, revisions.Template], None]

_LOOK_AT_PODS_EVERY = 1.0


def _not_noted(_sent: revisions.Template, _stored: revisions.Template) -> None:
    """Stands for a note of what was stored where nobody compares with it."""


def pause(ctx: Context, name: str) -> apply.Outcome:
    """Pauses the Deployment."""
    return objects.edit(ctx, ctx.ref(DEPLOYMENT, name), lambda _base: [Edit(("spec", "paused"), True)], annotate=False)


def resume(ctx: Context, name: str) -> None:
    """Puts the Deployment's own `paused` back, and waits until its controller knows, so that another release may follow at once."""
    outcome = objects.edit(ctx, ctx.ref(DEPLOYMENT, name), lambda _base: [], annotate=False)
    if outcome.changed:
        wait_taken_up(ctx, ctx.ref(DEPLOYMENT, name))


def wait_ready_pods(ctx: Context, what: str, labels: str, count: int, stuck_as: str, remedy: str) -> None:
    """Waits until so many pods with the labels are ready; fails as soon as one is known not to start.

    what: that is waited for. stuck_as, remedy: of what is said then that it does not get ready, and what is to be done.
    """

    stuck, reasons = ctx.watch_starts(), _Reasons()

    def missing(pods: list[Object]) -> str | None:
        ready = sum(map(is_ready, pods))
        if ready >= count:
            return None
        reason = stuck(pods)
        if reason:
            raise NoProgress(stuck_as, f"does not get ready: {reason}", remedy)
        reasons.take(pods)
        why = str(reasons) or ("" if pods else "there are no pods of this version yet")
        return f"{ready} of {count} pods are ready" + (f" ({why})" if why else "")

    ctx.until(what, POD, missing, labels=labels)


class _Reasons:
    """Why pods are not ready, as of the last look of one wait, and how the last one failed that is no longer there."""

    def __init__(self) -> None:
        self._why: list[str] = []
        self._failure = ""

    def take(self, pods: list[Object], refused: str | None = None) -> None:
        """Looks at the pods. refused: why the API server refuses more of them. Where there are none, the last reasons stay."""
        failures = troubles([pod for pod in pods if has_ended(pod) or any_fails([pod])])
        self._failure = failures[0] if failures else self._failure
        if pods or refused:
            self._why = [*([refused] if refused else []), *troubles(pods)][:3]

    def __str__(self) -> str:
        before = [f"before that {self._failure}"] if self._why and self._failure and self._failure not in self._why else []
        return "; ".join([*self._why, *before])


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
        reason = f"ReplicaSet {', '.join(others)} still has pods" if others else "no ReplicaSet has its present template"
        remedy = f"finish or undo its own rollout first (kubectl rollout status deployment/{name})"
        raise Failed(str(ctx.ref(DEPLOYMENT, name)), f"is not fully rolled out ({reason})", remedy)
    return current


def roll(ctx: Context, name: str, template_of: Callable[[Object], revisions.Template], written: Written = _not_noted) -> None:
    """Rolls the Deployment to a template, until all its pods run it; one that was paused is resumed for that."""

    def spec_of(live: Object) -> Object:
        spec = {**live["spec"], "template": template_of(live)}
        if spec.get("paused") and (spec != live["spec"] or not_rolled_out(live)):
            spec.pop("paused")
        return spec

    _change(ctx, ctx.ref(DEPLOYMENT, name), spec_of, written)
    rolled = wait_rolled_out(ctx, name)
    if not ctx.recall(ctx.ref(DEPLOYMENT, name).key):
        give_up(ctx, ctx.ref(DEPLOYMENT, name), rolled)


def set_template(
    ctx: Context, ref: Ref, template_of: Callable[[Object], revisions.Template], at_least: int = 0, written: Written = _not_noted
) -> None:
    """Gives the workload a template, and at least so many replicas; waits for nothing."""

    def spec_of(live: Object) -> Object:
        sized = {"replicas": max(at_least, replicas_of(live))} if at_least else {}
        return {**live["spec"], "template": template_of(live), **sized}

    _change(ctx, ref, spec_of, written)


def set_replicas(ctx: Context, ref: Ref, count_of: Callable[[Object], int], live: Object | None = None) -> apply.Outcome | None:
    """Scales a workload. Waits for nothing.

    Args:
        count_of: The replicas that it must have, given the workload as it is. It may raise to give up.
        live: The workload, where it has been read already.

    Returns:
        None where it does not exist.
    """
    return apply.update(ctx, ref, lambda found: with_replicas(found, count_of(found)), live)


def _change(ctx: Context, ref: Ref, spec_of: Callable[[Object], Object], written: Written) -> None:
    """Gives the workload another spec, which is computed again only where a conflict came from a change of the spec.

    To compute the spec may take requests of its own, in which time others may write the object again.

    Args:
        written: Called with the template that was sent, and the one that the API server stored.
    """
    was: Object | None = None
    wanted: Object = {}

    def wanted_of(live: Object) -> Object:
        nonlocal was, wanted
        if was != live["spec"]:
            was, wanted = live["spec"], spec_of(live)
        return {**live, "spec": wanted}

    outcome = apply.update(ctx, ref, wanted_of, ctx.client.get(ref))
    if outcome is None:
        raise Failed(str(ref), "was deleted while it was being updated", "create it, and run again")
    if outcome.changed:
        written(wanted["template"], outcome.after["spec"]["template"])


def wait_rolled_out(ctx: Context, name: str, pod_labels: dict[str, str] | None = None) -> Object:
    """Waits until all replicas run the Deployment's template; fails as soon as a pod is known not to start."""
    look = _PodLook(ctx, name, pod_labels)

    def missing(deployments: list[Object]) -> str | None:
        if not deployments:
            raise Failed(look.title, "was deleted while this call waited for it", "create it, and run again")
        lacking = not_rolled_out(deployments[0])
        if lacking is None:
            return None
        verdict = failed(deployments[0])
        if verdict:
            raise NoProgress(look.title, f"does not get ready: {look.at(deployments[0], verdict)}", "correct the new version")
        return look.now_and_then(deployments[0], lacking)

    what = f"{look.title} fully rolled out"
    return ctx.until(what, DEPLOYMENT, missing, name=name, explain=look.again)[0]


class _PodLook:
    """Says why the pods of a Deployment are not ready, in the course of one wait, and keeps what they said last.

    pod_labels: of just the pods that run its present template, where the caller knows them.
    """

    def __init__(self, ctx: Context, name: str, pod_labels: dict[str, str] | None) -> None:
        self._ctx, self._pod_labels = ctx, pod_labels
        self.title = f"Deployment {ctx.namespace}/{name}"
        self._stuck = ctx.watch_starts()
        self._looked_at = ctx.clock.monotonic()
        self._deployment: Object = {}
        self._lacking, self._reasons = "", _Reasons()

    def now_and_then(self, deployment: Object, lacking: str) -> str:
        """What is lacking, with the reason as of the last look; looks at most once a second. Raises NoProgress as at."""
        self._deployment, self._lacking = deployment, lacking
        if self._ctx.clock.monotonic() - self._looked_at < _LOOK_AT_PODS_EVERY:
            return self._describe()
        return self.at(deployment, lacking)

    def again(self) -> str:
        """The same by a look just now."""
        return self.at(self._deployment, self._lacking)

    def at(self, deployment: Object, lacking: str) -> str:
        """Looks at the pods; what is lacking, with their reason. Raises NoProgress where one counts as stuck."""
        self._deployment, self._lacking = deployment, lacking
        self._looked_at = self._ctx.clock.monotonic()
        labels = self._pod_labels or _labels_of_version(self._ctx, deployment)
        pods = self._ctx.client.list(POD, self._ctx.namespace, selector_text(labels))[0] if labels else []
        reason = self._stuck(pods)
        if reason:
            raise NoProgress(self.title, f"does not get ready: {reason}", "correct the new version")
        self._reasons.take(pods, cannot_make_pods(deployment))
        return self._describe()

    def _describe(self) -> str:
        why = str(self._reasons)
        return f"{self._lacking} ({why})" if why else self._lacking


def _labels_of_version(ctx: Context, deployment: Object) -> dict[str, str]:
    """The labels of just the pods that run the present template: others, of versions that go, may well be in trouble."""
    found = revisions.matching(replica_sets(ctx, deployment), deployment["spec"]["template"])
    return {**match_labels(deployment), POD_TEMPLATE_HASH: revisions.hash_of(found)} if found else {}
