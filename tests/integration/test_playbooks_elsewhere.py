"""The playbooks where nobody sits at a terminal: below ansible-runner, for several clusters, and as a preview of what they would do."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import ansible_runner
import pytest
import yaml
from ansible_collections.progressive.delivery.tests.harness.application import Application, application

STEPS: list[Any] = [{"set_weight": 20}, {"pause": {}}]


def _rollout(app: Application, **more: Any) -> dict[str, Any]:
    return {"rollout_name": app.name, "rollout_namespace": app.namespace, **more}


def _run(folder: Path, playbook: str, variables: dict[str, Any], **more: Any) -> tuple[int, list[dict[str, Any]]]:
    """The exit code and the events of a playbook below ansible-runner, which gives it a terminal at which nobody sits."""
    run = ansible_runner.run(
        private_data_dir=str(folder), playbook=f"progressive.delivery.{playbook}", extravars=variables, quiet=True, timeout=300, **more
    )
    return int(run.rc or 0), [dict(event) for event in run.events]


def _stats(events: list[dict[str, Any]]) -> dict[str, Any]:
    """What the run hands to the next node of a workflow."""
    [ended] = [event for event in events if event["event"] == "playbook_on_stats"]
    return dict(ended["event_data"]["artifact_data"]["progressive_delivery"])


def _results(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the module told, call by call."""
    return [
        event["event_data"]["res"]
        for event in events
        if event["event"] in ("runner_on_ok", "runner_on_failed") and "rollout_step" in event["event_data"]["task_action"]
    ]


def test_below_ansible_runner_a_prompt_waits_for_nobody(app: Application, tmp_path: Path) -> None:
    auth = {"rollout_auth": {"kubeconfig": app.kubeconfig}}
    code, events = _run(tmp_path, "canary", {**app.canary_variables(steps=STEPS, grace="0.3s", approval="prompt"), **auth})
    title = f"{app.namespace}/{app.name}@localhost"
    assert code == 0 and _stats(events)[title]["phase"] == "Paused" and app.weights() == (80, 20)
    said = "\n".join(event["stdout"] for event in events)
    assert "Type promote to continue" not in said and "progressive.delivery.promote" in said
    [told] = _results(events)
    assert "॥ Paused: waiting for promotion" in told["tree"] and "2/2 pause until promoted" in told["tree"], told

    paused = _stats(events)[title]
    assert set(paused) == {"refused", "phase", "revision", "step", "weight", "resume_at"} and set(paused["step"]) == {"index", "total"}
    code, events = _run(
        tmp_path,
        "promote",
        {**_rollout(app, rollout_revision=paused["revision"], rollout_at_step=paused["step"]["index"]), **auth},
    )
    assert code == 0 and _stats(events)[title]["phase"] == "Healthy"
    code, events = _run(tmp_path, "abort", {**_rollout(app, rollout_revision=7), **auth})
    assert code != 0 and "is at revision 1, not 7" in _results(events)[-1]["msg"]
    assert _results(events)[-1]["refused"] is True and _stats(events)[title] == {"refused": True}


def _clusters(folder: Path, apps: dict[str, Application]) -> str:
    """An inventory in which each host is a cluster: a kubeconfig and a context of its own."""
    hosts: dict[str, Any] = {}
    for name, app in apps.items():
        config = yaml.safe_load(Path(app.kubeconfig).read_text())
        config["contexts"][0]["name"] = config["current-context"] = name
        (folder / name).write_text(yaml.safe_dump(config))
        auth = {"kubeconfig": str(folder / name), "context": name}
        hosts[name] = {"rollout_auth": auth, "canary_namespace": app.namespace, "rollout_namespace": app.namespace}
    path = folder / "clusters.yml"
    path.write_text(yaml.safe_dump({"clusters": {"hosts": hosts}}))
    return str(path)


@pytest.mark.full
def test_one_cluster_after_the_other(app: Application, tmp_path: Path) -> None:
    """The second is not begun when the first fails; and each has its own place in the statistics."""
    with application(os.environ["KUBECONFIG"]) as second:
        inventory, before = _clusters(tmp_path, {"east": app, "west": second}), second.snapshot()

        def run(image: str, **more: Any) -> tuple[int, dict[str, Any]]:
            variables = app.canary_variables(image, steps=STEPS, grace="0.3s", approval="manual", **more)
            del variables["canary_namespace"]
            variables |= {"rollout_hosts": "clusters", "rollout_serial": 1}
            code, events = _run(tmp_path, "canary", variables, inventory=inventory)
            return code, {name: told["phase"] for name, told in _stats(events).items()}

        assert run("crash-red") == (2, {f"{app.namespace}/{app.name}@east": "Aborted"})
        assert second.snapshot() == before, "the second is not touched when the first fails"
        both = {f"{app.namespace}/{app.name}@east": "Paused", f"{second.namespace}/{app.name}@west": "Paused"}
        assert run("yellow") == (0, both) and app.weights() == second.weights() == (80, 20)


@pytest.mark.full
def test_a_preview_of_every_playbook_writes_nothing_and_tells_what_would_be_done(app: Application) -> None:
    def foreseen(playbook: str, variables: dict[str, Any], *said: str) -> None:
        before = app.snapshot()
        code, out = app.playbook(playbook, variables, "--check", "--diff")
        assert code == 0 and all(each in out for each in said) and app.snapshot() == before, out

    def done(playbook: str, variables: dict[str, Any]) -> None:
        code, out = app.playbook(playbook, variables)
        assert code == 0, out

    def release(image: str, pause: Any) -> dict[str, Any]:
        return app.canary_variables(image, steps=[{"set_weight": 20}, {"pause": pause}], grace="0.3s", approval="manual")

    foreseen("canary", release("yellow", {}), "move the traffic: 20 % to the canary")
    done("canary", release("yellow", {}))
    foreseen("promote", _rollout(app), "roll the workload to the new version")
    foreseen("abort", _rollout(app), "put the routers back", "remove the canary")
    foreseen("hand_back", _rollout(app), "put the routers back", "remove the canary")
    foreseen("status", {"rollout_namespace": app.namespace}, "pause until promoted")
    foreseen("sweep", {"rollout_namespace": app.namespace}, "changed=0")
    done("promote", _rollout(app))
    foreseen("hand_back", _rollout(app), "forget the record")
    done("canary", release("green", {"expires": "1s", "then": "abort"}))
    time.sleep(1)
    foreseen("sweep", {"rollout_namespace": app.namespace}, "changed=1")
    done("sweep", {"rollout_namespace": app.namespace})
    done("canary", {**release("green", {}), "canary_steps": [], "canary_retry": True})
    foreseen("undo", _rollout(app, rollout_revision=1), "roll the workload to the new version")
