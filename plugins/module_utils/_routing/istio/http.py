"""What only HTTP routes have: routes of our own above those that are split, and copies of requests."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/ (HTTPRoute: the first that matches is used;
# HTTPRewrite: of a path that was matched by its prefix, only the prefix is replaced).
import copy
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

from ..._objects.edits import Edit
from ..._objects.marks import MADE_ROUTE
from ..._objects.refusal import Refused
from ..router import title
from ..target import DesiredTraffic, ManagedRoute, Target
from . import matches, routes, weights
from .matches import Unsayable
from .routes import Place

Object = dict[str, Any]

PREFIX = MADE_ROUTE  # of the names of our own routes

_MIRRORS = ("mirror", "mirrors", "mirrorPercentage", "mirrorPercent", "mirror_percent")


def edits(obj: Object, places: Sequence[Place], target: Target, desired: DesiredTraffic) -> list[Edit]:
    """What copies and matched requests need in a VirtualService."""
    mirrors = [edit for place in places for edit in _mirror(place, target, desired.mirror)] if desired.mirror else []
    return mirrors + _managed(obj, places, target, desired)


def _mirror(place: Place, target: Target, percent: float) -> list[Edit]:
    """Copies of the route's requests to the canary."""
    theirs = [field for field in _MIRRORS if place.entry.get(field) is not None]
    if theirs:
        raise Refused(
            place.title,
            f"mirrors requests already ({', '.join(theirs)}), and a second mirror would end that",
            "leave mirror out, or remove the present one",
        )
    share = int(percent) if percent == int(percent) else percent
    destination = weights.canary_destination(place, target)["destination"]
    return [Edit((*place.path, "mirror"), destination), Edit((*place.path, "mirrorPercentage"), {"value": share})]


def _managed(obj: Object, places: Sequence[Place], target: Target, desired: DesiredTraffic) -> list[Edit]:
    """Our own routes, in the order asked: those that inherit nothing on top, the others each above the route whose requests they take."""
    if not desired.routes:
        return []
    unsure = [place for place in places if place.by_index]
    if unsure:
        raise Refused(
            unsure[0].title,
            "has the name and the matches of another route, so that it cannot be found again below added routes",
            "give it a name of its own",
        )
    made = [(0, route, entry) for route in desired.routes if not route.inherit for entry in _as_asked(places[0], route, target)]
    for place in sorted(places, key=lambda each: each.index):
        made += [(place.index, route, entry) for route in desired.routes if route.inherit for entry in _inherited(place, route, target)]
    _refuse_idle(places, desired, [route for _index, route, _entry in made])
    return _inserted(obj, made)


def _refuse_idle(places: Sequence[Place], desired: DesiredTraffic, used: Sequence[ManagedRoute]) -> None:
    idle = [route.name for route in desired.routes if route not in used]
    if idle:
        raise Refused(
            places[0].title, f"gets no request that {', '.join(idle)} asks for", "ask for something else, or set inherit to false"
        )


def _inserted(obj: Object, made: Sequence[tuple[int, ManagedRoute, Object]]) -> list[Edit]:
    """made: before which of the routes, for whom, and the route; in the order in which they are to stand."""
    taken = [entry.get("name") for entry in routes.entries(obj, routes.HTTP)]
    edits = []
    for number, (index, route, entry) in enumerate(made):
        ours = [each for _index, each, _entry in made if each.name == route.name]
        before = [each for _index, each, _entry in made[:number] if each.name == route.name]
        name = PREFIX + route.name + (f"-{len(before) + 1}" if len(ours) > 1 else "")
        if name in taken:
            raise Refused(title(obj), f"has an HTTP route named {name!r} already", "give that route another name")
        edits.append(Edit(("spec", routes.HTTP, {"name": name}), {"name": name, **entry}, index + number))
    return edits


def _as_asked(place: Place, route: ManagedRoute, target: Target) -> list[Object]:
    """Just what is asked for."""
    match = [matches.asked(place.title, each) for each in route.matches]
    return [{"match": match, "route": [weights.canary_destination(place, target)]}]


def _inherited(place: Place, route: ManagedRoute, target: Target) -> list[Object]:
    """The place's route for those of its requests that are asked for; several where their paths must be rewritten in several ways."""
    found: list[tuple[Object, Any]] = []
    asked = [matches.asked(place.title, each) for each in route.matches]
    for theirs, number in itertools.product(place.entry.get("match") or [{}], range(len(asked))):
        try:
            both = matches.common(theirs, asked[number])
            if both is not None:
                found.append((both, _rewritten(place.entry, theirs, both)))
        except Unsayable as field:
            conditions = ", ".join(map(str, route.matches[number]))
            raise Refused(
                place.title, f"cannot match {conditions} beside the {field} that it has", "ask for something else, or set inherit to false"
            ) from None
    made = []
    for uri, alike in itertools.groupby(found, key=lambda each: each[1]):
        entry = {key: copy.deepcopy(value) for key, value in place.entry.items() if key not in ("name", "match", "route")}
        if uri is not None:
            entry["rewrite"]["uri"] = uri
        made.append({**entry, "match": _once(match for match, _uri in alike), "route": [weights.canary_destination(place, target)]})
    return made


def _once(found: Iterable[Object]) -> list[Object]:
    kept: list[Object] = []
    for each in found:
        if each not in kept:
            kept.append(each)
    return kept


def _rewritten(entry: Object, theirs: Object, both: Object) -> str | None:
    """What a path must be rewritten to so that it becomes what the place's route makes of it; None: as there."""
    uri = (entry.get("rewrite") or {}).get("uri")
    before, after = theirs.get("uri") or {}, both.get("uri") or {}
    if not uri or before == after or "exact" in before:
        return None
    if "regex" in after or ("regex" in before and "exact" not in after):
        raise Unsayable("rewrite of the uri")
    if "regex" in before:
        return None  # Both replace all of the path.
    value = str(after.get("exact", after.get("prefix")))
    rest = value[len(before.get("prefix", "/")) :]
    return f"{uri}{rest}" if rest else None
