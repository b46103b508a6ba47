"""What every router file is told: where the split stands, and how the traffic is to be shared."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass

from .._objects.refusal import Refused

# A router module offers three functions:
#   resource(target) -> Resource                where the object stands in the API
#   edits(obj, target, split) -> [Edit]         what must change in the object as it was before any split;
#                                               raises Refused where the split cannot be written down
#   weight(obj, target) -> Split                the split that the object says now


@dataclass(frozen=True)
class Target:
    """The place of a split: the router object, the two Services, and the routes in it.

    routes: names; empty takes the only route that qualifies, ("*",) all that do.
    """

    router: str
    name: str
    namespace: str
    stable_service: str
    canary_service: str
    routes: tuple[str, ...] = ()
    api_version: str | None = None
    cluster_domain: str = "cluster.local"


@dataclass(frozen=True)
class Split:
    """Shares of the traffic, in parts of their sum."""

    stable: int
    canary: int


def split_of(weight: int) -> Split:
    """The split that gives the canary `weight` percent."""
    if not 0 <= weight <= 100:
        raise Refused(f"weight {weight} is out of range: use 0 to 100")
    return Split(100 - weight, weight)
