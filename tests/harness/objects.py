"""Small Kubernetes objects for tests: applications that answer with their name, and what routes to them."""

from __future__ import annotations

import time
from typing import Any

from kubernetes import client

Item = dict[str, Any]


def deployment(name: str, image: str, replicas: int = 1, version: str | None = None) -> Item:
    """One container with a port named http; `version` becomes its variable of that name."""
    container: Item = {"name": "app", "image": image, "ports": [{"name": "http", "containerPort": 8080}]}
    if version is not None:
        container["env"] = [{"name": "version", "value": version}]
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"metadata": {"name": name}, "spec": spec}


def service(name: str, app: str) -> Item:
    return {"metadata": {"name": name}, "spec": {"selector": {"app": app}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}}


def guards(app: str, least: int) -> list[Item]:
    """An autoscaler of the Deployment that leaves so few pods, and a budget that does, too."""
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": app}
    scaling = {"scaleTargetRef": target, "minReplicas": least, "maxReplicas": 10}
    budget = {"minAvailable": least, "selector": {"matchLabels": {"app": app}}}
    return [
        _item("autoscaling/v2", "HorizontalPodAutoscaler", app, scaling),
        _item("policy/v1", "PodDisruptionBudget", app, budget),
    ]


def istio(host: str, weights: dict[str, int]) -> list[Item]:
    """A VirtualService and its Gateway, named after the host; `weights` by Service."""
    name = host.split(".")[0]
    servers = [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": [host]}]
    route = [{"destination": {"host": service_name}, "weight": weight} for service_name, weight in weights.items()]
    return [
        _item("networking.istio.io/v1beta1", "Gateway", name, {"selector": {"istio": "ingressgateway"}, "servers": servers}),
        _item("networking.istio.io/v1beta1", "VirtualService", name, {"gateways": [name], "hosts": [host], "http": [{"route": route}]}),
    ]


def gateway_api(host: str, weights: dict[str, int]) -> list[Item]:
    """An HTTPRoute and its Gateway."""
    name = host.split(".")[0]
    backends = [{"name": service_name, "port": 80, "weight": weight} for service_name, weight in weights.items()]
    listeners = [{"name": "http", "port": 80, "protocol": "HTTP"}]
    route = {"parentRefs": [{"name": name}], "hostnames": [host], "rules": [{"backendRefs": backends}]}
    return [
        _item("gateway.networking.k8s.io/v1", "Gateway", name, {"gatewayClassName": "traefik", "listeners": listeners}),
        _item("gateway.networking.k8s.io/v1", "HTTPRoute", name, route),
    ]


def ingress_nginx(host: str, weights: dict[str, int]) -> list[Item]:
    """An Ingress for the first Service, and one with the canary annotations for the second, if any."""
    name = host.split(".")[0]
    found: list[Item] = []
    for service_name, weight in weights.items():
        path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": service_name, "port": {"number": 80}}}}
        spec = {"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": [path]}}]}
        item = _item("networking.k8s.io/v1", "Ingress", f"{name}-canary" if found else name, spec)
        if found:
            prefix = "nginx.ingress.kubernetes.io"
            item["metadata"]["annotations"] = {f"{prefix}/canary": "true", f"{prefix}/canary-weight": str(weight)}
        found.append(item)
    return found


def _item(api_version: str, kind: str, name: str, spec: Item) -> Item:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def create(api: client.ApiClient, namespace: str, item: Item) -> None:
    """Of the kinds above that have an apiVersion."""
    group, version = item["apiVersion"].split("/")
    plural = "ingresses" if item["kind"] == "Ingress" else f"{item['kind'].lower()}s"
    client.CustomObjectsApi(api).create_namespaced_custom_object(group, version, namespace, plural, item)


def pod_of(api: client.ApiClient, namespace: str, app: str, ready: bool = True, seconds: float = 60) -> Any:
    """The first pod of an application, once it is as ready as expected and its container is past starting."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for pod in client.CoreV1Api(api).list_namespaced_pod(namespace, label_selector=f"app={app}").items:
            conditions = {condition.type: condition.status for condition in pod.status.conditions or []}
            waiting = [one.state.waiting.reason for one in pod.status.container_statuses or [] if one.state.waiting]
            if (conditions.get("Ready") == "True") == ready and "ContainerCreating" not in waiting and pod.status.pod_ip:
                return pod
        time.sleep(0.05)
    raise AssertionError(f"no pod of {namespace}/{app} became {'ready' if ready else 'what it should'} within {seconds:g} s")
