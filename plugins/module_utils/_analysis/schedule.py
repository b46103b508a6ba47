"""When a metric is measured: after the split has settled, at least one window apart, and for moments of the past that no call measured.

A query over `[5m]` still sees the step before for five minutes after a move. And two samples that are less than a window apart see the same
requests, so that one bad minute would count several times.
"""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from dataclasses import dataclass
from math import floor

from .verdicts import AFTER_ERROR

MOST_MOMENTS = 500  # that one call catches up, for each metric; the earliest are left out
_RANGE = re.compile(r"\[\s*((?:\d+(?:ms|[smhdwy]))+)\s*(?::[^\]]*)?\]")
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}


def window_of(query: str) -> float:
    """The longest time range of a PromQL query, in seconds: of `[5m]` and `[1h:1m]` 3600. Zero where it has none."""
    return max((_range_seconds(each.group(1)) for each in _RANGE.finditer(query)), default=0.0)


def _range_seconds(text: str) -> float:
    return sum(int(number) * _SECONDS[unit] for number, unit in _PART.findall(text))


@dataclass(frozen=True)
class Pace:
    """How often a metric is measured.

    Attributes:
        interval: Seconds between two samples; None: it is measured once.
        window: Seconds that one sample looks back.
        apart: Whether samples lie at least one window apart.
        past: Whether the provider can answer for a moment of the past.
    """

    interval: float | None = None
    window: float = 0.0
    apart: bool = True
    past: bool = False

    @property
    def step(self) -> float | None:
        """Seconds between two samples as they are taken."""
        if self.interval is None:
            return None
        return max(self.interval, self.window) if self.apart else self.interval

    def first(self, proven: float) -> float:
        """The earliest moment of the first sample. proven: when the split was seen to be served."""
        return proven + self.window


def due(pace: Pace, proven: float, last: float | None, now: float, failed: bool = False) -> list[float]:
    """The moments to measure now, the earliest first.

    Args:
        pace: That of the metric.
        proven: When the split was seen to be served, in seconds (as all times here).
        last: The moment of the last sample, None before the first.
        now: The present.
        failed: Whether the last sample was an error, which is tried again soon and in any case.

    Returns:
        Moments of the past that no call measured, where the provider can answer for these; else at most the present. Empty where it is too
        early.
    """
    following = next_moment(pace, proven, last, failed)
    if following is None or following > now:
        return []
    if not pace.past:
        return [now]
    if pace.step is None or failed:
        return [following]
    number = floor((now - following) / pace.step + 1e-9) + 1
    return [following + pace.step * each for each in range(max(0, number - MOST_MOMENTS), number)]


def next_moment(pace: Pace, proven: float, last: float | None, failed: bool = False) -> float | None:
    """The moment of the next sample; None where the metric is measured once, and that is done."""
    if last is None:
        return pace.first(proven)
    if failed:
        return last + AFTER_ERROR
    return None if pace.step is None else last + pace.step
