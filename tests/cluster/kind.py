"""The kind provider: a cluster in Docker, with Istio and ingress-nginx by their charts and the Gateway API by its manifest.

It came up once, in 50 s, with Docker 20.10 and images that were built there. The values of the Helm charts, and what was added since,
have not run. Versions are pinned below.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import yaml

from .embedded import certificates, kubeconfig
from .embedded.state import cache_folder
from .provider import ClusterError, Options

# The image belongs to kind v0.33.0; from Kubernetes 1.36 on kubeadm wants another form of extraArgs below.
NODE_IMAGE = "kindest/node:v1.35.8@sha256:07b2536e30b803ed61d1677a79df6115f798ce64c80f9e22f6ed45afd09323c0"
ISTIO_VERSION = "1.29.0"
ISTIO_CHARTS = "https://istio-release.storage.googleapis.com/charts"
INGRESS_NGINX_VERSION = "4.14.1"
INGRESS_NGINX_CHARTS = "https://kubernetes.github.io/ingress-nginx"
GATEWAY_API = "https://github.com/kubernetes-sigs/gateway-api/releases/download/v1.6.0/standard-install.yaml"
TRAEFIK_IMAGE = "traefik:v3.7.6"

# Where the gateways' Services listen on the node; kind passes ports of this machine's loopback on to them.
NODE_PORTS = {"istio": 30080, "nginx": 30081, "traefik": 30082}
GATEWAYS = {"istio": ["istio"], "traefik": ["nginx", "traefik"]}  # what `--with` installs
POLICY = Path(__file__).parent / "embedded" / "manifests" / "audit-policy.yaml"


def names() -> list[str]:
    return sorted(path.parent.name for path in _root().glob("*/cluster.json"))


def up(options: Options) -> None:
    if options.hostile or options.beside:
        raise ClusterError("CLUSTER=kind has no --hostile and no --beside: its pods are real, and behave by their images.")
    missing = [program for program in ("docker", "kind", "kubectl", "helm") if shutil.which(program) is None]
    if missing:
        raise ClusterError(f"CLUSTER=kind needs {', '.join(missing)} on PATH.")
    if status(options.name)["state"] == "running":
        print(f"Cluster {options.name} runs already. KUBECONFIG={_folder(options.name) / 'kubeconfig'}", flush=True)
        return
    folder = _folder(options.name)
    prepare_audit_log(folder)
    ports = {gateway: _free_port() for gateway in NODE_PORTS}
    config = folder / "kind.yaml"
    config.write_text(yaml.safe_dump(configuration(ports, folder)))
    made = False
    try:
        _run("kind", "create", "cluster", "--name", options.name, "--config", config, "--kubeconfig", folder / "kubeconfig", "--wait", "3m")
        if "istio" in options.routers:
            _install_istio(folder)
        if "traefik" in options.routers:
            _install_gateway_api(folder)
            _install_ingress_nginx(folder)
        (folder / "cluster.json").write_text(json.dumps({"ports": ports, "routers": options.routers}))
        made = True
    finally:
        if not made:
            down(options.name)
    print(f"Cluster {options.name} is ready. KUBECONFIG={folder / 'kubeconfig'}", flush=True)


def prepare_audit_log(folder: Path) -> None:
    """The API server, root in the node, makes a log that only root may read. One that is there keeps its owner and its mode."""
    (folder / "audit").mkdir(parents=True, exist_ok=True)
    (folder / "audit" / "audit.log").touch(mode=0o644)


def configuration(ports: dict[str, int], folder: Path) -> dict[str, Any]:
    """One node; its gateways' ports on this machine's loopback, its audit log in the cluster's folder."""
    logs, policies = "/var/log/kubernetes", "/etc/kubernetes/policies"
    volumes = [
        {"name": "audit-policies", "hostPath": policies, "mountPath": policies, "readOnly": True, "pathType": "DirectoryOrCreate"},
        {"name": "audit-logs", "hostPath": logs, "mountPath": logs, "readOnly": False, "pathType": "DirectoryOrCreate"},
    ]
    arguments = {"audit-log-path": f"{logs}/audit.log", "audit-policy-file": f"{policies}/audit-policy.yaml"}
    patch = {"kind": "ClusterConfiguration", "apiServer": {"extraArgs": arguments, "extraVolumes": volumes}}
    node = {
        "role": "control-plane",
        "image": NODE_IMAGE,
        "kubeadmConfigPatches": [yaml.safe_dump(patch)],
        "extraMounts": [
            {"hostPath": str(POLICY), "containerPath": f"{policies}/audit-policy.yaml", "readOnly": True},
            {"hostPath": str(folder / "audit"), "containerPath": logs},
        ],
        "extraPortMappings": [
            {"containerPort": NODE_PORTS[gateway], "hostPort": port, "listenAddress": "127.0.0.1"} for gateway, port in ports.items()
        ],
    }
    return {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": [node]}


def _install_istio(folder: Path) -> None:
    port = {"name": "http2", "port": 80, "targetPort": 80, "nodePort": NODE_PORTS["istio"]}
    values = {"service": {"type": "NodePort", "ports": [port]}, "autoscaling": {"enabled": False}}
    for release, chart, chart_values in (
        ("istio-base", "base", {}),
        ("istiod", "istiod", {"pilot": {"autoscaleEnabled": False}}),
        ("istio-ingressgateway", "gateway", values),  # the release's name gives the label istio: ingressgateway
    ):
        _helm(folder, release, "istio-system", ISTIO_CHARTS, chart, ISTIO_VERSION, chart_values)


def _install_ingress_nginx(folder: Path) -> None:
    service = {"type": "NodePort", "nodePorts": {"http": NODE_PORTS["nginx"]}}
    values = {"controller": {"service": service, "ingressClassResource": {"default": False}}}
    _helm(folder, "ingress-nginx", "ingress-nginx", INGRESS_NGINX_CHARTS, "ingress-nginx", INGRESS_NGINX_VERSION, values)


def _install_gateway_api(folder: Path) -> None:
    """The definitions, and Traefik behind them with the GatewayClass that the embedded cluster has."""
    kubectl = ("kubectl", "--kubeconfig", folder / "kubeconfig")
    _run(*kubectl, "apply", "--server-side", "-f", GATEWAY_API)
    manifest = folder / "traefik.yaml"
    manifest.write_text(yaml.safe_dump_all(traefik_objects()))
    _run(*kubectl, "apply", "-f", manifest)
    _run(*kubectl, "--namespace", "traefik", "rollout", "status", "deployment/traefik", "--timeout=3m")


def traefik_objects() -> list[dict[str, Any]]:
    """The entry point has port 80 also within the pod, as a Gateway's listener must name the entry point's port."""
    name = {"name": "traefik", "namespace": "traefik"}
    labels = {"app": "traefik"}
    container = {
        "name": "traefik",
        "image": TRAEFIK_IMAGE,
        "args": [
            "--entrypoints.web.address=:80",
            "--providers.kubernetesgateway=true",
            "--ping=true",
            "--ping.entrypoint=web",
            "--global.checknewversion=false",
        ],
        "ports": [{"name": "web", "containerPort": 80}],
        "readinessProbe": {"httpGet": {"path": "/ping", "port": "web"}, "periodSeconds": 2},
    }
    pod = {"serviceAccountName": "traefik", "containers": [container]}
    deployment = {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    port = {"name": "web", "port": 80, "targetPort": "web", "nodePort": NODE_PORTS["traefik"]}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "traefik"}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": name},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "traefik"},
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", **name}],
        },
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": name, "spec": deployment},
        {"apiVersion": "v1", "kind": "Service", "metadata": name, "spec": {"type": "NodePort", "selector": labels, "ports": [port]}},
        {
            "apiVersion": "gateway.networking.k8s.io/v1",
            "kind": "GatewayClass",
            "metadata": {"name": "traefik"},
            "spec": {"controllerName": "traefik.io/gateway-controller"},
        },
    ]


