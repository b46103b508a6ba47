"""The other systems' applications, by their own steps: nothing is lost, and afterwards all is as it was but for the new version.

All by a user who has just the Role that is shipped.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.seeds import SeedApplication, installed
from ansible_collections.progressive.delivery.tests.harness.stats import describe, fits
from ansible_collections.progressive.delivery.tests.harness.users import shipped_rules, user
from ansible_collections.progressive.delivery.tests.harness.watch import Watch

FAST = {"canary_grace": "2s", "canary_approval": "manual"}


@dataclass(frozen=True)
class Seed:
    """What is seen of it: the versions' answers, the header by which the new one is asked for, the weights at the open pauses."""

    name: str
    old: str
    new: str
    header: dict[str, str]
    weights: tuple[int, ...]
    workload: str


SEEDS = [
    Seed("kruise-istio", "base", "canary", {"version": "canary"}, (0, 50, 80), "workload-demo"),
    Seed("nginx-manual-canary", "blue", "yellow", {"X-Canary": "always"}, (20,), "prod"),
    Seed("argo-nginx-canary", "blue", "yellow", {"X-Canary": "always"}, (20,), "canary-demo"),
    Seed("argo-nginx-canary-gateway-api", "blue", "yellow", {"X-Canary": "always"}, (20,), "canary-demo"),
]


def _each(*quick: str) -> list[Any]:
    """All seeds, of which those that are not named only in the full run."""
    return [pytest.param(each, id=each.name, marks=[] if each.name in quick else [pytest.mark.full]) for each in SEEDS]


@pytest.fixture
def app(seed: Seed) -> Iterator[SeedApplication]:
    with installed(seed.name, os.environ["KUBECONFIG"]) as made:
        made.kubeconfig = user(made, shipped_rules())
        yield made


def _variables(app: SeedApplication, seed: Seed, **more: Any) -> dict[str, Any]:
    given = app.variables(seed.name, **FAST, **more)
    for step in given["canary_steps"]:
        if step.get("pause", {}).get("duration"):
            step["pause"]["duration"] = "1s"
    return given


def _done(app: SeedApplication, playbook: str, variables: dict[str, Any]) -> None:
    code, out = app.playbook(playbook, variables)
    assert code == 0, out


def _named(app: SeedApplication, variables: dict[str, Any]) -> dict[str, Any]:
    named = {"rollout_name": variables["canary_name"], "rollout_namespace": app.namespace}
    # A rollout of another name than its workload's: only the record without a seal would say which workload it is about.
    return {**named, "rollout_workload": variables["canary_workload"]}


def _promote(app: SeedApplication, variables: dict[str, Any]) -> None:
    _done(app, "promote", _named(app, variables))


@pytest.mark.parametrize("seed", _each("kruise-istio", "nginx-manual-canary"))
def test_released_step_by_step_and_handed_back(app: SeedApplication, seed: Seed) -> None:
    before = app.everything()
    variables = _variables(app, seed)
    with app.load(100) as load:
        _done(app, "canary", variables)
        for number, weight in enumerate(seed.weights):
            told = app.module("rollout_info", {"name": variables["canary_name"]})
            assert not told.get("failed"), told["msg"]
            [seen] = told["rollouts"]
            assert (seen["phase"], seen["weight"]["canary"]) == ("Paused", weight), seen
            assert set(app.ask(20)) <= ({seed.old} if weight == 0 else {seed.old, seed.new})
            if number == 0:
                assert set(app.ask(20, seed.header)) == {seed.new}
            _promote(app, variables)
        assert set(app.ask(20)) == {seed.new}
        _done(app, "hand_back", _named(app, variables))
        time.sleep(0.5)
    assert not load.results().failures, load.results().failures[:3]
    _same_but_for_the_version(before, app.everything())


