"""module_defaults of the collection's two groups: credentials for all modules, kubernetes.core's too; our own options for ours alone."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.unit.playbooks.runs import CLOSED, NO_ANSWER, ROLE_VARIABLES, failures, named

OWN = {"namespace": "test", "wait": False, "wait_timeout": "5m", "on_drift": "repair"}
SPLIT = {"router": "istio", "name": "shop", "stable_service": "shop", "canary_service": "shop-canary", "weight": 20}
PLAN = {
    "name": "shop",
    "workload": {"name": "shop"},
    "revision": {"images": {"shop": "registry.example.org/shop:1.2"}},
    "services": {"stable": "shop"},
    "routers": [{"type": "istio", "name": "shop"}],
    "canary": {"steps": [{"set_weight": 20}]},
}
CALLS: dict[str, dict[str, Any]] = {
    "canary_weight": SPLIT,
    "service_selector": {"name": "shop", "selector": {"app": "shop"}},
    "bluegreen_switch": {"active_service": "shop", "target": "shop"},
    "rollout_step": {"name": "shop", "state": "aborted"},
    "rollout_info": {},
    "rollout_preflight_info": PLAN,
    "rollout_status_info": {},
    "rollout_preflight": PLAN,
    "rollout_status": {},
}
# kubernetes.core as far as it matters here: a group, and a module whose wait_timeout is a number.
RUNTIME = {"action_groups": {"k8s": ["k8s_info"]}}
MODULE = """
from ansible.module_utils.basic import AnsibleModule
text = {"type": "str"}
module = AnsibleModule({"host": text, "api_key": {"type": "str", "no_log": True}, "namespace": text, "wait_timeout": {"type": "int"}})
module.fail_json(msg=f"host {module.params['host']}, wait_timeout {module.params['wait_timeout']}")
"""


def play(folder: Path, **keywords: Any) -> dict[str, str]:
    """The first failure of each task's host: a host for each task."""
    core = folder / "ansible_collections" / "kubernetes" / "core"
    for name, text in (("meta/runtime.yml", json.dumps(RUNTIME)), ("plugins/modules/k8s_info.py", MODULE)):
        (core / name).parent.mkdir(parents=True, exist_ok=True)
        (core / name).write_text(text)
    defaults = {"group/progressive.delivery.all": CLOSED, "group/progressive.delivery.own": OWN}
    (folder / "play.json").write_text(json.dumps([{"gather_facts": False, "module_defaults": defaults, **keywords}]))
    environment = {**os.environ, "NO_COLOR": "1", "ANSIBLE_COLLECTIONS_PATH": f"{folder}:{os.environ['ANSIBLE_COLLECTIONS_PATH']}"}
    return failures(
        subprocess.run(
            ["ansible-playbook", "-i", f"{','.join([*CALLS, 'k8s_info'])},", "-c", "local", "play.json"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    )


def test_one_module_defaults_serves_every_module(tmp_path: Path) -> None:
    """The names that modules had before as well. on_drift and the like reach no module of another collection."""
    tasks: list[dict[str, Any]] = [
        {f"progressive.delivery.{module}": options, "when": f"inventory_hostname == '{module}'"} for module, options in CALLS.items()
    ]
    tasks.append({"kubernetes.core.k8s_info": {}, "when": "inventory_hostname == 'k8s_info'"})
    messages = play(tmp_path, hosts="all", tasks=tasks, vars={"ansible_python_interpreter": "{{ ansible_playbook_python }}"})
    assert "host http://127.0.0.1:9, wait_timeout None" in messages.pop("k8s_info")
    assert {host: NO_ANSWER in text for host, text in messages.items()} == dict.fromkeys(CALLS, True), messages


@pytest.mark.parametrize("role", ROLE_VARIABLES)
def test_the_roles_get_them_from_the_play(role: str, tmp_path: Path) -> None:
    variables = {**ROLE_VARIABLES[role], **named(role), "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    messages = play(tmp_path, hosts="rollout_info", roles=[{"role": f"progressive.delivery.{role}"}], vars=variables)
    assert NO_ANSWER in messages["rollout_info"]
