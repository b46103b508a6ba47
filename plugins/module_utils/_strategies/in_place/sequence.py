"""The sequence of strategy in_place: the pods of a StatefulSet or a DaemonSet are replaced one part after the other."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence

from ..._plan.plan import Plan
from ..._steps.action import Action
from ..._steps.actions import Drain, EnsureCanary, FinishUpdate, HoldUpdate, PinServices, RollWorkload, UnpinServices
from ..._steps.sequence import first_size
from ..sequence import (
    Facts,
    Program,
    all_traffic_by_routers,
    canary_service,
    delay_scale_down,
    drain_canary,
    floor_of,
    has,
    nothing,
    release_autoscaling,
    remove_canary_service,
    restore_routers,
    retarget_autoscaler,
    stable_services,
    wait_delay,
)


def _start(plan: Plan, facts: Facts) -> list[Action]:
    """The Services know only old pods before the first new one comes."""
    return [
        *retarget_autoscaler(facts, "workload"),
        PinServices(stable_services(plan, facts), "stable"),
        HoldUpdate(),
        first_size(plan.steps, floor_of(plan, facts)),
        canary_service(plan, facts),
    ]


def _switch(plan: Plan, facts: Facts) -> list[Action]:
    stable = stable_services(plan, facts)
    if plan.bluegreen is None:
        return [EnsureCanary(100), *all_traffic_by_routers(plan), UnpinServices(stable), *restore_routers(plan)]
    # Both versions have to bear all the traffic, the old one until the Services leave it.
    return [EnsureCanary(50), *all_traffic_by_routers(plan), PinServices(stable, "canary")]


def _ending(plan: Plan, facts: Facts) -> list[Action]:
    """The last old pod goes only when the stable Services have the new ones, too."""
    unpinned = [] if plan.bluegreen is None else [UnpinServices(stable_services(plan, facts))]
    last: list[Action] = [FinishUpdate(), *unpinned, *release_autoscaling(facts, "workload")]
    return [Drain(), *wait_delay(plan.scale_down_delay), *_end_canary_service(plan, facts), *last]


def _way_back(plan: Plan, facts: Facts, begun: Sequence[Action]) -> list[Action]:
    stable = PinServices(stable_services(plan, facts), "stable")
    actions: list[Action] = []
    if stable in begun:
        actions.append(stable)
    ended = drain_canary(plan, facts, begun)
    actions += [*ended, *delay_scale_down(plan, ended), *_end_canary_service(plan, facts)]
    if has(begun, HoldUpdate):
        actions.append(RollWorkload("stable"))
    return [*actions, UnpinServices(stable_services(plan, facts)), *release_autoscaling(facts, "workload")]


def _end_canary_service(plan: Plan, facts: Facts) -> list[Action]:
    return remove_canary_service(facts) or [UnpinServices((plan.canary_service,))]


SEQUENCE = Program(_start, _switch, _ending, _way_back, (FinishUpdate,), nothing, follows=False)
