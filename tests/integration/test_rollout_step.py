"""rollout_step against the real API server: a whole release, pauses, promotion, the ways back, and everything that it refuses."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application, finish, until

OURS = {"ConfigMap/rollouts-demo.rollout", "Lease/rollouts-demo.rollout"}


def _image(app: Application) -> str:
    return str(app.get("Deployment")["spec"]["template"]["spec"]["containers"][0]["image"]).rpartition(":")[2]


def _as_before_but_for_the_image(before: dict[str, Any], after: dict[str, Any], image: str) -> bool:
    expected = {**before, "Deployment/rollouts-demo": {**before["Deployment/rollouts-demo"]}}
    deployment = expected["Deployment/rollouts-demo"]
    container = {**deployment["spec"]["template"]["spec"]["containers"][0], "image": f"argoproj/rollouts-demo:{image}"}
    pod = {**deployment["spec"]["template"]["spec"], "containers": [container]}
    deployment["spec"] = {**deployment["spec"], "template": {**deployment["spec"]["template"], "spec": pod}}
    return {key: value for key, value in after.items() if key not in OURS} == expected


@pytest.mark.quick
def test_check_run_check_run(app: Application) -> None:
    before = app.snapshot()
    plan = app.plan(until="end", grace="0.2s")
    preview = app.module("rollout_step", plan, check=True)
    assert preview["changed"] and preview["actions"][:2] == ["pause the workload", "point Service rollouts-demo at the workload"]
    assert app.snapshot() == before

    done = app.module("rollout_step", plan)
    assert (done["phase"], done["changed"], done["revision"]) == ("Healthy", True, 1), done["msg"]
    after = app.snapshot()
    assert set(after) - set(before) == OURS
    assert _as_before_but_for_the_image(before, after, "yellow")
    app.wait_for("yellow")

    for check in (True, False):
        again = app.module("rollout_step", plan, check=check)
        assert (again["phase"], again["changed"], again["actions"]) == ("Healthy", False, [])
    assert app.snapshot() == after
    reasons = [event["reason"] for event in app.request("GET", "Event")["items"] if event["reason"].startswith("Rollout")]
    assert sorted(set(reasons)) == ["RolloutCompleted", "RolloutPaused", "RolloutStarted", "RolloutStepCompleted"]
    assert reasons.count("RolloutStepCompleted") == 7

    assert app.module("rollout_step", {"name": app.name, "state": "absent"})["changed"]
    assert _as_before_but_for_the_image(before, app.snapshot(), "yellow") and not set(app.snapshot()) & OURS
    assert not app.module("rollout_step", {"name": app.name, "state": "absent"})["changed"]


def test_pauses_and_promotions(app: Application) -> None:
    steps = [{"set_weight": 20}, {"pause": {}}, {"set_weight": 60}, {"pause": {}}, {"set_weight": 100}]
    plan = app.plan(steps=steps)
    first = app.module("rollout_step", plan)
    assert (first["phase"], first["weight"], first["step"]["index"]) == ("Paused", {"stable": 80, "canary": 20}, 1)
    assert "promote: {revision: 1, step: 1}" in first["msg"] and app.weights() == (80, 20)
    assert not app.module("rollout_step", plan)["changed"], "a pause is not passed by asking again"
    for promote, message in (({"revision": 2}, "is at revision 1"), ({"step": 3}, "is at step 1")):
        wrong = app.module("rollout_step", {"name": app.name, "promote": promote})
        assert wrong["failed"] and message in wrong["msg"] and not wrong["safe_to_abort"] and app.weights() == (80, 20)

    second = app.module("rollout_step", {"name": app.name, "promote": {"revision": 1, "step": 1}})
    assert (second["phase"], second["weight"]["canary"], second["step"]["index"]) == ("Paused", 60, 3)
    relaunched = app.module("rollout_step", {"name": app.name, "promote": {"revision": 1, "step": 1}})
    assert (relaunched["changed"], relaunched["step"]["index"]) == (False, 3), "a relaunched job never passes two pauses"
    last = app.module("rollout_step", {"name": app.name, "promote": {}})
    assert last["phase"] == "Healthy" and _image(app) == "yellow"


def test_step_by_step(app: Application) -> None:
    plan = app.plan(steps=[{"set_weight": 20}, {"set_weight": 10}, {"pause": {"duration": 0}}], until="step")
    told = [app.module("rollout_step", plan) for _number in range(4)]
    assert [(each["phase"], each["weight"]["canary"]) for each in told[:2]] == [("Progressing", 20), ("Progressing", 10)]
    assert told[-1]["phase"] == "Healthy", [each["msg"] for each in told]


def test_a_call_for_each_step_by_its_number(app: Application) -> None:
    steps = [{"set_weight": 20}, {"pause": {}}, {"set_weight": 60}, {"pause": {"duration": "1s"}}]

    def ensure(number: int, **options: Any) -> dict[str, Any]:
        return app.module("rollout_step", {**app.plan(steps=steps, grace=0), "ensure_step": number, **options})

    before = app.snapshot()
    for number, message in ((2, "ensure_step 2 (pause until promoted) is out of order: ensure step 1 first"), (5, "has 4 steps")):
        refused = ensure(number)
        assert refused["failed"] and message in refused["msg"] and not refused["safe_to_abort"] and app.snapshot() == before
    done = [ensure(number, **({"promote": {}} if number == 2 else {})) for number in (1, 1, 2, 3, 2, 4, 4)]
    assert [(each["step"]["index"], each["changed"]) for each in done] == [
        *((1, True), (1, False), (2, False), (3, True), (3, False), (4, False), (4, False)),
    ]
    assert app.weights() == (40, 60) and {each["phase"] for each in done} == {"Progressing"}, "no promotion follows"
    assert app.module("rollout_step", app.plan(steps=steps, grace=0))["phase"] == "Healthy" and _image(app) == "yellow"
    assert not ensure(3)["changed"]


def test_without_waiting_each_call_does_what_can_be_done(app: Application) -> None:
    """What has to be waited for is up to the next call, and nothing is skipped for it."""
    plan = app.plan(steps=[{"set_weight": 50}], grace="1s", wait=False)
    told = [app.module("rollout_step", plan)]
    while told[-1]["phase"] != "Healthy" and len(told) < 100:
        assert not told[-1].get("failed"), told[-1]["msg"]
        told.append(app.module("rollout_step", plan))
    assert told[-1]["phase"] == "Healthy" and _image(app) == "yellow"
    assert any("waiting" in each["msg"] for each in told) and any(each["weight"]["canary"] == 50 for each in told)


@pytest.mark.parametrize("weights", [(5,), (20, 80)])
def test_abort_leaves_the_application_as_it_was(app: Application, weights: tuple[int, ...]) -> None:
    before = app.snapshot()
    steps = [*({"set_weight": weight} for weight in weights), {"pause": {}}]
    assert app.module("rollout_step", app.plan(steps=steps))["phase"] == "Paused"
    back = app.module("rollout_step", {"name": app.name, "state": "aborted"})
    assert (back["phase"], back["changed"], back["weight"]["canary"]) == ("Aborted", True, 0)
    assert {key: value for key, value in app.snapshot().items() if key not in OURS} == before
    assert not app.module("rollout_step", {"name": app.name, "state": "aborted"})["changed"]
    refused = app.module("rollout_step", app.plan(steps=steps))
    assert refused["failed"] and "revision 1 was aborted" in refused["msg"] and not refused["safe_to_abort"]
    again = app.module("rollout_step", app.plan(steps=[], retry=True))
    assert (again["phase"], again["revision"]) == ("Healthy", 2) and _image(app) == "yellow"


def test_absent_in_the_middle_hands_the_application_back(app: Application) -> None:
    before = app.snapshot()
    app.module("rollout_step", app.plan(steps=[{"set_weight": 50}, {"pause": {}}]))
    assert app.module("rollout_step", {"name": app.name, "state": "absent"})["changed"]
    assert app.snapshot() == before


def test_a_version_that_does_not_start_is_told_with_its_reason_and_can_be_aborted(app: Application) -> None:
    before = app.snapshot()
    failed = app.module("rollout_step", app.plan(image="crash-red"))
    assert failed["failed"] and failed["safe_to_abort"] and "CrashLoopBackOff" in failed["msg"], failed["msg"]
    assert app.weights() == (100, 0)
    assert app.module("rollout_step", {"name": app.name, "state": "aborted"})["phase"] == "Aborted"
    assert {key: value for key, value in app.snapshot().items() if key not in OURS} == before


def test_one_works_and_the_other_says_who(app: Application) -> None:
    first = app.start_module("rollout_step", app.plan(steps=[{"set_weight": 50}], grace="2s"))
    until("the first run is at work", lambda: "rollouts-demo.rollout" in app.names("ConfigMap"))
    second = app.module("rollout_step", app.plan(steps=[{"set_weight": 50}], grace="2s"))
    assert second["failed"] and not second["safe_to_abort"] and " is working on it right now" in second["msg"]
    assert finish(first)["phase"] == "Healthy"


def test_abort_takes_over_from_a_living_run(app: Application) -> None:
    before = app.snapshot()
    first = app.start_module("rollout_step", app.plan(steps=[{"set_weight": 50}], grace="4s"))
    until("half of the traffic is on the canary", lambda: app.weights() == (50, 50))
    assert app.module("rollout_step", {"name": app.name, "state": "aborted"})["phase"] == "Aborted"
    lost = finish(first)
    assert lost["failed"] and not lost["safe_to_abort"] and re.search("writes nothing more|was taken over by", lost["msg"])
    assert {key: value for key, value in app.snapshot().items() if key not in OURS} == before


def test_a_service_that_also_selects_another_workload_is_refused(app: Application) -> None:
    """Pinned to one version of this workload it would lose the other's pods."""
    other = {key: value for key, value in app.get("Deployment").items() if key in ("apiVersion", "kind")}
    labels = {"istio-injection": "enabled", "app": "other"}
    pod = {"containers": [{"name": "other", "image": "a:blue", "ports": [{"containerPort": 8080}]}]}
    spec = {"selector": {"matchLabels": {"app": "other"}}, "template": {"metadata": {"labels": labels}, "spec": pod}}
    app.request("POST", "Deployment", body={**other, "metadata": {"name": "other"}, "spec": spec})
    until("the other is ready", lambda: app.get("Deployment", "other").get("status", {}).get("readyReplicas"))
    wide = {"selector": {"istio-injection": "enabled"}, "ports": [{"port": 80}]}
    app.request("POST", "Service", body={"apiVersion": "v1", "kind": "Service", "metadata": {"name": "wide"}, "spec": wide})
    result = app.module("rollout_step", app.plan())
    assert (
        result["failed"]
        and f"Service {app.namespace}/wide selects pods of other workloads than Deployment rollouts-demo too (other-" in result["msg"]
    )
    assert not set(app.snapshot()) & OURS


