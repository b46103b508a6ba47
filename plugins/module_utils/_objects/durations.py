"""Durations as users write them: seconds, or 30s, 5m, 1h30m."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from typing import Any

from .refusal import Refused
from .shown import echo

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")


def seconds(value: Any, what: str) -> float:
    """The duration in seconds; `what` names the option in the error."""
    text = str(value).strip()
    if isinstance(value, bool) or not text:
        raise _refusal(value, what)
    parts = _PART.findall(text)
    if parts and "".join(amount + unit for amount, unit in parts) == text:
        number = sum(float(amount) * _UNITS[unit] for amount, unit in parts)
    else:
        try:
            number = float(text)
        except ValueError:
            raise _refusal(value, what) from None
    if not 0 <= number < float("inf"):
        raise _refusal(value, what)
    return number


def show(duration: float) -> str:
    """The duration for people: `1h30m`, `45s`, `0.5s`."""
    duration = round(duration, 3)  # a difference of two points in time is not exact
    if duration < 60 or duration != int(duration):
        return f"{duration:g}s"
    text, rest = "", int(duration)
    for unit in ("h", "m", "s"):
        count, rest = divmod(rest, int(_UNITS[unit]))
        text += f"{count}{unit}" if count else ""
    return text


def _refusal(value: Any, what: str) -> Refused:
    return Refused(what, f"must be a duration, not {echo(value)}", "use seconds, or a text such as 30s, 5m or 1h30m")
