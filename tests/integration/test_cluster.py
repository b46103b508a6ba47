"""The embedded cluster itself: starting, ending, what runs inside, what is reached from outside, and that the harness sees losses."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.audit import AuditLog, count
from ansible_collections.progressive.delivery.tests.harness.load import Load
from ansible_collections.progressive.delivery.tests.harness.stats import describe, fits
from kubernetes import client, config

pytestmark = pytest.mark.own_cluster

CLUSTER = Path(__file__).parents[1] / "cluster"
PREFIX = f"test-{os.getpid()}"


def cluster(command: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **options.pop("env", {})}
    environment.pop("CLUSTER_NAME", None)
    return subprocess.run([CLUSTER / command, *arguments], capture_output=True, text=True, env=environment, check=False, **options)


def must(command: str, *arguments: str, **options: Any) -> str:
    done = cluster(command, *arguments, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def status(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cluster("status", "--name", name, "--json").stdout)
    return found


def left_of(name: str) -> list[str]:
    """Processes that belong to a cluster (zombies aside, which wait for this machine's first process), and its folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"/clusters/{name}/" in arguments or f"supervise {name} " in arguments:
            found.append(arguments)
    home = Path(os.environ.get("XDG_STATE_HOME") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "progressive.delivery" / "clusters" / name
    return found + ([str(folder)] if folder.exists() else [])


@pytest.fixture(scope="module")
def hostile() -> Iterator[dict[str, Any]]:
    """One hostile cluster with both routers."""
    name = f"{PREFIX}-hostile"
    must("up", "--name", name, "--hostile")
    yield status(name)
    must("down", "--name", name)
    assert left_of(name) == []


@pytest.fixture(scope="module")
def api(hostile: dict[str, Any]) -> client.ApiClient:
    """Through the forwarded port, certificates verified both ways."""
    return config.new_client_from_config(config_file=hostile["kubeconfig"]["outside"])


def deployment(name: str, image: str, replicas: int = 1, env: dict[str, str] | None = None) -> dict[str, Any]:
    variables = [{"name": key, "value": value} for key, value in (env or {}).items()]
    container = {"name": "app", "image": image, "ports": [{"name": "http", "containerPort": 8080}], "env": variables}
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {"metadata": {"name": name}, "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}}


def service(name: str, app: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"selector": {"app": app}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}}


def pod_of(api: client.ApiClient, app: str, ready: bool, seconds: float = 20) -> Any:
    """The first pod of an application, once it is as ready as expected and its container has a state that lasts."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for pod in client.CoreV1Api(api).list_namespaced_pod("default", label_selector=f"app={app}").items:
            conditions = {condition.type: condition.status for condition in pod.status.conditions or []}
            waiting = [one.state.waiting.reason for one in pod.status.container_statuses or [] if one.state.waiting]
            if (conditions.get("Ready") == "True") == ready and "ContainerCreating" not in waiting and pod.status.pod_ip:
                return pod
        time.sleep(0.05)
    raise AssertionError(f"no pod of {app} became {'ready' if ready else 'what it should'} within {seconds:g} s")


GET = """
import http.client, sys, time
began, connection = time.perf_counter(), http.client.HTTPConnection(sys.argv[1], timeout=10)
connection.request("GET", sys.argv[2])
answer = connection.getresponse()
print(answer.status, time.perf_counter() - began, answer.read().decode())
"""


def get_inside(name: str, address: str, path: str = "/") -> tuple[int, float, str]:
    """Status, seconds and body of one request from inside."""
    code, seconds, body = must("exec", "--name", name, "--", "python", "-c", GET, address, path).split(" ", 2)
    return int(code), float(seconds), body


def test_exec_environment(hostile: dict[str, Any], tmp_path: Path) -> None:
    program = "import json, os; print(json.dumps({'cwd': os.getcwd(), 'uid': os.getuid(), **os.environ}))"
    found = json.loads(must("exec", "--name", hostile["name"], "--", "python", "-c", program, cwd=tmp_path, env={"MINE": "kept"}))
    expected = {
        "KUBECONFIG": hostile["kubeconfig"]["inside"],
        "GATEWAY_ISTIO": hostile["inside"]["istio"],
        "GATEWAY_TRAEFIK": hostile["inside"]["traefik"],
        "CLUSTER_NAME": hostile["name"],
        "CLUSTER_STATE": hostile["folder"],
        "CLUSTER_AUDIT_LOG": hostile["audit_log"],
        "MINE": "kept",
        "cwd": str(tmp_path),
        "uid": 0,
    }
    assert {key: found.get(key) for key in expected} == expected
    assert (Path(found["ANSIBLE_COLLECTIONS_PATH"]) / "ansible_collections/progressive/delivery/galaxy.yml").exists()
    assert (Path(found["PATH"].split(os.pathsep)[0]) / "ansible-playbook").exists()


def test_exec_passes_the_exit_code_on(hostile: dict[str, Any]) -> None:
    assert cluster("exec", "--name", hostile["name"], "--", "sh", "-c", "exit 7").returncode == 7


def test_up_again(hostile: dict[str, Any]) -> None:
    same = cluster("up", "--name", hostile["name"], "--hostile")
    assert (same.returncode, "runs already" in same.stdout) == (0, True)
    other = cluster("up", "--name", hostile["name"])
    assert (other.returncode, "other options (--with istio,traefik --hostile)" in other.stderr) == (1, True)


def test_run_does_not_take_over_a_running_cluster(hostile: dict[str, Any]) -> None:
    done = cluster("run", "--name", hostile["name"], "--hostile", "--", "true")
    assert (done.returncode, "would take it down" in done.stderr) == (1, True)
    assert status(hostile["name"])["state"] == "running"


@pytest.mark.parametrize(
    ("name", "image", "env", "version"),
    [
        ("plain", "argoproj/rollouts-demo:blue", {}, "blue"),
        ("registry", "registry.example:5000/team/app:1.2@sha256:" + "0" * 64, {}, "1.2"),
        ("untagged", "nginx", {}, "latest"),
        ("variable", "nginx", {"version": "canary"}, "canary"),
    ],
)
def test_pods_answer_with_their_version(hostile: dict[str, Any], api: client.ApiClient, name: str, image: str, env: dict[str, str], version: str) -> None:
    client.AppsV1Api(api).create_namespaced_deployment("default", deployment(name, image, env=env))
    pod = pod_of(api, name, ready=True)
    code, seconds, body = get_inside(hostile["name"], f"{pod.status.pod_ip}:8080")
    answer = json.loads(body)
    assert (code, answer["version"], answer["pod"]) == (200, version, pod.metadata.name)
    assert seconds >= 0.1, "hostile pods take 100 ms"
    metrics = get_inside(hostile["name"], f"{pod.status.pod_ip}:8080", "/metrics")[2]
    assert f'http_requests_total{{code="200",version="{version}"' in metrics


@pytest.mark.parametrize(
    ("tag", "ready", "waiting", "code", "seconds"),
    [
        ("bad-1", True, None, 500, 0.1),
        ("slow-1", True, None, 200, 1.1),
        ("crash-1", False, "CrashLoopBackOff", None, None),
        ("missing-1", False, "ImagePullBackOff", None, None),
        ("unready-1", False, None, 200, 0.1),
    ],
)
def test_pods_behave_by_image_tag(
    hostile: dict[str, Any], api: client.ApiClient, tag: str, ready: bool, waiting: str | None, code: int | None, seconds: float | None
) -> None:
    client.AppsV1Api(api).create_namespaced_deployment("default", deployment(tag, f"demo:{tag}"))
    pod = pod_of(api, tag, ready)
    state = pod.status.container_statuses[0].state
    assert (state.waiting.reason if state.waiting else None) == waiting
    if code is not None and seconds is not None:
        found = get_inside(hostile["name"], f"{pod.status.pod_ip}:8080")
        assert (found[0], found[1] >= seconds) == (code, True)


def test_pods_are_ready_quickly_and_never_share_an_address(api: client.ApiClient) -> None:
    apps, core = client.AppsV1Api(api), client.CoreV1Api(api)
    addresses: list[str] = []
    for round_ in range(3):
        apps.create_namespaced_deployment("default", deployment("quick", f"demo:{round_}", replicas=2))
        pod = pod_of(api, "quick", ready=True)
        times = {condition.type: condition.last_transition_time for condition in pod.status.conditions}
        assert (times["Ready"] - times["PodScheduled"]).total_seconds() <= 2  # whole seconds, on a busy machine
        addresses += [one.status.pod_ip for one in core.list_namespaced_pod("default", label_selector="app=quick").items]
        apps.delete_namespaced_deployment("quick", "default")
        while core.list_namespaced_pod("default", label_selector="app=quick").items:
            time.sleep(0.05)
    assert len(addresses) == len(set(addresses))


def test_cluster_addresses_of_services_answer(hostile: dict[str, Any], api: client.ApiClient) -> None:
    client.AppsV1Api(api).create_namespaced_deployment("default", deployment("behind", "demo:one"))
    address = client.CoreV1Api(api).create_namespaced_service("default", service("behind", "behind")).spec.cluster_ip
    pod_of(api, "behind", ready=True)
    time.sleep(2)  # EndpointSlices are a second late
    assert json.loads(get_inside(hostile["name"], address)[2])["version"] == "one"


def test_gateways_split_by_weight_from_outside(hostile: dict[str, Any], api: client.ApiClient) -> None:
    """A VirtualService, an HTTPRoute and a canary Ingress, each with 20 % for the canary."""
    apps, core, custom = client.AppsV1Api(api), client.CoreV1Api(api), client.CustomObjectsApi(api)
    for name in ("stable", "canary"):
        apps.create_namespaced_deployment("default", deployment(name, f"demo:{name}"))
        core.create_namespaced_service("default", service(name, name))
        pod_of(api, name, ready=True)
    for group, version, plural, item in split_objects():
        custom.create_namespaced_custom_object(group, version, "default", plural, item)
    for router, host in (("istio", "istio.example"), ("traefik", "route.example"), ("traefik", "ingress.example")):
        url = hostile["outside"][router]
        wait_until_answered(url, host)
        results = Load(url, host, rate=400, max_requests=800).start().wait()
        assert results.failures == []
        assert fits(results.versions["canary"], 800, 0.2), describe(results.versions["canary"], 800, 0.2)


def split_objects() -> list[tuple[str, str, str, dict[str, Any]]]:
    istio, gateway = "networking.istio.io", "gateway.networking.k8s.io"
    servers = [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}]
    destinations = [{"destination": {"host": name}, "weight": weight} for name, weight in (("stable", 80), ("canary", 20))]
    backends = [{"name": name, "port": 80, "weight": weight} for name, weight in (("stable", 80), ("canary", 20))]
    virtual_service = {"gateways": ["web"], "hosts": ["istio.example"], "http": [{"route": destinations}]}
    route = {"parentRefs": [{"name": "web"}], "hostnames": ["route.example"], "rules": [{"backendRefs": backends}]}
    listeners = [{"name": "http", "port": 80, "protocol": "HTTP"}]
    objects = [
        (istio, "v1beta1", "gateways", "Gateway", {"selector": {"istio": "ingressgateway"}, "servers": servers}, "web", {}),
        (istio, "v1beta1", "virtualservices", "VirtualService", virtual_service, "web", {}),
        (gateway, "v1", "gateways", "Gateway", {"gatewayClassName": "traefik", "listeners": listeners}, "web", {}),
        (gateway, "v1", "httproutes", "HTTPRoute", route, "web", {}),
    ]
    canary = {"nginx.ingress.kubernetes.io/canary": "true", "nginx.ingress.kubernetes.io/canary-weight": "20"}
    for name, annotations in (("stable", {}), ("canary", canary)):
        path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": name, "port": {"number": 80}}}}
        spec = {"ingressClassName": "nginx", "rules": [{"host": "ingress.example", "http": {"paths": [path]}}]}
        objects.append(("networking.k8s.io", "v1", "ingresses", "Ingress", spec, name, annotations))
    return [
        (group, version, plural, {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": name, "annotations": annotations}, "spec": spec})
        for group, version, plural, kind, spec, name, annotations in objects
    ]


def wait_until_answered(address: str, host: str, seconds: float = 20) -> None:
    """Until a router knows a host; a second more, so that it knows both backends."""
    deadline = time.monotonic() + seconds
    code = 0
    while code != 200 and time.monotonic() < deadline:
        connection = http.client.HTTPConnection(address, timeout=5)
        connection.request("GET", "/", headers={"Host": host})
        code = connection.getresponse().status
        connection.close()
        time.sleep(0.1)
    assert code == 200, f"{host} through {address}: {code}"
    time.sleep(1.5)


@pytest.mark.parametrize("router", ["istio", "traefik"])
def test_a_naive_switch_is_seen_to_lose_requests(hostile: dict[str, Any], api: client.ApiClient, router: str) -> None:
    """Point the Service at the new version, scale the old one to 0: where that loses nothing, this harness proves nothing."""
    apps, core, networking = client.AppsV1Api(api), client.CoreV1Api(api), client.CustomObjectsApi(api)
    old, new, host = f"{router}-old", f"{router}-new", f"naive-{router}.example"
    for name in (old, new):
        apps.create_namespaced_deployment("default", deployment(name, f"demo:{name}", replicas=2))
        pod_of(api, name, ready=True)
    core.create_namespaced_service("default", service(f"naive-{router}", old))
    for group, version, plural, item in naive_objects(router, host):
        networking.create_namespaced_custom_object(group, version, "default", plural, item)
    wait_until_answered(hostile["outside"][router], host)
    with Load(hostile["outside"][router], host, rate=300) as load:
        time.sleep(1)
        core.patch_namespaced_service(f"naive-{router}", "default", {"spec": {"selector": {"app": new}}})
        apps.patch_namespaced_deployment_scale(old, "default", {"spec": {"replicas": 0}})
        time.sleep(4)
    results = load.results()
    assert len(results.failures) > 0
    assert results.versions[new] > results.versions[old] > 0


def naive_objects(router: str, host: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    name = f"naive-{router}"
    if router == "istio":
        servers = [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": [host]}]
        spec = {"gateways": [name], "hosts": [host], "http": [{"route": [{"destination": {"host": name}}]}]}
        gateway = {"selector": {"istio": "ingressgateway"}, "servers": servers}
        group, version = "networking.istio.io", "v1beta1"
        found = [("gateways", "Gateway", gateway), ("virtualservices", "VirtualService", spec)]
    else:
        path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": name, "port": {"number": 80}}}}
        group, version = "networking.k8s.io", "v1"
        found = [("ingresses", "Ingress", {"ingressClassName": "nginx", "rules": [{"host": host, "http": {"paths": [path]}}]})]
    return [
        (group, version, plural, {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": {"name": name}, "spec": item})
        for plural, kind, item in found
    ]


def test_users_have_no_rights_until_given_and_are_in_the_audit_log(hostile: dict[str, Any], api: client.ApiClient) -> None:
    kubeconfig = Path(must("user", "--name", hostile["name"], "ann").strip())
    log = AuditLog(hostile["audit_log"])
    ann = client.CoreV1Api(config.new_client_from_config(config_file=str(kubeconfig.with_name("ann.outside.kubeconfig"))))
    mark = log.mark()
    with pytest.raises(client.ApiException, match="Forbidden"):
        ann.list_namespaced_pod("default")
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]
    rbac = client.RbacAuthorizationV1Api(api)
    rbac.create_namespaced_role("default", {"metadata": {"name": "ann"}, "rules": rules})
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "ann"}
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "ann"}]
    rbac.create_namespaced_role_binding("default", {"metadata": {"name": "ann"}, "roleRef": reference, "subjects": subjects})
    time.sleep(0.5)
    ann.list_namespaced_pod("default")
    entries = log.since(mark, user="ann")
    assert count(entries) == {("list", "pods"): 2}
    assert [entry.code for entry in entries] == [403, 200]


def test_two_clusters_beside_each_other(hostile: dict[str, Any]) -> None:
    name = f"{PREFIX}-beside"
    must("up", "--name", name, "--beside", hostile["name"], "--with", "istio")
    try:
        beside = status(name)
        assert beside["addresses"] != hostile["addresses"]
        program = "import os; from kubernetes import client, config; import sys\nfor path in sys.argv[1:]:\n"
        program += " print(client.CoreV1Api(config.new_client_from_config(config_file=path)).list_node().items[0].status.addresses[0].address)"
        paths = [one["kubeconfig"]["inside"] for one in (hostile, beside)]
        for inside_of in (hostile, beside):  # from within either, both are reached
            output = must("exec", "--name", inside_of["name"], "--", "python", "-c", program, *paths)
            assert output.split() == [hostile["nodes"][0], beside["nodes"][0]]
    finally:
        must("down", "--name", name)
    assert left_of(name) == []
    assert status(hostile["name"])["state"] == "running"


def test_run_passes_the_exit_code_on_and_leaves_nothing() -> None:
    name = f"{PREFIX}-run"
    done = cluster("run", "--name", name, "--with", "traefik", "--", "sh", "-c", 'test -n "$GATEWAY_TRAEFIK" && test -z "$GATEWAY_ISTIO" && exit 9')
    assert done.returncode == 9, done.stdout + done.stderr
    assert left_of(name) == []


def test_a_component_that_ends_takes_all_with_it() -> None:
    """Better a cluster that is gone than one whose controller manager is."""
    name = f"{PREFIX}-broken"
    done = cluster("run", "--name", name, "--with", "istio", "--", "sh", "-c", "kill -9 $(pidof kwok); sleep 30")
    assert (done.returncode, "kwok was ended by signal 9" in done.stderr) == (137, True), done.stdout + done.stderr
    assert left_of(name) == []


def test_a_failed_start_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    for program in ("etcd", "kube-apiserver"):
        (tmp_path / program).write_text("#!/bin/sh\necho no space on Mars >&2\nexit 3\n")
        (tmp_path / program).chmod(0o755)
    name = f"{PREFIX}-failed"
    done = cluster("up", "--name", name, "--with", "istio", env={"KUBEBUILDER_ASSETS": str(tmp_path)})
    assert done.returncode == 1
    assert "etcd ended with exit code 3" in done.stderr and "no space on Mars" in done.stderr
    assert left_of(name) == []


@pytest.mark.parametrize("seconds", [0.6, 3])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_start_leaves_nothing(seconds: float, number: signal.Signals) -> None:
    name = f"{PREFIX}-interrupted"
    starting = subprocess.Popen([CLUSTER / "up", "--name", name, "--with", "istio"], stdout=subprocess.PIPE, start_new_session=True)
    time.sleep(seconds)
    os.killpg(starting.pid, number)
    starting.communicate(timeout=30)
    assert starting.returncode == 128 + number
    assert left_of(name) == []


def test_a_starter_that_is_killed_leaves_nothing_running() -> None:
    name = f"{PREFIX}-killed"
    starting = subprocess.Popen([CLUSTER / "up", "--name", name, "--with", "istio"], stdout=subprocess.PIPE, start_new_session=True)
    time.sleep(2)
    os.killpg(starting.pid, signal.SIGKILL)
    starting.communicate(timeout=30)
    deadline = time.monotonic() + 20
    while len(left_of(name)) > 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(left_of(name)) == 1, "only the folder, which the next command removes"
    must("down", "--name", name)
    assert left_of(name) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["exec", "--name", "no-such", "--", "true"], "There is no cluster no-such: tests/cluster/up --name no-such"),
        (["up", "--name", f"{PREFIX}-x", "--beside", "no-such"], "There is no cluster no-such"),
        (["up", "--name", "a/b"], "letters, digits"),
        (["up", "--with", "nginx"], "there are istio and traefik"),
        (["build", "nonsense"], "There is no part nonsense"),
        (["exec"], "No command was given"),
    ],
)
def test_mistakes_get_one_clear_message(arguments: list[str], message: str) -> None:
    done = cluster(*arguments)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_where_namespaces_are_forbidden_a_message_says_what_to_do() -> None:
    """Within a user namespace of its own the limit can be set to none without harm to others."""
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" up --name "$1"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", forbid.replace('"$0" up', f'"{CLUSTER}/up"'), "sh", f"{PREFIX}-forbidden"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "sysctl -w user.max_user_namespaces" in done.stderr and "CLUSTER=kind" in done.stderr
