"""The other systems' applications, as their users wrote them: installed, asked, loaded and released by the vars file beside each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import yaml
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.auth import connect
from ansible_collections.progressive.delivery.tests.harness.application import ROOT, Application
from ansible_collections.progressive.delivery.tests.harness.calls import until
from ansible_collections.progressive.delivery.tests.harness.load import Load
from ansible_collections.progressive.delivery.tests.harness.namespace import fresh_namespace

SCENARIOS = ROOT / "extensions" / "molecule"
_GATEWAYS = {"VirtualService": "GATEWAY_ISTIO", "Ingress": "GATEWAY_TRAEFIK", "HTTPRoute": "GATEWAY_TRAEFIK"}


class SeedApplication(Application):
    """One seed in a namespace that others share a gateway with: its host and its gateway are the namespace's own."""

    def install(self, seed: str) -> None:
        items = yaml.safe_load((SCENARIOS / seed / "files" / "app.yaml").read_text())["items"]
        self.router = next(item["kind"] for item in items if item["kind"] in _GATEWAYS)
        self.gateway = f"http://{os.environ[_GATEWAYS[self.router]]}/"
        for item in items:
            self.make(self._own(item))
        for item in items:
            if item["kind"] == "Deployment":
                self.wait_for_pods(item["spec"]["replicas"], item["metadata"]["name"])
        until(f"{self.host} answers", lambda: not any(answer.startswith("failed") for answer in self.ask(5)))

    def _own(self, item: dict[str, Any]) -> dict[str, Any]:
        spec = item["spec"]
        if item["kind"] == "VirtualService":
            spec.update(hosts=[self.host], gateways=[os.environ["SHARED_GATEWAY_ISTIO"]])
        elif item["kind"] == "Ingress":
            spec["rules"][0]["host"] = self.host
        elif item["kind"] == "HTTPRoute":
            namespace, _slash, name = os.environ["SHARED_GATEWAY_TRAEFIK"].partition("/")
            spec.update(hostnames=[self.host], parentRefs=[{"name": name, "namespace": namespace, "sectionName": "http"}])
        return item

    def answers(self, count: int, headers: Mapping[str, str] | None = None) -> list[str]:
        """The versions that answer requests with these headers."""
        with Load(self.gateway, host_header=self.host, rate=1000, connections=5, max_requests=count, headers=dict(headers or {})) as load:
            results = load.wait()
        return [request.version if not request.failed else f"failed {request.status}" for request in results.requests]

    def variables(self, seed: str, **more: Any) -> dict[str, Any]:
        """Those of the seed's vars file, in this namespace."""
        given = yaml.safe_load((SCENARIOS / seed / "vars" / "canary.yml").read_text())
        return {**given, "canary_namespace": self.namespace, **more}

    def everything(self) -> dict[str, Any]:
        """All that is the user's, or was made for the release."""
        return self.snapshot("Service", "Deployment", "ConfigMap", "Lease", self.router)


@contextmanager
def installed(seed: str, kubeconfig: str) -> Iterator[SeedApplication]:
    """The seed's application in a new namespace, which goes at the end."""
    with closing(connect({"kubeconfig": kubeconfig})) as transport, fresh_namespace(transport) as name:
        made = SeedApplication(transport, name, kubeconfig)
        made.install(seed)
        yield made
