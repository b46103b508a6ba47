"""The little of kubectl that scenarios need, as a fresh machine has none. Cluster: $KUBECONFIG; collection: $ANSIBLE_COLLECTIONS_PATH."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import yaml

sys.path[:0] = os.environ.get("ANSIBLE_COLLECTIONS_PATH", "").split(os.pathsep)

from ansible_collections.progressive.delivery.plugins.module_utils._cluster.auth import connect
from ansible_collections.progressive.delivery.tests.harness.namespace import NAMESPACES, Namespace

# What of an application, and of ours, may be there.
SHOWN = ("Deployment", "Service", "ConfigMap", "Lease", "VirtualService", "Ingress", "HTTPRoute")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="kube.py", description=__doc__)
    commands = parser.add_subparsers(required=True)
    for run, description in (
        (apply, "make the namespace and what the files hold, and wait for its Deployments"),
        (show, "all objects of an application as users wrote them, as JSON by Kind/name"),
        (pods, "the names of the pods that are ready, as JSON by the version that they run"),
        (events, "the Events, a line each: reason and message"),
        (remove, "remove the namespace and all that is in it"),
    ):
        command = commands.add_parser(run.__name__, help=description)
        command.add_argument("namespace")
        command.set_defaults(run=run)
        if run is apply:
            command.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    kubeconfig = os.environ["KUBECONFIG"]
    with closing(connect({"kubeconfig": kubeconfig})) as transport:
        options.run(Namespace(transport, options.namespace, kubeconfig), options)
    return 0


def apply(there: Namespace, options: argparse.Namespace) -> None:
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": there.namespace}}
    response = there.transport.request("POST", NAMESPACES, None, made)
    if response.status != 201:
        raise SystemExit(f"namespace {there.namespace}: {response.body}")
    items = [item for path in options.files for item in _items(path)]
    for item in items:
        there.make(item)
    for item in items:
        if item["kind"] == "Deployment":
            there.wait_for_pods(item["spec"]["replicas"], item["metadata"]["name"])


def _items(path: Path) -> Iterator[dict[str, Any]]:
    for each in yaml.safe_load_all(path.read_text()):
        yield from each["items"] if each["kind"] == "List" else [each]


def show(there: Namespace, _options: argparse.Namespace) -> None:
    """Of the kinds that this cluster has: one with just one router lacks the others' definitions."""
    print(json.dumps(there.snapshot(*[kind for kind in SHOWN if there.has(kind)])))


def pods(there: Namespace, _options: argparse.Namespace) -> None:
    found: dict[str, list[str]] = {}
    for pod in there.request("GET", "Pod")["items"]:
        ready = any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", []))
        if ready and "deletionTimestamp" not in pod["metadata"]:
            found.setdefault(pod["spec"]["containers"][0]["image"].rpartition(":")[2], []).append(pod["metadata"]["name"])
    print(json.dumps(found))


def events(there: Namespace, _options: argparse.Namespace) -> None:
    for event in there.request("GET", "Event")["items"]:
        print(event["reason"], event["message"])


def remove(there: Namespace, _options: argparse.Namespace) -> None:
    there.transport.request("DELETE", f"{NAMESPACES}/{there.namespace}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
