"""Hazards of a new version whose pods have other labels: what knows the present pods by their labels loses them at the promotion."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Callable

from ..._objects.resources import POD_DISRUPTION_BUDGET, Resource, labels, name_of, versioned
from ..._routing.istio import reach
from ..._routing.target import Target
from ..._workloads.label_selectors import matches
from ..findings import Finding, fatal, warning
from .snapshot import DESTINATION_RULE, ClusterSnapshot, Object

VIRTUAL_SERVICE = versioned("VirtualService")


def _at(*keys: str) -> Callable[[Object], Object | None]:
    """Reads a label selector in an object's spec; one that is not there takes no pods by their labels."""

    def selector(spec: Object) -> Object | None:
        found: Any = spec
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        return dict(found) if isinstance(found, Mapping) else None

    return selector


def _by_labels(spec: Object) -> Object | None:
    """Istio's older kinds have plain labels."""
    found = (spec.get("workloadSelector") or {}).get("labels")
    return {"matchLabels": dict(found)} if found else None


@dataclass(frozen=True)
class _Selecting:
    """A kind that selects pods by labels. ends, begins: what is different for pods that it does not take any more, or takes from now on."""

    resource: Resource
    selector: Callable[[Object], Object | None]
    ends: str
    begins: str = ""


_REQUESTS = "may refuse requests to them"
_POLICIES: tuple[_Selecting, ...] = (
    _Selecting(POD_DISRUPTION_BUDGET, _at("selector"), "does not protect them from evictions"),
    _Selecting(
        Resource("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
        _at("podSelector"),
        "does not restrict their connections",
        "may keep connections from them and to them",
    ),
    _Selecting(Resource("monitoring.coreos.com", "v1", "PodMonitor", "podmonitors"), _at("selector"), "does not measure them"),
    _Selecting(
        Resource("security.istio.io", "v1beta1", "AuthorizationPolicy", "authorizationpolicies"),
        _at("selector"),
        "does not decide about their requests",
        _REQUESTS,
    ),
    _Selecting(
        Resource("security.istio.io", "v1beta1", "RequestAuthentication", "requestauthentications"),
        _at("selector"),
        "does not check the tokens of their requests",
        _REQUESTS,
    ),
    _Selecting(
        Resource("security.istio.io", "v1beta1", "PeerAuthentication", "peerauthentications"),
        _at("selector"),
        "does not say whether they take mutual TLS",
        _REQUESTS,
    ),
    _Selecting(Resource("networking.istio.io", "v1beta1", "Sidecar", "sidecars"), _by_labels, "does not configure their proxies"),
    _Selecting(Resource("networking.istio.io", "v1alpha3", "EnvoyFilter", "envoyfilters"), _by_labels, "does not configure their proxies"),
    _Selecting(Resource("telemetry.istio.io", "v1alpha1", "Telemetry", "telemetries"), _at("selector"), "does not measure them"),
)
# What is looked at where the labels change, beside what every start looks at.
RESOURCES: tuple[Resource, ...] = (
    *(each.resource for each in _POLICIES if each.resource != POD_DISRUPTION_BUDGET),
    DESTINATION_RULE,
    VIRTUAL_SERVICE,
)


def change(deployment: Object, template: Mapping[str, Any]) -> bool:
    """Whether the new version's pods have other labels than those of the workload's template."""
    return labels(deployment["spec"]["template"]) != labels(template)


def subsets_without_pods(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """Requests to such a subset get 503 as soon as the routers are back, or the Services lead to the new version."""
    if not change(snapshot.deployment, snapshot.template):
        return
    rules, found = snapshot.all(DESTINATION_RULE), _virtual_services(snapshot)
    target = Target("istio", "", snapshot.plan.namespace, snapshot.plan.stable_service, snapshot.plan.canary_service)
    domain = next((each.cluster_domain for each in snapshot.plan.routers), target.cluster_domain)
    target = Target(**{**vars(target), "cluster_domain": domain})
    pods, canary = [snapshot.new_labels], snapshot.plan.canary_service
    missed = [
        each
        for name in (snapshot.plan.stable_service, *snapshot.bystanders)
        for each in reach.missed(rules, found, target, name, pods, before=snapshot.present_labels)
    ]
    missed += reach.missed(rules, found, target, canary, pods, at_rest=True) if canary else []
    for each in missed:
        problem = f"{each}, which has none of the new version's pods ({_shown(snapshot.new_labels)}), so that its requests would get 503"
        remedy = "take the subset out of the route, give it labels that both versions have, or keep its labels in the new template"
        yield fatal(each.route, problem, remedy)


def _virtual_services(snapshot: ClusterSnapshot) -> list[Object]:
    """Those that are there, and those that the plan declares."""
    routers = [obj for _target, objects in snapshot.routers for obj in objects.values() if obj and obj.get("kind") == VIRTUAL_SERVICE.kind]
    return list({name_of(each): each for each in (*routers, *snapshot.all(VIRTUAL_SERVICE))}.values())


def policies(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """Protection and measuring end for pods that the selector does not take, and begin for those that it takes from now on."""
    if not change(snapshot.deployment, snapshot.template):
        return
    for kind in _POLICIES:
        for obj in snapshot.all(kind.resource):
            selector = kind.selector(obj.get("spec") or {})
            before, after = matches(selector, snapshot.present_labels), matches(selector, snapshot.new_labels)
            title = snapshot.titled(kind.resource.kind, name_of(obj))
            if before and not after:
                problem = f"selects the present pods of {snapshot.plan.kind} {snapshot.plan.workload} and not the new ones: it {kind.ends}"
                yield warning(title, problem, "let its selector match both versions, or keep the labels in the new template")
            elif after and not before and kind.begins:
                problem = (
                    f"selects the new pods of {snapshot.plan.kind} {snapshot.plan.workload} and not the present ones: it {kind.begins}"
                )
                yield warning(title, problem, "make sure that it suits the new version, or correct its selector")


def peers(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """Other pods' policies that let the present pods in, and not the new ones."""
    if not change(snapshot.deployment, snapshot.template):
        return
    for obj in snapshot.all(_POLICIES[1].resource):
        spec = obj.get("spec") or {}
        rules = [*(spec.get("ingress") or []), *(spec.get("egress") or [])]
        known = [peer for rule in rules for key in ("from", "to") for peer in rule.get(key) or [] if not peer.get("namespaceSelector")]
        if any(_only_before(peer.get("podSelector"), snapshot) for peer in known):
            problem = f"lets the present pods of {snapshot.plan.kind} {snapshot.plan.workload} connect and not the new ones"
            remedy = "let its podSelector match both versions, or keep the labels in the new template"
            yield warning(snapshot.titled("NetworkPolicy", name_of(obj)), problem, remedy)


def spread(snapshot: ClusterSnapshot) -> Iterator[Finding]:
    """A new version whose anti-affinity or spread names labels that its pods no longer have."""
    if not change(snapshot.deployment, snapshot.template):
        return
    spec = snapshot.template.get("spec") or {}
    terms = [("topologySpreadConstraints", each) for each in spec.get("topologySpreadConstraints") or []]
    apart = (spec.get("affinity") or {}).get("podAntiAffinity") or {}
    terms += [("podAntiAffinity", each) for each in apart.get("requiredDuringSchedulingIgnoredDuringExecution") or []]
    preferred = apart.get("preferredDuringSchedulingIgnoredDuringExecution") or []
    terms += [("podAntiAffinity", each.get("podAffinityTerm") or {}) for each in preferred]
    for name in sorted({name for name, each in terms if _only_before(each.get("labelSelector"), snapshot)}):
        problem = f"has {name} in its new template that select the present pods and not the new ones, so that these are not spread"
        yield warning(snapshot.title, problem, "let the labelSelector there match the new labels")


def _only_before(selector: Object | None, snapshot: ClusterSnapshot) -> bool:
    return matches(selector, snapshot.present_labels) and not matches(selector, snapshot.new_labels)


def _shown(of_pods: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(of_pods.items()))
