"""Routers that split an application of two versions by weight, as users write them: one function for each kind of object."""

from __future__ import annotations

import os
from typing import Any

from ansible_collections.progressive.delivery.tests.harness.two_versions import GRPC_PORT, HTTP_PORT, TLS_PORT, TwoVersions

Manifest = dict[str, Any]

ISTIO = "networking.istio.io"
GATEWAY_API = "gateway.networking.k8s.io"
TRAEFIK_VERSION = "traefik.io/v1alpha1"
NGINX = "nginx.ingress.kubernetes.io"


def _manifest(api_version: str, kind: str, name: str, spec: Manifest) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, "spec": spec}


def _weights(shop: TwoVersions, canary: int) -> dict[str, int]:
    return {shop.name: 100 - canary, shop.canary: canary}


# Istio


def istio_http(shop: TwoVersions, canary: int, version: str = "v1beta1") -> list[Manifest]:
    routes = [{"destination": {"host": name}, "weight": weight} for name, weight in _weights(shop, canary).items()]
    return [_virtual_service(shop, {"http": [{"route": routes}]}, version)]


def istio_tls(shop: TwoVersions, canary: int) -> list[Manifest]:
    """By the name in the handshake, which is passed through."""
    match = [{"port": shop.port("ISTIO", "tls"), "sniHosts": [shop.host]}]
    return [_virtual_service(shop, {"tls": [{"match": match, "route": _istio_tcp_routes(shop, canary, TLS_PORT)}]})]


def istio_tcp(shop: TwoVersions, canary: int) -> list[Manifest]:
    match = [{"port": shop.port("ISTIO", "tcp")}]
    return [_virtual_service(shop, {"tcp": [{"match": match, "route": _istio_tcp_routes(shop, canary, HTTP_PORT)}]})]


def _istio_tcp_routes(shop: TwoVersions, canary: int, port: int) -> list[Manifest]:
    return [{"destination": {"host": name, "port": {"number": port}}, "weight": weight} for name, weight in _weights(shop, canary).items()]


def _virtual_service(shop: TwoVersions, routes: Manifest, version: str = "v1beta1") -> Manifest:
    spec = {"gateways": [os.environ["SHARED_GATEWAY_ISTIO"]], "hosts": [shop.host], **routes}
    return _manifest(f"{ISTIO}/{version}", "VirtualService", shop.name, spec)


# Gateway API; `router` is ISTIO_API or TRAEFIK.


def http_route(shop: TwoVersions, canary: int, router: str, version: str = "v1") -> list[Manifest]:
    return [_route(shop, "HTTPRoute", version, shop.parent(router, "http"), canary, HTTP_PORT)]


def grpc_route(shop: TwoVersions, canary: int, router: str, version: str = "v1") -> list[Manifest]:
    return [_route(shop, "GRPCRoute", version, shop.parent(router, "http"), canary, GRPC_PORT)]


def tls_route(shop: TwoVersions, canary: int, router: str, version: str = "v1") -> list[Manifest]:
    return [_route(shop, "TLSRoute", version, shop.parent(router, "tls"), canary, TLS_PORT)]


def tcp_route(shop: TwoVersions, canary: int, router: str, version: str = "v1") -> list[Manifest]:
    return [_route(shop, "TCPRoute", version, shop.parent(router, "tcp"), canary, HTTP_PORT)]


def _route(shop: TwoVersions, kind: str, version: str, parent: Manifest, canary: int, port: int) -> Manifest:
    backends = [{"name": name, "port": port, "weight": weight} for name, weight in _weights(shop, canary).items()]
    hosts = {} if kind == "TCPRoute" else {"hostnames": [shop.host]}
    spec = {"parentRefs": [parent], **hosts, "rules": [{"backendRefs": backends}]}
    return _manifest(f"{GATEWAY_API}/{version}", kind, shop.name, spec)


# Ingress, and Traefik's own kinds


def ingress(shop: TwoVersions, canary: int) -> list[Manifest]:
    """The stable Ingress, and a canary one in the dialect of ingress-nginx."""
    found = [_ingress(shop, shop.name), _ingress(shop, shop.canary)]
    found[1]["metadata"]["annotations"] = {f"{NGINX}/canary": "true", f"{NGINX}/canary-weight": str(canary)}
    return found


def _ingress(shop: TwoVersions, service: str) -> Manifest:
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": service, "port": {"number": HTTP_PORT}}}}
    spec = {"ingressClassName": "nginx", "rules": [{"host": shop.host, "http": {"paths": [path]}}]}
    return _manifest("networking.k8s.io/v1", "Ingress", service, spec)


def traefik_service(shop: TwoVersions, canary: int) -> list[Manifest]:
    """The weights stand on the TraefikService; an IngressRoute leads to it."""
    services = [{"name": name, "port": HTTP_PORT, "weight": weight} for name, weight in _weights(shop, canary).items()]
    route = {"kind": "Rule", "match": f"Host(`{shop.host}`)", "services": [{"kind": "TraefikService", "name": shop.name}]}
    return [
        _manifest(TRAEFIK_VERSION, "TraefikService", shop.name, {"weighted": {"services": services}}),
        _manifest(TRAEFIK_VERSION, "IngressRoute", shop.name, {"entryPoints": ["web"], "routes": [route]}),
    ]
