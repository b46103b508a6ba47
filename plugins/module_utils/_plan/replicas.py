"""Reads the options of a split by replicas, which needs no router."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._objects.reading import MAX_OBJECT, MAX_SERVICE, named
from .._objects.refusal import Refused
from .._objects.shown import echo
from .._routing.replicas import Pair
from .._routing.target import Split, split_of
from .routers import ALL_OPTIONS, REPLICAS

# What only a router can do, and the reason why this cannot.
_NOT_HERE = {
    "canary_service": "stable_service leads to the pods of both versions",
    "matches": "every pod behind the Service receives any request",
    "mirror": "no router copies requests",
    **dict.fromkeys(ALL_OPTIONS, "it needs another router"),
}


def read_pair(options: Mapping[str, Any]) -> Pair:
    """The Service and the two Deployments. options: those of canary_weight; None and empty ones count as not given."""
    given = {key: value for key, value in options.items() if value not in (None, "", [], {}, 0)}
    foreign = next((key for key in _NOT_HERE if key in given), None)
    if foreign:
        raise Refused(foreign, f"cannot be used with router {REPLICAS}, because {_NOT_HERE[foreign]}", "remove it, or use another router")
    names = given.get("name") or []
    if len(names) != 1:
        raise Refused("name", f"must have exactly one name with router {REPLICAS}, not {len(names)}", "name the stable Deployment")
    stable = named("name", names[0], MAX_OBJECT)
    canary = named("canary_workload", given.get("canary_workload") or f"{stable}-canary", MAX_OBJECT)
    if stable == canary:
        raise Refused("canary_workload", f"is {echo(stable)}, the same Deployment as name", "name a Deployment of its own for the canary")
    return Pair(named("stable_service", given.get("stable_service"), MAX_SERVICE, dots=""), stable, canary)


def read_split(options: Mapping[str, Any]) -> Split:
    """The split that is asked for."""
    if options["weight"] is None:
        raise Refused("weight", "is missing", "set weight, or use state absent")
    return split_of(options["weight"], options["weight_total"])
