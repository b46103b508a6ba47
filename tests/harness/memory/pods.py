"""Pods in memory: scheduled, given an address, ready after a while, and gone a while after they were told to go.

By image tag, as on the test cluster, whose README lists the tags; here the fates are a table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import defaults
from .kinds import POD, Kind, Object
from .store import Change, Store, key_of, reference_to

STARTS, READY = 0.05, 1.0  # seconds from its making to its address, and from there to readiness
LATE = 5.0
NODES = ("node-0", "node-1")


def _waiting(reason: str, message: str, count: int = 0, code: int | None = None, end: str = "Error") -> Object:
    """The status of a container that waits. code, end: how it ended the last time."""
    ended = {} if code is None else {"lastState": {"terminated": {"exitCode": code, "reason": end}}}
    return {"restartCount": count, "state": {"waiting": {"reason": reason, "message": message}}, **ended}


_BACK_OFF = "back-off 40s restarting failed container"
_RUNNING: Object = {"state": {"running": {}}}

# What becomes of a container: after how many seconds it has which status. None: it becomes ready; EVICTED: its pod has failed.
EVICTED: Object = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory. "}
_FATES: dict[str, list[tuple[float, Object | None]]] = {
    "crash-twice": [
        (0.0, {"restartCount": 0, "state": {"terminated": {"exitCode": 1, "reason": "Error"}}}),
        (1.0, _waiting("CrashLoopBackOff", _BACK_OFF, 1, 1)),
        (6.0, _waiting("CrashLoopBackOff", _BACK_OFF, 2, 1)),
        (16.0, None),
    ],
    "crash": [(0.0, _waiting("CrashLoopBackOff", _BACK_OFF, 3, 1))],
    "oom": [(0.0, _waiting("CrashLoopBackOff", _BACK_OFF, 3, 137, "OOMKilled"))],
    "missing": [(0.0, _waiting("ImagePullBackOff", "Back-off pulling image"))],
    "pull-later": [
        (0.0, _waiting("ErrImagePull", "connection reset by peer")),
        (1.0, _waiting("ImagePullBackOff", "Back-off pulling image")),
        (10.0, None),
    ],
    "config-later": [(0.0, _waiting("CreateContainerConfigError", 'configmap "shop" not found')), (10.0, None)],
    "invalid": [(0.0, _waiting("InvalidImageName", "couldn't parse image name"))],
    "unready": [(0.0, _RUNNING)],
    "gated": [(0.0, {**_RUNNING, "ready": True})],
    "evicted": [(2.0, EVICTED)],
    "late": [(READY + LATE, None)],
    "": [(READY, None)],
}


class Kubelets:
    """All nodes' kubelets, and the scheduler; no node has labels. pods_go: seconds from a pod's deletion to its end."""

    def __init__(self, store: Store, pods_go: float) -> None:
        self.store, self.pods_go = store, pods_go
        store.listeners.append(self._told)

    def _told(self, change: Change) -> None:
        if change.kind is POD and change.type == "ADDED":
            self.store.time.after(STARTS, lambda: self._start(change.after))

    def _present(self, pod: Object) -> Object | None:
        """The pod as it is, unless it is going or gone."""
        live = self.store.find(POD, *key_of(pod))
        same = live is not None and live["metadata"]["uid"] == pod["metadata"]["uid"]
        return live if same and live and not live["metadata"].get("deletionTimestamp") else None

    def _start(self, pod: Object) -> None:
        live = self._present(pod)
        if live is None:
            return
        if live["spec"].get("nodeSelector"):
            message = f"0/{len(NODES)} nodes are available: {len(NODES)} node(s) didn't match Pod's node affinity/selector."
            condition = {**_condition("PodScheduled", False), "reason": "Unschedulable", "message": message}
            self.store.set_status(POD, live, {"phase": "Pending", "conditions": [condition]})
            return
        number = int(live["metadata"]["uid"].rpartition("-")[2])
        node = live["spec"].get("nodeName") or NODES[number % len(NODES)]
        address = f"198.18.{number // 250}.{number % 250 + 1}"
        fate = _FATES[_fate_of(live)]
        first = fate[0][1] if fate[0][0] == 0.0 and fate[0][1] is not None else {"state": {"waiting": {"reason": "ContainerCreating"}}}
        status = {
            "phase": "Running" if "running" in first["state"] else "Pending",
            "startTime": self.store.time.stamp(),
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [_condition("PodScheduled", True), *_readiness(live, bool(first.get("ready")), False)],
            "containerStatuses": [{"name": each["name"], "ready": False, **first} for each in live["spec"]["containers"]],
        }
        live = self.store.change(POD, live, {**live, "spec": {**live["spec"], "nodeName": node}, "status": status})
        for seconds, then in fate:
            if seconds:
                self.store.time.after(seconds, self._next(live, then))

    def _next(self, pod: Object, then: Object | None) -> Callable[[], None]:
        def act() -> None:
            live = self._present(pod)
            if live is None or live["status"]["phase"] == "Failed":
                return
            if then is None:
                self._ready(live)
            elif then is EVICTED:
                self.store.set_status(POD, live, {**live["status"], **EVICTED, "conditions": [_condition("Ready", False)]})
            else:
                containers = [{"name": each["name"], "ready": False, **then} for each in live["spec"]["containers"]]
                self.store.set_status(POD, live, {**live["status"], "containerStatuses": containers})

        return act

    def _ready(self, live: Object) -> None:
        count = max((each.get("restartCount", 0) for each in live["status"]["containerStatuses"]), default=0)
        more = {"restartCount": count} if count else {}
        containers = [{"name": each["name"], "ready": True, **_RUNNING, **more} for each in live["spec"]["containers"]]
        conditions = [_condition("PodScheduled", True), *_readiness(live, True, True)]
        self.store.set_status(POD, live, {**live["status"], "phase": "Running", "conditions": conditions, "containerStatuses": containers})

    def delete(self, pod: Object) -> None:
        """A pod that was told to go takes no requests from now on, and is gone a while later."""
        live = self._present(pod)
        if live is None:
            return
        if not live["spec"].get("nodeName"):
            self.store.remove(POD, live)
            return
        metadata = {**live["metadata"], "deletionTimestamp": self.store.time.stamp(), "deletionGracePeriodSeconds": 30}
        going = self.store.change(POD, live, {**live, "metadata": metadata})
        self.store.time.after(self.pods_go, lambda: self.store.remove(POD, self.store.find(POD, *key_of(going)) or going))


def _fate_of(pod: Object) -> str:
    """The longest name in the table with which the first container's tag begins."""
    tag = str(pod["spec"]["containers"][0].get("image", "")).rpartition(":")[2]
    return max((name for name in _FATES if tag == name or tag.startswith(f"{name}-") or not name), key=len)


