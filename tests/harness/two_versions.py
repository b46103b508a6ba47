"""Two versions of an application behind a Service each, for tests of routers: what they are asked, and which one answers how often."""

from __future__ import annotations

import collections
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._cluster.auth import connect
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Transport
from ansible_collections.progressive.delivery.tests.harness.calls import until
from ansible_collections.progressive.delivery.tests.harness.load import Load, Results
from ansible_collections.progressive.delivery.tests.harness.namespace import NAMESPACES, Namespace, fresh_namespace
from ansible_collections.progressive.delivery.tests.harness.pods import received
from ansible_collections.progressive.delivery.tests.harness.stats import describe, fits

STABLE, CANARY = "blue", "yellow"  # the versions, as they answer
HTTP_PORT, TLS_PORT, GRPC_PORT = 80, 443, 50051  # of both Services
RATES = {"_TCP": 1000.0, "_TLS": 400.0, "": 1500.0}  # requests a second, by the end of the gateway's name: what two cores can do

# TCP has no host to tell applications apart: every namespace has a slot of its own, and with it a port of each gateway.
SLOTS = range(10)
SLOT_LABEL = "cluster.test/slot"


class TwoVersions(Namespace):
    """Deployments and Services `shop` (blue) and `shop-canary` (yellow); `host` is a name that no other has."""

    name = "shop"
    canary = "shop-canary"

    def __init__(self, transport: Transport, namespace: str, kubeconfig: str, slot: int) -> None:
        super().__init__(transport, namespace, kubeconfig)
        self.slot = slot

    def apply(self, replicas: int) -> TwoVersions:
        for name, version in ((self.name, STABLE), (self.canary, CANARY)):
            self.make(_deployment(name, version, replicas))
            self.make(_service(name))
        for name in (self.name, self.canary):
            self.wait_for_pods(replicas, name)
            self.wait_for_endpoints(name)
        return self

    def snapshot(self, *kinds: str) -> dict[str, Any]:
        """Without kinds: Services, Deployments, Ingresses, what keeps our notes, and every kind of which an object was made here."""
        return super().snapshot(*(kinds or sorted({"Service", "Deployment", "Ingress", "ConfigMap", "Lease", *self.kinds})))

    @contextmanager
    def visit(self) -> Iterator[TwoVersions]:
        """With a host that no other visit has, as routers go on for a moment with what is deleted; what is made goes afterwards."""
        before = set(self.snapshot())
        self.host = f"{uuid.uuid4().hex[:8]}.{self.namespace}.local"
        try:
            yield self
        finally:
            for name in set(self.snapshot()) - before:
                self.delete(*name.split("/"))

    # Gateways

    def parent(self, router: str, listener: str = "http") -> dict[str, Any]:
        """A parentRef to the ready-made Gateway of ISTIO_API or TRAEFIK: its listener http, tls (passthrough) or tcp (of this slot)."""
        namespace, _slash, name = os.environ[f"SHARED_GATEWAY_{router}"].partition("/")
        return {"name": name, "namespace": namespace, "sectionName": f"tcp-{self.slot}" if listener == "tcp" else listener}

    def port(self, router: str, listener: str = "http") -> int:
        """Of the ready-made Gateway of ISTIO, ISTIO_API or TRAEFIK."""
        return self.address(f"GATEWAY_{router}" + {"http": "", "tls": "_TLS", "tcp": "_TCP"}[listener])[1]

    def address(self, gateway: str) -> tuple[str, int]:
        """Host and port of a GATEWAY_* variable; one that ends in _TCP names the port of slot 0."""
        host, _colon, port = os.environ[gateway].rpartition(":")
        return host, int(port) + (self.slot if gateway.endswith("_TCP") else 0)

    # Traffic. What `request` may hold: path, query, method, headers, cookies, host_header, rate, fresh and what else Load takes.

    def load(self, gateway: str, count: int = 1_000_000, path: str = "/", **request: Any) -> Load:
        """Traffic through a gateway (GATEWAY_ISTIO, ...), to be started; TCP and TLS gateways get a connection for each request."""
        host, port = self.address(gateway)
        end = gateway[-4:] if gateway.endswith(("_TCP", "_TLS")) else ""
        url = f"{'https' if end == '_TLS' else 'http'}://{host}:{port}{path}"
        how = {"host_header": self.host, "rate": RATES[end], "connections": 300, "fresh": bool(end), "max_requests": count}
        return Load(url, **{**how, **request})

    def ask(self, gateway: str, count: int = 1, **request: Any) -> Results:
        """What came of this many requests."""
        return self.load(gateway, count, **request).start().wait()

    def see(self, gateway: str, **request: Any) -> dict[str, Any]:
        """One answer of a pod: version, pod, namespace, and what it saw of the request: method, host, path, protocol, headers."""
        load = self.load(gateway, 1, **request)
        load.start().wait()
        return dict(json.loads(load.last_body))

    def wait_for(self, gateway: str, *versions: str, **request: Any) -> None:
        """Until these versions answer, no other, and nothing fails: then the router has got its configuration."""

        def served() -> bool:
            results = self.ask(gateway, 30, **request)
            return not results.failures and set(results.versions) == set(versions)

        until(f"{' and '.join(versions)} answer through {gateway}", served)

    def split(self, gateway: str, count: int = 4000, **request: Any) -> collections.Counter[str]:
        """How many of the requests each version answered; none may fail."""
        results = self.ask(gateway, count, **request)
        assert not results.failures, results.summary()
        assert len(results.requests) == count, results.summary()
        return results.versions

    def received(self, version: str) -> int:
        """How many requests the pods of a version have got so far, mirrored copies among them."""
        return received(self.transport, self.namespace, version)

    def check_split(self, gateway: str, weight: float, total: float = 100, count: int = 4000, **request: Any) -> None:
        """The canary gets weight of total, within the 99.9999 % interval, and the stable version all others."""
        versions = self.split(gateway, count, **request)
        assert set(versions) <= {STABLE, CANARY}, versions
        assert fits(versions[CANARY], count, weight / total), describe(versions[CANARY], count, weight / total)


def _deployment(name: str, tag: str, replicas: int) -> dict[str, Any]:
    ports = [{"name": "http", "containerPort": 8080}, {"name": "https", "containerPort": 8443}]
    container = {"name": "shop", "image": f"argoproj/rollouts-demo:{tag}", "ports": ports}
    labels = {"app": name}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def _service(name: str) -> dict[str, Any]:
    ports = [
        {"name": "http", "port": HTTP_PORT, "targetPort": "http"},
        {"name": "https", "port": TLS_PORT, "targetPort": "https"},
        {"name": "grpc", "port": GRPC_PORT, "targetPort": "http", "appProtocol": "kubernetes.io/h2c"},
    ]
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"selector": {"app": name}, "ports": ports}}


def _free_slot(transport: Transport) -> int:
    found = transport.request("GET", NAMESPACES, {"labelSelector": SLOT_LABEL}).body["items"]
    taken = {int(item["metadata"]["labels"][SLOT_LABEL]) for item in found}
    return next(slot for slot in SLOTS if slot not in taken)


@contextmanager
def two_versions(kubeconfig: str = "", replicas: int = 2) -> Iterator[TwoVersions]:
    """In a new namespace, which goes at the end; without a router, which is the test's to make."""
    kubeconfig = kubeconfig or os.environ["KUBECONFIG"]
    with closing(connect({"kubeconfig": kubeconfig})) as transport:
        slot = _free_slot(transport)
        with fresh_namespace(transport, {SLOT_LABEL: str(slot)}) as name:
            yield TwoVersions(transport, name, kubeconfig, slot).apply(replicas)
