"""Which destination of a route is which version: hosts as Istio reads them, and subsets."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..._objects.paths import Step
from ..target import Target

Object = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """One of the two between which the traffic is split: a Service, with subsets a subset of it."""

    service: str
    subset: str = ""

    def __str__(self) -> str:
        return f"Service {self.service!r}" + (f" with subset {self.subset!r}" if self.subset else "")


def versions(target: Target) -> tuple[Version, Version]:
    """The stable and the canary version. Subsets are those of one host, whatever the canary's Service is called."""
    if target.stable_subset:
        return Version(target.stable_service, target.stable_subset), Version(target.stable_service, target.canary_subset)
    return Version(target.stable_service), Version(target.canary_service)


def resolved(host: str, target: Target) -> str:
    """A host of an object as Istio reads it: one without dots is a Service of the object's own namespace, all others are full names."""
    return host.rstrip(".") if "." in host else f"{host}.{target.namespace}.svc.{target.cluster_domain}"


def full(service: str, target: Target) -> str:
    """The full name of a Service that is given as `name`, `name.namespace` or in full."""
    parts = service.rstrip(".").split(".")
    suffix = ["svc", *target.cluster_domain.split(".")]
    if len(parts) == 1:
        parts.append(target.namespace)
    if len(parts) == 2:
        parts += suffix
    if len(parts) == 3 and parts[2] == "svc":
        parts += suffix[1:]
    return ".".join(parts)


def is_service(host: Any, service: str, target: Target) -> bool:
    """Whether a host of an object is this Service; what stands there to the letter is, too (hosts outside of the cluster)."""
    return isinstance(host, str) and (resolved(host, target) == full(service, target) or host == service)


def host_of(destination: Object) -> Any:
    """The host of an entry of a route."""
    return (destination.get("destination") or {}).get("host")


def is_version(destination: Object, version: Version, target: Target) -> bool:
    """Whether an entry of a route leads to this version. Without subsets in the split, the Service counts, whatever its subset."""
    subset = (destination.get("destination") or {}).get("subset")
    return is_service(host_of(destination), version.service, target) and version.subset in ("", subset)


def find(route: Sequence[Object], version: Version, target: Target) -> Object | None:
    """The first entry of a route that leads to this version."""
    return next((each for each in route if is_version(each, version, target)), None)


def subsets_in(virtual_service: Object, service: str, target: Target) -> set[str]:
    """The subsets of a Service that stand anywhere in a VirtualService: in routes, whatever their weight, and in mirrors."""
    return set(_subsets_below(virtual_service.get("spec"), service, target))


def _subsets_below(part: Any, service: str, target: Target) -> Iterator[str]:
    if isinstance(part, dict):
        if part.get("subset") and is_service(part.get("host"), service, target):
            yield str(part["subset"])
        for each in part.values():
            yield from _subsets_below(each, service, target)
    elif isinstance(part, list):
        for each in part:
            yield from _subsets_below(each, service, target)


def show(destination: Object) -> str:
    """An entry of a route, for people."""
    subset = (destination.get("destination") or {}).get("subset")
    return f"{host_of(destination)}" + (f" with subset {subset}" if subset else "")


def select(destination: Object, version: Version) -> Step:
    """What selects the entry in its route, wherever others are put."""
    step = {"destination.host": host_of(destination)}
    return {**step, "destination.subset": version.subset} if version.subset else step


def to_canary(stable: Object, target: Target) -> Object:
    """The entry for the canary: the stable one (port, header operations and all) with the canary's host or subset, without a weight."""
    added = copy.deepcopy(stable)
    added.pop("weight", None)
    destination = added["destination"]
    if target.canary_subset:
        destination["subset"] = target.canary_subset
        return added
    # As short as the stable host, if it can be: Istio resolves no half names.
    short = "." not in destination["host"] + target.canary_service
    destination["host"] = target.canary_service if short else full(target.canary_service, target)
    # Subsets are those of a DestinationRule for one host; one that the canary's host does not have gives a 503 for every request.
    destination.pop("subset", None)
    return added
