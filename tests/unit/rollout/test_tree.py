"""The picture of a rollout."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.tree import tree

Object = dict[str, Any]
NOTHING: Object = {"name": "shop", "phase": "Healthy", "revision": 0, "step": None, "weight": {"stable": 100, "canary": 0}, "workloads": []}


def workload(name: str, *states: str, **more: Any) -> Object:
    pods = [{"name": f"{name}-{number}", "state": state} for number, state in enumerate(states, 1)]
    made = {"kind": "Deployment", "name": name, "replicas": len(states), "ready": states.count("is ready"), "pods": pods}
    return {**made, "paused": False, "images": {"app": "shop:1"}, "waiting": {}, "services": [], **more}


STABLE = workload("shop", "is ready", "is ready", paused=True, services=["shop", "metrics"])
CANARY = workload("shop-canary", "is not ready: CrashLoopBackOff", images={"app": "shop:2", "log": "log:1", "init": "shop:2"})
UNDER_WAY: Object = {
    "name": "shop",
    "phase": "Paused",
    "revision": 7,
    "step": {"index": 1, "total": 3, "current": "pause until promoted"},
    "weight": {"stable": 80, "canary": 20},
    "workloads": [STABLE, CANARY],
}
DONE: Object = {**UNDER_WAY, "phase": "Healthy", "step": {"index": 3, "total": 3, "current": None}, "workloads": [workload("shop")]}

PICTURES = [
    pytest.param(NOTHING, ["shop  Healthy"], id="nothing is known"),
    pytest.param(
        UNDER_WAY,
        [
            "shop  Paused  revision 7  step 2 of 3: pause until promoted  20 % canary",
            "├─ Deployment shop  2/2 ready  shop:1  paused  <- Service shop, Service metrics",
            "│  ├─ Pod shop-1  is ready",
            "│  └─ Pod shop-2  is ready",
            "└─ Deployment shop-canary  0/1 ready  log:1, shop:2",
            "   └─ Pod shop-canary-1  is not ready: CrashLoopBackOff",
        ],
        id="under way",
    ),
    pytest.param(
        {**DONE, "workloads": [workload("shop", paused=True, waiting={"app": "shop:2", "log": "shop:2"})]},
        ["shop  Healthy  revision 7  20 % canary", "└─ Deployment shop  0/0 ready  shop:1  paused, shop:2 waits"],
        id="held, and a version waits",
    ),
    pytest.param(DONE, ["shop  Healthy  revision 7  20 % canary", "└─ Deployment shop  0/0 ready  shop:1"], id="done, and scaled to 0"),
]


@pytest.mark.parametrize(("info", "lines"), PICTURES)
def test_picture(info: Object, lines: list[str]) -> None:
    assert tree(info).splitlines() == lines
