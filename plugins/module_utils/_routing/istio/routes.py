"""Which routes of a VirtualService are split: by name, by port and SNI hosts, or because no other qualifies."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..._objects.paths import Path, Step
from ..._objects.refusal import Refused
from ..router import title
from ..target import Level4Route, Target
from . import hosts

Object = dict[str, Any]

HTTP, TLS, TCP = "http", "tls", "tcp"


@dataclass(frozen=True)
class Place:
    """A route that is split.

    Attributes:
        kind: `http`, `tls` or `tcp`.
        index: Its index in the list.
        entry: The route.
        path: To the route, whatever is put above it.
        title: The route in messages.
    """

    kind: str
    index: int
    entry: Object
    path: Path
    title: str

    @property
    def destinations(self) -> list[Object]:
        """Where the route leads to."""
        return list(self.entry.get("route") or [])

    @property
    def by_index(self) -> bool:
        """Whether nothing but its place tells the route apart."""
        return isinstance(self.path[-1], int)


def entries(obj: Object, kind: str) -> list[Object]:
    """All routes of a kind."""
    return list((obj.get("spec") or {}).get(kind) or [])


def chosen(obj: Object, target: Target) -> list[Place]:
    """The routes to split, HTTP ones before those of level 4.

    Those that are asked for; where none is, the only HTTP route that qualifies; where no HTTP route does, the only one of level 4.
    """
    if not (target.routes or target.tls_routes or target.tcp_routes):
        return _only(obj, target)
    asked = [*_asked_http(obj, target), *_asked_level_4(obj, TLS, target.tls_routes, target)]
    return asked + _asked_level_4(obj, TCP, target.tcp_routes, target)


def every(obj: Object, target: Target) -> list[Place]:
    """The routes to split; none where they are not clear."""
    try:
        return chosen(obj, target)
    except Refused:
        return []


def qualifying(obj: Object, kind: str, target: Target) -> list[Place]:
    """The routes of a kind that lead to the stable version."""
    stable, _canary = hosts.versions(target)
    found = entries(obj, kind)
    leading = [index for index, entry in enumerate(found) if hosts.find(entry.get("route") or [], stable, target) is not None]
    return [_place(obj, kind, found, index) for index in leading]


def _place(obj: Object, kind: str, found: Sequence[Object], index: int) -> Place:
    where = f"{title(obj)}, {kind.upper()} route {_name(kind, found[index], index)}"
    return Place(kind, index, found[index], ("spec", kind, _step(kind, found, index)), where)


def _step(kind: str, found: Sequence[Object], index: int) -> Step:
    """By its name, else by its matches (None: without), so that others may be put above it; by its index where these do not tell it."""
    keys: tuple[tuple[str, ...], ...] = (("name",), ("name", "match")) if kind == HTTP else (("match",),)
    if not found[index].get("name"):
        keys = keys[-1:]
    for each in keys:
        step = {key: found[index].get(key) for key in each}
        if sum(all(entry.get(key) == value for key, value in step.items()) for entry in found) == 1:
            return step
    return index


def _name(kind: str, entry: Object, index: int) -> str:
    if kind == HTTP:
        return str(entry.get("name") or f"number {index + 1} without a name")
    matches = entry.get("match") or []
    ports = sorted({str(match["port"]) for match in matches if match.get("port")})
    sni = sorted({host for match in matches for host in match.get("sniHosts") or []})
    parts = [f"{what} {', '.join(values)}" for what, values in (("port", ports), ("sni_hosts", sni)) if values]
    return f"number {index + 1}" + (f" ({'; '.join(parts)})" if parts else "")


def _listed(places: Sequence[Place]) -> str:
    return ", ".join(_name(place.kind, place.entry, place.index) for place in places)


# None is asked for


def _only(obj: Object, target: Target) -> list[Place]:
    stable, _canary = hosts.versions(target)
    http = qualifying(obj, HTTP, target)
    if len(http) == 1:
        return http
    if http:
        raise Refused(
            title(obj),
            f"has {len(http)} HTTP routes to {stable} ({_listed(http)})",
            'choose with routes, or routes: ["*"] for all' + _beside_their_names(http),
        )
    level_4 = qualifying(obj, TLS, target) + qualifying(obj, TCP, target)
    if len(level_4) == 1:
        return level_4
    if not level_4:
        raise _leads_nowhere(obj, target)
    listed = ", ".join(f"{place.kind.upper()} {_listed([place])}" for place in level_4)
    raise Refused(title(obj), f"has {len(level_4)} routes to {stable} ({listed})", "choose with tls_routes or tcp_routes")


def _beside_their_names(http: Sequence[Place]) -> str:
    return "" if all(place.entry.get("name") for place in http) else "; name those that have no name"


def _leads_nowhere(obj: Object, target: Target) -> Refused:
    stable, _canary = hosts.versions(target)
    kinds = [HTTP, *(kind for kind in (TLS, TCP) if entries(obj, kind))]
    found = [entry for kind in kinds for entry in entries(obj, kind)]
    destinations = sorted({hosts.show(each) for entry in found for each in entry.get("route") or []})
    delegates = sorted({_delegate(entry) for entry in found if entry.get("delegate")})
    return Refused(
        title(obj),
        f"has no {' or '.join(kind.upper() for kind in kinds)} route to {stable} (its destinations: {', '.join(destinations) or 'none'})",
        "correct stable_service, or the name of the VirtualService" + (f"; it delegates to {', '.join(delegates)}" if delegates else ""),
    )


def _delegate(entry: Object) -> str:
    delegate = entry["delegate"]
    return "VirtualService " + "/".join(str(delegate[key]) for key in ("namespace", "name") if delegate.get(key))


# By name


def _asked_http(obj: Object, target: Target) -> list[Place]:
    if "*" in target.routes:
        found = qualifying(obj, HTTP, target)
        if not found:
            raise _leads_nowhere(obj, target)
        return found
    return [_named(obj, name, target) for name in dict.fromkeys(target.routes)]


def _named(obj: Object, name: str, target: Target) -> Place:
    stable, _canary = hosts.versions(target)
    http = entries(obj, HTTP)
    indexes = [index for index, entry in enumerate(http) if entry.get("name") == name]
    if not indexes:
        names = ", ".join(str(entry["name"]) for entry in http if entry.get("name")) or "none has a name"
        raise Refused(title(obj), f"has no HTTP route named {name!r} (it has: {names})", "correct routes")
    if len(indexes) > 1:
        raise Refused(title(obj), f"has {len(indexes)} HTTP routes named {name!r}", "give them different names")
    entry = http[indexes[0]]
    if entry.get("delegate"):
        raise Refused(f"{title(obj)}, HTTP route {name}", f"delegates to {_delegate(entry)}", "name that VirtualService")
    if hosts.find(entry.get("route") or [], stable, target) is None:
        raise Refused(f"{title(obj)}, HTTP route {name}", f"does not lead to {stable}", "correct routes or stable_service")
    return _place(obj, HTTP, http, indexes[0])


# By port and SNI hosts


def _asked_level_4(obj: Object, kind: str, asked: Sequence[Level4Route], target: Target) -> list[Place]:
    found = {place.index: place for each in asked for place in [_one_of_level_4(obj, kind, each, target)]}
    return list(found.values())


def _one_of_level_4(obj: Object, kind: str, asked: Level4Route, target: Target) -> Place:
    stable, _canary = hosts.versions(target)
    option, given = f"{kind}_routes", _given(asked)
    if kind == TCP and asked.sni_hosts:
        raise Refused(
            "tcp_routes", "cannot select by sni_hosts, which TCP routes do not have", "name the route by its port, or in tls_routes"
        )
    places = qualifying(obj, kind, target)
    answering = [place for place in places if _answers(place.entry, asked, exactly=False)]
    exact = [place for place in answering if _answers(place.entry, asked, exactly=True)]
    best = exact or answering
    if len(best) == 1:
        return best[0]
    if not best:
        raise Refused(
            title(obj), f"has no {kind.upper()} route to {stable} with {given} (it has: {_listed(places) or 'none'})", f"correct {option}"
        )
    raise Refused(title(obj), f"has {len(best)} {kind.upper()} routes to {stable} with {given} ({_listed(best)})", f"name more in {option}")


def _given(asked: Level4Route) -> str:
    parts = [f"port {asked.port}"] if asked.port else []
    parts += [f"sni_hosts {', '.join(asked.sni_hosts)}"] if asked.sni_hosts else []
    return " and ".join(parts) or "any port"


def _answers(entry: Object, asked: Level4Route, exactly: bool) -> bool:
    """Whether one of the route's matches has the port and the SNI hosts, exactly: no others."""
    for match in entry.get("match") or [{}]:
        here, wanted = set(match.get("sniHosts") or []), set(asked.sni_hosts)
        if asked.port in (None, match.get("port")) and (here == wanted if exactly else here >= wanted):
            return True
    return False
