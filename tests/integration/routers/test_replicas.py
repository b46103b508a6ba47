"""canary_weight without a router: one Service over two Deployments, through real proxies, under load, with hands that interfere."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import replicas
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context, Failed
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.auth import connect
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.clock import Clock
from ansible_collections.progressive.delivery.plugins.module_utils._routing.replicas import Pair
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Split
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.pods import is_ready
from ansible_collections.progressive.delivery.tests.harness.audit import AuditLog, count
from ansible_collections.progressive.delivery.tests.harness.calls import finish, until
from ansible_collections.progressive.delivery.tests.harness.namespace import place
from ansible_collections.progressive.delivery.tests.harness.routers import TRAEFIK_VERSION
from ansible_collections.progressive.delivery.tests.harness.two_versions import CANARY, STABLE, TwoVersions

Manifest = dict[str, Any]
ISTIO, TRAEFIK = "GATEWAY_ISTIO", "GATEWAY_TRAEFIK"
CALL: dict[str, Any] = {"router": "replicas", "name": "web", "stable_service": "web", "grace": 0}
QUICK = {**CALL, "grace": "2.5s"}  # Traefik takes over a change within two
NOTES = "progressive.delivery/"


def deployment(name: str, tag: str, replicas: int, sleep: int) -> Manifest:
    """Its pods end as users' should: they go on until everybody has heard that they are going."""
    stop = {"lifecycle": {"preStop": {"sleep": {"seconds": sleep}}}} if sleep else {}
    container = {"name": "web", "image": f"argoproj/rollouts-demo:{tag}", "ports": [{"name": "http", "containerPort": 8080}], **stop}
    pod_labels = {"app": "web", "workload": name}
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": pod_labels},
        "template": {"metadata": {"labels": pod_labels}, "spec": {"containers": [container]}},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def web(shop: TwoVersions, stable: int = 5, canary: int = 0, sleep: int = 4) -> None:
    shop.make(deployment("web", STABLE, stable, sleep))
    shop.make(deployment("web-canary", CANARY, canary, sleep))
    ports = [{"name": "http", "port": 80, "targetPort": "http"}]
    shop.make({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": ports}})
    for name, number in (("web", stable), ("web-canary", canary)):
        shop.wait_for_pods(number, name)


def routed(shop: TwoVersions) -> None:
    """Two proxies lead to the Service, each in its own way to its pods."""
    route = {"route": [{"destination": {"host": "web"}}]}
    spec = {"gateways": [os.environ["SHARED_GATEWAY_ISTIO"]], "hosts": [shop.host], "http": [route]}
    shop.make({"apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService", "metadata": {"name": "web"}, "spec": spec})
    rule = {"kind": "Rule", "match": f"Host(`{shop.host}`)", "services": [{"name": "web", "port": 80}]}
    spec = {"entryPoints": ["web"], "routes": [rule]}
    shop.make({"apiVersion": TRAEFIK_VERSION, "kind": "IngressRoute", "metadata": {"name": "web"}, "spec": spec})
    for gateway in (ISTIO, TRAEFIK):
        shop.wait_for(gateway, STABLE)


def call(shop: TwoVersions, options: Manifest, **more: Any) -> Manifest:
    result = shop.module("canary_weight", {**options, **more})
    assert not result.get("failed"), result["msg"]
    return result


def scaled(shop: TwoVersions) -> tuple[int, int]:
    return tuple(shop.get("Deployment", name)["spec"]["replicas"] for name in ("web", "web-canary"))


@pytest.fixture
def quiet(shop: TwoVersions) -> TwoVersions:
    """Pods that nobody asks anything."""
    web(shop, sleep=0)
    return shop


def hostile() -> None:
    assert os.environ["CLUSTER_HOSTILE"] == "1", (
        "this proves something on a hostile cluster only: tests/cluster/run --hostile -- pytest ..."
    )


# weight, and the pods that come nearest to it.
MOVES = [(5, (4, 1)), (20, (4, 1)), (50, (2, 3)), (95, (1, 4)), (100, (0, 5)), (0, (5, 0))]
EACH_TIME = [(5, (4, 1)), (20, (4, 1)), (50, (2, 3)), (0, (5, 0))]


@pytest.mark.parametrize("moves", [pytest.param(EACH_TIME, id="some"), pytest.param(MOVES, id="all", marks=pytest.mark.full)])
def test_splits(shop: TwoVersions, moves: list[tuple[int, tuple[int, int]]]) -> None:
    """Each is served by both proxies, and at the end nothing of ours is left."""
    web(shop)
    routed(shop)
    before = shop.snapshot()
    for weight, (stable, canary) in moves:
        result = call(shop, QUICK, weight=weight)
        assert (result["weight"], scaled(shop)) == ({"stable": stable, "canary": canary}, (stable, canary))
        assert result["changed"] == (weight != 20), "5 % and 20 % of 5 pods are the same"
        away = [] if weight in (0, 20, 100) else [f"asked {weight} %, the nearest with 5 pods is {20 * canary} %"]
        assert all(text in result["msg"] and text in json.dumps(result["warnings"]) for text in away)
        assert bool(result.get("warnings")) == bool(away)
        for gateway in (ISTIO, TRAEFIK):
            shop.check_split(gateway, canary, 5)
    assert shop.snapshot() == before


def test_nothing_is_lost_on_the_way(shop: TwoVersions) -> None:
    """Though pods reset their connections when they end, and EndpointSlices come late: these pods are in no hurry to end."""
    hostile()
    web(shop)
    routed(shop)
    before = shop.snapshot()
    loads = [shop.load(gateway, rate=150.0, connections=150) for gateway in (ISTIO, TRAEFIK)]
    for load in loads:
        load.start()
    with ready_pods(shop) as ready:
        for weight in (20, 100):
            call(shop, QUICK, weight=weight)
        call(shop, QUICK, state="absent")
        time.sleep(5)  # the last pods end
    for load in loads:
        results = load.stop()
        assert not results.failures, results.summary()
        assert set(results.versions) == {STABLE, CANARY}
    assert min(ready) == 5
    assert shop.snapshot() == before


@contextmanager
def ready_pods(shop: TwoVersions) -> Iterator[list[int]]:
    """How many pods are ready within, as often as can be looked."""
    seen, done = [], threading.Event()

    def look() -> None:
        with closing(connect({"kubeconfig": shop.kubeconfig})) as transport:
            while not done.wait(0.05):
                items = transport.request("GET", place("v1", "Pod", shop.namespace), {"labelSelector": "app=web"}).body["items"]
                seen.append(sum(is_ready(item) for item in items))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def test_what_pods_in_a_hurry_lose(shop: TwoVersions) -> None:
    """The same without preStop: that something is lost shows that losses would be seen."""
    hostile()
    web(shop, sleep=0)
    routed(shop)
    load = shop.load(ISTIO, rate=300.0).start()
    call(shop, QUICK, weight=60)
    assert load.stop().failures


def test_check_run_check_run(quiet: TwoVersions) -> None:
    before = quiet.snapshot()
    preview = quiet.module("canary_weight", {**CALL, "weight": 40}, check=True, diff=True)
    assert preview["changed"] and preview["weight"] == {"stable": 3, "canary": 2} and quiet.snapshot() == before
    real = quiet.module("canary_weight", {**CALL, "weight": 40}, diff=True)
    assert real["changed"] and real["previous_weight"] == {"stable": 5, "canary": 0}
    assert _by_title(real["diff"]) == _by_title(preview["diff"])
    written = quiet.snapshot("Deployment", "ReplicaSet", "Pod", "Service")
    noted = [key for key, item in written.items() if any(name.startswith(NOTES) for name in item["metadata"].get("annotations", {}))]
    assert noted == ["Service/web"]
    for check in (True, False):
        again = quiet.module("canary_weight", {**CALL, "weight": 40}, check=check, diff=True)
        assert (again["changed"], again["diff"], again["weight"]) == (False, [], {"stable": 3, "canary": 2})
    assert call(quiet, CALL, state="absent")["changed"]
    assert quiet.snapshot() == before
    assert not call(quiet, CALL, state="absent")["changed"]


def _by_title(diff: list[Manifest]) -> dict[str, Any]:
    """Before and after by object, without the time in our note, which a preview cannot know."""
    found = json.loads(json.dumps({entry["after_header"]: [entry["before"], entry["after"]] for entry in diff}))
    for _before, after in found.values():
        after["metadata"].pop("annotations", None)
    return dict(found)


def test_requests(quiet: TwoVersions) -> None:
    """Nothing to change: the three objects, and no list."""
    call(quiet, CALL, weight=20)
    log = AuditLog()
    mark = log.mark()
    call(quiet, CALL, weight=20)
    assert count(log.since(mark)) == {("get", "deployments"): 2, ("get", "services"): 1}
    mark = log.mark()
    call(quiet, CALL, weight=40)
    writes = {key: number for key, number in count(log.since(mark)).items() if key[0] not in ("get", "list", "watch")}
    assert writes == {("patch", "services"): 3, ("patch", "deployments"): 2}


def _autoscaler(shop: TwoVersions, name: str) -> Manifest:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 9, "metrics": []}
    shop.versions["HorizontalPodAutoscaler"] = "autoscaling/v2"
    return {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "auto"}, "spec": spec}


