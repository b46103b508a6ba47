"""The order of a rollout: the list of actions of a release, and of the way back from any place in it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence

# The orders, and why each is as it is, stand in docs/semantics.md.
from dataclasses import dataclass

from .._objects.refusal import Refused
from .._plan.plan import Plan
from .._plan.steps import Pause, SetWeight, Step
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
    first = next((step.weight for step in plan.steps if isinstance(step, SetWeight)), 1)
    canary: Action = MakeCanaryService() if canary_service_made else PinServices((plan.canary_service,), "clone", carries_traffic=False)
    return [PauseWorkload(), PinServices(_stable_services(plan, bystanders), "workload"), EnsureClone(first), canary]


def _steps(steps: Sequence[Step]) -> list[Entry]:
    entries, weight, size = [], 0, 0
    for index, step in enumerate(steps):
        if isinstance(step, Pause):
            entries.append(Entry(WaitPause(step.duration), index))
            continue
        # Pods before traffic on the way up. On the way down pods stay as long as there is any traffic: all of them have a part of it.
        size = max(size, step.weight) if step.weight else 0
        sized, moved = EnsureClone(size), MoveTraffic(step.weight)
        actions: list[Action] = [sized, moved]
        if step.weight < weight:
            actions = [moved] if step.weight else [moved, Drain(), sized]
        entries += [Entry(action, index) for action in actions]
        weight = step.weight
    return entries


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
