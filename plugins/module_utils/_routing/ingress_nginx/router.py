"""ingress-nginx: the split between the Ingress of the user's and a canary Ingress that is made beside it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Source: https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary, read by other controllers too:
# a second Ingress with the same hosts, paths and path types, which leads to the canary Service, takes its share by its annotations.
import hashlib
from collections.abc import Sequence
from typing import Any

from ..._objects.marks import MANAGED_BY, MANAGER
from ..._objects.plan_writes import Change
from ..._objects.refusal import Refused
from ..._objects.resources import labels, versioned
from ..router import Backend, Object, Objects, Part, Router, backends_by_service, service_and_namespace, title
from ..target import DesiredTraffic, Split, Target, split_of
from .annotations import annotations_for, said
from .canary import OF, annotations_of, canary_edits, skeleton
from .mirrors import mirror_edits, mirror_warnings
from .neighbours import left_behind, look_around
from .rules import default_of, other_services, paths_of, ports_of, services_of

_STABLE, _CANARY = "ingress", "canary_ingress"
_LONGEST_NAME = 253


def parts(target: Target) -> dict[str, Part]:
    """The user's Ingress, and the canary one."""
    resource = versioned("Ingress", target.api_version)
    return {
        _STABLE: Part(resource, target.name, written=target.allow_mirror_reload),
        _CANARY: Part(resource, _canary_name(target), required=False, sibling=(OF, target.name)),
    }


def changes(objects: Objects, target: Target, desired: DesiredTraffic | None) -> list[Change]:
    """A mirror stands on the user's Ingress, all else on the canary one, which is there as long as requests shall come to it.

    At weight 0 it would still get the clients that have its cookie, where any Ingress of the stable Service has session affinity. To make
    it and to delete it is no more to the controller than another weight: nothing is reloaded.
    """
    stable, canary = objects[_STABLE] or {}, objects[_CANARY]
    _refuse_foreign(canary, target)
    if desired is None:
        return [Change(_STABLE), Change(_CANARY, remove=True)]
    if canary is not None and not desired.reaches_canary:
        return [Change(_STABLE), Change(_CANARY, remove=True)]  # Whatever has become of its rules.
    _refuse_unusable(stable, target)
    wanted = annotations_for(title(stable), desired)
    found = [Change(_STABLE, mirror_edits(stable, target, desired.mirror))]
    if not (desired.split.canary or desired.routes):
        return [*found, Change(_CANARY, remove=True)]
    return [*found, Change(_CANARY, canary_edits(stable, target, wanted), make=skeleton(stable, target, _canary_name(target)))]


def weight(objects: Objects, target: Target) -> Split:
    """The split that controllers read from the canary Ingress: what is no number counts as not there, a total below 100 as 100."""
    given = annotations_of(objects[_CANARY] or {}, target)
    if not said(given.get("canary")):
        return Split(100, 0)
    total = max(_number(given.get("canary-weight-total"), 100), 100)
    return split_of(min(max(_number(given.get("canary-weight"), 0), 0), total), total)


def backends(objects: Objects, target: Target, split: Split, desired: DesiredTraffic | None) -> list[Backend]:
    """The stable Service must be ready even at canary weight 100: the controller answers 503 where the main backend is empty."""
    name, namespace = service_and_namespace(target.stable_service, target)
    ports = [port.get("number") or port.get("name") for port in ports_of(objects[_STABLE] or {}, name)]
    found = backends_by_service(target, split, desired, ports)
    if any(each.service == name for each in found):
        return found
    return [Backend(name, namespace, "every request first (ingress-nginx answers all with 503 when it is empty, the canary's too)"), *found]


def warnings(objects: Objects, target: Target, desired: DesiredTraffic) -> list[str]:
    """Session affinity comes before weight and matches, with `affinity-canary-behavior: legacy` too."""
    stable = objects[_STABLE] or {}
    found = mirror_warnings(stable, target, desired)
    if annotations_of(stable, target).get("affinity") == "cookie":
        where = f"{title(stable)} has session affinity ({target.annotation_prefix}/affinity: cookie)"
        text = "clients with its cookie stay with the version that gave it, whatever weight and matches say; only new ones move"
        found.append(f"{where}: {text}")
    return found


