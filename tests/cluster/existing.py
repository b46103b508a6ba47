"""The existing provider: a cluster of the user's own, by the KUBECONFIG of the shell; nothing is installed, and nothing ended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from .provider import ClusterError, Options

GATEWAYS = ("GATEWAY_ISTIO", "GATEWAY_TRAEFIK", "GATEWAY_NGINX")


class Context(NamedTuple):
    name: str
    namespace: str
    server: str


def names() -> list[str]:
    return ["existing"]


def up(options: Options) -> None:
    if options.hostile or options.beside:
        raise ClusterError("CLUSTER=existing takes your cluster as it is: --hostile and --beside are for the embedded one.")
    context = _confirmed()
    command = ["kubectl", "--context", context.name, "version", "--request-timeout=10s"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise ClusterError(f"Context {context.name} ({context.server}) does not answer: {answer.stderr.strip()}")
    missing = [name for name in GATEWAYS if name not in os.environ]
    if missing:
        print(
            f"{', '.join(missing)} not set: what sends requests needs them, as HOST:PORT on loopback "
            "(kubectl port-forward -n istio-system service/istio-ingressgateway 8080:80).",
            flush=True,
        )


def down(_name: str) -> None:
    print("CLUSTER=existing: your cluster goes on.", flush=True)


def status(_name: str) -> dict[str, Any]:
    context = _context()
    return {"name": "existing", "state": "existing", "context": context.name, "namespace": context.namespace, "server": context.server}


def environment(_name: str) -> dict[str, str]:
    _confirmed()
    return {"CLUSTER_NAME": "existing", "CLUSTER_HOSTILE": ""}


def add_user(_name: str, user: str, _groups: list[str]) -> Path:
    raise ClusterError(f"CLUSTER=existing adds no user {user} to a cluster of yours: make one there, or use CLUSTER=embedded or kind.")


def command(_name: str, command: list[str]) -> list[str]:
    return command


def _confirmed() -> Context:
    """Says what is about to be used, and wants it said back."""
    context = _context()
    print(f"Context {context.name}, namespace {context.namespace}, server {context.server}", file=sys.stderr, flush=True)
    if os.environ.get("CONFIRM") != context.name:
        raise ClusterError(f"This cluster is not one of the tests' own: set CONFIRM={context.name} to use it nevertheless.")
    return context


def _context() -> Context:
    """The current one of $KUBECONFIG (or of ~/.kube/config, as kubectl has it)."""
    from kubernetes import config

    try:
        _contexts, current = config.list_kube_config_contexts()
        settings = config.new_client_from_config(context=current["name"]).configuration
    except config.ConfigException as error:
        raise ClusterError(f"CLUSTER=existing needs a kubeconfig with a current context (KUBECONFIG): {error}") from None
    return Context(current["name"], current["context"].get("namespace") or "default", settings.host)
