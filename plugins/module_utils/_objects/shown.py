"""Makes text of others safe to print: control, bidirectional and invisible characters become visible, and its length is bounded."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
import reprlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any

MOST = 8192  # characters of one text
_ECHO = 60
_NAMES = 10
_DEEPEST = 60
_CUT = "…"

# C0 and C1 controls, DEL, soft hyphen, Arabic letter mark, Mongolian vowel separator, zero-width characters, bidirectional marks,
# embeddings and isolates, line and paragraph separators, invisible operators, byte order mark, unpaired surrogates, annotation and tag
# characters.
_UNSAFE = (
    "\\x00-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\ud800-\\udfff\\ufeff\\ufff9-\\ufffb"
    "\\U000e0000-\\U000e007f"
)
_BAD = re.compile(f"[{_UNSAFE}]")
_BAD_BUT_NEWLINES = re.compile(f"(?!\n)[{_UNSAFE}]")


def shown(text: Any, most: int = MOST, lines: bool = False) -> str:
    """The text with unsafe characters as visible escapes, for example \\x1b or \\u202e.

    Args:
        text: Any value; one that is no text is shown as `str` has it.
        most: The largest number of characters; a longer text is cut, and ends with an ellipsis.
        lines: Whether line breaks stay as they are.
    """
    whole = text if isinstance(text, str) else str(text)
    safe = (_BAD_BUT_NEWLINES if lines else _BAD).sub(_escape, whole[: most + 1])
    return safe if len(safe) <= most else f"{safe[: most - 1]}{_CUT}"


def shown_all(data: Any, most: int = MOST, but: Collection[str] = ()) -> Any:
    """The same for every text in nested mappings and lists, keys included; other values stay as they are, and those of the keys `but`."""
    return _shown_all(data, most, but, _DEEPEST)


def echo(value: Any, most: int = _ECHO) -> str:
    """A value that a user gave, as Python writes it, on one line of bounded length: for messages that say what is wrong with it."""
    try:
        text = repr(value[: most + 1]) if isinstance(value, (str, bytes)) else _REPR.repr(value)
    except (ValueError, RecursionError):  # of an integer with thousands of digits
        text = f"a value of type {type(value).__name__}"
    return shown(text, most)


def names(found: Iterable[Any]) -> str:
    """Names for a message, separated by commas: the first of them, each of bounded length."""
    listed = [shown(each, _ECHO) for each in found]
    return ", ".join(listed[:_NAMES]) + (f" and {len(listed) - _NAMES} more" if len(listed) > _NAMES else "")


def _escape(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _shown_all(data: Any, most: int, but: Collection[str], deep: int) -> Any:
    if isinstance(data, str):
        return shown(data, most)
    if isinstance(data, (Mapping, list, tuple)) and not deep:
        return _CUT
    if isinstance(data, Mapping):
        return {
            shown(key, most) if isinstance(key, str) else key: value if key in but else _shown_all(value, most, but, deep - 1)
            for key, value in data.items()
        }
    if isinstance(data, (list, tuple)):
        return [_shown_all(each, most, but, deep - 1) for each in data]
    return data


class _Bounded(reprlib.Repr):
    """Writes a nested value without walking through all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxdict, self.maxlist, self.maxtuple, self.maxset, self.maxfrozenset = 3, 8, 8, 8, 8, 8
        self.maxstring, self.maxlong, self.maxother = _ECHO, _ECHO, _ECHO

    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        """In the order in which it was written."""
        if level <= 0 and x:
            return "{...}"
        pairs = [f"{self.repr1(key, level - 1)}: {self.repr1(x[key], level - 1)}" for key in list(x)[: self.maxdict]]
        return f"{{{', '.join([*pairs, '...'] if len(x) > self.maxdict else pairs)}}}"


_REPR = _Bounded()
