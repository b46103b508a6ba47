"""Hazards of the workload itself: not at rest, nothing to go back to, nothing new."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator

from ..._objects import pages
from ..._strategies.registry import strategy_of
from ..._workloads.deployments import not_rolled_out
from ..._workloads.revisions import template_hash
from ..findings import Finding, fatal, warning
from .snapshot import ClusterSnapshot


def paused(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """A client paused the workload for a reason."""
    if snapshot.stable["spec"].get("paused") and not snapshot.held:
        yield fatal(snapshot.title, "is paused", f"resume it first (kubectl rollout resume deployment/{snapshot.plan.workload})")


def waiting_edit(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """Only a release in the same order knows what waits in the template from what runs."""
    if (
        snapshot.held
        and not snapshot.plan.hold
        and not strategy_of(snapshot.plan).releases_waiting_edit
        and not_rolled_out(snapshot.deployment)
    ):
        problem = "was held by the releases before, and a version waits in its template"
        yield fatal(
            snapshot.title, problem, "release that first with hold and style clone, or take it back (kubectl set image, or by hand)"
        )


def scaled_to_nothing(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """Without pods there is no stable version."""
    if snapshot.replicas == 0:
        problem = "is scaled to 0, so there is no stable version to go back to"
        yield fatal(snapshot.title, problem, "scale it up, or change its template directly")


def in_a_rollout_of_its_own(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """One hash cannot distinguish the pods of two versions."""
    problem = snapshot.at_rest if snapshot.replicas else None
    if problem:
        remedy = "wait for its own rollout, or undo it (kubectl rollout undo)"
        yield fatal(snapshot.title, f"is not fully rolled out ({problem})", remedy)


def keeps_no_history(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """The old ReplicaSet holds the version to which an abort goes back."""
    if snapshot.deployment["spec"].get("revisionHistoryLimit") == 0:
        problem = "has revisionHistoryLimit 0, so that an abort in the promotion and undo would not find the old version any more"
        yield fatal(snapshot.title, problem, "set it to 1 or more, 10 is the default")


def stops_all(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """A workload with traffic that ends all its pods before it starts others has none for a while."""
    if snapshot.plan.promotion == "rolling" and (snapshot.deployment["spec"].get("strategy") or {}).get("type") == "Recreate":
        problem = "has strategy Recreate, and with promotion: rolling would stop all its pods while they have traffic"
        yield fatal(snapshot.title, problem, "leave promotion out, or set its strategy to RollingUpdate")


def cannot_be_split(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """One pod is of one version."""
    weights = [step.new_weight or 0 for step in snapshot.plan.steps]
    if snapshot.plan.by_pods and snapshot.replicas == 1 and any(0 < weight < 100 for weight in weights):
        yield fatal(snapshot.title, "has one pod, which router type replicas cannot split", "scale it to 2 or more, or use another router")


def ends_abruptly(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """Where pods end that have traffic, proxies learn of it a little later than the pods."""
    under_traffic = strategy_of(snapshot.plan).replaces_pods_under_traffic(snapshot.plan)
    containers = (snapshot.stable["spec"]["template"].get("spec") or {}).get("containers") or []
    if under_traffic and not any((each.get("lifecycle") or {}).get("preStop") for each in containers):
        problem = "ends pods that have traffic in this kind of release, and none of its containers has a preStop hook"
        remedy = f"give them a preStop sleep of some seconds, or the requests of that moment are lost ({pages.STYLES})"
        yield warning(snapshot.title, problem, remedy)


def labels_of_its_own(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """What selects pods by a label loses them when the label changes."""
    asked = snapshot.plan.bluegreen.labels if snapshot.plan.bluegreen else set()
    for key in sorted(asked & {*snapshot.present_labels, *snapshot.new_labels}):
        problem = f"has label {key} on its pods already, which bluegreen.active_labels and preview_labels would change"
        yield fatal(snapshot.title, problem, "name another label there")


def nothing_new(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """An image by the same name is the same version."""
    if not snapshot.plan.hold and template_hash(snapshot.template) == template_hash(snapshot.deployment["spec"]["template"]):
        yield warning(snapshot.title, "runs this version already", "name other images in revision.images where something is to be released")
