"""How many requests each call makes, counted in the API server's audit log; and what calls may do with how few rights."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.progressive.delivery.tests.harness.application import Application
from ansible_collections.progressive.delivery.tests.harness.audit import AuditLog, Entry, count
from ansible_collections.progressive.delivery.tests.harness.objects import guards
from ansible_collections.progressive.delivery.tests.harness.users import shipped_rules, user, without

WEIGHT = {
    "router": "istio",
    "name": "rollouts-demo",
    "stable_service": "rollouts-demo",
    "canary_service": "rollouts-demo-canary",
    "grace": 0,
}


def _requests(app: Application, module: str, options: dict[str, Any], check: bool = False) -> tuple[dict[str, Any], list[Entry]]:
    log = AuditLog()
    mark = log.mark()
    result = app.module(module, options, check)
    return result, [entry for entry in log.since(mark) if entry.namespace == app.namespace or not entry.namespace]


def test_canary_weight(app: Application) -> None:
    """A change: the router, the EndpointSlices of both Services in one list, the write. Nothing to change: the router. No discovery."""
    change, requests = _requests(app, "canary_weight", {**WEIGHT, "weight": 20})
    assert change["changed"]
    assert count(requests) == {("get", "virtualservices"): 1, ("list", "endpointslices"): 1, ("patch", "virtualservices"): 1}
    assert "in+%28rollouts-demo%2Crollouts-demo-canary%29" in requests[1].path
    same, requests = _requests(app, "canary_weight", {**WEIGHT, "weight": 20})
    assert not same["changed"] and count(requests) == {("get", "virtualservices"): 1}
    _back, requests = _requests(app, "canary_weight", {**WEIGHT, "state": "absent"})
    assert sum(count(requests).values()) == 3


def test_a_finished_rollout_asks_twice_and_takes_no_lease(app: Application) -> None:
    plan = app.plan(steps=[], grace=0)
    done, requests = _requests(app, "rollout_step", plan)
    looks = {key: number for key, number in count(requests).items() if key[1] in ("horizontalpodautoscalers", "poddisruptionbudgets")}
    assert done["phase"] == "Healthy" and looks == {("list", "horizontalpodautoscalers"): 1, ("list", "poddisruptionbudgets"): 1}
    same, requests = _requests(app, "rollout_step", plan)
    assert count(requests) == {("get", "configmaps"): 1, ("get", "deployments"): 1}
    assert "✔ Healthy" in same["tree"] and "NAME" in done["tree"] and "NAME" not in same["tree"], "the picture of the pods would cost more"


def test_the_checks_of_a_start_read_each_thing_once(still_app: Application) -> None:
    """The new template is tried in one dry run, since admission may change it."""
    result, requests = _requests(still_app, "rollout_step", still_app.plan(), check=True)
    assert not result.get("failed"), result["msg"]
    assert set(count(requests).values()) == {1} and len(requests) == 14, count(requests)


def test_a_step_costs_the_same_however_many_pods_there_are(app: Application) -> None:
    costs = []
    for replicas, image in ((1, "yellow"), (20, "green")):
        app.scale(replicas)
        steps = [{"set_weight": 5}, {"pause": {}}]
        started = app.module("rollout_step", app.plan(steps=steps, grace=0, revision={"images": {app.name: f"a:{image}"}}))
        assert started.get("phase") == "Paused", started["msg"]
        _result, requests = _requests(app, "rollout_step", {"name": app.name, "promote": {}, "until": "step"})
        costs.append(sum(count(requests).values()))
        aborted = app.module("rollout_step", {"name": app.name, "state": "aborted"})
        assert aborted.get("phase") == "Aborted", aborted["msg"]
    assert costs[0] == costs[1], costs


def test_the_shipped_role_is_enough_for_a_release_and_an_abort(app: Application) -> None:
    kubeconfig = user(app, shipped_rules())
    app.scale(2)
    for manifest in guards(app.name, 1):
        app.make(manifest)
    plan = {
        **app.plan(steps=[{"set_weight": 50}, {"pause": {}}], grace=0),
        "kubeconfig": kubeconfig,
        "record_key": "only the tests know this",
    }
    assert app.module("rollout_step", plan)["phase"] == "Paused"
    back = {"name": app.name, "state": "aborted", "kubeconfig": kubeconfig, "record_key": plan["record_key"]}
    assert app.module("rollout_step", back)["phase"] == "Aborted"
    done = app.module("rollout_step", {**plan, "retry": True, "canary": {"steps": []}})
    assert done["phase"] == "Healthy" and not done.get("warnings"), done


@pytest.mark.parametrize(("verb", "resource"), [("patch", "virtualservices"), ("create", "deployments"), ("list", "endpointslices")])
def test_with_less_the_rollout_names_the_missing_right_and_writes_nothing(app: Application, verb: str, resource: str) -> None:
    before = app.snapshot()
    kubeconfig = user(app, without(shipped_rules(), verb, resource))
    result = app.module("rollout_step", {**app.plan(), "kubeconfig": kubeconfig})
    assert result["failed"] and not result["safe_to_abort"] and f"{verb} {resource}" in result["msg"], result["msg"]
    assert app.snapshot() == before


def test_with_less_canary_weight_names_the_missing_right(app: Application) -> None:
    kubeconfig = user(app, [{"apiGroups": ["networking.istio.io"], "resources": ["virtualservices"], "verbs": ["get"]}])
    result = app.module("canary_weight", {**WEIGHT, "weight": 20, "kubeconfig": kubeconfig})
    assert "not allowed to list endpointslices" in result["msg"] and "with a Role" in result["msg"]
    result = app.module("canary_weight", {**WEIGHT, "weight": 20, "kubeconfig": kubeconfig, "require_ready": False})
    assert "not allowed to patch virtualservices" in result["msg"]
    assert app.weights() == (100, 0)


NO_CLUSTER: list[tuple[str, dict[str, Any], str]] = [
    ("nothing listens", {"kubeconfig": None, "host": "https://127.0.0.1:9", "api_key": "x"}, "https://127.0.0.1:9"),
    ("no such file", {"kubeconfig": "/nowhere/config"}, "/nowhere/config"),
    ("no such context", {"context": "nope"}, "nope"),
    ("a wrong key", {"kubeconfig": None, "host": os.environ.get("KUBERNETES_URL", ""), "api_key": "x", "validate_certs": False}, "401"),
]


@pytest.mark.parametrize(("options", "message"), [case[1:] for case in NO_CLUSTER], ids=[case[0] for case in NO_CLUSTER])
@pytest.mark.parametrize("module", ["canary_weight", "rollout_step"])
def test_no_cluster_is_one_clear_line(still_app: Application, module: str, options: dict[str, Any], message: str) -> None:
    if options.get("host") == "":
        options = {**options, "host": still_app.transport.host}
    own = {**WEIGHT, "weight": 20} if module == "canary_weight" else still_app.plan()
    began = time.monotonic()
    result = still_app.module(module, {**own, **options})
    assert result["failed"] and message in result["msg"] and "\n" not in result["msg"], result["msg"]
    assert time.monotonic() - began < 60


def test_a_kubeconfig_that_is_not_yaml(still_app: Application, tmp_path: Path) -> None:
    broken = tmp_path / "config"
    broken.write_text("{")
    result = still_app.module("canary_weight", {**WEIGHT, "weight": 20, "kubeconfig": str(broken)})
    assert result["failed"] and str(broken) in result["msg"] and "\n" not in result["msg"]


def test_an_ad_hoc_call_is_complete(app: Application) -> None:
    """The context's namespace is the default of `namespace`."""
    config = yaml.safe_load(Path(app.kubeconfig).read_text())
    config["contexts"][0]["context"]["namespace"] = app.namespace
    own = Path(app.kubeconfig).parent / f"adhoc-{app.namespace}"
    own.write_text(yaml.safe_dump(config))
    try:
        arguments = "router=istio name=rollouts-demo stable_service=rollouts-demo canary_service=rollouts-demo-canary weight=20 grace=0"
        command = ["ansible", "localhost", "-m", "progressive.delivery.canary_weight", "-a", arguments]
        results = [
            subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "KUBECONFIG": str(own)}).stdout
            for _number in range(2)
        ]
    finally:
        own.unlink()
    assert [out.partition("|")[2].split()[0] for out in results] == ["CHANGED", "SUCCESS"]
    assert app.weights() == (80, 20)
