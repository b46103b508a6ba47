"""The seed's application run by every kind of workload, each prepared as its style of release needs it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.progressive.delivery.tests.harness.application import Application, until
from ansible_collections.progressive.delivery.tests.harness.mortal import PHASES, through_deaths

REPLICAS = 3
NAME = "rollouts-demo"


def _kept(app: Application) -> None:
    app.scale(REPLICAS)


def _graceful(app: Application) -> None:
    """Pods with traffic are ended: they end gracefully."""
    app.scale(REPLICAS)
    app.change_container(lifecycle={"preStop": {"sleep": {"seconds": 4}}})
    app.wait_for_pods(REPLICAS)
    until("its new pods alone answer", lambda: {request.pod for request in app.sent(60)} == set(app.names("Pod")))


def _with_a_second_deployment(app: Application) -> None:
    """As its user keeps it: with a version of its own, and no pods."""
    app.scale(REPLICAS)
    other = copy.deepcopy(app.get("Deployment"))
    other["metadata"] = {"name": f"{app.name}-canary"}
    other["spec"]["selector"]["matchLabels"] = {"app": f"{app.name}-canary"}
    other["spec"]["template"]["metadata"]["labels"] = {"app": f"{app.name}-canary"}
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "argoproj/rollouts-demo:red"
    other["spec"]["replicas"] = 0
    app.request("POST", "Deployment", body=other)
    app.patch("Service", f"{app.name}-canary", {"spec": {"selector": {"app": f"{app.name}-canary"}}})


def _as(kind: str, **more: Any) -> Callable[[Application], None]:
    def change(app: Application) -> None:
        """The Deployment's pods, run by another kind of workload. Pods with traffic are ended in this style: they end gracefully."""
        spec = copy.deepcopy(app.get("Deployment")["spec"])
        spec["template"]["spec"]["containers"][0]["lifecycle"] = {"preStop": {"sleep": {"seconds": 4}}}
        own = {"selector": spec["selector"], "template": spec["template"], **more}
        app.make({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": app.name}, "spec": own})
        count = more.get("replicas", 2)
        ready = {"StatefulSet": "readyReplicas", "DaemonSet": "numberReady"}[kind]
        until(f"{kind} is ready", lambda: app.get(kind).get("status", {}).get(ready) == count)
        app.delete("Deployment")
        app.wait_for("blue")
        until("its pods are alone", lambda: len(app.names("Pod")) == count)

    return change


# What the plan says, and what the application is like.
STYLES: dict[str, tuple[dict[str, Any], Callable[[Application], None]]] = {
    "clone": ({"workload": {"name": NAME}}, _kept),
    "rolling": ({"workload": {"name": NAME}, "promotion": "rolling"}, _graceful),
    "replicas": ({"workload": {"name": NAME}, "routers": [{"type": "replicas"}], "services": {"stable": NAME}}, _graceful),
    "revisions": ({"workload": {"name": NAME, "style": "revisions"}}, _kept),
    "pair": ({"workload": {"name": NAME, "style": "pair"}}, _with_a_second_deployment),
    "StatefulSet": ({"workload": {"name": NAME, "kind": "StatefulSet"}}, _as("StatefulSet", serviceName="", replicas=REPLICAS)),
    "DaemonSet": ({"workload": {"name": NAME, "kind": "DaemonSet"}}, _as("DaemonSet")),
}


class Styled:
    """The application, released in one style."""

    def __init__(self, app: Application, options: dict[str, Any]) -> None:
        self.app, self.options = app, options
        self.workload = options["workload"]
        self.kind = self.workload.get("kind", "Deployment")
        self.lasting = self.workload.get("style") == "revisions"  # a release leaves something behind until the hand-back

    def plan(self, image: str, *steps: Any, **more: Any) -> dict[str, Any]:
        delays = {"scale_down_delay": "2s", "abort_scale_down_delay": "1s"} if self.lasting else {}
        plan = self.app.plan(image, list(steps), **self.options, grace="2s", **more)
        return {**plan, "canary": {**plan["canary"], **delays}}

    def release(self, image: str, *steps: Any, **more: Any) -> dict[str, Any]:
        return self.app.module("rollout_step", self.plan(image, *steps, **more))

    def release_through_deaths(self, folder: Path, which: str, image: str, *steps: Any, **more: Any) -> dict[str, Any]:
        """The result of the call that came to the end; all those before it were killed."""
        target = {"namespace": self.app.namespace, "kubeconfig": self.app.kubeconfig}
        result, places = through_deaths({**self.plan(image, *steps, **more), **target}, folder, which)
        assert places == PHASES if which == "phase" else len(places) > 30, places
        return result

    def call(self, **options: Any) -> dict[str, Any]:
        return self.app.module("rollout_step", {"name": self.app.name, "wait_timeout": 60, **options})

    def snapshot(self) -> dict[str, Any]:
        kinds = ["VirtualService", "Service", "Deployment", "ConfigMap", "Lease", *({self.kind} - {"Deployment"})]
        return self.app.snapshot(*kinds)


def styled_as(app: Application, style: str) -> Styled:
    """The application, prepared for one of STYLES."""
    options, prepare = STYLES[style]
    prepare(app)
    return Styled(app, options)
