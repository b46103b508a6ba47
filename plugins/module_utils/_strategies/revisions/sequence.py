"""The sequence of strategy revisions: one Deployment per revision, and the traffic moves from one to the next."""

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
    RemoveRevisions,
    ResumeWorkload,
    RetireCanary,
    RetireStable,
    RollWorkload,
    UnpinServices,
)
from ..._steps.sequence import first_size
from ..sequence import (
    Facts,
    Program,
    all_traffic_by_routers,
    canary_service,
    delay_scale_down,
    drain_canary,
    floor_of,
    pinned_services,
    release_autoscaling,
    remove_canary_service,
    restore_routers,
    retarget_autoscaler,
    stable_services,
    wait_delay,
)


def _start(plan: Plan, facts: Facts) -> list[Action]:
    # The user's workload runs the stable version of the first release only.
    pause: list[Action] = [] if facts.stable_made else [PauseWorkload()]
    return [
        *pause,
        *retarget_autoscaler(facts, "stable"),
        PinServices(stable_services(plan, facts), "stable"),
        first_size(plan.steps, floor_of(plan, facts)),
        canary_service(plan, facts),
    ]


def _switch(plan: Plan, facts: Facts) -> list[Action]:
    pinned = PinServices(stable_services(plan, facts), "canary")
    return [EnsureCanary(100), *retarget_autoscaler(facts, "canary"), *all_traffic_by_routers(plan), pinned, *restore_routers(plan)]


def _ending(plan: Plan, facts: Facts) -> list[Action]:
    return [
        Drain(),
        *remove_canary_service(facts),
        *wait_delay(plan.scale_down_delay),
        RetireStable(),
        *release_autoscaling(facts, "canary"),
    ]


def _way_back(plan: Plan, facts: Facts, begun: Sequence[Action]) -> list[Action]:
    stable = PinServices(stable_services(plan, facts), "stable")
    actions: list[Action] = [*retarget_autoscaler(facts, "stable"), stable] if stable in begun else []
    ended = drain_canary(plan, facts, begun)
    # A Service that stays has pods at every moment.
    given: list[Action] = [] if facts.canary_service_made else [PinServices((plan.canary_service,), "stable", carries_traffic=False)]
    actions += [*ended, *remove_canary_service(facts), *given]
    actions += [*delay_scale_down(plan, ended), RetireCanary(), *release_autoscaling(facts, "stable")]
    return actions if facts.stable_made else [*actions, UnpinServices(pinned_services(plan, facts)), ResumeWorkload()]


def _hand_back(plan: Plan, facts: Facts) -> list[Action]:
    """To the workload again, which has no traffic until all its pods are ready; after an abort of the first release it has all of it."""
    if not facts.stable_made:
        return [RemoveRevisions()]
    pinned = PinServices(stable_services(plan, facts), "workload")
    moved = [RollWorkload("stable"), *retarget_autoscaler(facts, "workload"), pinned, Drain(), RemoveRevisions()]
    return [*moved, UnpinServices(pinned_services(plan, facts)), *release_autoscaling(facts, "workload"), ResumeWorkload()]


SEQUENCE = Program(_start, _switch, _ending, _way_back, (RetireStable,), _hand_back)