def beside(
    objects: Objects, target: Target, desired: DesiredTraffic | None, there: Sequence[Object], together: Sequence[Target]
) -> list[str]:
    """What other Ingresses of the same class make of the canary Ingress, which a mirror alone does not need."""
    if desired is None or not (desired.split.canary or desired.routes):
        return left_behind(objects, target, there, together) if objects[_STABLE] is not None else []
    return look_around(objects, target, annotations_for(title(objects[_STABLE] or {}), desired), there, together)


def _canary_name(target: Target) -> str:
    name = target.canary_ingress or f"{target.name}-canary"
    if len(name) <= _LONGEST_NAME:
        return name
    end = f"-{hashlib.sha256(target.name.encode()).hexdigest()[:8]}-canary"
    return target.name[: _LONGEST_NAME - len(end)].rstrip("-.") + end


def _refuse_foreign(canary: Object | None, target: Target) -> None:
    """Raises Refused for a canary Ingress that was not made here, or for another stable Ingress."""
    if _canary_name(target) == target.name:
        raise Refused("canary_ingress", f"is {target.name!r}, the stable Ingress itself", "give the canary Ingress another name")
    if canary is None:
        return
    owner = (canary["metadata"].get("annotations") or {}).get(OF)
    if labels(canary).get(MANAGED_BY) != MANAGER or owner is None:
        raise Refused(
            title(canary), "was not created by this collection", "delete it, or give the canary Ingress another name with canary_ingress"
        )
    if owner != target.name:
        raise Refused(title(canary), f"is the canary of Ingress {owner!r}", "give this canary Ingress another name with canary_ingress")


def _refuse_unusable(stable: Object, target: Target) -> None:
    where = title(stable)
    if said(annotations_of(stable, target).get("canary")):
        raise Refused(where, f"is itself a canary ({target.annotation_prefix}/canary)", "name the stable Ingress")
    names = [service_and_namespace(service, target) for service in (target.stable_service, target.canary_service)]
    if any(namespace != target.namespace for _name, namespace in names):
        raise Refused(where, "cannot lead to Services of another namespace", "name stable_service and canary_service without a namespace")
    (service, _here), (canary_service, _also) = names
    if service == canary_service:
        raise Refused("canary_service", f"is {service!r} as stable_service is", "give the canary a Service of its own")
    if service not in services_of(stable):
        others = ", ".join(other_services(stable, service)) or "none"
        raise Refused(where, f"has no rule that leads to Service {service!r} (its Services: {others})", "correct stable_service or name")
    _refuse_default(stable, service)
    if canary_service in services_of(stable):
        # The controller keeps the split with the Service that it serves as the canary, and none with one that it serves by itself
        # (https://github.com/kubernetes/ingress-nginx/issues/9458).
        raise Refused(
            where,
            f"leads to Service {canary_service!r} by a rule of its own, and ingress-nginx splits no traffic with such a Service",
            "remove the rule, or give the canary a Service of its own",
        )


def _refuse_default(stable: Object, service: str) -> None:
    """Raises Refused for a default backend that leads to the stable Service, and whose requests would not be split.

    Beside rules the canary Ingress cannot have a default backend: the controller would find no place for it and drop the canary. It splits
    the default's requests with those of a rule that leads to the same port.
    """
    default, rules = default_of(stable), (stable.get("spec") or {}).get("rules")
    if default is None or default[0] != service or not rules or default in [upstream for _place, upstream in paths_of(stable)]:
        return
    raise Refused(
        title(stable),
        f"has a defaultBackend to Service {service!r} and no rule that leads to the same port of it, and ingress-nginx splits no default "
        "beside rules",
        "give that Service a rule with path /, or an Ingress of its own",
    )


def _number(value: Any, otherwise: int) -> int:
    try:
        return int(str(value))
    except ValueError:
        return otherwise


ROUTER = Router(
    parts,
    changes,
    weight,
    backends,
    grace=6.0,
    options=("api_version", "canary_ingress", "annotation_prefix", "allow_mirror_reload"),
    warnings=warnings,
    beside=beside,
)
