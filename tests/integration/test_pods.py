"""What the shared test cluster gives to all other tests: pods that answer and behave by image tag, and gateways that split by weight."""

from __future__ import annotations

import http.client
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from ansible_collections.progressive.delivery.tests.harness import objects
from ansible_collections.progressive.delivery.tests.harness.load import Load
from ansible_collections.progressive.delivery.tests.harness.stats import describe, fits
from kubernetes import client, config


class Namespace(NamedTuple):
    """A namespace of its own for these tests."""

    name: str
    api: client.ApiClient

    def deploy(self, name: str, image: str, replicas: int = 1, version: str | None = None) -> None:
        client.AppsV1Api(self.api).create_namespaced_deployment(self.name, objects.deployment(name, image, replicas, version))

    def serve(self, name: str, app: str) -> str:
        """A Service; its cluster address."""
        made = client.CoreV1Api(self.api).create_namespaced_service(self.name, objects.service(name, app))
        return str(made.spec.cluster_ip)

    def route(self, items: list[objects.Item]) -> None:
        for item in items:
            objects.create(self.api, self.name, item)


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    api = config.new_client_from_config()
    name = f"pods-{uuid.uuid4().hex[:6]}"
    core = client.CoreV1Api(api)
    core.create_namespace({"metadata": {"name": name}})
    yield Namespace(name, api)
    core.delete_namespace(name)


class Answer(NamedTuple):
    code: int
    seconds: float
    body: str


def get(address: str, path: str = "/", host: str | None = None) -> Answer:
    began = time.perf_counter()
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", path, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return Answer(answer.status, time.perf_counter() - began, body)


@pytest.mark.parametrize(
    ("name", "image", "variable", "version"),
    [
        ("plain", "argoproj/rollouts-demo:blue", None, "blue"),
        ("registry", "registry.example:5000/team/app:1.2@sha256:" + "0" * 64, None, "1.2"),
        ("untagged", "nginx", None, "latest"),
        ("variable", "nginx", "canary", "canary"),
    ],
)
def test_pods_answer_with_their_version(namespace: Namespace, name: str, image: str, variable: str | None, version: str) -> None:
    namespace.deploy(name, image, version=variable)
    pod = objects.pod_of(namespace.api, namespace.name, name)
    answer = get(f"{pod.status.pod_ip}:8080")
    assert answer.code == 200
    body = json.loads(answer.body)
    assert (body["version"], body["pod"], body["namespace"]) == (version, pod.metadata.name, namespace.name)
    metrics = get(f"{pod.status.pod_ip}:8080", "/metrics").body
    labels = f'code="200",version="{version}",pod="{pod.metadata.name}",namespace="{namespace.name}"'
    assert f"http_requests_total{{{labels}}} 1\n" in metrics


@pytest.mark.parametrize(
    ("tag", "ready", "waiting", "code", "seconds"),
    [
        ("bad-1", True, None, 500, 0.0),
        ("slow-1", True, None, 200, 1.0),
        ("crash-1", False, "CrashLoopBackOff", None, 0.0),
        ("missing-1", False, "ImagePullBackOff", None, 0.0),
        ("unready-1", False, None, 200, 0.0),
        ("gated-1", False, None, 200, 0.0),
        ("oom-1", False, "CrashLoopBackOff", None, 0.0),
        ("invalid-1", False, "InvalidImageName", None, 0.0),
    ],
)
def test_pods_behave_by_image_tag(
    namespace: Namespace, tag: str, ready: bool, waiting: str | None, code: int | None, seconds: float
) -> None:
    namespace.deploy(tag, f"demo:{tag}")
    pod = objects.pod_of(namespace.api, namespace.name, tag, ready)
    state = pod.status.container_statuses[0].state
    assert (state.waiting.reason if state.waiting else None) == waiting
    if code is None:
        with pytest.raises(ConnectionRefusedError):
            get(f"{pod.status.pod_ip}:8080")
    else:
        answer = get(f"{pod.status.pod_ip}:8080")
        assert answer.code == code
        assert answer.seconds >= seconds + (0.1 if os.environ["CLUSTER_HOSTILE"] else 0)


def test_late_pods_become_ready_late(namespace: Namespace) -> None:
    namespace.deploy("late", "demo:late-1")
    pod = objects.pod_of(namespace.api, namespace.name, "late")
    times = {condition.type: condition.last_transition_time for condition in pod.status.conditions}
    assert 4 <= (times["Ready"] - times["PodScheduled"]).total_seconds() <= 20


@pytest.mark.parametrize(
    ("tag", "waiting", "restarts"),
    [
        ("crash-twice-1", "CrashLoopBackOff", 2),
        ("pull-later-1", "ErrImagePull", 0),
        ("config-later-1", "CreateContainerConfigError", 0),
    ],
)
def test_some_pods_recover(namespace: Namespace, tag: str, waiting: str, restarts: int) -> None:
    namespace.deploy(tag, f"demo:{tag}")
    until(lambda: waiting in reasons(namespace, tag), f"a pod of {tag} that waits with {waiting}")
    pod = objects.pod_of(namespace.api, namespace.name, tag)
    assert pod.status.container_statuses[0].restart_count == restarts
    assert get(f"{pod.status.pod_ip}:8080").code == 200


def test_an_evicted_pod_stays_and_is_replaced(namespace: Namespace) -> None:
    namespace.deploy("evicted", "demo:evicted-1")
    core = client.CoreV1Api(namespace.api)

    def evicted() -> bool:
        pods = core.list_namespaced_pod(namespace.name, label_selector="app=evicted").items
        return len(pods) >= 2 and (pods[0].status.phase, pods[0].status.reason) == ("Failed", "Evicted")

    until(evicted, "an evicted pod and its successor")
    client.AppsV1Api(namespace.api).delete_namespaced_deployment("evicted", namespace.name)


