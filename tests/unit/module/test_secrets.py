"""What the modules return and log of options that hold secret values: no such value, and all the rest undamaged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._module.secrets import hidden_everywhere, printed

# Runs a module's start as it is, and ends as a module does. What AnsibleModule logs goes to stderr.
MODULE = """
import importlib, json, sys
from ansible.module_utils import basic
basic.AnsibleModule.log = lambda self, msg, log_args=None: sys.stderr.write(str(msg))
options = importlib.import_module("ansible_collections.progressive.delivery.plugins.module_utils._module.options")
spec = importlib.import_module("ansible_collections.progressive.delivery.plugins.modules." + sys.argv.pop(1)).SPEC
result = json.loads(sys.argv.pop(1))
module = (options.make_info_module if "preflight" in str(spec) else options.make_module)(spec)
module.warn(result["text"])
module.fail_json(**result) if result.get("failed") else module.exit_json(**result)
"""
SECRET = "S3CRET-value"
ENV: list[dict[str, Any]] = [
    {"name": "TOKEN", "value": SECRET},
    {"name": "KEY", "value": f"-----\n{SECRET}\n'\"\\"},
    {"name": "REPLICAS", "value": "3"},
]
ENV += [{"name": "DEBUG", "value": "true"}, {"name": "PIN", "value": "123456"}, {"name": "TRACK", "value": "canary"}]
ENV += [
    {"name": "HOST", "value": "shop"},
    {"name": "VERSION", "value": "1.2.345"},
    {"name": "PORT", "value": 8080},
    {"name": "REF", "valueFrom": {}},
]
POD = {"spec": {part: [{"name": "app", "image": "shop:1", "env": ENV}] for part in ("containers", "initContainers", "ephemeralContainers")}}
WORKLOAD = {
    "kind": "Deployment",
    "metadata": {"name": "shop", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(POD)}},
    "spec": {"template": POD},
}
PROBE = {"url": "http://shop.example/", "expect": {"canary": "x"}, "headers": {"Host": "shop.example", "Authorization": f"Bearer {SECRET}"}}
STEP = {"name": "shop", "namespace": "canary", "workload": {"name": "shop"}, "services": {"stable": "shop"}}
SWITCH = {"active_service": "shop", "target": "shop-2", "namespace": "test"}
WEIGHT = {"router": "istio", "name": "shop", "stable_service": "shop", "weight": 3}
RESULT = {
    "text": f"revision 1 of shop-canary, since 123456 s: {SECRET}, Bearer {SECRET}",
    "msg": f"it says {SECRET}",
    "revision": 1,
    "resume_at": 123456.5,
    "truth": True,
    "weight": {"canary": 3, "stable": 97},
    "strategy": "canary",
    "phase": "Progressing",
    "drift": [f"spec.template[{SECRET}]"],
    "image": "shop:1.2.345",
    "changed": False,
}
CASES: list[tuple[str, dict[str, Any]]] = [
    ("rollout_step", {**STEP, "revision": {"template": POD, "number": 3}, "probe": PROBE}),
    ("rollout_step", {**STEP, "revision": {"definition": WORKLOAD}, "probe": PROBE}),
    ("rollout_preflight_info", {**STEP, "revision": {"template": POD}, "probe": PROBE}),
    ("rollout_preflight_info", {**STEP, "revision": {"definition": WORKLOAD}}),
    ("canary_weight", {**WEIGHT, "probe": PROBE}),
    ("bluegreen_switch", {**SWITCH, "probe": PROBE}),
]

Run = Callable[[str, dict[str, Any], dict[str, Any]], tuple[dict[str, Any], str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run_module(module: str, options: dict[str, Any], result: dict[str, Any]) -> tuple[dict[str, Any], str]:
        (tmp_path / "module.py").write_text(MODULE)
        (tmp_path / "args.json").write_text(json.dumps({"ANSIBLE_MODULE_ARGS": options}))
        env = {name: value for name, value in os.environ.items() if not name.startswith("K8S_AUTH_")}
        env["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        command = [sys.executable, str(tmp_path / "module.py"), module, json.dumps(result), str(tmp_path / "args.json")]
        ended = subprocess.run(command, env=env, check=False, capture_output=True, text=True)
        assert ended.stdout, ended.stderr
        return json.loads(ended.stdout), ended.stderr

    return run_module


@pytest.mark.parametrize(("module", "options", "failed"), [*((*case, False) for case in CASES), *((*case, True) for case in CASES[::4])])
def test_no_secret_value_leaves_a_module_and_nothing_else_is_hidden(run: Run, module: str, options: dict[str, Any], failed: bool) -> None:
    result, log = run(module, options, {**RESULT, "failed": failed})
    assert log.startswith("Invoked with ") and SECRET not in log
    assert SECRET not in json.dumps(result)
    kept = ("revision", "resume_at", "truth", "weight", "strategy", "phase", "image", "changed")
    assert {key: result[key] for key in kept} == {key: RESULT[key] for key in kept}
    if "invocation" in result:
        shown = result["invocation"]["module_args"]
        assert SECRET not in json.dumps(shown) and "'\\\"" not in json.dumps(shown)
        assert (shown.get("name") or shown["active_service"]) in ("shop", ["shop"])
        if options.get("probe"):
            assert shown["probe"]["url"] == PROBE["url"]
            assert shown["probe"]["headers"] == {"Host": "********", "Authorization": "********"}
    # ansible-core 2.19 gives warnings a shape of their own.
    [warning] = [each if isinstance(each, str) else each["event"]["msg"] for each in result["warnings"] if "since" in str(each)]
    assert warning.startswith("revision 1 of shop-canary, since 123456 s: ********, ")


@pytest.mark.parametrize(
    "options",
    [
        {"revision": {"template": SECRET}},
        {"revision": SECRET},
        {"revision": {"images": {"a": "b"}, "definition": SECRET}},
        {"probe": SECRET},
        {"probe": {"headers": SECRET}},
        {"revision": {"template": {"spec": {"containers": [{"env": SECRET}]}}, "number": "x"}},
    ],
    ids=str,
)
def test_refused_options_are_not_printed_either(run: Run, options: dict[str, Any]) -> None:
    result, log = run("rollout_step", {**STEP, **options}, RESULT)
    assert SECRET not in json.dumps(result.get("invocation")).replace(f'"env": "{SECRET}"', "") and SECRET not in log


def test_what_is_hidden_everywhere() -> None:
    """Not what many texts contain, nor what the caller says openly, too: stars in its place would damage results."""
    options = {**STEP, "revision": {"template": POD, "images": {"app": "registry.example/shop:1"}}, "probe": PROBE}
    assert hidden_everywhere(options) == {SECRET, f"-----\n{SECRET}\n'\"\\", f"Bearer {SECRET}"}
    for value in (
        "true",
        "False",
        "12345678",
        "2026-11-30",
        "10.0.0.1",
        "5m",
        "production",
        "Progressing",
        "shop-canary",
        "short",
        "",
        1.5,
    ):
        env = [{"name": "A", "value": value}]
        template = {"spec": {"containers": [{"name": "shop", "env": env}]}}
        assert hidden_everywhere({**STEP, "revision": {"template": template}}) == set(), value
        assert (
            printed({"revision": {"template": template}})["revision"]["template"]["spec"]["containers"][0]["env"][0]["value"] == "********"
        )
    assert hidden_everywhere({}) == hidden_everywhere({"revision": None, "probe": "x"}) == set()


@pytest.mark.parametrize("text", ["a\x1b[2Jb", "a\u202eb", "a\u2028b"])
def test_text_of_others_is_safe_to_print(run: Run, text: str) -> None:
    result, _log = run("canary_weight", WEIGHT, {**RESULT, "text": text, "msg": text, "drift": [text], "tree": "a\nb"})
    raw = json.dumps({key: value for key, value in result.items() if key != "invocation"}, ensure_ascii=False)
    assert not {"\x1b", "\u202e", "\u2028"} & set(raw) and "\\u001b" not in raw and result["tree"] == "a\nb"
    assert result["msg"] == result["drift"][0] != text
