"""What a plan must be allowed to do: as grants, as what the API server's answer lacks of them, and as the smallest Role."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from .._objects.resources import (
    CONFIG_MAP,
    ENDPOINT_SLICE,
    EVENT,
    HORIZONTAL_POD_AUTOSCALER,
    LEASE,
    POD,
    POD_DISRUPTION_BUDGET,
    SCALED_OBJECT,
    SECRET,
    SERVICE,
    Resource,
)
from .._plan.plan import Plan
from .._routing.router import Part
from .._strategies.registry import strategy_of
from .hazards.pod_labels import VIRTUAL_SERVICE
from .hazards.registry import LOOKS
from .hazards.snapshot import DESTINATION_RULE
from .record import record_name

Names = Optional[tuple[str, ...]]

# The order in which Roles list verbs. A request to create an object does not name it, and one to list or watch does with a field selector
# metadata.name alone, as those do that wait for one object.
VERBS = ("get", "list", "watch", "create", "patch", "delete")
_UNNAMED = ("create",)
WAITED_FOR = ("get", "list", "watch", "patch")
_GUARDS = {each.kind: each for each in (HORIZONTAL_POD_AUTOSCALER, SCALED_OBJECT, POD_DISRUPTION_BUDGET)}


@dataclass(frozen=True)
class Grant:
    """Verbs on one kind of object.

    Attributes:
        names: of the objects that are enough; None: all, or names that are not known before.
        optional: a rollout goes on without it, and warns.
    """

    resource: Resource
    verbs: tuple[str, ...]
    names: Names = None
    optional: bool = False


@dataclass(frozen=True)
class Around:
    """What is known of the objects around the plan; without it, what the plan alone says.

    Attributes:
        parts: the objects of the routers, and whether the first of each router's is made for the release, since the plan declares it.
        bystanders: Services that move with the stable one.
        guards: keys (`Kind/name`) of what scales the workload by itself, and of its disruption budgets.
        makes_stable_service: the stable Service is not there.
        keeps_canary_service: the canary Service is the user's.
        looks: kinds that only the checks before a start look at.
        labels_pods: the plan gives labels to pods.
        copies_configs, copies_secrets: the plan makes copies of ConfigMaps and Secrets.
    """

    parts: Sequence[tuple[Sequence[Part], bool]] = ()
    bystanders: Sequence[str] = ()
    guards: Sequence[str] = ()
    makes_stable_service: bool = False
    keeps_canary_service: bool = False
    looks: Sequence[Resource] = tuple(look.resource for look in LOOKS)
    labels_pods: bool = False
    copies_configs: bool = False
    copies_secrets: bool = False


def grants(plan: Plan, around: Around) -> list[Grant]:
    """All that a plan needs from its first release to the hand-back, in the order of a Role's rules."""
    record = (record_name(plan.name),)
    return [
        *(Grant(each, ("get", "patch", "delete"), record) for each in (CONFIG_MAP, LEASE)),
        *(Grant(each, ("create",)) for each in (CONFIG_MAP, LEASE)),
        Grant(EVENT, ("create",), optional=True),
        *strategy_of(plan).parts().grants(plan),
        *_services(plan, around),
        Grant(POD, ("list", "watch")),
        *([Grant(POD, ("patch",))] if around.labels_pods else []),
        Grant(ENDPOINT_SLICE, ("list", "watch")),
        *(grant for parts, made in around.parts for grant in of_router(parts, made, plan.bluegreen is None)),
        *(Grant(each, ("list",), optional=True) for each in (*around.looks, *_subsets(around))),
        *(Grant(_GUARDS[kind], ("get", "patch"), (name,), True) for kind, name in (key.split("/", 1) for key in around.guards)),
        *([Grant(CONFIG_MAP, ("get", "create", "delete"))] if around.copies_configs else []),
        *([Grant(SECRET, ("get", "create", "delete"))] if around.copies_secrets else []),
    ]


def of_router(parts: Iterable[Part], made: bool = False, splits: bool = True) -> list[Grant]:
    """What must be allowed with the objects of a router.

    made: the first, which the user names, is made, since the plan declares it. splits: it shares requests between versions, beside copying
    them.
    """
    found = []
    for number, part in enumerate(parts):
        name, written = (part.name,), part.written and (part.required or splits)
        verbs = ("get", *(("patch",) if written else ()), *(("list", "watch") if part.has_status else ()))
        found.append(Grant(part.resource, verbs, name))
        if written and not part.required:
            found += [Grant(part.resource, ("delete",), name), Grant(part.resource, ("create",))]
        elif made and number == 0:
            found.append(Grant(part.resource, ("create",)))
        found += [Grant(part.resource, ("list",))] if part.sibling else []
    return found


