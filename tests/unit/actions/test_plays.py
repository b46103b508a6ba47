"""Plays whose calls run in Ansible's process: what they leave behind, and what may go wrong around them."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.unit.actions.plays import (
    HERE,
    PACKED,
    api_server,
    command,
    other_python,
    play,
)
from ansible_collections.progressive.delivery.tests.unit.cluster.conftest import ApiServer

INFO = "progressive.delivery.rollout_info"
EMPTY = "4f53cda18c2baa0c"  # the mark of a namespace without rollouts
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with api_server() as made:
        yield made


def kubeconfig(server: ApiServer, user: dict[str, Any]) -> dict[str, Any]:
    return {
        "current-context": "here",
        "clusters": [{"name": "here", "cluster": {"server": server.url}}],
        "users": [{"name": "me", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "shop"}}],
    }


def exec_plugin(folder: Path, then: str) -> dict[str, Any]:
    script = folder / "plugin"
    script.write_text(f'#!/bin/sh\necho "$WHO" >>{folder}/calls\n{then}\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(script), "interactiveMode": "Never"}}


TOKEN = (
    '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",'
    '"status":{"token":"t","expirationTimestamp":"2999-01-01T00:00:00Z"}}'
)


def test_an_exec_plugin_is_asked_once_in_a_play(server: ApiServer, tmp_path: Path) -> None:
    """By two hosts at once, by the items of a loop, and by a later task; with another environment again."""
    options = {"kubeconfig": kubeconfig(server, exec_plugin(tmp_path, f"echo '{TOKEN}'"))}
    tasks = [
        {"name": "a loop", INFO: options, "loop": [1, 2]},
        {"name": "later", INFO: options},
        {"name": "as another", INFO: options, "environment": {"WHO": "another"}},
    ]
    played = play(tmp_path / "play", {"hosts": "all", "connection": "local", "tasks": tasks}, "-i", "one,two,")
    assert played.code == 0, played.out
    assert sorted((tmp_path / "calls").read_text().splitlines()) == ["", "another"]


def test_no_file_with_a_key_is_left(server: ApiServer, tmp_path: Path) -> None:
    key = base64.b64encode(b"the key of the client").decode()
    options = {"kubeconfig": kubeconfig(server, {"client-certificate-data": key, "client-key-data": key})}
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    played = play(tmp_path / "play", {"tasks": [{"name": "a call", INFO: options}]}, "-vvv", TMPDIR=str(temporary))
    assert HERE in played.out
    assert played.code == 0, played.out
    assert [path for path in temporary.rglob("*") if path.is_file() and b"the key" in path.read_bytes()] == []


def test_a_worker_that_is_killed_fails_the_play(server: ApiServer, tmp_path: Path) -> None:
    options = {"kubeconfig": kubeconfig(server, exec_plugin(tmp_path, "kill -9 $PPID"))}
    tasks = [{"name": "a call", INFO: options}, {"name": "later", INFO: options}]
    played = play(tmp_path / "play", {"tasks": tasks})
    assert played.code != 0
    assert "dead state" in played.out
    assert (server.requests, len((tmp_path / "calls").read_text().splitlines())) == ([], 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_whole_run_ends_the_call(server: ApiServer, tmp_path: Path, number: signal.Signals) -> None:
    options = {"host": server.url, "api_key": "some-token", "namespace": "shop", "changed_from": EMPTY, "wait_timeout": "60s"}
    how = command(tmp_path / "play", {"tasks": [{"name": "a call", INFO: options}]}, {})
    process = subprocess.Popen(["ansible-playbook", "play.yml"], start_new_session=True, **how)
    deadline = time.monotonic() + 60
    while len(server.requests) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    workers = subprocess.run(["pgrep", "-P", str(process.pid)], check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    assert workers
    for pid in [*map(int, workers), process.pid]:
        os.kill(pid, number)
    process.communicate(timeout=30)
    time.sleep(1)
    asked = len(server.requests)
    time.sleep(3)
    assert len(server.requests) == asked


def test_a_python_without_the_client(server: ApiServer, tmp_path: Path) -> None:
    """The one that is asked for has none, while Ansible's has it; and the other way round."""
    options = {"host": server.url, "api_key": "some-token", "namespace": "shop"}
    bare = {"ansible_python_interpreter": other_python(tmp_path, "-S")}
    played = play(tmp_path / "bare", {"tasks": [{"name": "a call", INFO: options, "vars": bare}]}, "-vvv")
    assert PACKED in played.out
    assert "Python library (kubernetes)" in played.of("a call")["msg"]

    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking" / "kubernetes.py").write_text("raise ImportError('there is none')\n")
    full = {"ansible_python_interpreter": other_python(tmp_path)}
    tasks = [
        {"name": "with", INFO: options, "vars": full},
        {"name": "without", INFO: options, "ignore_errors": True},
    ]
    played = play(tmp_path / "full", {"tasks": tasks}, "-vvv", PYTHONPATH=str(tmp_path / "lacking"))
    assert played.of("with")["rollouts"] == []
    assert "Python library (kubernetes)" in played.of("without")["msg"]
    assert "has no Python library kubernetes" in played.out


def test_of_two_collections_the_first_counts_both_ways(server: ApiServer, tmp_path: Path) -> None:
    copy = tmp_path / "ansible_collections" / "progressive" / "delivery"
    copy.mkdir(parents=True)
    for name in ("plugins", "meta"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    auth = copy / "plugins" / "module_utils" / "_cluster" / "auth.py"
    auth.write_text(auth.read_text().replace('USER_AGENT = "', 'USER_AGENT = "the copy, '))
    options = {"host": server.url, "api_key": "some-token", "namespace": "shop"}
    tasks = [
        {"name": "in process", INFO: options},
        {"name": "as a module", INFO: options, "vars": {"ansible_python_interpreter": other_python(tmp_path)}},
    ]
    paths = f"{tmp_path}:{os.environ['ANSIBLE_COLLECTIONS_PATH']}"
    played = play(tmp_path / "play", {"tasks": tasks}, "-vvv", ANSIBLE_COLLECTIONS_PATH=paths)
    assert (played.out.count(HERE), played.out.count(PACKED)) == (1, 1), played.out
    assert {value[:8] for request in server.requests for value in request.header("User-Agent")} == {"the copy"}
