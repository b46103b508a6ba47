"""The annotations that say how the traffic is shared: a weight, at most one header, at most one cookie."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..._objects.refusal import Refused
from ..._objects.shown import echo
from ..target import Condition, DesiredTraffic, Split, within

# What the controller's validation lets pass; what it does not it takes for absent, without a word.
_HEADER = re.compile(r"[-\w]+", re.ASCII)
_COOKIE = re.compile(r"[-.~\w]+", re.ASCII)
_VALUE = re.compile(r"[-._~/:a-zA-Z0-9]+( +[-._~/:a-zA-Z0-9]+)*")
_PATTERN = re.compile(r"[-._~/:a-zA-Z0-9^$\[\](){}*+?|&=\\]*")

_CAN = "one header (exact, prefix, regex, present, switch) and one cookie (switch)"


def annotations_for(where: str, desired: DesiredTraffic) -> dict[str, str]:
    """Returns the annotations of the canary Ingress, by name without the prefix.

    Args:
        where: The object of problems.
        desired: How the traffic is to be shared.

    Raises:
        Refused: The annotations of ingress-nginx cannot express it.
    """
    return {"canary": "true", **_weights(desired.split), **_matches(where, desired)}


def said(value: str | None) -> bool:
    """Whether an annotation says yes, in one of the ways in which the controller takes it."""
    return (value or "").lower() in ("true", "t", "1")


def _weights(split: Split) -> dict[str, str]:
    """In percent where whole numbers can say it: releases before 1.7.0 ignore the total, and all ignore one below 100."""
    percent = within(split, 100)
    if percent is not None:
        return {"canary-weight": str(percent.canary)}
    factor = 100 // split.total + 1
    return {"canary-weight": str(split.canary * factor), "canary-weight-total": str(split.total * factor)}


def _matches(where: str, desired: DesiredTraffic) -> dict[str, str]:
    conditions = list(dict.fromkeys(_only(where, match) for route in desired.routes for match in route.matches))
    headers = [each for each in conditions if each.what == "header"]
    cookies = [each for each in conditions if each.what == "cookie"]
    for found in (headers, cookies):
        names = list(dict.fromkeys(each.name.lower() for each in found))  # nginx takes both whatever their case
        if len(names) > 1:
            raise _cannot(where, f"two {found[0].what}s ({', '.join(names)})", f"use at most {_CAN}")
    return {**_header(where, headers), **_cookie(where, cookies)}


def _only(where: str, match: Sequence[Condition]) -> Condition:
    if len(match) > 1:
        raise _cannot(where, " and ".join(map(str, match)) + " at once", "name them as alternatives, or use a router that can do this")
    [condition] = match
    if condition.what not in ("header", "cookie"):
        raise _cannot(where, str(condition), f"use {_CAN}, or a router that can do more")
    return condition


def _header(where: str, alternatives: Sequence[Condition]) -> dict[str, str]:
    if not alternatives:
        return {}
    first = alternatives[0]
    if not _HEADER.fullmatch(first.name):
        raise _cannot(where, f"header {echo(first.name)}", "use letters, digits and '-' in the name")
    if "_" in first.name:
        raise _cannot(
            where,
            f"header {echo(first.name)} (nginx drops headers with '_' in their names unless enable-underscores-in-headers is set, and then "
            "'-' in a name stands for both)",
            f"write {first.name.replace('_', '-')!r}",
        )
    if first.how == "switch" and len(alternatives) == 1:
        return {"canary-by-header": first.name}
    if first.how == "exact" and len(alternatives) == 1 and _VALUE.fullmatch(first.value):
        return {"canary-by-header": first.name, "canary-by-header-value": first.value}
    return {"canary-by-header": first.name, "canary-by-header-pattern": "|".join(_patterns(where, alternatives))}


def _cookie(where: str, alternatives: Sequence[Condition]) -> dict[str, str]:
    for each in alternatives:
        if each.how != "switch":
            raise _cannot(where, str(each), "write `switch: true` for a cookie, whose values are `always` and `never`")
        if not _COOKIE.fullmatch(each.name):
            raise _cannot(where, f"cookie {echo(each.name)}", "use letters, digits and '-._~' in the name")
    return {"canary-by-cookie": alternatives[0].name} if alternatives else {}


def _patterns(where: str, alternatives: Iterable[Condition]) -> Iterable[str]:
    for each in alternatives:
        if each.how == "switch":
            raise _cannot(where, f"{each} beside another condition on that header", "choose one of them")
        yield _pattern(where, each)


def _pattern(where: str, condition: Condition) -> str:
    """What the header must match somewhere in its value."""
    if condition.how == "present":
        return ".*"
    if condition.how in ("exact", "prefix"):
        literal = "".join(_literal(where, condition, character) for character in condition.value)
        return f"^{literal}$" if condition.how == "exact" else f"^{literal}"
    strange = sorted(set(_PATTERN.sub("", condition.value)))
    if strange:
        shown = " ".join(map(repr, strange))
        raise _cannot(
            where, f"{condition}, since its patterns cannot hold {shown}", "write such a character as \\xHH, its number in hexadecimal"
        )
    return condition.value or ".*"


def _literal(where: str, condition: Condition, character: str) -> str:
    """The character in a pattern, by its number where the controller would not let it pass."""
    if character.isascii() and (character.isalnum() or character in "-_~/:&="):
        return character
    if character in r".^$[](){}*+?|" + "\\":
        return "\\" + character
    if not character.isascii() or not character.isprintable():
        raise _cannot(where, f"{condition}", "use ASCII characters in the value")
    return f"\\x{ord(character):02x}"


def _cannot(where: str, what: str, remedy: str) -> Refused:
    return Refused(where, f"cannot carry {what} with router ingress_nginx", remedy)
