"""Carries out one action of a rollout's program: a new kind of action is a function in HANDLERS, here or in the styles that have it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Callable

from .._objects.refusal import Refused
from .._objects.resources import POD, SERVICE, name_of
from .._objects.resources import labels as labels_of
from .._rollout.program import RELEASE
from .._routing.target import DesiredTraffic, Target, split_of
from .._steps import actions as kinds
from .._steps.action import Action
from .._steps.registry import handler_of
from .._strategies.handlers import Pin
from .._strategies.registry import strategy_of
from .._workloads.in_place import CONTROLLER_REVISION_HASH
from .._workloads.marks import POD_TEMPLATE_HASH, REVISION
from .._workloads.services import Selector, selector_of, selector_text, selects
from . import backends, configs, declared, guards, labels, made, objects, services, traffic
from .stage import Stage

_VERSION_LABELS = (POD_TEMPLATE_HASH, CONTROLLER_REVISION_HASH, REVISION)


def perform(stage: Stage, action: Action) -> None:
    """Carries out the action, proof and waits included; does nothing that is done already."""
    handler = strategy_of(stage.plan).parts().handlers.actions.get(type(action)) or HANDLERS.get(type(action)) or handler_of(action)
    handler(stage, action)


def _pin_services(stage: Stage, action: kinds.PinServices) -> None:
    pin = strategy_of(stage.plan).parts().handlers.pin(stage, action.to)
    changed = False
    _refuse_strangers(stage, action.services, pin)
    if action.carries_traffic and action.to == "canary":
        _require_subsets(stage, action.services, pin)
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


def _refuse_strangers(stage: Stage, names: Sequence[str], pin: Pin) -> None:
    """Raises Refused for a Service that by its own selector does not stand before this workload's pods: it has others, and would lose them.

    That it was named at the start is what the record says.
    """
    if pin.exact:
        return  # Both Deployments of a pair are the user's, and so is what stands before each.
    pods = labels_of(stage.workload()["spec"]["template"])
    for name in names:
        service = stage.ctx.client.get(stage.ctx.ref(SERVICE, name))
        own = selector_of(objects.original(stage.ctx, stage.ctx.ref(SERVICE, name), service))
        if not _stands_before(service, own, [pods]):
            raise Refused(
                f"Service {stage.ctx.namespace}/{name}",
                f"(selector {selector_text(own)}) does not select the pods of {stage.plan.title}, so the rollout must not move it",
                "correct its selector, or abort and start again",
            )


def _require_subsets(stage: Stage, names: Sequence[str], pin: Pin) -> None:
    """The way back never ends here: the version before has been served."""
    selector = selector_text({key: value for key, value in pin.labels.items() if value is not None})

    def pods() -> list[dict[str, str]]:
        return [labels_of(pod) for pod in stage.ctx.client.list(POD, stage.ctx.namespace, selector)[0]] if selector else []

    backends.require_subsets(stage.ctx, names, pods)


def _make_canary_service(stage: Stage, _action: kinds.MakeCanaryService) -> None:
    pin = strategy_of(stage.plan).parts().handlers.pin(stage, "canary")
    made.make_service(stage.ctx, stage.plan.stable_service, stage.plan.canary_service, pin.labels, pin.exact)


def _move_traffic(stage: Stage, action: kinds.MoveTraffic) -> None:
    wish = DesiredTraffic(split_of(action.weight), action.routes, action.mirror)
    moves = [traffic.move(stage.ctx, target, wish, together=stage.plan.routers) for target in stage.plan.routers]
    stage.settle_moves(moves)


def _restore_routers(stage: Stage, _action: kinds.RestoreRouters) -> None:
    there = [target for target in stage.plan.routers if _leads_here(stage, target)]
    # In a release both Services lead to the new version by now, so that answers say nothing of the split.
    settle = stage.settle_moves if stage.record.program != RELEASE else stage.settle_unseen
    moves = traffic.restore_all(stage.ctx, there, settle)
    settle(moves)


def _leads_here(stage: Stage, target: Target) -> bool:
    """Whether the router is there, and leads to the stable Service: which one it is only a record may say."""
    found = traffic.main_object(stage.ctx, target)
    host = re.compile(rf'"{re.escape(target.stable_service)}["./]')
    if found is None or stage.sealed or host.search(json.dumps(found.get("spec"))):
        return found is not None
    title = f"{found['kind']} {stage.ctx.namespace}/{target.name}"
    stage.ctx.journal.warnings.append(f"{title} is left as it is: it does not lead to Service {target.stable_service}")
    return False


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
        if not _is_own(stage, service):
            stage.ctx.journal.warnings.append(
                f"Service {stage.ctx.namespace}/{name} is left as it is: the selector that the record remembers does not select the "
                f"pods of {stage.plan.title}"
            )
            continue
        services.prove(stage.ctx, services.point(stage.ctx, name, lambda _base: [], min_ready=0).after)


def _is_own(stage: Stage, service: dict[str, Any]) -> bool:
    """Whether a Service stands before this rollout's pods, and will do with the selector that it had: a record may lie about both."""
    ref = stage.ctx.ref(SERVICE, name_of(service))
    if stage.sealed or not stage.ctx.recall(ref.key):
        return True
    workloads = map(stage.ctx.client.find, stage.user_workloads)
    pods = [labels_of(each["spec"]["template"]) for each in workloads if each is not None]
    return _stands_before(service, selector_of(objects.original(stage.ctx, ref, service)), pods)


def _stands_before(service: dict[str, Any], own: Selector, pods: Sequence[dict[str, str]]) -> bool:
    """Whether a Service takes pods with any of these labels, with its own selector, and now but for the keys that tell versions."""
    now = {key: value for key, value in selector_of(service).items() if key not in _VERSION_LABELS}
    return any(selects(own, each) for each in pods) and any(now.items() <= each.items() for each in pods)


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
