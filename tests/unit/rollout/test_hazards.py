"""What is seen of hazards in the objects around a workload: cases that a cluster shows rarely, and that no object breaks the look."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.resources import (
    HORIZONTAL_POD_AUTOSCALER,
    NODE,
    POD_DISRUPTION_BUDGET,
    RESOURCE_QUOTA,
    SCALED_OBJECT,
    Resource,
)
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.findings import Finding, of_message
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.hazards import (
    advice,
    budgets,
    owners,
    placement,
    quota,
    scaling,
    services,
    stickiness,
    workload,
)
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.hazards.registry import ClusterSnapshot, hazards_in
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import plan_of

Object = dict[str, Any]
LABELS = {"app": "shop"}


def template(**spec: Any) -> Object:
    return {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "app", "image": "shop:1"}], **spec}}


def snapshot(
    replicas: int = 4, new: Object | None = None, found: dict[Resource, list[Object]] | None = None, **more: Any
) -> ClusterSnapshot:
    live = template()
    spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": live}
    status = {"replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas}
    made = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop", "namespace": "test"},
        "spec": spec,
        "status": status,
    }
    return ClusterSnapshot(plan_of({"set_weight": 5}), made, new or template(), deployments=[made], found=found or {}, **more)


PROTECTED = {POD_DISRUPTION_BUDGET: [{"metadata": {"name": "shop"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": LABELS}}}]}
SCALED = {
    HORIZONTAL_POD_AUTOSCALER: [{"metadata": {"name": "shop"}, "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "shop"}}}],
}


@pytest.mark.parametrize(
    ("found", "replicas", "canary", "least", "warned"),
    [
        ({}, 3, {}, 1, True),
        ({}, 1, {}, 1, False),
        (PROTECTED, 3, {}, 2, False),
        (PROTECTED, 1, {}, 1, False),
        (SCALED, 3, {}, 2, False),
        (PROTECTED, 3, {"min_replicas": 1}, 1, False),
        ({}, 3, {"min_replicas": 4}, 4, False),
        ({}, 3, {"steps": [{"set_weight": 50}]}, 1, False),
        ({}, 3, {"steps": [{"set_canary_scale": {"replicas": 1}}, {"pause": {}}, {"set_weight": 100}]}, 1, True),
        ({}, 3, {"steps": [{"set_canary_scale": {"replicas": 1}}, {"pause": {}}]}, 1, False),
    ],
)
@pytest.mark.parametrize("style", ["clone", "revisions", "pair"])
def test_how_many_pods_a_canary_has_at_least(style: str, found: Any, replicas: int, canary: Object, least: int, warned: bool) -> None:
    plan = plan_of(workload={"name": "shop", "style": style}, canary={"steps": [{"set_weight": 20}], **canary})
    at = replace(snapshot(replicas, found=found), plan=plan)
    assert (at.min_replicas, bool(problems(advice.one_canary_pod, at))) == (least, warned)


def test_a_release_says_what_it_does_not_see_unless_it_asks() -> None:
    probe = {"url": "http://shop", "expect": {"canary": "2"}}
    assert [len(problems(advice.without_probe, replace(snapshot(), plan=plan_of(probe=each)))) for each in (None, probe)] == [1, 0]


@pytest.mark.parametrize(("hook", "said"), [({}, 1), ({"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}, 0)])
def test_kept_connections_need_a_hook(hook: Object, said: int) -> None:
    at = snapshot()
    at.deployment["spec"]["template"]["spec"]["containers"][0].update(hook)
    assert len(problems(advice.kept_connections, at)) == said


def problems(hazard: Callable[[ClusterSnapshot], Iterable[Finding]], at: ClusterSnapshot) -> list[str]:
    return [f"{finding.severity} {finding.object} {finding.problem}" for finding in hazard(at)]


def named(kind: str, name: str, spec: Object, **metadata: Any) -> Object:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


def test_nothing_around_is_no_hazard() -> None:
    assert [finding.problem for finding in hazards_in(snapshot())] == ["runs this version already"]


def test_a_service_that_a_switch_remembers_things_on_is_refused() -> None:
    memory = {"progressive.delivery/bluegreen": "{}"}
    [problem] = problems(services.switched, snapshot(services=[named("Service", "shop", {"selector": LABELS}, annotations=memory)]))
    assert problem.startswith("fatal Service test/shop is switched between workloads by bluegreen_switch")


BLUEGREEN: Object = {"canary": None, "bluegreen": {}, "routers": None, "services": {"active": "shop"}}


@pytest.mark.parametrize(("strategy", "told"), [({}, 1), (BLUEGREEN, 0)], ids=["canary", "blue-green"])
def test_clients_that_stay_on_a_pod_are_in_the_way_of_weights_only(strategy: Object, told: int) -> None:
    service = named("Service", "shop", {"selector": LABELS, "sessionAffinity": "ClientIP"})
    at = replace(snapshot(services=[service]), plan=plan_of({"set_weight": 5}, **strategy))
    assert len(problems(stickiness.client_ip, at)) == told


EMPTY: list[Object] = [{"metadata": {"name": "x"}, "kind": "X"}, {"metadata": {"name": "x"}, "kind": "X", "spec": {}, "status": {}}]


@pytest.mark.parametrize("resource", [HORIZONTAL_POD_AUTOSCALER, SCALED_OBJECT, POD_DISRUPTION_BUDGET, RESOURCE_QUOTA, NODE])
@pytest.mark.parametrize("obj", EMPTY, ids=["bare", "empty"])
def test_an_object_that_says_nothing_is_no_hazard(resource: Resource, obj: Object) -> None:
    assert len(list(hazards_in(snapshot(found={resource: [obj]})))) == 1


def test_an_image_beside_an_init_container_is_found_where_it_stands() -> None:
    at = snapshot(new=template(containers=[], initContainers=[{"name": "app", "image": "shop:1"}]))
    [(_deployment, paths)] = owners.touched(at)
    assert owners.jq(paths[1]) == '.spec.template.spec.initContainers[] | select(.name == "app") | .image'


def service(name: str, selector: Object, **metadata: Any) -> Object:
    return named("Service", name, {"selector": selector, "clusterIP": "10.0.0.1"}, **metadata)


def test_a_service_that_the_new_labels_would_leave_empty() -> None:
    """As when a revision of before a change of labels comes back."""
    new = {**template(), "metadata": {"labels": {"app": "shop", "tier": "web"}}}
    old = snapshot(new=new, services=[service("shop", LABELS), service("a", LABELS), service("b", {"tier": "web"})])
    assert problems(services.left_empty, old) == []
    old.deployment["spec"]["template"]["metadata"]["labels"] = {"app": "shop", "old": "yes"}
    gone = snapshot(new=new, services=[service("shop", LABELS), service("a", {"old": "yes"})])
    gone.deployment["spec"]["template"]["metadata"]["labels"] = {"app": "shop", "old": "yes"}
    [problem] = problems(services.left_empty, gone)
    assert problem.startswith("fatal Service test/a selects the present pods")


def autoscaler(kind: str, name: str, target: str, **spec: Any) -> Object:
    return named(kind, name, {"scaleTargetRef": {"name": target}, **spec})


@pytest.mark.parametrize(
    ("kind", "spec", "metadata", "held"),
    [
        ("HorizontalPodAutoscaler", {}, {}, True),
        ("HorizontalPodAutoscaler", {"scaleTargetRef": {"name": "other"}}, {}, False),
        ("HorizontalPodAutoscaler", {"scaleTargetRef": {"kind": "StatefulSet", "name": "shop"}}, {}, False),
        # KEDA reverts changes of those that it makes.
        ("HorizontalPodAutoscaler", {}, {"ownerReferences": [{"kind": "ScaledObject"}]}, False),
        ("ScaledObject", {}, {}, True),
    ],
)
def test_what_scales_the_workload_is_held(kind: str, spec: Object, metadata: Object, held: bool) -> None:
    resource = SCALED_OBJECT if kind == "ScaledObject" else HORIZONTAL_POD_AUTOSCALER
    made = autoscaler(kind, "a", "shop", **spec)
    made["metadata"].update(metadata)
    at = snapshot(found={resource: [made]})
    assert at.guards == ([made] if held else [])
    paths = {path for obj, found in owners.touched(at) if obj is made for path in found}
    least = "minReplicaCount" if kind == "ScaledObject" else "minReplicas"
    assert paths == ({("spec", "scaleTargetRef", "name"), ("spec", least)} if held else set())


def test_autoscalers_of_other_kinds_of_the_same_name_are_others() -> None:
    other = named("HorizontalPodAutoscaler", "a", {"scaleTargetRef": {"kind": "StatefulSet", "name": "shop"}})
    at = snapshot(found={HORIZONTAL_POD_AUTOSCALER: [other, other]})
    assert problems(scaling.two_over_the_same_pods, at) == []


@pytest.mark.parametrize(
    ("spec", "none", "grows"),
    [
        ({"maxUnavailable": 0}, True, False),
        ({"maxUnavailable": "0%"}, True, False),
        ({"maxUnavailable": 1}, False, False),
        ({"maxUnavailable": "1%"}, False, False),
        ({"minAvailable": "100%"}, True, False),
        ({"minAvailable": "99%"}, True, False),
        ({"minAvailable": "50%"}, False, False),
        ({"minAvailable": 1}, False, True),
        ({"minAvailable": 4}, True, True),
        ({"minAvailable": 8}, True, True),
        ({}, False, False),
    ],
)
def test_budgets(spec: Object, none: bool, grows: bool) -> None:
    """Four pods, and as many of the clone's at the end."""
    made = named("PodDisruptionBudget", "a", {"selector": {"matchLabels": LABELS}, **spec})
    at = snapshot(found={POD_DISRUPTION_BUDGET: [made]})
    assert bool(problems(budgets.without_any_eviction, at)) == none and at.guards == [made]
    assert [path for obj, found in owners.touched(at) if obj is made for path in found] == ([("spec", "minAvailable")] if grows else [])


