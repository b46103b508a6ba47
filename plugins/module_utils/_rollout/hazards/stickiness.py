"""Hazards of sessions: what keeps a client on a pod or a version, whatever the weights say."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._objects.refusal import Refused
from ..._objects.resources import name_of
from ..._routing.istio.hosts import is_service
from ..._routing.registry import router_of
from ..._routing.target import DesiredTraffic, Target
from ..desired import desired_traffic
from ..findings import Finding, warning
from .snapshot import DESTINATION_RULE, ClusterSnapshot, RouterObjects


def client_ip(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """kube-proxy remembers clients by their address, as long as the Service has that pod: blue-green's switch is not held up."""
    for service in snapshot.services if snapshot.plan.bluegreen is None else ():
        if name_of(service) == snapshot.plan.stable_service and (service.get("spec") or {}).get("sessionAffinity") == "ClientIP":
            yield warning(
                snapshot.titled("Service", name_of(service)),
                "has sessionAffinity ClientIP: what goes through its cluster address stays on a pod, and weights do not move it",
                "set sessionAffinity to None until the rollout has ended, unless the router sends requests to pods directly",
            )


def consistent_hash(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """Envoy chooses the version first, anew for each request, and by the hash only a pod of it."""
    istio = [target for target, _found in snapshot.routers if target.router == "istio"]
    for rule in snapshot.all(DESTINATION_RULE) if snapshot.plan.bluegreen is None else ():
        host = (rule.get("spec") or {}).get("host")
        if any(is_service(host, snapshot.plan.stable_service, target) for target in istio) and _holds(rule.get("spec"), "consistentHash"):
            yield warning(
                snapshot.titled("DestinationRule", name_of(rule)),
                f"keeps clients of {host} on a pod (consistentHash), and a split between two Services breaks that: one client gets both "
                "versions",
                "send clients to the canary by what they carry (set_header_route), or let each version cope with the other's sessions",
            )


def told_by_routers(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """What routers have to say of the steps, as a rollout warns of it with each move: sessions that come before weights, for one."""
    for target, found in snapshot.routers:
        title = _title(snapshot, target)
        for text in dict.fromkeys(text for wish in desired_traffic(snapshot.plan).values() for text in _told(target, found, wish)):
            yield warning(title, text.removeprefix(f"{title} "), "change that until the rollout has ended, or know that it is so")


def _title(snapshot: ClusterSnapshot, target: Target) -> str:
    first, *_others = router_of(target).parts(target).values()
    return snapshot.titled(first.resource.kind, first.name)


def _told(target: Target, found: RouterObjects, wish: DesiredTraffic) -> list[str]:
    try:
        return router_of(target).warnings(found, target, wish)
    except Refused:
        return []  # What cannot be split is told elsewhere.


def _holds(part: Any, key: str) -> bool:
    """Whether the key stands anywhere in a part of an object."""
    if isinstance(part, Mapping):
        return key in part or any(_holds(each, key) for each in part.values())
    return isinstance(part, list) and any(_holds(each, key) for each in part)
