"""The sequence of strategies clone and pair: the new version runs beside the workload, which is rolled to it at the end."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence

from ..._plan.plan import Plan
from ..._steps.action import Action
from ..._steps.actions import (
    Drain,
    EnsureCanary,
    PauseWorkload,
    PinServices,
    RemoveCanary,
    RemoveCanaryService,
    RestoreRouters,
    ResumeWorkload,
    RollWorkload,
    UnpinServices,
)
from ..._steps.sequence import first_size

# The orders, and why each is as it is, stand in docs/semantics.md.
from ..registry import strategy_of
from ..sequence import (
    Facts,
    Program,
    all_traffic_by_routers,
    canary_service,
    delay_scale_down,
    drain_canary,
    floor_of,
    has,
    pinned_services,
    release_autoscaling,
    remove_canary_service,
    restore_routers,
    resume_workload,
    retarget_autoscaler,
    stable_services,
    wait_delay,
)

# The workload of a pair needs no pause: its Services are pinned by its own labels, which its pods have whatever their template.


def _start(plan: Plan, facts: Facts) -> list[Action]:
    pause: list[Action] = [PauseWorkload()] if strategy_of(plan).pauses_workload else []
    if facts.unchanged:
        return pause
    return [
        *pause,
        *retarget_autoscaler(facts, "stable"),
        PinServices(stable_services(plan, facts), "workload"),
        first_size(plan.steps, floor_of(plan, facts)),
        canary_service(plan, facts),
    ]


def _switch(plan: Plan, facts: Facts) -> list[Action]:
    if facts.unchanged or plan.promotion == "rolling":
        return []
    pinned = PinServices(stable_services(plan, facts), "canary")
    return [EnsureCanary(100), *retarget_autoscaler(facts, "canary"), *all_traffic_by_routers(plan), pinned]


def _ending(plan: Plan, facts: Facts) -> list[Action]:
    if facts.unchanged:
        # An edit that waits goes: the workload would roll to it.
        return [] if plan.hold else [RollWorkload("stable"), *resume_workload(plan)]
    if plan.promotion == "rolling":
        return [*_rolled(plan, facts, "new"), RestoreRouters(), Drain(), *_clean_up(plan, facts)]
    return [
        Drain(),
        *wait_delay(plan.scale_down_delay),
        RollWorkload("new"),
        *retarget_autoscaler(facts, "workload"),
        PinServices(stable_services(plan, facts), "workload"),
        *restore_routers(plan),
        Drain(),
        *_clean_up(plan, facts),
    ]


def _way_back(plan: Plan, facts: Facts, begun: Sequence[Action]) -> list[Action]:
    stable = stable_services(plan, facts)
    actions: list[Action] = []
    if plan.promotion == "rolling" and UnpinServices(stable, canary_gone=False) in begun:
        return [*_rolled(plan, facts, "stable"), RestoreRouters(), Drain(), *_clean_up(plan, facts)]
    if has(begun, RollWorkload):
        # The workload is rolling or rolled, and may carry the traffic: back to the canary with it, which is complete still.
        actions += [*_switch(plan, facts), Drain(), RollWorkload("stable")]
    if PinServices(stable, "workload") in begun:
        # First the stable Service to the workload's pods, then the router: the other order sends requests to the canary while it goes.
        # They are there already unless the promotion had begun, or another client resumed the workload and changed its version.
        actions += [*retarget_autoscaler(facts, "workload"), PinServices(stable, "workload")]
    ended = drain_canary(plan, facts, begun)
    return [*actions, *ended, *delay_scale_down(plan, ended), *_clean_up(plan, facts)]


def _rolled(plan: Plan, facts: Facts, to: str) -> list[Action]:
    """The workload rolls by its own strategy and under its share of the traffic; its Services know it by its own labels meanwhile."""
    stable = stable_services(plan, facts)
    return [
        UnpinServices(stable, canary_gone=False),
        RollWorkload(to),
        *retarget_autoscaler(facts, "workload"),
        PinServices(stable, "workload"),
    ]


def _clean_up(plan: Plan, facts: Facts) -> list[Action]:
    """The made pods are gone before any Service is unpinned."""
    unpinned = UnpinServices(pinned_services(plan, facts))
    return [*remove_canary_service(facts), RemoveCanary(), unpinned, *release_autoscaling(facts, "workload"), *resume_workload(plan)]


def _hand_back(plan: Plan, _facts: Facts) -> list[Action]:
    """A template that waits goes, since the workload would roll to it."""
    return [RollWorkload("stable"), ResumeWorkload()] if plan.hold else []


SEQUENCE = Program(_start, _switch, _ending, _way_back, (RemoveCanary, RemoveCanaryService), _hand_back)
