"""What a rollout must be allowed to do, and what of it the API server's answer leaves out."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._objects.resources import (
    CONFIG_MAP,
    CONTROLLER_REVISION,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    HORIZONTAL_POD_AUTOSCALER,
    LEASE,
    PERSISTENT_VOLUME_CLAIM,
    POD,
    POD_DISRUPTION_BUDGET,
    REPLICA_SET,
    RESOURCE_QUOTA,
    SCALED_OBJECT,
    SECRET,
    SERVICE,
    WORKLOADS,
    Resource,
    versioned,
)
from .._routing.router import Part
from .hazards.pod_labels import RESOURCES

_LEFT: tuple[tuple[Resource, tuple[str, ...]], ...] = ((DEPLOYMENT, ("list",)),)  # of an earlier rollout
# The Role in docs/rbac.yml grants just these (and Events, without which a rollout does as well).
Needed = tuple[tuple[Resource, tuple[str, ...]], ...]
NEEDED: Needed = (
    (CONFIG_MAP, ("get", "create", "patch", "delete")),
    (LEASE, ("get", "create", "patch", "delete")),
    (SERVICE, ("get", "list", "create", "patch", "delete")),
    (POD, ("list", "watch")),
    (ENDPOINT_SLICE, ("list", "watch")),
)
OF_KIND: dict[str, Needed] = {
    "Deployment": ((DEPLOYMENT, ("get", "list", "watch", "create", "patch", "delete")), (REPLICA_SET, ("list",))),
    **{
        kind: ((WORKLOADS[kind], ("get", "list", "watch", "patch")), (CONTROLLER_REVISION, ("list",)), (POD, ("delete",)), *_LEFT)
        for kind in ("StatefulSet", "DaemonSet")
    },
}
# What the checks before a start look at, too; without these rights a rollout goes on and warns that it does not know.
FOR_CHECKS: tuple[tuple[Resource, tuple[str, ...]], ...] = (
    (HORIZONTAL_POD_AUTOSCALER, ("list",)),
    (SCALED_OBJECT, ("list",)),
    (POD_DISRUPTION_BUDGET, ("list",)),
    (RESOURCE_QUOTA, ("list",)),
    (PERSISTENT_VOLUME_CLAIM, ("list",)),
    (versioned("DestinationRule"), ("list",)),
    *((resource, ("list",)) for resource in RESOURCES),
)
# Needed where there are such things for the workload.
FOR_GUARDS: Needed = (
    (HORIZONTAL_POD_AUTOSCALER, ("get", "patch")),
    (SCALED_OBJECT, ("get", "patch")),
    (POD_DISRUPTION_BUDGET, ("get", "patch")),
)
# Needed with track_configs where the template names Secrets; docs/rbac-track-configs.yml grants just these.
FOR_SECRETS: Needed = ((SECRET, ("get", "create", "delete")),)
# Needed for active_labels and preview_labels.
FOR_LABELS: Needed = ((POD, ("patch",)),)
_USERS = ("get", "patch")  # of a router's object that is the user's
_MADE = ("get", "list", "create", "patch", "delete")  # of one that is made for the release


def of_router(parts: Iterable[Part], made: bool = False) -> list[tuple[Resource, tuple[str, ...]]]:
    """What must be allowed with the objects of a router. made: the first, which the user names, is made, since the plan declares it."""
    needed = [(part.resource, (_USERS if part.required else _MADE) + (("watch",) if part.has_status else ())) for part in parts]
    return [*needed, (needed[0][0], ("create",))] if made else needed


def lacking(kind: str, more: Sequence[tuple[Resource, tuple[str, ...]]], status: Mapping[str, Any]) -> list[str]:
    """The permissions that are not granted, as `patch services`.

    kind: the workload's. more: what must be allowed with the routers' objects, and with Secrets.
    status: that of a SelfSubjectRulesReview (authorization.k8s.io/v1); one that says it is incomplete proves nothing.
    """
    if status.get("incomplete"):
        return []
    rules = status.get("resourceRules") or []
    missing = [
        f"{verb} {full_name(resource)}"
        for resource, verbs in [*NEEDED, *OF_KIND[kind], *more]
        for verb in verbs
        if not any(_grants(rule, resource, verb) for rule in rules)
    ]
    return list(dict.fromkeys(missing))


def full_name(resource: Resource) -> str:
    """As Roles and messages name a kind: `deployments.apps`."""
    return f"{resource.plural}{'.' + resource.group if resource.group else ''}"


def _grants(rule: dict[str, Any], resource: Resource, verb: str) -> bool:
    # Rules for certain names are taken as granted: whether the names suffice shows when they are used.
    return all(
        wanted in rule.get(key, []) or "*" in rule.get(key, [])
        for key, wanted in (("verbs", verb), ("apiGroups", resource.group), ("resources", resource.plural))
    )
