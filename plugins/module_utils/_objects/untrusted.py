"""Reads JSON that anybody may have written: bounded in size, depth and numbers, so that whatever is in it can be handled."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from typing import Any

# The API server keeps objects of 1.5 MiB at most, and annotations of 256 KiB in all.
MAX_TEXT = 1_048_576
MAX_DEPTH = 40
MAX_VALUES = 50_000
_MAX_NUMBER = 1e300
_MAX_DIGITS = 300


def read_json(text: Any) -> Any:
    """The value that the JSON text holds.

    Raises ValueError for what is no JSON text, is too large or too deep, or holds a number that is not finite or too large for a float.
    """
    if not isinstance(text, str):
        raise ValueError("it is not a text")
    if len(text) > MAX_TEXT:
        raise ValueError(f"it has more than {MAX_TEXT} characters")
    try:
        value = json.loads(text, parse_int=_bounded_int, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _refuse_unbounded(value)
    return value


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a number")


def _bounded_int(text: str) -> int:
    """Before the conversion: that of many digits takes long, and later steps compute with floats."""
    if len(text) > _MAX_DIGITS:
        raise ValueError("it holds a number that is out of range")
    return int(text)


def _refuse_unbounded(value: Any) -> None:
    """Walks without recursion: the value may be as deep as the parser let pass."""
    left: list[tuple[Any, int]] = [(value, 0)]
    seen = 0
    while left:
        part, depth = left.pop()
        seen += 1
        if depth > MAX_DEPTH or seen > MAX_VALUES:
            raise ValueError("it is nested too deeply, or holds too many values")
        if isinstance(part, dict):
            left += [(each, depth + 1) for each in part.values()]
        elif isinstance(part, list):
            left += [(each, depth + 1) for each in part]
        elif isinstance(part, (int, float)) and not abs(part) < _MAX_NUMBER:  # nor NaN
            raise ValueError("it holds a number that is out of range")
