"""The hazards of a rollout as objects on a cluster, and what rollout_preflight_info must find of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ansible_collections.progressive.delivery.tests.harness import objects
from ansible_collections.progressive.delivery.tests.harness.application import Application

Object = dict[str, Any]
NAME = Application.name
CLONE = f"{NAME}-canary"
POD = {"app": NAME}
BLUE = "argoproj/rollouts-demo:blue"


def item(api_version: str, kind: str, name: str, spec: Object, **metadata: Any) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


def service(name: str, selector: Object, **spec: Any) -> Object:
    return item("v1", "Service", name, {"selector": selector, "ports": [{"name": "http", "port": 80, "targetPort": "http"}], **spec})


def autoscaler(name: str, target: str, least: int) -> Object:
    reference = {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}
    return item("autoscaling/v2", "HorizontalPodAutoscaler", name, {"scaleTargetRef": reference, "minReplicas": least, "maxReplicas": 9})


def budget(name: str, **spec: Any) -> Object:
    return item("policy/v1", "PodDisruptionBudget", name, {"selector": {"matchLabels": POD}, **spec})


def claim(name: str, mode: str) -> Object:
    return item("v1", "PersistentVolumeClaim", name, {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}})


def mounting(name: str) -> Object:
    return {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}]}


def plain_deployment(name: str, labels: Object) -> Object:
    made = objects.deployment(name, "a:1")
    made["spec"]["template"]["metadata"]["labels"] = made["spec"]["selector"]["matchLabels"] = labels
    return {"apiVersion": "apps/v1", "kind": "Deployment", **made}


def container(**fields: Any) -> Object:
    """Pods with this one container, as the application's but for the fields."""
    return {"containers": [{"name": NAME, "image": BLUE, "ports": [{"name": "http", "containerPort": 8080}], **fields}]}


@dataclass(frozen=True)
class Case:
    """make: objects beside the application. patch: by `Kind/name`, what the application has otherwise; template: its pods.

    options: of the plan. findings: beginnings of all that is found, with F or W before: `F Service {ns}/x is headless`; more: and others.
    """

    name: str
    findings: list[str]
    make: list[Object] = field(default_factory=list)
    patch: dict[str, Object] = field(default_factory=dict)
    template: Object = field(default_factory=dict)
    options: Object = field(default_factory=dict)
    more: bool = False


