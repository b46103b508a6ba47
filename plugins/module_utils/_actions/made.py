"""Makes Deployments and Services for a rollout, and takes them away again."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from .._objects import edits
from .._objects.refusal import Refused
from .._objects.resources import DEPLOYMENT, POD, SERVICE, Ref, labels, name_of
from .._workloads.configs import is_copy
from .._workloads.deployments import replicas_of
from .._workloads.label_selectors import match_labels
from .._workloads.marks import MANAGED_BY, MANAGER, REVISION, ROLLOUT
from .._workloads.pods import has_ended
from .._workloads.services import canary_service, selector_of
from . import apply, services, workload
from .context import Context

Object = dict[str, Any]


def ensure(ctx: Context, wanted: Object, shrink: bool = False) -> None:
    """Creates the Deployment, or gives it the replicas of `wanted`, and waits until all are ready.

    Args:
        shrink: It may get fewer replicas. Only when it has no traffic: each of its pods has a share of it.
    """
    ref, count = ctx.ref(DEPLOYMENT, name_of(wanted)), wanted["spec"]["replicas"]
    live = apply.create_or_adopt(ctx, ref, lambda: wanted, lambda found: _check_deployment(ctx, ref, found, wanted))

    def size_of(found: Object) -> int:
        _check_deployment(ctx, ref, found, wanted)
        return count if shrink else max(count, replicas_of(found))

    workload.set_replicas(ctx, ref, size_of, live)
    workload.wait_rolled_out(ctx, ref.name, {REVISION: labels(wanted["spec"]["template"])[REVISION]})


def _check_deployment(ctx: Context, ref: Ref, live: Object, wanted: Object) -> None:
    refuse_foreign(live, ref, ctx.by, ctx.uid_of(ref.key))
    if live["spec"]["selector"] != wanted["spec"]["selector"]:
        raise Refused(str(ref), "is left over from another revision", "delete it")


def scale_to_zero(ctx: Context, name: str, revision: str) -> None:
    """Scales a Deployment that the rollout created to 0, and waits until its pods take no requests any more."""
    ref = ctx.ref(DEPLOYMENT, name)

    def none(live: Object) -> int:
        if replicas_of(live):
            refuse_foreign(live, ref, ctx.by, ctx.uid_of(ref.key))
        return 0

    workload.set_replicas(ctx, ref, none)
    wait_ended(ctx, revision)


def remove(ctx: Context, name: str, revision: str) -> None:
    """Deletes a Deployment that was made here, and waits until its pods take no requests any more."""
    _delete(ctx, ctx.ref(DEPLOYMENT, name))
    wait_ended(ctx, revision)


def wait_ended(ctx: Context, version: str, label: str = REVISION) -> None:
    """Waits until all pods with that value of the label are going or gone."""
    what = "the end of the pods of a version without traffic"
    _until_pods(ctx, f"{label}={version}", what, lambda pod: not pod["metadata"].get("deletionTimestamp"))


def wait_gone(ctx: Context, revision: str) -> None:
    """Waits until the pods of the revision are no more."""
    _until_pods(ctx, f"{REVISION}={revision}", "the new version's pods gone", lambda _pod: True)


def _until_pods(ctx: Context, selector: str, what: str, counts: Callable[[Object], bool]) -> None:
    def missing(pods: list[Object]) -> str | None:
        # A ReplicaSet of size 0 leaves pods that have failed, such as evicted ones.
        left = [pod["metadata"]["name"] for pod in pods if counts(pod) and not has_ended(pod)]
        return f"{len(left)} pods are left, for example {left[0]}" if left else None

    ctx.until(what, POD, missing, labels=selector)


def deployments(ctx: Context, rollout: str) -> list[Object]:
    """The Deployments that were made for the rollout, without those on their way out."""
    found, _version = ctx.client.list(DEPLOYMENT, ctx.namespace, f"{ROLLOUT}={rollout}")
    return [each for each in found if not each["metadata"].get("deletionTimestamp")]


def make_service(ctx: Context, stable_name: str, name: str, pin: Mapping[str, str | None], exact: bool) -> None:
    """Makes the canary Service after the stable one and waits until the new version's pods stand behind it.

    pin: the labels of just these pods, beside the stable Service's own selector, or instead of it where `exact`.
    """
    ref = ctx.ref(SERVICE, name)

    def make() -> Object:
        stable = ctx.client.get(ctx.ref(SERVICE, stable_name))
        # The pin of the stable Service is not for this one.
        own = {} if exact else selector_of(edits.base_of(stable, ctx.by))
        selector = {key: value for key, value in {**own, **pin}.items() if value is not None}
        return canary_service(stable, name, selector, ctx.by)

    live = apply.create_or_adopt(ctx, ref, make, lambda found: refuse_foreign(found, ref, ctx.by, ctx.uid_of(ref.key)))
    services.prove(ctx, live)


def remove_service(ctx: Context, name: str) -> None:
    """Deletes the canary Service that was made here."""
    _delete(ctx, ctx.ref(SERVICE, name))


def remove_copy(ctx: Context, ref: Ref) -> None:
    """Deletes a copy of a ConfigMap or of a Secret, unless somebody has made it their own."""
    live = ctx.client.find(ref)
    if live is not None and _is_of(live, ctx.by, ctx.uid_of(ref.key)) and is_copy(live):
        _delete(ctx, ref)


def refuse_foreign(live: Object, ref: Ref, rollout: str, uid: str = "") -> None:
    """Raises Refused unless the object was created for this rollout. uid: what the record remembers, empty where it does not know."""
    if not _is_of(live, rollout, uid):
        raise Refused(str(ref), f"is there already and was not made by rollout {rollout}", "rename or delete it, its name is needed")


def _is_of(live: Object, rollout: str, uid: str) -> bool:
    """By the uid; where that is not known, by more than a label, which anybody may copy from an object of ours."""
    if labels(live).get(ROLLOUT) != rollout or labels(live).get(MANAGED_BY) != MANAGER:
        return False
    if uid:
        return bool(live["metadata"]["uid"] == uid)
    if live["kind"] != DEPLOYMENT.kind:
        return True
    return REVISION in match_labels(live) and REVISION in labels(live["spec"]["template"])


def _delete(ctx: Context, ref: Ref) -> None:
    def once() -> None:
        live = ctx.client.find(ref)
        if live is None:
            ctx.created(ref.key, "")
            return
        refuse_foreign(live, ref, ctx.by, ctx.uid_of(ref.key))
        if not live["metadata"].get("deletionTimestamp"):
            apply.delete(ctx, ref, live)

    apply.retry(once)
