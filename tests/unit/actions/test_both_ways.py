"""A table of tasks that run in Ansible's process and as modules: both ways give the same result, field by field."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.unit.actions.plays import HERE, PACKED, Played, api_server, other_python, play

OURS = "progressive.delivery"
SECRET = "s3cret-of-the-template"
TOKEN = "t0ken-of-the-kubeconfig"
SPLIT = {
    "router": "istio",
    "name": "shop",
    "stable_service": "shop",
    "canary_service": "shop-canary",
    "wait": False,
    "require_ready": False,
}
PLAN = {
    "workload": {"name": "shop"},
    "services": {"stable": "shop"},
    "routers": [{"type": "istio", "name": "shop"}],
    "canary": {"steps": [{"set_weight": 5}, {"pause": {}}]},
}
CONTAINER = {"name": "shop", "image": "shop:2", "env": [{"name": "PASSWORD", "value": SECRET}]}
TEMPLATE = {"revision": {"template": {"spec": {"containers": [CONTAINER]}}}}
KUBECONFIG = {
    "current-context": "here",
    "clusters": [{"name": "here", "cluster": {"server": "{{ url }}"}}],
    "users": [{"name": "me", "user": {"token": TOKEN}}],
    "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "shop"}}],
}
SELECT = {"name": "shop", "min_ready": 0, "wait": False}


def task(name: str, module: str, options: dict[str, Any], **keywords: Any) -> dict[str, Any]:
    return {"name": name, f"{OURS}.{module}": options, "ignore_errors": True, **keywords}


TASKS = [
    task("check mode, with a diff", "canary_weight", {**SPLIT, "weight": 5}, check_mode=True, diff=True),
    task("a change, with a diff", "canary_weight", {**SPLIT, "weight": 20}, diff=True),
    task("a change, without a diff", "canary_weight", {**SPLIT, "weight": 30}),
    task("nothing to change", "canary_weight", {**SPLIT, "weight": 30}),
    task("a loop", "canary_weight", {**SPLIT, "weight": "{{ item }}"}, loop=[40, 45]),
    task("a loop with an environment", "rollout_info", {}, loop=["me", "you"], environment={"K8S_AUTH_IMPERSONATE_USER": "{{ item }}"}),
    task("a selector", "service_selector", {**SELECT, "selector": {"app": "shop", "version": 2}}, diff=True),
    task("a warning of the module", "service_selector", {**SELECT, "name": "elsewhere", "state": "absent"}),
    task("an option and its alias", "canary_weight", {**SPLIT, "weight": 45, "validate_certs": True, "verify_ssl": True}),
    task("an option is missing", "canary_weight", {"router": "istio"}),
    task("an option is missing with another's value", "service_selector", {"name": "shop"}),
    task("an option that there is not", "canary_weight", {**SPLIT, "weight": 1, "wieght": 2}),
    task("an option of an option that there is not", "rollout_step", {"name": "shop", **PLAN, "workload": {"nmae": "shop"}}),
    task("no number", "canary_weight", {**SPLIT, "weight": "much"}),
    task("not one of the choices", "bluegreen_switch", {"active_service": "shop", "target": "shop", "target_kind": "Pod"}),
    task("refused", "canary_weight", {**SPLIT, "weight": 101}),
    task("a problem with an object", "canary_weight", {**SPLIT, "name": "elsewhere", "weight": 1}),
    task("secrets in a template", "rollout_step", {"name": "shop", **PLAN, **TEMPLATE}),
    task("secrets in a template, and a wrong option", "rollout_step", {"name": "shop", **PLAN, **TEMPLATE, "until": "never"}),
    task("a kubeconfig with a token", "canary_weight", {**SPLIT, "weight": 45, "kubeconfig": KUBECONFIG, "host": None, "api_key": None}),
    task("no_log", "canary_weight", {**SPLIT, "weight": 45}, no_log=True),
    task("preflight", "rollout_preflight_info", {"name": "shop", **PLAN}),
    task("a switch", "bluegreen_switch", {"active_service": "shop", "target": "shop"}),
    task("information", "rollout_info", {}),
    task("status", "rollout_status_info", {}),
    task("status with a wrong option", "rollout_status_info", {"nmae": "shop"}),
    task("text that is no template", "rollout_info", {"name": "{{ '{{' }} lookup {{ '}}' }}"}),
    task("delegated", "rollout_info", {}, delegate_to="localhost"),
    task("an environment", "rollout_info", {}, environment=[{"K8S_AUTH_IMPERSONATE_USER": "{{ 'of' }} the task"}, {"UNUSED": 1}]),
    task("none any more", "rollout_info", {}),
    task("too late", "rollout_info", {"changed_from": "4f53cda18c2baa0c", "wait_timeout": "60"}, timeout=3),
]
NAMES = [each["name"] for each in TASKS]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Played, Played]:
    folder = tmp_path_factory.mktemp("both")
    here = run(folder / "here", {})
    return here, run(folder / "packed", {"ansible_python_interpreter": other_python(folder)})


def run(folder: Path, variables: dict[str, Any]) -> Played:
    with api_server() as server:
        defaults = {f"group/{OURS}.all": {"host": "{{ url }}", "api_key": "key-of-the-api", "namespace": "shop"}}
        ours = {"tasks": TASKS, "module_defaults": defaults, "vars": {"url": server.url, **variables}}
        played = play(folder, ours, "-vvv")
    assert len([line for line in played.out.splitlines() if line.startswith("TASK [")]) == len(TASKS), played.out
    text = json.dumps(played.results).replace(server.url, "URL").replace(server.url.partition("//")[2], "HOST")
    return Played(json.loads(re.sub(r'\\"at\\":[0-9.]+', "AT", text)), played.out, played.code)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_result(both: tuple[Played, Played], name: str) -> None:
    here, packed = ([comparable(result) for task, result in each.results if task == name] for each in both)
    assert here and here == packed


def comparable(result: dict[str, Any]) -> dict[str, Any]:
    """Where the code raised an error differs by the way there; a task that was ended in its middle shows where."""
    items = {"results": [comparable(each) for each in result["results"]]} if "results" in result else {}
    ended = {"timedout": bool(result["timedout"])} if "timedout" in result else {}
    return {**{key: value for key, value in result.items() if key != "exception"}, **items, **ended}


def test_each_way_is_told(both: tuple[Played, Played]) -> None:
    calls = len(TASKS) + 2
    assert [each.out.count(HERE) for each in both] == [calls, 0], both[0].out
    assert [each.out.count(PACKED) for each in both] == [0, calls]


def test_the_table_is_of_what_it_says(both: tuple[Played, Played]) -> None:
    """Two failures for another reason are the same, too."""
    here = both[0]
    assert here.of("a change, with a diff")["changed"] and here.of("a change, with a diff")["diff"]
    assert here.of("check mode, with a diff")["changed"] and here.of("check mode, with a diff")["diff"]
    assert "diff" not in here.of("a change, without a diff")
    assert here.of("nothing to change")["changed"] is False
    assert [each["weight"]["canary"] for each in here.of("a loop")["results"]] == [40, 45]
    assert "shop/elsewhere" in str(here.of("a warning of the module")["warnings"])
    assert "alias verify_ssl" in str(here.of("an option and its alias")["warnings"])
    assert "missing required arguments" in here.of("an option is missing")["msg"]
    assert "Unsupported parameters for (progressive.delivery.canary_weight) module: wieght" in here.of("an option that there is not")["msg"]
    assert here.of("a kubeconfig with a token")["changed"] is False
    assert here.of("an environment")["invocation"]["module_args"]["impersonate_user"] == "of the task"
    assert here.of("none any more")["invocation"]["module_args"]["impersonate_user"] is None
    loop = here.of("a loop with an environment")["results"]
    assert [each["invocation"]["module_args"]["impersonate_user"] for each in loop] == ["me", "you"]
    assert "Timed out" in here.of("too late")["msg"] or "timed out" in here.of("too late")["msg"]
    for name in ("information", "status", "delegated", "preflight"):
        assert not here.of(name).get("failed"), here.of(name)


def test_no_secret_is_told(both: tuple[Played, Played]) -> None:
    for each in both:
        text = each.out + json.dumps(each.results)
        assert not [secret for secret in (SECRET, TOKEN, "key-of-the-api") if secret in text]
