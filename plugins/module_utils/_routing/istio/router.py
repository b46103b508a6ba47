"""Istio: the split between two hosts, or two subsets of a host, in the HTTP, TLS or TCP routes of a VirtualService."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..._objects.edits import Edit, fields_of
from ..._objects.plan_writes import Change
from ..._objects.refusal import Refused
from ..._objects.resources import versioned
from ..router import (
    COMMON_OPTIONS,
    Backend,
    Object,
    Objects,
    Part,
    Router,
    backends_by_service,
    refuse_requests,
    service_and_namespace,
    shares_in_words,
    title,
)
from ..target import DesiredTraffic, Split, Target
from . import hosts, http, routes, subsets, weights

_PART = "virtual_service"
_RULE = "destination_rule"
_SUBSETS = ("stable_subset", "canary_subset", "destination_rule", "stable_labels", "canary_labels")


def parts(target: Target) -> dict[str, Part]:
    """The VirtualService, and with subsets the DestinationRule that names them, in the version asked for."""
    if any(getattr(target, option) for option in _SUBSETS):
        subsets.refuse_half(target)
    found = {_PART: Part(versioned("VirtualService", target.api_version), target.name)}
    if target.destination_rule:
        found[_RULE] = Part(versioned("DestinationRule", target.api_version), target.destination_rule)
    return found


def changes(objects: Objects, target: Target, desired: DesiredTraffic | None) -> list[Change]:
    """Weights, copies and routes of our own in every route asked for.

    Subsets are there before a route leads to them, and go after none does.
    """
    if desired is None:
        return [Change(_PART), Change(_RULE)] if target.destination_rule else [Change(_PART)]
    obj = objects[_PART] or {}
    places = routes.chosen(obj, target)
    for place in places:
        if place.kind != routes.HTTP:
            refuse_requests(place.title, "istio", desired, "a TLS or TCP route does not look at requests")
    edits = [edit for place in places for edit in weights.edits(place, target, desired.split)]
    if desired.routes or desired.mirror:
        edits += http.edits(obj, places, target, desired)
    route = Change(_PART, edits)
    return [Change(_RULE, subsets.edits(objects[_RULE] or {}, target)), route] if target.destination_rule else [route]


def weight(objects: Objects, target: Target) -> Split:
    """The split of the first route asked for."""
    return weights.split_in(routes.chosen(objects[_PART] or {}, target)[0], target)


def backends(objects: Objects, target: Target, split: Split, desired: DesiredTraffic | None) -> list[Backend]:
    """The Services that get a share, with subsets just their pods of that subset."""
    if not target.destination_rule:
        places = routes.every(objects[_PART] or {}, target)
        found = backends_by_service(target, split, desired, [port for place in places for port in weights.ports(place, target)])
        return [each for backend in found for each in _by_subset(backend, places, target)]
    rule, (service, namespace) = objects[_RULE] or {}, service_and_namespace(target.stable_service, target)
    texts = shares_in_words(target.stable_subset, target.canary_subset, split, desired)
    return [Backend(service, namespace, text, subsets.labels_of(rule, subset)) for subset, text in texts.items()]


def _by_subset(backend: Backend, places: Sequence[routes.Place], target: Target) -> list[Backend]:
    """A Service to which routes lead by subsets: the pods of each must be ready."""
    name = f"{backend.service}.{backend.namespace}"
    ours = [each for place in places for each in place.destinations if hosts.is_service(hosts.host_of(each), name, target)]
    subsets_of = sorted({str((each.get("destination") or {}).get("subset") or "") for each in ours})
    return [replace(backend, subset=subset) for subset in subsets_of] or [backend]


def warnings(objects: Objects, target: Target, _desired: DesiredTraffic) -> list[str]:
    """Routes to the stable version that the call does not name, below HTTP routes that were chosen by default."""
    obj = objects[_PART] or {}
    if target.routes or target.tls_routes or target.tcp_routes or routes.chosen(obj, target)[0].kind != routes.HTTP:
        return []
    left = [place for kind in (routes.TLS, routes.TCP) for place in routes.qualifying(obj, kind, target)]
    return [
        f"{place.title} leads to Service {target.stable_service} too and is not split: name it in {place.kind}_routes" for place in left
    ]


def drain_changes(_objects: Objects, _target: Target) -> list[Change]:
    """A subset goes after the route that leads to it."""
    return [Change(_PART)]


def first(key: str, before: Object | None, after: Object | None) -> bool:
    """Proxies must know a subset before a route leads to it: https://istio.io/latest/docs/ops/best-practices/traffic-management/"""
    return key == _RULE and bool(subsets.names(after or {}) - subsets.names(before or {}))


def check_ownership(objects: Objects, target: Target, by: str) -> None:
    """Rejects a target without subsets for a route that is split by subset: its subsets would stay.

    Raises:
        Refused: It is.
    """
    obj = objects[_PART]
    if obj is None or target.destination_rule:
        return
    steps = [step for field in fields_of(obj) if field.by == by for step in field.path]
    if any(isinstance(step, Mapping) and "destination.subset" in step for step in steps):
        raise Refused(title(obj), "is split by subset", "name stable_subset, canary_subset and destination_rule in this call, too")


def still_needed(objects: Objects, target: Target, by: str, others: Sequence[Object] | None) -> dict[str, list[Edit]]:
    """Subsets and their labels, to which other VirtualServices lead: the last one that leaves takes them away."""
    rule = objects.get(_RULE)
    return {} if rule is None else {_RULE: subsets.still_needed(rule, target, by, others)}


ROUTER = Router(
    parts,
    changes,
    weight,
    backends,
    grace=5.0,
    options=(*COMMON_OPTIONS, *_SUBSETS, "tls_routes", "tcp_routes"),
    warnings=warnings,
    drain_changes=drain_changes,
    first=first,
    check_ownership=check_ownership,
    still_needed=still_needed,
)