def test_what_cannot_be_split_is_one_clear_line_and_writes_nothing(quiet: TwoVersions) -> None:
    def refused(message: str, **options: Any) -> None:
        before = quiet.snapshot()
        result = quiet.module("canary_weight", {**CALL, "weight": 20, **options})
        assert result["failed"] and not result.get("changed") and "\n" not in result["msg"]
        assert message.format(ns=quiet.namespace) in result["msg"], result["msg"]
        assert quiet.snapshot() == before

    refused("because every pod behind the Service receives any request", matches=[{"path": "/"}])
    refused("mirror cannot be used with router replicas, because no router copies requests: remove it", mirror=5)
    refused("Deployment {ns}/nope does not exist: check its name and the namespace", canary_workload="nope")
    refused("Service {ns}/shop does not select the pods of Deployment web (selector app=shop)", stable_service="shop")
    for name in ("web", "web-canary"):
        with quiet.holding([_autoscaler(quiet, name)]):
            refused(f"HorizontalPodAutoscaler {{ns}}/auto scales Deployment {name} and would undo the split: delete it")
    with quiet.holding([deployment("other", "green", 1, 0)]):
        quiet.wait_for_pods(1, "other")
        refused("Service {ns}/web leads to other pods than those of the two Deployments (other-")
    until("the other pod has gone", lambda: not [name for name in quiet.names("Pod") if name.startswith("other-")])
    quiet.scale(1, "web")
    refused("Service {ns}/web has 1 pod in all, which cannot be split: scale the two Deployments to 2 or more")
    assert call(quiet, CALL, weight=100)["weight"] == {"stable": 0, "canary": 1}


