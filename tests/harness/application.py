"""An application of a seed in a namespace of its own: applied, looked at, released, and removed."""

from __future__ import annotations

import copy
import fcntl
import json
import os
import subprocess
import sys
import termios
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.auth import connect
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Transport
from ansible_collections.progressive.delivery.tests.harness.load import Load

ROOT = Path(__file__).resolve().parents[2]
SEED = ROOT / "extensions" / "molecule" / "default" / "files" / "app.yaml"
MODULES = "ansible_collections.progressive.delivery.plugins.modules"

_PLACES = {
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "Event": "/api/v1/namespaces/{}/events",
    "Gateway": "/apis/networking.istio.io/v1beta1/namespaces/{}/gateways",
    "Lease": "/apis/coordination.k8s.io/v1/namespaces/{}/leases",
    "Pod": "/api/v1/namespaces/{}/pods",
    "ReplicaSet": "/apis/apps/v1/namespaces/{}/replicasets",
    "Service": "/api/v1/namespaces/{}/services",
    "VirtualService": "/apis/networking.istio.io/v1beta1/namespaces/{}/virtualservices",
}
_GATEWAY = {
    "apiVersion": "networking.istio.io/v1beta1",
    "kind": "Gateway",
    "metadata": {"name": "rollouts-demo-gateway"},
    "spec": {
        "selector": {"istio": "ingressgateway"},
        "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
    },
}
# What the API server and controllers write by themselves.
_NOT_THE_USERS = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")


def seed() -> list[dict[str, Any]]:
    """The application's manifests."""
    return list(yaml.safe_load(SEED.read_text())["items"])


