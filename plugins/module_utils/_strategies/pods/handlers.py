"""No router: the clone and the workload share the pods that the workload has outside of releases."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..._actions import made, objects, services, workload
from ..._actions.stage import Stage
from ..._objects import edits
from ..._objects.edits import Edit
from ..._objects.resources import DEPLOYMENT, SERVICE
from ..._rollout.program import RELEASE
from ..._routing import replicas
from ..._routing.target import split_of
from ..._steps import actions as kinds
from ..._workloads.clones import clone_name, clone_of
from ..._workloads.deployments import replicas_of
from ..clone import handlers as clone
from ..handlers import Handlers
from ..sequence import facts_of, stable_services

Object = dict[str, Any]


def share_pods(stage: Stage, action: kinds.SharePods) -> None:
    """Pods that come are ready and known to what balances the traffic before others go."""
    live = clone.paused(stage)
    total = _total(stage, live)
    asked = split_of(action.weight)
    wanted = replicas.nearest(asked, total, stage.plan.title, action.least)
    told = replicas.deviation(asked, wanted, action.least)
    if told:
        stage.ctx.journal.warnings.append(f"{stage.plan.title}: {told}")
    before = stage.ctx.client.find(stage.ctx.ref(DEPLOYMENT, clone_name(stage.plan.workload)))
    written = len(stage.ctx.journal.diff)
    _clone(stage, live, max(wanted.canary, 0 if before is None else replicas_of(before)))
    _size(stage, max(wanted.stable, replicas_of(live)))
    _prove(stage)
    stage.settle(len(stage.ctx.journal.diff) > written)
    _size(stage, wanted.stable)
    _clone(stage, live, wanted.canary)
    _prove(stage)


def _total(stage: Stage, live: Object) -> int:
    """The pods that the workload has outside of releases."""
    return replicas_of(edits.base_of(live, stage.ctx.by, stage.ctx.on_drift, stage.ctx.recall(stage.ref.key)))


def _clone(stage: Stage, live: Object, count: int) -> None:
    name = clone_name(stage.plan.workload)
    template = clone.template_of_canary(stage, live, name)
    made.ensure(stage.ctx, clone_of(live, name, template, stage.record.target, count, stage.ctx.by), shrink=True)


def _size(stage: Stage, count: int) -> None:
    paused, sized = Edit(("spec", "paused"), True), Edit(("spec", "replicas"), count)
    outcome = objects.edit(stage.ctx, stage.ref, lambda _base: [paused, sized], annotate=False)
    stage.admitted(outcome.before["spec"]["template"], outcome.after["spec"]["template"])
    workload.wait_rolled_out(stage.ctx, stage.plan.workload)


def _prove(stage: Stage) -> None:
    for name in stable_services(stage.plan, facts_of(stage.record)):
        services.prove(stage.ctx, stage.ctx.client.get(stage.ctx.ref(SERVICE, name)))


def ensure_canary(stage: Stage, action: kinds.EnsureCanary) -> None:
    live = clone.paused(stage)
    clone.ensure_made(stage, action, live, clone_name(stage.plan.workload), _total(stage, live))


def roll_workload(stage: Stage, action: kinds.RollWorkload) -> None:
    """With all of its own pods again: to pause it is all that is left of what it was given.

    While the release is taken back, a size that another client set is kept instead of failing on drift.
    """
    if stage.record.program != RELEASE and stage.ctx.on_drift == "fail":
        accepting = replace(stage.ctx, on_drift="accept")
        outcome = objects.edit(accepting, stage.ref, lambda _base: [Edit(("spec", "paused"), True)], annotate=False)
        stage.admitted(outcome.before["spec"]["template"], outcome.after["spec"]["template"])
    clone.roll_workload(stage, action)
    workload.wait_rolled_out(stage.ctx, stage.plan.workload)


HANDLERS = Handlers(
    clone.pin,
    clone.stable_version,
    {
        **clone.HANDLERS.actions,
        kinds.SharePods: share_pods,
        kinds.EnsureCanary: ensure_canary,
        kinds.RollWorkload: roll_workload,
    },
)