def _subsets(around: Around) -> list[Resource]:
    """What tells which pods a route by a subset reaches; it is asked before a Service leads to pods of the new version."""
    return [each for each in (DESTINATION_RULE, VIRTUAL_SERVICE) if each not in around.looks]


def _services(plan: Plan, around: Around) -> list[Grant]:
    canary = [] if plan.by_pods else [plan.canary_service]
    pinned = (plan.stable_service, *around.bystanders, *(canary if around.keeps_canary_service else ()))
    found = [Grant(SERVICE, ("list",)), Grant(SERVICE, ("get", "patch"), pinned)]
    if canary and not around.keeps_canary_service:
        found += [Grant(SERVICE, ("get", "delete"), tuple(canary)), Grant(SERVICE, ("create",))]
    return [*found, *([Grant(SERVICE, ("create",))] if around.makes_stable_service else [])]


def lacking(needed: Sequence[Grant], status: Mapping[str, Any]) -> list[str]:
    """The permissions that are not granted, as `patch services`, or `patch services shop` where rules grant it for other names.

    Args:
        needed: what is optional of it is not looked for.
        status: that of a SelfSubjectRulesReview (authorization.k8s.io/v1); one that says it is incomplete proves nothing.
    """
    if status.get("incomplete"):
        return []
    rules = status.get("resourceRules") or []
    missing = [
        f"{verb} {full_name(grant.resource)}{text}" for grant in needed if not grant.optional for verb, text in _missing(grant, rules)
    ]
    return list(dict.fromkeys(missing))


def _missing(grant: Grant, rules: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The verbs of a grant that the rules leave out, each with the names where only these are left out."""
    found = []
    for verb in grant.verbs:
        of_verb = [rule for rule in rules if _speaks_of(rule, grant.resource, verb)]
        if any(not rule.get("resourceNames") for rule in of_verb):
            continue
        named = {name for rule in of_verb for name in rule.get("resourceNames") or []}
        if grant.names is None:
            # The names are not known before: rules for certain names count as granted, and the API server decides in the end.
            if not named or verb in _UNNAMED:
                found.append((verb, ""))
        elif not set(grant.names) <= named:
            found.append((verb, f" {', '.join(name for name in grant.names if name not in named)}" if named else ""))
    return found


def _speaks_of(rule: Mapping[str, Any], resource: Resource, verb: str) -> bool:
    return all(
        wanted in (rule.get(key) or []) or "*" in (rule.get(key) or [])
        for key, wanted in (("verbs", verb), ("apiGroups", resource.group), ("resources", resource.plural))
    )


def role(plan: Plan, needed: Sequence[Grant]) -> dict[str, Any]:
    """The smallest Role that grants all of it."""
    kinds = dict.fromkeys(grant.resource for grant in needed)
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": f"progressive-delivery-{plan.name}", "namespace": plan.namespace},
        "rules": [rule for kind in kinds for rule in _rules(kind, [grant for grant in needed if grant.resource == kind])],
    }


def _rules(resource: Resource, needed: Sequence[Grant]) -> list[dict[str, Any]]:
    """A rule for all names, and one for each set of names that have the same verbs."""
    whole = {verb for grant in needed if grant.names is None for verb in grant.verbs}
    by_name: dict[str, set[str]] = {}
    for grant in needed:
        for name in grant.names or ():
            by_name.setdefault(name, set()).update(set(grant.verbs) - whole)
    by_verbs: dict[tuple[str, ...], list[str]] = {}
    for name, verbs in by_name.items():
        by_verbs.setdefault(tuple(verb for verb in VERBS if verb in verbs), []).append(name)
    about = {"apiGroups": [resource.group], "resources": [resource.plural]}
    named = [{**about, "resourceNames": sorted(names), "verbs": list(verbs)} for verbs, names in by_verbs.items() if verbs]
    return [*named, *([{**about, "verbs": [verb for verb in VERBS if verb in whole]}] if whole else [])]


def full_name(resource: Resource) -> str:
    """As Roles and messages name a kind: `deployments.apps`."""
    return f"{resource.plural}{'.' + resource.group if resource.group else ''}"