WORKLOAD = f"Deployment {{ns}}/{NAME}"
STABLE = f"Service {{ns}}/{NAME}"
NOT_ROLLED_OUT = f"F {WORKLOAD} is not fully rolled out"
ARGO: Object = {"metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "shop:x/y:ns/name"}}}
FLUX: Object = {"metadata": {"labels": {"helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "flux"}}}
NO_ROOM = f"has no room for the clone of Deployment {NAME}, which needs at its greatest"
KEPT = "is kept by Argo CD (Application shop), which may put back what the rollout sets"
ADD = "add to spec.ignoreDifferences of Application shop"
TOGETHER = "pods in the promotion"
AFFINITY = {"labelSelector": {"matchLabels": POD}, "topologyKey": "kubernetes.io/os"}

ROUTE: Object = {"route": [{"destination": {"host": NAME}}]}

CASES = [
    Case("nothing", []),
    Case("no workload", ["F Deployment {ns}/nope does not exist: check its name"], options={"workload": {"name": "nope"}}),
    Case(
        "no Service",
        [
            "W Service {ns}/nope does not exist, and will be created with the ports of the containers (http 8080): name",
            f"W {STABLE} selects the same pods",
            f"F VirtualService {{ns}}/{NAME}, HTTP route primary does not lead to",
        ],
        options={"services": {"stable": "nope", "canary": CLONE}},
    ),
    Case(
        "a Service that the API server would refuse",
        [
            "F Service {ns}/nope does not exist and cannot be created ",
            f"F VirtualService {{ns}}/{NAME}, HTTP route primary does not lead to",
        ],
        options={"services": {"stable": "nope", "canary": CLONE, "ports": [{"port": 80}, {"port": 81}]}},
    ),
    Case(
        "a router that will be made",
        [],
        options={"routers": [{"type": "istio", "name": "new", "spec": {"hosts": ["a.b"], "http": [ROUTE]}}]},
    ),
    Case(
        "a router that the API server would refuse",
        ["F VirtualService {ns}/new does not exist and cannot be created"],
        options={"routers": [{"type": "istio", "name": "new", "spec": {"hosts": ["a.b"], "htp": [ROUTE]}}]},
    ),
    Case("no router", ["F VirtualService {ns}/nope does not exist"], options={"routers": [{"type": "istio", "name": "nope"}]}),
    Case(
        "two routers in trouble",
        ["F VirtualService {ns}/a does not exist", "F VirtualService {ns}/b does not exist"],
        options={"routers": [{"type": "istio", "name": name} for name in ("a", "b")]},
    ),
    Case(
        "a router that cannot do a step",
        ["F Ingress {ns}/shop cannot "],
        make=[
            item(
                "networking.k8s.io/v1",
                "Ingress",
                "shop",
                {"ingressClassName": "nginx", "defaultBackend": {"service": {"name": NAME, "port": {"number": 80}}}},
            )
        ],
        options={
            "routers": [{"type": "ingress_nginx", "name": "shop"}],
            "canary": {"steps": [{"set_header_route": {"name": "qa", "matches": [{"path": {"prefix": "/x"}}]}}]},
        },
    ),
    Case(
        "no container",
        [f"F {WORKLOAD} has no container 'nope'", f"W {WORKLOAD} runs this version already"],
        options={"revision": {"images": {"nope": "a:1"}}},
    ),
    Case("nothing new", [f"W {WORKLOAD} runs this version already"], options={"revision": {"images": {NAME: BLUE}}}),
    Case("paused", [f"F {WORKLOAD} is paused: resume it first"], patch={f"Deployment/{NAME}": {"spec": {"paused": True}}}),
    Case("scaled to nothing", [f"F {WORKLOAD} is scaled to 0"], patch={f"Deployment/{NAME}": {"spec": {"replicas": 0}}}),
    Case(
        "a port that the new version calls otherwise",
        [f"F Service {{ns}}/{NAME} leads to the port 'http'", f"F Service {{ns}}/{NAME}-canary leads to the port 'http'"],
        options={"revision": {"template": {"spec": container(image="a:1", ports=[{"name": "web", "containerPort": 8080}])}}},
    ),
    Case(
        "other labels, which a policy does not know",
        ["W NetworkPolicy {ns}/a selects the present pods of Deployment rollouts-demo and not the new ones"],
        make=[
            item(
                "networking.k8s.io/v1",
                "NetworkPolicy",
                "a",
                {"podSelector": {"matchExpressions": [{"key": "version", "operator": "DoesNotExist"}]}},
            )
        ],
        options={"revision": {"template": {"metadata": {"labels": {"version": "v2"}}}}},
    ),
    Case("in its own rollout", [NOT_ROLLED_OUT], template=container(image="a:unready-1")),
    Case("no history", [f"F {WORKLOAD} has revisionHistoryLimit 0"], patch={f"Deployment/{NAME}": {"spec": {"revisionHistoryLimit": 0}}}),
    Case(
        "the clone's name is taken",
        [f"F Deployment {{ns}}/{CLONE} exists already and was not created by rollout {NAME}: rename or delete it"],
        make=[plain_deployment(CLONE, {"app": "other"})],
    ),
    Case(
        "a Service without a cluster IP",
        ["F Service {ns}/bare is headless"],
        make=[service("bare", POD, clusterIP="None")],
        options={"services": {"stable": NAME, "canary": "bare"}},
        more=True,
    ),
    Case(
        "Services without pods",
        ["F Service {ns}/a is of type ExternalName", "F Service {ns}/b has no selector"],
        make=[item("v1", "Service", "a", {"type": "ExternalName", "externalName": "x.example.org"}), service("b", {})],
        options={"services": {"stable": "a", "canary": "b"}},
        more=True,
    ),
    Case(
        "a Service of other pods",
        ["F Service {ns}/a (selector app=other) does not select the pods of the present version", "F Service {ns}/a (selector app=other)"],
        make=[service("a", {"app": "other"})],
        options={"services": {"stable": NAME, "canary": "a"}},
        more=True,
    ),
    Case(
        "bystanders",
        [f"W Service {{ns}}/wide selects the same pods, so it is kept on one version together with Service {NAME}"],
        make=[service("wide", POD), service("bare", POD, clusterIP="None")],
    ),
    Case(
        "a Service of two workloads",
        ["F Service {ns}/wide selects pods of other workloads than", "W Service {ns}/wide selects the same pods"],
        make=[service("wide", {"istio-injection": "enabled"}), plain_deployment("other", {"app": "other", "istio-injection": "enabled"})],
    ),
    Case(
        "clients by address",
        [f"W {STABLE} has sessionAffinity ClientIP"],
        patch={f"Service/{NAME}": {"spec": {"sessionAffinity": "ClientIP"}}},
    ),
    Case(
        "clients by hash",
        [f"W DestinationRule {{ns}}/shop keeps clients of {NAME} on a pod (consistentHash)"],
        make=[
            item(
                "networking.istio.io/v1beta1",
                "DestinationRule",
                name,
                {"host": host, "trafficPolicy": {"loadBalancer": {"consistentHash": {"useSourceIp": True}}}},
            )
            for name, host in (("shop", NAME), ("other", "other"))
        ],
    ),
    Case(
        "clients by cookie",
        ["W Ingress {ns}/shop has session affinity (nginx.ingress.kubernetes.io/affinity: cookie)"],
        make=[
            item(
                "networking.k8s.io/v1",
                "Ingress",
                "shop",
                {"ingressClassName": "nginx", "defaultBackend": {"service": {"name": NAME, "port": {"number": 80}}}},
                annotations={"nginx.ingress.kubernetes.io/affinity": "cookie"},
            )
        ],
        options={"routers": [{"type": "ingress_nginx", "name": "shop"}]},
    ),
    Case("an autoscaler that keeps its pods", [], make=[autoscaler("a", NAME, 1)]),
    Case(
        "an autoscaler of the clone",
        [f"F HorizontalPodAutoscaler {{ns}}/a scales Deployment {CLONE}, which runs the new version"],
        make=[autoscaler("a", CLONE, 1)],
    ),
    Case(
        "two autoscalers over the same pods",
        [f"W {WORKLOAD} is counted by several HorizontalPodAutoscalers (a and b)"],
        make=[autoscaler("a", NAME, 1), autoscaler("b", NAME, 1), autoscaler("c", "other", 1)],
    ),
    Case(
        "a budget without any eviction",
        ["W PodDisruptionBudget {ns}/a lets no pod be evicted (maxUnavailable 0)"],
        make=[budget("a", maxUnavailable=0), {**budget("b", maxUnavailable=0), "spec": {"selector": {"matchLabels": {"app": "other"}}}}],
    ),
    Case(
        "two budgets over the same pods",
        [f"W {WORKLOAD} has pods under several PodDisruptionBudgets (a and b)"],
        make=[budget("a", maxUnavailable="50%"), budget("b", maxUnavailable=1)],
    ),
    Case(
        "no room",
        [
            f"F ResourceQuota {{ns}}/pods {NO_ROOM} 2 pods of 1 that are left: raise the quota",
            f"F ResourceQuota {{ns}}/sizes {NO_ROOM} 10m requests.cpu of 4m that are left, 64Mi requests.memory of 0 that are left:",
        ],
        make=[
            item("v1", "ResourceQuota", "pods", {"hard": {"pods": "2"}}),
            item("v1", "ResourceQuota", "sizes", {"hard": {"requests.cpu": "0.009", "requests.memory": "32Mi"}}),
            item("v1", "ResourceQuota", "wide", {"hard": {"pods": "3", "requests.memory": "1e9"}}),
            item("v1", "ResourceQuota", "others", {"hard": {"pods": "0"}, "scopes": ["Terminating"]}),
        ],
    ),
    Case(
        "one pod for each value of a label",
        [NOT_ROLLED_OUT, f"W {WORKLOAD} must not have two pods on one kubernetes.io/os (podAntiAffinity), and its 3 {TOGETHER} find 1"],
        template={"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [AFFINITY]}}},
    ),
    Case(
        "a port of the node",
        [f"W {WORKLOAD} must not have two pods on one node (hostPort 18080), and its 3 {TOGETHER} find "],
        template=container(ports=[{"name": "http", "containerPort": 8080, "hostPort": 18080}]),
    ),
    Case(
        "a volume for one pod",
        ["F PersistentVolumeClaim {ns}/data is ReadWriteOncePod: no pod of the clone can have it", NOT_ROLLED_OUT],
        make=[claim("data", "ReadWriteOncePod"), claim("other", "ReadWriteOncePod")],
        template=mounting("data"),
    ),
    Case(
        "a volume for one node",
        ["W PersistentVolumeClaim {ns}/shared is ReadWriteOnce: pods of the clone can only run on the node that has it", NOT_ROLLED_OUT],
        make=[claim("shared", "ReadWriteOnce")],
        template=mounting("shared"),
    ),
    Case(
        "Argo CD",
        [
            f'W {WORKLOAD} {KEPT} (.spec.paused, .spec.template.spec.containers[] | select(.name == "{NAME}") | .image): {ADD} ',
            f'W {STABLE} {KEPT} (.spec.selector): {ADD} {{"group": "", "kind": "Service", "name": "{NAME}", "jsonPointers": ["/spec/sel',
            f"W VirtualService {{ns}}/{NAME} {KEPT} (.spec.http[].route[].weight): {ADD}",
        ],
        patch={f"Deployment/{NAME}": ARGO, f"Service/{NAME}": ARGO, f"VirtualService/{NAME}": ARGO},
    ),
    Case(
        "Flux",
        [
            f"W {STABLE} is kept by Flux (HelmRelease shop), which may put back what the rollout sets (.spec.selector): suspend it (flux",
        ],
        patch={f"Service/{NAME}": FLUX},
    ),
    Case("Helm's label alone", [], patch={f"Service/{NAME}": {"metadata": {"labels": {"app.kubernetes.io/instance": "shop"}}}}),
]
