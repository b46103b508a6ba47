"""Carries out one action of a rollout's program: a new kind of action is a function in HANDLERS."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Callable

from .._objects.refusal import Drifted
from .._objects.resources import DEPLOYMENT, SERVICE
from .._plan.plan import Plan
from .._rollout import actions as kinds
from .._rollout.record import Record
from .._routing import default_grace
from .._routing.target import Wish, split_of
from .._workloads import revisions
from .._workloads.clones import canary_replicas
from .._workloads.deployments import replicas_of
from .._workloads.marks import POD_TEMPLATE_HASH, REVISION
from . import clone, services, traffic, workload
from .context import Context, Failed

Object = dict[str, Any]


@dataclass
class Stage:
    """What the actions of a rollout work with.

    moved: called as soon as a move of traffic is written, so that the grace can be counted from then if the run dies.
    resumed: an earlier call began this action and did not end it, so it may have moved traffic without living to note it.
    """

    ctx: Context
    plan: Plan
    record: Record
    moved: Callable[[], None]
    resumed: bool = False

    @property
    def grace(self) -> float:
        return default_grace(self.plan.routers, self.plan.grace)

    @property
    def drain(self) -> float:
        return self.grace if self.plan.drain is None else self.plan.drain

    def deployment(self) -> Object:
        """The user's Deployment, as it is."""
        return self.ctx.client.get(self.ctx.ref(DEPLOYMENT, self.plan.workload))

    def new_template(self, deployment: Object) -> revisions.Template:
        """The template of the new version."""
        present = self.present_template(deployment)
        if self.plan.held is not None:
            return workload.held_template(self.ctx, deployment, self.plan.held)
        return revisions.with_images(present, self.plan.images, f"Deployment {self.plan.namespace}/{self.plan.workload}")

    def present_template(self, deployment: Object) -> revisions.Template:
        """The workload's template; one that somebody else changed meanwhile is refused, replaced or accepted as on_drift says."""
        live: revisions.Template = deployment["spec"]["template"]
        if self.ours(live) or self.ctx.on_drift == "accept":
            return live
        if self.ctx.on_drift == "fail":
            raise Drifted(
                f"Deployment {self.plan.namespace}/{self.plan.workload}: its template was changed by somebody else during the rollout: "
                "put it back, or set on_drift to repair (go on without that change) or accept (with it)"
            )
        return self.stable_template(deployment)

    def ours(self, template: revisions.Template) -> bool:
        """Whether it is the stable version's or the new one's."""
        return revisions.template_hash(template) in (self.record.stable["template"], self.record.target)

    def stable_template(self, deployment: Object) -> revisions.Template:
        """The stable version's template, from the ReplicaSet that keeps it."""
        live: revisions.Template = deployment["spec"]["template"]
        if revisions.template_hash(live) == self.record.stable["template"]:
            return live
        pod_hash = self.record.stable["hash"]
        found = revisions.by_hash(workload.replica_sets(self.ctx, deployment), pod_hash)
        if found is None:
            raise Failed(
                f"ReplicaSet {self.plan.workload}-{pod_hash}, which holds the stable version, is gone (revisionHistoryLimit?): "
                "set the Deployment's template to the stable version by hand and run again"
            )
        return revisions.template_of(found)

    def settle(self, changed: bool) -> None:
        """Waits the grace after a move of traffic."""
        self._note(changed)
        if self.record.moved is not None:
            self.ctx.settle(self.grace, self.record.moved)

    def settle_moves(self, moves: Sequence[traffic.Moved]) -> None:
        """Waits after moves on the routers: the grace, or until the probe sees the split served."""
        changed = any(moved.changed for moved in moves)
        self._note(changed)
        if self.record.moved is not None and self.plan.probe is not None and self.ctx.wait and len(moves) == 1:
            measured = traffic.measure(self.ctx, moves[0], self.plan.probe)
            self.ctx.journal.measured = asdict(measured)
            if measured.told_apart:
                return
        self.settle(changed)

    def _note(self, changed: bool) -> None:
        if (changed or self.resumed) and self.record.moved is None:
            self.moved()


def perform(stage: Stage, action: kinds.Action) -> None:
    """Carries out the action, proof and waits included; does nothing that is done already."""
    HANDLERS[type(action)](stage, action)


def _pause_workload(stage: Stage, _action: kinds.PauseWorkload) -> None:
    # Between the checks and the pause somebody may have begun a rollout of their own.
    workload.present_hash(stage.ctx, workload.pause(stage.ctx, stage.plan.workload))


def _pin_services(stage: Stage, action: kinds.PinServices) -> None:
    label = _pin(stage, action.to)
    changed = False
    for name in action.services:
        outcome = services.point(stage.ctx, name, lambda base: services.selector_edits(base, label))
        services.prove(stage.ctx, outcome.after)
        changed |= outcome.changed
    if action.carries_traffic:
        stage.settle(changed)


