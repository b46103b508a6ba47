"""The rules that lead certain requests to the canary, put above the rules that would get them."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Rules are chosen by precedence, not by their order, which decides ties only. So a managed rule asks for what the rule below it asks for,
# and for its own conditions besides: that goes before the rule below, and hardly ever before another; where it would, it is refused.
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..._objects.edits import Edit
from ..._objects.refusal import Refused
from ..router import title
from ..target import ManagedRoute, Target
from . import requests
from .requests import Undecidable
from .rules import Rule, rules_of, to_canary

Object = dict[str, Any]

_MOST_RULES = 16
_MOST_MATCHES = 64
_MOST_MATCHES_OF_ALL = 128


@dataclass(frozen=True)
class _Asked:
    """The requests that shall go to the canary, each match an alternative, of a route of this kind with these rules. where: for errors."""

    where: str
    kind: str
    rules: list[Object]
    matches: list[Object]

    def of(self, rule: Object) -> list[Object]:
        """The matches of a rule."""
        return requests.matches_of(rule, self.kind)

    def joined(self, one: Object, other: Object) -> Object | None:
        """What two matches have in common; raises Refused where that is not decidable."""
        try:
            return requests.both(one, other)
        except Undecidable:
            raise Refused(
                self.where,
                "combine a pattern with another condition on the same thing, and router gateway_api cannot tell what they have in common",
                "ask for something else, or for exactly the same",
            ) from None

    def products(self, rule: Rule) -> list[Object]:
        """What each match of the rule and each that is asked for have in common."""
        found = [self.joined(match, each) for match in self.of(rule.body) for each in self.matches]
        return [match for number, match in enumerate(found) if match is not None and match not in found[:number]]

    def goes_before(self, one: Object, place: int, other: Object, other_place: int) -> bool:
        """Whether requests of both matches are the former's for certain; of two that are alike the one whose rule has the lesser place."""
        first, second = (requests.rank(each, self.kind) for each in (one, other))
        return first is not None and second is not None and (first, -place) > (second, -other_place)


def edits(route: Object, chosen: Sequence[Rule], target: Target, routes: Sequence[ManagedRoute]) -> list[Edit]:
    """New rules, each for its requests: those that inherit directly above the rule whose requests they take, the others on top."""
    kind, all_rules = str(route.get("kind")), rules_of(route)
    above: dict[int, list[Object]] = {}
    for managed in routes:
        where = f"{title(route)}, matches of {managed.name}"
        asked = _Asked(where, kind, all_rules, [requests.asked(match, kind, where) for match in managed.matches])
        if managed.inherit:
            _refuse_unmet(asked, chosen, managed)
            _refuse_taken(asked, chosen)
            for rule in chosen:
                above.setdefault(rule.index, []).extend(_inheriting(asked, rule, target))
        else:
            above.setdefault(-1, []).append(_alone(asked, chosen[0], target))
    made: list[Edit] = []
    for index in sorted(above):
        for body in above[index]:
            made.append(Edit(("spec", "rules", {"matches": body["matches"]}), body, max(index, 0) + len(made)))
    _refuse_too_many(title(route), all_rules, [edit.value for edit in made])
    return made


def _inheriting(asked: _Asked, rule: Rule, target: Target) -> Iterator[Object]:
    """Rules for the requests of the rule that have what is asked for, treated as it treats them."""
    kept = {key: value for key, value in rule.body.items() if key not in ("name", "matches", "backendRefs")}
    products = asked.products(rule)
    groups = [products] if products else []
    if _replaces_prefix(rule):
        # What is replaced is the prefix of the match, of which the rule may have just one.
        prefixes = [match["path"] for match in asked.of(rule.body)]
        if any(product["path"] not in prefixes for product in products):
            raise Refused(asked.where, f"have a path, and {rule.title} replaces the prefix of paths", "leave path out")
        groups = [[product] for product in products]
    for matches in groups:
        yield {**kept, "matches": matches, "backendRefs": [{**to_canary(rule, target), "weight": 1}]}


