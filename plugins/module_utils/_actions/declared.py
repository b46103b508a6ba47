"""Makes what a plan declares and the user has none of: the stable Service, and the objects of routers."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from .._cluster.errors import ApiError
from .._objects.refusal import Refused
from .._objects.resources import SERVICE, Ref
from .._plan.plan import Plan
from .._rollout.desired import desired_traffic
from .._routing.registry import router_of
from .._routing.target import Target
from .._steps import actions as kinds
from .._workloads.services import selector_of, stable_service
from . import apply, services, traffic
from .context import Context
from .stage import Stage

Object = dict[str, Any]
Objects = Mapping[str, Optional[Object]]

# Answers that are about the asker or the server, and not about the object.
_NOT_OF_THE_OBJECT = (401, 403, 404, 409)


def service_to_make(ctx: Context, plan: Plan, workload: Object) -> Object:
    """The stable Service as it would be made (dry run); raises Refused where it cannot be."""
    ref, wanted = ctx.ref(SERVICE, plan.stable_service), stable_service(workload, plan.stable_service, plan.ports)
    if not wanted["spec"]["ports"]:
        raise Refused(str(ref), f"does not exist, and no container of {plan.title} names a port", "create it, or set services.ports")
    if not selector_of(wanted):
        raise Refused(str(ref), f"does not exist, and {plan.title} has no matchLabels by which to select its pods", "create it")
    return _tried(ctx, ref, wanted, "services.ports" if plan.ports else "the ports of the containers, or give services.ports")


def routers_object(ctx: Context, target: Target) -> tuple[Ref, str]:
    """The object that the user names of a router, and the key of its part."""
    key, part = next(iter(router_of(target).parts(target).items()))
    return ctx.ref(part.resource, part.name), key


def objects_to_be(ctx: Context, plan: Plan, target: Target) -> tuple[Objects, bool]:
    """A router's objects, and whether the first of them is not there, and stands there as it would be made (dry run).

    Raises NotFound for what is not there and not declared, and Refused where the API server refuses what is.
    """
    ref, key = routers_object(ctx, target)
    if target not in plan.specs or ctx.client.find(ref) is not None:
        return traffic.objects_of(ctx, target), False
    made = _tried(ctx, ref, _wanted(ref, plan.specs[target]), f"its spec in routers, number {plan.routers.index(target) + 1}")
    return traffic.objects_of(ctx, target, {key: made}), True


def validate(ctx: Context, plan: Plan, target: Target, found: Objects, made: bool) -> list[str]:
    """Raises Refused unless the plan can be carried out on the router; made: which is not there yet. Returns what users must know."""
    try:
        return traffic.validate(
            ctx, target, desired_traffic(plan), found, seen=not made, together=plan.routers, splits=plan.bluegreen is None
        )
    except Refused as refused:
        if not made:
            raise
        (ref, _key), problem = routers_object(ctx, target), refused.problem
        subject = (problem.object or problem.what).replace(str(ref), f"{ref} (as its spec would make it)", 1)
        raise Refused(subject, problem.what if problem.object else "", problem.remedy) from None


def make(stage: Stage, action: kinds.MakeDeclared) -> None:
    """Makes the object and proves it. One that is there by now was made by a call that died, or is somebody else's: it is not changed."""
    ctx, plan = stage.ctx, stage.plan
    ref = ctx.ref(SERVICE, plan.stable_service)
    if action.key == ref.key:
        _make(ctx, ref, stable_service(stage.workload(), plan.stable_service, plan.ports))
        services.prove(ctx, ctx.client.get(ref))
        return
    for target, spec in plan.specs.items():
        ref, _key = routers_object(ctx, target)
        if action.key == ref.key:
            _make(ctx, ref, _wanted(ref, spec))
            traffic.wait_served(ctx, target)
            validate(ctx, plan, target, traffic.objects_of(ctx, target), made=False)


def _wanted(ref: Ref, spec: Object) -> Object:
    metadata = {"name": ref.name, "namespace": ref.namespace}
    return {"apiVersion": ref.resource.api_version, "kind": ref.resource.kind, "metadata": metadata, "spec": spec}


def _make(ctx: Context, ref: Ref, wanted: Object) -> None:
    apply.create_or_adopt(ctx, ref, lambda: wanted, lambda _live: None, _create)


def _create(ctx: Context, ref: Ref, wanted: Object) -> Object:
    """Notes no uid: the object stays when the rollout ends."""
    return apply.write(ctx, ref, None, wanted) or wanted


def _tried(ctx: Context, ref: Ref, wanted: Object, by: str) -> Object:
    try:
        return apply.dry_run(ctx, ref, None, wanted)
    except ApiError as problem:
        if problem.status in _NOT_OF_THE_OBJECT or problem.status >= 500:
            raise
        raise Refused(str(ref), f"does not exist and cannot be created ({problem})", f"correct {by}") from None