def sized(requests: Object, limits: Object | None = None, **more: Any) -> Object:
    return {"name": "app", "image": "shop:1", "resources": {"requests": requests, "limits": limits or {}}, **more}


@pytest.mark.parametrize(
    ("pod", "resource", "amount"),
    [
        pytest.param({"containers": [sized({"cpu": "100m"}), sized({"cpu": 1})]}, "requests.cpu", "1.1", id="all containers"),
        pytest.param({"containers": [sized({"cpu": "100m"})]}, "cpu", "0.1", id="by its short name"),
        pytest.param({"containers": [sized({}, {"memory": "1Gi"})]}, "requests.memory", "1073741824", id="a limit is a request"),
        pytest.param({"containers": [sized({}, {"memory": "1Gi"})]}, "limits.memory", "1073741824", id="and a limit"),
        pytest.param({"containers": [sized({"nvidia.com/gpu": 2})]}, "requests.nvidia.com/gpu", "2", id="extended"),
        pytest.param(
            {"containers": [sized({"cpu": 1})], "initContainers": [sized({"cpu": 3})]}, "requests.cpu", "3", id="starting takes more"
        ),
        pytest.param({"containers": [sized({"cpu": 2})], "initContainers": [sized({"cpu": 1})]}, "requests.cpu", "2", id="or less"),
        pytest.param(
            {"containers": [sized({"cpu": 2})], "initContainers": [sized({"cpu": 1}, restartPolicy="Always")]},
            "requests.cpu",
            "3",
            id="sidecar",
        ),
        pytest.param({"containers": [sized({"cpu": "?"})]}, "requests.cpu", None, id="no quantity"),
    ],
)
def test_what_a_pod_asks_for(pod: Object, resource: str, amount: str | None) -> None:
    assert quota.of_pod(pod).get(resource) == (None if amount is None else Fraction(amount))


