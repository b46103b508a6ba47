"""The little of kubectl that scenarios need, since a fresh machine has none: apply manifests, name objects (cluster from $KUBECONFIG)."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import yaml


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="kube.py", description=__doc__)
    commands = parser.add_subparsers(required=True)
    apply_command = commands.add_parser("apply", help="create or update what the files hold, and wait for its Deployments")
    apply_command.add_argument("namespace")
    apply_command.add_argument("files", nargs="+", type=Path)
    apply_command.set_defaults(run=apply)
    names_command = commands.add_parser("names", help="the names of the objects of a kind, a line each")
    names_command.add_argument("namespace")
    names_command.add_argument("api_version")
    names_command.add_argument("kind")
    names_command.set_defaults(run=names)
    options = parser.parse_args(arguments)
    options.run(_client(), options)
    return 0


def apply(client: Any, options: argparse.Namespace) -> None:
    found = [item for path in options.files for item in yaml.safe_load_all(path.read_text()) if item]
    items = [item for each in found for item in (each["items"] if each["kind"] == "List" else [each])]
    for item in items:
        resource = client.resources.get(api_version=item["apiVersion"], kind=item["kind"])
        client.server_side_apply(resource, body=item, name=item["metadata"]["name"], namespace=options.namespace, field_manager="kube.py")
    for item in items:
        if item["kind"] == "Deployment":
            _wait_for(client, item["metadata"]["name"], options.namespace)


def names(client: Any, options: argparse.Namespace) -> None:
    found = client.resources.get(api_version=options.api_version, kind=options.kind).get(namespace=options.namespace)
    print("\n".join(sorted(item.metadata.name for item in found.items)))


def _wait_for(client: Any, name: str, namespace: str) -> None:
    deployments = client.resources.get(api_version="apps/v1", kind="Deployment")
    deadline = time.monotonic() + 60
    while True:
        found = deployments.get(name=name, namespace=namespace)
        if found.status.observedGeneration == found.metadata.generation and found.status.availableReplicas == found.spec.replicas:
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"Deployment {namespace}/{name} is not available after 60 s")
        time.sleep(0.2)


def _client() -> Any:
    from kubernetes import config, dynamic

    return dynamic.DynamicClient(config.new_client_from_config())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
