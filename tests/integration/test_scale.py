"""Many steps, and many pods: what a step costs grows with neither. `make bench` prints the figures."""

from __future__ import annotations

import statistics

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application
from ansible_collections.progressive.delivery.tests.harness.scale import Cost, cost

pytestmark = pytest.mark.full

MEGABYTES = 150
MOVES = [{"set_weight": weight} for weight in range(1, 11)]  # of traffic, with the same pods


def _told(what: str, found: Cost) -> None:
    seconds = statistics.median(found.seconds)
    print(f"\n{what}: {found.megabytes:.0f} MB at most, {found.requests[-1]} requests and {seconds:.3f} s for a step")


def test_a_hundred_steps(app: Application) -> None:
    found = cost(app, [{"set_canary_scale": {"replicas": 1}}, *({"set_weight": weight} for weight in range(1, 101))])
    _told("100 steps", found)
    assert found.megabytes < MEGABYTES
    assert len(found.requests) == 101 and found.requests[5] == found.requests[95], found.requests
    early, late = statistics.median(found.seconds[2:22]), statistics.median(found.seconds[-20:])
    assert late < 3 * early, found.seconds
    assert app.module("rollout_step", {"name": app.name, "state": "aborted", "grace": 0})["phase"] == "Aborted"


def test_five_hundred_pods(app: Application) -> None:
    steps = [{"set_canary_scale": {"replicas": 2}}, *MOVES]
    costs = {}
    for pods in (5, 500):
        app.scale(pods)
        costs[pods] = cost(app, steps)
        _told(f"{pods} pods", costs[pods])
        assert app.module("rollout_step", {"name": app.name, "state": "aborted", "grace": 0})["phase"] == "Aborted"
        app.module("rollout_step", {"name": app.name, "state": "absent"})
    assert costs[500].megabytes < MEGABYTES
    assert costs[500].requests[1:] == costs[5].requests[1:], costs
    assert statistics.median(costs[500].seconds[1:]) < 3 * statistics.median(costs[5].seconds[1:]) + 0.2, costs
