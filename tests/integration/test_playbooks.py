"""The playbooks as users call them: approvals without a terminal, what goes on from elsewhere, and what must not take a release back."""

from __future__ import annotations

import json
import os
import pty
import select
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application, until

STEPS: list[Any] = [{"set_weight": 20}, {"pause": {}}, {"set_weight": 60}, {"pause": {}}]


def _rollout(app: Application, **more: Any) -> dict[str, Any]:
    return {"rollout_name": app.name, "rollout_namespace": app.namespace, **more}


def _paused(app: Application, **more: Any) -> None:
    """A release that waits at its first open pause, at 20 %."""
    code, out = app.playbook("canary", app.canary_variables(steps=STEPS, grace="0.3s", approval="manual", **more))
    assert code == 0 and "progressive.delivery.promote" in out, out
    assert app.weights() == (80, 20)


def _record(app: Application) -> str:
    return str(app.get("ConfigMap", "rollouts-demo.rollout")["data"]["record"])


def _fails_with(reason: str, line: str) -> bool:
    """Whether it is the line of a failed task that says so, and not the one that ansible-core 2.19 and later add to it."""
    return reason in line and not line.startswith("[ERROR]")


def test_manual_approval_and_promotion(app: Application) -> None:
    _paused(app)
    for wrong in ({"rollout_revision": "one"}, {"rollout_at_step": "1x"}, {"rollout_revision": 7}, {"rollout_at_step": 3}):
        code, out = app.playbook("promote", _rollout(app, **wrong))
        assert code != 0 and '"phase": "Paused"' in _record(app) and app.weights() == (80, 20), out
    code, out = app.playbook("promote", _rollout(app, rollout_revision=1, rollout_at_step=1))
    assert code == 0 and app.weights() == (40, 60), out
    code, out = app.playbook("promote", _rollout(app, rollout_revision=1, rollout_at_step=1))
    assert code == 0 and app.weights() == (40, 60), "a relaunched job never passes two pauses"
    code, out = app.playbook("promote", _rollout(app))
    assert code == 0 and '"phase": "Healthy"' in _record(app), out
    code, out = app.playbook("hand_back", _rollout(app))
    assert code == 0 and "rollouts-demo.rollout" not in app.names("ConfigMap"), out


def test_a_failure_takes_the_release_back_and_says_why(app: Application) -> None:
    before = app.snapshot()
    given = {"grace": "0.3s", "start_tolerance": {"time": "0s"}, "min_replicas": 2}
    code, out = app.playbook("canary", app.canary_variables("missing-red", steps=STEPS, **given))
    assert code != 0 and sum(_fails_with("ImagePullBackOff", line) for line in out.splitlines()) == 1, "the reason is printed once"
    assert "failed and was aborted (the error is printed above)" in out
    assert '"phase": "Aborted"' in _record(app) and "ImagePullBackOff" in _record(app) and '"min_replicas": 2' in _record(app)
    assert {key: value for key, value in app.snapshot().items() if key in before} == before
    code, out = app.playbook("canary", app.canary_variables("missing-red", steps=STEPS, **given))
    assert code != 0 and sum(_fails_with("revision 1 was aborted", line) for line in out.splitlines()) == 1, out
    assert "the call was refused and changed nothing, so nothing was aborted (the error is printed above)" in out


def test_a_hook_that_fails_before_the_start_leaves_the_release_of_somebody_else(app: Application, tmp_path: Path) -> None:
    """The hooks see that another version would begin, at its first step."""
    _paused(app)
    hook = tmp_path / "hook.yml"
    hook.write_text("- ansible.builtin.fail:\n    msg: 'step {{ canary_step_number }}: the window is closed'\n")
    before = app.snapshot()
    code, out = app.playbook(
        "canary", app.canary_variables("green", steps=STEPS, grace="0.3s", approval="manual", hooks={"before_step": str(hook)})
    )
    assert code != 0 and "step 1: the window is closed" in out and "the call was refused and changed nothing" in out, out
    assert app.snapshot() == before


def test_a_hook_that_fails_after_the_way_back_is_told_beside_the_reason(app: Application, tmp_path: Path) -> None:
    hook = tmp_path / "hook.yml"
    hook.write_text("- ansible.builtin.fail:\n    msg: nobody answers the pager\n")
    code, out = app.playbook("canary", app.canary_variables("crash-red", steps=STEPS, grace="0.3s", hooks={"on_abort": str(hook)}))
    assert code != 0 and '"phase": "Aborted"' in _record(app), out
    told = ("CrashLoopBackOff", "nobody answers the pager", "failed and was aborted; then the hook on_abort failed")
    assert {text: sum(_fails_with(text, line) for line in out.splitlines()) for text in told} == dict.fromkeys(told, 1), out


def test_abort(app: Application) -> None:
    before = app.snapshot()
    _paused(app)
    code, out = app.playbook("abort", _rollout(app))
    assert code == 0 and {key: value for key, value in app.snapshot().items() if key in before} == before, out
    code, out = app.playbook("abort", _rollout(app))
    assert code == 0 and "changed=0" in out, "it is aborted, as asked"
    code, out = app.playbook("hand_back", _rollout(app))
    code, out = app.playbook("abort", _rollout(app))
    assert code != 0 and "nothing was aborted" in out


def _read(terminal: int, enough: Callable[[bytes], bool]) -> bytes:
    """What comes from the terminal until it is enough, its other side is closed, or a minute is over."""
    said, deadline = b"", time.monotonic() + 60
    while not enough(said) and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                said += os.read(terminal, 4096)
            except OSError:
                break
    return said


