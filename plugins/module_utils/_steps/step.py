"""What a step of a plan is: its key and options, how it is read and shown, and the actions that it compiles to."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from .._routing.target import ManagedRoute
from .action import Action
from .actions import Drain, EnsureCanary, MoveTraffic

Handler = Callable[[Any, Any], None]


@dataclass(frozen=True)
class Option:
    """An option of a step. type: one of Ansible's, or `duration`. The step's description says what the option does."""

    name: str
    type: str
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class MinimumPods:
    """How many pods a canary that gets requests has at least. fixed: where a step gives it a number of pods."""

    pods: int = 1
    fixed: int = 1


ONE_POD = MinimumPods()


@dataclass
class CanaryState:
    """What the steps so far have made of the canary's traffic and of its size.

    Attributes:
        minimum: How many pods it has at least.
        switch: The actions that switch all traffic of a blue-green release.
        weight: Its share of the traffic, in percent.
        percent: Its size in percent of the stable version, as the weight asks for.
        fixed: Its size as a step fixed it, whatever the weight: percent, or a number of pods.
        routes: The routes whose requests go to it whatever the weight, by name.
        mirror: Percent of the requests that are copied to it.
    """

    minimum: MinimumPods = ONE_POD
    switch: tuple[Action, ...] = ()
    weight: int = 0
    percent: int = 0
    fixed: tuple[int, int | None] | None = None
    routes: dict[str, ManagedRoute] = field(default_factory=dict)
    mirror: float = 0.0

    @property
    def gets_requests(self) -> bool:
        """Whether any request, or a copy of one, reaches the canary."""
        return bool(self.weight or self.routes or self.mirror)

    def scale(self) -> EnsureCanary:
        """The action that gives the canary its size."""
        weight, replicas = self.fixed or (self.percent, None)
        least = self.minimum.pods if replicas is None else self.minimum.fixed
        # No client waits for the answers to copies.
        return EnsureCanary(weight, replicas, shrink=not self.gets_requests, least=least if self.weight or self.routes else 1)

    def split(self) -> MoveTraffic:
        """The action that gives the canary its traffic."""
        return MoveTraffic(self.weight, tuple(self.routes.values()), self.mirror)


class Step(ABC):
    """One step of a plan. A new kind is a file with a subclass, and a line in registry.py. str() is what users read.

    Attributes:
        key: Its name in a plan.
        description: What it does, with its options, as the documentation of `canary.steps` says it.
        options: What it takes, where that is a mapping.
        by_pods: Whether it works where only the numbers of pods share the traffic.
        handlers: How its own kinds of action are performed, where _actions/perform.py has no handler for them.
    """

    key: ClassVar[str]
    description: ClassVar[str] = ""
    options: ClassVar[tuple[Option, ...]] = ()
    by_pods: ClassVar[bool] = False
    handlers: ClassVar[Mapping[type[Action], Handler]] = {}

    @classmethod
    def parse(cls, value: Any, where: str) -> Step:
        """Reads the value of the step in a plan. where: the option, as messages name it. Raises Refused."""
        raise NotImplementedError(f"{cls.key} is not written by users")

    @abstractmethod
    def compile(self, canary: CanaryState) -> list[Action]:
        """The actions of the step. canary: as the steps before have left it; the step changes it."""

    def compile_for_pods(self, _minimum: MinimumPods) -> list[Action]:
        """The same where only the numbers of pods share the traffic."""
        return []

    @property
    def data(self) -> dict[str, Any]:
        """The step as data, which is the same for two steps that do the same."""
        return {self.key: asdict(self)}  # type: ignore[call-overload]

    @property
    def new_weight(self) -> int | None:
        """The canary's share of the traffic from here on, in percent; None where the step does not set it."""
        return None

    @property
    def expiry(self) -> tuple[float, str] | None:
        """In how many seconds after its begin the step expires, and what the next call does then; None where it does not expire."""
        return None

    def first_size(self, _minimum: MinimumPods) -> EnsureCanary | None:
        """How big the canary starts where this is the first step that says so; None where it does not."""
        return None

    def conflict(self, _before: Sequence[Step]) -> str:
        """Why the step cannot follow the steps before it, as a predicate; empty where it can."""
        return ""


class TrafficStep(Step):
    """A step that changes the canary's traffic, and with it the size that the canary needs."""

    @abstractmethod
    def apply(self, canary: CanaryState) -> None:
        """Changes the canary's traffic."""

    def compile(self, canary: CanaryState) -> list[Action]:
        """Scales up before the canary gets more traffic, and down after it gets none.

        With less traffic, but some, the pods stay: all of them serve a part of it.
        """
        weight, had_requests = canary.weight, canary.gets_requests
        self.apply(canary)
        canary.percent = max(canary.percent, canary.weight) if canary.gets_requests else 0
        if had_requests and not canary.gets_requests:
            return [canary.split(), Drain(), canary.scale()]
        return [canary.split()] if canary.weight < weight else [canary.scale(), canary.split()]


class ScaleStep(Step):
    """A step that fixes the canary's size."""

    @property
    @abstractmethod
    def size(self) -> tuple[int, int | None] | None:
        """Percent of the stable version, or a number of pods; None where the weight decides."""

    def compile(self, canary: CanaryState) -> list[Action]:
        """Scales the canary."""
        canary.fixed = self.size
        return [canary.scale()]

    def first_size(self, _minimum: MinimumPods) -> EnsureCanary | None:
        """The size, where the step has one."""
        return None if self.size is None else EnsureCanary(*self.size)
