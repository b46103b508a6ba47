"""Before the pods stands a load balancer that learns endpoints late: with a longer drain no request is lost, without one many are."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application
from ansible_collections.progressive.delivery.tests.harness.load import Load
from ansible_collections.progressive.delivery.tests.harness.slow_balancer import SlowBalancer

LAG = 1.5  # seconds
ENOUGH = {"grace": "0.5s", "drain": f"{LAG + 1.5}s"}
NOTHING = {"grace": 0, "drain": 0}


def step(app: Application, options: dict[str, Any], phase: str) -> None:
    result = app.module("rollout_step", {"name": app.name, **options})
    assert not result.get("failed") and result["phase"] == phase, result


def canary(app: Application, times: dict[str, Any]) -> None:
    """Aborted from 50 %, released, and handed back."""
    first = [{"set_canary_scale": {"replicas": 1}}, {"pause": {"duration": f"{LAG + 1.5}s"}}]
    plan = app.plan(steps=[*first, {"set_weight": 50}, {"pause": {}}], **times)
    step(app, plan, "Paused")
    step(app, {"state": "aborted"}, "Aborted")
    step(app, {**plan, "retry": True}, "Paused")
    step(app, {**plan, "promote": {"full": True}, "until": "end"}, "Healthy")
    step(app, {"state": "absent"}, "Healthy")


def bluegreen(app: Application, times: dict[str, Any]) -> None:
    """Taken back after the switch, released, and handed back."""
    part = {"auto_promotion": True, "scale_down_delay": "30s", "abort_scale_down_delay": "0s"}
    services = {"active": app.name, "preview": f"{app.name}-canary"}
    plan = {**app.plan(services=services, **times), "bluegreen": part}
    del plan["canary"], plan["routers"]
    result = app.module("rollout_step", {**plan, "wait": False})
    while result.get("scale_down_at") is None:
        assert not result.get("failed") and result["phase"] != "Healthy", result
        time.sleep(0.3)
        result = app.module("rollout_step", {**plan, "wait": False})
    step(app, {"state": "aborted"}, "Aborted")
    step(app, {**plan, "bluegreen": {**part, "scale_down_delay": "0s"}, "retry": True, "until": "end"}, "Healthy")
    step(app, {"state": "absent"}, "Healthy")


COURSES = {"canary": (canary, True), "blue-green": (bluegreen, False)}


@pytest.mark.parametrize("loses", [False, True], ids=["a long drain", "no drain"])
@pytest.mark.parametrize("course", ["canary", pytest.param("blue-green", marks=pytest.mark.full)])
def test_a_load_balancer_that_is_late(app: Application, course: str, loses: bool) -> None:
    act, by_route = COURSES[course]
    app.scale(2)
    with SlowBalancer(app, app.name, LAG, by_route) as balancer:
        with Load(balancer.url, rate=100, connections=200, duration=600, fresh=True) as load:
            act(app, NOTHING if loses else ENOUGH)
            time.sleep(LAG + 1)
        results = load.results()
    print(f"{course}: {len(results.failures)} of {len(results.requests)} requests were lost")
    assert bool(results.failures) == loses, results.summary()
