"""The programs of the control plane and of the nodes: their command lines and configuration files."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .build import binary
from .state import Cluster

API_PORT, ETCD_PORT = 6443, 2379
MANIFESTS = Path(__file__).parent / "manifests"

# Users by token, for components and for tests; groups as the API server's built-in roles expect them.
TOKEN_USERS = {
    "admin": ["system:masters"],
    "system:kube-controller-manager": ["system:masters"],
    "system:kube-scheduler": ["system:masters"],
    "system:test-cluster": ["system:masters"],  # kwok, the routers and the pods: kept out of the audit log by the prefix
    "developer": [],  # may do nothing until a test gives it a role
}

# What nothing here needs, so that the others start sooner.
CONTROLLERS_OFF = [
    "bootstrap-signer-controller",
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-cleaner-controller",
    "certificatesigningrequest-signing-controller",
    "cloud-node-lifecycle-controller",
    "node-ipam-controller",
    "node-route-controller",
    "persistentvolume-attach-detach-controller",
    "service-lb-controller",
    "token-cleaner-controller",
    "ttl-controller",
]


@dataclass(frozen=True)
class Component:
    """A program that runs as long as the cluster; `forwards` are listening sockets that it gets, by the address to pass them on to."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    sockets: tuple[int, ...] = ()


def api_url(cluster: Cluster) -> str:
    return f"https://{cluster.addresses.api}:{API_PORT}"


def pki(cluster: Cluster) -> Path:
    return cluster.folder / "pki"


def token_file(cluster: Cluster, user: str) -> Path:
    return pki(cluster) / f"{user.replace(':', '-')}.token"


def component_kubeconfig(cluster: Cluster, user: str) -> Path:
    return pki(cluster) / f"{user.replace(':', '-')}.kubeconfig"


def etcd(cluster: Cluster) -> Component:
    host = cluster.addresses.etcd
    clients, peers = f"http://{host}:{ETCD_PORT}", f"http://{host}:{ETCD_PORT + 1}"
    flags = {
        "data-dir": cluster.folder / "etcd",
        "listen-client-urls": clients,
        "advertise-client-urls": clients,
        "listen-peer-urls": peers,
        "initial-advertise-peer-urls": peers,
        "initial-cluster": f"default={peers}",
        "unsafe-no-fsync": "true",  # its data is thrown away
        "heartbeat-interval": 50,  # ms; it elects itself, and need not wait long before
        "election-timeout": 250,
        "log-level": "warn",
    }
    return Component("etcd", _command("etcd", flags))


def api_server(cluster: Cluster) -> Component:
    keys = pki(cluster)
    flags = {
        "etcd-servers": f"http://{cluster.addresses.etcd}:{ETCD_PORT}",
        "bind-address": cluster.addresses.api,
        "advertise-address": cluster.addresses.api,
        "secure-port": API_PORT,
        "service-cluster-ip-range": cluster.addresses.services,
        "tls-cert-file": keys / "server.crt",
        "tls-private-key-file": keys / "server.key",
        "client-ca-file": keys / "ca.crt",
        "token-auth-file": keys / "tokens.csv",
        "authorization-mode": "RBAC",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": keys / "service-accounts.key",
        "service-account-signing-key-file": keys / "service-accounts.key",
        "audit-policy-file": MANIFESTS / "audit-policy.yaml",
        "audit-log-path": cluster.audit_log,
        "audit-log-maxsize": 10_000,  # MB; readers follow one file
        # A namespace's first pods need not wait for its service account, nor new nodes for their taint to go.
        "disable-admission-plugins": "ServiceAccount,TaintNodesByCondition",
        "enable-priority-and-fairness": "false",
        "profiling": "false",
    }
    return Component("kube-apiserver", _command("kube-apiserver", flags))


def controller_manager(cluster: Cluster) -> Component:
    flags = {
        "kubeconfig": component_kubeconfig(cluster, "system:kube-controller-manager"),
        "service-account-private-key-file": pki(cluster) / "service-accounts.key",
        "root-ca-file": pki(cluster) / "ca.crt",
        "controllers": ",".join(["*", *(f"-{controller}" for controller in CONTROLLERS_OFF)]),
        "leader-elect": "false",
        "secure-port": 0,
        "kube-api-qps": 200,
        "kube-api-burst": 400,
        "horizontal-pod-autoscaler-sync-period": "1s",  # there are no metrics, but limits count
        "node-monitor-grace-period": "300s",  # a busy machine is no dead node
        "profiling": "false",
    }
    if cluster.hostile:
        flags["endpointslice-updates-batch-period"] = "1s"
        flags["endpoint-updates-batch-period"] = "1s"
    return Component("kube-controller-manager", _command("kube-controller-manager", flags))


def scheduler(cluster: Cluster) -> Component:
    flags = {
        "kubeconfig": component_kubeconfig(cluster, "system:kube-scheduler"),
        "leader-elect": "false",
        "secure-port": 0,
        "kube-api-qps": 200,
        "kube-api-burst": 400,
        "profiling": "false",
    }
    return Component("kube-scheduler", _command("kube-scheduler", flags))


def kwok(cluster: Cluster) -> Component:
    stages = cluster.folder / "kwok.yaml"
    deletion = MANIFESTS / ("pod-delete-hostile.yaml" if cluster.hostile else "pod-delete.yaml")
    stages.write_text((MANIFESTS / "stages.kwok").read_text() + "---\n" + deletion.read_text())
    flags = {
        "kubeconfig": component_kubeconfig(cluster, "system:test-cluster"),
        "config": stages,
        "manage-all-nodes": "true",
        "cidr": cluster.addresses.pods,
        "node-ip": cluster.addresses.nodes[0],
        "node-lease-duration-seconds": 40,
    }
    # It reads ~/.kwok, too; that of the user is none of this cluster's business.
    return Component("kwok", _command("kwok", flags), {"HOME": str(cluster.folder), "KWOK_WORKDIR": str(cluster.folder / "kwok")})


def pods(cluster: Cluster, forwards: dict[int, str]) -> Component:
    """`forwards`: where connections to an inherited listening socket go."""
    flags = {
        "api": api_url(cluster),
        "ca": pki(cluster) / "ca.crt",
        "token-file": token_file(cluster, "system:test-cluster"),
        "hostile": str(cluster.hostile).lower(),
    }
    command = _command("pods", flags) + [f"--forward={descriptor}={target}" for descriptor, target in forwards.items()]
    return Component("pods", command, sockets=tuple(forwards))


def _command(program: str, flags: dict[str, Any]) -> list[str]:
    return [binary(program), *(f"--{name}={value}" for name, value in flags.items())]


def write_token_users(cluster: Cluster, tokens: dict[str, str]) -> None:
    lines = [f'{tokens[user]},{user},{user},"{",".join(groups)}"' for user, groups in TOKEN_USERS.items()]
    (pki(cluster) / "tokens.csv").write_text("\n".join(lines) + "\n")
    for user, token in tokens.items():
        token_file(cluster, user).write_text(token)


def nodes(cluster: Cluster) -> Iterable[dict[str, Any]]:
    """As kubelets would register them; kwok keeps them ready."""
    resources = {"cpu": "32", "memory": "256Gi", "pods": "500"}
    for number, address in enumerate(cluster.addresses.nodes):
        name = f"node-{number}"
        yield {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
            "status": {
                "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
                "allocatable": resources,
                "capacity": resources,
            },
        }


def to_json(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content, indent=1))
    return path
