"""The kinds of objects that the API server in memory serves, and in what they differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """versions: all are served, and are the same object. counted: whether changes of the spec are counted (metadata.generation).

    custom: defined by a CRD: its lists name each item's kind. status: it has a subresource status, so writes of users leave that alone.
    """

    group: str
    versions: tuple[str, ...]
    kind: str
    plural: str
    counted: bool = False
    status: bool = False
    custom: bool = False

    @property
    def name(self) -> str:
        """As error messages call it: deployments.apps."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    def api_version(self, version: str = "") -> str:
        version = version or self.versions[0]
        return f"{self.group}/{version}" if self.group else version


_ISTIO = ("v1beta1", "v1", "v1alpha3")

CONFIG_MAP = Kind("", ("v1",), "ConfigMap", "configmaps")
DAEMON_SET = Kind("apps", ("v1",), "DaemonSet", "daemonsets", counted=True, status=True)
DEPLOYMENT = Kind("apps", ("v1",), "Deployment", "deployments", counted=True, status=True)
ENDPOINT_SLICE = Kind("discovery.k8s.io", ("v1",), "EndpointSlice", "endpointslices", counted=True)
INGRESS = Kind("networking.k8s.io", ("v1",), "Ingress", "ingresses", counted=True, status=True)
POD = Kind("", ("v1",), "Pod", "pods", status=True)
REPLICA_SET = Kind("apps", ("v1",), "ReplicaSet", "replicasets", counted=True, status=True)
REVISION = Kind("apps", ("v1",), "ControllerRevision", "controllerrevisions")
SERVICE = Kind("", ("v1",), "Service", "services", status=True)
STATEFUL_SET = Kind("apps", ("v1",), "StatefulSet", "statefulsets", counted=True, status=True)
HTTP_ROUTE = Kind("gateway.networking.k8s.io", ("v1", "v1beta1"), "HTTPRoute", "httproutes", counted=True, status=True, custom=True)
DESTINATION_RULE = Kind("networking.istio.io", _ISTIO, "DestinationRule", "destinationrules", counted=True, status=True, custom=True)
VIRTUAL_SERVICE = Kind("networking.istio.io", _ISTIO, "VirtualService", "virtualservices", counted=True, status=True, custom=True)

KINDS = [
    CONFIG_MAP,
    DAEMON_SET,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    INGRESS,
    POD,
    REPLICA_SET,
    REVISION,
    SERVICE,
    STATEFUL_SET,
    DESTINATION_RULE,
    HTTP_ROUTE,
    VIRTUAL_SERVICE,
    Kind("", ("v1",), "Event", "events"),
    Kind("", ("v1",), "Secret", "secrets"),
    Kind("coordination.k8s.io", ("v1",), "Lease", "leases"),
    Kind("autoscaling", ("v2",), "HorizontalPodAutoscaler", "horizontalpodautoscalers", status=True),
    Kind("policy", ("v1",), "PodDisruptionBudget", "poddisruptionbudgets", counted=True, status=True),
]

BY_PLACE = {(kind.group, version, kind.plural): kind for kind in KINDS for version in kind.versions}
BY_KIND = {kind.kind: kind for kind in KINDS}
