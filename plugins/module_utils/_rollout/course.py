"""The steps of a plan as actions: what each makes of the traffic and of the size of the canary."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .._plan.plan import Plan
from .._plan.steps import Pause, Preview, SetCanaryScale, SetMirrorRoute, SetWeight, Step, Switch
from .._routing.target import DesiredTraffic, ManagedRoute, split_of
from .actions import Action, Drain, EnsureCanary, MoveTraffic, ScaleFollows, SharePods, WaitPause


@dataclass(frozen=True)
class Entry:
    """An action, and the step of the plan (index from 0) that it belongs to; None before the first and after the last."""

    action: Action
    step: int | None = None


@dataclass(frozen=True)
class Floor:
    """How many pods a canary that gets requests has at least. fixed: where a step gives it a number of pods."""

    pods: int = 1
    fixed: int = 1


def first_size(steps: Sequence[Step], floor: Floor = Floor()) -> EnsureCanary:
    """As big as the first step that says so will have it."""
    for step in steps:
        if isinstance(step, SetWeight):
            return EnsureCanary(step.weight, least=floor.pods if step.weight else 1)
        if isinstance(step, (SetCanaryScale, Preview)) and _scale(step) is not None:
            return EnsureCanary(*(_scale(step) or ()))
    return EnsureCanary(1)


def entries(steps: Sequence[Step], scaled: bool = False, switch: Sequence[Action] = (), floor: Floor = Floor()) -> list[Entry]:
    """The actions of the steps, in order. scaled: there is an autoscaler, which can follow the traffic. switch: those of that step."""
    course = _Course(scaled, tuple(switch), floor)
    return [Entry(action, index) for index, step in enumerate(steps) for action in course.follow(step)]


def sharing_pods(steps: Sequence[Step], _scaled: bool = False, _switch: Sequence[Action] = (), floor: Floor = Floor()) -> list[Entry]:
    """The same where just the numbers of pods share the traffic."""
    shares = {index: SharePods(step.weight, floor.pods) for index, step in enumerate(steps) if isinstance(step, SetWeight)}
    found = [(index, shares.get(index) or _waited(step)) for index, step in enumerate(steps)]
    return [Entry(action, index) for index, action in found if action is not None]


def _waited(step: Step) -> WaitPause | None:
    return WaitPause(step.duration) if isinstance(step, Pause) else None


def wishes(plan: Plan) -> dict[str, DesiredTraffic]:
    """What the steps ask of the routers, by what messages call the step."""
    moves = [(entry.step, entry.action) for entry in entries(plan.steps) if isinstance(entry.action, MoveTraffic)]
    return {
        f"canary.steps[{step}]" if plan.bluegreen is None else "bluegreen.mirror": DesiredTraffic(
            split_of(move.weight), move.routes, move.mirror
        )
        for step, move in moves
        if step is not None
    }


def _scale(step: SetCanaryScale | Preview) -> tuple[int, int | None] | None:
    """The size that the step fixes, in percent or pods; None where it leaves that to the weight."""
    if isinstance(step, Preview):
        return (100 if step.replicas is None else 0, step.replicas)
    return None if step.replicas is None and step.percent is None else (step.percent or 0, step.replicas)


@dataclass
class _Course:
    """What the steps so far have made of the traffic and of the canary. size: in percent; fixed: whatever the weight."""

    scaled: bool = False
    switch: tuple[Action, ...] = ()
    floor: Floor = Floor()
    follows: str = "stable"  # what the autoscaler follows
    weight: int = 0
    size: int = 0
    fixed: tuple[int, int | None] | None = None
    routes: dict[str, ManagedRoute] = field(default_factory=dict)
    mirror: float = 0.0

    @property
    def reaches(self) -> bool:
        """Whether any request comes to the canary."""
        return bool(self.weight or self.routes or self.mirror)

    def sized(self) -> EnsureCanary:
        weight, replicas = self.fixed or (self.size, None)
        least = self.floor.pods if replicas is None else self.floor.fixed
        # Nobody misses the answers to copies.
        return EnsureCanary(weight, replicas, shrink=not self.reaches, least=least if self.weight or self.routes else 1)

    def moved(self) -> MoveTraffic:
        return MoveTraffic(self.weight, tuple(self.routes.values()), self.mirror)

    def follow(self, step: Step) -> list[Action]:
        """The actions of a step. The autoscaler follows most of the traffic, and goes ahead of it; not to a size that the plan fixes."""
        actions = self._moved_by(step)
        heavy = "canary" if self.weight > 50 and self.fixed is None else "stable"
        if not self.scaled or heavy == self.follows:
            return actions
        self.follows = heavy
        before = next((place for place, each in enumerate(actions) if isinstance(each, MoveTraffic)), len(actions))
        return [*actions[:before], ScaleFollows(heavy), *actions[before:]]

    def _moved_by(self, step: Step) -> list[Action]:
        """The actions of a step: pods before traffic on the way up, traffic before pods on the way down.

        On the way down pods stay as long as there is any traffic: all of them have a part of it.
        """
        if isinstance(step, Pause):
            return [WaitPause(step.duration)]
        if isinstance(step, Switch):
            return list(self.switch)
        weight, had = self.weight, self.reaches
        if isinstance(step, (SetCanaryScale, Preview)):
            self.fixed = _scale(step)
            return [self.sized()]
        if isinstance(step, SetWeight):
            self.weight = step.weight
        elif isinstance(step, SetMirrorRoute):
            self.mirror = step.percent
        elif step.matches:
            self.routes[step.name] = ManagedRoute(step.name, step.matches, step.inherit)
        else:
            self.routes.pop(step.name, None)
        self.size = max(self.size, self.weight) if self.reaches else 0
        if had and not self.reaches:
            return [self.moved(), Drain(), self.sized()]
        return [self.moved()] if self.weight < weight else [self.sized(), self.moved()]
