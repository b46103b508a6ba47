"""Services and the pods behind them: selectors, bystanders, the canary Service, ready endpoints."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .label_selectors import match_labels
from .marks import marks, own_labels
from .service_annotations import copied

Selector = dict[str, str]


def selects(selector: Mapping[str, str] | None, pod_labels: Mapping[str, str]) -> bool:
    """Whether a Service with this selector takes pods with these labels; one without selector takes none."""
    return bool(selector) and all(pod_labels.get(key) == value for key, value in (selector or {}).items())


def selector_of(service: Mapping[str, Any]) -> Selector:
    """A Service's selector, empty where it has none."""
    return dict((service.get("spec") or {}).get("selector") or {})


def selector_text(selector: Mapping[str, str]) -> str:
    """The selector as a label selector of the API."""
    return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))


def is_headless(service: Mapping[str, Any]) -> bool:
    """Headless Services hand out pod addresses: nothing may be pinned behind the back of who holds them."""
    return (service.get("spec") or {}).get("clusterIP") == "None"


def _stands_before_pods(service: Mapping[str, Any]) -> bool:
    """Whether pods are put behind the Service by its selector; one of type ExternalName has only a name, whatever its selector says."""
    return not is_headless(service) and (service.get("spec") or {}).get("type") != "ExternalName"


def bystanders(services: Sequence[Mapping[str, Any]], pod_labels: Mapping[str, str], not_these: Sequence[str]) -> list[str]:
    """The names of all other Services that would take the new pods as soon as these are there."""
    return sorted(
        str(each["metadata"]["name"])
        for each in services
        if each["metadata"]["name"] not in not_these and _stands_before_pods(each) and selects(selector_of(each), pod_labels)
    )


_PORT_FIELDS = ("name", "port", "targetPort", "protocol", "appProtocol")
_COPIED = ("sessionAffinity", "sessionAffinityConfig", "ipFamilies", "ipFamilyPolicy", "publishNotReadyAddresses", "internalTrafficPolicy")


def canary_service(stable: Mapping[str, Any], name: str, selector: Selector, rollout: str) -> dict[str, Any]:
    """A ClusterIP Service like the stable one for other pods.

    It has the labels, since ServiceMonitors select by them, and the annotations that say how pods are spoken to.
    """
    spec = stable["spec"]
    annotations = copied(stable["metadata"].get("annotations"))
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": stable["metadata"]["namespace"],
            "labels": {**own_labels(stable["metadata"].get("labels") or {}), **marks(rollout)},
            **({"annotations": annotations} if annotations else {}),
        },
        "spec": {
            "type": "ClusterIP",
            "selector": selector,
            "ports": [{key: port[key] for key in _PORT_FIELDS if key in port} for port in spec.get("ports") or []],
            **{key: copy.deepcopy(spec[key]) for key in _COPIED if key in spec},
        },
    }


