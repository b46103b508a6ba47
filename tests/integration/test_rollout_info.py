"""rollout_info and the playbook status: what is seen of a rollout in each phase, and that looking changes nothing."""

from __future__ import annotations

import fcntl
import itertools
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.progressive.delivery.tests.harness.application import Application, until
from ansible_collections.progressive.delivery.tests.harness.audit import AuditLog
from ansible_collections.progressive.delivery.tests.harness.users import shipped_rules, user, without

STEPS: list[Any] = [{"set_weight": 20}, {"pause": {}}]


def look(app: Application, **options: Any) -> list[dict[str, Any]]:
    log = AuditLog()
    mark = log.mark()
    result = app.module("rollout_info", options)
    assert not result.get("failed") and not result["changed"], result.get("msg")
    assert {entry.verb for entry in log.since(mark) if entry.namespace == app.namespace} <= {"get", "list"}
    return list(result["rollouts"])


def pods_in(tree: str) -> list[str]:
    """The names that stand behind the signs of pods."""
    words = tree.split()
    return sorted(name for sign, name in itertools.pairwise(words) if sign.endswith("□"))


def test_from_nothing_to_the_end(app: Application) -> None:
    """Also that there is one Service that the clone's pods stand behind, and one for the workload's."""
    app.scale(2)
    assert look(app) == []
    [nothing] = look(app, name=app.name)
    assert (nothing["phase"], nothing["revision"], nothing["problems"]) == ("Healthy", 0, []) and "nothing is under way" in nothing["tree"]
    paused = app.module("rollout_step", app.plan(steps=STEPS, grace=0))
    assert paused.get("phase") == "Paused", paused["msg"]
    [seen] = look(app)
    assert [(each["name"], each["line"]) for each in look(app, name=app.name)] == [(app.name, seen["line"])]
    assert {key: seen[key] for key in ("phase", "msg", "step", "weight", "revision", "resume_at")} == {
        key: paused[key] for key in ("phase", "msg", "step", "weight", "revision", "resume_at")
    }
    assert [(each["name"], each["role"], each["endpoints"]["ready"]) for each in seen["services"]] == [
        (app.name, "stable", 2),
        (f"{app.name}-canary", "canary", 1),
    ]
    assert seen["routers"] == [{"type": "istio", "name": app.name, "weight": {"stable": 80, "canary": 20}}]
    stable, canary = seen["workloads"]
    assert (stable["version"], stable["ready"], stable["paused"], stable["services"]) == ("stable", 2, True, [app.name])
    assert (canary["version"], canary["ready"], canary["services"]) == ("canary", 1, [f"{app.name}-canary"])
    assert [len(each["pods"]) for each in (stable, canary)] == [2, 1]
    assert [[each["name"] for each in revision["workloads"]] for revision in seen["revisions"]] == [[f"{app.name}-canary"], [app.name]]
    assert seen["problems"] == [] and seen["replicas"] == {"desired": 2, "current": 3, "updated": 1, "ready": 3, "available": 3}
    assert pods_in(paused["tree"]) == pods_in(seen["tree"]) and len(pods_in(seen["tree"])) == 3
    code, out = app.playbook("status", {"rollout_namespace": app.namespace})
    assert code == 0 and set(pods_in(seen["tree"])) <= set(out.split()) and "promote it with" in " ".join(out.split()) and "\x1b" not in out
    assert app.module("rollout_step", {"name": app.name, "promote": {}})["phase"] == "Healthy"
    [done] = look(app)
    assert (done["phase"], len(done["workloads"]), done["history"][0]["phase"]) == ("Healthy", 1, "Healthy")


def test_it_says_why_pods_do_not_start(app: Application) -> None:
    started = app.module("rollout_step", app.plan("crash-1", STEPS, grace=0))
    assert started["failed"], started
    until("it is told", lambda: "CrashLoopBackOff" in look(app)[0]["tree"])


def test_what_is_gone_is_told_and_hides_nothing_else(app: Application) -> None:
    """Users delete things; whoever looks is told of the rest."""
    assert app.module("rollout_step", app.plan(steps=STEPS, grace=0))["phase"] == "Paused"
    for kind, name in (("VirtualService", app.name), ("Service", f"{app.name}-canary"), ("Deployment", app.name)):
        app.request("DELETE", kind, name)
    [seen] = look(app)
    assert seen["routers"][0]["weight"] == {"stable": 0, "canary": 0}
    assert [each["name"] for each in seen["services"]] == [app.name]
    assert [each["version"] for each in seen["workloads"]] == ["canary"]
    missing = " ".join(seen["problems"])
    assert all(f"{kind} {app.namespace}/{app.name}" in missing for kind in ("VirtualService", "Service", "Deployment")), missing
    kubeconfig = user(app, without(shipped_rules(), "list", "pods"))
    [seen] = look(app, kubeconfig=kubeconfig)
    assert "give the user the verb 'list' on pods" in " ".join(seen["problems"]) and seen["phase"] == "Paused"


def _read(terminal: int, process: subprocess.Popen[str], enough: Callable[[str], bool]) -> str:
    """What comes from the terminal until it is enough, or the process has ended."""
    said, deadline = b"", time.monotonic() + 120
    while time.monotonic() < deadline and not enough(said.decode(errors="replace")):
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                said += os.read(terminal, 4096)
            except OSError:
                break
        elif process.poll() is not None:
            break
    return said.decode(errors="replace")


def test_it_is_watched_to_its_end(app: Application, tmp_path: Path) -> None:
    """At a terminal, which is left by Ctrl-C, and in a file; by somebody who may not write."""
    steps = [{"set_weight": 50}, {"pause": {"duration": "1h"}}]
    assert app.module("rollout_step", app.plan(steps=steps, grace="0.5s"))["phase"] == "Paused"
    reads = [{**rule, "verbs": sorted({"get", "list"} & set(rule["verbs"]))} for rule in shipped_rules()]
    watch = {"rollout_namespace": app.namespace, "rollout_watch": True}
    watch["rollout_auth"] = {"kubeconfig": user(app, [rule for rule in reads if rule["verbs"]])}
    log = tmp_path / "log"
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    logged = app.start_playbook("status", watch, log=log)
    shown = app.start_playbook("status", {**watch, "rollout_watch_timeout": "10m"}, terminal=slave)
    os.close(slave)
    try:
        said = _read(master, shown, lambda text: f"{app.name}: step" in text)
        os.write(master, b"\x03")
        said += _read(master, shown, lambda _text: False)
        assert shown.wait(60) != 0 and "Traceback" not in said and "\x1b[" in said
        until("the log has begun", lambda: f"{app.name}: step" in log.read_text())
        assert app.module("rollout_step", {"name": app.name, "promote": {}})["phase"] == "Healthy"
        assert logged.wait(120) == 0
    finally:
        for process in (shown, logged):
            process.kill()
            process.wait()
        os.close(master)
    told = log.read_text()
    assert "\x1b" not in told and f"{app.name}: not followed any further: it is complete" in told and "✔ Healthy" in told, told
    lines = [text.partition(" ")[2].partition(" (for")[0] for text in told.splitlines() if re.match(r"\d\d:\d\d:\d\d ", text)]
    assert "step 2 of 2: Paused: waiting until" in lines[0] and lines[-1] == f"{app.name}: Healthy", told
    assert all(one != two for one, two in itertools.pairwise(lines)), told
    plain = re.sub(r"\x1b\[[0-9;]*m", "", said)
    assert max(len(text) for text in plain.splitlines()) <= 80, plain
    assert "problem" not in told and "not allowed" not in told, told
