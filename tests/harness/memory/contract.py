"""What the API server and controllers in memory must do as the real ones do: scenarios that tell what they saw, for either."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response, Transport
from ansible_collections.progressive.delivery.tests.harness.namespace import place

Object = dict[str, Any]
Seen = dict[str, Any]

VERSIONS = {
    "ConfigMap": "v1",
    "ControllerRevision": "apps/v1",
    "DaemonSet": "apps/v1",
    "Deployment": "apps/v1",
    "DestinationRule": "networking.istio.io/v1beta1",
    "EndpointSlice": "discovery.k8s.io/v1",
    "Lease": "coordination.k8s.io/v1",
    "Pod": "v1",
    "ReplicaSet": "apps/v1",
    "Secret": "v1",
    "Service": "v1",
    "StatefulSet": "apps/v1",
    "VirtualService": "networking.istio.io/v1beta1",
}
MERGE_PATCH = "application/merge-patch+json"
_LIMIT = 600  # looks; more than any of these waits needs


class Api:
    """One of the two. pass_time: lets a little time pass."""

    def __init__(self, transport: Transport, namespace: str, pass_time: Callable[[], None]) -> None:
        self.transport, self.namespace, self.pass_time = transport, namespace, pass_time

    def path(self, kind: str, name: str = "") -> str:
        return place(VERSIONS[kind], kind, self.namespace, name)

    def ask(self, method: str, kind: str, name: str = "", body: Any = None, **query: str) -> Response:
        content_type = MERGE_PATCH if method == "PATCH" else "application/json"
        return self.transport.request(method, self.path(kind, name), query, body, content_type)

    def make(self, kind: str, name: str, **content: Any) -> Response:
        metadata = {"name": name, **content.pop("metadata", {})}
        return self.ask("POST", kind, body={"apiVersion": VERSIONS[kind], "kind": kind, "metadata": metadata, **content})

    def get(self, kind: str, name: str) -> Object:
        return dict(self.ask("GET", kind, name).body)

    def patch(self, kind: str, name: str, **patch: Any) -> Response:
        """Guarded as the collection's are; again where a controller wrote in between."""
        while True:
            metadata = {**patch.get("metadata", {}), "resourceVersion": self.get(kind, name)["metadata"]["resourceVersion"]}
            answer = self.ask("PATCH", kind, name, {**patch, "metadata": metadata})
            if answer.status != 409:
                return answer

    def all(self, kind: str, labels: str = "") -> list[Object]:
        return list(self.ask("GET", kind, labelSelector=labels).body["items"])

    def until(self, what: Callable[[], Any]) -> Any:
        """What is waited for, as soon as it is there."""
        for _look in range(_LIMIT):
            found = what()
            if found:
                return found
            self.pass_time()
        raise AssertionError(f"this did not come: {what}")

    def at_rest(self, name: str = "shop") -> Object:
        """The Deployment, once its controller has nothing to do any more and its pods are there."""

        def rested() -> Object | None:
            live = self.get("Deployment", name)
            status, wanted = live.get("status", {}), live["spec"]["replicas"]
            counts = [status.get(key, 0) for key in ("replicas", "readyReplicas", "availableReplicas")]
            fine = status.get("observedGeneration") == live["metadata"]["generation"] and counts == [wanted] * 3
            return live if fine and len(self.all("Pod", f"app={name}")) == wanted else None

        return dict(self.until(rested))

    def watch(self, kind: str, since: str, **selectors: str) -> list[Object]:
        """What is told within a second or two."""
        query = {"watch": "1", "resourceVersion": since, "timeoutSeconds": "2", **selectors}
        return list(self.transport.stream(self.path(kind), query, 2.0))


def workload(name: str = "shop", tag: str = "blue", **spec: Any) -> Object:
    """The spec of a workload."""
    container = {"name": "shop", "image": f"argoproj/rollouts-demo:{tag}", "ports": [{"name": "http", "containerPort": 8080}]}
    labels = {"app": name}
    return {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}}, **spec}


