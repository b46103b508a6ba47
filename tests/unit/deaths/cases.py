"""The rollouts that are killed and disturbed in memory: each an application and a plan; a new style is a line in CASES."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._actions import rollout
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Transport
from ansible_collections.progressive.delivery.plugins.module_utils._objects.edits import ANNOTATION
from ansible_collections.progressive.delivery.plugins.module_utils._objects.seals import read_key
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.marks import ROLLOUT
from ansible_collections.progressive.delivery.tests.harness.memory.admission import Webhook
from ansible_collections.progressive.delivery.tests.harness.memory.cluster import MemoryCluster
from ansible_collections.progressive.delivery.tests.harness.memory.ingress_nginx import PREFIX
from ansible_collections.progressive.delivery.tests.harness.memory.judge import Judge
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE

Object = dict[str, Any]

NAME = "rollouts-demo"
GRACE, LAG, DRAIN = 5.0, 4.0, 4.5  # what the plan waits; how late proxies may be, and how long requests take
GRACEFUL = 8.0  # seconds that a graceful pod serves after it was told to go


@dataclass(frozen=True)
class Case:
    """steps: of the plan. workload: how the plan names it. objects: the application. services: those that are asked without a router.

    graceful: its pods serve until they are gone, since the style restarts pods under traffic. image: the tag that is released.
    more: of the plan. edited: the image that the workload gets after a first call, and that the release is of.
    declared: the stable Service and the VirtualService that the plan declares, and that are not among the objects.
    ingresses: those that ingress-nginx serves; with any, they are the plan's routers.
    """

    steps: list[Any]
    objects: tuple[Object, ...]
    workload: dict[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = (NAME,)
    graceful: bool = False
    image: str = "yellow"
    more: dict[str, Any] = field(default_factory=dict)
    edited: str = ""
    declared: tuple[Object, ...] = ()
    ingresses: tuple[str, ...] = ()

    def plan(self) -> dict[str, Any]:
        specs = {each["kind"]: each["spec"] for each in self.declared}
        ports = {"ports": specs["Service"]["ports"]} if "Service" in specs else {}
        spec = {"spec": specs["VirtualService"]} if "VirtualService" in specs else {}
        nginx = [{"type": "ingress_nginx", "name": name} for name in self.ingresses]
        return {
            "workload": {"name": NAME, **self.workload},
            "revision": None if self.edited else {"images": {NAME: f"argoproj/rollouts-demo:{self.image}"}},
            "services": {"stable": NAME, "canary": f"{NAME}-canary", **ports},
            "routers": nginx or [{**_ISTIO[0], **spec}],
            "canary": {"steps": self.steps},
            "grace": GRACE,
            **self.more,
        }


def workload(kind: str, name: str = NAME, labels: Object | None = None, **spec: Any) -> Object:
    """The seed's application as a workload of this kind."""
    labels = {"app": NAME, **(labels or {})}
    container = {"name": NAME, "image": "argoproj/rollouts-demo:blue", "ports": [{"name": "http", "containerPort": 8080}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    whole = {"selector": {"matchLabels": labels}, "template": template, **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": whole}


def service(name: str, selector: Object | None = None) -> Object:
    """A Service before its pods, or before those with more labels."""
    spec = {"selector": {"app": NAME, **(selector or {})}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def virtual_service(canary: bool = True) -> Object:
    """All requests go to the stable Service. canary: the other one stands in the route, too."""
    route = [{"destination": {"host": NAME}, "weight": 100}, {"destination": {"host": f"{NAME}-canary"}, "weight": 0}]
    route = route if canary else [{"destination": {"host": NAME}}]
    spec = {"hosts": ["rollouts-demo.local"], "http": [{"name": "primary", "route": route}]}
    return {"apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService", "metadata": {"name": NAME}, "spec": spec}


def ingress(name: str = NAME, **annotations: str) -> Object:
    """All requests for a host of its own go to the stable Service. annotations: ingress-nginx's, without their prefix."""
    backend = {"service": {"name": NAME, "port": {"number": 80}}}
    rule = {"host": f"{name}.local", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    metadata = {"name": name, "annotations": {f"{PREFIX}{key.replace('_', '-')}": value for key, value in annotations.items()}}
    spec = {"ingressClassName": "nginx", "rules": [rule]}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": spec}


_ROUTER = (service(NAME), virtual_service())
_BOTH = (*_ROUTER, service(f"{NAME}-canary"))
_UP_AND_DOWN = [{"set_weight": 50}, {"set_weight": 20}]
_HEADER_ROUTE = {"set_header_route": {"name": "qa", "matches": [{"headers": {"x-team": "qa"}}]}}
_IN_PLACE = {"style": "in_place"}
_ISTIO = [{"type": "istio", "name": NAME, "routes": ["primary"]}]


def bluegreen(**options: Any) -> Object:
    """What makes a plan one of blue-green, without routers and without waiting for anybody."""
    part = {"auto_promotion": True, "scale_down_delay": 2, "abort_scale_down_delay": 1, **options}
    return {"bluegreen": part, "canary": None, "routers": None, "services": {"active": NAME, "preview": f"{NAME}-canary"}}


CASES = {
    "clone": Case(_UP_AND_DOWN, (workload("Deployment"), *_BOTH)),
    "clone with a bystander, the canary Service made": Case(
        [{"set_weight": 50}], (workload("Deployment", replicas=3), service("other"), *_ROUTER), services=(NAME, "other")
    ),
    "clone that makes what is declared": Case([{"set_weight": 50}], (workload("Deployment", replicas=2),), services=(), declared=_ROUTER),
    "clone that shrinks": Case(
        [{"set_weight": 100}, {"set_weight": 0}, {"pause": {"duration": 3}}, {"set_weight": 25}],
        (workload("Deployment", replicas=4), *_BOTH),
    ),
    "clone under a share of the traffic": Case(
        _UP_AND_DOWN, (workload("Deployment", replicas=3), *_BOTH), graceful=True, more={"promotion": "rolling"}
    ),
    "clone, held": Case(
        _UP_AND_DOWN, (workload("Deployment", replicas=2), *_BOTH), more={"hold": True}, edited="argoproj/rollouts-demo:yellow"
    ),
    "clone, shares of pods": Case(
        [{"set_weight": 50}, {"set_weight": 20}, {"set_weight": 80}],
        (workload("Deployment", replicas=4), service("other"), service(NAME), virtual_service(canary=False)),
        services=(NAME, "other"),
        graceful=True,
        more={"routers": [{"type": "replicas"}], "services": {"stable": NAME}},
    ),
    "revisions": Case(_UP_AND_DOWN, (workload("Deployment", replicas=2), *_BOTH), {"style": "revisions"}),
    "pair": Case(
        _UP_AND_DOWN,
        (
            workload("Deployment", labels={"track": "stable"}, replicas=2),
            workload("Deployment", f"{NAME}-canary", {"track": "canary"}, replicas=1),
            service(NAME, {"track": "stable"}),
            virtual_service(),
        ),
        {"style": "pair"},
    ),
    "StatefulSet": Case(
        _UP_AND_DOWN, (workload("StatefulSet", replicas=3, serviceName=NAME), *_BOTH), {**_IN_PLACE, "kind": "StatefulSet"}, graceful=True
    ),
    "blue-green, clone": Case(
        [],
        (workload("Deployment", replicas=3), service("other"), service(NAME), virtual_service(canary=False)),
        services=(NAME, "other"),
        more=bluegreen(preview_replicas=1, active_labels={"role": "active"}, preview_labels={"role": "preview"}),
    ),
    "blue-green, clone, mirrored": Case(
        [], (workload("Deployment", replicas=2), *_BOTH), more={**bluegreen(mirror=50, auto_promotion_after=3), "routers": _ISTIO}
    ),
    "blue-green, clone, mirrored by ingress-nginx": Case(
        [],
        (workload("Deployment", replicas=2), service(NAME), ingress(), ingress("second")),
        ingresses=(NAME, "second"),
        more={
            **bluegreen(mirror=100, auto_promotion_after=3),
            "routers": [{"type": "ingress_nginx", "name": name, "allow_mirror_reload": True} for name in (NAME, "second")],
        },
    ),
    "blue-green, revisions": Case([], (workload("Deployment", replicas=2), *_BOTH), {"style": "revisions"}, more=bluegreen()),
    "blue-green, pair": Case(
        [],
        (
            workload("Deployment", labels={"track": "stable"}, replicas=2),
            workload("Deployment", f"{NAME}-canary", {"track": "canary"}, replicas=1),
            service(NAME, {"track": "stable"}),
            virtual_service(canary=False),
        ),
        {"style": "pair"},
        more=bluegreen(),
    ),
    "blue-green, StatefulSet": Case(
        [],
        (workload("StatefulSet", replicas=4, serviceName=NAME), *_BOTH),
        {**_IN_PLACE, "kind": "StatefulSet"},
        graceful=True,
        more=bluegreen(),
    ),
    "clone, ingress-nginx": Case(
        _UP_AND_DOWN, (workload("Deployment", replicas=2), service(NAME), ingress()), ingresses=(NAME,), services=()
    ),
    "clone, ingress-nginx, clients that stay": Case(
        [_HEADER_ROUTE, {"set_weight": 50}, {"set_weight": 0}, {"set_weight": 20}],
        (workload("Deployment", replicas=2), service(NAME), ingress(affinity="cookie"), ingress("second")),
        ingresses=(NAME, "second"),
    ),
    "revisions, ingress-nginx": Case(
        _UP_AND_DOWN, (workload("Deployment", replicas=2), service(NAME), ingress()), {"style": "revisions"}, ingresses=(NAME,)
    ),
    "StatefulSet, ingress-nginx": Case(
        [{"set_weight": 50}],
        (workload("StatefulSet", replicas=3, serviceName=NAME), service(NAME), ingress(affinity="cookie")),
        {**_IN_PLACE, "kind": "StatefulSet"},
        graceful=True,
        ingresses=(NAME,),
    ),
    "DaemonSet": Case([{"set_weight": 50}], (workload("DaemonSet"), *_BOTH), {**_IN_PLACE, "kind": "DaemonSet"}, graceful=True),
}


@dataclass
class Stage:
    """One cluster with one case on it, and the judge of what its users see."""

    case: Case
    cluster: MemoryCluster
    judge: Judge
    warnings: list[str] = field(default_factory=list)

    def call(self, transport: Transport | None = None, **wish: Any) -> rollout.Run:
        """One call, as a new process makes it; raises what the call raises.

        options: of the plan, beside the case's. recorded: the plan is the record's. key: the record_key; accept: also what has no seal.
        on_drift, wait, wait_timeout: as the module's.
        """
        recorded = wish.pop("recorded", False) or "undo" in wish or wish.get("state", "present") != "present"
        plan = {**({} if recorded else self.case.plan()), **wish.pop("options", {})}
        server = transport or self.cluster.server
        until = wish.pop("until", "end")
        manners: Object = {key: wish.pop(key) for key in ("on_drift", "wait", "wait_timeout") if key in wish}
        ctx = Context(Client(server, self.cluster.time), self.cluster.time, NAMESPACE, NAME, **manners)
        ctx.check = wish.pop("check", False)
        ctx.seal, ctx.accept_unsealed = read_key(wish.pop("key", "")), wish.pop("accept", False)
        run = rollout.open_run(ctx, rollout.Wish(NAME, plan, until=until, **wish))
        self.warnings = ctx.journal.warnings
        rollout.carry_out(run)
        return run

    def edit(self, image: str) -> None:
        """Gives the workload another image, as `kubectl set image` does."""
        container = {"name": NAME, "image": image, "ports": [{"name": "http", "containerPort": 8080}]}
        path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}"
        body = {"spec": {"template": {"spec": {"containers": [container]}}}}
        self.cluster.server.request("PATCH", path, {}, body, "application/merge-patch+json")
        self.cluster.time.sleep(1.0)

    def end_state(self) -> Object:
        """What users see of the application, and what the record says of its rollout, when nothing moves any more.

        Former versions that are kept without pods do not count.
        """
        self.cluster.time.sleep(60.0)
        kinds = ("Deployment", "StatefulSet", "DaemonSet", "Service", "VirtualService", "Ingress")
        found: Object = {f"{kind}/{obj['metadata']['name']}": _lasting(obj) for kind in kinds for obj in self.all(kind) if not _kept(obj)}
        found["pods"] = sorted(_version(obj) for obj in self.all("Pod"))
        found["behind"] = {
            obj["metadata"]["labels"]["kubernetes.io/service-name"]: len(obj["endpoints"]) for obj in self.all("EndpointSlice")
        }
        return {**found, "phase": self.phase()}

    def phase(self) -> str | None:
        """Of the rollout, as its record says."""
        record = self.record()
        return str(record["phase"]) if record else None

    def record(self) -> Object:
        """Empty where there is none."""
        found = [obj for obj in self.all("ConfigMap") if obj["metadata"]["name"] == f"{NAME}.rollout"]
        return dict(json.loads(found[0]["data"]["record"])) if found else {}

    def all(self, kind: str) -> list[Object]:
        return [obj for each, objects in self.cluster.store.objects.items() if each.kind == kind for obj in objects.values()]


def _lasting(obj: Object) -> Object:
    """Without what tells of times and numbers; the memory of a change holds the time of its last write."""
    annotations = dict(obj["metadata"].get("annotations") or {})
    for key in [key for key in annotations if key.startswith("deployment.kubernetes.io/")]:
        del annotations[key]
    if ANNOTATION in annotations:
        annotations[ANNOTATION] = json.loads(annotations[ANNOTATION])["fields"]
    spec = {key: value for key, value in (obj.get("spec") or {}).items() if key not in ("clusterIP", "clusterIPs")}
    return {"labels": obj["metadata"].get("labels") or {}, "annotations": annotations, "spec": spec}


def _kept(obj: Object) -> bool:
    return ROLLOUT in (obj["metadata"].get("labels") or {}) and obj["spec"].get("replicas") == 0


def _version(pod: Object) -> str:
    labels = pod["metadata"]["labels"]
    return str(labels.get("pod-template-hash") or labels["controller-revision-hash"])


def stage(case: Case, *more: Object, webhooks: Sequence[Webhook] = ()) -> Stage:
    """A cluster with the application of a case, and more, at rest. webhooks: admission that has been there before it."""
    cluster = MemoryCluster(GRACEFUL if case.graceful else 0.5)
    cluster.store.webhooks.extend(webhooks)
    cluster.apply(*case.objects, *more)
    drain = GRACEFUL - LAG - 1.0 if case.graceful else DRAIN
    place = Stage(case, cluster, Judge(cluster, (NAME,), case.services, LAG, drain, case.graceful, case.ingresses))
    if case.edited:
        place.call()
        place.edit(case.edited)
    return place
