"""A namespace of a test's own: objects of any kind by their manifests, the collection's modules, and what they leave behind."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Transport
from ansible_collections.progressive.delivery.tests.harness.calls import finish, start_module, until

NAMESPACES = "/api/v1/namespaces"

# In which version a kind is asked for until a manifest of that kind names another.
_VERSIONS = {
    "ConfigMap": "v1",
    "Event": "v1",
    "Pod": "v1",
    "Secret": "v1",
    "Service": "v1",
    "EndpointSlice": "discovery.k8s.io/v1",
    "Lease": "coordination.k8s.io/v1",
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Ingress": "networking.k8s.io/v1",
    "Gateway": "networking.istio.io/v1beta1",
    "VirtualService": "networking.istio.io/v1beta1",
    "DestinationRule": "networking.istio.io/v1beta1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
    "GRPCRoute": "gateway.networking.k8s.io/v1",
    "TCPRoute": "gateway.networking.k8s.io/v1alpha2",
    "TLSRoute": "gateway.networking.k8s.io/v1alpha2",
    "IngressRoute": "traefik.io/v1alpha1",
    "TraefikService": "traefik.io/v1alpha1",
}
# What the API server and controllers write by themselves.
_NOT_THE_USERS = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")
_NOT_THE_USERS_ANNOTATIONS = ("deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation")


def plural(kind: str) -> str:
    """As resources are named: Ingress ingresses, HTTPProxy httpproxies, Gateway gateways."""
    word = kind.lower()
    if word.endswith(("s", "x", "ch")):
        return f"{word}es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return f"{word[:-1]}ies"
    return f"{word}s"


def place(api_version: str, kind: str, namespace: str, name: str = "") -> str:
    """Where an object, or without a name all of a kind, stands on the API."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    return f"{root}/namespaces/{namespace}/{plural(kind)}" + (f"/{name}" if name else "")


class Namespace:
    """`name` is that of the application within, which is meant where a call names no object."""

    name = ""

    def __init__(self, transport: Transport, namespace: str, kubeconfig: str) -> None:
        self.transport, self.namespace, self.kubeconfig = transport, namespace, kubeconfig
        self.versions = dict(_VERSIONS)
        self.kinds: set[str] = set()  # of what was made here
        self.host = f"{namespace}.local"

    # Objects. A kind that is not in the table becomes known by its first manifest; a manifest in another version counts from then on.

    def path(self, kind: str, name: str = "") -> str:
        """Where the object stands on the API."""
        return place(self.versions[kind], kind, self.namespace, name or self.name)

    def request(self, method: str, kind: str, name: str = "", body: Any = None, content_type: str = "application/json") -> Any:
        """Without a name: on all objects of the kind."""
        path = place(self.versions[kind], kind, self.namespace, name)
        response = self.transport.request(method, path, None, body, content_type)
        assert response.status < 300, f"{method} {path}: {response.status} {response.body}"
        return response.body

    def make(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Creates the object; the API server's answer."""
        self.versions[manifest["kind"]] = manifest["apiVersion"]
        self.kinds.add(manifest["kind"])
        return dict(self.request("POST", manifest["kind"], body=manifest))

    @contextmanager
    def holding(self, manifests: Sequence[dict[str, Any]]) -> Iterator[None]:
        """These objects are there within, and not after it."""
        with ExitStack() as made:
            for manifest in manifests:
                self.make(manifest)
                made.callback(self.delete, manifest["kind"], manifest["metadata"]["name"])
            yield

    def has(self, kind: str) -> bool:
        """Whether the API server knows the kind, in the version that is asked for here."""
        return self.transport.request("GET", place(self.versions[kind], kind, self.namespace)).status != 404

    def get(self, kind: str, name: str = "") -> Any:
        return self.request("GET", kind, name or self.name)

    def names(self, kind: str) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.request("GET", kind)["items"])

    def patch(self, kind: str, name: str, patch: Any) -> Any:
        """A merge patch."""
        return self.request("PATCH", kind, name, patch, "application/merge-patch+json")

    def delete(self, kind: str, name: str = "") -> None:
        self.request("DELETE", kind, name or self.name)

    def snapshot(self, *kinds: str) -> dict[str, Any]:
        """The objects of these kinds by `Kind/name`, free of what the API server and controllers write themselves."""
        found = {f"{kind}/{item['metadata']['name']}": _users(item) for kind in kinds for item in self.request("GET", kind)["items"]}
        return {key: value for key, value in found.items() if key != "ConfigMap/kube-root-ca.crt"}

    def scale(self, replicas: int, name: str = "") -> None:
        """Gives the Deployment this many pods, and waits until it is at rest with them: a rollout refuses one that is not."""
        self.patch("Deployment", name or self.name, {"spec": {"replicas": replicas}})
        self.wait_for_pods(replicas, name)

    def wait_for_pods(self, replicas: int, name: str = "") -> None:
        """Until the Deployment is at rest with this many."""

        def at_rest() -> bool:
            deployment = self.get("Deployment", name)
            seen, status = deployment["metadata"]["generation"], deployment.get("status", {})
            counts = (status.get("observedGeneration"), status.get("replicas", 0), status.get("readyReplicas", 0))
            return counts == (seen, replicas, replicas)

        until(f"{replicas} pods of {name or self.name} are ready", at_rest)

    def wait_for_endpoints(self, service: str) -> None:
        """Until a pod stands behind the Service, ready."""

        def ready() -> bool:
            slices = self.request("GET", "EndpointSlice")["items"]
            own = [each for each in slices if each["metadata"]["labels"].get("kubernetes.io/service-name") == service]
            return any(endpoint["conditions"].get("ready") for each in own for endpoint in each.get("endpoints") or [])

        until(f"Service {service} has a ready pod", ready)

    # Calls

    def module(self, name: str, options: dict[str, Any], check: bool = False, diff: bool = False) -> dict[str, Any]:
        """Runs a module as Ansible does, in a process of its own, and returns its result."""
        return finish(self.start_module(name, options, check, diff))

    def start_module(self, name: str, options: dict[str, Any], check: bool = False, diff: bool = False) -> subprocess.Popen[str]:
        return start_module(name, {"namespace": self.namespace, "kubeconfig": self.kubeconfig, **options}, check, diff)


def _users(item: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in item["metadata"].items() if key not in _NOT_THE_USERS}
    annotations = {key: value for key, value in metadata.pop("annotations", {}).items() if key not in _NOT_THE_USERS_ANNOTATIONS}
    return {
        "metadata": {**metadata, **({"annotations": annotations} if annotations else {})},
        "spec": item.get("spec"),
        "data": item.get("data"),
    }


@contextmanager
def fresh_namespace(transport: Transport, labels: dict[str, str] | None = None) -> Iterator[str]:
    """The name of a new one, which goes at the end."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    item = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels or {}}}
    made = transport.request("POST", NAMESPACES, None, item)
    assert made.status == 201, made.body
    try:
        yield name
    finally:
        transport.request("DELETE", f"{NAMESPACES}/{name}")
