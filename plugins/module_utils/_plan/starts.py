"""Reads what a starting pod may go through before it counts as stuck."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from .._objects.durations import seconds
from .._objects.reading import keys, whole
from .._workloads.starting import StartTolerance

_MOST_RESTARTS = 1000


def read_start_tolerance(value: Any) -> StartTolerance:
    """The tolerance that the option asks for; what it leaves out, and None, are the defaults. Raises Refused naming the part."""
    default = StartTolerance()
    found = {} if value is None else keys("start_tolerance", value, (), ("time", "restarts"))
    return StartTolerance(
        time=seconds(found["time"], "start_tolerance.time") if "time" in found else default.time,
        restarts=whole("start_tolerance.restarts", found["restarts"], 0, _MOST_RESTARTS) if "restarts" in found else default.restarts,
    )
