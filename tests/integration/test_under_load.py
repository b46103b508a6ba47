"""Releases under live traffic on a hostile cluster: nothing is lost, and what a naive switch loses shows that losses would be seen."""

from __future__ import annotations

import os
import time
from itertools import pairwise

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application, finish, seed, until
from ansible_collections.progressive.delivery.tests.harness.load import Results
from ansible_collections.progressive.delivery.tests.harness.stats import describe, fits
from ansible_collections.progressive.delivery.tests.harness.watch import Watch

RATE = 300.0
# From when on the gateway is taken to follow a new weight, and how long before the next one the measuring ends (requests take 100 ms).
CONVERGED, MARGIN = 1.5, 0.2
PAUSE = f"{2000 / RATE + CONVERGED + MARGIN:.1f}s"


@pytest.fixture(autouse=True)
def _hostile() -> None:
    assert os.environ["CLUSTER_HOSTILE"] == "1", (
        "these tests prove something on a hostile cluster only: tests/cluster/run --hostile -- pytest ..."
    )


def _canary_share(watch_item: dict) -> int:
    return int(watch_item["spec"]["http"][0]["route"][1].get("weight") or 0)


def _none_failed(results: Results) -> None:
    assert not results.failures, f"{len(results.failures)} of {len(results.requests)} failed, first {results.failures[:3]}"


def test_the_seed_through_the_playbook(app: Application) -> None:
    """Each weight is really served, in the seed's order; at the end all is as it was, with the new version."""
    before = app.snapshot()
    pause = {"pause": {"duration": PAUSE}}
    steps = [{"set_weight": 5}, pause, {"set_weight": 20}, pause, {"set_weight": 80}, pause, {"set_weight": 100}, pause]
    with app.load(RATE) as load, Watch(app.path("VirtualService"), app.kubeconfig) as watch:
        code, out = app.playbook("canary", app.canary_variables(steps=steps, grace="2s"))
        time.sleep(1)
    assert code == 0, out
    _none_failed(load.results())

    states = watch.states
    weights = [_canary_share(state.item) for state in states]
    assert weights == [0, 5, 20, 80, 100, 0]
    for state, following in list(pairwise(states))[1:]:
        share = _canary_share(state.item)
        served = load.results(state.time + CONVERGED, following.time - MARGIN).versions
        total = served["blue"] + served["yellow"]
        assert total >= 2000 and fits(served["yellow"], total, share / 100), (
            f"at {share} %: {describe(served['yellow'], total, share / 100)}"
        )
    after = app.snapshot()
    assert {key: after[key] for key in before if not key.startswith("Deployment")} == {
        key: before[key] for key in before if not key.startswith("Deployment")
    }
    assert set(after) - set(before) == {"ConfigMap/rollouts-demo.rollout", "Lease/rollouts-demo.rollout"}
    assert set(app.ask(50)) == {"yellow"}


def test_a_second_update_right_after_the_first(app: Application) -> None:
    steps = [{"set_weight": 50}]
    with app.load(RATE) as load:
        for image in ("yellow", "green"):
            result = app.module("rollout_step", app.plan(image, steps, grace="2s", until="end"))
            assert result["phase"] == "Healthy", result["msg"]
        time.sleep(1)
    _none_failed(load.results())
    assert {"blue", "yellow", "green"} == set(load.results().versions)


def test_traffic_that_comes_back_finds_no_pods_that_have_just_gone(app: Application) -> None:
    """At weight 0 the clone shrinks, and EndpointSlices go on naming its former pods for a second."""
    app.scale(4)
    with app.load(RATE) as load:
        steps = [{"set_weight": 100}, {"set_weight": 0}, {"set_weight": 25}]
        result = app.module("rollout_step", app.plan("yellow", steps, grace="2s", until="end"))
        assert result["phase"] == "Healthy", result["msg"]
        time.sleep(1)
    _none_failed(load.results())


