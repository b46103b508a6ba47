"""Runs the new version beside the workload, and takes it away again."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable

from .._cluster.errors import Conflict
from .._objects.patches import merge_patch
from .._objects.refusal import Refused
from .._objects.resources import DEPLOYMENT, POD, SERVICE, Ref, labels
from .._workloads.clones import clone_name, clone_of
from .._workloads.deployments import replicas_of
from .._workloads.marks import REVISION, ROLLOUT
from .._workloads.revisions import Template
from .._workloads.services import canary_service
from . import services, workload
from .context import Context

Object = dict[str, Any]


def ensure(ctx: Context, deployment: Object, template: Template, revision: str, replicas: int, shrink: bool = False) -> None:
    """Makes the clone, or gives it so many replicas, and waits until all are ready.

    shrink: it may get fewer. Only when it has no traffic: each of its pods has a part of what there is.
    """
    ref = ctx.ref(DEPLOYMENT, clone_name(deployment["metadata"]["name"]))
    while not _written(ctx, ref, clone_of(deployment, template, revision, replicas, ctx.by), shrink):
        ctx.beat()
    workload.wait_rolled_out(ctx, ref.name, {REVISION: revision})


def _written(ctx: Context, ref: Ref, clone: Object, shrink: bool) -> bool:
    """Writes what is missing of the clone; False when somebody else wrote in between."""
    live = ctx.client.find(ref)
    if live is None:
        ctx.guard()
        try:
            ctx.journal.wrote(ref, None, ctx.client.create(ref, clone))
        except Conflict:
            return False
        return True
    refuse_foreign(live, ref, ctx.by)
    if live["spec"]["selector"] != clone["spec"]["selector"]:
        raise Refused(f"{ref} is left over from another revision: delete it")
    present, wanted = replicas_of(live), clone["spec"]["replicas"]
    if present == wanted or (present > wanted and not shrink):
        return True
    ctx.guard()
    sized = {**live, "spec": {**live["spec"], "replicas": wanted}}
    try:
        ctx.journal.wrote(ref, live, ctx.client.patch(ref, merge_patch(live, sized), live))
    except Conflict:
        return False
    return True


def remove(ctx: Context, name: str, revision: str) -> None:
    """Deletes the clone and waits until its pods take no requests any more: all are going or gone."""
    _delete(ctx, ctx.ref(DEPLOYMENT, clone_name(name)))
    _until_pods(ctx, revision, "the end of the clone's pods", lambda pod: not pod["metadata"].get("deletionTimestamp"))


def wait_gone(ctx: Context, revision: str) -> None:
    """Waits until the clone's pods are no more."""
    _until_pods(ctx, revision, "the clone's pods gone", lambda _pod: True)


def _until_pods(ctx: Context, revision: str, what: str, counts: Callable[[Object], bool]) -> None:
    def missing(pods: list[Object]) -> str | None:
        left = [pod["metadata"]["name"] for pod in pods if counts(pod)]
        return f"{len(left)} of them are left, {left[0]} for one" if left else None

    ctx.until(what, POD, missing, labels=f"{REVISION}={revision}")


def make_service(ctx: Context, stable_name: str, name: str, revision: str) -> None:
    """Makes the canary Service after the stable one and waits until the clone's pods stand behind it."""
    ref = ctx.ref(SERVICE, name)
    live = ctx.client.find(ref)
    if live is None:
        wanted = canary_service(ctx.client.get(ctx.ref(SERVICE, stable_name)), name, revision, ctx.by)
        # The pin of the stable Service is not for this one.
        wanted["spec"]["selector"].pop("pod-template-hash", None)
        ctx.guard()
        live = ctx.client.create(ref, wanted)
        ctx.journal.wrote(ref, None, live)
    refuse_foreign(live, ref, ctx.by)
    services.prove(ctx, live)


def remove_service(ctx: Context, name: str) -> None:
    """Deletes the canary Service that was made here."""
    _delete(ctx, ctx.ref(SERVICE, name))


def refuse_foreign(live: Object, ref: Ref, rollout: str) -> None:
    """Raises Refused unless the object was made for this rollout."""
    if labels(live).get(ROLLOUT) != rollout:
        raise Refused(f"{ref} is there already and was not made by rollout {rollout}: rename or delete it, its name is needed")


def _delete(ctx: Context, ref: Ref) -> None:
    live = ctx.client.find(ref)
    if live is None:
        return
    refuse_foreign(live, ref, ctx.by)
    if live["metadata"].get("deletionTimestamp"):
        return
    ctx.guard()
    ctx.client.delete(ref, live)
    ctx.journal.wrote(ref, live, None)