@pytest.mark.parametrize(
    ("spec", "status", "short"),
    [
        ({"hard": {"pods": "8"}}, {"hard": {"pods": "8"}, "used": {"pods": "4"}}, []),
        ({"hard": {"pods": "7"}}, {"hard": {"pods": "7"}, "used": {"pods": "4"}}, ["4 pods of 3 that are left"]),
        ({"hard": {"pods": "3"}}, {"hard": {"pods": "3"}, "used": {"pods": "4"}}, ["4 pods of 0 that are left"]),
        ({"hard": {"pods": "3"}}, {}, ["4 pods of 3 that are left"]),
        ({"hard": {"count/deployments.apps": "0", "services": "0", "secrets": "0"}}, {}, ["1 count/deployments.apps", "1 services"]),
        ({"hard": {"pods": "0"}, "scopes": ["BestEffort"]}, {}, ["4 pods"]),
        ({"hard": {"pods": "0"}, "scopes": ["NotBestEffort"]}, {}, []),
        ({"hard": {"pods": "0"}, "scopes": ["NotTerminating"]}, {}, ["4 pods"]),
        ({"hard": {"pods": "0"}, "scopes": ["Unheard"]}, {}, []),
        ({"hard": {"pods": "0"}, "scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]}}, {}, []),
    ],
)
def test_quota(spec: Object, status: Object, short: list[str]) -> None:
    found = problems(quota.no_room, snapshot(found={RESOURCE_QUOTA: [{**named("ResourceQuota", "q", spec), "status": status}]}))
    assert len(found) == bool(short) and all(part in found[0] for part in short)


def apart(**term: Any) -> Object:
    rule = {"labelSelector": {"matchLabels": LABELS}, "topologyKey": "kubernetes.io/hostname", **term}
    return template(affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [rule]}})


