"""Runs playbooks of the collection without a cluster, for many hosts at once: each host is one test case."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]

# No server listens at this address.
CLOSED = {"host": "http://127.0.0.1:9", "api_key": "none"}
NO_ANSWER = "API server http://127.0.0.1:9 refuses connections"

WORKLOAD = {"name": "shop"}
REVISION = {"images": {"shop": "registry.example.org/shop:1.2"}}
ROLE_VARIABLES: dict[str, dict[str, Any]] = {
    "canary": {
        "canary_workload": WORKLOAD,
        "canary_revision": REVISION,
        "canary_services": {"stable": "shop"},
        "canary_routers": [{"type": "istio", "name": "shop"}],
        "canary_steps": [{"set_weight": 5}, {"pause": {}}],
    },
    "bluegreen": {
        "bluegreen_workload": WORKLOAD,
        "bluegreen_revision": REVISION,
        "bluegreen_services": {"active": "shop"},
    },
}
PREFIXES = {"canary": "canary", "bluegreen": "bluegreen"}
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))


def base(playbook: str) -> dict[str, Any]:
    """The variables that a run of the playbook needs besides the name and the namespace."""
    return {"rollout_auth": CLOSED, **ROLE_VARIABLES.get(playbook, {})}


def named(playbook: str) -> dict[str, Any]:
    """The name and the namespace with the prefix of the playbook."""
    prefix = PREFIXES.get(playbook, "rollout")
    return {f"{prefix}_name": "shop", f"{prefix}_namespace": "shop"}


def run(
    folder: Path,
    playbook: str,
    hosts: dict[str, dict[str, Any]],
    extra: dict[str, Any] | None = None,
    *options: str,
    binary: str = "ansible-playbook",
    settings: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs the playbook for hosts with these variables. extra: extra variables; settings: an ansible.cfg instead of the tests' own."""
    inventory = folder / "hosts.json"
    inventory.write_text(json.dumps({"cases": {"hosts": hosts}}))
    environment = {**os.environ, "NO_COLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "false"}
    if settings is not None:
        environment["ANSIBLE_CONFIG"] = str(settings)
    command = [binary, "-i", str(inventory), f"progressive.delivery.{playbook}", "-e", json.dumps(extra or {}), *options]
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def failures(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """The first failure of each host, with its message."""
    found: dict[str, str] = {}
    for host, text in re.findall(r"^fatal: \[(\S+?)\]: FAILED! => (.*)$", done.stdout, re.MULTILINE):
        found.setdefault(host, text)
    return found


def times(message: str, output: str) -> int:
    """How often the playbook prints the message, without the line [ERROR] that ansible-core 2.19 and later add to each failure."""
    return sum(line.count(message) for line in output.splitlines() if not line.startswith("[ERROR]"))