def _pin(stage: Stage, to: str) -> dict[str, str | None]:
    if to == "clone":
        return {REVISION: stage.record.target}
    return {POD_TEMPLATE_HASH: workload.present_hash(stage.ctx, stage.deployment())}


def _ensure_clone(stage: Stage, action: kinds.EnsureClone) -> None:
    deployment = stage.deployment()
    if stage.record.program == "release" and not deployment["spec"].get("paused"):
        _paused_again(stage)
    replicas = canary_replicas(action.weight, replicas_of(deployment)) if action.replicas is None else action.replicas
    written = len(stage.ctx.journal.diff)
    clone.ensure(stage.ctx, deployment, stage.new_template(deployment), stage.record.target, replicas, action.shrink)
    if action.shrink and (stage.resumed or len(stage.ctx.journal.diff) > written):
        # What comes next may be traffic, which must not find pods that have just gone.
        services.prove(stage.ctx, stage.ctx.client.get(stage.ctx.ref(SERVICE, stage.plan.canary_service)))
        stage.ctx.settle(stage.grace, stage.ctx.clock.now())


def _paused_again(stage: Stage) -> None:
    """Somebody resumed the workload: any change of its template would now empty the Services that are pinned to its hash."""
    title = f"Deployment {stage.plan.namespace}/{stage.plan.workload}"
    if stage.ctx.on_drift == "fail":
        raise Drifted(f"{title} was resumed by somebody else during the rollout: pause it (kubectl rollout pause), or set on_drift: repair")
    workload.present_hash(stage.ctx, workload.pause(stage.ctx, stage.plan.workload))


def _make_canary_service(stage: Stage, _action: kinds.MakeCanaryService) -> None:
    clone.make_service(stage.ctx, stage.plan.stable_service, stage.plan.canary_service, stage.record.target)


def _move_traffic(stage: Stage, action: kinds.MoveTraffic) -> None:
    wish = Wish(split_of(action.weight), action.routes, action.mirror)
    moves = [traffic.move(stage.ctx, target, wish) for target in stage.plan.routers]
    stage.settle_moves(moves)


def _restore_routers(stage: Stage, _action: kinds.RestoreRouters) -> None:
    there = [target for target in stage.plan.routers if traffic.exists(stage.ctx, target)]
    moves = traffic.restore_all(stage.ctx, there, stage.settle_moves)
    stage.settle_moves(moves)


def _drain(stage: Stage, _action: kinds.Drain) -> None:
    stage.ctx.settle(stage.drain, stage.record.began or stage.ctx.clock.now())


def _roll_workload(stage: Stage, action: kinds.RollWorkload) -> None:
    def template_of(deployment: Object) -> revisions.Template:
        if action.to == "new":
            return stage.new_template(deployment)
        present = stage.present_template(deployment)
        return stage.stable_template(deployment) if stage.ours(present) else present

    workload.roll(stage.ctx, stage.plan.workload, template_of)


def _remove_canary_service(stage: Stage, _action: kinds.RemoveCanaryService) -> None:
    clone.remove_service(stage.ctx, stage.plan.canary_service)


def _remove_clone(stage: Stage, _action: kinds.RemoveClone) -> None:
    clone.remove(stage.ctx, stage.plan.workload, stage.record.target)


def _unpin_services(stage: Stage, action: kinds.UnpinServices) -> None:
    for name in action.services:
        service = stage.ctx.client.find(stage.ctx.ref(SERVICE, name))
        if service is None:
            continue  # The user deleted it meanwhile.
        if service["spec"].get("publishNotReadyAddresses"):
            # Such a Service takes pods as ready until their very end.
            clone.wait_gone(stage.ctx, stage.record.target)
        services.prove(stage.ctx, services.point(stage.ctx, name, lambda _base: [], min_ready=0).after)


def _resume_workload(stage: Stage, _action: kinds.ResumeWorkload) -> None:
    if stage.ctx.client.find(stage.ctx.ref(DEPLOYMENT, stage.plan.workload)) is not None:
        workload.resume(stage.ctx, stage.plan.workload)


HANDLERS: dict[type, Callable[[Stage, Any], None]] = {
    kinds.PauseWorkload: _pause_workload,
    kinds.PinServices: _pin_services,
    kinds.EnsureClone: _ensure_clone,
    kinds.MakeCanaryService: _make_canary_service,
    kinds.MoveTraffic: _move_traffic,
    kinds.RestoreRouters: _restore_routers,
    kinds.Drain: _drain,
    kinds.RollWorkload: _roll_workload,
    kinds.RemoveCanaryService: _remove_canary_service,
    kinds.RemoveClone: _remove_clone,
    kinds.UnpinServices: _unpin_services,
    kinds.ResumeWorkload: _resume_workload,
}
