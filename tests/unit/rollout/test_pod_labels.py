"""A new version whose pods have other labels: what knows the present pods by theirs is found, fatal where traffic ends."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.resources import Resource, versioned
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.hazards import pod_labels
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.hazards.registry import ClusterSnapshot, hazards_in
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import plan_of

Object = dict[str, Any]
APP, OLD, NEW = {"app": "shop"}, {"app": "shop", "version": "v1"}, {"app": "shop", "version": "v2"}
BY_KIND = {each.kind: each for each in (*pod_labels.RESOURCES, *(kind.resource for kind in pod_labels._POLICIES))}
V1, V2, BOTH = ({"name": name, "labels": wanted} for name, wanted in (("v1", OLD), ("v2", {"version": "v2"}), ("both", APP)))


def obj(kind: str, name: str = "a", **spec: Any) -> Object:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "test"}, "spec": spec}


def to(subset: str = "", weight: int | None = None, host: str = "shop") -> Object:
    entry: Object = {"destination": {"host": host, **({"subset": subset} if subset else {})}}
    return entry if weight is None else {**entry, "weight": weight}


def rule(*subsets: Object, host: str = "shop") -> Object:
    return obj("DestinationRule", "rule", host=host, subsets=list(subsets))


def route(*entries: Object, kind: str = "http") -> Object:
    return obj("VirtualService", "route", **{kind: [{"route": list(entries)}]})


def found(*objects: Object, new: Object | None = None, services: tuple[str, ...] = (), **spec: Any) -> list[str]:
    template: Object = {"metadata": {"labels": OLD}, "spec": {"containers": [{"name": "app", "image": "shop:1"}]}}
    live = {"replicas": 2, "selector": {"matchLabels": APP}, "template": template, "revisionHistoryLimit": 10}
    deployment = {"kind": "Deployment", "metadata": {"name": "shop", "namespace": "test"}, "spec": live}
    changed = {"metadata": {"labels": NEW if new is None else new}, "spec": {**copy.deepcopy(template["spec"]), **spec}}
    there: dict[Resource, list[Object]] = {}
    for each in objects:
        there.setdefault(BY_KIND[each["kind"]], []).append(each)
    others = [obj("Service", name, selector=APP, clusterIP="10.0.0.1") for name in ("shop", *services)]
    at = ClusterSnapshot(plan_of({"set_weight": 5}), deployment, changed, services=others, deployments=[deployment], found=there)
    hazards = (pod_labels.subsets_without_pods, pod_labels.policies, pod_labels.peers, pod_labels.spread)
    told = [f"{each.severity} {each.object} {each.problem}" for hazard in hazards for each in hazard(at)]
    assert all(any(text in str(each) for each in hazards_in(at)) for text in (each.partition(" ")[2] for each in told))
    return told


SUBSETS: dict[str, tuple[tuple[Object, ...], dict[str, Any], str]] = {
    "the only destination": ((rule(V1), route(to("v1"))), {}, "by subset v1 (app=shop,version=v1, in DestinationRule test/rule)"),
    "with a share": ((rule(V1), route(to("v1", 100), to("v2", 0))), {}, "by subset v1"),
    "of a TCP route": ((rule(V1), route(to("v1"), kind="tcp")), {}, "by subset v1"),
    "the host in full": ((rule(V1, host="shop.test.svc.cluster.local"), route(to("v1"))), {}, "by subset v1"),
    "of a bystander": (
        (rule(V1, host="other"), route(to("v1", host="other"))),
        {"services": ("other",)},
        "leads to Service other by subset v1",
    ),
    "of the canary, without a share yet": (
        (rule(V1, host="shop-canary"), route(to("", 100), to("v1", 0, host="shop-canary"))),
        {},
        "leads to Service shop-canary by subset v1",
    ),
    "without a share": ((rule(V1, BOTH), route(to("both", 100), to("v1", 0))), {}, ""),
    "of labels that stay": ((rule(BOTH), route(to("both"))), {}, ""),
    "of the new version already": ((rule(V2), route(to("v2"))), {}, ""),
    "without labels": ((rule({"name": "all"}), route(to("all"))), {}, ""),
    "no subset": ((rule(V1), route(to())), {}, ""),
    "not defined": ((rule(V1), route(to("v3"))), {}, ""),
    "of another Service": ((rule(V1, host="far"), route(to("v1", host="far"))), {}, ""),
    "no route": ((rule(V1),), {}, ""),
    "the same labels": ((rule(V1), route(to("v1"))), {"new": OLD}, ""),
}


@pytest.mark.parametrize(("objects", "how", "message"), SUBSETS.values(), ids=SUBSETS)
def test_subsets_that_the_new_pods_are_not_in(objects: tuple[Object, ...], how: dict[str, Any], message: str) -> None:
    told = found(*objects, **how)
    assert bool(told) == bool(message) and all(each.startswith("fatal VirtualService test/route ") and message in each for each in told)


BY = {"matchLabels": {"version": "v1"}}
ONLY_NEW = {"matchLabels": {"version": "v2"}}
TIE: dict[str, tuple[Object, str]] = {
    "a budget": (obj("PodDisruptionBudget", selector=BY), "not the new ones: it does not protect them from evictions"),
    "a policy": (obj("NetworkPolicy", podSelector=BY), "not the new ones: it does not restrict their connections"),
    "a policy for the new": (obj("NetworkPolicy", podSelector=ONLY_NEW), "not the present ones: it may keep connections from them"),
    "a monitor": (obj("PodMonitor", selector=BY), "not the new ones: it does not measure them"),
    "by an expression": (
        obj("PodMonitor", selector={"matchExpressions": [{"key": "version", "operator": "In", "values": ["v1"]}]}),
        "it does not measure them",
    ),
    "authorization": (obj("AuthorizationPolicy", selector=BY), "it does not decide about their requests"),
    "authorization of the new": (obj("AuthorizationPolicy", selector=ONLY_NEW), "it may refuse requests to them"),
    "authentication": (obj("PeerAuthentication", selector=BY), "it does not say whether they take mutual TLS"),
    "tokens": (obj("RequestAuthentication", selector=BY), "it does not check the tokens"),
    "a sidecar": (obj("Sidecar", workloadSelector={"labels": {"version": "v1"}}), "it does not configure their proxies"),
    "a filter": (obj("EnvoyFilter", workloadSelector={"labels": {"version": "v1"}}), "it does not configure their proxies"),
    "telemetry": (obj("Telemetry", selector=BY), "it does not measure them"),
    "a peer": (obj("NetworkPolicy", podSelector={}, ingress=[{"from": [{"podSelector": BY}]}]), "lets the present pods of Deployment shop"),
    "a peer that it may ask": (
        obj("NetworkPolicy", podSelector={}, egress=[{"to": [{"podSelector": BY}]}]),
        "connect and not the new ones",
    ),
    "all pods": (obj("NetworkPolicy", podSelector={}), ""),
    "all of the mesh": (obj("PeerAuthentication", mtls={"mode": "STRICT"}), ""),
    "labels that stay": (obj("PodMonitor", selector={"matchLabels": APP}), ""),
    "others": (obj("PodMonitor", selector={"matchLabels": {"app": "other"}}), ""),
    "a monitor for the new": (obj("PodMonitor", selector=ONLY_NEW), ""),
    "nothing said": ({"kind": "Sidecar", "metadata": {"name": "a"}}, ""),
}


@pytest.mark.parametrize(("known", "message"), TIE.values(), ids=TIE)
def test_what_knows_pods_by_their_labels(known: Object, message: str) -> None:
    told = found(known)
    assert bool(told) == bool(message) and all(each.startswith(f"warning {known['kind']} test/a ") and message in each for each in told)
    assert not found(known, new=OLD)


SELECTING: Object = {"labelSelector": BY}


@pytest.mark.parametrize(
    "spec",
    [
        {"topologySpreadConstraints": [{"labelSelector": BY}]},
        {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"labelSelector": BY}]}}},
        {
            "affinity": {
                "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"podAffinityTerm": {"labelSelector": BY}}]}
            }
        },
    ],
)
def test_a_spread_of_the_pods_before(spec: Object) -> None:
    [told] = found(**spec)
    assert told.startswith("warning Deployment test/shop has ") and "so that these are not spread" in told
    assert not found(topologySpreadConstraints=[{"labelSelector": {"matchLabels": APP}}])


def test_each_kind_is_read_in_one_version() -> None:
    assert len({(each.group, each.plural) for each in pod_labels.RESOURCES}) == len(pod_labels.RESOURCES)
    assert versioned("VirtualService") in pod_labels.RESOURCES
