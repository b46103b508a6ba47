"""Hazards of Services: those that cannot be pinned to one version, and those that are pinned without having been named."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..._objects.resources import name_of
from ..._workloads.service_annotations import unknown
from ..._workloads.services import bystanders, is_headless, missing_port, selector_of, selector_text, selects
from ..._workloads.switches import ANNOTATION
from ..findings import Finding, fatal, warning
from .snapshot import ClusterSnapshot


def unfit(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """Neither router nor selector can tell versions apart behind these."""
    for service in snapshot.named_services:
        title, kind = snapshot.titled("Service", name_of(service)), (service.get("spec") or {}).get("type")
        if is_headless(service):
            problem = "is headless, it hands out pod addresses, which no router can split"
            yield fatal(title, problem, "name a Service with a cluster IP")
        elif kind == "ExternalName":
            yield fatal(title, "is of type ExternalName and has no pods", "name a Service with a selector")
        elif not selector_of(service):
            yield fatal(title, "has no selector, so another client maintains its endpoints", "name a Service with a selector")


def switched(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """Module bluegreen_switch remembers on it which workload is active, and what it has scaled to 0."""
    for service in snapshot.named_services:
        if ANNOTATION in (service["metadata"].get("annotations") or {}):
            problem = "is switched between workloads by bluegreen_switch, which remembers on it what it has scaled down"
            yield fatal(snapshot.titled("Service", name_of(service)), problem, "end that first (bluegreen_switch with state: absent)")


def selecting_other_pods(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """The original selector comes back at the end, and would take none."""
    for service in snapshot.named_services:
        for version, labels in (("present", snapshot.present_labels), ("new", snapshot.new_labels)):
            if selector_of(service) and not selects(selector_of(service), labels):
                yield fatal(
                    snapshot.titled("Service", name_of(service)),
                    f"(selector {selector_text(selector_of(service))}) does not select the pods of the {version} version of "
                    f"{snapshot.plan.kind} {snapshot.plan.workload}",
                    "correct its selector or the template's labels",
                )


def annotations_left(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """The Service that is made for the new version takes over the annotations that are known to say how pods are spoken to."""
    names = [name_of(each) for each in snapshot.services]
    if not snapshot.plan.canary_service or snapshot.plan.canary_service in names:
        return
    for service in (each for each in snapshot.services if name_of(each) == snapshot.plan.stable_service):
        left = unknown(service["metadata"].get("annotations"))
        if left:
            problem = f"has annotations that Service {snapshot.plan.canary_service}, which is made for the new version, does not get"
            remedy = f"make that Service yourself if it needs them ({', '.join(left)})"
            yield warning(snapshot.titled("Service", name_of(service)), problem, remedy)


def without_a_port(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """Its pods would be ready behind such a Service, and no request would come to them at that port."""
    names = {snapshot.plan.stable_service, snapshot.plan.canary_service, *snapshot.bystanders}
    for service in snapshot.services:
        if name_of(service) in names and selects(selector_of(service), snapshot.new_labels):
            finding = lacking_port(snapshot.titled("Service", name_of(service)), service, snapshot.template, snapshot.title)
            if finding is not None:
                yield finding


def lacking_port(title: str, service: Mapping[str, Any], template: Mapping[str, Any], of: str) -> Finding | None:
    """The finding where a port of the Service leads nowhere in the new version's pods. of: whose template it is."""
    lacking = missing_port(service, template)
    if lacking is None:
        return None
    problem = f"leads to {lacking.wanted} of its pods, which those of the new version of {of} do not have (they have: {lacking.there})"
    return fatal(title, problem, "give a container port of the new version that name and protocol, or correct the Service's targetPort")


def left_empty(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """A Service that takes the present pods and not the new ones has none after the promotion."""
    named = (snapshot.plan.stable_service, snapshot.plan.canary_service)
    present = bystanders(snapshot.foreign_services, snapshot.present_labels, named)
    for name in sorted(set(present) - set(snapshot.bystanders)):
        problem = f"selects the present pods of {snapshot.plan.kind} {snapshot.plan.workload} and not the new ones, and would be left empty"
        yield fatal(snapshot.titled("Service", name), problem, "correct its selector or the template's labels")


def standing_by(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """They would send requests to the new version whatever its weight."""
    there = [name_of(each) for each in snapshot.named_services]
    for name in snapshot.bystanders if snapshot.plan.stable_service in there else ():
        problem = f"selects the same pods, so it is kept on one version together with Service {snapshot.plan.stable_service}"
        remedy = "do nothing, unless it should select both versions; then change its selector"
        yield warning(snapshot.titled("Service", name), problem, remedy)
