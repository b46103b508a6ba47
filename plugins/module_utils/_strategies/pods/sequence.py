"""Without a router: the new version stands behind the stable Service, too, and numbers of pods share its traffic until the promotion."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence

from ..._plan.plan import Plan
from ..._steps.action import Action
from ..._steps.actions import Drain, EnsureCanary, PauseWorkload, PinServices, RemoveCanary, RollWorkload, SharePods, UnpinServices
from ..._steps.sequence import compile_for_pods
from ..sequence import Facts, Program, has, nothing, release_autoscaling, resume_workload, stable_services


def _start(_plan: Plan, _facts: Facts) -> list[Action]:
    """The first pod of the new version has traffic at once, so it comes with the first step."""
    return [PauseWorkload()]


def _ending(plan: Plan, facts: Facts) -> list[Action]:
    """The workload gets back the pods that it had given, without traffic."""
    return [
        EnsureCanary(100),
        PinServices(stable_services(plan, facts), "canary"),
        Drain(),
        RollWorkload("new"),
        PinServices(stable_services(plan, facts), "workload"),
        Drain(),
        *_clean_up(plan, facts),
    ]


def _way_back(plan: Plan, facts: Facts, begun: Sequence[Action]) -> list[Action]:
    stable = stable_services(plan, facts)
    if not has(begun, SharePods) and not has(begun, EnsureCanary):
        return _clean_up(plan, facts)
    actions: list[Action] = []
    if PinServices(stable, "canary") in begun:
        # The workload may have any pods: it gets the old ones back while the canary, which is complete, has the traffic.
        actions += [EnsureCanary(100), PinServices(stable, "canary"), Drain()]
    return [*actions, RollWorkload("stable"), PinServices(stable, "workload"), Drain(), *_clean_up(plan, facts)]


def _clean_up(plan: Plan, facts: Facts) -> list[Action]:
    return [RemoveCanary(), UnpinServices(stable_services(plan, facts)), *release_autoscaling(facts, "workload"), *resume_workload(plan)]


SEQUENCE = Program(_start, nothing, _ending, _way_back, (RemoveCanary,), nothing, follows=False, course=compile_for_pods)
