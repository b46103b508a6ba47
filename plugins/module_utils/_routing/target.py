"""The input of a router: where the split stands, and how the traffic is to be shared."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from .._objects.refusal import Refused

if TYPE_CHECKING:
    from .custom.definition import Definition


@dataclass(frozen=True)
class Level4Route:
    """Which TLS or TCP route of a VirtualService is meant: by its port, by its SNI hosts, or by both."""

    port: int | None = None
    sni_hosts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """The place of a split: the router object, the two versions, and the routes in it.

    Attributes:
        routes: Names of routes; empty for the only one that qualifies, ("*",) for all that do.
        kind: Of Gateway API routes.
        stable_subset: With subsets, Istio splits between two subsets of the host `stable_service`.
        destination_rule: Names these subsets.
        stable_labels: Labels that the subset's pods must have, as pairs so that this is hashable. So `canary_labels`.
        additional_destinations: Services in the route that keep their share; the split is of what they leave.
        definition: Of a custom router.
        allow_mirror_reload: Whether a mirror may be written where the router's proxies reload for it.
    """

    router: str
    name: str
    namespace: str
    stable_service: str
    canary_service: str
    routes: tuple[str, ...] = ()
    api_version: str | None = None
    cluster_domain: str = "cluster.local"
    kind: str = ""
    stable_subset: str = ""
    canary_subset: str = ""
    destination_rule: str = ""
    stable_labels: tuple[tuple[str, str], ...] = ()
    canary_labels: tuple[tuple[str, str], ...] = ()
    tls_routes: tuple[Level4Route, ...] = ()
    tcp_routes: tuple[Level4Route, ...] = ()
    additional_destinations: tuple[str, ...] = ()
    canary_ingress: str = ""
    annotation_prefix: str = "nginx.ingress.kubernetes.io"
    definition: Definition | None = None
    allow_mirror_reload: bool = False


def given_of(target: Target) -> dict[str, Any]:
    """What was said of a target: its fields without those that are as by default, so that new options do not make it another one."""
    return {each.name: getattr(target, each.name) for each in fields(target) if getattr(target, each.name) != each.default}


@dataclass(frozen=True)
class Split:
    """Shares of the traffic, in parts of their sum."""

    stable: int
    canary: int

    @property
    def total(self) -> int:
        """The sum of the parts."""
        return self.stable + self.canary


def split_of(weight: int, total: int = 100) -> Split:
    """The split that gives the canary `weight` of `total` parts."""
    if total < 1:
        raise Refused("weight_total", f"must be 1 or more, not {total}", "use 100 for percent")
    if not 0 <= weight <= total:
        raise Refused("weight", f"must be a whole number from 0 to {total}, not {weight}", "correct it")
    return Split(total - weight, weight)


def within(split: Split, parts: int) -> Split | None:
    """Converts a split to `parts` parts.

    Returns:
        The same shares, None where whole parts cannot express them.
    """
    canary, rest = divmod(parts * split.canary, split.total)
    return None if rest else Split(parts - canary, canary)


@dataclass(frozen=True)
class Condition:
    """One condition that a request must fulfil.

    Attributes:
        what: `header`, `cookie`, `query`, `path` or `method`.
        name: Of the header, cookie or query parameter, else empty.
        how: `exact`, `prefix` or `regex` (with value), `present`, or `switch` (`always` takes the request to the canary, `never` keeps it
            away).
        value: Empty for `present` and `switch`.
    """

    what: str
    name: str
    how: str
    value: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.name, self.how, repr(self.value) if self.value else "") if part)


Match = tuple[Condition, ...]


@dataclass(frozen=True)
class ManagedRoute:
    """Requests that go to the canary whatever the weight: those that fulfil all conditions of one of the matches.

    Attributes:
        name: Of the route.
        matches: Alternatives.
        inherit: Whether only requests count that the split route would get, which are then rewritten, timed out and retried as there.
    """

    name: str
    matches: tuple[Match, ...]
    inherit: bool = True


@dataclass(frozen=True)
class DesiredTraffic:
    """How the traffic is to be shared.

    Attributes:
        split: The shares.
        routes: Requests that go to the canary whatever the split.
        mirror: Percent of the requests that are copied to the canary, whose answers are dropped.
        introduce: A text that no request holds. With it, the canary's destination is added so that it gets no request, and the router's
            controller can say whether it accepts it.
    """

    split: Split
    routes: tuple[ManagedRoute, ...] = ()
    mirror: float = 0.0
    introduce: str = ""

    @property
    def reaches_canary(self) -> bool:
        """Whether any request can come to the canary."""
        return bool(self.split.canary or self.routes or self.mirror)
