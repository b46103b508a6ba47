"""What the other Ingresses of the namespace do to a split, and what the split does to them."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Source: internal/ingress/controller/controller.go of ingress-nginx (createUpstreams, createServers, mergeAlternativeBackends), v1.15.1.
# The controller reads the Ingresses of a class from the oldest to the newest. What it calls an upstream belongs to a Service and a port as
# the Ingress writes it: port 80 and its name are two. The first Ingress that leads to an upstream decides whether it is a canary's, and
# only the first canary of an upstream counts.
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._objects.refusal import Refused
from ..router import Object, Objects, service_and_namespace, title
from ..target import Target
from .annotations import said
from .canary import OF, annotations_of
from .rules import default_of, paths_of

_OLD_CLASS = "kubernetes.io/ingress.class"
# A Service and its port, as written.
Upstream = tuple[str, str]
# A host (empty: none), a path and its type.
Place = tuple[str, str, str]
_Problem = tuple[str, str, str]  # of an Ingress: what is wrong with it, and the remedy
_OTHER_PORT = "name the port there in the other way (by its name instead of its number, or the reverse), which ingress-nginx keeps apart"


@dataclass(frozen=True)
class _Canary:
    """What the canary Ingress will be: its own upstreams, and those that it takes requests from. live: as it is; None: not made yet."""

    target: Target
    stable: Object
    live: Object | None
    annotations: Mapping[str, str]
    catches_all: bool

    @property
    def main(self) -> set[Upstream]:
        service, _namespace = service_and_namespace(self.target.stable_service, self.target)
        return {upstream for upstream in _upstreams(self.stable) if upstream[0] == service}

    @property
    def own(self) -> set[Upstream]:
        service, _namespace = service_and_namespace(self.target.canary_service, self.target)
        return {(service, port) for _stable, port in self.main}

    def comes_after(self, other: Object) -> bool:
        """Whether the controller reads the other Ingress first."""
        return self.live is None or _order([other, self.live])[0] is other


def look_around(
    objects: Objects,
    target: Target,
    wanted: Mapping[str, str],
    there: Sequence[Object],
    together: Sequence[Target],
) -> list[str]:
    """Returns what users must know; raises Refused where the canary would not get its share, or requests of another Service.

    Args:
        objects: The user's Ingress and the canary one, which may not be there yet.
        wanted: The annotations that share the traffic, without their prefix.
        there: All Ingresses of the namespace.
        together: The routers that the same call moves alike.
    """
    stable, live = objects["ingress"] or {}, objects["canary_ingress"]
    canary = _Canary(target, stable, live, wanted, catches_all=not list(paths_of(stable)))
    mains, canaries = _others(objects, target, there)
    stops = [*_lead_to_canary(canary, mains), *_serve_instead(canary, mains), *_other_canaries(canary, mains, canaries, together)]
    if stops:
        raise Refused(*stops[0])
    return [*_answer_404(canary, mains), *_split_too(canary, mains, together)]


def left_behind(objects: Objects, target: Target, there: Sequence[Object], together: Sequence[Target]) -> list[str]:
    """Returns what users must know when no request shall go to the canary any more: canary Ingresses that still take some.

    Args: As those of look_around. A canary Ingress of `together` goes with the same call.
    """
    stable = objects["ingress"] or {}
    canary = _Canary(target, stable, None, {}, catches_all=not list(paths_of(stable)))
    _mains, canaries = _others(objects, target, there)
    names = {each.name for each in together if each.router == target.router}
    return [
        f"{title(each)} is a canary Ingress for {_service_of(canary)} too, and goes on taking requests of {_stable_of(canary)}: "
        "put its router back as well, or delete it"
        for each in canaries
        if canary.own & set(_upstreams(each)) and (each["metadata"].get("annotations") or {}).get(OF) not in names
    ]


def _others(objects: Objects, target: Target, there: Sequence[Object]) -> tuple[list[Object], list[Object]]:
    """The other Ingresses of the same class, as the controller reads them: those that serve, and the canaries."""
    ours = {title(each) for each in objects.values() if each is not None}
    same = _class(objects["ingress"] or {"metadata": {}})
    others = [each for each in _order(there) if title(each) not in ours and _class(each) == same and not _goes(each)]
    canaries = [each for each in others if said(annotations_of(each, target).get("canary"))]
    return [each for each in others if each not in canaries], canaries


def _lead_to_canary(canary: _Canary, mains: Sequence[Object]) -> Iterator[_Problem]:
    for each in mains:
        if not canary.own & set(_upstreams(each)):
            continue
        if canary.live is None or canary.comes_after(each) or canary.own & _defaults(each):
            yield (
                title(each),
                f"leads to {_service_of(canary)}, and ingress-nginx sends no share to a Service that an Ingress serves itself",
                f"{_OTHER_PORT}, or let it lead to another Service with the same selector",
            )


def _answer_404(canary: _Canary, mains: Sequence[Object]) -> Iterator[str]:
    """Those that came while the canary Ingress was there."""
    for each in mains:
        if canary.own & set(_upstreams(each)):
            yield (
                f"{title(each)} leads to {_service_of(canary)}, and ingress-nginx answers its requests with 404 as long as the canary "
                f"Ingress is there: {_OTHER_PORT}, or let it lead to another Service with the same selector"
            )


def _serve_instead(canary: _Canary, mains: Sequence[Object]) -> Iterator[_Problem]:
    """Of two paths that are the same, the first is served, and a canary Ingress takes requests from whatever that leads to."""
    if canary.catches_all:
        yield from _catch_all(canary, mains)
        return
    catching = [each for each in _order(mains) if default_of(each) is not None and not (each.get("spec") or {}).get("rules")]
    served: dict[Place, tuple[Object, Upstream | None]] = {}
    if catching:
        served["", "/", "Prefix"] = (catching[0], default_of(catching[0]))
    for each in _order([*mains, canary.stable]):
        for place, upstream in paths_of(each):
            if upstream is not None:
                served.setdefault(place, (each, upstream))
    for place, upstream in paths_of(canary.stable):
        if upstream not in canary.main:
            continue
        first, leads_to = served[place]
        if leads_to != upstream:
            yield (
                title(first),
                f"leads {_shown(place)} to {_named(leads_to)}, which would be split, and is served instead of {title(canary.stable)}",
                "leave the path to one of the two",
            )


def _catch_all(canary: _Canary, mains: Sequence[Object]) -> Iterator[_Problem]:
    where = title(canary.stable)
    for each in mains:
        if default_of(each) is not None and not (each.get("spec") or {}).get("rules") and _order([each, canary.stable])[0] is each:
            yield (
                title(each),
                f"has a defaultBackend and no rules too, and is served instead of {where}, as it is older",
                "leave the default to one of the two",
            )
        for place, upstream in paths_of(each):
            if not place[0] and upstream is not None and upstream not in canary.main:
                yield (
                    title(each),
                    f"leads {_shown(place)} to {_named(upstream)}, and the canary of a lone defaultBackend takes a share of all such paths",
                    f"give the path a host, or {where} a rule",
                )


def _other_canaries(canary: _Canary, mains: Sequence[Object], canaries: Sequence[Object], together: Sequence[Target]) -> Iterator[_Problem]:
    """Only the first canary of an upstream counts, with what its first Ingress says."""
    leading = [canary.stable, *mains]
    places = {place for each in leading for place, upstream in paths_of(each) if upstream in canary.main}
    places |= {(host, "/", "Prefix") for each in leading if canary.main & _defaults(each) for host in _hosts(each)}
    if canary.catches_all or any(canary.main & _defaults(each) for each in mains if not list(paths_of(each))):
        places |= {("", "/", "Prefix")}
    names = {each.name for each in together if each.router == canary.target.router}
    for each in canaries:
        leads_there = any(place in places and upstream not in canary.main for place, upstream in paths_of(each))
        leads_there = leads_there or bool(_defaults(each) and any(not host for host, _path, _kind in places))
        same = bool(canary.own & set(_upstreams(each)))
        older = canary.main & set(_upstreams(each)) and _order([each, canary.stable])[0] is each
        if older or canary.main & _defaults(each):  # A default backend decides it anew.
            yield (
                title(each),
                f"is a canary Ingress for {_stable_of(canary)}, and ingress-nginx serves that Service nowhere else",
                "delete it, or let it lead to another Service",
            )
            continue
        if not (leads_there or same) or not (canary.comes_after(each) or (same and canary.own & _defaults(each))):
            continue
        of = (each["metadata"].get("annotations") or {}).get(OF)
        if same and of in names:
            continue
        if same and _policy(annotations_of(each, canary.target)) == _policy(canary.annotations):
            continue
        what = f"for {_service_of(canary)}" if same else f"of {_stable_of(canary)}"
        remedy = f"delete it, or move both in one call (routers {canary.target.name} and {of})" if of else "delete it"
        yield title(each), f"is a canary Ingress {what} already, and older, and ingress-nginx uses only the first", remedy


def _split_too(canary: _Canary, mains: Sequence[Object], together: Sequence[Target]) -> Iterator[str]:
    names = {each.name for each in together if each.router == canary.target.router}
    for each in mains:
        if each["metadata"]["name"] not in names and canary.main & set(_upstreams(each)):
            yield (
                f"{title(each)} leads to {_stable_of(canary)} by the same port, so that its requests are split too: name it among the "
                f"routers, or {_OTHER_PORT}"
            )


def _policy(annotations: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in annotations.items() if key.startswith("canary-")}


def _order(ingresses: Sequence[Object]) -> list[Object]:
    """As the controller reads them; of two that were made in the same second, the greater name comes first."""
    by_name = sorted(ingresses, key=title, reverse=True)
    return sorted(by_name, key=lambda each: str(each["metadata"].get("creationTimestamp", "")))


def _class(ingress: Mapping[str, Any]) -> str:
    old = (ingress["metadata"].get("annotations") or {}).get(_OLD_CLASS, "")
    return str((ingress.get("spec") or {}).get("ingressClassName") or old)


def _goes(ingress: Mapping[str, Any]) -> bool:
    return bool(ingress["metadata"].get("deletionTimestamp"))


def _upstreams(ingress: Mapping[str, Any]) -> list[Upstream]:
    return [*_defaults(ingress), *(upstream for _place, upstream in paths_of(ingress) if upstream is not None)]


def _defaults(ingress: Mapping[str, Any]) -> set[Upstream]:
    default = default_of(ingress)
    return {default} if default is not None else set()


def _hosts(ingress: Mapping[str, Any]) -> list[str]:
    """Also those without paths: the default backend serves the rest of each."""
    return [str(rule["host"]) for rule in (ingress.get("spec") or {}).get("rules") or [] if rule.get("host")]


def _service_of(canary: _Canary) -> str:
    return f"Service {service_and_namespace(canary.target.canary_service, canary.target)[0]}"


def _stable_of(canary: _Canary) -> str:
    return f"Service {service_and_namespace(canary.target.stable_service, canary.target)[0]}"


def _named(upstream: Upstream | None) -> str:
    return f"Service {upstream[0]}" if upstream else "no Service"


def _shown(place: Place) -> str:
    host, path, _kind = place
    return f"{host or '(any host)'}{path}"