@pytest.mark.parametrize("on_drift", ["fail", "repair"])
def test_a_workload_that_somebody_resumes_in_the_middle(app: Application, on_drift: str) -> None:
    """Resumed, any change of its template would empty the Services that are pinned to its hash."""
    plan = app.plan(steps=[{"set_weight": 20}, {"pause": {}}, {"set_weight": 40}, {"pause": {}}], on_drift=on_drift)
    app.module("rollout_step", plan)
    app.patch("Deployment", app.name, {"spec": {"paused": None}})
    result = app.module("rollout_step", {**plan, "promote": {}})
    if on_drift == "fail":
        assert result["failed"] and not result["safe_to_abort"] and "was resumed by another client during the rollout" in result["msg"]
        assert app.weights() == (80, 20)
    else:
        assert result["phase"] == "Paused" and app.weights() == (60, 40) and app.get("Deployment")["spec"]["paused"]


def test_a_router_that_sends_the_canary_traffic_before_the_start_is_refused(app: Application) -> None:
    weight = {"router": "istio", "name": app.name, "stable_service": app.name, "weight": 10, "grace": 0}
    assert app.module("canary_weight", weight)["changed"]
    result = app.module("rollout_step", app.plan())
    assert (
        result["failed"]
        and "sends 10 of 100 parts to Service rollouts-demo-canary already: give the canary weight 0 first" in result["msg"]
    )