@pytest.mark.parametrize(
    ("new", "nodes", "said"),
    [
        pytest.param(apart(), 8, None, id="enough"),
        pytest.param(apart(), 7, "its 8 pods in the promotion find 7", id="one too few"),
        pytest.param(apart(), None, "its 8 pods in the promotion need as many", id="not to be counted"),
        pytest.param(apart(labelSelector={"matchLabels": {"app": "other"}}), 1, None, id="from others"),
        pytest.param(apart(namespaces=["elsewhere"]), 1, None, id="from those elsewhere"),
        pytest.param(apart(matchLabelKeys=["pod-template-hash"]), 1, None, id="from their own version"),
        pytest.param(
            template(hostNetwork=True, containers=[{"name": "app", "ports": [{"containerPort": 80}]}]), 1, "hostPort 80", id="port"
        ),
    ],
)
def test_nodes(new: Object, nodes: int | None, said: str | None) -> None:
    there = [named("Node", f"n{n}", {}, labels={"kubernetes.io/hostname": f"n{n}"}) for n in range(nodes or 0)]
    found = problems(placement.apart, snapshot(new=new, found={} if nodes is None else {NODE: there}))
    assert (said is None) == (found == []) and all(said in text for text in found if said)


TAINT = {"key": "gpu", "value": "yes", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("node", "pod", "takes"),
    [
        ({}, {}, True),
        ({"unschedulable": True}, {}, False),
        ({"taints": [TAINT]}, {}, False),
        ({"taints": [{**TAINT, "effect": "PreferNoSchedule"}]}, {}, True),
        ({"taints": [TAINT]}, {"tolerations": [{"key": "gpu", "value": "yes"}]}, True),
        ({"taints": [TAINT]}, {"tolerations": [{"key": "gpu", "value": "no"}]}, False),
        ({"taints": [TAINT]}, {"tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}]}, True),
        ({"taints": [TAINT]}, {"tolerations": [{"operator": "Exists"}]}, True),
        ({"taints": [TAINT]}, {"tolerations": [{"operator": "Exists", "effect": "NoExecute"}]}, False),
        ({}, {"nodeSelector": {"disk": "fast"}}, True),
        ({}, {"nodeSelector": {"disk": "slow"}}, False),
    ],
)
def test_which_nodes_take_a_pod(node: Object, pod: Object, takes: bool) -> None:
    assert placement.takes(named("Node", "n", node, labels={"disk": "fast"}), pod) is takes


def test_the_hosts_network_without_ports() -> None:
    [problem] = problems(placement.on_the_hosts_network, snapshot(new=template(hostNetwork=True)))
    assert problem.startswith("warning Deployment test/shop has hostNetwork and declares no ports")


def test_no_history() -> None:
    at = snapshot()
    at.deployment["spec"]["revisionHistoryLimit"] = 0
    assert problems(workload.keeps_no_history, at)[0].startswith("fatal Deployment test/shop has revisionHistoryLimit 0")


@pytest.mark.parametrize(
    ("message", "problem", "remedy"),
    [
        ("Service a/b is headless: name another", "is headless", "name another"),
        ("Service a/b: it leads: nowhere: mend it", "it leads: nowhere", "mend it"),
        ("step 1: Service a/b is headless: name another", "step 1: Service a/b is headless", "name another"),
        ("trouble", "trouble", "mend it, and run again"),
    ],
)
def test_messages_as_findings(message: str, problem: str, remedy: str) -> None:
    found = of_message("Service a/b", message)
    assert (found.object, found.problem, found.remedy) == ("Service a/b", problem, remedy)


@pytest.mark.parametrize(
    ("replicas", "routers", "found"),
    [
        (1, [{"type": "replicas"}], ["fatal Deployment test/shop has one pod, which router type replicas cannot split"]),
        (2, [{"type": "replicas"}], []),
        (1, [{"type": "istio", "name": "shop"}], []),
    ],
)
def test_one_pod_cannot_be_split(replicas: int, routers: list[Object], found: list[str]) -> None:
    asked = plan_of({"set_weight": 5}, routers=routers, services={"stable": "shop"})
    assert problems(workload.cannot_be_split, dataclasses.replace(snapshot(replicas), plan=asked)) == found


def test_what_an_autoscaler_sizes_cannot_share_pods() -> None:
    scaler = named("HorizontalPodAutoscaler", "web", {"scaleTargetRef": {"kind": "Deployment", "name": "shop"}})
    at = snapshot(found={HORIZONTAL_POD_AUTOSCALER: [scaler]})
    assert not problems(scaling.of_shared_pods, at)
    asked = plan_of({"set_weight": 5}, routers=[{"type": "replicas"}], services={"stable": "shop"})
    assert "whose number of pods is what shares the traffic" in problems(scaling.of_shared_pods, dataclasses.replace(at, plan=asked))[0]


@pytest.mark.parametrize(("held", "found"), [(False, ["paused", "not fully rolled out"]), (True, [])])
def test_a_paused_workload_with_a_template_that_waits(held: bool, found: list[str]) -> None:
    at = snapshot(held=held)
    at.deployment["spec"]["paused"] = True
    at.deployment["status"]["updatedReplicas"] = 0
    told = [*problems(workload.paused, at), *problems(workload.in_a_rollout_of_its_own, at)]
    assert [[part for part in ("paused", "not fully rolled out") if part in text] for text in told] == [[part] for part in found]


def test_one_that_stops_all_its_pods_does_not_roll_under_traffic() -> None:
    at = snapshot()
    at.deployment["spec"]["strategy"] = {"type": "Recreate"}
    assert not problems(workload.stops_all, at)
    rolling = dataclasses.replace(at, plan=plan_of({"set_weight": 5}, promotion="rolling"))
    assert "would stop all its pods while they have traffic" in problems(workload.stops_all, rolling)[0]


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        ({}, False),
        ({"promotion": "rolling"}, True),
        ({"workload": {"name": "shop", "kind": "StatefulSet"}}, True),
        ({"routers": [{"type": "replicas"}], "services": {"stable": "shop"}}, True),
    ],
)
def test_pods_that_end_under_traffic_end_slowly(options: Object, warned: bool) -> None:
    at = dataclasses.replace(snapshot(), plan=plan_of({"set_weight": 5}, **options))
    assert bool(problems(workload.ends_abruptly, at)) is warned
    at.deployment["spec"]["template"]["spec"]["containers"][0]["lifecycle"] = {"preStop": {"sleep": {"seconds": 5}}}
    assert not problems(workload.ends_abruptly, at)


@pytest.mark.parametrize(
    ("annotations", "canary", "told"),
    [
        ({"example.org/protocol": "h2c", "a": "b"}, False, "(a, example.org/protocol)"),
        ({"example.org/protocol": "h2c"}, True, ""),
        ({"konghq.com/protocol": "grpc", "meta.helm.sh/release-name": "shop"}, False, ""),
        (None, False, ""),
    ],
)
def test_annotations_that_a_made_canary_service_does_not_get(annotations: Any, canary: bool, told: str) -> None:
    there = [service("shop", LABELS, annotations=annotations), *([service("shop-canary", LABELS)] if canary else [])]
    found = list(services.annotations_left(snapshot(services=there)))
    assert [told in finding.remedy and finding.severity == "warning" for finding in found] == ([True] if told else [])
