"""Going back to versions that were released before: the whole template, by the steps of the last plan."""

from __future__ import annotations

from typing import Any

from ansible_collections.progressive.delivery.tests.harness.application import Application, until


def step(app: Application, options: dict[str, Any], phase: str = "Healthy") -> dict[str, Any]:
    result = app.module("rollout_step", options)
    assert result.get("phase") == phase, result["msg"]
    return result


def image(app: Application) -> str:
    return str(app.get("Deployment")["spec"]["template"]["spec"]["containers"][0]["image"]).partition(":")[2]


def refused(app: Application, message: str, **options: Any) -> None:
    before = app.snapshot()
    result = app.module("rollout_step", {"name": app.name, **options})
    assert result["failed"] and not result.get("changed") and message in result["msg"] and "\n" not in result["msg"], result
    assert app.snapshot() == before


def release(app: Application, name: str, *steps: Any) -> None:
    step(app, app.plan(name, list(steps) or [{"set_weight": 50}], grace=0))


def test_there_and_back(app: Application) -> None:
    refused(app, "has nothing to undo: it has no record", undo="previous")
    release(app, "yellow")
    first = app.get("Deployment")["spec"]["template"]
    more = {"metadata": {"annotations": {"team": "shop"}}}
    app.patch("Deployment", app.name, {"spec": {"template": more}})  # by hand, beside any release
    until("it has rolled", lambda: not app.module("rollout_step", app.plan("green", [], grace=0), check=True).get("failed"))
    release(app, "green")
    second = app.get("Deployment")["spec"]["template"]
    preview = app.module("rollout_step", {"name": app.name, "undo": "1"}, check=True)
    assert preview["changed"] and "move the traffic: 50 % to the canary" in preview["actions"]

    assert step(app, {"name": app.name, "undo": "1", "grace": 0})["changed"]
    assert app.get("Deployment")["spec"]["template"] == first and "annotations" not in first["metadata"]
    assert not step(app, {"name": app.name, "undo": "1", "grace": 0})["changed"]
    assert step(app, {"name": app.name, "undo": "previous", "grace": 0})["revision"] == 4
    assert app.get("Deployment")["spec"]["template"] == second
    code, out = app.playbook("undo", {"rollout_name": app.name, "rollout_namespace": app.namespace})
    assert code == 0 and image(app) == "yellow", out
    [seen] = app.module("rollout_info", {"name": app.name})["rollouts"]
    assert [(each["revision"], each["phase"]) for each in seen["history"]] == [(number, "Healthy") for number in (5, 4, 3, 2, 1)]

    refused(app, "has no revision 9 to go back to (complete are: 5, 4, 3, 2, 1)", undo="9")
    refused(app, "undo takes the plan of the last release: leave workload out", undo="1", workload={"name": app.name, "style": "pair"})
    refused(app, "undo cannot be used with state absent", undo="1", state="absent")
    for each in app.request("GET", "ReplicaSet")["items"]:
        if each["spec"]["template"]["spec"]["containers"][0]["image"].endswith("green"):
            app.request("DELETE", "ReplicaSet", each["metadata"]["name"])
    refused(app, "has no object any more that holds the template of that revision (revisionHistoryLimit", undo="2")


def test_the_way_back_has_its_pauses_and_can_be_aborted(app: Application) -> None:
    release(app, "yellow")
    plan = app.plan("green", [{"set_weight": 20}, {"pause": {}}], grace=0)
    step(app, plan, "Paused")
    refused(app, "revision 2 is under way (Paused): abort it instead", undo="previous")
    step(app, {"name": app.name, "promote": {}})
    back = {"name": app.name, "undo": "previous", "grace": 0}
    for changed in (True, False):
        assert step(app, back, "Paused")["changed"] == changed
    assert app.weights() == (80, 20) and image(app) == "green"
    step(app, {"name": app.name, "state": "aborted"}, "Aborted")
    assert image(app) == "green"
    refused(app, "was aborted", **{key: value for key, value in back.items() if key != "name"})
    step(app, {**back, "retry": True}, "Paused")
    step(app, {"name": app.name, "promote": {}})
    assert image(app) == "yellow" and app.weights() == (100, 0)


def test_what_was_released_just_before_comes_back_without_steps(app: Application) -> None:
    release(app, "yellow")
    release(app, "green")
    plan = app.plan("yellow", [{"set_weight": 20}, {"pause": {}}], grace=0, rollback_window=2)
    assert app.module("rollout_step", plan, check=True)["steps_skipped"]
    ensured = app.module("rollout_step", {**plan, "ensure_step": 1})
    assert not ensured["changed"] and "its steps are skipped" in ensured["msg"]
    back = step(app, plan)
    assert back["steps_skipped"] and back["msg"].endswith("complete; steps skipped: within the rollback window") and image(app) == "yellow"
    assert (back["step"]["index"], "move the traffic: 20 % to the canary" in back["actions"]) == (0, False)
    other = app.plan("blue", [{"set_weight": 20}], grace=0, rollback_window=2)
    assert not app.module("rollout_step", other, check=True)["steps_skipped"], "which no revision has released"