def down(name: str) -> None:
    if shutil.which("kind"):
        _run("kind", "delete", "cluster", "--name", name, "--kubeconfig", _folder(name) / "kubeconfig")
    shutil.rmtree(_folder(name), ignore_errors=True)
    print(f"Cluster {name} is down.", flush=True)


def status(name: str) -> dict[str, Any]:
    folder = _folder(name)
    if not (folder / "cluster.json").exists():
        return {"name": name, "state": "absent"}
    known = json.loads((folder / "cluster.json").read_text())
    nodes = subprocess.run(["kind", "get", "nodes", "--name", name], capture_output=True, text=True, check=False).stdout
    return {
        "name": name,
        "state": "running" if f"{name}-control-plane" in nodes else "failed",
        "provider": "kind",
        "hostile": False,
        "folder": str(folder),
        "kubeconfig": {"outside": str(folder / "kubeconfig")},
        "audit_log": str(folder / "audit" / "audit.log"),
        "outside": {gateway: f"127.0.0.1:{known['ports'][gateway]}" for router in known["routers"] for gateway in GATEWAYS[router]},
    }


def environment(name: str) -> dict[str, str]:
    known = status(name)
    if known["state"] != "running":
        raise ClusterError(f"There is no cluster {name}: CLUSTER=kind tests/cluster/up --name {name}")
    return {
        "KUBECONFIG": known["kubeconfig"]["outside"],
        "CLUSTER_NAME": name,
        "CLUSTER_STATE": known["folder"],
        "CLUSTER_AUDIT_LOG": known["audit_log"],
        "CLUSTER_HOSTILE": "",
        **{f"GATEWAY_{gateway.upper()}": address for gateway, address in known["outside"].items()},
    }


