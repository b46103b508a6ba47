"""The sequence of actions of a strategy: a start, a promotion, the ways back, and what the strategies' sequences share."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Callable

from .._objects.resources import POD_DISRUPTION_BUDGET
from .._plan.plan import Plan
from .._rollout.record import Record
from .._steps.action import Action
from .._steps.actions import (
    Drain,
    MakeCanaryService,
    MoveTraffic,
    PinServices,
    ReleaseGuards,
    RemoveCanaryService,
    RestoreRouters,
    ResumeWorkload,
    ScaleFollows,
    WaitDelay,
)
from .._steps.sequence import ScheduledAction, compile_steps
from .._steps.step import MinimumPods, Step
from .._workloads.configs import copies_in
from .registry import strategy_of


@dataclass(frozen=True)
class Facts:
    """What the sequences depend on besides the plan.

    bystanders: Services that are pinned along with the stable one. canary_service_made: the user has none.
    stable_made: the stable version runs in a Deployment of the rollout (style revisions, from the second release on).
    skips: the steps are skipped, since the release goes back within the rollback window.
    unchanged: the version runs already; the workload is just held, or no longer.
    guards: keys (Ref.key) of what scales the workload by itself, and of its PodDisruptionBudgets.
    copies: of ConfigMaps and Secrets, which the new version names. tracks: whether there may be any, of earlier releases too.
    made: keys of what the plan declares, and was not there at the start.
    labels: whether pods have some of ours, or had before. min_replicas: pods that a canary with traffic has at least.
    """

    bystanders: tuple[str, ...] = ()
    canary_service_made: bool = True
    stable_made: bool = False
    skips: bool = False
    guards: tuple[str, ...] = ()
    unchanged: bool = False
    copies: tuple[tuple[str, str, str], ...] = ()
    tracks: bool = False
    made: tuple[str, ...] = ()
    labels: bool = False
    min_replicas: int = 1

    @property
    def scaled(self) -> bool:
        """Whether something scales the workload by itself."""
        return any(not each.startswith(POD_DISRUPTION_BUDGET.kind) for each in self.guards)


def facts_of(record: Record) -> Facts:
    """The facts as they were found at the start of the revision."""
    return Facts(
        bystanders=tuple(record.bystanders),
        canary_service_made=record.canary_service_made,
        stable_made=bool(record.stable.get("made")),
        skips=record.skips,
        guards=tuple(record.guards),
        unchanged=record.target == record.stable.get("template"),
        copies=tuple(copies_in(record.configs)),
        tracks=record.tracks,
        made=tuple(record.made),
        labels=bool(record.labels),
        min_replicas=record.min_replicas,
    )


def floor_of(plan: Plan, facts: Facts) -> MinimumPods:
    """A number of pods that a step gives is more than a default, and less than what the plan says."""
    return MinimumPods(facts.min_replicas, facts.min_replicas if plan.min_replicas is not None else 1)


@dataclass(frozen=True)
class Program:
    """The actions of a strategy, in their order.

    Attributes:
        start: Until the first step.
        switch: Gives the new version all the traffic, by routers and Services.
        ending: After the switch.
        way_back: To the stable version, given the actions that have begun.
        final: From the first of these kinds of action on, the only way back is another release.
        hand_back: After a release, to the application as it was; empty where a release leaves nothing behind.
        follows: An autoscaler of the workload may scale the new version's Deployment instead.
        course: The steps as actions. Its arguments: the steps, whether an autoscaler follows the traffic, the actions of the switch, and
            how many pods a canary with traffic has at least.
    """

    start: Callable[[Plan, Facts], list[Action]]
    switch: Callable[[Plan, Facts], list[Action]]
    ending: Callable[[Plan, Facts], list[Action]]
    way_back: Callable[[Plan, Facts, Sequence[Action]], list[Action]]
    final: tuple[type[Action], ...]
    hand_back: Callable[[Plan, Facts], list[Action]]
    follows: bool = True
    course: Callable[[Sequence[Step], bool, Sequence[Action], MinimumPods], list[ScheduledAction]] = compile_steps


def stable_services(plan: Plan, facts: Facts) -> tuple[str, ...]:
    """The Services that have traffic whatever the routers say."""
    return (plan.stable_service, *facts.bystanders)


def pinned_services(plan: Plan, facts: Facts) -> tuple[str, ...]:
    """All Services that have a selector of ours."""
    return stable_services(plan, facts) + (() if facts.canary_service_made else (plan.canary_service,))


def canary_service(plan: Plan, facts: Facts) -> Action:
    """Points the canary Service at the new version; creates the Service where the user has none."""
    return MakeCanaryService() if facts.canary_service_made else PinServices((plan.canary_service,), "canary", carries_traffic=False)


def remove_canary_service(facts: Facts) -> list[Action]:
    """Removes the canary Service where the rollout created it."""
    return [RemoveCanaryService()] if facts.canary_service_made else []


def all_traffic_by_routers(plan: Plan) -> list[Action]:
    """Before the Services lead to the new version: routers send it all the traffic, those of blue-green just no copies any more."""
    if plan.bluegreen is None:
        return [MoveTraffic(100)]
    return [RestoreRouters()] if plan.bluegreen.mirror else []


def restore_routers(plan: Plan) -> list[Action]:
    """After the Services lead to the new version."""
    return [RestoreRouters()] if plan.bluegreen is None else []


def wait_delay(seconds: float) -> list[Action]:
    """For so long a version runs on without traffic."""
    return [WaitDelay(seconds)] if seconds else []


def drain_canary(plan: Plan, facts: Facts, begun: Sequence[Action]) -> list[Action]:
    """On a way back, once the Services select the stable version: ends the requests to the canary, where it may have had some."""
    moved = has(begun, MoveTraffic)
    switched = PinServices(stable_services(plan, facts), "canary") in begun
    return [*([RestoreRouters()] if moved else []), *([Drain()] if moved or switched else [])]


def delay_scale_down(plan: Plan, ended: Sequence[Action]) -> list[Action]:
    """Keeps the canary running for a while after its last request, where it may have had any."""
    return wait_delay(plan.abort_scale_down_delay) if ended else []


def retarget_autoscaler(facts: Facts, to: str) -> list[Action]:
    """Lets the workload's autoscaler, where there is one, scale the Deployment of one version."""
    return [ScaleFollows(to)] if facts.scaled else []


def release_autoscaling(facts: Facts, to: str) -> list[Action]:
    """Releases the autoscalers and disruption budgets that were held during the release."""
    return [ReleaseGuards(to)] if facts.guards else []


def has(actions: Sequence[Action], kind: type[Action]) -> bool:
    """Whether there is an action of this kind."""
    return any(action.kind == kind.kind for action in actions)


def resume_workload(plan: Plan) -> list[Action]:
    """Ends the workload's pause, unless it is held between releases."""
    return [ResumeWorkload()] if strategy_of(plan).pauses_workload and not plan.hold else []


def nothing(_plan: Plan, _facts: Facts) -> list[Action]:
    """Stands for a part of a sequence that a strategy does not need."""
    return []