def until(what: str, check: Callable[[], Any], seconds: float = 60) -> Any:
    """The first true value that the check gives."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)


class Application:
    """The seed rollouts-demo. Requests go to it through the Istio gateway by a host name that no other has."""

    name = "rollouts-demo"

    def __init__(self, transport: Transport, namespace: str, kubeconfig: str) -> None:
        self.transport, self.namespace, self.kubeconfig = transport, namespace, kubeconfig
        self.host = f"{namespace}.local"
        self.gateway = f"http://{os.environ['GATEWAY_ISTIO']}/"

    # Objects

    def request(self, method: str, kind: str, name: str = "", body: Any = None, content_type: str = "application/json") -> Any:
        path = _PLACES[kind].format(self.namespace) + (f"/{name}" if name else "")
        response = self.transport.request(method, path, None, body, content_type)
        assert response.status < 300, f"{method} {path}: {response.status} {response.body}"
        return response.body

    def get(self, kind: str, name: str = "rollouts-demo") -> Any:
        return self.request("GET", kind, name)

    def names(self, kind: str) -> list[str]:
        return sorted(item["metadata"]["name"] for item in self.request("GET", kind)["items"])

    def patch(self, kind: str, name: str, patch: Any) -> Any:
        return self.request("PATCH", kind, name, patch, "application/merge-patch+json")

    def scale(self, replicas: int) -> None:
        """Gives the Deployment this many pods, and waits until it is at rest with them: a rollout refuses one that is not."""

        def at_rest() -> bool:
            deployment = self.get("Deployment")
            seen, status = deployment["metadata"]["generation"], deployment["status"]
            counts = (status.get("observedGeneration"), status.get("replicas", 0), status.get("readyReplicas", 0))
            return counts == (seen, replicas, replicas)

        self.patch("Deployment", self.name, {"spec": {"replicas": replicas}})
        until(f"{replicas} pods are ready", at_rest)

    def apply(self) -> Application:
        for item in [_GATEWAY, *seed()]:
            item = copy.deepcopy(item)
            if item["kind"] == "VirtualService":
                item["apiVersion"] = _GATEWAY["apiVersion"]  # the version of the path; the seed's is older
                item["spec"]["hosts"] = [self.host]
            self.request("POST", item["kind"], body=item)
        self.wait_for("blue")
        return self

    def wait_for(self, version: str) -> None:
        """Until the gateway answers with this version, several times in a row, as its configuration has arrived by then."""
        until(f"{self.host} answers {version}", lambda: set(self.ask(5)) == {version})

    def ask(self, count: int) -> list[str]:
        load = Load(self.gateway, host_header=self.host, rate=1000, connections=5, max_requests=count)
        with load:
            results = load.wait()
        return [request.version if not request.failed else f"failed {request.status}" for request in results.requests]

    def load(self, rate: float = 150) -> Load:
        """Live traffic, to be used as a context manager."""
        return Load(self.gateway, host_header=self.host, rate=rate, connections=200, duration=600)

    def snapshot(self) -> dict[str, Any]:
        """Everything of the user's and of ours that can be left behind, free of what the API server writes itself."""
        kinds = ("VirtualService", "Service", "Deployment", "ConfigMap", "Lease")
        found = {f"{kind}/{item['metadata']['name']}": _users(item) for kind in kinds for item in self.request("GET", kind)["items"]}
        return {key: value for key, value in found.items() if key != "ConfigMap/kube-root-ca.crt"}

    def weights(self) -> tuple[int, ...]:
        return tuple(each.get("weight") for each in self.get("VirtualService")["spec"]["http"][0]["route"])

    def path(self, kind: str, name: str = "rollouts-demo") -> str:
        """Where the object stands on the API."""
        return f"{_PLACES[kind].format(self.namespace)}/{name}"

    # Calls

    def plan(self, image: str = "yellow", steps: Any = None, **more: Any) -> dict[str, Any]:
        """The options of rollout_step that do what the seed's Rollout asks for."""
        pause = {"pause": {"duration": "1s"}}
        steps = (
            [{"set_weight": 5}, pause, {"set_weight": 20}, pause, {"set_weight": 80}, pause, {"set_weight": 100}]
            if steps is None
            else steps
        )
        return {
            "name": self.name,
            "workload": {"name": self.name},
            "revision": {"images": {self.name: f"argoproj/rollouts-demo:{image}"}},
            "services": {"stable": self.name, "canary": f"{self.name}-canary"},
            "routers": [{"type": "istio", "name": self.name, "routes": ["primary"]}],
            "canary": {"steps": steps},
            "grace": "0.5s",
            **more,
        }

    def start_playbook(
        self, name: str, variables: dict[str, Any], log: Path | None = None, terminal: int | None = None
    ) -> subprocess.Popen[str]:
        """Runs one of the collection's playbooks as a user does, in a session of its own.

        Its output goes to the log, or a pipe; with a terminal, that is its input and output.
        """
        given = {"rollout_auth": {"kubeconfig": self.kubeconfig}, **variables}
        command = ["ansible-playbook", f"progressive.delivery.{name}", "-e", json.dumps(given)]
        with open(log or os.devnull, "w", encoding="utf-8") as file:
            out = terminal if terminal is not None else file if log else subprocess.PIPE
            source = subprocess.DEVNULL if terminal is None else terminal
            # Ansible asks only at a terminal that is its session's own.
            own = None if terminal is None else lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            return subprocess.Popen(
                command, stdin=source, stdout=out, stderr=subprocess.STDOUT, text=True, start_new_session=True, preexec_fn=own
            )

    def playbook(self, name: str, variables: dict[str, Any]) -> tuple[int, str]:
        """The exit code and the output of a playbook."""
        process = self.start_playbook(name, variables)
        out, _none = process.communicate(timeout=600)
        return process.returncode, out

    def canary_variables(self, image: str = "yellow", **more: Any) -> dict[str, Any]:
        """The variables of the role canary that do what the seed's Rollout asks for."""
        plan = self.plan(image)
        steps = plan.pop("canary")["steps"]
        return {
            f"canary_{key}": value
            for key, value in {**plan, "namespace": self.namespace, "steps": steps, "approval": "auto", **more}.items()
        }

    def module(self, name: str, options: dict[str, Any], check: bool = False, diff: bool = False) -> dict[str, Any]:
        """Runs a module as Ansible does, in a process of its own, and returns its result."""
        return finish(self.start_module(name, options, check, diff))

    def start_module(self, name: str, options: dict[str, Any], check: bool = False, diff: bool = False) -> subprocess.Popen[str]:
        arguments = {
            "namespace": self.namespace,
            "kubeconfig": self.kubeconfig,
            **options,
            "_ansible_check_mode": check,
            "_ansible_diff": diff,
        }
        environment = {**os.environ, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]}
        process = subprocess.Popen(
            [sys.executable, "-m", f"{MODULES}.{name}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))
        process.stdin.close()
        process.stdin = None
        return process


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The result that a module's process prints."""
    out, err = process.communicate(timeout=300)
    assert out.strip(), f"the module printed nothing; on stderr: {err[-2000:]}"
    return dict(json.loads(out.strip().splitlines()[-1]))


def _users(item: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in item["metadata"].items() if key not in _NOT_THE_USERS}
    annotations = {key: value for key, value in metadata.pop("annotations", {}).items() if key != "deployment.kubernetes.io/revision"}
    return {
        "metadata": {**metadata, **({"annotations": annotations} if annotations else {})},
        "spec": item.get("spec"),
        "data": item.get("data"),
    }


@contextmanager
def application(kubeconfig: str) -> Iterator[Application]:
    """The seed's application in a new namespace, which goes at the end."""
    transport = connect({"kubeconfig": kubeconfig})
    name = f"test-{uuid.uuid4().hex[:8]}"
    namespaces = "/api/v1/namespaces"
    made = transport.request("POST", namespaces, None, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    assert made.status == 201, made.body
    try:
        yield Application(transport, name, kubeconfig).apply()
    finally:
        transport.request("DELETE", f"{namespaces}/{name}")
        transport.close()