def _same_but_for_the_version(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert set(after) == set(before)
    for key in before:
        if key.startswith("Deployment/"):
            after[key]["spec"]["template"] = before[key]["spec"]["template"]
        assert after[key] == before[key]


ARGO = Seed("argo-istio-canary", "blue", "yellow", {}, (), "rollouts-demo")
# From when on the gateway is taken to follow a new weight, and how long before the next one the measuring ends (requests take 100 ms).
CONVERGED, MARGIN = 1.5, 0.2


@pytest.mark.full
@pytest.mark.parametrize("seed", [pytest.param(ARGO, id=ARGO.name)])
def test_two_updates_in_a_row_split_alike_and_are_handed_back(app: SeedApplication, seed: Seed) -> None:
    before = app.everything()
    variables = _variables(app, seed)
    with app.load(300) as load, Watch(app.path("VirtualService", seed.workload), os.environ["KUBECONFIG"]) as watch:
        for image in ("yellow", "green"):
            _done(app, "canary", {**variables, "canary_revision": {"images": {seed.workload: f"argoproj/demo:{image}"}}})
        _done(app, "hand_back", _named(app, variables))
        time.sleep(0.5)
    assert not load.results().failures, load.results().failures[:3]
    _same_but_for_the_version(before, app.everything())

    states = [(state.time, state.item["spec"]["http"][0]["route"][1].get("weight") or 0) for state in watch.states]
    assert [weight for _time, weight in states] == [0, *[5, 20, 80, 100, 0] * 2]
    for number, ((since, weight), (until, _next)) in enumerate(pairwise(states)):
        old, new = ("blue", "yellow") if number < 6 else ("yellow", "green")
        served = load.results(since + CONVERGED, until - MARGIN).versions
        total, got = sum(served.values()), served[new]
        if number % 5:  # at weight 0 either version may answer: which one depends on the Service
            assert set(served) <= {old, new} and total >= 200, served
            assert fits(got, total, weight / 100), f"at {weight} %: {describe(got, total, weight / 100)}"
    told = [(event["reason"], event["message"]) for event in app.request("GET", "Event")["items"]]
    for revision in (1, 2):
        steps = [each for reason, each in told if reason == "RolloutStepCompleted" and f" of revision {revision}:" in each]
        assert len(steps) == len(variables["canary_steps"]), told


@pytest.mark.parametrize("seed", _each("kruise-istio"))
def test_aborted_at_the_first_pause(app: SeedApplication, seed: Seed) -> None:
    before = app.everything()
    variables = _variables(app, seed)
    with app.load(100) as load:
        _done(app, "canary", variables)
        _done(app, "abort", _named(app, variables))
        time.sleep(0.5)
    assert not load.results().failures, load.results().failures[:3]
    assert set(app.ask(20)) == {seed.old}
    assert {key: value for key, value in app.everything().items() if not key.endswith(".rollout")} == before


def _canary_weight(virtual_service: dict[str, Any]) -> int:
    return sum(route.get("weight", 0) for route in virtual_service["spec"]["http"][0]["route"][1:])


# Which of its objects are left out, and whether a release that is aborted comes between.
FLAGGERS = [
    pytest.param(("Service",), False, id="without a Service"),
    pytest.param(("Service",), True, id="without a Service, and an abort", marks=pytest.mark.full),
    pytest.param((), True, id="with a Service, and an abort", marks=pytest.mark.full),
]


@pytest.mark.parametrize(("left_out", "aborted"), FLAGGERS)
def test_flaggers_whose_router_is_made_and_stays(left_out: tuple[str, ...], aborted: bool) -> None:
    """From the first answer on nothing is lost: in that release, in one that is aborted after it, in the hand-back."""
    with installed("flagger-istio", os.environ["KUBECONFIG"], *left_out) as app:
        before, flagger = app.everything(), Seed("flagger-istio", "3.1.0", "3.1.1", {}, (), "podinfo")
        variables = _variables(app, flagger)
        named = _named(app, variables)
        with Watch(app.path("VirtualService", "podinfo"), app.kubeconfig) as watch:
            release = app.start_playbook("canary", variables)
            app.wait_until_served()
            with app.load(100) as load:
                out, _none = release.communicate(timeout=600)
                assert release.returncode == 0, out
                weights = [_canary_weight(item) for item in watch.items]
                if aborted:
                    revision = {"images": {"podinfod": "stefanprodan/podinfo:3.1.2"}}
                    _done(app, "canary", {**variables, "canary_revision": revision, "canary_steps": [{"set_weight": 40}, {"pause": {}}]})
                    assert set(app.ask(20)) == {flagger.new, "3.1.2"}
                    _done(app, "abort", named)
                _done(app, "hand_back", named)
                time.sleep(0.5)
        assert weights == [0, 20, 40, 60, 100, 0]
        assert not load.results().failures, load.results().failures[:3]
        assert set(app.ask(20)) == {flagger.new}
        _as_declared(app, before, variables, left_out)


def _as_declared(app: SeedApplication, before: dict[str, Any], variables: dict[str, Any], left_out: tuple[str, ...]) -> None:
    """What was made is there, with nothing of ours, and all else is as it was but for the new version."""
    after = app.everything()
    made = {key: after.pop(key) for key in set(after) - set(before)}
    assert set(made) == {"VirtualService/podinfo", *(f"{kind}/podinfo" for kind in left_out)}
    assert made["VirtualService/podinfo"]["spec"] == variables["canary_routers"][0]["spec"]
    assert all(set(each["metadata"]) == {"name", "namespace"} for each in made.values())
    assert all(made[f"{kind}/podinfo"]["spec"]["selector"] == {"app": "podinfo"} for kind in left_out)
    after["Deployment/podinfo"]["spec"]["template"] = before["Deployment/podinfo"]["spec"]["template"]
    assert after == before