def _alone(asked: _Asked, rule: Rule, target: Target) -> Object:
    """A rule for all requests that have what is asked for, also for those that rules of higher precedence would get."""
    own = asked.of({"matches": asked.matches})
    theirs = [match for each in asked.rules for match in asked.of(each)]
    joined = [asked.joined(each, match) for each in own for match in theirs if not asked.goes_before(each, 0, match, 1)]
    matches: list[Object] = []
    for match in (*own, *joined):
        if match is not None and match not in matches:
            matches.append(match)
    backend = {key: value for key, value in to_canary(rule, target).items() if key != "filters"}
    return {"matches": matches, "backendRefs": [{**backend, "weight": 1}]}


def _replaces_prefix(rule: Rule) -> bool:
    filters = [*(rule.body.get("filters") or []), *(rule.canary_or_copy.get("filters") or [])]
    paths = [(each.get("urlRewrite") or {}).get("path") or {} for each in filters]
    return any(path.get("type") == "ReplacePrefixMatch" for path in paths)


# What cannot be


def _refuse_unmet(asked: _Asked, chosen: Sequence[Rule], managed: ManagedRoute) -> None:
    """Raises Refused for an alternative that would never come to be."""
    own = [match for rule in chosen for match in asked.of(rule.body)]
    for conditions, match in zip(managed.matches, asked.matches):
        if all(asked.joined(each, match) is None for each in own):
            listed = ", ".join(str(condition) for condition in conditions)
            raise Refused(
                asked.where, f"have {listed}, and no rule that is split gets such requests", "correct them, or set inherit to false"
            )


def _refuse_taken(asked: _Asked, chosen: Sequence[Rule]) -> None:
    """Raises Refused where a rule would lose requests to one that is put above another rule."""
    added = [(rule, match, each) for rule in chosen for match in asked.of(rule.body) for each in asked.matches]
    theirs = [(index, match) for index, each in enumerate(asked.rules) for match in asked.of(each)]
    split = [rule.index for rule in chosen]
    for rule, match, each in added:
        product = asked.joined(match, each)
        for index, their in theirs:
            if product is None or index == rule.index or not _share(their, product):
                continue
            had_them = asked.goes_before(their, index, match, rule.index)
            # Where that rule is split too, the rule above it may take them: they go to the canary, treated as they should be.
            own = asked.joined(their, each) if index in split else None
            keeps_them = own is not None and asked.goes_before(own, index, product, rule.index)
            if had_them and not keeps_them and asked.goes_before(product, rule.index, their, index):
                raise Refused(
                    asked.where,
                    f"need a rule above {rule.title} that would also take requests from rule number {index + 1}, which precedes it",
                    "ask for fewer conditions, or set inherit to false to take them all",
                )


def _share(one: Object, other: Object) -> bool:
    """Whether there may be requests of both."""
    try:
        return requests.both(one, other) is not None
    except Undecidable:
        return True


def _refuse_too_many(where: str, all_rules: Sequence[Object], made: Sequence[Object]) -> None:
    """What the API server would not take, or what could not be found again later."""
    for number, body in enumerate(made):
        count = len(body["matches"])
        if any(each.get("matches") == body["matches"] for each in (*all_rules, *made[:number])):
            raise Refused(
                where, "has another rule with exactly the matches of one to be added", "remove that rule, or ask for other conditions"
            )
        if count > _MOST_MATCHES:
            raise Refused(where, f"would get a rule with {count} matches, {_MOST_MATCHES} are allowed", "ask for fewer alternatives")
    if len(all_rules) + len(made) > _MOST_RULES:
        raise Refused(where, f"would get {len(all_rules) + len(made)} rules, {_MOST_RULES} are allowed", "ask for fewer")
    total = sum(len(each.get("matches") or []) for each in (*all_rules, *made))
    if total > _MOST_MATCHES_OF_ALL:
        raise Refused(where, f"would get {total} matches, {_MOST_MATCHES_OF_ALL} are allowed", "ask for fewer alternatives")
