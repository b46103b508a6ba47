"""Strategy clone: creates, sizes and removes the copy of the Deployment, and pauses and rolls the workload."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ..._actions import guards, made, services, workload
from ..._actions.context import Context
from ..._actions.stage import Stage
from ..._objects.refusal import Drifted
from ..._objects.resources import DEPLOYMENT, SERVICE
from ..._plan.plan import Plan
from ..._rollout.program import RELEASE
from ..._steps import actions as kinds
from ..._workloads import revisions
from ..._workloads.clones import clone_name, clone_of
from ..._workloads.deployments import replicas_of
from ..._workloads.marks import POD_TEMPLATE_HASH, REVISION
from ..handlers import Handlers, Pin, StableVersion
from ..registry import strategy_of

Object = dict[str, Any]


def pin(stage: Stage, to: str) -> Pin:
    if to == "canary":
        return Pin({REVISION: stage.record.target})
    return pods_that_run(stage)


def pods_that_run(stage: Stage) -> Pin:
    """The workload's. While it is paused an edit of its template makes no pods."""
    live = stage.workload()
    return Pin({POD_TEMPLATE_HASH: workload.present_hash(stage.ctx, live, held=bool(live["spec"].get("paused")))})


def pause_workload(stage: Stage, _action: kinds.PauseWorkload) -> None:
    # Another client may have changed the template between the checks and the pause.
    _pause(stage)


def _pause(stage: Stage) -> None:
    outcome = workload.pause(stage.ctx, stage.plan.workload)
    stage.admitted(outcome.before["spec"]["template"], outcome.after["spec"]["template"])
    workload.present_hash(stage.ctx, outcome.after, stage.edit_waited)


def ensure_canary(stage: Stage, action: kinds.EnsureCanary) -> None:
    deployment = paused(stage)
    ensure_made(stage, action, deployment, clone_name(stage.plan.workload), replicas_of(deployment))


def ensure_made(stage: Stage, action: kinds.EnsureCanary, deployment: Object, name: str, live: int) -> None:
    """The new version in a Deployment of that name. live: the replicas of the stable version."""
    replicas = action.pods(live)
    written = len(stage.ctx.journal.diff)
    template = template_of_canary(stage, deployment, name)
    clone = clone_of(deployment, name, template, stage.record.target, replicas, stage.ctx.by)
    guards.cover_canary(stage, clone, replicas)
    made.ensure(stage.ctx, clone, action.shrink)
    if action.shrink:
        shrunk(stage, clone, written)


def template_of_canary(stage: Stage, deployment: Object, name: str) -> revisions.Template:
    """The new version's template; on the way back that of what runs it, which must not depend on what became of the workload's."""
    there = stage.ctx.client.find(stage.ctx.ref(DEPLOYMENT, name)) if stage.record.program != RELEASE else None
    return stage.new_template(deployment) if there is None else revisions.template_of(there)


def shrunk(stage: Stage, canary: Object, written: int) -> None:
    """After the canary may have got fewer pods. written: how many writes there were before that."""
    guards.cover_canary(stage, canary)
    if stage.resumed or len(stage.ctx.journal.diff) > written:
        # What comes next may be traffic, which must not find pods that have just gone.
        services.prove(stage.ctx, stage.ctx.client.get(stage.ctx.ref(SERVICE, stage.plan.canary_service)))
        stage.ctx.settle(stage.grace, stage.ctx.clock.now())


def paused(stage: Stage) -> Object:
    """The workload. If another client resumed it, pauses it again or fails: a change of its template would empty the pinned Services."""
    deployment = stage.workload()
    if stage.record.program == RELEASE and not deployment["spec"].get("paused"):
        if stage.ctx.on_drift == "fail":
            problem = "was resumed by another client during the rollout"
            raise Drifted(stage.plan.title, problem, "pause it (kubectl rollout pause), or set on_drift: repair")
        _pause(stage)
    return deployment


def roll_workload(stage: Stage, action: kinds.RollWorkload) -> None:
    def template_of(deployment: Object) -> revisions.Template:
        if action.to == "new":
            return stage.new_template(deployment)
        present = stage.present_template(deployment)
        return stage.stable_template(deployment) if stage.ours(present) else present

    workload.roll(stage.ctx, stage.plan.workload, template_of, stage.admitted)
    if strategy_of(stage.plan).pauses_workload:
        workload.pause(stage.ctx, stage.plan.workload)


def remove_canary(stage: Stage, _action: kinds.RemoveCanary) -> None:
    made.remove(stage.ctx, clone_name(stage.plan.workload), stage.record.target)


def resume_workload(stage: Stage, _action: kinds.ResumeWorkload) -> None:
    live = stage.ctx.client.find(stage.ref)
    if live is None:
        return
    if stage.record.program != RELEASE:
        _put_template_back(stage, live)
    workload.resume(stage.ctx, stage.plan.workload)


def _put_template_back(stage: Stage, live: Object) -> None:
    """Puts the stable template back, unless on_drift accepts another client's edit: what waits in the template rolls on resume."""
    present = stage.present_template(live)
    wanted = stage.stable_template(live) if stage.ours(present) else present
    if revisions.template_hash(wanted) != revisions.template_hash(live["spec"]["template"]):
        workload.set_template(stage.ctx, stage.ref, lambda _live: wanted, written=stage.admitted)


def stable_version(ctx: Context, _plan: Plan, live: Object, held: bool) -> StableVersion:
    found = workload.present_hash(ctx, live, held)
    return StableVersion(found, {POD_TEMPLATE_HASH: found})


HANDLERS = Handlers(
    pin,
    stable_version,
    {
        kinds.PauseWorkload: pause_workload,
        kinds.EnsureCanary: ensure_canary,
        kinds.RollWorkload: roll_workload,
        kinds.RemoveCanary: remove_canary,
        kinds.ResumeWorkload: resume_workload,
    },
)
