"""Which routes lead to a Service by a subset that has none of a version's pods: their requests get 503."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..router import title
from ..target import Target
from . import hosts, routes

Object = dict[str, Any]
Labels = Mapping[str, str]


@dataclass(frozen=True)
class Missed:
    """A subset without pods.

    Attributes:
        route: The VirtualService that leads to it, as messages name it.
        service: The Service.
        subset: The subset.
        labels: The labels of its pods.
        rule: The DestinationRule that defines it, as messages name it.
    """

    route: str
    service: str
    subset: str
    labels: str
    rule: str

    def __str__(self) -> str:
        return f"leads to Service {self.service} by subset {self.subset} ({self.labels}, in {self.rule})"


def defined(rules: Sequence[Object], service: str, target: Target) -> Iterator[tuple[str, str, Labels]]:
    """The subsets of a Service: their names, the title of the rule that defines each, and the labels that their pods have."""
    for rule in rules:
        spec = rule.get("spec") or {}
        if hosts.is_service(spec.get("host"), service, target):
            for subset in spec.get("subsets") or []:
                yield str(subset.get("name")), title(rule), dict(subset.get("labels") or {})


def missed(
    rules: Sequence[Object],
    virtual_services: Sequence[Object],
    target: Target,
    service: str,
    pods: Sequence[Labels],
    before: Labels | None = None,
    at_rest: bool = False,
) -> list[Missed]:
    """The subsets of the Service to which routes lead and which have none of the pods.

    Args:
        rules: DestinationRules.
        virtual_services: VirtualServices.
        target: For the namespace and the cluster's domain.
        service: The Service's name.
        pods: The labels of each pod that will stand behind the Service.
        before: The labels of the pods that stand there now; with them, only a subset that has these counts.
        at_rest: Destinations with weight 0 count too.
    """
    found = []
    for name, rule, labels in defined(rules, service, target):
        lost = not any(labels.items() <= each.items() for each in pods) and (before is None or labels.items() <= before.items())
        for route in virtual_services if lost else ():
            if name in _reached(route, service, target, at_rest):
                shown = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
                found.append(Missed(title(route), service, name, shown, rule))
    return found


def _reached(virtual_service: Object, service: str, target: Target, at_rest: bool) -> set[str]:
    """The subsets of the Service that get requests. at_rest: those with weight 0 too."""
    found = set()
    for kind in (routes.HTTP, routes.TLS, routes.TCP):
        for entry in routes.entries(virtual_service, kind):
            destinations = entry.get("route") or []
            for each in destinations:
                subset = (each.get("destination") or {}).get("subset")
                counts = at_rest or len(destinations) == 1 or each.get("weight")
                if subset and counts and hosts.is_service(hosts.host_of(each), service, target):
                    found.add(str(subset))
    return found
