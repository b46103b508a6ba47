"""Patterns (RE2) that proxies match values with: which of users' are taken, and one for the header in which all cookies stand."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from ..target import Condition

MOST_COOKIES = 3  # of which all orders are written out

_CLASS = r"\[\^?\]?(?:\\.|[^\]\\])*\]"
_LITERALS = re.compile(rf"\\[^1-9Z]|{_CLASS}")
# Look-around, conditions, atomic groups, comments, back-references, possessive quantifiers, and more repetitions than RE2 allows.
_NOT_RE2 = re.compile(r"\(\?(?:[=!>(#]|<[=!]|P=)|\\[1-9Z]|[*+?}]\+|\{(?:\d*,)?\d{4,}\}")
_TOKEN = re.compile(rf"\\.|{_CLASS}|.", re.DOTALL)
_OUTSIDE = {".": "[^;]", "\\S": r"[^\s;]", "\\D": r"[^\d;]", "\\W": r"[^\w;]"}


def literal(text: str) -> str:
    """A pattern that matches the text and nothing else."""
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)


def is_re2(pattern: str) -> bool:
    """Whether RE2 takes it: a proxy that is given one that it does not take refuses the routes of all its applications."""
    return not _NOT_RE2.search(_LITERALS.sub("x", pattern))


def cookie_header(conditions: Sequence[Condition]) -> str:
    """The pattern of a Cookie header in which all of these hold, in whatever order, whatever other cookies there are."""
    pairs = [f"{literal(each.name)}={_value(each)}" for each in conditions]
    orders = [r"\s*;\s*(?:.*;\s*)?".join(order) for order in itertools.permutations(pairs)]
    return rf"(?:.*;\s*)?(?:{'|'.join(orders)})(?:\s*;.*)?"


def _value(condition: Condition) -> str:
    if condition.how == "exact":
        return literal(condition.value)
    if condition.how == "regex":
        return f"(?:{_inside(condition.value)})"
    return literal(condition.value) + "[^;]*"  # of a prefix, or of any value


def _inside(pattern: str) -> str:
    """A user's pattern of one cookie's value, which must not reach into the next cookie."""
    if pattern.startswith("^"):
        pattern = pattern[1:]
    if re.search(r"(?<!\\)(?:\\\\)*\$$", pattern):
        pattern = pattern[:-1]
    return "".join(map(_token_inside, _TOKEN.findall(pattern)))


def _token_inside(token: str) -> str:
    if token.startswith("[^"):
        return "[^;" + (rf"\{token[2:]}" if token[2] == "]" else token[2:])
    return _OUTSIDE.get(token, token)
