"""Strategy revisions: a Deployment per revision; the user's own ends at 0 replicas and is the source of the template."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from ..._actions import guards, made, objects, workload
from ..._actions.stage import Stage
from ..._objects.edits import Edit
from ..._objects.resources import DEPLOYMENT, labels, name_of
from ..._steps import actions as kinds
from ..._workloads.clones import revision_name
from ..._workloads.deployments import replicas_of
from ..._workloads.marks import POD_TEMPLATE_HASH, REVISION
from ..clone.handlers import ensure_made, pause_workload, paused, pods_that_run, resume_workload, stable_version
from ..handlers import Handlers, Pin

Object = dict[str, Any]

_REPLICAS = ("spec", "replicas")


def pin(stage: Stage, to: str) -> Pin:
    if to == "canary":
        return Pin({REVISION: stage.record.target})
    if to == "stable" and stage.record.stable.get("made"):
        return Pin({REVISION: stage.record.stable["template"]})
    return pods_that_run(stage)


def _stable(stage: Stage) -> Object:
    """The Deployment that runs the stable version."""
    return stage.ctx.client.get(stage.ctx.ref(DEPLOYMENT, stage.record.stable["workload"]))


def ensure_canary(stage: Stage, action: kinds.EnsureCanary) -> None:
    is_made = stage.record.stable.get("made")
    deployment = stage.workload() if is_made else paused(stage)
    live = replicas_of(_stable(stage) if is_made else deployment)
    ensure_made(stage, action, deployment, revision_name(stage.plan.workload, stage.record.target), live)


def retire_stable(stage: Stage, _action: kinds.RetireStable) -> None:
    """The workload has the new template from here on, so that it is what users see and what the next release is made from."""
    template = stage.new_template(stage.workload())
    if stage.record.stable.get("made"):
        made.scale_to_zero(stage.ctx, stage.record.stable["workload"], stage.record.stable["template"])
    else:
        # Nothing of it has traffic: it may roll again, which makes no pod any more.
        outcome = objects.edit(stage.ctx, stage.ref, lambda _base: [Edit(_REPLICAS, 0)], annotate=False)
        stage.admitted(outcome.before["spec"]["template"], outcome.after["spec"]["template"])
        made.wait_ended(stage.ctx, stage.record.stable["hash"], POD_TEMPLATE_HASH)
    workload.set_template(stage.ctx, stage.ref, lambda _live: template, written=stage.admitted)
    _forget_old(stage)


def _forget_old(stage: Stage) -> None:
    """Removes the Deployments of revisions that are older than the history."""
    complete = [each["target"] for each in stage.record.history if each["phase"] == "Healthy"]
    kept = {stage.record.target, stage.record.stable["template"], *complete[: stage.plan.history_limit]}
    for each in made.deployments(stage.ctx, stage.plan.name):
        revision = labels(each["spec"]["template"]).get(REVISION, "")
        if revision not in kept and not replicas_of(each):
            made.remove(stage.ctx, name_of(each), revision)


def retire_canary(stage: Stage, _action: kinds.RetireCanary) -> None:
    made.scale_to_zero(stage.ctx, revision_name(stage.plan.workload, stage.record.target), stage.record.target)


def roll_workload(stage: Stage, _action: kinds.RollWorkload) -> None:
    """The workload runs the stable version again, with as many pods as that has now, and is paused so that it can be pinned."""
    live = stage.workload()
    if live["spec"].get("paused"):
        return
    template, replicas = stage.stable_template(live), replicas_of(_stable(stage))
    guards.cover(stage, labels(template), replicas)
    objects.edit(stage.ctx, stage.ref, lambda _base: [], annotate=False)
    workload.set_template(stage.ctx, stage.ref, lambda _live: template, at_least=replicas)
    workload.wait_rolled_out(stage.ctx, stage.plan.workload)
    workload.pause(stage.ctx, stage.plan.workload)


def remove_revisions(stage: Stage, _action: kinds.RemoveRevisions) -> None:
    for each in made.deployments(stage.ctx, stage.plan.name):
        made.remove(stage.ctx, name_of(each), labels(each["spec"]["template"]).get(REVISION, ""))


HANDLERS = Handlers(
    pin,
    stable_version,
    {
        kinds.PauseWorkload: pause_workload,
        kinds.EnsureCanary: ensure_canary,
        kinds.RetireStable: retire_stable,
        kinds.RetireCanary: retire_canary,
        kinds.RollWorkload: roll_workload,
        kinds.RemoveRevisions: remove_revisions,
        kinds.ResumeWorkload: resume_workload,
    },
)
