"""EndpointSlices in memory: follow Services and pods, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .controller import Controller, Key
from .kinds import ENDPOINT_SLICE, POD, SERVICE, Object
from .pods import is_going, is_ready
from .store import Change, labels_of, reference_to

SERVICE_NAME = "kubernetes.io/service-name"


class EndpointSlices(Controller):
    """One slice for each set of ports that the pods of a Service resolve its ports to. The delay is that of the hostile test cluster."""

    kind = SERVICE
    delay = 1.0

    def concerned(self, change: Change) -> Iterable[Key]:
        if change.kind is SERVICE:
            return [change.key]
        if change.kind is not POD:
            return []
        states = [each for each in (change.before, change.after) if each is not None]
        services = self.store.all(SERVICE, change.key[0])
        return [
            (change.key[0], service["metadata"]["name"])
            for service in services
            if any(_selects(service["spec"].get("selector"), labels_of(pod)) for pod in states)
        ]

    def look(self, key: Key) -> None:
        service = self.store.find(SERVICE, *key)
        present = [each for each in self.store.all(ENDPOINT_SLICE, key[0]) if labels_of(each).get(SERVICE_NAME) == key[1]]
        if service is None:
            for each in present:
                self.store.remove(ENDPOINT_SLICE, each)
            return
        if not service["spec"].get("selector"):
            return
        wanted = list(self._slices(service).values())
        for index, (ports, endpoints) in enumerate(wanted):
            if index < len(present):
                self.store.change(ENDPOINT_SLICE, present[index], {**present[index], "ports": ports, "endpoints": endpoints})
            else:
                self._add(service, ports, endpoints)
        for each in present[len(wanted) :]:
            self.store.remove(ENDPOINT_SLICE, each)

    def _add(self, service: Object, ports: list[Object], endpoints: list[Object]) -> None:
        name = service["metadata"]["name"]
        metadata = {
            "name": f"{name}-{next(self.store.numbers):05d}",
            "namespace": service["metadata"]["namespace"],
            "labels": {
                **labels_of(service),
                SERVICE_NAME: name,
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            },
            "ownerReferences": [reference_to(SERVICE, service)],
        }
        self.store.add(ENDPOINT_SLICE, {"metadata": metadata, "addressType": "IPv4", "ports": ports, "endpoints": endpoints})

    def _slices(self, service: Object) -> dict[str, tuple[list[Object], list[Object]]]:
        """By their ports; a single empty one where there are no pods."""
        found: dict[str, tuple[list[Object], list[Object]]] = {}
        for pod in self.store.all(POD, service["metadata"]["namespace"]):
            if _selects(service["spec"]["selector"], labels_of(pod)) and pod.get("status", {}).get("podIP"):
                ports = _ports(service, pod)
                found.setdefault(str(ports), (ports, []))[1].append(_endpoint(service, pod))
        return found or {"": ([], [])}


def _selects(selector: dict[str, str] | None, labels: dict[str, str]) -> bool:
    return bool(selector) and all(labels.get(key) == value for key, value in (selector or {}).items())


def _ports(service: Object, pod: Object) -> list[Object]:
    """Those of the Service that the pod has."""
    named = {port.get("name"): port["containerPort"] for each in pod["spec"]["containers"] for port in each.get("ports") or []}
    found = []
    for port in service["spec"].get("ports") or []:
        number: Any = port["targetPort"] if isinstance(port["targetPort"], int) else named.get(port["targetPort"])
        if number is not None:
            found.append({"name": port.get("name") or "", "port": number, "protocol": port["protocol"]})
    return found


def _endpoint(service: Object, pod: Object) -> Object:
    serving, going = is_ready(pod), is_going(pod)
    always = bool(service["spec"].get("publishNotReadyAddresses"))
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": always or (serving and not going), "serving": serving, "terminating": going},
        "nodeName": pod["spec"].get("nodeName"),
        "targetRef": {"kind": "Pod", **{key: pod["metadata"][key] for key in ("name", "namespace", "uid")}},
    }
