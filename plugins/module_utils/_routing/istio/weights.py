"""The weights in one route, of whichever level: what they say, and what must change in them."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# A single destination takes everything, with or without a weight; with several, the weights are relative to their sum.
from collections.abc import Sequence
from typing import Any

from ..._objects.edits import Edit
from ..._objects.refusal import Refused
from ..target import Split, Target, within
from . import hosts
from .routes import Place

Object = dict[str, Any]


def edits(place: Place, target: Target, split: Split) -> list[Edit]:
    """The weights of the two versions; a canary destination that is not there is added."""
    others = _others(place, target)
    stable, canary = _both(place, target)
    version, other = hosts.versions(target)
    if canary is None and split.canary == 0:
        return []  # Without a canary destination all goes to stable already.
    shares = _shares(place, split, _weight(stable) + _weight(canary), others)
    path = (*place.path, "route")
    at_stable = Edit((*path, hosts.select(stable, version), "weight"), shares.stable)
    if canary is None:
        added = hosts.to_canary(stable, target)
        return [at_stable, Edit((*path, hosts.select(added, other)), {**added, "weight": shares.canary})]
    return [at_stable, Edit((*path, hosts.select(canary, other), "weight"), shares.canary)]


def split_in(place: Place, target: Target) -> Split:
    """The split that the route says."""
    stable, canary = _both(place, target)
    if len(place.destinations) == 1:
        return Split(100, 0)
    found = Split(_weight(stable), _weight(canary))
    return found if found.total else Split(1, 0)  # With both at 0 no request is served.


def ports(place: Place, target: Target) -> list[int]:
    """The ports at which the route asks the stable version; empty where it leaves that to the proxy."""
    stable, _canary = _both(place, target)
    number = ((stable.get("destination") or {}).get("port") or {}).get("number")
    return [] if number is None else [int(number)]


def canary_destination(place: Place, target: Target) -> Object:
    """The destination of all that goes to the canary: as the route has it, or as it would be added; without a weight."""
    stable, canary = _both(place, target)
    return hosts.to_canary(stable, target) if canary is None else {key: value for key, value in canary.items() if key != "weight"}


def _both(place: Place, target: Target) -> tuple[Object, Object | None]:
    stable, canary = (hosts.find(place.destinations, version, target) for version in hosts.versions(target))
    return stable or {}, canary


def _weight(destination: Object | None) -> int:
    return int((destination or {}).get("weight") or 0)


def _others(place: Place, target: Target) -> list[Object]:
    """The further destinations, all of which must be known."""
    ours, known = hosts.versions(target), target.additional_destinations
    others = [each for each in place.destinations if not any(hosts.is_version(each, version, target) for version in ours)]
    foreign = [each for each in others if not any(hosts.is_service(hosts.host_of(each), name, target) for name in known)]
    if foreign:
        raise Refused(
            place.title,
            f"also leads to {', '.join(map(hosts.show, foreign))}, whose share is not defined",
            "name it in additional_destinations to keep it, remove it from the route, or choose another route",
        )
    for version in ours:
        if sum(hosts.is_version(each, version, target) for each in place.destinations) > 1:
            remedy = "leave one destination for it" + ("" if version.subset else ", or set stable_subset and canary_subset")
            raise Refused(place.title, f"leads to {version} more than once", remedy)
    return others


def _shares(place: Place, split: Split, parts: int, others: Sequence[Object]) -> Split:
    """The split in the parts that the two have now; where whole parts cannot say it, in its own, if no other shares the route."""
    kept = within(split, parts) if parts else None
    if kept is not None:
        return kept
    if not others:
        return split
    left = ", ".join(map(hosts.show, others))
    if not parts:
        raise Refused(place.title, f"leaves no weight to split beside {left}", "give the stable destination a weight")
    low = parts * split.canary // split.total
    raise Refused(
        place.title,
        f"cannot split {split.stable} to {split.canary} the {parts} parts of weight that {left} leave",
        f"use weight {low} or weight {low + 1} with weight_total {parts}",
    )
