"""Where each kind of object stands in the API, so that no call needs API discovery."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from . import names
from .refusal import Refused


@dataclass(frozen=True)
class Resource:
    """A kind as the API serves it: group ("" for core), version, kind, plural."""

    group: str
    version: str
    kind: str
    plural: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str, name: str = "") -> str:
        """The URL path of one object, or of the collection when no name is given; namespace empty: of the whole cluster.

        This is the only place that makes paths. Raises Refused for a part that is no name: `../` or `?` would lead to another object.
        """
        self._refuse_no_names(namespace, name)
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        tail = f"/{name}" if name else ""
        scope = f"/namespaces/{namespace}" if namespace else ""
        return quote(f"{root}{scope}/{self.plural}{tail}", safe="/")

    def _refuse_no_names(self, namespace: str, name: str) -> None:
        for what, text, is_one in (
            ("the name of an API group", self.group, names.is_group),
            ("an API version", self.version, names.is_version),
            ("the plural of a kind", self.plural, names.is_plural),
            ("the name of a namespace", namespace, names.is_namespace),
            (f"the name of a {self.kind}", name, names.is_name),
        ):
            if not is_one(text) and text != "":
                raise Refused(f"{str(text)[:80]!r}", f"is not {what}", "use lower-case letters, digits and '-'")


@dataclass(frozen=True)
class Ref:
    """One object of one kind in one namespace."""

    resource: Resource
    namespace: str
    name: str

    @property
    def path(self) -> str:
        return self.resource.path(self.namespace, self.name)

    def __str__(self) -> str:
        return f"{self.resource.kind} {self.namespace}/{self.name}"

    @property
    def key(self) -> str:
        """A stable text for maps in the record, for example `Service/shop`."""
        return f"{self.resource.kind}/{self.name}"


CONFIG_MAP = Resource("", "v1", "ConfigMap", "configmaps")
CONTROLLER_REVISION = Resource("apps", "v1", "ControllerRevision", "controllerrevisions")
DAEMON_SET = Resource("apps", "v1", "DaemonSet", "daemonsets")
DEPLOYMENT = Resource("apps", "v1", "Deployment", "deployments")
ENDPOINT_SLICE = Resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices")
EVENT = Resource("", "v1", "Event", "events")
HORIZONTAL_POD_AUTOSCALER = Resource("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")
LEASE = Resource("coordination.k8s.io", "v1", "Lease", "leases")
NODE = Resource("", "v1", "Node", "nodes")
PERSISTENT_VOLUME_CLAIM = Resource("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
POD = Resource("", "v1", "Pod", "pods")
POD_DISRUPTION_BUDGET = Resource("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
REPLICA_SET = Resource("apps", "v1", "ReplicaSet", "replicasets")
RESOURCE_QUOTA = Resource("", "v1", "ResourceQuota", "resourcequotas")
SCALED_OBJECT = Resource("keda.sh", "v1alpha1", "ScaledObject", "scaledobjects")  # KEDA's
SECRET = Resource("", "v1", "Secret", "secrets")
SERVICE = Resource("", "v1", "Service", "services")
STATEFUL_SET = Resource("apps", "v1", "StatefulSet", "statefulsets")

WORKLOADS = {each.kind: each for each in (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)}
CONFIGS = {each.kind: each for each in (CONFIG_MAP, SECRET)}  # what pods read their configuration from

# Kinds that are served in several versions; the first is what is asked for by default, since every release
# of the router that is in use serves it.
_VERSIONED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "Ingress": ("networking.k8s.io", "ingresses", ("v1",)),
    "VirtualService": ("networking.istio.io", "virtualservices", ("v1beta1", "v1", "v1alpha3")),
    "DestinationRule": ("networking.istio.io", "destinationrules", ("v1beta1", "v1", "v1alpha3")),
    "HTTPRoute": ("gateway.networking.k8s.io", "httproutes", ("v1", "v1beta1")),
    "GRPCRoute": ("gateway.networking.k8s.io", "grpcroutes", ("v1", "v1alpha2")),
    # Gateway API 1.4 and before have TLSRoute v1alpha2 only, in the experimental channel; 1.5 and later v1, and serve no other.
    "TLSRoute": ("gateway.networking.k8s.io", "tlsroutes", ("v1", "v1alpha3", "v1alpha2")),
    # v1 is new in Gateway API 1.6, whose standard channel serves nothing else.
    "TCPRoute": ("gateway.networking.k8s.io", "tcproutes", ("v1alpha2", "v1")),
}


def versioned(kind: str, api_version: str | None = None) -> Resource:
    """The resource of a kind that is served in several versions.

    api_version: `group/version` or just `version`; None takes the version that is served most widely.
    """
    group, plural, versions = _VERSIONED[kind]
    version = (api_version or versions[0]).rsplit("/", 1)[-1]
    if api_version and (version not in versions or api_version not in (version, f"{group}/{version}")):
        known = ", ".join(f"{group}/{each}" for each in versions)
        raise Refused(f"api_version {api_version!r}", f"does not serve {kind}", f"use one of {known}")
    return Resource(group, version, kind, plural)


def labels(obj: Mapping[str, Any]) -> dict[str, str]:
    """The labels of an object, empty where it has none."""
    return dict((obj.get("metadata") or {}).get("labels") or {})


def name_of(obj: Mapping[str, Any]) -> str:
    """The name of an object."""
    return str(obj["metadata"]["name"])


def title_of(obj: Mapping[str, Any]) -> str:
    """An object in messages, as `Service shop/web`."""
    metadata = obj.get("metadata") or {}
    return f"{obj.get('kind', 'object')} {metadata.get('namespace', '')}/{metadata.get('name', '')}"
