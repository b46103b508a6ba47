"""Runs the collection's modules as Ansible does, each in a process of its own, and waits for what takes time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

MODULES = "ansible_collections.progressive.delivery.plugins.modules"


def until(what: str, check: Callable[[], Any], seconds: float = 120) -> Any:
    """The first true value that the check gives."""
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.05)


def start_module(name: str, options: dict[str, Any], check: bool = False, diff: bool = False) -> subprocess.Popen[str]:
    return start_program([f"{MODULES}.{name}"], {**options, "_ansible_check_mode": check, "_ansible_diff": diff})


def start_program(program: list[str], options: dict[str, Any]) -> subprocess.Popen[str]:
    """A Python module and its arguments; the options are what Ansible gives its own modules."""
    environment = {**os.environ, "PYTHONPATH": os.environ["ANSIBLE_COLLECTIONS_PATH"]}
    process = subprocess.Popen(
        [sys.executable, "-m", *program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": options}))
    process.stdin.close()
    process.stdin = None
    return process


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The result that a module's process prints."""
    out, err = process.communicate(timeout=300)
    assert out.strip(), f"the module printed nothing; on stderr: {err[-2000:]}"
    return dict(json.loads(out.strip().splitlines()[-1]))
