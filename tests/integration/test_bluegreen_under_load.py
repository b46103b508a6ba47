"""Switches under load through three routers at once, on a hostile cluster; a naive one in the same run shows that losses are seen."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness import routers
from ansible_collections.progressive.delivery.tests.harness.load import Load, Results
from ansible_collections.progressive.delivery.tests.harness.two_versions import CANARY, STABLE, TwoVersions, two_versions

Manifest = dict[str, Any]
ACTIVE, PREVIEW = "active", "preview"
VERSIONS = {STABLE: "shop", CANARY: "shop-canary"}
GATEWAYS = ("GATEWAY_ISTIO", "GATEWAY_TRAEFIK", "GATEWAY_NGINX")
CONNECTIONS, RATE = 32, 100.0  # of each gateway


@pytest.fixture(autouse=True)
def _hostile() -> None:
    assert os.environ["CLUSTER_HOSTILE"] == "1", (
        "these tests prove something on a hostile cluster only: tests/cluster/run --hostile -- pytest ..."
    )


@pytest.fixture
def store() -> Iterator[TwoVersions]:
    """Blue active, yellow in the preview, and a router of each kind that leads to the active Service alone."""
    with two_versions() as made:
        for name in VERSIONS.values():
            made.delete("Service", name)
        for name, version in ((ACTIVE, STABLE), (PREVIEW, CANARY)):
            ports = [{"name": "http", "port": 80, "targetPort": "http"}]
            spec = {"selector": {"app": VERSIONS[version]}, "ports": ports}
            made.make({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
            made.wait_for_endpoints(name)
        for manifest in (_virtual_service(made), _http_route(made), _ingress(made)):
            made.make(manifest)
        for gateway in GATEWAYS:
            made.wait_for(gateway, STABLE, host_header=_host(made, gateway))
        yield made


def _host(store: TwoVersions, gateway: str) -> str:
    """Traefik serves the route and the Ingress, so each router has a host of its own."""
    return f"{gateway.rpartition('_')[2].lower()}.{store.host}"


def _virtual_service(store: TwoVersions) -> Manifest:
    [item] = routers.istio_http(store, 0)
    item["spec"] |= {"hosts": [_host(store, "GATEWAY_ISTIO")], "http": [{"route": [{"destination": {"host": ACTIVE}}]}]}
    return item


def _http_route(store: TwoVersions) -> Manifest:
    [item] = routers.http_route(store, 0, "TRAEFIK")
    item["spec"] |= {"hostnames": [_host(store, "GATEWAY_TRAEFIK")], "rules": [{"backendRefs": [{"name": ACTIVE, "port": 80}]}]}
    return item


def _ingress(store: TwoVersions) -> Manifest:
    item = routers.ingress(store, 0)[0]
    rule = item["spec"]["rules"][0]
    rule["host"] = _host(store, "GATEWAY_NGINX")
    rule["http"]["paths"][0]["backend"]["service"]["name"] = ACTIVE
    return item


def _options(version: str, grace: str | None) -> dict[str, Any]:
    return {
        "active_service": ACTIVE,
        "preview_service": PREVIEW,
        "target": VERSIONS[version],
        "routers": [{"type": kind, "name": "shop"} for kind in ("istio", "gateway_api", "ingress_nginx")],
        "scale_down_delay": 0,
        "grace": grace,
    }


def _loads(store: TwoVersions) -> list[Load]:
    return [store.load(each, host_header=_host(store, each), rate=RATE, connections=CONNECTIONS) for each in GATEWAYS]


def _all(loads: list[Load], since: float, until: float = float("inf")) -> Results:
    return Results([request for load in loads for request in load.results(since, until).requests])


@pytest.mark.parametrize(("switches", "grace"), [pytest.param(2, "2s", id="2"), pytest.param(20, None, id="20", marks=pytest.mark.full)])
def test_forth_and_back(store: TwoVersions, switches: int, grace: str | None) -> None:
    before, began, latencies = store.snapshot(), time.time(), []
    loads = _loads(store)
    with ExitStack() as running:
        for load in loads:
            running.enter_context(load)
        for number in range(switches):
            version, old = ((CANARY, STABLE), (STABLE, CANARY))[number % 2]
            last = number == switches - 1
            result = store.module("bluegreen_switch", {**_options(version, grace), "scale_down": not last})
            returned = time.time()
            assert not result.get("failed") and result["changed"], result["msg"]
            assert store.get("Deployment", VERSIONS[old])["spec"]["replicas"] == (2 if last else 0)
            latencies.append(result["switch_seconds"])
            time.sleep(1)
            after = _all(loads, returned)
            assert set(after.versions) == {version} and len(after.requests) > 50, after.summary()
        assert store.module("bluegreen_switch", {"active_service": ACTIVE, "state": "absent", "grace": grace})["changed"]
        time.sleep(1)
        switched = time.time()
        assert store.snapshot() == before
        _naive(store)
        time.sleep(2)
    careful, naive = _all(loads, began, switched), _all(loads, switched)
    print(f"\n{switches} switches: {careful.summary()}; proven after {latencies} s; the naive one: {naive.summary()}")
    assert not careful.failures, careful.failures[:3]
    for load in loads:
        assert set(load.results(began, switched).versions) == {STABLE, CANARY}
    assert naive.failures, "a naive switch lost nothing, so this cluster forgives what a real one does not"


def _naive(store: TwoVersions) -> None:
    """To pods that are being started, and the old ones go at once."""
    store.scale(0, VERSIONS[CANARY])
    store.patch("Deployment", VERSIONS[CANARY], {"spec": {"replicas": 2}})
    store.patch("Service", ACTIVE, {"spec": {"selector": {"app": VERSIONS[CANARY]}}})
    store.patch("Deployment", VERSIONS[STABLE], {"spec": {"replicas": 0}})