@pytest.mark.parametrize(("tag", "status"), [("gated-1", None), ("plain-1", "True")])
def test_readiness_gates_are_set_unless_the_tag_says_otherwise(namespace: Namespace, tag: str, status: str | None) -> None:
    made = objects.deployment(f"gates-{tag}", f"demo:{tag}")
    made["spec"]["template"]["spec"]["readinessGates"] = [{"conditionType": "example.org/gate"}]
    client.AppsV1Api(namespace.api).create_namespaced_deployment(namespace.name, made)
    pod = objects.pod_of(namespace.api, namespace.name, f"gates-{tag}", ready=status is not None)
    assert {each.type: each.status for each in pod.status.conditions}.get("example.org/gate") == status


def reasons(namespace: Namespace, app: str) -> list[str]:
    """Why the containers of an application's pods wait."""
    pods = client.CoreV1Api(namespace.api).list_namespaced_pod(namespace.name, label_selector=f"app={app}").items
    states = [each.state for pod in pods for each in pod.status.container_statuses or []]
    return [str(state.waiting.reason) for state in states if state.waiting]


def until(done: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"there is not {what}"
        time.sleep(0.05)


def test_no_address_is_used_twice(namespace: Namespace) -> None:
    """A router that has not heard of a pod's end must meet a closed port, not another pod."""
    apps, core = client.AppsV1Api(namespace.api), client.CoreV1Api(namespace.api)
    addresses: list[str] = []
    for number in range(3):
        namespace.deploy("again", f"demo:{number}")
        addresses.append(objects.pod_of(namespace.api, namespace.name, "again").status.pod_ip)
        apps.delete_namespaced_deployment("again", namespace.name)
        while core.list_namespaced_pod(namespace.name, label_selector="app=again").items:
            time.sleep(0.05)
        with pytest.raises(ConnectionRefusedError):
            get(f"{addresses[-1]}:8080")
    assert len(set(addresses)) == 3


def wait_for_answer(address: str, host: str | None = None, seconds: float = 30) -> Answer:
    """The first successful one; routers, and their ports, take a moment to know a host."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = get(address, host=host)
            if answer.code == 200:
                return answer
        except OSError:
            pass
        assert time.monotonic() < deadline, f"{host or address} does not answer within {seconds:g} s"
        time.sleep(0.1)


def test_cluster_addresses_of_services_answer(namespace: Namespace) -> None:
    namespace.deploy("behind", "demo:one")
    address = namespace.serve("behind", "behind")
    assert json.loads(wait_for_answer(address).body)["version"] == "one"


@pytest.fixture(scope="module")
def versions(namespace: Namespace) -> list[str]:
    """Two Services with a Deployment each."""
    names = ["stable", "canary"]
    for name in names:
        namespace.deploy(name, f"demo:{name}")
        namespace.serve(name, name)
    for name in names:
        objects.pod_of(namespace.api, namespace.name, name)
    return names


@pytest.mark.parametrize(
    ("router", "gateway"),
    [(objects.istio, "GATEWAY_ISTIO"), (objects.gateway_api, "GATEWAY_TRAEFIK"), (objects.ingress_nginx, "GATEWAY_TRAEFIK")],
    ids=["istio", "gateway_api", "ingress_nginx"],
)
@pytest.mark.usefixtures("versions")
def test_gateways_split_by_weight(namespace: Namespace, router: Callable[[str, dict[str, int]], list[objects.Item]], gateway: str) -> None:
    address, host = os.environ[gateway], f"{router.__name__.replace('_', '-')}.{namespace.name}"
    namespace.route(router(host, {"stable": 80, "canary": 20}))
    wait_for_answer(address, host)
    time.sleep(2)  # the canary Ingress, or the second backend, may come to the router after the first
    results = Load(address, host, rate=400, max_requests=1000).start().wait()
    assert results.failures == []
    assert fits(results.versions["canary"], 1000, 0.2), describe(results.versions["canary"], 1000, 0.2)


@pytest.mark.parametrize(
    ("router", "gateway"), [(objects.istio, "GATEWAY_ISTIO"), (objects.ingress_nginx, "GATEWAY_TRAEFIK")], ids=["istio", "traefik"]
)
def test_a_naive_switch_is_seen_to_lose_requests(
    namespace: Namespace, router: Callable[[str, dict[str, int]], list[objects.Item]], gateway: str
) -> None:
    """Point the Service at the new version, scale the old one to 0: where that loses nothing, this cluster proves nothing."""
    apps, core = client.AppsV1Api(namespace.api), client.CoreV1Api(namespace.api)
    name = f"naive-{router.__name__.replace('_', '-')}"
    old, new, host, address = f"{name}-old", f"{name}-new", f"{name}.{namespace.name}", os.environ[gateway]
    namespace.deploy(old, f"demo:{old}", replicas=2)
    namespace.deploy(new, f"demo:{new}", replicas=2)
    objects.pod_of(namespace.api, namespace.name, new)
    namespace.serve(name, old)
    namespace.route(router(host, {name: 100}))
    wait_for_answer(address, host)
    with Load(address, host, rate=300) as load:
        time.sleep(1)
        core.patch_namespaced_service(name, namespace.name, {"spec": {"selector": {"app": new}}})
        apps.patch_namespaced_deployment_scale(old, namespace.name, {"spec": {"replicas": 0}})
        time.sleep(4)
    results = load.results()
    assert len(results.failures) > 0
    assert results.versions[new] > results.versions[old] > 0
