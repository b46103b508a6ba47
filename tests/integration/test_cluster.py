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
from ansible_collections.progressive.delivery.tests.harness import objects
from ansible_collections.progressive.delivery.tests.harness.audit import AuditLog, count
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


def test_exec_environment(hostile: dict[str, Any], tmp_path: Path) -> None:
    program = "import json, os; print(json.dumps({'cwd': os.getcwd(), 'uid': os.getuid(), **os.environ}))"
    found = json.loads(must("exec", "--name", hostile["name"], "--", "python", "-c", program, cwd=tmp_path, env={"MINE": "kept"}))
    expected = {
        "KUBECONFIG": hostile["kubeconfig"]["inside"],
        "GATEWAY_ISTIO": hostile["inside"]["istio"],
        "GATEWAY_TRAEFIK": hostile["inside"]["traefik"],
        "SHARED_GATEWAY_ISTIO": "istio-system/shared",
        "SHARED_GATEWAY_TRAEFIK": "traefik/shared",
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


def test_gateways_answer_outside(hostile: dict[str, Any], api: client.ApiClient) -> None:
    for item in objects.istio("outside.example", {"nobody": 100}):
        objects.create(api, "default", item)
    for router, code in (("istio", 503), ("traefik", 404)):
        wait_for_answer(hostile["outside"][router], "outside.example", code)


def wait_for_answer(address: str, host: str, code: int, seconds: float = 20) -> None:
    """Until the router knows what it is asked for."""
    deadline = time.monotonic() + seconds
    found = 0
    while found != code:
        assert time.monotonic() < deadline, f"{address} answers {found}"
        time.sleep(0.1)
        connection = http.client.HTTPConnection(address, timeout=5)
        connection.request("GET", "/", headers={"Host": host})
        found = connection.getresponse().status
        connection.close()


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


FIRST_NODES = """
import sys
from kubernetes import client, config
for path in sys.argv[1:]:
    core = client.CoreV1Api(config.new_client_from_config(config_file=path))
    print(core.list_node().items[0].status.addresses[0].address)
"""


def test_two_clusters_beside_each_other(hostile: dict[str, Any]) -> None:
    name = f"{PREFIX}-beside"
    must("up", "--name", name, "--beside", hostile["name"], "--with", "istio")
    try:
        beside = status(name)
        assert beside["addresses"] != hostile["addresses"]
        paths = [one["kubeconfig"]["inside"] for one in (hostile, beside)]
        for inside_of in (hostile, beside):  # from within either, both are reached
            output = must("exec", "--name", inside_of["name"], "--", "python", "-c", FIRST_NODES, *paths)
            assert output.split() == [hostile["nodes"][0], beside["nodes"][0]]
    finally:
        must("down", "--name", name)
    assert left_of(name) == []
    assert status(hostile["name"])["state"] == "running"


def test_run_passes_the_exit_code_on_and_leaves_nothing() -> None:
    name = f"{PREFIX}-run"
    only_traefik = 'test -n "$GATEWAY_TRAEFIK" && test -z "$GATEWAY_ISTIO" && exit 9'
    done = cluster("run", "--name", name, "--with", "traefik", "--", "sh", "-c", only_traefik)
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


def test_an_interrupted_run_leaves_nothing() -> None:
    name = f"{PREFIX}-run-interrupted"
    command = [str(CLUSTER / "run"), "--name", name, "--with", "istio", "--", "sh", "-c", "echo inside; sleep 60"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    assert any(line == "inside\n" for line in running.stdout)
    running.terminate()
    running.communicate(timeout=30)
    assert running.returncode == 128 + signal.SIGTERM
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


def test_existing_cluster_only_when_confirmed(hostile: dict[str, Any]) -> None:
    own = {"CLUSTER": "existing", "KUBECONFIG": hostile["kubeconfig"]["outside"]}
    for command in (["up"], ["exec", "--", "true"], ["run", "--", "true"]):
        done = cluster(*command, env=own)
        assert done.returncode == 1
        assert f"Context {hostile['name']}, namespace default, server https://127.0.0.1:" in done.stderr
        assert f"set CONFIRM={hostile['name']}" in done.stderr
    confirmed = {**own, "CONFIRM": hostile["name"]}
    must("up", env=confirmed)
    command = ["sh", "-c", 'echo "$KUBECONFIG"']
    for way in ("exec", "run"):
        assert own["KUBECONFIG"] in must(way, "--", *command, env=confirmed)
    must("down", env=confirmed)
    assert status(hostile["name"])["state"] == "running"


def test_a_kubeconfig_of_the_shell_means_nothing_to_the_embedded_cluster(hostile: dict[str, Any]) -> None:
    command = ["exec", "--name", hostile["name"], "--", "sh", "-c", 'echo "$KUBECONFIG"']
    assert must(*command, env={"KUBECONFIG": "/nowhere"}).strip() == hostile["kubeconfig"]["inside"]


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
    forbid = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" --name "$1"'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", forbid, str(CLUSTER / "up"), f"{PREFIX}-forbidden"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "sysctl -w user.max_user_namespaces" in done.stderr and "CLUSTER=kind" in done.stderr
