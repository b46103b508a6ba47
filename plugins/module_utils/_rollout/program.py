"""The order of a rollout: the list of actions of a release, and of the way back from any place in it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence

# The orders, and why each is as it is, stand in docs/semantics.md.
from dataclasses import dataclass, field

from .._objects.refusal import Refused
from .._plan.plan import Plan
from .._plan.steps import Pause, SetCanaryScale, SetMirrorRoute, SetWeight, Step
from .._routing.target import ManagedRoute, Wish, split_of
from .actions import (
    Action,
    Drain,
    EnsureClone,
    MakeCanaryService,
    MoveTraffic,
    PauseWorkload,
    PinServices,
    RemoveCanaryService,
    RemoveClone,
    RestoreRouters,
    ResumeWorkload,
    RollWorkload,
    UnpinServices,
    WaitPause,
)
from .record import Record


@dataclass(frozen=True)
class Entry:
    """An action, and the step of the plan (index from 0) that it belongs to; None before the first and after the last."""

    action: Action
    step: int | None = None


def program_of(record: Record, plan: Plan) -> list[Entry]:
    """The program that the record is carrying out."""
    release = release_program(plan, tuple(record.bystanders), record.canary_service_made)
    if record.program != "abort":
        return release
    return abort_program(release, record.aborted_at, plan, tuple(record.bystanders), record.canary_service_made)


def release_program(plan: Plan, bystanders: Sequence[str], canary_service_made: bool) -> list[Entry]:
    """Start, steps, promotion."""
    start = [Entry(action) for action in _start(plan, bystanders, canary_service_made)]
    promotion = [Entry(action) for action in _promotion(plan, bystanders, canary_service_made)]
    return start + _steps(plan.steps) + promotion


def abort_program(release: Sequence[Entry], position: int, plan: Plan, bystanders: Sequence[str], canary_service_made: bool) -> list[Entry]:
    """The way back from a position in the release (the action there may be half done)."""
    if already_promoted(release, position):
        raise Refused(
            f"rollout {plan.name}: the new version has been promoted and only tidying up is left: "
            "run it again to finish, then release the old version"
        )
    begun = [entry.action for entry in release[: position + 1]]
    actions: list[Action] = []
    if _has(begun, RollWorkload):
        # The workload is rolling or rolled, and may carry the traffic: back to the clone with it, which is complete still.
        pinned = PinServices(_stable_services(plan, bystanders), "clone")
        actions += [EnsureClone(100), MoveTraffic(100), pinned, Drain(), RollWorkload("stable")]
    if PinServices(_stable_services(plan, bystanders), "workload") in begun:
        # First the stable Service to the workload's pods, then the router: the other order sends requests to the clone while it goes.
        # They are there already unless the promotion had begun, or somebody resumed the workload and changed its version.
        actions.append(PinServices(_stable_services(plan, bystanders), "workload"))
    if _has(begun, MoveTraffic):
        actions += [RestoreRouters(), Drain()]
    return [Entry(action) for action in actions + _clean_up(plan, bystanders, canary_service_made)]


def already_promoted(release: Sequence[Entry], position: int) -> bool:
    """Whether the clone has begun to go, so that there is no way back but another release."""
    kinds = [type(entry.action) for entry in release]
    gone = min(index for index, kind in enumerate(kinds) if kind in (RemoveClone, RemoveCanaryService))
    return position >= gone


def _start(plan: Plan, bystanders: Sequence[str], canary_service_made: bool) -> list[Action]:
    canary: Action = MakeCanaryService() if canary_service_made else PinServices((plan.canary_service,), "clone", carries_traffic=False)
    return [PauseWorkload(), PinServices(_stable_services(plan, bystanders), "workload"), _first_size(plan.steps), canary]


def _first_size(steps: Sequence[Step]) -> EnsureClone:
    """As big as the first step that says so will have it."""
    for step in steps:
        if isinstance(step, SetWeight):
            return EnsureClone(step.weight)
        if isinstance(step, SetCanaryScale) and _scale(step) is not None:
            return EnsureClone(*(_scale(step) or ()))
    return EnsureClone(1)


def _scale(step: SetCanaryScale) -> tuple[int, int | None] | None:
    """The size that the step fixes, in percent or pods; None where it leaves that to the weight."""
    return None if step.replicas is None and step.percent is None else (step.percent or 0, step.replicas)


@dataclass
class _Course:
    """What the steps so far have made of the traffic and of the clone. size: in percent; fixed: whatever the weight."""

    weight: int = 0
    size: int = 0
    fixed: tuple[int, int | None] | None = None
    routes: dict[str, ManagedRoute] = field(default_factory=dict)
    mirror: float = 0.0

    @property
    def reaches(self) -> bool:
        """Whether any request comes to the canary."""
        return bool(self.weight or self.routes or self.mirror)

    def sized(self) -> EnsureClone:
        return EnsureClone(*(self.fixed or (self.size, None)), shrink=not self.reaches)

    def moved(self) -> MoveTraffic:
        return MoveTraffic(self.weight, tuple(self.routes.values()), self.mirror)

    def follow(self, step: Step) -> list[Action]:
        """The actions of a step: pods before traffic on the way up, traffic before pods on the way down.

        On the way down pods stay as long as there is any traffic: all of them have a part of it.
        """
        if isinstance(step, Pause):
            return [WaitPause(step.duration)]
        weight, had = self.weight, self.reaches
        if isinstance(step, SetCanaryScale):
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


def _steps(steps: Sequence[Step]) -> list[Entry]:
    course = _Course()
    return [Entry(action, index) for index, step in enumerate(steps) for action in course.follow(step)]


def wishes(plan: Plan) -> dict[str, Wish]:
    """What the steps ask of the routers, by what messages call the step."""
    moves = [(entry.step, entry.action) for entry in _steps(plan.steps) if isinstance(entry.action, MoveTraffic)]
    return {
        f"canary.steps, step {step + 1}": Wish(split_of(move.weight), move.routes, move.mirror) for step, move in moves if step is not None
    }


def _promotion(plan: Plan, bystanders: Sequence[str], canary_service_made: bool) -> list[Action]:
    stable = _stable_services(plan, bystanders)
    return [
        EnsureClone(100),
        MoveTraffic(100),
        PinServices(stable, "clone"),
        Drain(),
        RollWorkload("new"),
        PinServices(stable, "workload"),
        RestoreRouters(),
        Drain(),
        *_clean_up(plan, bystanders, canary_service_made),
    ]


def _clean_up(plan: Plan, bystanders: Sequence[str], canary_service_made: bool) -> list[Action]:
    """The made pods are gone before any Service is unpinned."""
    made: list[Action] = [RemoveCanaryService()] if canary_service_made else []
    pinned = _stable_services(plan, bystanders) + (() if canary_service_made else (plan.canary_service,))
    return [*made, RemoveClone(), UnpinServices(pinned), ResumeWorkload()]


def _stable_services(plan: Plan, bystanders: Sequence[str]) -> tuple[str, ...]:
    return (plan.stable_service, *bystanders)


def _has(actions: Sequence[Action], kind: type) -> bool:
    return any(isinstance(action, kind) for action in actions)
