"""Labels the pods of a blue-green release by where its two Services lead, without a restart, as Argo Rollouts' ephemeral metadata."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._objects.patches import merged
from .._objects.resources import POD, REPLICA_SET, SERVICE, Resource, labels, name_of
from .._steps import actions as kinds
from .._strategies.registry import strategy_of
from .._workloads import revisions
from .._workloads.in_place import CONTROLLER_REVISION_HASH
from .._workloads.label_selectors import pod_selector
from .._workloads.marks import POD_TEMPLATE_HASH, REVISION
from .._workloads.services import selector_of, selects
from . import apply, made
from .stage import Stage

Object = dict[str, Any]


def label(stage: Stage, _action: kinds.LabelPods) -> None:
    """Active ones, those of the preview, and neither."""
    bluegreen = stage.plan.bluegreen
    ours = _ours(stage)
    active, preview = (_selector(stage, name) for name in (stage.plan.stable_service, stage.plan.canary_service))
    for pod in _pods(stage):
        of_active = selects(active, labels(pod))
        of_preview = not of_active and selects(preview, labels(pod))
        wanted = {} if bluegreen is None else bluegreen.active if of_active else bluegreen.preview if of_preview else {}
        _label(stage, pod, wanted, ours)


def unlabel(stage: Stage, _action: kinds.UnlabelPods) -> None:
    """None of these labels any more."""
    ours = _ours(stage)
    for pod in _pods(stage):
        _label(stage, pod, {}, ours)


def _selector(stage: Stage, service: str) -> dict[str, str]:
    return selector_of((stage.ctx.client.find(stage.ctx.ref(SERVICE, service)) if service else None) or {})


def _pods(stage: Stage) -> list[Object]:
    """Of both versions, by their owners: others may have the same labels."""
    workloads = [each for each in map(stage.ctx.client.find, stage.user_workloads) if each is not None]
    texts = dict.fromkeys(pod_selector(each) for each in workloads)
    if strategy_of(stage.plan).replaces_in_place:
        owners = workloads
    else:
        made_here = made.deployments(stage.ctx, stage.plan.name)
        sets = _listed(stage, REPLICA_SET, texts)
        owners = [each for deployment in (*workloads, *made_here) for each in revisions.owned(sets, deployment)]
    found = _listed(stage, POD, texts)
    return [pod for owner in owners for pod in revisions.owned(found, owner) if not pod["metadata"].get("deletionTimestamp")]


def _listed(stage: Stage, resource: Resource, texts: Iterable[str]) -> list[Object]:
    """What is made here has all labels of the workload's pods, too."""
    found = [each for text in texts for each in stage.ctx.client.list(resource, stage.ctx.namespace, text)[0]]
    return list({name_of(each): each for each in found}.values())


def _label(stage: Stage, pod: Object, wanted: Mapping[str, str], ours: Mapping[str, list[str]]) -> None:
    """Gives the pod these, and takes what we may have put there and is not wanted any more. One that goes meanwhile needs none."""
    apply.update(stage.ctx, stage.ctx.ref(POD, name_of(pod)), lambda live: merged(live, _changes(labels(live), wanted, ours)), pod)


def _ours(stage: Stage) -> dict[str, list[str]]:
    """The values that this collection may have given to each key: never to those that a selector may need, whatever the record says."""
    live = stage.ctx.client.find(stage.ref)
    template = labels(live["spec"]["template"]) if live is not None else {}
    fixed = {*template, POD_TEMPLATE_HASH, REVISION, CONTROLLER_REVISION_HASH}
    return {key: values for key, values in stage.record.labels.items() if key not in fixed}


def _changes(there: Mapping[str, str], wanted: Mapping[str, str], ours: Mapping[str, list[str]]) -> Object:
    """A merge patch. ours: the values that this collection may have given to each key."""
    gone: dict[str, str | None] = {key: None for key, values in ours.items() if key not in wanted and there.get(key) in values}
    changes = {**gone, **{key: value for key, value in wanted.items() if there.get(key) != value}}
    return {"metadata": {"labels": changes}} if changes else {}
