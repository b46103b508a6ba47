"""Requests, as the matches of a rule describe them: what users ask for, what two matches have in common, and which goes first."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Source: https://gateway-api.sigs.k8s.io/reference/spec/ (HTTPRouteMatch, GRPCRouteMatch; the order of precedence is that of HTTPRouteRule
# and GRPCRouteRule). All defaults are written out, as the API server stores them.
import re
from typing import Any

from ..._objects.refusal import Refused
from ..._objects.shown import echo
from ..target import Condition, Match

Object = dict[str, Any]
Rank = tuple[int, ...]

_VALUES = ("exact", "prefix", "regex", "present")
_CAN: dict[str, dict[str, tuple[str, ...]]] = {
    "HTTPRoute": {"header": _VALUES, "cookie": _VALUES, "query": _VALUES, "path": ("exact", "prefix"), "method": ("exact",)},
    "GRPCRoute": {"header": _VALUES},
}
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")
_LONGEST = {"header": 4096, "cookie": 2048, "query": 1024, "path": 1024}
_NAME = r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}"
_PATH = r"/(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})*"
_NO_PATH = re.compile(r"//|/\.\.?(/|$)|%2[fF]")
# Look-around, conditions, atomic groups and back-references: RE2 and Go, which nearly all controllers use, have none.
_NOT_RE2 = re.compile(r"\(\?(?:[=!>(]|<[=!]|P=)|\\[1-9]")
_BEYOND_A_COOKIE = re.compile(r"(?<!\\)[.^$;]|\\[A-Zb]")


class Undecidable(Exception):
    """Two conditions on one thing whose common requests cannot be computed."""


def asked(match: Match, kind: str, where: str) -> Object:
    """Converts the conditions that users write to one match of a rule.

    Args:
        match: The conditions, all of which must hold.
        kind: The kind of the route.
        where: The object of problems.

    Raises:
        Refused: A route of this kind cannot express them.
    """
    made: Object = {}
    for condition in match:
        try:
            joined = both(made, _asked(condition, kind, where))
        except Undecidable:
            joined = None
        if joined is None:
            raise Refused(
                where,
                "have two conditions on one header (all cookies are one header) or parameter, which router gateway_api cannot match",
                f"leave {condition} out",
            )
        made = joined
    return made


def _asked(condition: Condition, kind: str, where: str) -> Object:
    what, how, value = condition.what, condition.how, condition.value
    _refuse(condition, kind, where)
    if what == "path":
        return {"path": {"type": "Exact" if how == "exact" else "PathPrefix", "value": value}}
    if what == "method":
        return {"method": value}
    if what == "cookie":
        # One header holds all cookies.
        inner = {"exact": _literal(value), "prefix": _literal(value) + "[^;]*", "regex": f"({value})", "present": "[^;]*"}[how]
        pattern = f"^(.*; *)?{_literal(condition.name)}={inner}( *;.*)?$"
        return {"headers": [{"name": "Cookie", "type": "RegularExpression", "value": pattern}]}
    key = "headers" if what == "header" else "queryParams"
    if how == "exact":
        return {key: [{"name": condition.name, "type": "Exact", "value": value}]}
    # Whether a pattern must match all of the value or some of it is left to the controller, so that these say it.
    pattern = {"prefix": f"^{_literal(value)}.*", "regex": f"^({value})$", "present": ".*"}[how]
    return {key: [{"name": condition.name, "type": "RegularExpression", "value": pattern}]}


def _literal(text: str) -> str:
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)


def _refuse(condition: Condition, kind: str, where: str) -> None:
    """Raises Refused for what a route of this kind cannot do, or the API server would not take."""
    what, how, value = condition.what, condition.how, condition.value
    if how not in _CAN[kind].get(what, ()):
        reason = " (controllers differ in whether it precedes a prefix)" if (what, how) == ("path", "regex") else ""
        can = "; ".join(f"{each} {', '.join(ways)}" for each, ways in _CAN[kind].items())
        raise Refused(where, f"have {condition}, which router gateway_api cannot match on {kind}s{reason}", f"use one of {can}")
    if what in ("header", "cookie", "query") and not re.fullmatch(_NAME, condition.name):
        raise Refused(
            where, f"have {echo(condition.name)}, which is not the name of a {what}", "use letters, digits and the signs that HTTP allows"
        )
    if what == "method" and value not in _METHODS:
        raise Refused(where, f"have {echo(value)}, which is not a method", f"use one of {', '.join(_METHODS)}")
    if how != "present" and not 1 <= len(value) <= _LONGEST.get(what, 16):
        raise Refused(
            where, f"have a value of {len(value)} characters for {what} {condition.name}", f"use 1 to {_LONGEST.get(what, 16)} characters"
        )
    if what == "path" and (not re.fullmatch(_PATH, value) or _NO_PATH.search(value)):
        raise Refused(
            where, f"have {echo(value)}, which is not a path", "begin it with '/', and leave '//', '/./', '/../', '%2f', '#' and '?' out"
        )
    if how == "regex" and _NOT_RE2.search(value):
        raise Refused(
            where,
            f"have {condition}, and the patterns of most controllers have no look-around and no back-references",
            "write it without them",
        )
    rest = value.replace("[^;]", "")
    if what == "cookie" and (";" in rest or (how == "regex" and _BEYOND_A_COOKIE.search(rest))):
        raise Refused(
            where, f"have {condition}, which reaches beyond the value of the cookie", "write [^;] for '.', and leave '^', '$' and ';' out"
        )


def matches_of(rule: Object, kind: str) -> list[Object]:
    """The matches of a rule, of which one must hold; defaults written out."""
    found = rule.get("matches") or [{}]
    if kind != "HTTPRoute":
        return list(found)
    return [{**match, "path": {"type": "PathPrefix", "value": "/", **(match.get("path") or {})}} for match in found]


# What two matches have in common


def both(one: Object, other: Object) -> Object | None:
    """Computes the match for the requests that two matches take.

    Returns:
        The match, None where no request fits both.

    Raises:
        Undecidable: It cannot be computed.
    """
    made = {**other, **one}
    for key, join in (("path", _paths), ("method", _methods), ("headers", _headers), ("queryParams", _query)):
        if key in one and key in other:
            made[key] = join(one[key], other[key])
            if made[key] is None:
                return None
    return made


def _paths(one: Object, other: Object) -> Object | None:
    if one == other:
        return one
    if "RegularExpression" in (one.get("type"), other.get("type")):
        raise Undecidable
    narrow, wide = sorted((one, other), key=lambda path: (path.get("type") != "Exact", -len(path["value"])))
    if wide.get("type") == "Exact":
        return None
    stem = wide["value"].rstrip("/")
    return narrow if (narrow["value"].rstrip("/") + "/").startswith(stem + "/") else None


def _methods(one: Any, other: Any) -> Any:
    """Methods of HTTP are texts, those of gRPC have a service and a method, of which one may be left out."""
    if one == other:
        return one
    if isinstance(one, str):
        return None
    if any(each.get("type", "Exact") != "Exact" for each in (one, other)):
        raise Undecidable
    clash = any(key in one and key in other and one[key] != other[key] for key in ("service", "method"))
    return None if clash else {**other, **one}


def _headers(one: list[Object], other: list[Object]) -> list[Object] | None:
    return _named(one, other, lambda name: name.lower())


def _query(one: list[Object], other: list[Object]) -> list[Object] | None:
    return _named(one, other, lambda name: name)


def _named(one: list[Object], other: list[Object], plain: Any) -> list[Object] | None:
    made = {plain(each["name"]): each for each in one}
    for each in other:
        name = plain(each["name"])
        joined = _values(made[name], each) if name in made else each
        if joined is None:
            return None
        made[name] = joined
    return list(made.values())


def _values(one: Object, other: Object) -> Object | None:
    kinds = {each.get("type", "Exact") for each in (one, other)}
    if (one["value"], len(kinds)) == (other["value"], 1):
        return one
    for each, rest in ((one, other), (other, one)):
        if (each.get("type"), each["value"]) == ("RegularExpression", ".*"):
            return rest
    if kinds == {"Exact"}:
        return None
    raise Undecidable


# Which goes first


def rank(match: Object, kind: str) -> Rank | None:
    """Ranks a match: the greater rank takes the request, whatever the order of the rules.

    Returns:
        The rank, None where controllers differ.
    """
    headers = len(match.get("headers") or [])
    if kind == "GRPCRoute":
        method = match.get("method") or {}
        sizes = len(method.get("service") or ""), len(method.get("method") or "")
        return None if method.get("type", "Exact") != "Exact" else (*sizes, headers)
    path = match.get("path") or {"type": "PathPrefix", "value": "/"}
    if path["type"] == "RegularExpression":
        return None
    return int(path["type"] == "Exact"), len(path["value"]), int("method" in match), headers, len(match.get("queryParams") or [])