def test_a_canary_service_is_made_and_removed_where_there_is_none(app: Application) -> None:
    app.request("DELETE", "Service", "rollouts-demo-canary")
    app.patch("VirtualService", app.name, {"spec": {"http": [{"route": [{"destination": {"host": app.name}}]}]}})
    before = app.snapshot()
    plan = app.plan(steps=[{"set_weight": 30}, {"pause": {}}], routers=[{"type": "istio", "name": app.name}])
    assert app.module("rollout_step", plan)["phase"] == "Paused"
    assert app.weights() == (70, 30) and "rollouts-demo-canary" in app.names("Service")
    assert app.module("rollout_step", {"name": app.name, "promote": {}})["phase"] == "Healthy"
    assert _as_before_but_for_the_image(before, app.snapshot(), "yellow")


BAD_INPUT: list[tuple[str, dict[str, Any], str]] = [
    ("no such Deployment", {"workload": {"name": "nope"}}, "Deployment {ns}/nope does not exist"),
    (
        "no such container",
        {"revision": {"images": {"nope": "x:1"}}},
        "Deployment {ns}/rollouts-demo has no container 'nope' (it has: rollouts-demo)",
    ),
    ("no route to the Service", {"services": {"stable": "nope"}}, "HTTP route primary does not lead to Service 'nope'"),
    (
        "a port of no Service",
        {"services": {"stable": "nope", "ports": [{"port": 80, "protocol": "X"}]}},
        "Service {ns}/nope does not exist and cannot be created",
    ),
    (
        "a router's spec",
        {"routers": [{"type": "istio", "name": "nope", "spec": {"hosts": ["a.b"], "http": [{"route": []}]}}]},
        "VirtualService {ns}/nope (as its spec would make it)",
    ),
    ("no such VirtualService", {"routers": [{"type": "istio", "name": "nope"}]}, "VirtualService {ns}/nope does not exist"),
    (
        "no such route",
        {"routers": [{"type": "istio", "name": "rollouts-demo", "routes": ["x"]}]},
        "no HTTP route named 'x' (it has: primary)",
    ),
    (
        "weight",
        {"canary": {"steps": [{"set_weight": 5}, {"set_weight": 120}]}},
        "canary.steps[1].set_weight must be a whole number",
    ),
    ("unknown step", {"canary": {"steps": [{"weigh": 5}]}}, "canary.steps[0] has the unknown kind 'weigh': use one of set_weight, pause"),
    (
        "duration",
        {"canary": {"steps": [{"pause": {"duration": "soon"}}]}},
        ".duration must be a duration, not 'soon'",
    ),
    (
        "same Services",
        {"services": {"stable": "rollouts-demo", "canary": "rollouts-demo"}},
        "the same Service as services.stable",
    ),
    ("no routers", {"routers": []}, "routers must be a list with at least one router"),
    ("nothing to promote", {"promote": {}}, "has nothing to promote: no revision is under way"),
    ("no record", {"workload": None}, "rollout rollouts-demo has no record in this namespace: check its name"),
]


