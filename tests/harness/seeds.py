"""The other systems' applications, as their users wrote them: installed, asked, loaded and released by the vars file beside each."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import yaml
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.auth import connect
from ansible_collections.progressive.delivery.tests.harness.application import ROOT, Application
from ansible_collections.progressive.delivery.tests.harness.calls import until
from ansible_collections.progressive.delivery.tests.harness.namespace import fresh_namespace

SCENARIOS = ROOT / "extensions" / "molecule"
_ROUTERS = {
    "istio": ("VirtualService", "GATEWAY_ISTIO"),
    "ingress_nginx": ("Ingress", "GATEWAY_TRAEFIK"),
    "gateway_api": ("HTTPRoute", "GATEWAY_TRAEFIK"),
}


class SeedApplication(Application):
    """One seed in a namespace that others share a gateway with: its host and its gateway are the namespace's own."""

    def install(self, seed: str, *left_out: str) -> None:
        """left_out: kinds of its objects that are not made."""
        items = [each for each in _read(seed, "files/app.yaml")["items"] if each["kind"] not in left_out]
        self.router, gateway = _ROUTERS[_read(seed, "vars/canary.yml")["canary_routers"][0]["type"]]
        self.gateway = f"http://{os.environ[gateway]}/"
        for item in items:
            self._here(item["kind"], item["spec"])
            self.make(item)
        for item in items:
            if item["kind"] == "Deployment":
                self.wait_for_pods(item["spec"]["replicas"], item["metadata"]["name"])
        if self.router in [item["kind"] for item in items]:
            self.wait_until_served()

    def wait_until_served(self) -> None:
        until(f"{self.host} answers", lambda: not any(answer.startswith("failed") for answer in self.ask(5)))

    def _here(self, kind: str, spec: dict[str, Any]) -> None:
        """Gives a spec this namespace's host and gateway."""
        if kind == "VirtualService":
            spec.update(hosts=[self.host], gateways=[os.environ["SHARED_GATEWAY_ISTIO"]])
        elif kind == "Ingress":
            spec["rules"][0]["host"] = self.host
        elif kind == "HTTPRoute":
            namespace, _slash, name = os.environ["SHARED_GATEWAY_TRAEFIK"].partition("/")
            spec.update(hostnames=[self.host], parentRefs=[{"name": name, "namespace": namespace, "sectionName": "http"}])

    def variables(self, seed: str, **more: Any) -> dict[str, Any]:
        """Those of the seed's vars file, in this namespace."""
        given = _read(seed, "vars/canary.yml")
        for router in given["canary_routers"]:
            if "spec" in router:
                self._here(self.router, router["spec"])
        return {**given, "canary_namespace": self.namespace, **more}

    def everything(self) -> dict[str, Any]:
        """All that is the user's, or was made for the release."""
        return self.snapshot("Service", "Deployment", "ConfigMap", "Lease", self.router)


def _read(seed: str, path: str) -> Any:
    return yaml.safe_load((SCENARIOS / seed / path).read_text())


@contextmanager
def installed(seed: str, kubeconfig: str, *left_out: str) -> Iterator[SeedApplication]:
    """The seed's application in a new namespace, which goes at the end."""
    with closing(connect({"kubeconfig": kubeconfig})) as transport, fresh_namespace(transport) as name:
        made = SeedApplication(transport, name, kubeconfig)
        made.install(seed, *left_out)
        yield made
