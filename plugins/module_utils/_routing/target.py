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

    routes: names; empty takes the only route that qualifies, ("*",) all that do. kind: of Gateway API routes.
    The subsets are Istio's: with them the split is between two subsets of the host stable_service, which destination_rule
    names; the labels are those that the subsets' pods must have (pairs, since this must be hashable).
    additional_destinations: Services in the route that keep their share; the split is of what they leave.
    allow_mirror_reload: a mirror may be written where the router's proxies reload for it.
    definition: of a router that is described by data.
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
    """The same shares in `parts` parts, None where whole parts cannot say them."""
    canary, rest = divmod(parts * split.canary, split.total)
    return None if rest else Split(parts - canary, canary)


@dataclass(frozen=True)
class Condition:
    """One thing that a request must have.

    what: header, cookie, query, path, or method; name: of the header, cookie or query parameter, else empty.
    how: exact, prefix, regex (with value), present (without), or switch (`always` takes the request to the canary, `never` keeps it away;
    the value is empty).
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
    """Requests that go to the canary whatever the weight: those for which all conditions of one of the matches hold.

    inherit: only requests that the route which is split would get, treated (rewritten, timed out, retried) as that one does.
    """

    name: str
    matches: tuple[Match, ...]
    inherit: bool = True


@dataclass(frozen=True)
class DesiredTraffic:
    """How the traffic is to be shared.

    mirror: percent of the requests that are copied to the canary, whose answers are dropped.
    introduce: where given, the canary's destination is added so that no request comes to it and the router's controller can say whether
        it takes it; a text that no request holds.
    """

    split: Split
    routes: tuple[ManagedRoute, ...] = ()
    mirror: float = 0.0
    introduce: str = ""

    @property
    def reaches_canary(self) -> bool:
        """Whether any request can come to the canary."""
        return bool(self.split.canary or self.routes or self.mirror)