PROMPTED = [
    ("promote", "Healthy"),
    pytest.param("abort", "Aborted", marks=pytest.mark.full),
    pytest.param("", "Paused", marks=pytest.mark.full),
    ("what?\r", "Paused"),
]


@pytest.mark.parametrize(("answer", "phase"), PROMPTED)
def test_the_prompt(app: Application, answer: str, phase: str) -> None:
    """At a terminal; anything but the two words and nothing is asked again."""
    steps = [{"set_weight": 20}, {"pause": {}}]
    variables = app.canary_variables(steps=steps, grace="0.3s", approval="prompt")
    master, slave = pty.openpty()
    process = app.start_playbook("canary", variables, terminal=slave)
    os.close(slave)
    try:
        said = _read(master, lambda text: b"Type promote to continue" in text)
        time.sleep(1)  # Ansible throws away what was typed before it listens.
        os.write(master, f"{answer}\r".encode())
        said += _read(master, lambda _text: process.poll() is not None)
        code = process.wait(5)
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert f'"phase": "{phase}"' in _record(app), said.decode(errors="replace")
    assert (code == 0) == (phase != "Aborted")


@pytest.mark.parametrize("on_drift", ["repair", "accept"])
@pytest.mark.full
def test_drift_of_the_router_is_told_and_decided_in_every_playbook(app: Application, on_drift: str) -> None:
    before = app.snapshot()
    _paused(app)
    http = app.get("VirtualService")["spec"]["http"]
    http[0]["route"][0]["weight"] = http[0]["route"][1]["weight"] = 50
    app.patch("VirtualService", app.name, {"spec": {"http": http}})
    for name in ("promote", "abort", "hand_back"):
        code, out = app.playbook(name, _rollout(app))
        assert code != 0 and "was changed by another client" in out and app.weights() == (50, 50), out
    code, out = app.playbook("hand_back", _rollout(app, rollout_on_drift=on_drift))
    assert code == 0, out
    if on_drift == "repair":
        assert app.snapshot() == before
    else:
        assert app.weights() == (50, 50)


def test_drift_of_the_template_stops_the_promotion_before_it_moves_anything(app: Application) -> None:
    _paused(app)
    container = {"name": app.name, "image": "argoproj/rollouts-demo:green"}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    app.request("PATCH", "Deployment", app.name, patch, "application/strategic-merge-patch+json")
    code, out = app.playbook("promote", _rollout(app))
    assert code != 0 and "has a template that another client changed during the rollout" in out and app.weights() == (80, 20), out
    code, out = app.playbook("promote", _rollout(app, rollout_full=True, rollout_on_drift="repair"))
    assert code == 0 and app.get("Deployment")["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":yellow"), out


def test_a_release_that_is_handed_back_meanwhile_is_not_told_as_done(app: Application) -> None:
    steps = [{"set_weight": 20}, {"pause": {"duration": "30s"}}]
    process = app.start_module("rollout_step", app.plan(steps=steps, grace=0, until="end"))
    until("the release pauses", lambda: "rollouts-demo.rollout" in app.names("ConfigMap") and '"phase": "Paused"' in _record(app))
    code, out = app.playbook("hand_back", _rollout(app))
    assert code == 0, out
    told, _none = process.communicate(timeout=60)
    result = json.loads(told)
    assert result["failed"] and not result["safe_to_abort"]
    # Whether it looks while the other run is at work, or when that is done.
    assert "another run went on with it meanwhile" in result["msg"] or "was handed back while this run worked on it" in result["msg"]


def test_a_lost_record_is_told_and_nothing_is_guessed(app: Application) -> None:
    _paused(app)
    app.request("DELETE", "ConfigMap", "rollouts-demo.rollout")
    before = app.snapshot()
    for code, out in (app.playbook("hand_back", _rollout(app)), app.playbook("canary", app.canary_variables(steps=STEPS))):
        assert code != 0 and "has no record any more, but Deployment" in out, out
    assert app.snapshot() == before


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("canary_namespace", "not given: canary_namespace"),
        ("canary_services", "not given: canary_services"),
        ("canary_revision", "revision is missing: name the new version by images, template, definition or restart"),
    ],
)
def test_a_missing_variable_is_named(app: Application, missing: str, said: str) -> None:
    before, variables = app.snapshot(), app.canary_variables()
    del variables[missing]
    code, out = app.playbook("canary", variables)
    assert code != 0 and said in out and app.snapshot() == before


@pytest.mark.parametrize(
    ("playbook", "misspelt", "said"),
    [
        ("canary", "canary_step", "not known: canary_step (check the spelling"),
        pytest.param("bluegreen", "bluegreen_check", "not known: bluegreen_check (check the spelling", marks=pytest.mark.full),
        ("abort", "rollout_revison", "not known: rollout_revison (known are rollout_at_step, "),
    ],
)
def test_a_misspelt_variable_is_named(still_app: Application, playbook: str, misspelt: str, said: str) -> None:
    """Its wish would go unheard: a release without steps, an abort of whatever is under way."""
    roles = {"canary": still_app.canary_variables, "bluegreen": still_app.bluegreen_variables}
    variables = roles[playbook]() if playbook in roles else _rollout(still_app)
    before = still_app.snapshot()
    code, out = still_app.playbook(playbook, {**variables, misspelt: 1})
    assert code != 0 and said in out and still_app.snapshot() == before, out
