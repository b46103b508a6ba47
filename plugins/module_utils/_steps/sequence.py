"""Compiles the steps of a plan to a sequence of actions, each with its id."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from .action import Action
from .actions import EnsureCanary, ScaleFollows
from .step import ONE_POD, CanaryState, MinimumPods, Step


@dataclass(frozen=True)
class ScheduledAction:
    """An action, and the step of the plan (index from 0) that it belongs to; None before the first and after the last.

    id: unique in its sequence, and independent of its position; see `identified`.
    """

    action: Action
    step: int | None = None
    id: str = field(default="", compare=False)


def identified(sequence: Sequence[ScheduledAction]) -> list[ScheduledAction]:
    """The sequence with ids: kind, variant, number of the step (from 1), and the occurrence where that is not the first.

    For example `move-traffic:2`, `pin-services/canary`, `drain#2`.
    """
    seen: Counter[str] = Counter()
    found = []
    for each in sequence:
        variant = f"/{each.action.variant}" if each.action.variant else ""
        name = f"{each.action.kind}{variant}{'' if each.step is None else f':{each.step + 1}'}"
        seen[name] += 1
        found.append(replace(each, id=name if seen[name] == 1 else f"{name}#{seen[name]}"))
    return found


def first_size(steps: Sequence[Step], minimum: MinimumPods = ONE_POD) -> EnsureCanary:
    """Starts the canary with the size that the first step gives it which gives one."""
    return next((size for step in steps if (size := step.first_size(minimum)) is not None), EnsureCanary(1))


def compile_steps(
    steps: Sequence[Step], scaled: bool = False, switch: Sequence[Action] = (), minimum: MinimumPods = ONE_POD
) -> list[ScheduledAction]:
    """The actions of the steps, in order.

    Args:
        steps: Of the plan.
        scaled: Whether an autoscaler can follow the traffic from one version to the other.
        switch: The actions of step switch.
        minimum: How many pods the canary has at least.
    """
    canary, follows = CanaryState(minimum, tuple(switch)), "stable"
    sequence: list[ScheduledAction] = []
    for index, step in enumerate(steps):
        actions = step.compile(canary)
        # The autoscaler follows most of the traffic, and goes ahead of it; it does not scale to a size that the plan fixes.
        busier = "canary" if canary.weight > 50 and canary.fixed is None else "stable"
        if scaled and busier != follows:
            follows = busier
            before = next((place for place, each in enumerate(actions) if each.traffic is not None), len(actions))
            actions = [*actions[:before], ScaleFollows(busier), *actions[before:]]
        sequence += [ScheduledAction(action, index) for action in actions]
    return sequence


def compile_for_pods(
    steps: Sequence[Step], _scaled: bool = False, _switch: Sequence[Action] = (), minimum: MinimumPods = ONE_POD
) -> list[ScheduledAction]:
    """The same where only the numbers of pods share the traffic."""
    return [ScheduledAction(action, index) for index, step in enumerate(steps) for action in step.compile_for_pods(minimum)]
