"""Pods in memory: scheduled, given an address, ready after a while, and gone a while after they were told to go.

By image tag, as on the test cluster: crash-* and missing-* never start, unready-* never becomes ready, late-* takes 5 s longer.
"""

from __future__ import annotations

from typing import Any

from . import defaults
from .kinds import POD, Kind, Object
from .store import Change, Store, key_of, reference_to

STARTS, READY = 0.05, 1.0  # seconds from its making to its address, and from there to readiness
LATE = 5.0
NODES = ("node-0", "node-1")

_NEVER = {
    "crash": ("CrashLoopBackOff", "back-off 40s restarting failed container"),
    "missing": ("ImagePullBackOff", "Back-off pulling image"),
}


class Kubelets:
    """All nodes' kubelets, and the scheduler. pods_go: seconds from a pod's deletion to its end."""

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
        number = int(live["metadata"]["uid"].rpartition("-")[2])
        node = live["spec"].get("nodeName") or NODES[number % len(NODES)]
        tag = _tag(live)
        reason = _NEVER.get(tag)
        address = f"198.18.{number // 250}.{number % 250 + 1}"
        state: Object = {"waiting": {"reason": reason[0], "message": reason[1]}} if reason else {"waiting": {"reason": "ContainerCreating"}}
        status = {
            "phase": "Pending",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "conditions": [_condition("PodScheduled", True), _condition("Ready", False)],
            "containerStatuses": [{"name": each["name"], "ready": False, "state": state} for each in live["spec"]["containers"]],
        }
        live = self.store.change(POD, live, {**live, "spec": {**live["spec"], "nodeName": node}, "status": status})
        if reason is None and tag != "unready":
            self.store.time.after(READY + (LATE if tag == "late" else 0.0), lambda: self._ready(live))

    def _ready(self, pod: Object) -> None:
        live = self._present(pod)
        if live is not None:
            containers = [{"name": each["name"], "ready": True, "state": {"running": {}}} for each in live["spec"]["containers"]]
            conditions = [_condition("PodScheduled", True), _condition("Ready", True)]
            self.store.set_status(
                POD, live, {**live["status"], "phase": "Running", "conditions": conditions, "containerStatuses": containers}
            )

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


def _tag(pod: Object) -> str:
    """What stands before the first dash of the first container's tag."""
    return str(pod["spec"]["containers"][0].get("image", "")).rpartition(":")[2].partition("-")[0]


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


def is_going(pod: Object) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))
