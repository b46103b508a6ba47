"""What may be taken from a record without a seal, which whoever may edit ConfigMaps can have written (docs/security.md)."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._objects.refusal import Refused
from .._plan.durations import seconds
from .actions import Action, EnsureCanary, MoveTraffic, PinServices, RetireStable, RollWorkload, SharePods, WaitPause
from .course import ScheduledAction

# The longest times that a record may ask for, in seconds: an abort must not wait for ever.
MOST_GRACE = 3600.0
MOST_DELAY = 86400.0
_GRACES, _DELAYS = ("grace", "drain"), ("scale_down_delay", "abort_scale_down_delay")


def bounded(plan: Mapping[str, Any]) -> dict[str, Any]:
    """The plan of a record with times that are no longer than they may be."""
    found = {**plan, **_capped(plan, _GRACES, MOST_GRACE)}
    for strategy in ("canary", "bluegreen"):
        part = plan.get(strategy)
        if isinstance(part, Mapping):
            found[strategy] = {**part, **_capped(part, _DELAYS, MOST_DELAY)}
    return found


def _capped(part: Mapping[str, Any], keys: Sequence[str], most: float) -> dict[str, Any]:
    found = {}
    for key in keys:
        try:
            if part.get(key) is not None and seconds(part[key], key) > most:
                found[key] = most
        except Refused:
            continue  # Whoever reads the plan says so.
    return found


def last_open_pause(program: Sequence[ScheduledAction], position: int) -> int | None:
    """The place of the last pause before a position that somebody had to promote; None where there was none."""
    passed = [
        index for index, entry in enumerate(program[:position]) if isinstance(entry.action, WaitPause) and entry.action.duration is None
    ]
    return passed[-1] if passed else None


def visible_since(program: Sequence[ScheduledAction], pause: int, position: int) -> list[Action]:
    """What was done after a pause and before a position, and shows in the cluster: only who may change the application can have done it."""
    before = [entry.action for entry in program[:pause]]
    weight = next((each.weight for each in reversed(before) if isinstance(each, (MoveTraffic, SharePods))), 0)
    found: list[Action] = []
    for action in (entry.action for entry in program[pause + 1 : position]):
        differs = (
            (isinstance(action, (MoveTraffic, SharePods)) and action.weight != weight)
            or isinstance(action, (EnsureCanary, RetireStable))
            or (isinstance(action, PinServices) and action.to == "canary" and action.carries_traffic)
            or (isinstance(action, RollWorkload) and action.to == "new")
        )
        if differs:
            found.append(action)
    return found


def pods_at(program: Sequence[ScheduledAction], pause: int, live: int) -> int:
    """How many pods of the new version there are at a pause. live: those of the stable version."""
    sizes = [entry.action for entry in program[:pause] if isinstance(entry.action, EnsureCanary)]
    return max((each.pods(live) for each in sizes), default=0)