def stable_service(workload: Mapping[str, Any], name: str, ports: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns a Service for all pods of a workload, without labels of this collection: it is the user's.

    Args:
        workload: The workload.
        name: The name of the Service.
        ports: Its ports; without any, those of the containers.
    """
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": workload["metadata"]["namespace"]},
        "spec": {
            "selector": match_labels(workload),
            "ports": [dict(port) for port in ports] or _container_ports(workload["spec"]["template"]),
        },
    }


def _container_ports(template: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Named ports are led to by name, so that a version that calls one otherwise shows before it has traffic."""
    found = [port for container in template["spec"].get("containers") or [] for port in container.get("ports") or []]
    return [_service_port(port, alone=len(found) == 1) for port in found]


def _service_port(port: Mapping[str, Any], alone: bool) -> dict[str, Any]:
    number = port["containerPort"]
    # Where there are several, each needs a name.
    name = port.get("name") or ("" if alone else f"port-{number}")
    kept = {key: port[key] for key in ("protocol",) if key in port}
    return {**({"name": name} if name else {}), "port": number, "targetPort": port.get("name") or number, **kept}


@dataclass(frozen=True)
class MissingPort:
    """A port of a Service that pods do not have, and those with a name that they have, in words."""

    wanted: str
    there: str


def missing_port(service: Mapping[str, Any], template: Mapping[str, Any]) -> MissingPort | None:
    """The first port of the Service that leads nowhere in pods of the template, None where all lead somewhere.

    A targetPort that is a name is looked up among the ports of the containers, and of init containers that stay (sidecars), by name and
    protocol. Source: FindPort of the EndpointSlice controller.
    """
    spec = template.get("spec") or {}
    sidecars = [each for each in spec.get("initContainers") or [] if each.get("restartPolicy") == "Always"]
    found = [port for each in [*(spec.get("containers") or []), *sidecars] for port in each.get("ports") or [] if port.get("name")]
    there = [(str(port["name"]), _protocol(port)) for port in found]
    for port in (service.get("spec") or {}).get("ports") or []:
        name = port.get("targetPort")
        if isinstance(name, str) and (name, _protocol(port)) not in there:
            listed = ", ".join(f"{each}{_unless_tcp(protocol)}" for each, protocol in there)
            return MissingPort(f"the port {name!r}{_unless_tcp(_protocol(port))}", listed or "none with a name")
    return None


def _unless_tcp(protocol: str) -> str:
    return "" if protocol == "TCP" else f" ({protocol})"


def _protocol(port: Mapping[str, Any]) -> str:
    return str(port.get("protocol") or "TCP")


@dataclass(frozen=True)
class Endpoints:
    """The pods (uids) behind a Service: those that can take requests, and all."""

    ready: frozenset[str]
    total: frozenset[str]

    @property
    def counts(self) -> dict[str, int]:
        """How many, as modules return it."""
        return {"ready": len(self.ready), "total": len(self.total)}


def endpoints_of(service: str, slices: Sequence[Mapping[str, Any]], ports: Sequence[Mapping[str, Any]] | None = None) -> Endpoints:
    """Reads the EndpointSlices of one Service.

    A pod counts as ready when it serves, is not terminating, and all ports of the Service lead to it: a named port that a new version names
    differently gives ready endpoints without that port, and every request gets a 503. `serving` is the pod's own readiness; `ready` is also
    true for unready pods of a Service with publishNotReadyAddresses.

    Args:
        service: The name of the Service.
        slices: EndpointSlices, of this Service and others.
        ports: The Service's ports (a headless one may have none); with None any port will do, but there must be one.
    """
    wanted = {port.get("name") or "" for port in ports or []}
    ready_ports: dict[str, set[str]] = {}
    total = set()
    for each in slices:
        if (each["metadata"].get("labels") or {}).get("kubernetes.io/service-name") != service:
            continue
        names = {port.get("name") or "" for port in each.get("ports") or []}
        for endpoint in each.get("endpoints") or []:
            # Dual-stack Services list a pod once per address family; endpoints without a pod are known by their address.
            uid = (endpoint.get("targetRef") or {}).get("uid") or ",".join(endpoint.get("addresses") or [])
            total.add(uid)
            if _takes_requests(endpoint.get("conditions") or {}):
                ready_ports.setdefault(uid, set()).update(names)
    ready = frozenset(uid for uid, names in ready_ports.items() if (names if ports is None else wanted <= names))
    return Endpoints(ready, frozenset(total))


def ports_lacking(
    service: str, slices: Sequence[Mapping[str, Any]], ports: Sequence[Mapping[str, Any]], pods: Collection[str]
) -> list[str]:
    """The ports of a Service, as `'http' (targetPort 'web')`, that do not lead to all of these pods (uids) that stand behind it."""
    behind = endpoints_of(service, slices, []).ready & frozenset(pods)
    return [
        f"{port.get('name') or port.get('port')!r} (targetPort {port.get('targetPort', port.get('port'))!r})"
        for port in ports
        if behind - endpoints_of(service, slices, [port]).ready
    ]


def _takes_requests(conditions: Mapping[str, Any]) -> bool:
    serving = conditions.get("serving")
    if serving is None:
        serving = conditions.get("ready", True) is not False
    return bool(serving) and not conditions.get("terminating")
