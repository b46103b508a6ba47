"""The first process of a cluster's namespaces: starts the components, waits until they answer, and ends all when one of them ends.

But for one that a test announced it would kill, by a file NAME.restart in the cluster's folder: that is started again.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import select
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from . import components, gateways, parts, routers, state
from .api import Api, has_condition
from .build import crd_file
from .components import Component
from .namespace import raise_loopback
from .state import Cluster

PATIENCE = 120.0  # seconds until a component must answer; a busy machine takes long
MADE_BY_CONTROLLERS = "/api/v1/namespaces/default/configmaps/kube-root-ca.crt"


class ComponentFailed(Exception):
    """A component ended, or never answered."""

    def __init__(self, component: str, problem: str) -> None:
        super().__init__(f"{component} {problem}")
        self.component = component


class Supervisor:
    """Keeps the components' processes apart from the orphans that any first process inherits."""

    def __init__(self, cluster: Cluster, pipe: int) -> None:
        self.cluster = cluster
        self.pipe = pipe
        self.pipe_state = select.poll()
        self.pipe_state.register(pipe, 0)  # an error shows that nobody reads it any more
        self.began = time.monotonic()
        self.running: dict[int, Component] = {}
        self.keep: list[subprocess.Popen[bytes]] = []  # a Popen that is let go waits for its process itself

    def tell(self, **message: str) -> None:
        """To whoever started this: one line of JSON per step."""
        os.write(self.pipe, (json.dumps(message) + "\n").encode())

    def start(self, component: Component) -> None:
        print(f"{time.monotonic() - self.began:.2f} s: {component.name}", flush=True)
        with open(self.cluster.logs / f"{component.name}.log", "ab") as log:
            process = subprocess.Popen(
                component.command,
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.cluster.folder), **component.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=component.sockets,
                cwd=self.cluster.folder,
            )
        self.running[process.pid] = component
        self.keep.append(process)

    def reap(self, options: int) -> bool:
        """Buries one process that has ended, if any; complains when it was a component."""
        try:
            pid, status = os.waitpid(-1, options)
        except ChildProcessError:
            return False
        component = self.running.pop(pid, None)
        if component is not None and not self.starts_again(component):
            code = os.waitstatus_to_exitcode(status)
            raise ComponentFailed(component.name, f"ended with exit code {code}" if code >= 0 else f"was ended by signal {-code}")
        return pid != 0

    def starts_again(self, component: Component) -> bool:
        """Whether its end had been announced; each announcement counts once."""
        try:
            (self.cluster.folder / f"{component.name}.restart").unlink()
        except FileNotFoundError:
            return False
        self.start(component)
        return True

    def wait_for(self, component: str, answers: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            while self.reap(os.WNOHANG):
                pass
            if self.pipe_state.poll(0):
                raise ComponentFailed("supervisor", "was left alone: the process that started it has ended")
            try:
                if answers():
                    return
            except (OSError, http.client.HTTPException):
                pass
            if time.monotonic() > deadline:
                raise ComponentFailed(component, f"did not answer within {PATIENCE:.0f} s")
            time.sleep(0.03)

    def run(self, sockets: dict[str, int]) -> None:
        """Everything up to readiness, each program as soon as what it needs is there."""
        cluster = self.cluster
        api = Api(cluster.addresses.api, components.API_PORT, _token(cluster), components.pki(cluster) / "ca.crt")
        self.start(components.etcd(cluster))
        self.wait_for("etcd", lambda: _get(cluster.addresses.etcd, components.ETCD_PORT, "/health"))
        self.start(components.api_server(cluster))
        # It serves well before it calls itself ready; the definitions take long enough to start with.
        self.wait_for("kube-apiserver", lambda: api.request("GET", "/version")[0] == 200)
        self.define(api)
        if "istio" in cluster.routers:
            self.start(routers.istiod(cluster))
        if "traefik" in cluster.routers:
            self.start(routers.traefik(cluster))
        for node in components.nodes(cluster):
            api.create(node)
        for item in self.objects():
            api.apply(item)
        for component in (components.controller_manager, components.scheduler, components.kwok):
            self.start(component(cluster))
        self.start(components.pods(cluster, {sockets[name]: target for name, target in forward_targets(cluster).items()}))
        self.wait_for("kube-apiserver", lambda: api.request("GET", "/readyz")[0] == 200)
        self.tell(step="API server ready")
        if "istio" in cluster.routers:
            self.wait_for("istiod", lambda: _get(cluster.addresses.istiod, routers.ISTIOD_HTTP_PORT, "/ready"))
            self.start(routers.envoy(cluster))  # not before: it would wait longer and longer between attempts
            self.wait_for("envoy", lambda: _get(cluster.addresses.istio_gateway, routers.ENVOY_ADMIN_PORT, "/ready"))
            self.wait_for("istiod", lambda: has_condition(api.request("GET", gateways.path(gateways.ISTIO_NAMESPACE))[1], "Programmed"))
            self.tell(step="Istio ready")
        if "traefik" in cluster.routers:
            self.wait_for("traefik", lambda: _get(cluster.addresses.traefik, routers.TRAEFIK_PING_PORT, "/ping"))
            self.wait_for("traefik", lambda: has_condition(api.request("GET", gateways.path(gateways.TRAEFIK_NAMESPACE))[1], "Programmed"))
            self.tell(step="Traefik ready")
        self.wait_for("kube-controller-manager", lambda: api.request("GET", MADE_BY_CONTROLLERS)[0] == 200)
        self.wait_for("kwok", lambda: all(has_condition(node, "Ready") for node in api.request("GET", "/api/v1/nodes")[1]["items"]))
        api.connection.close()

    def define(self, api: Api) -> None:
        """The routers' resource definitions; they count once the API server serves them."""
        for part in parts.definitions(self.cluster.routers):
            for definition in json.loads(crd_file(part).read_text()):
                api.create(definition)
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        self.wait_for("kube-apiserver", lambda: all(has_condition(item, "Established") for item in api.request("GET", path)[1]["items"]))

    def objects(self) -> list[dict[str, Any]]:
        """What the routers have from the start."""
        found = [*gateways.istio_objects(self.cluster)] if "istio" in self.cluster.routers else []
        return [*found, *(gateways.traefik_objects() if "traefik" in self.cluster.routers else [])]


def forward_targets(cluster: Cluster) -> dict[str, str]:
    """Inside addresses of what is to be reached from outside, by name."""
    addresses = cluster.addresses
    targets = {"api": f"{addresses.api}:{components.API_PORT}"}
    if "istio" in cluster.routers:
        targets["istio"] = f"{addresses.istio_gateway}:{gateways.HTTP_PORT}"
    if "traefik" in cluster.routers:
        targets["traefik"] = f"{addresses.traefik}:{gateways.HTTP_PORT}"
    return targets


def _token(cluster: Cluster) -> str:
    return components.token_file(cluster, "system:test-cluster").read_text()


def _get(host: str, port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    finally:
        connection.close()


def main(name: str, pipe: int, sockets: dict[str, int]) -> None:
    cluster = state.load(name)
    assert cluster is not None
    supervisor = Supervisor(cluster, pipe)
    try:
        raise_loopback()
        supervisor.run(sockets)
        supervisor.tell(ready="")
        for descriptor in (pipe, *sockets.values()):
            os.close(descriptor)
        supervisor.pipe = -1
        while True:
            supervisor.reap(0)
    except ComponentFailed as failure:
        _tell_last(supervisor, str(failure), failure.component)
    except Exception as error:
        traceback.print_exc()
        _tell_last(supervisor, f"{type(error).__name__}: {error}", "supervisor")
    sys.exit(1)


def _tell_last(supervisor: Supervisor, problem: str, component: str) -> None:
    cluster = supervisor.cluster
    log = cluster.logs / f"{component}.log"
    # Once it was ready nobody listens any more, and whoever looks next reads the file; a cluster that is being removed has no folder.
    with contextlib.suppress(OSError):
        cluster.failure.write_text(f"{problem} (log: {log})\n")
        supervisor.tell(failed=problem, log=str(log))
