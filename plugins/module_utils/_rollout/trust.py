"""What may be taken from a record without a seal, which whoever may edit ConfigMaps can have written (docs/security.md)."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._objects.durations import seconds
from .._objects.refusal import Refused
from .._steps.action import Action
from .._steps.sequence import ScheduledAction

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
    passed = [index for index, entry in enumerate(program[:position]) if entry.action.is_pause and entry.action.seconds is None]
    return passed[-1] if passed else None


def visible_since(program: Sequence[ScheduledAction], pause: int, position: int) -> list[Action]:
    """What was done after a pause and before a position, and shows in the cluster: only who may change the application can have done it."""
    before = [entry.action for entry in program[:pause]]
    weight = next((each.weight_after for each in reversed(before) if each.weight_after is not None), 0)
    after = [entry.action for entry in program[pause + 1 : position]]
    return [each for each in after if each.proves_promotion or each.weight_after not in (None, weight)]


def pods_at(program: Sequence[ScheduledAction], pause: int, live: int) -> int:
    """How many pods of the new version there are at a pause. live: those of the stable version."""
    return max((entry.action.pods(live) or 0 for entry in program[:pause]), default=0)