def test_a_version_that_takes_the_place_of_one_under_way(app: Application) -> None:
    """It goes back to weight 0 first; who waited in its pause says what became of it, and while one works no other comes."""
    steps = [{"set_weight": 20}, {"pause": "10m"}]
    with app.load(RATE) as load:
        waiting = app.start_module("rollout_step", app.plan("yellow", steps, grace="2s", until="end"))
        until("it pauses", lambda: app.module("rollout_info", {"name": app.name})["rollouts"][0]["phase"] == "Paused")
        before = app.snapshot()
        bad = app.module("rollout_step", app.plan("green", routers=[{"type": "istio", "name": app.name, "routes": ["x"]}]))
        assert bad["failed"] and "no HTTP route named 'x'" in bad["msg"] and app.snapshot() == before
        wanted = app.plan("green", [{"set_weight": 50}], grace="2s")
        preview = app.module("rollout_step", wanted, check=True)
        assert app.snapshot() == before and preview["actions"].count("put the routers back") == 2, preview

        working = app.start_module("rollout_step", wanted)
        until("the first goes back", lambda: app.weights() == (100, 0))
        held = app.module("rollout_step", app.plan("red", steps, grace="2s"))
        assert held["failed"] and " is working on it right now" in held["msg"]
        done = finish(working)
        assert (done["phase"], done["revision"], done["changed"]) == ("Healthy", 2, True), done["msg"]
        time.sleep(1)
    _none_failed(load.results())
    foreseen = iter(preview["actions"])
    assert all(action in foreseen for action in done["actions"][1:]), "in that order, but for what was done already"
    told = finish(waiting)
    assert told["failed"] and not told["safe_to_abort"]
    # Whether it looks while the first goes back, or when that is done.
    assert "replaced by" in told["msg"] or "has taken the place of revision 1" in told["msg"], told["msg"]
    [seen] = app.module("rollout_info", {"name": app.name})["rollouts"]
    replaced = "replaced by rollouts-demo=argoproj/rollouts-demo:green"
    assert [(each["phase"], each["msg"]) for each in seen["history"]] == [("Healthy", ""), ("Aborted", replaced)]
    assert set(app.ask(50)) == {"green"}


@pytest.mark.parametrize("replicas", [1, 3])
def test_an_abort_at_20_percent(app: Application, replicas: int) -> None:
    app.scale(replicas)
    before = app.snapshot()
    with app.load(RATE) as load:
        paused = app.module("rollout_step", app.plan(steps=[{"set_weight": 20}, {"pause": {}}], grace="2s"))
        assert paused["phase"] == "Paused", paused["msg"]
        assert app.module("rollout_step", {"name": app.name, "state": "aborted"})["phase"] == "Aborted"
        time.sleep(1)
    _none_failed(load.results())
    assert load.results().versions["yellow"] > 0
    assert {key: value for key, value in app.snapshot().items() if key in before} == before


def test_the_naive_switch_loses_requests(app: Application) -> None:
    """The control: patch the selector, scale the old version to 0. Were nothing lost here, the tests above would prove nothing."""
    green = next(item for item in seed() if item["kind"] == "Deployment")
    green["metadata"]["name"] = "green"
    green["spec"]["selector"]["matchLabels"] = green["spec"]["template"]["metadata"]["labels"] = {"app": "green"}
    green["spec"]["template"]["spec"]["containers"][0]["image"] = "argoproj/rollouts-demo:green"
    app.request("POST", "Deployment", body=green)
    until("green is ready", lambda: app.get("Deployment", "green").get("status", {}).get("readyReplicas"))
    with app.load(RATE) as load:
        time.sleep(2)
        app.patch("Service", app.name, {"spec": {"selector": {"app": "green"}}})
        app.patch("Deployment", app.name, {"spec": {"replicas": 0}})
        time.sleep(4)
    assert load.results().failures, "a naive switch lost nothing, so this cluster forgives what a real one does not"
