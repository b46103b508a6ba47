"""What module canary_weight does: reads its options, moves the traffic or puts it back, waits, and returns what it found."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .._actions import replicas, traffic
from .._actions.context import Context
from .._objects.durations import seconds
from .._objects.edits import fields_of
from .._objects.patches import without_managed_fields
from .._objects.refusal import Refused
from .._objects.resources import SERVICE
from .._plan.replicas import read_pair, read_split
from .._plan.routers import ALL_OPTIONS, REPLICAS, Between, read_router
from .._routing.registry import WITHOUT_ROUTER, default_grace
from .._routing.replicas import deviation
from .._routing.router import service_and_namespace
from .._routing.served import Measured
from .._routing.target import DesiredTraffic, ManagedRoute, Split, Target, split_of
from .._steps.matches import read_matches, read_mirror
from .definitions import given_definition
from .probes import callers_probe


def _targets_of(params: dict[str, Any], namespace: str) -> list[Target]:
    """The places of the split that the options name."""
    stable, canary = params["stable_service"], params["canary_service"] or f"{params['stable_service']}-canary"
    if params["stable_subset"] or params["canary_subset"]:
        canary = params["canary_service"] or stable
    elif stable == canary:
        raise Refused("canary_service", f"is {stable!r} as stable_service is", "give the canary a Service of its own")
    options = {key: params[key] for key in ALL_OPTIONS if params[key] is not None}
    if options.get("definition"):
        options["definition"] = given_definition(options["definition"])
    names = list(dict.fromkeys(params["name"]))
    if not names:
        raise Refused("name", "is empty", "name the router object")
    return [read_router(params["router"], name, options, "", Between(namespace, stable, canary)) for name in names]


def _desired(params: dict[str, Any]) -> DesiredTraffic:
    """How the traffic shall be shared."""
    weight = params["weight"]
    matches = read_matches(params["matches"]) if params["matches"] else ()
    if weight is None and not matches and not params["mirror"]:
        raise Refused("weight", "is missing", "give weight, matches or mirror with state present")
    routes = (ManagedRoute("canary", matches, params["inherit"]),) if matches else ()
    return DesiredTraffic(split_of(weight or 0, params["weight_total"]), routes, read_mirror(params["mirror"]) if params["mirror"] else 0.0)


def split(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Moves the traffic, or puts the router back.

    Args:
        ctx: The call.
        params: The options of module canary_weight.

    Returns:
        The result of the module but for `changed`, `diff` and warnings.

    Raises:
        Refused: An option, or the state of the cluster, does not allow it; nothing was written.
        Failed: A wait ran out, or the router's controller rejects what was written.
    """
    if params["router"] == REPLICAS:
        return _work_without_router(ctx, params)
    if params["canary_workload"]:
        raise Refused("canary_workload", f"cannot be used with router {params['router']}", f"leave it out, it is for {REPLICAS}")
    targets = _targets_of(params, ctx.namespace)
    ctx.by = _owner(targets[0])
    grace = default_grace(targets, None if params["grace"] is None else seconds(params["grace"], "grace"))

    probe = None if params["probe"] is None and params["probe_hosts"] is None else callers_probe(params)

    def settle(*moves: traffic.Moved) -> Measured | None:
        return None if ctx.check or not ctx.wait else traffic.settle(ctx, moves, grace, probe)

    def converge() -> None:
        if ctx.wait:
            ctx.settle(grace, ctx.clock.now())

    if params["state"] == "present":
        moves = traffic.move_all(ctx, targets, _desired(params), params["require_ready"], converge)
    else:
        moves = traffic.restore_all(ctx, targets, lambda drained: settle(*drained), params["require_ready"])
    _warn_of_others(ctx, moves, params["state"])
    measured = settle(*moves)
    resources = [without_managed_fields(obj) for moved in moves for obj in moved.resources]
    return {
        "weight": asdict(moves[0].weight),
        "previous_weight": asdict(moves[0].previous),
        "resource": resources[0] if resources else {},
        "resources": resources,
        "drift": [path for moved in moves for path in moved.drifted],
        **({} if measured is None else {"measured": asdict(measured)}),
    }


def _owner(target: Target) -> str:
    """The owner of a split, the same however its stable Service is written."""
    service, namespace = service_and_namespace(target.stable_service, target)
    return f"canary_weight/{service}" + ("" if namespace == target.namespace else f".{namespace}")


def _work_without_router(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    pair, probe = read_pair(params), callers_probe(params)
    grace = WITHOUT_ROUTER if params["grace"] is None else seconds(params["grace"], "grace")
    split = read_split(params) if params["state"] == "present" else None
    if split is None and ctx.client.find(ctx.ref(SERVICE, pair.service)) is None:
        ctx.journal.warnings.append(
            f"Service {pair.service} does not exist, nor do the replicas to put back: scale the Deployments yourself"
        )
        nothing = asdict(Split(0, 0))
        return {"weight": nothing, "previous_weight": nothing, "resource": {}, "resources": [], "drift": []}
    moved = replicas.move(ctx, pair, split, grace)
    measured = replicas.settle(ctx, moved, grace, probe) if ctx.wait and not ctx.check else None
    away = None if split is None else deviation(split, moved.weight)
    if away:
        ctx.journal.warnings.append(away)
    resources = [without_managed_fields(obj) for obj in moved.resources]
    return {
        "weight": asdict(moved.weight),
        "previous_weight": asdict(moved.previous),
        "msg": f"{pair.stable} has {moved.weight.stable} replicas, {pair.canary} {moved.weight.canary}" + (f": {away}" if away else ""),
        "resource": resources[0],
        "resources": resources,
        "drift": moved.drifted,
        **({} if measured is None else {"measured": asdict(measured)}),
    }


def _warn_of_others(ctx: Context, moves: list[traffic.Moved], state: str) -> None:
    for moved in moves:
        if not moved.resources:
            ctx.journal.warnings.append(f"{moved.target.name} does not exist: there is nothing to put back")
        others = sorted({field.by for obj in moved.resources for field in fields_of(obj)} - {ctx.by})
        if others and moved.changed:
            ctx.journal.warnings.append(f"{moved.target.name} is split by {', '.join(others)} too, which will find that it was changed")
        elif others and state == "absent":
            ctx.journal.warnings.append(f"{moved.target.name} is split by {', '.join(others)}; {ctx.by} has nothing to put back on it")
