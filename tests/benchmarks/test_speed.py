"""How long calls and releases take, beside what they cannot be faster than, in one run: `make bench`."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import ROOT, Application, application
from ansible_collections.progressive.delivery.tests.harness.two_versions import two_versions

ROUNDS = 5
WEIGHT = "router=istio name=rollouts-demo stable_service=rollouts-demo canary_service=rollouts-demo-canary grace=0"


@pytest.fixture
def app() -> Iterator[Application]:
    with application(os.environ["KUBECONFIG"]) as made:
        yield made


def _adhoc(module: str, arguments: str, environment: dict[str, str]) -> float:
    began = time.monotonic()
    done = subprocess.run(
        ["ansible", "localhost", "-m", module, "-a", arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return time.monotonic() - began


def _medians(candidates: dict[str, Callable[[int], float]]) -> dict[str, float]:
    """The candidates in turn, so that a machine that gets slower does so for all of them; one round to warm up."""
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(ROUNDS + 1):
        for name, run in candidates.items():
            times[name].append(run(number))
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def _show(title: str, medians: dict[str, float], base: str) -> None:
    print(f"\n{title} (median of {ROUNDS})")
    for name, seconds in medians.items():
        print(f"  {name:55} {seconds:6.2f} s   {seconds / medians[base]:5.2f} x {base}")


def test_an_ad_hoc_change(app: Application) -> None:
    core = subprocess.run([ROOT / "tests" / "tools" / "kubernetes-core"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    environment = {"K8S_AUTH_KUBECONFIG": app.kubeconfig, "ANSIBLE_COLLECTIONS_PATH": f"{os.environ['ANSIBLE_COLLECTIONS_PATH']}:{core}"}
    in_namespace = f" namespace={app.namespace}"

    def core_patch(number: int) -> float:
        route = [
            {"destination": {"host": "rollouts-demo"}, "weight": 99 - number},
            {"destination": {"host": "rollouts-demo-canary"}, "weight": 1 + number},
        ]
        definition = {
            "apiVersion": "networking.istio.io/v1beta1",
            "kind": "VirtualService",
            "metadata": {"name": app.name, "namespace": app.namespace},
            "spec": {"http": [{"name": "primary", "route": route}]},
        }
        return _adhoc("kubernetes.core.k8s", json.dumps({"state": "patched", "definition": definition}), environment)

    def our_change(number: int) -> float:
        return _adhoc("progressive.delivery.canary_weight", f"{WEIGHT}{in_namespace} on_drift=accept weight={50 + number}", environment)

    def our_no_op(number: int) -> float:
        return _adhoc("progressive.delivery.canary_weight", f"{WEIGHT}{in_namespace} on_drift=accept weight={50 + number}", environment)

    candidates = {
        "ansible.builtin.ping": lambda _number: _adhoc("ansible.builtin.ping", "", environment),
        "kubernetes.core.k8s, a patch of the same weights": core_patch,
        "canary_weight, a change": our_change,
        "canary_weight, nothing to change": our_no_op,
    }
    medians = _medians(candidates)
    _show("One ad-hoc call", medians, "ansible.builtin.ping")
    assert medians["canary_weight, a change"] <= 0.9 * medians["ansible.builtin.ping"]
    assert medians["canary_weight, nothing to change"] <= 0.85 * medians["ansible.builtin.ping"]


def test_a_blue_green_switch() -> None:
    """From the start of the module until the EndpointSlices show the new version: below a second inside the module."""
    with two_versions() as shop:
        names, service = (shop.canary, shop.name), {**shop.get("Service", shop.name)["spec"], "clusterIP": None, "clusterIPs": None}
        shop.make({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "active"}, "spec": service})
        shop.wait_for_endpoints("active")
        seconds = []
        for number in range(4 * ROUNDS):
            options = {"active_service": "active", "target": names[number % 2], "grace": 0, "scale_down": False}
            result = shop.module("bluegreen_switch", options)
            assert result["active"]["name"] == names[number % 2], result["msg"]
            seconds.append(result["switch_seconds"])
    median = statistics.median(seconds)
    print(f"\nA switch: proven {median:.3f} s after the module started (median of {len(seconds)}, most {max(seconds):.3f} s)")
    assert median < 1.0


def _cpu(command: list[str], environment: dict[str, str]) -> float:
    """Seconds of CPU of the command and all its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout + done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_fifty_calls_in_a_play(app: Application, tmp_path: Path) -> None:
    """At most 0.2 of the CPU of 50 pings: the calls run in Ansible's process (docs/performance.md)."""
    core = subprocess.run([ROOT / "tests" / "tools" / "kubernetes-core"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    environment = {"K8S_AUTH_KUBECONFIG": app.kubeconfig, "ANSIBLE_COLLECTIONS_PATH": f"{os.environ['ANSIBLE_COLLECTIONS_PATH']}:{core}"}
    weight = {**dict(each.split("=") for each in WEIGHT.split()), "namespace": app.namespace, "on_drift": "accept", "weight": 50}
    info = {"api_version": "networking.istio.io/v1beta1", "kind": "VirtualService", "name": app.name, "namespace": app.namespace}
    tasks: dict[str, dict[str, Any]] = {
        "50 x ansible.builtin.ping": {"ansible.builtin.ping": {}},
        "50 x kubernetes.core.k8s_info": {"kubernetes.core.k8s_info": info},
        "50 x canary_weight, nothing to change": {"progressive.delivery.canary_weight": weight},
    }

    def play(task: dict[str, Any]) -> Callable[[int], float]:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.yml"
        path.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task] * 50}]))
        return lambda _number: _cpu(["ansible-playbook", str(path)], environment)

    medians = _medians({name: play(task) for name, task in tasks.items()})
    _show("CPU of 50 calls in a play", medians, "50 x ansible.builtin.ping")
    assert medians["50 x canary_weight, nothing to change"] <= 0.2 * medians["50 x ansible.builtin.ping"]


IMAGES = ["yellow", "green", "blue"]


def test_the_seeds_canary(app: Application) -> None:
    """Over its three pauses of 1 s, graces aside: at most 12 s through the role, and 3 s in one call of the module."""
    pauses = 3.0
    environment = {"K8S_AUTH_KUBECONFIG": app.kubeconfig}

    def role(number: int) -> float:
        began = time.monotonic()
        code, out = app.playbook("canary", app.canary_variables(IMAGES[(2 * number + 1) % 3], grace=0))
        assert code == 0, out
        return time.monotonic() - began - pauses

    def module(number: int) -> float:
        began = time.monotonic()
        result: dict[str, Any] = app.module("rollout_step", app.plan(IMAGES[2 * number % 3], grace=0, until="end"))
        assert result["phase"] == "Healthy" and result["changed"], result["msg"]
        return time.monotonic() - began - pauses

    candidates = {
        "ansible.builtin.ping": lambda _number: _adhoc("ansible.builtin.ping", "", environment),
        "rollout_step, until: end, over its pauses": module,
        "role canary, over its pauses": role,
    }
    medians = _medians(candidates)
    _show("The seed's canary", medians, "ansible.builtin.ping")
    assert medians["rollout_step, until: end, over its pauses"] <= 3.0
    assert medians["role canary, over its pauses"] <= 12.0
