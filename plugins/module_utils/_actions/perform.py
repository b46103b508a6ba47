"""Carries out one action of a rollout's program: a new kind of action is a function in HANDLERS, here or in the styles that have it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable

from .._objects.resources import SERVICE
from .._rollout import actions as kinds
from .._rollout.program import RELEASE
from .._routing.target import Wish, split_of
from . import configs, declared, guards, labels, made, services, traffic
from .stage import Stage
from .styles.registry import STYLES


def perform(stage: Stage, action: kinds.Action) -> None:
    """Carries out the action, proof and waits included; does nothing that is done already."""
    handler = STYLES[stage.plan.order].handlers.get(type(action)) or HANDLERS[type(action)]
    handler(stage, action)


def _pin_services(stage: Stage, action: kinds.PinServices) -> None:
    pin = STYLES[stage.plan.order].pin(stage, action.to)
    changed = False
    for name in action.services:
        outcome = services.point(stage.ctx, name, lambda base: services.selector_edits(base, dict(pin.labels), merge=not pin.exact))
        services.prove(stage.ctx, outcome.after)
        changed |= outcome.changed
    if not action.carries_traffic:
        return
    # No probe asks bystanders.
    alone = stage.plan.bluegreen is not None and len(action.services) == 1
    if alone and (stage.record.program == RELEASE) == (action.to == "canary"):
        stage.settle_switch(changed, 1.0 if action.to == "canary" else 0.0)
    else:
        stage.settle(changed)


def _make_canary_service(stage: Stage, _action: kinds.MakeCanaryService) -> None:
    pin = STYLES[stage.plan.order].pin(stage, "canary")
    made.make_service(stage.ctx, stage.plan.stable_service, stage.plan.canary_service, pin.labels, pin.exact)


def _move_traffic(stage: Stage, action: kinds.MoveTraffic) -> None:
    wish = Wish(split_of(action.weight), action.routes, action.mirror)
    moves = [traffic.move(stage.ctx, target, wish) for target in stage.plan.routers]
    stage.settle_moves(moves)


def _restore_routers(stage: Stage, _action: kinds.RestoreRouters) -> None:
    there = [target for target in stage.plan.routers if traffic.exists(stage.ctx, target)]
    moves = traffic.restore_all(stage.ctx, there, stage.settle_moves)
    stage.settle_moves(moves)


def _drain(stage: Stage, _action: kinds.Drain) -> None:
    since = stage.record.began or stage.ctx.clock.now()
    if stage.record.moved_before is not None:
        # A way back that found nothing to move back has not waited for proxies to converge yet.
        stage.ctx.settle(stage.grace, stage.record.moved_before)
        since = max(since, stage.record.moved_before + stage.grace)
    stage.ctx.settle(stage.drain, since)


def _remove_canary_service(stage: Stage, _action: kinds.RemoveCanaryService) -> None:
    made.remove_service(stage.ctx, stage.plan.canary_service)


def _unpin_services(stage: Stage, action: kinds.UnpinServices) -> None:
    for name in action.services:
        service = stage.ctx.client.find(stage.ctx.ref(SERVICE, name))
        if service is None:
            continue  # The user deleted it meanwhile.
        if action.canary_gone and service["spec"].get("publishNotReadyAddresses"):
            # Such a Service takes pods as ready until their very end.
            made.wait_gone(stage.ctx, stage.record.target)
        services.prove(stage.ctx, services.point(stage.ctx, name, lambda _base: [], min_ready=0).after)


HANDLERS: dict[type, Callable[[Stage, Any], None]] = {
    kinds.CopyConfigs: configs.make,
    kinds.RemoveConfigs: configs.remove_unneeded,
    kinds.MakeDeclared: declared.make,
    kinds.PinServices: _pin_services,
    kinds.ScaleFollows: guards.follow,
    kinds.MakeCanaryService: _make_canary_service,
    kinds.MoveTraffic: _move_traffic,
    kinds.RestoreRouters: _restore_routers,
    kinds.Drain: _drain,
    kinds.RemoveCanaryService: _remove_canary_service,
    kinds.UnpinServices: _unpin_services,
    kinds.ReleaseGuards: guards.release,
    kinds.LabelPods: labels.label,
    kinds.UnlabelPods: labels.unlabel,
}
