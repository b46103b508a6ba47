"""The gateways' ports, and the Gateways that are there from the start, for routes of any namespace to attach to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .state import Cluster

HTTP_PORT, TLS_PORT = 80, 443
# TCP has no host to tell applications apart: each has a slot, and so a port of its own, counted from here.
SLOTS, TCP_PORT = 10, 9000
# What istiod serves of the Gateway API has other ports beside: on one port, each name of a TLS handshake stands on one Gateway only.
ISTIO_API_TLS_PORT, ISTIO_API_TCP_PORT = 8443, 9100

NAME = "shared"
ISTIO_NAMESPACE, TRAEFIK_NAMESPACE = "istio-system", "traefik"
ISTIO_SERVICE, ISTIO_SELECTOR = "istio-ingressgateway", {"istio": "ingressgateway"}
API_VERSION = "gateway.networking.k8s.io/v1"


def tcp_ports(first: int) -> range:
    return range(first, first + SLOTS)


def environment(cluster: Cluster) -> dict[str, str]:
    """Where requests go, _TCP being the port of slot 0, and which Gateways serve it."""
    istio, traefik = cluster.addresses.istio_gateway, cluster.addresses.traefik
    found: dict[str, str] = {}
    if "istio" in cluster.routers:
        found |= _variables("ISTIO", istio, TLS_PORT, TCP_PORT, ISTIO_NAMESPACE)
        found |= _variables("ISTIO_API", istio, ISTIO_API_TLS_PORT, ISTIO_API_TCP_PORT, ISTIO_NAMESPACE)
    if "traefik" in cluster.routers:
        found |= _variables("TRAEFIK", traefik, TLS_PORT, TCP_PORT, TRAEFIK_NAMESPACE)
        found["GATEWAY_NGINX"] = found["GATEWAY_TRAEFIK"]  # Traefik reads ingress-nginx's dialect here; on kind that is another program
    return found


def _variables(router: str, host: str, tls: int, tcp: int, namespace: str) -> dict[str, str]:
    return {
        f"GATEWAY_{router}": f"{host}:{HTTP_PORT}",
        f"GATEWAY_{router}_TLS": f"{host}:{tls}",
        f"GATEWAY_{router}_TCP": f"{host}:{tcp}",
        f"SHARED_GATEWAY_{router}": f"{namespace}/{NAME}",
    }


def istio_objects(cluster: Cluster) -> Iterator[dict[str, Any]]:
    """The root namespace and the gateway's Service in it, as an installation has them, and Gateways of both kinds."""
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ISTIO_NAMESPACE}}
    yield from _service(cluster.addresses.istio_gateway)
    yield _own_address(cluster.addresses.istio_gateway)
    yield _istio_gateway()
    # istiod makes this class itself, but only once it runs. A Gateway of it is served by a Service of its own namespace.
    yield _class("istio", "istio.io/gateway-controller")
    host = f"{ISTIO_SERVICE}.{ISTIO_NAMESPACE}.svc.cluster.local"
    gateway = _api_gateway("istio", ISTIO_NAMESPACE, ISTIO_API_TLS_PORT, ISTIO_API_TCP_PORT)
    gateway["spec"]["addresses"] = [{"type": "Hostname", "value": host}]
    yield gateway


def traefik_objects() -> Iterator[dict[str, Any]]:
    """The classes that users' Gateways and Ingresses name, and a Gateway."""
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": TRAEFIK_NAMESPACE}}
    yield _class("traefik", "traefik.io/gateway-controller")
    yield {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": "nginx"},
        "spec": {"controller": "k8s.io/ingress-nginx"},
    }
    yield _api_gateway("traefik", TRAEFIK_NAMESPACE, TLS_PORT, TCP_PORT)


def _service(address: str) -> Iterator[dict[str, Any]]:
    """The gateway is no pod, and so its address stands in a slice of our own."""
    numbers = [HTTP_PORT, TLS_PORT, ISTIO_API_TLS_PORT, *tcp_ports(TCP_PORT), *tcp_ports(ISTIO_API_TCP_PORT)]
    names = {HTTP_PORT: "http2", TLS_PORT: "tls", ISTIO_API_TLS_PORT: "tls-api"}
    ports = [{"name": names.get(number, f"tcp-{number}"), "port": number} for number in numbers]
    metadata = {"name": ISTIO_SERVICE, "namespace": ISTIO_NAMESPACE}
    yield {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"selector": ISTIO_SELECTOR, "ports": ports}}
    labels = {"kubernetes.io/service-name": ISTIO_SERVICE, "endpointslice.kubernetes.io/managed-by": "test-cluster"}
    yield {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**metadata, "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": ports,
    }


def _own_address(address: str) -> dict[str, Any]:
    """Keeps listeners on the gateway's own address: other clusters may be in the same network."""
    patch = {
        "applyTo": "LISTENER",
        "match": {"context": "GATEWAY"},
        "patch": {"operation": "MERGE", "value": {"address": {"socket_address": {"address": address}}}},
    }
    return {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": "gateway-address", "namespace": ISTIO_NAMESPACE},
        "spec": {"configPatches": [patch]},
    }


def _istio_gateway() -> dict[str, Any]:
    servers: list[dict[str, Any]] = [
        {"port": {"number": HTTP_PORT, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]},
        {"port": {"number": TLS_PORT, "name": "tls", "protocol": "TLS"}, "hosts": ["*"], "tls": {"mode": "PASSTHROUGH"}},
    ]
    for slot, port in enumerate(tcp_ports(TCP_PORT)):
        servers.append({"port": {"number": port, "name": f"tcp-{slot}", "protocol": "TCP"}, "hosts": ["*"]})
    return {
        "apiVersion": "networking.istio.io/v1beta1",
        "kind": "Gateway",
        "metadata": {"name": NAME, "namespace": ISTIO_NAMESPACE},
        "spec": {"selector": ISTIO_SELECTOR, "servers": servers},
    }


def _class(name: str, controller: str) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": "GatewayClass", "metadata": {"name": name}, "spec": {"controllerName": controller}}


def _api_gateway(gateway_class: str, namespace: str, tls: int, tcp: int) -> dict[str, Any]:
    """Listeners `http`, `tls` (passthrough) and `tcp-0` and so on, for routes of all namespaces."""
    anyone = {"allowedRoutes": {"namespaces": {"from": "All"}}}
    listeners: list[dict[str, Any]] = [
        {"name": "http", "port": HTTP_PORT, "protocol": "HTTP", **anyone},
        {"name": "tls", "port": tls, "protocol": "TLS", "tls": {"mode": "Passthrough"}, **anyone},
    ]
    for slot, port in enumerate(tcp_ports(tcp)):
        listeners.append({"name": f"tcp-{slot}", "port": port, "protocol": "TCP", **anyone})
    return {
        "apiVersion": API_VERSION,
        "kind": "Gateway",
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {"gatewayClassName": gateway_class, "listeners": listeners},
    }


def path(namespace: str) -> str:
    """Where the Gateway API's Gateway of a router stands on the API."""
    return f"/apis/{API_VERSION}/namespaces/{namespace}/gateways/{NAME}"