def service(**more: Any) -> Object:
    """The spec of a Service."""
    return {"selector": {"app": "shop"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}], **more}


def answer(response: Response) -> Seen:
    """What the collection reads of an answer that is an error; of another one just its status."""
    body = response.body
    if response.status < 400:
        return {"status": response.status}
    details = {key: value for key, value in (body.get("details") or {}).items() if key in ("name", "kind", "group")}
    said = body["message"].partition(" is invalid")[0] if response.status == 422 else body["message"]
    # Neither uids and versions, nor what admission plugins and versions of Kubernetes add.
    return {
        "status": response.status,
        "reason": body["reason"],
        "code": body["code"],
        "details": details,
        "said": said.partition(" does not match the UID in record")[0],
    }


def templates_image(obj: Object) -> str:
    return str(obj["spec"]["template"]["spec"]["containers"][0]["image"]).rpartition(":")[2]


def replica_sets(api: Api) -> list[Seen]:
    """By their numbers."""
    found = sorted(api.all("ReplicaSet"), key=lambda each: int(each["metadata"]["annotations"]["deployment.kubernetes.io/revision"]))
    return [
        {
            "image": templates_image(each),
            "revision": each["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
            "replicas": each["spec"]["replicas"],
            "labels": sorted(each["metadata"]["labels"]),
            "selector": sorted(each["spec"]["selector"]["matchLabels"]),
            "owner": [(owner["kind"], owner["name"], owner.get("controller")) for owner in each["metadata"]["ownerReferences"]],
            "name is of the hash": each["metadata"]["name"] == f"shop-{each['metadata']['labels']['pod-template-hash']}",
            "status": {key: each["status"].get(key, 0) for key in ("replicas", "readyReplicas", "availableReplicas")},
        }
        for each in found
    ]


def pods(api: Api, labels: str = "app=shop") -> list[Seen]:
    """In no order."""
    found = [
        {
            "labels": sorted(pod["metadata"]["labels"]),
            "owner": [owner["kind"] for owner in pod["metadata"]["ownerReferences"]],
            "phase": pod["status"]["phase"],
            "ready": [each["status"] for each in pod["status"]["conditions"] if each["type"] == "Ready"],
            "waits": [(each.get("state", {}).get("waiting") or {}).get("reason") for each in pod["status"].get("containerStatuses") or []],
            "has an address": bool(pod["status"].get("podIP")),
            "node": bool(pod["spec"].get("nodeName")),
            "going": "deletionTimestamp" in pod["metadata"],
        }
        for pod in api.all("Pod", labels)
    ]
    return sorted(found, key=json.dumps)


def deployment_status(live: Object) -> Seen:
    """But for times and messages."""
    keys = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")
    status = live["status"]
    conditions = {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}
    taken_up = status["observedGeneration"] == live["metadata"]["generation"]
    return {**{key: status.get(key, 0) for key in keys}, "conditions": conditions, "taken up": taken_up}


def slices(api: Api, name: str) -> list[Seen]:
    """The EndpointSlices of a Service."""
    return [
        {
            "ports": [(port.get("name"), port.get("port"), port.get("protocol")) for port in each.get("ports") or []],
            "type": each["addressType"],
            "endpoints": sorted((each["targetRef"]["kind"], sorted(each["conditions"].items())) for each in each.get("endpoints") or []),
        }
        for each in api.all("EndpointSlice", f"kubernetes.io/service-name={name}")
    ]


def ready(api: Api, name: str, count: int) -> bool:
    """Whether just so many endpoints are behind the Service, all ready."""
    endpoints = [endpoint for each in slices(api, name) for endpoint in each["endpoints"]]
    return len(endpoints) == count and all(("serving", True) in conditions for _kind, conditions in endpoints)


def image(tag: str) -> Seen:
    return {"template": workload(tag=tag)["template"]}
