"""Gateway API: the split between two Services in the rules of an HTTPRoute, GRPCRoute, TCPRoute or TLSRoute."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Source: https://gateway-api.sigs.k8s.io/reference/spec/ (HTTPRouteRule, HTTPBackendRef, RouteParentStatus) and the schemas of its CRDs.
from ..._objects.resources import versioned
from ..router import Backend, Change, Objects, Part, Router, backends_by_service, refuse_all, title
from ..target import Split, Target, Wish
from . import managed, rules, status

_PART = "route"
_HTTP = "HTTPRoute"
_WITH_MATCHES = (_HTTP, "GRPCRoute")


def parts(target: Target) -> dict[str, Part]:
    """The route, of the kind and in the version asked for."""
    return {_PART: Part(versioned(_kind(target), target.api_version), target.name, has_status=True)}


def changes(objects: Objects, target: Target, wish: Wish | None) -> list[Change]:
    """Weights, copies and managed rules of every rule asked for; a canary backend that is not there is added."""
    route = objects[_PART] or {}
    if wish is None:
        return [Change(_PART)]
    if _kind(target) not in _WITH_MATCHES:
        refuse_all(title(route), "gateway_api", wish, f"a {_kind(target)} has weights only")
    if wish.mirror:
        status.refuse_mirror(route)
    chosen = rules.chosen(route, target)
    edits = [edit for rule in chosen for edit in (*rules.weights(rule, target, wish.split), *rules.copies(rule, target, wish.mirror))]
    return [Change(_PART, edits + managed.edits(route, chosen, target, wish.routes))]


def weight(objects: Objects, target: Target) -> Split:
    """The split of the first rule asked for."""
    rule = rules.chosen(objects[_PART] or {}, target)[0]
    found = Split(rules.weight_of(rule.stable), rules.weight_of(rule.canary))
    return found if found.total else Split(1, 0)  # With both at 0 nobody is served.


def backends(objects: Objects, target: Target, split: Split, wish: Wish | None) -> list[Backend]:
    """The Services that get a share, at the ports of the rules that are split."""
    return backends_by_service(target, split, wish, [rule.stable.get("port") for rule in rules.every(objects[_PART] or {}, target)])


def missing(objects: Objects, target: Target) -> str | None:
    """What the route's status lacks until all parents serve it."""
    return status.missing(objects[_PART] or {}, target.namespace)


def warnings(objects: Objects, target: Target, _wish: Wish) -> list[str]:
    """Rules that keep clients on the version that they came to first."""
    chosen = rules.chosen(objects[_PART] or {}, target)
    return [
        f"{rule.where}: it has sessionPersistence, so that clients stay with the version they came to, whatever the weights"
        for rule in chosen
        if rule.body.get("sessionPersistence")
    ]


def _kind(target: Target) -> str:
    return target.kind or _HTTP


ROUTER = Router(parts, changes, weight, backends, grace=5.0, missing=missing, warnings=warnings)