def _readiness(pod: Object, containers: bool, ready: bool) -> list[Object]:
    """The pod's conditions of readiness. Where just its containers are ready, nothing has set its readiness gates."""
    gates = [_condition(each["conditionType"], True) for each in pod["spec"].get("readinessGates") or [] if ready]
    why = {"reason": "ReadinessGatesNotReady"} if containers and not ready else {}
    return [_condition("ContainersReady", containers), *gates, {**_condition("Ready", ready), **why}]


def _condition(kind: str, holds: bool) -> Object:
    return {"type": kind, "status": "True" if holds else "False"}


def made_by(store: Store, kind: Kind, owner: Object, name: str, labels: dict[str, str], **spec: Any) -> Object:
    """Makes a pod from its owner's template, with more labels and more in its spec."""
    template = owner["spec"]["template"]
    metadata = template.get("metadata") or {}
    pod = {
        "metadata": {
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "labels": {**(metadata.get("labels") or {}), **labels},
            "ownerReferences": [reference_to(kind, owner)],
        },
        "spec": {**template["spec"], **spec},
        "status": {"phase": "Pending", "conditions": [_condition("PodScheduled", False)]},
    }
    if metadata.get("annotations"):
        pod["metadata"]["annotations"] = metadata["annotations"]
    defaults.pod_spec(pod["spec"])
    return store.add(POD, pod)


def is_ready(pod: Object) -> bool:
    """As its readiness says, going or not."""
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod.get("status", {}).get("conditions") or [])


def has_failed(pod: Object) -> bool:
    """As after an eviction: it stays, and its controller makes another one."""
    return bool(pod.get("status", {}).get("phase") == "Failed")


def is_going(pod: Object) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))
