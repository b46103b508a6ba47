"""Requests, as the matches of an HTTP route describe them: what users ask for, and what two matches have in common."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/ (HTTPMatchRequest, StringMatch): a StringMatch is one of
# exact, prefix and regex (RE2, of the whole value); an empty one asks for presence; header names are written in lower case.
import copy
import re
from typing import Any

from ..._objects.refusal import Refused
from ..._objects.shown import echo
from ..target import Condition, Match
from . import patterns

Object = dict[str, Any]

_NOT_SAID = ("uri", "scheme", "method", "authority")  # headers of these names are ignored, as the reference says
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
_HEADER = rf"{_TOKEN}|@request\.auth\.claims.+"  # the latter stands for what a token claims


class Unsayable(Exception):
    """Two conditions on one field, which has room for one."""


def asked(where: str, match: Match) -> Object:
    """Converts the conditions that users write to one match of an HTTP route.

    Args:
        where: The object of problems.
        match: The conditions, all of which must hold.

    Raises:
        Refused: A VirtualService cannot express them.
    """
    for condition in match:
        _refuse(where, condition)
    made: Object = {}
    for one in _parts(where, match):
        try:
            both = common(made, one)
        except Unsayable as field:
            raise Refused(where, f"cannot have two conditions on {field}", f"leave one of {_listed(match)}") from None
        if both is None:
            raise Refused(where, f"gets no request that has all of {_listed(match)}", "leave one out")
        made = both
    return made


def _parts(where: str, match: Match) -> list[Object]:
    cookies = [condition for condition in match if condition.what == "cookie"]
    if len(cookies) > patterns.MOST_COOKIES:
        raise Refused(where, f"cannot match {len(cookies)} cookies at once", f"use at most {patterns.MOST_COOKIES}")
    parts = [_part(condition) for condition in match if condition not in cookies]
    return [*parts, {"headers": {"cookie": {"regex": patterns.cookie_header(cookies)}}}] if cookies else parts


def _listed(match: Match) -> str:
    return ", ".join(map(str, match))


def _part(condition: Condition) -> Object:
    what, name, how, value = condition.what, condition.name, condition.how, condition.value
    matcher = {} if how == "present" else {how: value}
    if what == "header":
        return {"headers": {name if name.startswith("@") else name.lower(): matcher}}
    if what == "query":
        # Istio has prefixes of query parameters since 1.18; before, one took any value.
        return {"queryParams": {name: {"regex": patterns.literal(value) + ".*"} if how == "prefix" else matcher}}
    return {"uri" if what == "path" else what: matcher}


def _refuse(where: str, condition: Condition) -> None:
    """Raises Refused for what a VirtualService cannot say, or the proxies would not take."""
    what, name, how, value = condition.what, condition.name, condition.how, condition.value
    if how == "switch":
        raise Refused(where, f"cannot match {condition} with router istio", "use exact, prefix, regex or present")
    if what == "header" and (name.lower() in _NOT_SAID or not re.fullmatch(_HEADER, name)):
        raise Refused(
            where, f"cannot match a header named {echo(name)}", "use path and method for these, and another name for other headers"
        )
    if what == "cookie" and not re.fullmatch(_TOKEN, name):
        raise Refused(where, f"cannot match a cookie named {echo(name)}", "use a name of letters, digits and the signs that HTTP allows")
    if how == "regex" and not patterns.is_re2(value):
        raise Refused(
            where,
            f"cannot match {condition}: patterns of RE2 have no look-around, back-references, possessive quantifiers or repetitions of "
            "1000 and more",
            "write it without them",
        )
    if what == "path" and how != "regex" and (not value.startswith("/") or "?" in value or "#" in value):
        raise Refused(where, f"cannot match {echo(value)}, which is not a path", "begin it with '/', and name query parameters in query")
    if how == "prefix" and not value:
        raise Refused(where, f"cannot match {condition}: every value has that prefix", "use present")


# What two matches have in common


def common(theirs: Object, ours: Object) -> Object | None:
    """Computes the match for the requests that two matches take, with all other fields of the first.

    Returns:
        The match, None where no request fits both.

    Raises:
        Unsayable: One field would need two conditions.
    """
    made = copy.deepcopy(theirs)
    if "method" in ours:
        method = _string(theirs.get("method") or {}, ours["method"], "method")
        if method is None:
            return None
        made["method"] = method
    if "uri" in ours and not _uri(made, ours["uri"]):
        return None
    return made if _named(made, ours, "headers") and _named(made, ours, "queryParams") and not _excluded(made) else None


def _named(made: Object, ours: Object, field: str) -> bool:
    """Puts our headers or query parameters beside theirs; whether a request can have them all."""
    for name, matcher in (ours.get(field) or {}).items():
        theirs = dict(made.get(field) or {})
        same = next((each for each in theirs if _key(field, each) == _key(field, name)), name)
        joined = _string(theirs.get(same) or {}, matcher, f"{field} {name}")
        if joined is None:
            return False
        made[field] = {**theirs, same: joined}
    return True


def _key(field: str, name: str) -> str:
    return name.lower() if field == "headers" else name


def _excluded(made: Object) -> bool:
    """Whether withoutHeaders keeps every request away that the headers ask for."""
    without = {_key("headers", name): matcher or {} for name, matcher in (made.get("withoutHeaders") or {}).items()}
    headers = {_key("headers", name): matcher or {} for name, matcher in (made.get("headers") or {}).items()}
    return any(name in headers and (_any(matcher) or matcher == headers[name]) for name, matcher in without.items())


def _uri(made: Object, ours: Object) -> bool:
    """Puts our path beside theirs, which may ignore the case."""
    theirs = made.get("uri") or {}
    if not made.get("ignoreUriCase") or "regex" in theirs or "regex" in ours:
        joined = _string(theirs, ours, "uri", path=True)
        if joined is not None:
            made["uri"] = joined
        return joined is not None
    lower = {how: value.lower() for how, value in ours.items()}
    joined = _string({how: value.lower() for how, value in theirs.items()}, lower, "uri", path=True)
    if joined == lower:
        made["uri"] = ours  # narrower than theirs, and by the letter
        del made["ignoreUriCase"]
    elif joined is not None and any(value.upper() != value.lower() for value in ours.values()):
        raise Unsayable("uri")  # one flag, and half of it in any case
    return joined is not None


def _any(matcher: Object, path: bool = False) -> bool:
    """Whether it asks for no more than presence."""
    return matcher in ({}, {"regex": "*"}, {"regex": ".*"}) or (path and matcher == {"prefix": "/"})


def _string(theirs: Object, ours: Object, field: str, path: bool = False) -> Object | None:
    """The StringMatch for what both take; None where they take nothing together."""
    if _any(theirs, path):
        return ours
    if theirs == ours or _any(ours, path):
        return theirs
    if not {*theirs, *ours} <= {"exact", "prefix"}:
        raise Unsayable(field)
    theirs_is_narrower = "exact" in theirs or ("prefix" in ours and len(theirs["prefix"]) >= len(ours["prefix"]))
    narrow, wide = (theirs, ours) if theirs_is_narrower else (ours, theirs)
    return narrow if "prefix" in wide and next(iter(narrow.values())).startswith(wide["prefix"]) else None