@pytest.mark.parametrize("check", [False, pytest.param(True, marks=pytest.mark.full)])
@pytest.mark.parametrize(("options", "message"), [case[1:] for case in BAD_INPUT], ids=[case[0] for case in BAD_INPUT])
def test_bad_input_is_one_clear_line_and_writes_nothing(still_app: Application, options: dict[str, Any], message: str, check: bool) -> None:
    before = still_app.snapshot()
    result = still_app.module("rollout_step", still_app.plan(**options), check=check)
    assert result["failed"] and not result["changed"] and not result["safe_to_abort"], result
    assert message.format(ns=still_app.namespace) in result["msg"] and "\n" not in result["msg"]
    assert still_app.snapshot() == before


HTTP = {"name": "http", "containerPort": 8080}
STATES: list[tuple[str, dict[str, Any], str]] = [
    ("paused", {"paused": True}, "is paused: resume it first"),
    ("scaled to nothing", {"replicas": 0}, "is scaled to 0"),
    (
        "in its own rollout",
        {"template": {"spec": {"containers": [{"name": "rollouts-demo", "image": "a:unready-1", "ports": [HTTP]}]}}},
        "is not fully rolled out",
    ),
]


@pytest.mark.parametrize(("spec", "message"), [case[1:] for case in STATES], ids=[case[0] for case in STATES])
def test_a_workload_that_is_not_at_rest_is_refused(app: Application, spec: dict[str, Any], message: str) -> None:
    app.patch("Deployment", app.name, {"spec": spec})
    result = app.module("rollout_step", app.plan())
    assert result["failed"] and message in result["msg"] and not result["safe_to_abort"]
    assert not set(app.snapshot()) & OURS
