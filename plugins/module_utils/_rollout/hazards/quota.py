"""Hazards of ResourceQuotas: no room for a full clone beside the workload."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from ..._objects.quantities import quantity, show
from ..._objects.resources import RESOURCE_QUOTA, name_of
from ..findings import Finding, fatal
from .snapshot import ClusterSnapshot, Object

_KINDS = {"requests": "requests.", "limits": "limits."}


def no_room(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """The promotion needs all of the clone's pods, unless it is rolling, and one more where the workload cannot roll otherwise."""
    needed = _needed(snapshot)
    for quota in snapshot.all(RESOURCE_QUOTA):
        if not _applies(quota, snapshot.pods):
            continue
        compared = _compared(quota, needed)
        short = [f"{show(amount)} {resource} of {show(left)} that are left" for resource, amount, left in compared if amount > left]
        if short:
            yield fatal(
                snapshot.titled(RESOURCE_QUOTA.kind, name_of(quota)),
                f"has no room for the clone of Deployment {snapshot.plan.workload}, which needs at its greatest {', '.join(short)}",
                "raise the quota, or scale the Deployment or something else down until the rollout has ended",
            )


def _compared(quota: Object, needed: Mapping[str, Fraction]) -> Iterator[tuple[str, Fraction, Fraction]]:
    """By resource of the quota: what is needed, and what is left."""
    status = quota.get("status") or {}
    hard, used = status.get("hard") or (quota.get("spec") or {}).get("hard") or {}, status.get("used") or {}
    for resource, limit in hard.items():
        most, taken = quantity(limit), quantity(used.get(resource, "0"))
        if resource in needed and most is not None and taken is not None:
            yield resource, needed[resource], max(most - taken, Fraction(0))


def _needed(snapshot: ClusterSnapshot) -> dict[str, Fraction]:
    """What the rollout adds to the namespace at most, by the names that quotas use."""
    pods = snapshot.peak - snapshot.replicas
    made = int(not any(name_of(each) == snapshot.plan.canary_service for each in snapshot.services)) + snapshot.makes_service
    objects = {"pods": pods, "count/pods": pods, "count/deployments.apps": 1, "services": made, "count/services": made}
    counted = {name: Fraction(count) for name, count in objects.items() if count}
    return {**counted, **{resource: amount * pods for resource, amount in of_pod(snapshot.pods).items()}}


def of_pod(pod: Mapping[str, Any]) -> dict[str, Fraction]:
    """What one pod asks for, as quotas name it: `requests.cpu`, which is also `cpu`, `limits.memory`."""
    found: dict[str, Fraction] = {}
    for kind, prefix in _KINDS.items():
        running = [each for each in pod.get("initContainers") or [] if each.get("restartPolicy") == "Always"]
        steady = _sum([_asks(each, kind) for each in [*(pod.get("containers") or []), *running]])
        starting = [_asks(each, kind) for each in pod.get("initContainers") or []]
        for resource in {*steady, *(name for each in starting for name in each)}:
            amounts = [steady.get(resource, Fraction(0)), *(each.get(resource, Fraction(0)) for each in starting)]
            found[prefix + resource] = max(amounts)
    plain = {key.partition(".")[2]: amount for key, amount in found.items() if key in ("requests.cpu", "requests.memory")}
    return {**found, **plain}


def _asks(container: Mapping[str, Any], kind: str) -> dict[str, Fraction]:
    """A container's requests or limits; what it limits and does not request counts as requested."""
    resources = container.get("resources") or {}
    said = {**(resources.get("limits") or {} if kind == "requests" else {}), **(resources.get(kind) or {})}
    amounts = {name: quantity(amount) for name, amount in said.items()}
    return {name: amount for name, amount in amounts.items() if amount is not None}


def _sum(parts: list[dict[str, Fraction]]) -> dict[str, Fraction]:
    return {name: sum((each.get(name, Fraction(0)) for each in parts), Fraction(0)) for part in parts for name in part}


def _applies(quota: Object, pod: Mapping[str, Any]) -> bool:
    """Whether the quota counts such pods. A scope that is not known here says nothing rather than something wrong."""
    spec = quota.get("spec") or {}
    selected = (spec.get("scopeSelector") or {}).get("matchExpressions") or []
    scopes = [{"scopeName": name, "operator": "Exists"} for name in spec.get("scopes") or []]
    return all(_in_scope(each, pod) for each in [*scopes, *selected])


def _in_scope(scope: Mapping[str, Any], pod: Mapping[str, Any]) -> bool:
    best_effort = not of_pod(pod)
    name, operator, values = scope.get("scopeName"), scope.get("operator"), scope.get("values") or []
    if name == "PriorityClass":
        own = pod.get("priorityClassName")
        return {"Exists": bool(own), "DoesNotExist": not own, "In": own in values, "NotIn": own not in values}.get(str(operator), False)
    # A Deployment's pods have no end.
    return {"NotTerminating": True, "BestEffort": best_effort, "NotBestEffort": not best_effort}.get(str(name), False)
