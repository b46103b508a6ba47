"""Style pair: the user keeps two Deployments, and the second one runs the new version for the time of the release."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..._objects.edits import Edit
from ..._objects.resources import DEPLOYMENT, Ref
from ..._rollout.program import RELEASE
from ..._rollout.styles.registry import facts_of
from ..._steps import actions as kinds
from ..._workloads import revisions
from ..._workloads.deployments import replicas_of
from ..._workloads.label_selectors import match_labels
from .. import guards, objects, templates, workload
from ..context import Context
from ..stage import Stage
from .clone import roll_workload, shrunk
from .style import Pin, Style

Object = dict[str, Any]

_REPLICAS = ("spec", "replicas")


def pin(stage: Stage, to: str) -> Pin:
    """By all labels of the Deployment's own selector, which its pods have whatever their template."""
    ref = _canary(stage) if to == "canary" else stage.ref
    return Pin(match_labels(stage.ctx.client.get(ref)), exact=True)


def _canary(stage: Stage) -> Ref:
    return stage.ctx.ref(DEPLOYMENT, stage.plan.canary_workload)


def ensure_canary(stage: Stage, action: kinds.EnsureCanary) -> None:
    ref, stable = _canary(stage), stage.workload()
    wanted = action.pods(replicas_of(stable))
    written = len(stage.ctx.journal.diff)
    before = stage.ctx.client.get(ref)
    # First the replicas, whose number before is remembered: that the canary has been touched shows by it.
    replicas = wanted if action.shrink or not _touched(stage) else max(wanted, replicas_of(before))
    guards.cover_canary(stage, before, replicas)
    _scale(stage, replicas)
    if stage.record.program == RELEASE:  # On the way back it has the new version, whatever became of the workload's template.
        new = stage.new_template(stable)
        workload.set_template(stage.ctx, ref, lambda live: stage.with_copies(templates.for_canary(stage.ctx, stage.plan, live, new)))
    workload.wait_rolled_out(stage.ctx, ref.name)
    if action.shrink:
        shrunk(stage, before, written)


def _touched(stage: Stage) -> bool:
    return bool(stage.ctx.recall(_canary(stage).key))


def _scale(stage: Stage, replicas: int) -> None:
    objects.edit(_scaling(stage), _canary(stage), lambda _base: [Edit(_REPLICAS, replicas)], annotate=False)


def _scaling(stage: Stage) -> Context:
    """What the workload's autoscaler made of the canary's size, while it followed that, is no drift."""
    return replace(stage.ctx, on_drift="repair") if facts_of(stage.record).scaled else stage.ctx


def remove_canary(stage: Stage, _action: kinds.RemoveCanary) -> None:
    """The canary gets its own replicas back, and after an abort its own template."""
    ref = _canary(stage)
    if stage.ctx.client.find(ref) is None:
        return
    if stage.record.program != RELEASE:

        def before(live: Object) -> revisions.Template:
            return templates.held(stage.ctx, stage.plan, live, stage.record.stable["canary"])

        workload.set_template(stage.ctx, ref, before)
    after = objects.edit(_scaling(stage), ref, lambda _base: [], annotate=False).after
    if not after["spec"].get("paused"):
        workload.wait_rolled_out(stage.ctx, ref.name)


PAIR = Style(
    pin,
    {kinds.EnsureCanary: ensure_canary, kinds.RollWorkload: roll_workload, kinds.RemoveCanary: remove_canary},
)
