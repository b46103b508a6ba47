"""The pods of the workload itself are replaced one part after the other: style in_place, of StatefulSets and DaemonSets."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence

from ..._plan.plan import Plan
from ..actions import (
    Action,
    Drain,
    EnsureCanary,
    FinishUpdate,
    HoldUpdate,
    MoveTraffic,
    PinServices,
    RestoreRouters,
    RollWorkload,
    UnpinServices,
)
from ..course import first_size
from .style import Facts, Style, canary_service, follows, has, no_canary_service, nothing, released, stable_services


def _start(plan: Plan, facts: Facts) -> list[Action]:
    """The Services know only old pods before the first new one comes."""
    return [
        *follows(facts, "workload"),
        PinServices(stable_services(plan, facts), "stable"),
        HoldUpdate(),
        first_size(plan.steps),
        canary_service(plan, facts),
    ]


def _promotion(plan: Plan, facts: Facts) -> list[Action]:
    """The last old pod goes only when the stable Services have the new ones, too."""
    return [
        EnsureCanary(100),
        MoveTraffic(100),
        UnpinServices(stable_services(plan, facts)),
        RestoreRouters(),
        Drain(),
        *_end_canary_service(plan, facts),
        FinishUpdate(),
        *released(facts, "workload"),
    ]


def _way_back(plan: Plan, facts: Facts, begun: Sequence[Action]) -> list[Action]:
    stable = PinServices(stable_services(plan, facts), "stable")
    actions: list[Action] = []
    if stable in begun:
        actions.append(stable)
    if has(begun, MoveTraffic):
        actions += [RestoreRouters(), Drain()]
    actions += _end_canary_service(plan, facts)
    if has(begun, HoldUpdate):
        actions.append(RollWorkload("stable"))
    return [*actions, UnpinServices(stable_services(plan, facts)), *released(facts, "workload")]


def _end_canary_service(plan: Plan, facts: Facts) -> list[Action]:
    return no_canary_service(facts) or [UnpinServices((plan.canary_service,))]


IN_PLACE = Style(_start, _promotion, _way_back, (FinishUpdate,), nothing, follows=False)
