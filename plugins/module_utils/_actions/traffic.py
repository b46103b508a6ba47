"""Moves traffic on one router: refuses what is not ready, writes, waits for the router's status, and lets proxies converge."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Callable

from .._objects.edits import changed_at
from .._objects.refusal import Refused
from .._objects.resources import ENDPOINT_SLICE, POD, SERVICE, Ref
from .._routing import router_of
from .._routing.router import Backend, Objects
from .._routing.target import Split, Target, Wish
from .._workloads.pods import is_ready
from .._workloads.services import endpoints_of
from . import objects
from .context import Context, Failed, Journal

Object = dict[str, Any]


@dataclass(frozen=True)
class Moved:
    """What the router said before and says now, and its objects, the one that the user names first."""

    target: Target
    previous: Split
    weight: Split
    resources: list[Object]
    changed: bool
    drifted: list[str]


def move(ctx: Context, target: Target, wish: Wish, require_ready: bool = True) -> Moved:
    """Splits the traffic. Requests: a GET of each object when nothing is to be done; else also the EndpointSlices, and a write each."""
    return _edit(ctx, target, wish, require_ready)


def move_all(ctx: Context, targets: Sequence[Target], wish: Wish, require_ready: bool = True) -> list[Moved]:
    """Splits the traffic of several router objects alike; all are looked at before the first is written."""
    if len(targets) > 1:
        rehearsal = replace(ctx, check=True, journal=Journal())
        for target in targets:
            move(rehearsal, target, wish, require_ready)
    return [move(ctx, target, wish, require_ready) for target in targets]


def restore(ctx: Context, target: Target, settle: Callable[[Moved], None], require_ready: bool = True) -> Moved:
    """Puts the router back as it was before the first split.

    settle: called between the move to weight 0 and the removal of an object that carried the traffic.
    """
    if not router_of(target).removes or not _made(ctx, target):
        return _edit(ctx, target, None, require_ready)
    emptied = _edit(ctx, target, Wish(Split(100, 0)), require_ready)
    settle(emptied)
    gone = _edit(ctx, target, None, require_ready)
    drifted = emptied.drifted + gone.drifted
    return Moved(target, emptied.previous, gone.weight, gone.resources, emptied.changed or gone.changed, drifted)


def _made(ctx: Context, target: Target) -> bool:
    """Whether any of the objects that the router makes is there."""
    router = router_of(target)
    return any(ctx.client.find(ctx.ref(part.resource, part.name)) for part in router.parts(target).values() if not part.required)


def exists(ctx: Context, target: Target) -> bool:
    """Whether the router is there; one that the user deleted needs nothing back."""
    parts = router_of(target).parts(target)
    return all(ctx.client.find(ctx.ref(part.resource, part.name)) for part in parts.values() if part.required)


def settle(ctx: Context, moves: Sequence[Moved], grace: float) -> None:
    """Lets proxies converge after moves, also after one that an earlier call made and did not live to wait for."""
    times = [ctx.clock.now() if moved.changed else changed_at(obj) for moved in moves for obj in moved.resources]
    known = [at for at in times if at is not None]
    if known:
        ctx.settle(grace, max(known))


def validate(ctx: Context, target: Target) -> None:
    """Raises Refused unless a rollout can split traffic on the router, beginning with none on the canary; writes nothing."""
    router, refs = router_of(target), _refs(ctx, target)
    parts = router.parts(target)
    found = {key: ctx.client.get(ref) if parts[key].required else ctx.client.find(ref) for key, ref in refs.items()}
    router.changes(found, target, Wish(Split(99, 1)))
    router.missing(found, target)  # raises when the router will not serve them
    present = router.weight(found, target)
    if present.canary:
        # The new version would get this share as soon as the canary Service points at it, whatever the first step says.
        raise Refused(
            f"{next(iter(refs.values()))} sends {present.canary} of {present.total} parts to Service {target.canary_service} already: "
            "give the canary weight 0 first"
        )


def _edit(ctx: Context, target: Target, wish: Wish | None, require_ready: bool) -> Moved:
    router, refs = router_of(target), _refs(ctx, target)
    required = {key for key, part in router.parts(target).items() if part.required}

    def check(before: Objects, after: Objects) -> None:
        if wish is not None:
            router.missing(before, target)  # raises when the router will not serve them
        if require_ready:
            _require_ready(ctx, router.backends(after, target, router.weight(after, target), wish))

    outcome = objects.edit_all(ctx, refs, required, lambda bases: router.changes(bases, target, wish), check)
    if not ctx.check:
        _prove(ctx, target, refs, outcome.after)
    resources = [obj for obj in outcome.after.values() if obj is not None]
    return Moved(
        target, router.weight(outcome.before, target), router.weight(outcome.after, target), resources, outcome.changed, outcome.drifted
    )


def _prove(ctx: Context, target: Target, refs: dict[str, Ref], after: Objects) -> None:
    """Waits until the router's controller says that it serves the objects, where it says such things."""
    router = router_of(target)
    missing = router.missing(after, target)
    key, ref = next(iter(refs.items()))
    if missing is None:
        return

    def still_missing(found: list[Object]) -> str | None:
        if not found:
            raise Failed(f"{ref} was deleted while its status was waited for")
        return router.missing({**after, key: found[0]}, target)

    try:
        ctx.until(f"the status of {ref}", ref.resource, still_missing, name=ref.name, known=after[key])
    except Refused as refused:
        raise Failed(f"{refused}. It was written already: state absent, or an abort, puts it back") from None


def _refs(ctx: Context, target: Target) -> dict[str, Ref]:
    return {key: ctx.ref(part.resource, part.name) for key, part in router_of(target).parts(target).items()}


def _require_ready(ctx: Context, backends: Sequence[Backend]) -> None:
    for namespace in sorted({backend.namespace for backend in backends}):
        here = [backend for backend in backends if backend.namespace == namespace]
        _require_services(ctx, namespace, [backend for backend in here if not backend.labels])
        _require_pods(ctx, namespace, [backend for backend in here if backend.labels])


def _require_services(ctx: Context, namespace: str, backends: Sequence[Backend]) -> None:
    if not backends:
        return
    names = ",".join(sorted({backend.service for backend in backends}))
    slices, _version = ctx.client.list(ENDPOINT_SLICE, namespace, f"kubernetes.io/service-name in ({names})")
    for backend in backends:
        if not endpoints_of(backend.service, slices).ready:
            ctx.client.get(Ref(SERVICE, namespace, backend.service))  # Says so when there is no such Service.
            raise Refused(
                f"Service {namespace}/{backend.service} has no ready endpoints and would get {backend.share}: "
                f"make its pods ready (kubectl get endpointslices -n {namespace} -l kubernetes.io/service-name={backend.service})"
            )


def _require_pods(ctx: Context, namespace: str, backends: Sequence[Backend]) -> None:
    for backend in backends:
        selector = ",".join(f"{key}={value}" for key, value in backend.labels)
        pods, _version = ctx.client.list(POD, namespace, selector)
        if not any(is_ready(pod) for pod in pods):
            raise Refused(
                f"Service {namespace}/{backend.service}: no ready pod has the labels {selector}, and they would get {backend.share}: "
                f"make such pods ready (kubectl get pods -n {namespace} -l {selector})"
            )
