"""Whether the workload can be released in its style as it is now, and how the pods of its stable version are known."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._objects.refusal import Refused
from .._objects.resources import DEPLOYMENT, labels, name_of
from .._plan.plan import Plan
from .._strategies.registry import strategy_of
from .._workloads import in_place
from .._workloads.in_place import CONTROLLER_REVISION_HASH
from .._workloads.label_selectors import match_labels
from .._workloads.marks import POD_TEMPLATE_HASH, REVISION
from .._workloads.services import selector_text, selects
from . import made, workload
from .context import Context
from .styles.in_place import revision_hash

Object = dict[str, Any]


@dataclass(frozen=True)
class Stable:
    """The stable version.

    hash: by which its pods are pinned. pods: the labels that tell them from others. other: the template of a pair's other Deployment.
    """

    hash: str
    pods: Mapping[str, str]
    other: Mapping[str, Any] = field(default_factory=dict)


def stable_of(ctx: Context, plan: Plan, live: Object, held: bool = False) -> Stable:
    """How the pods of the workload are known; raises Refused or Failed where its style does not suit it as it is.

    held: the workload is paused between releases.
    """
    if strategy_of(plan).replaces_in_place:
        return _in_place(ctx, plan, live)
    if strategy_of(plan).keeps_second_workload:
        return _pair(ctx, plan, live)
    found = workload.present_hash(ctx, live, held)
    return Stable(found, {POD_TEMPLATE_HASH: found})


def of_revision(running: Mapping[str, Any]) -> Stable:
    """How the pods of a revision are known that runs in a Deployment made here. running: what the record tells of it."""
    return Stable("", {REVISION: running["template"]})


def refuse_taken(ctx: Context, plan: Plan, deployments: Sequence[Object], target: str) -> None:
    """Raises Refused where something of the user's has the name that the new version's Deployment needs. target: its hash."""
    strategy = strategy_of(plan)
    needed = strategy.new_workload_name(plan, target)
    for each in deployments:
        if strategy.creates_second_workload and name_of(each) == needed:
            made.refuse_foreign(each, ctx.ref(DEPLOYMENT, needed), plan.name)


def _pair(ctx: Context, plan: Plan, live: Object) -> Stable:
    """Raises Refused where one of the two would take the other's pods."""
    canary = ctx.client.get(ctx.ref(DEPLOYMENT, plan.canary_workload))
    if canary["spec"].get("paused"):
        raise Refused(f"Deployment {ctx.namespace}/{plan.canary_workload} is paused: resume it first")
    own, others = match_labels(live), match_labels(canary)
    for ours, name, theirs, other in (
        (own, plan.workload, canary, plan.canary_workload),
        (others, plan.canary_workload, live, plan.workload),
    ):
        if not ours:
            raise Refused(
                f"Deployment {ctx.namespace}/{name} has no matchLabels in its selector, by which a Service could select its pods: "
                "give its selector a label that only its own pods have"
            )
        if selects(ours, labels(theirs["spec"]["template"])):
            raise Refused(
                f"Deployment {ctx.namespace}/{name} is told apart from {other} by no label: a Service that selects {selector_text(ours)} "
                f"takes the pods of both: give each of the two a label of its own in selector.matchLabels and template"
            )
    return Stable(workload.present_hash(ctx, live), own, canary["spec"]["template"])


def _in_place(ctx: Context, plan: Plan, live: Object) -> Stable:
    problem = in_place.not_rolled_out(live)
    if problem:
        raise Refused(f"{plan.title} is not fully rolled out ({problem}): wait for its own rollout, or undo it (kubectl rollout undo)")
    if in_place.size_of(live) < 2:
        raise Refused(
            f"{plan.title} has {in_place.size_of(live)} pods: to replace them in place with both versions ready takes at least 2; "
            "scale it up, or change its template directly"
        )
    found = revision_hash(ctx, live)
    return Stable(found, {CONTROLLER_REVISION_HASH: found})
