"""Moves traffic on one router: refuses Services without ready endpoints, writes, and lets proxies converge."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._objects.edits import changed_at
from .._objects.refusal import Refused
from .._objects.resources import ENDPOINT_SLICE, SERVICE, Ref
from .._routing import router
from .._routing.target import Split, Target
from .._workloads.services import endpoints_of
from . import objects
from .context import Context

Object = dict[str, Any]


@dataclass(frozen=True)
class Moved:
    """What the router said before and says now, and the router object."""

    previous: Split
    weight: Split
    resource: Object
    changed: bool
    drifted: list[str]


def move(ctx: Context, target: Target, split: Split, require_ready: bool = True) -> Moved:
    """Splits the traffic. Requests: 1 GET when nothing is to be done, else 2 GETs (router, EndpointSlices) and 1 PATCH."""
    module = router(target.router)
    return _edit(ctx, target, lambda base: module.edits(base, target, split), require_ready)


def restore(ctx: Context, target: Target, require_ready: bool = True) -> Moved:
    """Puts the router back as it was before the first split."""
    return _edit(ctx, target, lambda _base: [], require_ready)


def exists(ctx: Context, target: Target) -> bool:
    """Whether the router is there; one that the user deleted needs nothing back."""
    return ctx.client.find(_ref(ctx, target)) is not None


def settle(ctx: Context, moved: Moved, grace: float) -> None:
    """Lets proxies converge after a move, also after one that an earlier call made and did not live to wait for."""
    at = ctx.clock.now() if moved.changed else changed_at(moved.resource)
    if at is not None:
        ctx.settle(grace, at)


def validate(ctx: Context, target: Target) -> None:
    """Raises Refused unless a rollout can split traffic on the router, beginning with none on the canary; writes nothing."""
    module = router(target.router)
    ref = _ref(ctx, target)
    obj = ctx.client.get(ref)
    module.edits(obj, target, Split(99, 1))
    present = module.weight(obj, target)
    if present.canary:
        # The new version would get this share as soon as the canary Service points at it, whatever the first step says.
        raise Refused(
            f"{ref} sends {present.canary} of {present.stable + present.canary} parts to Service {target.canary_service} already: "
            "give the canary weight 0 first"
        )


def _edit(ctx: Context, target: Target, edits_of: Any, require_ready: bool) -> Moved:
    def check(_live: Object, wanted: Object) -> None:
        if require_ready:
            _require_ready(ctx, target, _split_in(wanted, target))

    outcome = objects.edit(ctx, _ref(ctx, target), edits_of, check)
    before, after = (_split_in(obj, target) for obj in (outcome.before, outcome.after))
    return Moved(before, after, outcome.after, outcome.changed, outcome.drifted)


def _ref(ctx: Context, target: Target) -> Ref:
    return ctx.ref(router(target.router).resource(target), target.name)


def _split_in(obj: Object, target: Target) -> Split:
    return router(target.router).weight(obj, target)


def _require_ready(ctx: Context, target: Target, split: Split) -> None:
    shares = {target.stable_service: split.stable, target.canary_service: split.canary}
    names = [service for service, share in shares.items() if share > 0]
    # Hosts may be written in full; the Service's own name comes first.
    short = {service: service.split(".")[0] for service in shares}
    labels = f"kubernetes.io/service-name in ({','.join(sorted(short.values()))})"
    slices, _version = ctx.client.list(ENDPOINT_SLICE, ctx.namespace, labels)
    for service in names:
        if not endpoints_of(short[service], slices).ready:
            ctx.client.get(ctx.ref(SERVICE, short[service]))  # Says so when there is no such Service.
            raise Refused(
                f"Service {ctx.namespace}/{short[service]} has no ready endpoints and would get {shares[service]} % of the traffic: "
                f"make its pods ready (kubectl get endpointslices -l kubernetes.io/service-name={short[service]})"
            )
