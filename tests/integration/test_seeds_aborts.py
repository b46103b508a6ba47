"""The other systems' applications, aborted after each of their steps and begun again: nothing is lost, and all is as it was."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.seeds import SeedApplication, installed
from ansible_collections.progressive.delivery.tests.integration.test_seeds import SEEDS, Seed

PLAN = ("name", "workload", "revision", "services", "routers")


def _plan(app: SeedApplication, seed: Seed) -> dict[str, Any]:
    """As the role hands it to rollout_step."""
    given = app.variables(seed.name)
    steps = [{"pause": {}} if "pause" in step else step for step in given["canary_steps"]]
    plan = {key: given[f"canary_{key}"] for key in PLAN if f"canary_{key}" in given}
    return {**plan, "canary": {"steps": steps}, "grace": "2s"}


def _call(app: SeedApplication, options: dict[str, Any]) -> dict[str, Any]:
    result = app.module("rollout_step", options)
    assert not result.get("failed"), result["msg"]
    return result


@pytest.mark.full
@pytest.mark.parametrize("seed", [pytest.param(each, id=each.name) for each in SEEDS])
def test_aborted_after_each_step_and_begun_again(seed: Seed) -> None:
    with installed(seed.name, os.environ["KUBECONFIG"]) as app:
        before, plan = app.everything(), _plan(app, seed)
        steps = plan["canary"]["steps"]
        with app.load(100) as load:
            for last in range(1, len(steps) + 1):
                for number in range(1, last + 1):
                    passes: dict[str, Any] = {"promote": {}} if "pause" in steps[number - 1] else {}
                    _call(app, {**plan, **passes, "ensure_step": number, "retry": True})
                assert _call(app, {"name": plan["name"], "state": "aborted"})["phase"] == "Aborted"
                assert {key: value for key, value in app.everything().items() if not key.endswith(".rollout")} == before, last
            time.sleep(1)
        assert not load.results().failures, load.results().failures[:3]
        assert set(app.ask(20)) == {seed.old}
