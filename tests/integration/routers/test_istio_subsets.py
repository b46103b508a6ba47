"""canary_weight by subsets of one host, against istiod and Envoy, with real traffic."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.audit import AuditLog, count
from ansible_collections.progressive.delivery.tests.harness.two_versions import CANARY, STABLE, TwoVersions

Manifest = dict[str, Any]
ENTRY = "GATEWAY_ISTIO"
OPTIONS: dict[str, Any] = {
    "router": "istio",
    "name": "store",
    "stable_service": "store",
    "stable_subset": "v1",
    "canary_subset": "v2",
    "destination_rule": "store",
    "grace": "1s",  # an old split was served for 0.5 s
}
VERSIONS = {"v1": STABLE, "v2": CANARY}


def deployment(version: str) -> Manifest:
    labels = {"app": "store", "version": version}
    container = {
        "name": "store",
        "image": f"argoproj/rollouts-demo:{VERSIONS[version]}",
        "ports": [{"name": "http", "containerPort": 8080}],
    }
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": f"store-{version}"}, "spec": spec}


@pytest.fixture(scope="module")
def _pods(shop_of_file: TwoVersions) -> Iterator[None]:
    """One Service with the pods of both versions, beside the two of the harness."""
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "store"}, "spec": {"selector": {"app": "store"}, "ports": ports}}
    with shop_of_file.holding([service, *map(deployment, VERSIONS)]):
        for version in VERSIONS:
            shop_of_file.wait_for_pods(2, f"store-{version}")
        yield


@pytest.fixture
def store(_pods: None, shop: TwoVersions) -> TwoVersions:
    """The place in which that Service is."""
    return shop


def manifest(kind: str, spec: Manifest, name: str = "store") -> Manifest:
    return {"apiVersion": "networking.istio.io/v1beta1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def virtual_service(store: TwoVersions, name: str = "store", host: str = "") -> Manifest:
    route = {"name": "primary", "timeout": "9s", "route": [{"destination": {"host": "store", "subset": "v1"}}]}
    return manifest(
        "VirtualService", {"gateways": [os.environ["SHARED_GATEWAY_ISTIO"]], "hosts": [host or store.host], "http": [route]}, name
    )


def rule(*subsets: Manifest) -> Manifest:
    policy = {"connectionPool": {"http": {"http2MaxRequests": 5000}}}
    return manifest("DestinationRule", {"host": "store", "trafficPolicy": policy, "subsets": list(subsets)})


def subset(version: str, **labels: str) -> Manifest:
    return {"name": version, "labels": labels or {"version": version}}


@contextmanager
def served(store: TwoVersions, *manifests: Manifest) -> Iterator[dict[str, Any]]:
    with store.holding(manifests):
        store.wait_for(ENTRY, STABLE)
        yield store.snapshot()


def call(store: TwoVersions, options: Manifest, **more: Any) -> Manifest:
    result = store.module("canary_weight", {**options, **more})
    assert not result.get("failed"), result["msg"]
    return result


WEIGHTS = [pytest.param((5, 95, 0), id="some"), pytest.param((1, 5, 50, 95, 100, 0), id="all", marks=pytest.mark.full)]


@pytest.mark.parametrize("weights", WEIGHTS)
def test_splits(store: TwoVersions, weights: tuple[int, ...]) -> None:
    with served(store, rule(subset("v1"), subset("v2")), virtual_service(store)) as before:
        assert not call(store, OPTIONS, weight=0)["changed"]
        for weight in weights:
            assert call(store, OPTIONS, weight=weight)["weight"] == {"stable": 100 - weight, "canary": weight}
            store.check_split(ENTRY, weight)
        assert call(store, OPTIONS, matches=[{"headers": {"x-qa": "1"}}], mirror=1)["changed"]
        assert store.split(ENTRY, 200, headers={"x-qa": "1"}) == {CANARY: 200}
        assert store.split(ENTRY, 200) == {STABLE: 200}
        assert call(store, OPTIONS, state="absent")["changed"] and store.snapshot() == before


def test_labels_are_pinned_and_a_missing_subset_comes_and_goes_without_a_lost_request(store: TwoVersions) -> None:
    """Two VirtualServices share the rule: the subset goes when neither leads to it any more."""
    options = {
        **OPTIONS,
        "grace": "2.5s",
        "name": ["store", "second"],
        "stable_labels": {"version": "v1"},
        "canary_labels": {"version": "v2"},
    }
    second = virtual_service(store, "second", f"second.{store.host}")
    third = {**subset("v3", app="store"), "trafficPolicy": {"loadBalancer": {"simple": "RANDOM"}}}
    with store.holding([rule(subset("v1", app="store"), third), virtual_service(store), second]):
        for host in (store.host, f"second.{store.host}"):
            store.wait_for(ENTRY, STABLE, CANARY, host_header=host)  # the stable subset has the pods of both
        before = store.snapshot()
        loads = [store.load(ENTRY, rate=150, host_header=host) for host in (store.host, f"second.{store.host}")]
        with loads[0], loads[1]:
            result = call(store, options, weight=30)
            assert [each["kind"] for each in result["resources"]] == ["VirtualService", "DestinationRule"] * 2
            subsets = store.get("DestinationRule", "store")["spec"]["subsets"]
            assert subsets == [{**subset("v1"), "labels": {"app": "store", "version": "v1"}}, third, subset("v2")]
            store.check_split(ENTRY, 30, count=2000)
            assert not call(store, options, weight=30)["changed"]
            assert call(store, options, state="absent")["changed"]
            assert store.snapshot() == before
            assert not call(store, options, state="absent")["changed"]
        assert [load.stop().failures for load in loads] == [[], []]


def test_the_last_of_two_splits_takes_the_subset_away(store: TwoVersions) -> None:
    """Each VirtualService has calls of its own, as in two plays."""
    options = {**OPTIONS, "grace": "2.5s", "canary_labels": {"version": "v2"}}
    hosts = (store.host, f"second.{store.host}")
    with store.holding([rule(subset("v1")), virtual_service(store), virtual_service(store, "second", hosts[1])]):
        for host in hosts:
            store.wait_for(ENTRY, STABLE, host_header=host)
        before = store.snapshot()
        loads = [store.load(ENTRY, rate=150, host_header=host) for host in hosts]
        with loads[0], loads[1]:
            for name in ("store", "second"):
                call(store, options, name=name, weight=50)
            assert [each["name"] for each in store.get("DestinationRule", "store")["spec"]["subsets"]] == ["v1", "v2"]
            first = call(store, options, name="store", state="absent")
            assert "keeps spec.subsets[name=v2], which another VirtualService needs" in str(first["warnings"])
            assert [each["name"] for each in store.get("DestinationRule", "store")["spec"]["subsets"]] == ["v1", "v2"]
            store.check_split(ENTRY, 50, count=1000, host_header=hosts[1])
            assert not call(store, options, name="second", state="absent").get("warnings")
            assert store.snapshot() == before
        assert [load.stop().failures for load in loads] == [[], []]


@pytest.mark.quick
def test_requests(store: TwoVersions) -> None:
    """The DestinationRule comes on top, and with a change the pods, since EndpointSlices do not know labels."""
    log = AuditLog()
    reads = {("get", "virtualservices"): 1, ("get", "destinationrules"): 1}
    change = {**reads, ("list", "endpointslices"): 1, ("list", "pods"): 1, ("patch", "virtualservices"): 1}
    with served(store, rule(subset("v1"), subset("v2")), virtual_service(store)):
        for options, requests in (({"weight": 0}, reads), ({"weight": 20}, change), ({"weight": 20}, reads)):
            mark = log.mark()
            call(store, {**OPTIONS, "grace": 0}, **options)
            assert count([each for each in log.since(mark) if each.namespace in (store.namespace, "")]) == requests, options


@pytest.mark.full
def test_a_blue_green_switch_from_subset_to_subset(store: TwoVersions) -> None:
    """The Service keeps its selector; the route moves, stays there, and goes back with all else."""
    names = ("stable_subset", "canary_subset", "destination_rule")
    router = {"type": "istio", "name": "store", **{key: OPTIONS[key] for key in names}}
    options = {"active_service": "store", "routers": [router], "grace": "2s", "scale_down_delay": 0}

    def switch(**more: Any) -> Manifest:
        result = store.module("bluegreen_switch", {**options, **more})
        assert not result.get("failed"), result["msg"]
        return result

    with served(store, rule(subset("v1"), subset("v2")), virtual_service(store)) as before, store.load(ENTRY, rate=150) as load:
        there = switch(target="store-v2")
        assert (there["active"]["name"], there["previous"]["name"]) == ("store-v2", "store-v1")
        assert store.get("Service", "store")["spec"]["selector"] == {"app": "store"}
        assert store.get("Deployment", "store-v1")["spec"]["replicas"] == 0 and store.split(ENTRY, 200) == {CANARY: 200}
        assert not switch(target="store-v2")["changed"]
        assert switch(target="store-v1")["switch_seconds"] and store.split(ENTRY, 200) == {STABLE: 200}
        assert "has no subset with the pods of Deployment/shop" in store.module("bluegreen_switch", {**options, "target": "shop"})["msg"]
        assert (
            "must name istio store, which an earlier call moved"
            in store.module("bluegreen_switch", {"active_service": "store", "state": "absent"})["msg"]
        )
        assert switch(state="absent")["changed"] and store.snapshot() == before
        assert not load.results().failures


BAD_INPUT: dict[str, tuple[Manifest, str]] = {
    "no such subset": ({"canary_subset": "v9"}, "DestinationRule {ns}/store has no subset 'v9' (it has: v1, v2, v4): correct the name"),
    "pods of another Service": (
        {"canary_subset": "v4"},
        "Service {ns}/store has no ready endpoints with the labels app=shop-canary, which would get 20 of 100 parts of the traffic",
    ),
    "one subset for both": ({"canary_subset": "v1"}, "canary_subset is 'v1' as stable_subset is"),
    "labels that do not tell pods apart": (
        {"canary_labels": {"version": "v1"}},
        "DestinationRule {ns}/store, subset v1 has the pods of both versions (version=v1)",
    ),
}


def test_bad_input_is_one_clear_line_and_writes_nothing(store: TwoVersions) -> None:
    with served(store, rule(subset("v1"), subset("v2"), subset("v4", app="shop-canary")), virtual_service(store)) as before:
        for name, (options, message) in BAD_INPUT.items():
            result = store.module("canary_weight", {**OPTIONS, "weight": 20, **options})
            assert result["failed"] and not result.get("changed"), name
            assert message.format(ns=store.namespace) in result["msg"] and "\n" not in result["msg"], result["msg"]
        assert store.snapshot() == before


def test_a_rule_that_is_gone_does_not_keep_the_route_from_going_back(store: TwoVersions) -> None:
    route = virtual_service(store)
    store.make(rule(subset("v1"), subset("v2")))
    with served(store, route) as before:
        call(store, OPTIONS, weight=20, canary_labels={"app": "store"})
        store.delete("DestinationRule", "store")
        assert call(store, OPTIONS, state="absent", require_ready=False)["changed"]
        assert store.snapshot("VirtualService") == {key: value for key, value in before.items() if key.startswith("VirtualService")}