def test_drift_is_told_and_handled_as_asked(quiet: TwoVersions) -> None:
    call(quiet, CALL, weight=20)
    quiet.scale(7, "web")
    before = quiet.snapshot()
    told = quiet.module("canary_weight", {**CALL, "weight": 40})
    assert "Deployment web was scaled by another client: spec.replicas is 7, was set to 4: set on_drift to repair" in told["msg"]
    assert told["failed"] and quiet.snapshot() == before
    repaired = call(quiet, CALL, weight=40, on_drift="repair")
    assert (repaired["drift"], scaled(quiet)) == (["Deployment web: spec.replicas"], (3, 2))
    quiet.scale(7, "web")
    assert call(quiet, CALL, weight=50, on_drift="accept")["weight"] == {"stable": 3, "canary": 4}
    call(quiet, CALL, state="absent")
    assert scaled(quiet) == (7, 0)


def test_a_canary_that_does_not_start_leaves_the_stable_pods_alone(quiet: TwoVersions) -> None:
    container = {"name": "web", "image": "argoproj/rollouts-demo:crash-1"}
    quiet.patch("Deployment", "web-canary", {"spec": {"template": {"spec": {"containers": [container]}}}})
    result = quiet.module("canary_weight", {**CALL, "weight": 40})
    assert result["failed"] and "CrashLoopBackOff" in result["msg"]
    assert scaled(quiet) == (5, 2)
    call(quiet, CALL, state="absent")
    assert scaled(quiet) == (5, 0)


def test_two_calls_at_once_end_each_with_a_clear_result(quiet: TwoVersions) -> None:
    before = quiet.snapshot()
    for _round in range(3):
        wishes = {weight: quiet.start_module("canary_weight", {**CALL, "weight": weight}) for weight in random.sample([20, 40, 60, 100], 2)}
        results = {weight: finish(process) for weight, process in wishes.items()}
        done = [weight for weight, result in results.items() if not result.get("failed")]
        assert done, [result["msg"] for result in results.values()]
        assert scaled(quiet) in [(5 - weight // 20, weight // 20) for weight in done]
        for weight in set(results) - set(done):
            assert "is being given another split by another call, which took over" in results[weight]["msg"]
    call(quiet, CALL, state="absent")
    assert quiet.snapshot() == before


def test_a_write_that_comes_too_late_is_taken_back(quiet: TwoVersions) -> None:
    """Between this call's last look and its write another call comes, finds the Deployments as it wants them, and is done."""
    call(quiet, CALL, weight=20)

    def guard() -> None:
        guarded.append(None)
        if len(guarded) == 2:  # the first write says what will be done, the second lets pods come
            assert call(quiet, CALL, weight=20)["weight"] == {"stable": 4, "canary": 1}

    guarded: list[None] = []
    with closing(connect({"kubeconfig": quiet.kubeconfig})) as transport:
        clock = Clock()
        ctx = Context(Client(transport, clock), clock, quiet.namespace, "test", ensure_lock_held=guard)
        with pytest.raises(Failed, match="is being given another split by another call, which took over"):
            replicas.move(ctx, Pair("web", "web", "web-canary"), Split(0, 100), 0.0)
    assert len(guarded) >= 2 and scaled(quiet) == (4, 1)
    assert not call(quiet, CALL, weight=20)["changed"]


def test_a_call_that_dies_is_gone_on_with(quiet: TwoVersions) -> None:
    before = quiet.snapshot()
    for weight in (40, 100, 20):
        process = quiet.start_module("canary_weight", {**CALL, "weight": weight})
        until("it has begun", lambda: quiet.snapshot() != before, seconds=20)
        time.sleep(random.random())
        process.kill()
        process.communicate()
    assert call(quiet, CALL, weight=60)["weight"] == {"stable": 2, "canary": 3}
    call(quiet, CALL, state="absent")
    assert quiet.snapshot() == before
