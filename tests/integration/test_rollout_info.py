"""rollout_info and the playbook status: what is seen of a rollout in each phase, and that looking changes nothing."""

from __future__ import annotations

from typing import Any

from ansible_collections.progressive.delivery.tests.harness.application import Application, until
from ansible_collections.progressive.delivery.tests.harness.audit import AuditLog

STEPS: list[Any] = [{"set_weight": 20}, {"pause": {}}]


def look(app: Application, **options: Any) -> list[dict[str, Any]]:
    log = AuditLog()
    mark = log.mark()
    result = app.module("rollout_info", options)
    assert not result.get("failed") and not result["changed"], result.get("msg")
    assert {entry.verb for entry in log.since(mark) if entry.namespace == app.namespace} <= {"get", "list"}
    return list(result["rollouts"])


def test_from_nothing_to_the_end(app: Application) -> None:
    """Also that there is one Service that the clone's pods stand behind, and one for the workload's."""
    app.scale(2)
    assert look(app) == []
    [nothing] = look(app, name=app.name)
    assert (nothing["phase"], nothing["revision"], nothing["tree"]) == ("Healthy", 0, f"{app.name}  Healthy")
    paused = app.module("rollout_step", app.plan(steps=STEPS, grace=0))
    assert paused.get("phase") == "Paused", paused["msg"]
    [seen] = look(app)
    assert look(app, name=app.name) == [seen]
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
    first, *lines = seen["tree"].splitlines()
    assert paused["tree"] == seen["tree"]
    assert first == f"{app.name}  Paused  revision 1  step 2 of 2: pause until promoted  20 % canary" and len(lines) == 5
    code, out = app.playbook("status", {"rollout_namespace": app.namespace})
    assert code == 0 and first in out and "promote it with" in out
    assert app.module("rollout_step", {"name": app.name, "promote": {}})["phase"] == "Healthy"
    [done] = look(app)
    assert (done["phase"], len(done["workloads"]), done["history"][0]["phase"]) == ("Healthy", 1, "Healthy")


def test_it_says_why_pods_do_not_start(app: Application) -> None:
    started = app.module("rollout_step", app.plan("crash-1", STEPS, grace=0))
    assert started["failed"], started
    until("it is told", lambda: "CrashLoopBackOff" in look(app)[0]["tree"])


def test_what_is_gone_is_left_out(app: Application) -> None:
    """Users delete things; whoever looks is told of the rest."""
    assert app.module("rollout_step", app.plan(steps=STEPS, grace=0))["phase"] == "Paused"
    for kind, name in (("VirtualService", app.name), ("Service", f"{app.name}-canary"), ("Deployment", app.name)):
        app.request("DELETE", kind, name)
    [seen] = look(app)
    assert seen["routers"][0]["weight"] == {"stable": 0, "canary": 0}
    assert [each["name"] for each in seen["services"]] == [app.name]
    assert [each["version"] for each in seen["workloads"]] == ["canary"]
