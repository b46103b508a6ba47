"""Labels the pods of a blue-green release by where its two Services lead, without a restart, as Argo Rollouts' ephemeral metadata."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._cluster.errors import Conflict, NotFound
from .._objects.resources import DEPLOYMENT, POD, SERVICE, labels, name_of
from .._rollout import actions as kinds
from .._workloads.services import selector_of, selector_text, selects
from .context import Failed
from .stage import Stage

Object = dict[str, Any]

_ATTEMPTS = 20  # kubelets write, too


def label(stage: Stage, _action: kinds.LabelPods) -> None:
    """Active ones, those of the preview, and neither."""
    bluegreen = stage.plan.bluegreen
    if bluegreen is None:
        return
    active, preview = (_selector(stage, name) for name in (stage.plan.stable_service, stage.plan.canary_service))
    for pod in _pods(stage):
        of_active = selects(active, labels(pod))
        wanted = bluegreen.active if of_active else bluegreen.preview if selects(preview, labels(pod)) else {}
        _label(stage, pod, wanted, bluegreen.labels)


def unlabel(stage: Stage, _action: kinds.UnlabelPods) -> None:
    """None of these labels any more."""
    for pod in _pods(stage):
        _label(stage, pod, {}, stage.plan.bluegreen.labels if stage.plan.bluegreen else set())


def _selector(stage: Stage, service: str) -> dict[str, str]:
    return selector_of(stage.ctx.client.find(stage.ctx.ref(SERVICE, service)) or {})


def _pods(stage: Stage) -> Sequence[Object]:
    """Of both versions: what is made here has all labels of the workload's pods, and just of a pair the second one has its own."""
    refs = [stage.ref, *([stage.ctx.ref(DEPLOYMENT, stage.plan.canary_workload)] if stage.plan.style == "pair" else [])]
    workloads = [each for each in map(stage.ctx.client.find, refs) if each is not None]
    texts = [selector_text(each["spec"]["selector"].get("matchLabels") or {}) for each in workloads]
    found = [pod for text in dict.fromkeys(texts) for pod in stage.ctx.client.list(POD, stage.ctx.namespace, text)[0]]
    return [pod for pod in {name_of(pod): pod for pod in found}.values() if not pod["metadata"].get("deletionTimestamp")]


def _label(stage: Stage, pod: Object, wanted: Mapping[str, str], ours: set[str]) -> None:
    """Gives the pod just these of our labels. One that goes meanwhile needs none."""
    ref = stage.ctx.ref(POD, name_of(pod))
    live: Object | None = pod
    for _attempt in range(_ATTEMPTS):
        if live is None or all(labels(live).get(key) == wanted.get(key) for key in ours):
            return
        stage.ctx.guard()
        try:
            after = stage.ctx.client.patch(ref, {"metadata": {"labels": {key: wanted.get(key) for key in sorted(ours)}}}, live)
        except Conflict:
            live = stage.ctx.client.find(ref)
        except NotFound:
            return
        else:
            stage.ctx.journal.wrote(ref, live, after)
            return
    raise Failed(f"{ref} keeps being changed by somebody else: find out who, and run again")
