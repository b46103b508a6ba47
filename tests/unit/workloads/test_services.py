"""Services: what they select, which of them stand by, and what the canary's own is like."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._workloads import services
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.marks import REVISION

Object = dict[str, Any]
PODS = {"app": "shop", "tier": "web"}


def service(name: str, selector: Any, **spec: Any) -> Object:
    return {"metadata": {"name": name, "namespace": "test"}, "spec": {**({} if selector is None else {"selector": selector}), **spec}}


@pytest.mark.parametrize(
    ("selector", "taken"),
    [
        ({"app": "shop"}, True),
        (PODS, True),
        ({"app": "shop", "tier": "db"}, False),
        ({"app": "shop", "new": "label"}, False),
        ({"other": ""}, False),
        ({}, False),
        (None, False),
    ],
)
def test_selects(selector: Any, taken: bool) -> None:
    assert services.selects(selector, PODS) is taken


@pytest.mark.parametrize("labels", [{}, {"app": ""}])
def test_a_label_that_is_not_there_is_no_empty_one(labels: dict[str, str]) -> None:
    assert services.selects({"app": ""}, labels) is bool(labels)


@pytest.mark.parametrize(
    ("obj", "selector"), [({}, {}), ({"spec": None}, {}), ({"spec": {"selector": None}}, {}), (service("a", {"x": "y"}), {"x": "y"})]
)
def test_selector_of(obj: Object, selector: Object) -> None:
    assert services.selector_of(obj) == selector


def test_the_text_of_a_selector_is_always_the_same() -> None:
    assert services.selector_text({"b": "2", "a": "1"}) == services.selector_text({"a": "1", "b": "2"}) == "a=1,b=2"
    assert services.selector_text({}) == ""


@pytest.mark.parametrize(
    ("others", "found"),
    [
        pytest.param([], [], id="none"),
        pytest.param([service("shop", PODS), service("shop-canary", PODS)], [], id="not the rollout's own"),
        pytest.param([service("b", {"tier": "web"}), service("a", {"app": "shop"})], ["a", "b"], id="all that match, by name"),
        pytest.param([service("a", {"app": "other"}), service("b", {"app": "shop", "v": "1"})], [], id="not those that do not match"),
        pytest.param([service("a", {}), service("b", None)], [], id="not those without selector"),
        pytest.param([service("a", PODS, clusterIP="None")], [], id="never a headless one"),
        pytest.param([service("a", PODS, type="ExternalName", externalName="x.org")], [], id="not what has no pods whatever its selector"),
        pytest.param([service("a", PODS, type="LoadBalancer", clusterIP="10.0.0.1")], ["a"], id="of any other type"),
    ],
)
def test_bystanders(others: list[Object], found: list[str]) -> None:
    assert services.bystanders(others, PODS, ["shop", "shop-canary"]) == found


STABLE: Object = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {
        "name": "shop",
        "namespace": "test",
        "uid": "u",
        "resourceVersion": "7",
        "labels": {
            "team": "shop",
            "app.kubernetes.io/managed-by": "Helm",
            "app.kubernetes.io/instance": "shop",
            "argocd.argoproj.io/instance": "shop",
        },
        "annotations": {"helm.sh/x": "y", "progressive.delivery/original": "{}", "kubectl.kubernetes.io/last-applied-configuration": "{}"},
        "ownerReferences": [{"uid": "o"}],
        "finalizers": ["f"],
    },
    "spec": {
        "type": "LoadBalancer",
        "clusterIP": "10.0.0.1",
        "clusterIPs": ["10.0.0.1", "fd00::1"],
        "loadBalancerIP": "1.2.3.4",
        "externalTrafficPolicy": "Local",
        "healthCheckNodePort": 31000,
        "externalIPs": ["1.2.3.4"],
        "selector": {"app": "shop"},
        "ports": [
            {"name": "http", "port": 80, "targetPort": "web", "protocol": "TCP", "appProtocol": "http", "nodePort": 30080},
            {"name": "grpc", "port": 81, "targetPort": 8081, "protocol": "TCP", "nodePort": 30081},
        ],
        "sessionAffinity": "ClientIP",
        "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}},
        "ipFamilies": ["IPv4", "IPv6"],
        "ipFamilyPolicy": "PreferDualStack",
    },
    "status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}},
}


def test_the_canary_service_is_like_the_stable_one_where_that_matters() -> None:
    kept = copy.deepcopy(STABLE)
    made = services.canary_service(STABLE, "shop-canary", {"app": "shop", REVISION: "0123456789"}, "release")
    assert made == {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "shop-canary",
            "namespace": "test",
            "labels": {"team": "shop", "app.kubernetes.io/managed-by": "progressive.delivery", "progressive.delivery/rollout": "release"},
        },
        "spec": {
            "type": "ClusterIP",
            "selector": {"app": "shop", REVISION: "0123456789"},
            "ports": [
                {"name": "http", "port": 80, "targetPort": "web", "protocol": "TCP", "appProtocol": "http"},
                {"name": "grpc", "port": 81, "targetPort": 8081, "protocol": "TCP"},
            ],
            "sessionAffinity": "ClientIP",
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 60}},
            "ipFamilies": ["IPv4", "IPv6"],
            "ipFamilyPolicy": "PreferDualStack",
        },
    }
    made["spec"]["ports"][0]["port"] = made["spec"]["sessionAffinityConfig"]["clientIP"] = 0
    assert kept == STABLE


def test_a_plain_service_gives_a_plain_canary() -> None:
    stable = service("shop", {"app": "shop"}, ports=[{"port": 80}])
    assert services.canary_service(stable, "c", {"app": "shop", REVISION: "r"}, "x")["spec"] == {
        "type": "ClusterIP",
        "selector": {"app": "shop", REVISION: "r"},
        "ports": [{"port": 80}],
    }


NAMED = {"name": "http", "containerPort": 8080, "protocol": "TCP"}
PLAIN = {"containerPort": 9090}


@pytest.mark.parametrize(
    ("containers", "ports", "wanted"),
    [
        pytest.param([[NAMED]], (), [{"name": "http", "port": 8080, "targetPort": "http", "protocol": "TCP"}], id="named"),
        pytest.param([[PLAIN]], (), [{"port": 9090, "targetPort": 9090}], id="without a name"),
        pytest.param(
            [[NAMED], None, [PLAIN]],
            (),
            [
                {"name": "http", "port": 8080, "targetPort": "http", "protocol": "TCP"},
                {"name": "port-9090", "port": 9090, "targetPort": 9090},
            ],
            id="of several each gets a name",
        ),
        pytest.param([[NAMED]], ({"port": 80},), [{"port": 80}], id="as given"),
        pytest.param([None, []], (), [], id="none"),
    ],
)
def test_the_stable_service_that_is_made(containers: Any, ports: Any, wanted: Any) -> None:
    spec = {"containers": [{"name": "a", **({} if each is None else {"ports": each})} for each in containers]}
    workload = {
        "metadata": {"name": "shop", "namespace": "test"},
        "spec": {"selector": {"matchLabels": {"app": "shop"}}, "template": {"metadata": {"labels": PODS}, "spec": spec}},
    }
    made = services.stable_service(workload, "front", ports)
    assert made["metadata"] == {"name": "front", "namespace": "test"}, "nothing of ours"
    assert made["spec"] == {"selector": {"app": "shop"}, "ports": wanted}


def _port(name: str, protocol: str | None = None) -> dict[str, Any]:
    return {"name": name, "containerPort": 8080, **({"protocol": protocol} if protocol else {})}


@pytest.mark.parametrize(
    ("spec", "target", "protocol", "wanted"),
    [
        ({"containers": [{"ports": [_port("http")]}]}, "http", "TCP", None),
        ({"containers": [{"ports": [_port("http", "TCP")]}]}, "http", None, None),
        ({"containers": [{"ports": [_port("http")]}]}, 9999, "TCP", None),
        ({"containers": [{"ports": [_port("web")]}]}, "http", "TCP", "the port 'http'"),
        ({"containers": [{"ports": [_port("dns", "UDP")]}]}, "dns", "TCP", "the port 'dns'"),
        ({"containers": [{"ports": [_port("dns")]}]}, "dns", "UDP", "the port 'dns' (UDP)"),
        ({"containers": [], "initContainers": [{"ports": [_port("http")], "restartPolicy": "Always"}]}, "http", "TCP", None),
        ({"containers": [], "initContainers": [{"ports": [_port("http")]}]}, "http", "TCP", "the port 'http'"),
        ({}, "http", "TCP", "the port 'http'"),
    ],
)
def test_a_port_that_pods_do_not_have(spec: Any, target: Any, protocol: str | None, wanted: str | None) -> None:
    """As the controller finds it: by name and protocol, in containers and in init containers that stay."""
    service = {"spec": {"ports": [{"port": 80, "targetPort": target, **({"protocol": protocol} if protocol else {})}]}}
    found = services.missing_port(service, {"spec": spec})
    assert (found and found.wanted) == wanted
