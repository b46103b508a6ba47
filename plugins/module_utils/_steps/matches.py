"""Reads which requests go to the canary whatever the weight, and how many are copied to it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .._objects.reading import keys
from .._objects.refusal import Refused
from .._objects.shown import echo
from .._routing.target import Condition, Match

# The option's keys, and what a condition is called by each.
_NAMED = {"headers": "header", "cookies": "cookie", "query": "query"}
_UNNAMED = ("path", "method")
_HOW = ("exact", "prefix", "regex", "present", "switch")


def read_matches(raw: Any, where: str = "matches") -> tuple[Match, ...]:
    """The alternatives: a request matches when all conditions of one of them hold.

    raw: a list of mappings with `headers`, `cookies`, `query` (name to condition), `path`, `method` (a condition each). A condition is
    {exact: text}, {prefix: text}, {regex: pattern}, {present: true} or {switch: true}; a bare text means exact.
    """
    if not isinstance(raw, (list, tuple)):
        raise Refused(where, "must be a list", "write for example [{headers: {x-canary: {exact: '1'}}}]")
    return tuple(_match(each, f"{where}[{index}]") for index, each in enumerate(raw))


def read_mirror(raw: Any, where: str = "mirror") -> float:
    """Percent of the requests, 0 to 100."""
    try:
        percent = float(str(raw).rstrip("%"))
    except ValueError:
        raise Refused(where, f"must be a number from 0 to 100, not {echo(raw)}", "correct the number") from None
    if not 0 <= percent <= 100:
        raise Refused(where, f"must be a number from 0 to 100, not {percent:g}", "correct the number")
    return percent


def _match(raw: Any, where: str) -> Match:
    given = keys(where, raw, (), (*_NAMED, *_UNNAMED))
    conditions = tuple(_conditions(given, where))
    if not conditions:
        raise Refused(where, "is empty, so that it matches every request", "add a condition, or remove it and set a weight")
    return conditions


def _conditions(given: Mapping[str, Any], where: str) -> Iterator[Condition]:
    for key, what in _NAMED.items():
        named = given.get(key) or {}
        if not isinstance(named, Mapping):
            raise Refused(f"{where}.{key}", "must map names to conditions", "write for example {x-canary: {exact: '1'}}")
        for name, condition in named.items():
            yield _condition(what, str(name), condition, f"{where}.{key}.{name}")
    for what in _UNNAMED:
        if what in given:
            yield _condition(what, "", given[what], f"{where}.{what}")


def _condition(what: str, name: str, raw: Any, where: str) -> Condition:
    given = {"exact": raw} if isinstance(raw, (str, int, float)) and not isinstance(raw, bool) else keys(where, raw, (), _HOW)
    if len(given) != 1:
        raise Refused(where, f"must have exactly one key, not {len(given)}", f"use one of {', '.join(_HOW)}")
    how, value = next(iter(given.items()))
    if how in ("present", "switch"):
        if str(value).lower() not in ("true", "yes", "1"):
            raise Refused(f"{where}.{how}", f"can only be true, not {echo(value)}", "use true, or remove it")
        if not name:
            raise Refused(where, f"cannot use {how}, which is for headers, cookies and query parameters", "use exact, prefix or regex")
        return Condition(what, name, how)
    return Condition(what, name, how, _text(how, value, where))


def _text(how: str, value: Any, where: str) -> str:
    if isinstance(value, (Mapping, list, bool)):
        raise Refused(f"{where}.{how}", f"must be a text, not {echo(value)}", "put it into quotes")
    text = str(value)
    if how == "regex":
        try:
            re.compile(text)
        except re.error as problem:
            raise Refused(where, f"is not a regular expression: {echo(text)} ({problem})", "correct the expression") from None
    elif not text.isprintable():
        raise Refused(f"{where}.{how}", f"has control characters, which no request can contain: {echo(text)}", "remove them")
    return text
