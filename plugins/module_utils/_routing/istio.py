"""Istio: the split between two hosts in the HTTP routes of a VirtualService."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/ (HTTPRoute, HTTPRouteDestination):
# a short host is looked up in the VirtualService's own namespace; a single destination takes everything, with or without a weight;
# with several, the weights are relative to their sum.
import copy
from collections.abc import Mapping, Sequence
from typing import Any

from .._objects.edits import Edit
from .._objects.paths import Path
from .._objects.refusal import Refused
from .._objects.resources import versioned
from .router import Change, Objects, Part, Router, refuse_all
from .target import Split, Target, Wish

_PART = "virtual_service"


def parts(target: Target) -> dict[str, Part]:
    """The VirtualService, in the version asked for."""
    return {_PART: Part(versioned("VirtualService", target.api_version), target.name)}


def changes(objects: Objects, target: Target, wish: Wish | None) -> list[Change]:
    """The weights of the stable and the canary destination in every route asked for; a canary destination that is not there is added."""
    obj = objects[_PART] or {}
    if wish is None:
        return [Change(_PART)]
    refuse_all(_title(obj), "istio", wish, "not yet")
    http = _http(obj)
    edits = [edit for index in _chosen(obj, target) for edit in _route_edits(http, index, obj, target, wish.split)]
    return [Change(_PART, edits)]


def weight(objects: Objects, target: Target) -> Split:
    """The split of the first route asked for."""
    obj = objects[_PART] or {}
    http = _http(obj)
    route = http[_chosen(obj, target)[0]]["route"]
    stable, canary = _find(route, target.stable_service, target), _find(route, target.canary_service, target)
    return Split(_weight_in(route, stable), _weight_in(route, canary))


def _http(obj: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list((obj.get("spec") or {}).get("http") or [])


def _title(obj: Mapping[str, Any]) -> str:
    return f"VirtualService {obj['metadata'].get('namespace', '')}/{obj['metadata']['name']}"


def _chosen(obj: dict[str, Any], target: Target) -> list[int]:
    """The indexes of the routes to move."""
    http = _http(obj)
    qualifying = [index for index, entry in enumerate(http) if _find(entry.get("route") or [], target.stable_service, target) is not None]
    if target.routes and "*" not in target.routes:
        return [_named(obj, name, qualifying, target) for name in dict.fromkeys(target.routes)]
    if not qualifying:
        hosts = sorted({str(_host(each)) for entry in http for each in entry.get("route") or []})
        raise Refused(
            f"{_title(obj)} has no HTTP route to Service {target.stable_service!r} (its destinations: {', '.join(hosts) or 'none'}): "
            "check stable_service and the VirtualService's name"
        )
    if len(qualifying) > 1 and not target.routes:
        listed = ", ".join(str(http[index].get("name") or f"number {index} without a name") for index in qualifying)
        raise Refused(
            f"{_title(obj)} has {len(qualifying)} HTTP routes to Service {target.stable_service!r} ({listed}): "
            'say which with routes, or routes: ["*"] for all'
        )
    return qualifying


def _named(obj: dict[str, Any], name: str, qualifying: Sequence[int], target: Target) -> int:
    http = _http(obj)
    indexes = [index for index, entry in enumerate(http) if entry.get("name") == name]
    if not indexes:
        names = ", ".join(str(entry["name"]) for entry in http if entry.get("name")) or "none has a name"
        raise Refused(f"{_title(obj)} has no HTTP route named {name!r} (it has: {names}): correct routes")
    if len(indexes) > 1:
        raise Refused(f"{_title(obj)} has {len(indexes)} HTTP routes named {name!r}: give them different names")
    if indexes[0] not in qualifying:
        raise Refused(
            f"{_title(obj)}: HTTP route {name!r} does not lead to Service {target.stable_service!r}: correct routes or stable_service"
        )
    return indexes[0]


def _route_edits(http: list[dict[str, Any]], index: int, obj: dict[str, Any], target: Target, split: Split) -> list[Edit]:
    entry = http[index]
    route = entry["route"]
    canary = _find(route, target.canary_service, target)
    stable = next(each for each in route if _is_host(each, target.stable_service, target))
    _refuse_others(obj, entry, route, target)
    here = _path_of(http, index)
    if canary is None:
        if split.canary == 0:
            return []  # Without a canary destination all goes to stable already.
        added = _canary_destination(stable, target)
        return [
            Edit((*here, {"destination.host": _host(stable)}, "weight"), split.stable),
            Edit((*here, {"destination.host": _host(added)}), {**added, "weight": split.canary}),
        ]
    return [
        Edit((*here, {"destination.host": _host(stable)}, "weight"), split.stable),
        Edit((*here, {"destination.host": _host(route[canary])}, "weight"), split.canary),
    ]


def _path_of(http: list[dict[str, Any]], index: int) -> Path:
    """The path to a route's destinations: by the route's name where that tells it apart, so that routes put above it do not matter."""
    name = http[index].get("name")
    unique = name and sum(entry.get("name") == name for entry in http) == 1
    return ("spec", "http", {"name": name} if unique else index, "route")


def _refuse_others(obj: dict[str, Any], entry: Mapping[str, Any], route: Sequence[Mapping[str, Any]], target: Target) -> None:
    ours = (target.stable_service, target.canary_service)
    others = [str(_host(each)) for each in route if not any(_is_host(each, service, target) for service in ours)]
    where = f"{_title(obj)}, HTTP route {entry.get('name') or 'without a name'}"
    if others:
        raise Refused(
            f"{where}: it also leads to {', '.join(others)}: its share cannot be told, so take it out of the route or choose another route"
        )
    for service in ours:
        if sum(_is_host(each, service, target) for each in route) > 1:
            raise Refused(f"{where}: Service {service!r} stands in it more than once: leave one destination for it")


def _canary_destination(stable: Mapping[str, Any], target: Target) -> dict[str, Any]:
    """The stable destination (port, header operations and all) with the canary's host, in the form in which the stable one is written."""
    added = copy.deepcopy(dict(stable))
    host = str(_host(stable))
    added["destination"]["host"] = target.canary_service + host[len(target.stable_service.split(".")[0]) :]
    if "." in target.canary_service:
        added["destination"]["host"] = _full(target.canary_service, target)
    # Subsets are those of a DestinationRule for one host; a subset that the canary's host does not have gets a 503 for every request.
    added["destination"].pop("subset", None)
    return added


def _find(route: Sequence[Mapping[str, Any]], service: str, target: Target) -> int | None:
    """The index of the first destination that is this Service."""
    return next((index for index, each in enumerate(route) if _is_host(each, service, target)), None)


def _host(destination: Mapping[str, Any]) -> Any:
    return (destination.get("destination") or {}).get("host")


def _is_host(destination: Mapping[str, Any], service: str, target: Target) -> bool:
    host = _host(destination)
    return isinstance(host, str) and _full(host, target) == _full(service, target)


def _full(host: str, target: Target) -> str:
    """The host as a full name of this cluster; one of another namespace stays another."""
    parts = host.rstrip(".").split(".")
    suffix = ["svc", *target.cluster_domain.split(".")]
    if len(parts) == 1:
        parts.append(target.namespace)
    if len(parts) == 2:
        parts += suffix
    if len(parts) == 3 and parts[2] == "svc":
        parts += suffix[1:]
    return ".".join(parts)


def _weight_in(route: Sequence[Mapping[str, Any]], index: int | None) -> int:
    if index is None:
        return 0
    return 100 if len(route) == 1 else int(route[index].get("weight") or 0)


ROUTER = Router(parts, changes, weight, grace=5.0)
