"""Switches between two workloads in memory: the application, calls of bluegreen_switch, and the judge of what its users see."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Transport
from ansible_collections.progressive.delivery.plugins.module_utils._module.switches import switched
from ansible_collections.progressive.delivery.plugins.module_utils._objects.edits import ANNOTATION
from ansible_collections.progressive.delivery.plugins.module_utils._workloads import switches
from ansible_collections.progressive.delivery.tests.harness.memory.cluster import MemoryCluster
from ansible_collections.progressive.delivery.tests.harness.memory.judge import Judge
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE

Object = dict[str, Any]

SHOP, PREVIEW, BLUE, GREEN = "shop", "shop-preview", "shop-blue", "shop-green"
GRACE, LAG, DRAIN = 5.0, 4.0, 4.5  # what the call waits; how late proxies may be, and how long requests take
ROUTER: Object = {"type": "istio", "name": SHOP}
DEFAULTS: Object = {
    "state": "present",
    "target": GREEN,
    "active_service": SHOP,
    "preview_service": None,
    "target_kind": "Deployment",
    "swap_preview": False,
    "min_ready": None,
    "scale_down": True,
    "scale_down_delay": "20s",
    "routers": [],
    "grace": GRACE,
    "probe": None,
}


def workload(name: str, kind: str = "Deployment", **more: Any) -> Object:
    """One of the versions, known by its colour."""
    labels = {"app": SHOP, "colour": name.rpartition("-")[2], **more.pop("labels", {})}
    container = {"name": SHOP, "image": f"argoproj/rollouts-demo:{more.pop('tag', 'blue')}"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [{**container, "ports": [{"name": "http", "containerPort": 8080}]}]},
    }
    size = {} if kind == "DaemonSet" else {"replicas": 2}
    spec = {"selector": {"matchLabels": labels}, "template": template, **size, **more}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def service(name: str, **selector: str) -> Object:
    """A Service before the pods of a colour, or of all."""
    spec = {"selector": {"app": SHOP, **selector}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def virtual_service(**destination: str) -> Object:
    """Leads to the active Service, or a subset of it."""
    spec = {"hosts": ["shop.local"], "http": [{"name": "primary", "route": [{"destination": {"host": SHOP, **destination}}]}]}
    return {"apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService", "metadata": {"name": SHOP}, "spec": spec}


BOTH = (workload(BLUE), workload(GREEN))
PLAIN = (*BOTH, service(SHOP, colour="blue"))
PREVIEWED = (*PLAIN, service(PREVIEW, colour="green"))


@dataclass(frozen=True)
class Case:
    """options: of every call. objects: the application. entrances: the names of VirtualServices, and of Services asked without one."""

    options: Object
    objects: tuple[Object, ...] = PLAIN
    virtual_services: tuple[str, ...] = ()
    services: tuple[str, ...] = (SHOP,)


CASES = {
    "Service only": Case({}),
    "Service only, at once": Case({"scale_down_delay": 0}),
    "preview follows": Case({"preview_service": PREVIEW}, PREVIEWED),
    "preview swaps": Case({"preview_service": PREVIEW, "swap_preview": True}, PREVIEWED),
    "through a router": Case({"preview_service": PREVIEW, "routers": [ROUTER]}, (*PREVIEWED, virtual_service()), (SHOP,)),
    "through a router, preview swaps": Case(
        {"preview_service": PREVIEW, "routers": [ROUTER], "swap_preview": True}, (*PREVIEWED, virtual_service()), (SHOP,)
    ),
    "StatefulSets": Case(
        {"target_kind": "StatefulSet"},
        (
            *(workload(name, "StatefulSet", serviceName=SHOP, podManagementPolicy="Parallel") for name in (BLUE, GREEN)),
            service(SHOP, colour="blue"),
        ),
    ),
    "from a Deployment to a DaemonSet": Case(
        {"target_kind": "DaemonSet"}, (workload(BLUE), workload(GREEN, "DaemonSet"), service(SHOP, colour="blue"))
    ),
    "a selector that takes all": Case({}, (workload(BLUE), workload(GREEN, replicas=0), service(SHOP))),
}


@dataclass
class Stage:
    """One cluster with one case on it, and the judge of what its users see."""

    case: Case
    cluster: MemoryCluster
    judge: Judge
    warnings: list[str] = field(default_factory=list)

    def call(self, transport: Transport | None = None, **options: Any) -> Object:
        """One call, as a new process makes it; raises what the call raises. check, wait, on_drift: as the module's."""
        time = self.cluster.time
        ctx = Context(Client(transport or self.cluster.server, time), time, NAMESPACE, "")
        for manner in ("check", "wait", "on_drift"):
            if manner in options:
                setattr(ctx, manner, options.pop(manner))
        result = switched(ctx, {**DEFAULTS, **self.case.options, **options}, time.monotonic())
        self.warnings = ctx.journal.warnings
        return {"changed": ctx.journal.changed, "diff": ctx.journal.diff, **result}

    def all(self, kind: str) -> list[Object]:
        return [obj for each, objects in self.cluster.store.objects.items() if each.kind == kind for obj in objects.values()]

    def end_state(self) -> Object:
        """What users see when nothing moves any more."""
        self.cluster.time.sleep(60.0)
        kinds = ("Deployment", "StatefulSet", "DaemonSet", "Service", "VirtualService", "DestinationRule")
        found: Object = {f"{kind}/{obj['metadata']['name']}": _lasting(obj) for kind in kinds for obj in self.all(kind)}
        return {**found, "pods": sorted(pod["metadata"]["labels"]["colour"] for pod in self.all("Pod"))}


def _lasting(obj: Object) -> Object:
    """Without what tells of times, and of who called."""
    annotations = dict(obj["metadata"].get("annotations") or {})
    for key in [key for key in annotations if key.startswith(("deployment.kubernetes.io/", "deprecated.daemonset"))]:
        del annotations[key]
    if ANNOTATION in annotations:
        annotations[ANNOTATION] = json.loads(annotations[ANNOTATION])["fields"]
    if switches.ANNOTATION in annotations:
        memory = json.loads(annotations[switches.ANNOTATION])
        annotations[switches.ANNOTATION] = {key: value for key, value in memory.items() if key not in ("run", "at", "waiting")}
    spec = {key: value for key, value in (obj.get("spec") or {}).items() if key not in ("clusterIP", "clusterIPs")}
    return {"labels": obj["metadata"].get("labels") or {}, "annotations": annotations, "spec": spec}


def stage(case: Case) -> Stage:
    """A cluster with the application of a case, at rest."""
    cluster = MemoryCluster().apply(*case.objects)
    return Stage(case, cluster, Judge(cluster, case.virtual_services, case.services, LAG, DRAIN))
