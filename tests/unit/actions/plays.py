"""Runs plays on localhost against an API server in memory, the modules in Ansible's process or as modules, and records each result."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.progressive.delivery.tests.unit.api.conftest import FakeClock, MemoryServer
from ansible_collections.progressive.delivery.tests.unit.cluster.conftest import Answer, ApiServer, Request, stop
from ansible_collections.progressive.delivery.tests.unit.routing.virtual_services import route, to

HERE, PACKED = "runs in the process of this worker", "runs as a module of its own"
ROUTER = "/apis/networking.istio.io/v1/namespaces/shop/virtualservices/shop"
SERVICES = "/api/v1/namespaces/shop/services"


@contextmanager
def api_server() -> Iterator[ApiServer]:
    """An API server with a Service and a VirtualService `shop` in namespace `shop`."""
    memory, one_at_a_time = MemoryServer(FakeClock(), "shop"), threading.Lock()
    for name in ("shop", "shop-canary"):
        memory.put(f"{SERVICES}/{name}", {"metadata": {"name": name, "namespace": "shop"}, "spec": {"selector": {"app": name}}})
    destinations = [to("shop", 100), to("shop-canary", 0)]
    for version in ("v1", "v1beta1"):
        router = {"metadata": {"name": "shop", "namespace": "shop"}, "spec": {"http": [route(*destinations, name="primary")]}}
        memory.put(ROUTER.replace("/v1/", f"/{version}/"), router)

    def respond(request: Request) -> Answer:
        parts = urlsplit(request.path)
        query = dict(parse_qsl(parts.query))
        with one_at_a_time:
            if "watch" in query:
                return Answer(chunks=[])
            media = {name.lower(): value for name, value in request.headers}.get("content-type", "")
            done = memory.request(request.method, parts.path, query, json.loads(request.body or b"null"), media)
            return Answer(done.status, done.body)

    server = ApiServer()
    server.respond = respond
    try:
        yield server
    finally:
        stop(server)


def other_python(folder: Path, options: str = "") -> str:
    """An interpreter with the same libraries by another name, so that Ansible takes it for one that is not its own."""
    wrapper = folder / "other" / "python"
    wrapper.parent.mkdir(parents=True, exist_ok=True)
    wrapper.write_text(f'#!/bin/sh\nunset PYTHONPATH\nexec {sys.executable} {options} "$@"\n')
    wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
    return str(wrapper)


@dataclass
class Played:
    """What a play did. results: by task, in order; a task in a loop has one for each item, and the whole."""

    results: list[tuple[str, dict[str, Any]]]
    out: str
    code: int

    def of(self, task: str) -> dict[str, Any]:
        """The last result of the task."""
        return [result for name, result in self.results if name == task][-1]


def command(folder: Path, play: dict[str, Any], environment: dict[str, str]) -> dict[str, Any]:
    """What subprocess needs to run the play."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "play.yml").write_text(json.dumps([{"gather_facts": False, "hosts": "localhost", **play}]))
    (folder / "recorded").write_text("")
    ours = {
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "recorder"),
        "ANSIBLE_CALLBACKS_ENABLED": "recorded",
        "RECORDED": str(folder / "recorded"),
        "NO_COLOR": "1",
    }
    return {
        "cwd": folder,
        "env": {**os.environ, **ours, **environment},
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "text": True,
    }


def play(folder: Path, play: dict[str, Any], *options: str, **environment: str) -> Played:
    """Runs the play with ansible-playbook."""
    done = subprocess.run(["ansible-playbook", "play.yml", *options], check=False, **command(folder, play, environment))
    lines = [json.loads(line) for line in (folder / "recorded").read_text().splitlines()]
    return Played([(line["task"], line["result"]) for line in lines], done.stdout, done.returncode)
