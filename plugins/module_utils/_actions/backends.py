"""Refuses to send traffic to Services that cannot take it: without ready pods, or without the ports that the routes use."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Callable

from .._cluster.errors import ApiError
from .._objects.refusal import Refused
from .._objects.resources import ENDPOINT_SLICE, POD, SERVICE, Ref, labels, versioned
from .._routing.istio import reach
from .._routing.router import Backend
from .._routing.target import Target
from .._workloads.services import endpoints_of, selector_text, selects
from .context import Context

Object = dict[str, Any]


def require_ready(ctx: Context, backends: Sequence[Backend], new: Sequence[Backend] = ()) -> None:
    """Raises Refused unless all have ready pods, and the new ones, which had no traffic before, the ports that they are asked for.

    Requests: the EndpointSlices of all in one list for each namespace, the pods too where labels are asked for, the DestinationRules where
    subsets are, and new Services.
    """
    backends, new = _with_labels(ctx, backends), _with_labels(ctx, new)
    for namespace in sorted({backend.namespace for backend in backends}):
        here = [backend for backend in backends if backend.namespace == namespace]
        names = ",".join(sorted({backend.service for backend in here}))
        slices, _version = ctx.client.list(ENDPOINT_SLICE, namespace, f"kubernetes.io/service-name in ({names})")
        pods = _labelled(ctx, namespace, [dict(backend.labels) for backend in here if backend.labels])
        for backend in here:
            ports = _ports(ctx, backend) if backend in new else None
            ready = set(endpoints_of(backend.service, slices, ports).ready)
            if backend.labels:  # A subset without labels has all pods.
                ready &= {uid for uid, pod in pods.items() if selects(dict(backend.labels), labels(pod))}
            if not ready:
                ctx.client.get(Ref(SERVICE, namespace, backend.service))  # Says so when there is no such Service.
                raise Refused(_not_ready(backend, ports))


def _with_labels(ctx: Context, backends: Sequence[Backend]) -> list[Backend]:
    """The backends, those that are subsets with the labels of these; as they are where no rule that may be read defines the subset."""
    found: list[Backend] = []
    for backend in backends:
        labels_of = {labels for name, labels in _subsets(ctx, backend) if name == backend.subset} if backend.subset else set()
        found.extend([replace(backend, labels=labels) for labels in sorted(labels_of)] or [backend])
    return found


def _subsets(ctx: Context, backend: Backend) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """Each subset of the backend's Service, with its labels."""
    rules = _list(ctx, "DestinationRule", backend.namespace)
    target = Target("istio", "", backend.namespace, backend.service, backend.service)
    return [(name, tuple(sorted(each.items()))) for name, _title, each in reach.defined(rules, backend.service, target)]


def require_subsets(ctx: Context, services: Sequence[str], pods: Callable[[], Sequence[Mapping[str, str]]]) -> None:
    """Raises Refused where a route leads to one of the Services by a subset that has none of the pods which shall stand behind it.

    Args:
        ctx: Of this call.
        services: Their names.
        pods: Returns the labels of each of these pods; called only where there is a DestinationRule.

    Requests: a list of DestinationRules, and one of VirtualServices where a rule is there. Those that may not be listed are left out.
    """
    rules = _list(ctx, "DestinationRule", ctx.namespace)
    if not rules:
        return
    routes, labelled = _list(ctx, "VirtualService", ctx.namespace), pods()
    for service in services:
        for each in reach.missed(rules, routes, Target("istio", "", ctx.namespace, service, service), service, labelled):
            raise Refused(
                f"{each.route} {each}, which has none of the pods that Service {ctx.namespace}/{service} would lead to, so that its "
                "requests would get 503: take the subset out of the route, or give it labels that both versions have"
            )


def _list(ctx: Context, kind: str, namespace: str) -> list[Object]:
    """Those of Istio's objects that may be read; none where Istio is not there."""
    try:
        return ctx.client.list(versioned(kind), namespace)[0]
    except ApiError as problem:
        if problem.status not in (403, 404):
            raise
        return []


def require_ports(ctx: Context, wanted: Sequence[Backend]) -> None:
    """Raises Refused unless their Services have the ports that they are asked for, whoever stands behind them."""
    for backend in wanted:
        _ports(ctx, backend)


def _ports(ctx: Context, backend: Backend) -> list[Object] | None:
    """The ports of a Service that are asked for, None where none are. Raises Refused where the Service lacks one."""
    if not backend.ports:
        return None
    service = ctx.client.get(Ref(SERVICE, backend.namespace, backend.service))
    ports = (service.get("spec") or {}).get("ports") or []
    found = []
    for wanted in backend.ports:
        same = [port for port in ports if wanted in (port["port"], port.get("name"))]
        if not same:
            there = ", ".join(f"{port['name']} {port['port']}" if port.get("name") else str(port["port"]) for port in ports)
            problem = f"has no port {wanted}, at which the router sends requests to the stable one (it has: {there or 'none'})"
            raise Refused(f"Service {backend.namespace}/{backend.service}", problem, "give it the ports of the stable Service")
        found += same
    return found


def _labelled(ctx: Context, namespace: str, asked: Sequence[dict[str, str]]) -> dict[str, Object]:
    """The pods that have any of the sets of labels, and perhaps more, by uid; EndpointSlices do not know labels."""
    if not asked:
        return {}
    keys = sorted(set.intersection(*map(set, asked)))
    common = ",".join(f"{key} in ({','.join(sorted({each[key] for each in asked}))})" for key in keys)
    # Without a label that all of them ask for, one list request would be for all pods of the namespace.
    selectors = [common] if common else sorted(set(map(selector_text, asked)))
    pods = [pod for selector in selectors for pod in ctx.client.list(POD, namespace, selector)[0]]
    return {str(pod["metadata"]["uid"]): pod for pod in pods}


def _not_ready(backend: Backend, ports: list[Object] | None) -> str:
    where, service = f"-n {backend.namespace}", f"Service {backend.namespace}/{backend.service}"
    if ports:
        service += f" (with port {', '.join(str(port['port']) for port in ports)})"
    if not backend.labels:
        find = f"kubectl get endpointslices {where} -l kubernetes.io/service-name={backend.service}"
        return f"{service} has no ready endpoints and would get {backend.share}: make its pods ready ({find})"
    service += f", subset {backend.subset}," if backend.subset else ""
    selector = selector_text(dict(backend.labels))
    find = f"kubectl get pods {where} -l {selector}"
    return f"{service} has no ready endpoints with the labels {selector}, which would get {backend.share}: make such pods ready ({find})"
