"""Keeps what scales the workload by itself, and its disruption budgets, from harming a release: found, changed, and given back."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from .._objects.edits import Edit
from .._objects.plan_writes import Change, Objects
from .._objects.refusal import Refused
from .._objects.resources import DEPLOYMENT, HORIZONTAL_POD_AUTOSCALER, POD_DISRUPTION_BUDGET, SCALED_OBJECT, Ref, labels, name_of
from .._rollout.program import RELEASE
from .._steps import actions as kinds
from .._strategies.registry import strategy_of
from .._workloads import budgets, in_place, scaling
from .._workloads.deployments import replicas_of
from .._workloads.marks import ROLLOUT
from . import apply, objects, workload
from .context import Context
from .stage import Stage

Object = dict[str, Any]

_KINDS = {each.kind: each for each in (HORIZONTAL_POD_AUTOSCALER, SCALED_OBJECT, POD_DISRUPTION_BUDGET)}


def keys_of(found: Sequence[Object]) -> list[str]:
    """As the record holds them: Ref.key."""
    return sorted(Ref(_KINDS[each["kind"]], "", name_of(each)).key for each in found)


def require_rights(ctx: Context, keys: Sequence[str]) -> None:
    """Raises what the API server says of one that may not be changed."""
    for ref in _refs(ctx, keys):
        live = ctx.client.get(ref)
        apply.dry_run(ctx, ref, live, live)


def follow(stage: Stage, action: kinds.ScaleFollows) -> None:
    """First the autoscaler, so that nobody else scales what it leaves; then its new target gets the size that the other one has."""
    name = stage.deployment(action.to)
    found = {ref: stage.ctx.client.find(ref) for ref in _guards(stage) if ref.resource != POD_DISRUPTION_BUDGET}
    least = max((_least(stage, live, name) for live in found.values() if live is not None), default=0)
    canary = _deployment(stage, "canary")
    if canary is not None:
        cover_canary(stage, canary, least if action.to == "canary" else 0)
    for ref in found:
        _edit(stage, ref, lambda base: scaling.holding_edits(base, name, least))
    if least and not strategy_of(stage.plan).replaces_in_place:
        # In place which pods are new depends on how many there are.
        workload.set_replicas(stage.ctx, stage.ctx.ref(DEPLOYMENT, name), lambda live: max(least, replicas_of(live)))
        workload.wait_rolled_out(stage.ctx, name)


def _least(stage: Stage, scaler: Object, name: str) -> int:
    """As many pods as run what it scales and will scale; never fewer than what was held before in this release."""
    if strategy_of(stage.plan).replaces_in_place:
        return scaling.within(scaler, in_place.size_of(stage.workload()))
    both = (stage.ctx.client.find(stage.ctx.ref(DEPLOYMENT, each)) for each in sorted({scaling.target_of(scaler), name}))
    return scaling.within(scaler, max((replicas_of(each) for each in both if each is not None), default=0))


def release(stage: Stage, action: kinds.ReleaseGuards) -> None:
    name = stage.deployment(action.to)

    def edits_of(base: Object) -> Sequence[Edit]:
        return [] if base["kind"] == POD_DISRUPTION_BUDGET.kind or scaling.target_of(base) == name else scaling.leading_edits(name)

    for ref in _guards(stage):
        _edit(stage, ref, edits_of)


def _refuse_stranger(stage: Stage, ref: Ref, states: Sequence[Object], pod_labels: Callable[[], Mapping[str, str]]) -> None:
    """Raises Refused for an autoscaler or a budget that is not this rollout's, whatever the record says of it.

    states: as it is, and as it was before: a record may lie about the latter. pod_labels: those of the workload's template.
    """
    for state in states:
        if ref.resource == POD_DISRUPTION_BUDGET:
            if not budgets.protects(state, pod_labels()):
                problem = f"does not protect the pods of rollout {stage.plan.name}"
                raise Refused(str(ref), problem, "let it select them, or abort and start again")
        elif scaling.target_of(state) not in _scaled(stage):
            problem = f"scales {scaling.target_of(state)}, which is not of rollout {stage.plan.name}"
            raise Refused(str(ref), problem, f"let it scale {stage.plan.workload}, or abort and start again")


def _scaled(stage: Stage) -> set[str]:
    """The workloads that an autoscaler of this rollout can scale."""
    if strategy_of(stage.plan).replaces_in_place:
        return {stage.plan.workload}
    return {stage.plan.workload, stage.deployment("stable"), stage.deployment("canary")}


def cover_canary(stage: Stage, canary: Object, coming: int = 0) -> None:
    """Lets the budgets count in the canary's pods, those that are there and those that are about to come.

    canary: the Deployment as it is or will be made.
    """
    if not any(ref.resource == POD_DISRUPTION_BUDGET for ref in _guards(stage)):
        return
    live = stage.ctx.client.find(stage.ctx.ref(DEPLOYMENT, name_of(canary)))
    there = 0 if live is None else replicas_of(live)
    cover(stage, labels(canary["spec"]["template"]), max(there, coming) - _own_size(stage, canary))


def _own_size(stage: Stage, canary: Object) -> int:
    """The pods that it has outside of releases: some only where the user keeps it."""
    if labels(canary).get(ROLLOUT) == stage.ctx.by:
        return 0
    ref = stage.ctx.ref(DEPLOYMENT, name_of(canary))
    return replicas_of(objects.original(stage.ctx, ref, canary))


def cover(stage: Stage, pod_labels: Mapping[str, str], more: int) -> None:
    """Lets the budgets count in so many more pods with these labels."""

    def edits_of(base: Object) -> Sequence[Edit]:
        return budgets.covering_edits(base, more) if budgets.protects(base, pod_labels) else []

    for ref in _guards(stage):
        if ref.resource == POD_DISRUPTION_BUDGET:
            _edit(stage, ref, edits_of)


def _refs(ctx: Context, keys: Sequence[str]) -> list[Ref]:
    return [ctx.ref(_KINDS[kind], name) for kind, name in (key.split("/") for key in keys)]


def _guards(stage: Stage) -> list[Ref]:
    return _refs(stage.ctx, stage.record.guards)


def _deployment(stage: Stage, to: str) -> Object | None:
    if strategy_of(stage.plan).replaces_in_place:
        return None
    return stage.ctx.client.find(stage.ctx.ref(DEPLOYMENT, stage.deployment(to)))


def _edit(stage: Stage, ref: Ref, edits_of: Callable[[Object], Sequence[Edit]]) -> None:
    """One that the user has deleted meanwhile is left so.

    Whoever takes a release back has no time to explain the limits that somebody gave in the same need: theirs stay.
    """
    ctx = stage.ctx
    if stage.record.program != RELEASE and ctx.on_drift == "fail":
        ctx = replace(ctx, on_drift="accept")

    # One look at the workload serves all checks of this edit.
    pod_labels = cache(lambda: labels((ctx.client.find(stage.ref) or {"spec": {"template": {}}})["spec"]["template"]))

    def look(live: Objects) -> None:
        found = live[""]
        if found is not None and not stage.sealed and ctx.recall(ref.key):
            _refuse_stranger(stage, ref, [found, objects.original(ctx, ref, found)], pod_labels)

    def changes(bases: Objects) -> list[Change]:
        base = bases[""]
        wanted = [] if base is None else list(edits_of(base))
        if base is not None and wanted:
            _refuse_stranger(stage, ref, [base], pod_labels)
        return [Change("", wanted)]

    try:
        objects.edit_all(ctx, {"": ref}, set(), changes, after_read=look)
    except Refused as problem:
        if stage.record.program == RELEASE:
            raise
        ctx.journal.warn(str(problem))  # The way back goes on without it.
