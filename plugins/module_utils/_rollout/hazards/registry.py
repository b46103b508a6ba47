"""What may stop or endanger a rollout, seen in the objects around it (pure). A new hazard is a function, and its line here."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Callable

from ..._strategies.registry import strategy_of
from ..findings import Finding
from . import budgets, owners, placement, pod_labels, quota, scaling, services, stickiness, workload
from .advice import advice_in
from .snapshot import LOOKS, ClusterSnapshot, Look, RouterObjects

__all__ = ["LOOKS", "ClusterSnapshot", "Look", "RouterObjects", "advice_in", "hazards_in"]

Hazard = Callable[[ClusterSnapshot], Iterable[Finding]]

# Those that are there however the new version runs.
OF_ANY_STYLE: tuple[Hazard, ...] = (
    workload.nothing_new,
    workload.labels_of_its_own,
    workload.ends_abruptly,
    services.unfit,
    services.switched,
    services.standing_by,
    services.without_a_port,
    services.annotations_left,
    stickiness.client_ip,
    stickiness.consistent_hash,
    scaling.two_over_the_same_pods,
    budgets.two_over_the_same_pods,
    budgets.without_any_eviction,
    owners.owned,
    pod_labels.subsets_without_pods,
    pod_labels.policies,
    pod_labels.peers,
    pod_labels.spread,
)
OF_A_DEPLOYMENT: tuple[Hazard, ...] = (
    workload.paused,
    workload.waiting_edit,
    workload.scaled_to_nothing,
    workload.in_a_rollout_of_its_own,
    workload.keeps_no_history,
    workload.stops_all,
    workload.cannot_be_split,
)
# Those of two versions with the same labels.
OF_ONE_SELECTOR: tuple[Hazard, ...] = (services.selecting_other_pods, services.left_empty)
# Those of a second workload with pods that have the labels of the first one's.
OF_A_CLONE: tuple[Hazard, ...] = (
    scaling.of_the_canary,
    scaling.of_shared_pods,
    quota.no_room,
    placement.apart,
    placement.on_the_hosts_network,
    placement.volumes,
)


def hazards_in(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """Those of any strategy, then those of the plan's."""
    for hazard in (*OF_ANY_STYLE, *strategy_of(snapshot.plan).parts().hazards):
        yield from hazard(snapshot)
