"""Rollouts that release 0.1.0 left paused are finished, aborted and handed back, and no request is lost.

tests/unit/deaths/test_upgrades.py has all states that 0.1.0 left, in memory. Here the record of a release that pauses is rewritten as 0.1.0
had it.
"""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import record as records
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import sentences1
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import program_of, reached
from ansible_collections.progressive.delivery.tests.harness.application import Application
from ansible_collections.progressive.delivery.tests.harness.styles import styled_as
from ansible_collections.progressive.delivery.tests.integration.test_bluegreen import BlueGreen

FINISH, ABORT, HAND_BACK = "finish", "abort", "hand back"
CASES = ["clone", "revisions", "pair", "StatefulSet", "blue-green"]
EACH_TIME = {("clone", ABORT)}


def record_of(app: Application) -> dict[str, Any]:
    return dict(json.loads(app.get("ConfigMap", f"{app.name}.rollout")["data"]["record"]))


def as_0_1_0(app: Application) -> None:
    """Rewrites the record: it counts actions, and has the hash of sentences."""
    raw = record_of(app)
    plan = read_plan(app.name, app.namespace, raw["plan"])
    record = records.load({"record": json.dumps(raw)}, app.name)
    old = {**raw, "format": 1, "position": reached(record, plan), "aborted_at": 0, "plan_hash": sentences1.plan_hash(plan)}
    assert program_of(record, plan)[old["position"]].id == raw["position"] and old["plan_hash"] != raw["plan_hash"]
    app.patch("ConfigMap", f"{app.name}.rollout", {"data": {"record": json.dumps(old, sort_keys=True, indent=1)}})


@pytest.mark.parametrize(
    ("case", "way"),
    [
        pytest.param(case, way, marks=[] if (case, way) in EACH_TIME else [pytest.mark.full])
        for case in CASES
        for way in (FINISH, ABORT, HAND_BACK)
    ],
)
def test_a_paused_rollout_of_0_1_0(app: Application, case: str, way: str) -> None:
    styled = styled_as(app, "clone" if case == "blue-green" else case)
    plan = BlueGreen(styled).plan("green") if case == "blue-green" else styled.plan("green", {"set_weight": 50}, {"pause": {}})
    with app.load(150) as load:
        assert app.module("rollout_step", plan)["phase"] == "Paused"
        as_0_1_0(app)
        if way == FINISH:
            result = app.module("rollout_step", {**plan, "promote": {"full": True}, "until": "end"})
            assert (result.get("failed"), result["phase"], record_of(app)["format"]) == (None, "Healthy", records.FORMAT), result
        elif way == ABORT:
            result = styled.call(state="aborted", grace="2s")
            assert (result.get("failed"), result["phase"], record_of(app)["format"]) == (None, "Aborted", records.FORMAT), result
        else:
            result = styled.call(state="absent", grace="2s")
            assert not result.get("failed") and f"{app.name}.rollout" not in app.names("ConfigMap"), result
        time.sleep(0.5)
    assert not load.results().failures, load.results().failures[:3]
    assert set(app.ask(20)) == {"green" if way == FINISH else "blue"}
