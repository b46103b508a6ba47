"""The playbook bluegreen as users call it: its checks before and after the switch, who passes the pause, what nothing is written for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application

SAYS_NO = """
- name: Look at what is released
  ansible.builtin.fail:
    msg: "revision {{ bluegreen_result.revision }} of {{ bluegreen_namespace }} is too yellow behind {{ bluegreen_services.active }}"
"""


def _variables(app: Application, **more: Any) -> dict[str, Any]:
    workload = {"name": app.name, "style": "revisions"}
    return app.bluegreen_variables(**{"workload": workload, "grace": "0.3s", "approval": "manual", **more})


def _rollout(app: Application, **more: Any) -> dict[str, Any]:
    return {"rollout_name": app.name, "rollout_namespace": app.namespace, **more}


def _stands(app: Application) -> tuple[str, set[str]]:
    """The phase of the release, and what answers."""
    return json.loads(app.get("ConfigMap", f"{app.name}.rollout")["data"]["record"])["phase"], set(app.ask(20))


def _paused(app: Application, variables: dict[str, Any]) -> None:
    """As the role does it, up to the pause."""
    plan = {key: variables[f"bluegreen_{key}"] for key in ("name", "workload", "revision", "services", "grace")}
    delays = {key: variables[f"bluegreen_{key}"] for key in ("scale_down_delay", "abort_scale_down_delay")}
    result = app.module("rollout_step", {**plan, "bluegreen": delays, "retry": True})
    assert result.get("phase") == "Paused", result


class Notes:
    """A command that writes down that it was run, and with what."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "notes"

    def check(self, code: int = 0) -> dict[str, Any]:
        said = "$ROLLOUT_NAME $ROLLOUT_REVISION $ROLLOUT_ACTIVE_SERVICE $ROLLOUT_PREVIEW_SERVICE"
        return {"command": ["sh", "-c", f"echo {said} >> {self.path}; echo it is too yellow >&2; exit {code}"], "timeout": "30s"}

    def read(self) -> list[str]:
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        self.path.unlink(missing_ok=True)
        return lines


def test_checks_take_it_back_before_and_after_the_switch(app: Application, tmp_path: Path) -> None:
    notes, says_no = Notes(tmp_path), tmp_path / "says_no.yml"
    says_no.write_text(SAYS_NO)
    before = app.snapshot("Service", "VirtualService")

    code, out = app.playbook("bluegreen", _variables(app, checks={"before_switch": [notes.check(3)], "after_switch": [str(says_no)]}))
    failed = [line for line in out.splitlines() if "failed: exit code 3, it is too yellow" in line and not line.startswith("[ERROR]")]
    assert code != 0 and len(failed) == 1 and "too yellow behind" not in out, out
    assert notes.read() == [f"{app.name} 1 {app.name} {app.name}-canary"] and _stands(app) == ("Aborted", {"blue"})

    variables = _variables(app, checks={"after_switch": [str(says_no)]}, promote=2)
    _paused(app, variables)
    code, out = app.playbook("bluegreen", variables)
    assert code != 0 and f"revision 2 of {app.namespace} is too yellow behind {app.name}" in out, out
    assert _stands(app) == ("Aborted", {"blue"}) and app.snapshot("Service", "VirtualService") == before


def test_nothing_is_written_and_no_check_is_run_in_check_mode_or_where_one_cannot_be_run(still_app: Application, tmp_path: Path) -> None:
    before, notes = still_app.snapshot(), Notes(tmp_path)
    code, out = still_app.playbook("bluegreen", _variables(still_app, checks={"before_switch": [notes.check()]}), "--check")
    assert code == 0 and f"point Service {still_app.name}-canary at" in out and not notes.read() and still_app.snapshot() == before, out
    code, out = still_app.playbook("bluegreen", _variables(still_app, checks={"after_switch": [notes.check(), "check.yml"]}))
    assert code != 0 and "bluegreen_checks.after_switch[1] must be the absolute path" in out, out
    assert not notes.read() and still_app.snapshot() == before


@pytest.mark.full
def test_a_release_whose_checks_go_well(app: Application, tmp_path: Path) -> None:
    """The pause says how to go on with the checks; another revision's number does not pass it; what is complete is left alone."""
    notes = Notes(tmp_path)
    variables = _variables(app, checks={"before_switch": [notes.check()], "after_switch": [notes.check()]})
    for more in ({}, {"bluegreen_promote": 7}):
        code, out = app.playbook("bluegreen", {**variables, **more})
        assert code == 0 and "-e bluegreen_promote=1 (the playbook promote does not run" in out, out
        assert _stands(app) == ("Paused", {"blue"}) and len(notes.read()) == 1
    for ran in (2, 0):
        code, out = app.playbook("bluegreen", {**variables, "bluegreen_promote": 1})
        assert code == 0 and _stands(app) == ("Healthy", {"yellow"}) and len(notes.read()) == ran, out


@pytest.mark.full
def test_a_check_that_does_not_end_is_ended(app: Application) -> None:
    code, out = app.playbook("bluegreen", _variables(app, checks={"before_switch": [{"command": "sleep 600", "timeout": 1}]}))
    assert code != 0 and "the check `sleep` failed: " in out and _stands(app) == ("Aborted", {"blue"}), out


@pytest.mark.full
def test_the_other_playbooks_find_the_strategy_in_the_record(app: Application) -> None:
    def done(playbook: str, variables: dict[str, Any]) -> str:
        code, out = app.playbook(playbook, variables)
        assert code == 0, out
        return out

    before = app.snapshot()
    assert "waits behind the preview Service" in done("bluegreen", _variables(app))
    done("abort", _rollout(app))
    assert _stands(app) == ("Aborted", {"blue"})
    done("bluegreen", _variables(app, retry=True))
    done("promote", _rollout(app, rollout_revision=2, rollout_at_step=1))
    assert _stands(app) == ("Healthy", {"yellow"})
    assert "waits behind the preview Service" in done("undo", _rollout(app))
    done("promote", _rollout(app))
    assert _stands(app) == ("Healthy", {"blue"})
    done("sweep", {"rollout_namespace": app.namespace})
    done("hand_back", _rollout(app))
    assert app.snapshot() == before