def add_user(name: str, user: str, groups: list[str]) -> Path:
    """A user by a client certificate that the cluster's own authority signs; the key of that is in the node."""
    folder = Path(environment(name)["CLUSTER_STATE"])
    pki, users = folder / "pki", folder / "users"
    for each in (pki, users):
        each.mkdir(mode=0o700, exist_ok=True)
    for file in ("ca.crt", "ca.key"):
        read = ["docker", "exec", f"{name}-control-plane", "cat", f"/etc/kubernetes/pki/{file}"]
        (pki / file).touch(mode=0o600)
        (pki / file).write_bytes(subprocess.run(read, check=True, stdout=subprocess.PIPE).stdout)
    certificates.issue(pki, user, user, groups, [])
    (path := users / f"{user}.kubeconfig").unlink(missing_ok=True)
    [cluster] = yaml.safe_load((folder / "kubeconfig").read_text())["clusters"]
    kubeconfig.write_for_certificate(path, f"{name}-{user}", cluster["cluster"]["server"], pki, user)
    return path


def command(_name: str, command: list[str]) -> list[str]:
    return command


def _root() -> Path:
    return cache_folder() / "kind"


def _folder(name: str) -> Path:
    return _root() / name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _helm(folder: Path, release: str, namespace: str, repository: str, chart: str, version: str, values: dict[str, Any]) -> None:
    file = folder / f"{release}.yaml"
    file.write_text(yaml.safe_dump(values))
    where = ("--kubeconfig", folder / "kubeconfig", "--namespace", namespace, "--create-namespace")
    what = ("--repo", repository, "--version", version, "--values", file)
    _run("helm", "upgrade", "--install", release, chart, *where, *what, "--wait", "--timeout", "5m")


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, check=False)
    if done.returncode:
        raise ClusterError(f"`{' '.join(map(str, command))}` ended with exit code {done.returncode}, see above.")
