"""Gateway API: the split between two Services in the rules of an HTTPRoute, GRPCRoute, TCPRoute or TLSRoute."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..._objects.plan_writes import Change

# Source: https://gateway-api.sigs.k8s.io/reference/spec/ (HTTPRouteRule, HTTPBackendRef, RouteParentStatus) and the schemas of its CRDs.
from ..._objects.resources import versioned
from ..router import COMMON_OPTIONS, Backend, Objects, Part, Router, backends_by_service, refuse_requests, title
from ..target import Condition, DesiredTraffic, ManagedRoute, Split, Target
from . import managed, rules, status

_PART = "route"
_HTTP = "HTTPRoute"
_WITH_MATCHES = (_HTTP, "GRPCRoute")


def parts(target: Target) -> dict[str, Part]:
    """The route, of the kind and in the version asked for."""
    return {_PART: Part(versioned(_kind(target), target.api_version), target.name, has_status=True)}


def changes(objects: Objects, target: Target, desired: DesiredTraffic | None) -> list[Change]:
    """Weights, copies and managed rules of every rule asked for; a canary backend that is not there is added."""
    route = objects[_PART] or {}
    if desired is None:
        return [Change(_PART)]
    if _kind(target) not in _WITH_MATCHES:
        refuse_requests(title(route), "gateway_api", desired, f"a {_kind(target)} has weights only")
    if desired.mirror:
        status.refuse_mirror(route)
    chosen = rules.chosen(route, target)
    by_match = bool(desired.introduce) and _kind(target) in _WITH_MATCHES
    shares = [rules.weights(rule, target, desired.split, introduce=bool(desired.introduce) and not by_match) for rule in chosen]
    edits = [edit for rule, weights in zip(chosen, shares) for edit in (*weights, *rules.copies(rule, target, desired.mirror))]
    return [Change(_PART, edits + managed.edits(route, chosen, target, (_introduction(desired),) if by_match else desired.routes))]


def _introduction(desired: DesiredTraffic) -> ManagedRoute:
    """A rule for requests that no client sends. Istio does not look at backendRefs with weight 0, and answers 500 to all requests of a rule
    with one that it does not take; so this one stands in a rule of its own."""
    return ManagedRoute("introduction", ((Condition("header", "x-progressive-delivery-introduction", "exact", desired.introduce),),))


def weight(objects: Objects, target: Target) -> Split:
    """The split of the first rule asked for."""
    rule = rules.chosen(objects[_PART] or {}, target)[0]
    found = Split(rules.weight_of(rule.stable), rules.weight_of(rule.canary))
    return found if found.total else Split(1, 0)  # With both at 0 no request is served.


def backends(objects: Objects, target: Target, split: Split, desired: DesiredTraffic | None) -> list[Backend]:
    """The Services that get a share, at the ports of the rules that are split."""
    return backends_by_service(target, split, desired, [rule.stable.get("port") for rule in rules.every(objects[_PART] or {}, target)])


def not_ready_reason(objects: Objects, target: Target) -> str | None:
    """What the route's status lacks until all parents serve it."""
    return status.not_ready_reason(objects[_PART] or {}, target.namespace)


def warnings(objects: Objects, target: Target, _desired: DesiredTraffic) -> list[str]:
    """Rules that keep clients on the version that they came to first."""
    chosen = rules.chosen(objects[_PART] or {}, target)
    return [
        f"{rule.where}: it has sessionPersistence, so that clients stay with the version they came to, whatever the weights"
        for rule in chosen
        if rule.body.get("sessionPersistence")
    ]


def _kind(target: Target) -> str:
    return target.kind or _HTTP


ROUTER = Router(
    parts,
    changes,
    weight,
    backends,
    grace=5.0,
    options=(*COMMON_OPTIONS, "kind"),
    not_ready_reason=not_ready_reason,
    warnings=warnings,
)
