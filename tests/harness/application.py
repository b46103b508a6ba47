"""An application of a seed in a namespace of its own: applied, looked at, released, and removed."""

from __future__ import annotations

import copy
import fcntl
import json
import os
import subprocess
import termios
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.auth import connect
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Transport
from ansible_collections.progressive.delivery.tests.harness.calls import finish, until
from ansible_collections.progressive.delivery.tests.harness.load import Load, Request
from ansible_collections.progressive.delivery.tests.harness.namespace import Namespace, fresh_namespace

__all__ = ["Application", "application", "finish", "seed", "until"]

ROOT = Path(__file__).resolve().parents[2]
SEED = ROOT / "extensions" / "molecule" / "argo-istio-canary" / "files" / "app.yaml"

_GATEWAY = {
    "apiVersion": "networking.istio.io/v1beta1",
    "kind": "Gateway",
    "metadata": {"name": "rollouts-demo-gateway"},
    "spec": {
        "selector": {"istio": "ingressgateway"},
        "servers": [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}],
    },
}


def seed() -> list[dict[str, Any]]:
    """The application's manifests."""
    return list(yaml.safe_load(SEED.read_text())["items"])


class Application(Namespace):
    """The seed rollouts-demo. Requests go to it through the Istio gateway by a host name that no other has."""

    name = "rollouts-demo"

    def __init__(self, transport: Transport, namespace: str, kubeconfig: str) -> None:
        super().__init__(transport, namespace, kubeconfig)
        self.gateway = f"http://{os.environ['GATEWAY_ISTIO']}/"

    # Objects

    def apply(self) -> Application:
        for item in [_GATEWAY, *seed()]:
            item = copy.deepcopy(item)
            if item["kind"] == "VirtualService":
                item["apiVersion"] = _GATEWAY["apiVersion"]  # the version of the path; the seed's is older
                item["spec"]["hosts"] = [self.host]
            self.request("POST", item["kind"], body=item)
        self.wait_for("blue")
        # A gateway's answers say nothing of the Service that has no traffic yet.
        self.wait_for_endpoints(f"{self.name}-canary")
        return self

    def wait_for(self, version: str) -> None:
        """Until the gateway answers with this version, several times in a row, as its configuration has arrived by then."""
        until(f"{self.host} answers {version}", lambda: set(self.ask(5)) == {version})

    def ask(self, count: int, headers: Mapping[str, str] | None = None) -> list[str]:
        """The versions that answer requests with these headers."""
        return [request.version if not request.failed else f"failed {request.status}" for request in self.sent(count, headers)]

    def sent(self, count: int, headers: Mapping[str, str] | None = None) -> list[Request]:
        load = Load(self.gateway, host_header=self.host, rate=1000, connections=5, max_requests=count, headers=dict(headers or {}))
        with load:
            return load.wait().requests

    def load(self, rate: float = 150) -> Load:
        """Live traffic, to be used as a context manager."""
        return Load(self.gateway, host_header=self.host, rate=rate, connections=200, duration=600)

    def snapshot(self, *kinds: str) -> dict[str, Any]:
        """Without kinds: everything of the user's and of ours that can be left behind."""
        return super().snapshot(*(kinds or ("VirtualService", "Service", "Deployment", "ConfigMap", "Lease")))

    def weights(self) -> tuple[int, ...]:
        return tuple(each.get("weight") for each in self.get("VirtualService")["spec"]["http"][0]["route"])

    def change_container(self, **fields: Any) -> None:
        """Changes the Deployment's only container, as `kubectl set image` and the like do."""
        container = self.get("Deployment")["spec"]["template"]["spec"]["containers"][0]
        self.patch("Deployment", self.name, {"spec": {"template": {"spec": {"containers": [{**container, **fields}]}}}})

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
        self, name: str, variables: dict[str, Any], *options: str, log: Path | None = None, terminal: int | None = None
    ) -> subprocess.Popen[str]:
        """Runs one of the collection's playbooks as a user does, in a session of its own.

        Its output goes to the log, or a pipe; with a terminal, that is its input and output.
        """
        given = {"rollout_auth": {"kubeconfig": self.kubeconfig}, **variables}
        command = ["ansible-playbook", f"progressive.delivery.{name}", "-e", json.dumps(given), *options]
        with open(log or os.devnull, "w", encoding="utf-8") as file:
            out = terminal if terminal is not None else file if log else subprocess.PIPE
            source = subprocess.DEVNULL if terminal is None else terminal
            # Ansible asks only at a terminal that is its session's own.
            own = None if terminal is None else lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            return subprocess.Popen(
                command, stdin=source, stdout=out, stderr=subprocess.STDOUT, text=True, start_new_session=True, preexec_fn=own
            )

    def playbook(self, name: str, variables: dict[str, Any], *options: str) -> tuple[int, str]:
        """The exit code and the output of a playbook."""
        process = self.start_playbook(name, variables, *options)
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

    def bluegreen_variables(self, image: str = "yellow", **more: Any) -> dict[str, Any]:
        """Those of the role bluegreen, for the same application; the gateway knows its active Service only."""
        plan = self.plan(image, services={"active": self.name, "preview": f"{self.name}-canary"})
        del plan["canary"], plan["routers"]
        given = {**plan, "namespace": self.namespace, "approval": "auto", "scale_down_delay": "1s", "abort_scale_down_delay": "0s", **more}
        return {f"bluegreen_{key}": value for key, value in given.items()}


@contextmanager
def application(kubeconfig: str) -> Iterator[Application]:
    """The seed's application in a new namespace, which goes at the end."""
    with closing(connect({"kubeconfig": kubeconfig})) as transport, fresh_namespace(transport) as name:
        yield Application(transport, name, kubeconfig).apply()
