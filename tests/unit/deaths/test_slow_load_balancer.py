"""Before the pods stands a load balancer that learns endpoints 15 s late: which settings lose nothing, and what the defaults lose."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import process
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.tests.harness.memory.balancer import SlowBalancer
from ansible_collections.progressive.delivery.tests.harness.memory.cluster import MemoryCluster
from ansible_collections.progressive.delivery.tests.harness.memory.judge import Judge
from ansible_collections.progressive.delivery.tests.unit.deaths import switches
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, DRAIN, LAG, NAME, Case, Stage
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import NEVER, live_until
from ansible_collections.progressive.delivery.tests.unit.deaths.test_switches import ABSENT, BACK, THERE, to_its_end

SLOW = 15.0
# grace: as long as weights take, which this load balancer knows soon.
ENOUGH: dict[str, Any] = {"grace": 5.0, "drain": SLOW + 5}
# The canary's endpoints are known before its first request.
KNOWN = [{"set_canary_scale": {"replicas": 1}}, {"pause": {"duration": SLOW + 5}}, {"set_weight": 50}, {"set_weight": 20}]

CANARIES = ["clone", "clone with a bystander, the canary Service made", "pair", "revisions"]
BLUE_GREENS = ["blue-green, clone", "blue-green, pair", "blue-green, revisions"]


@pytest.fixture(autouse=True)
def _dead_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dead run's Lease names this very process, which lives on."""
    monkeypatch.setattr(process, "is_gone", lambda _mark: True)


def before(name: str, slow: float = SLOW, **more: Any) -> tuple[Stage, SlowBalancer]:
    """The case with the load balancer. more: of the plan."""
    found = CASES[name]
    steps = more.pop("steps", found.steps if "bluegreen" in found.more else KNOWN)
    case: Case = replace(found, steps=steps, more={**found.more, **more})
    cluster = MemoryCluster().apply(*case.objects)
    entrances = () if "bluegreen" in case.more else (NAME,)
    balancer = SlowBalancer(cluster, entrances, case.services, slow, LAG, DRAIN)
    return Stage(case, cluster, Judge(cluster, (NAME,), case.services, LAG, DRAIN)), balancer


@pytest.mark.parametrize("name", [*CANARIES, *BLUE_GREENS])
def test_a_release_and_the_hand_back(name: str) -> None:
    place, balancer = before(name, **ENOUGH)
    live_until(place, NEVER)
    assert place.phase() == "Healthy"
    live_until(place, NEVER, state="absent")
    place.cluster.time.sleep(60)
    assert balancer.complaints == []


@pytest.mark.parametrize("state", ["aborted", "absent"])
@pytest.mark.parametrize("name", [*CANARIES, *BLUE_GREENS])
def test_the_way_back(name: str, state: str) -> None:
    """From all over the release."""
    found = {}
    for write in range(8, 90, 6):
        place, balancer = before(name, **ENOUGH)
        live_until(place, write)
        if place.phase() == "Healthy":
            break
        try:
            live_until(place, NEVER, state=state)
        except Refused:
            break  # There is no way back any more.
        place.cluster.time.sleep(60)
        found[write] = balancer.complaints
    assert found and not {write: problem for write, problem in found.items() if problem}


MADE = "clone with a bystander, the canary Service made"
LOSES: dict[str, tuple[str, dict[str, Any], str]] = {
    "the defaults, a new canary Service": (MADE, {}, "knows no endpoints yet"),
    "no pause before its first weight": (MADE, {**ENOUGH, "steps": [{"set_weight": 50}]}, "knows no endpoints yet"),
    "the defaults": ("clone", {}, "goes, to which the load balancer sends"),
    "a short drain": ("clone", {"grace": SLOW + 1, "drain": 1.0}, "goes, to which the load balancer sends"),
    "blue-green, the defaults": ("blue-green, clone", {}, "goes, to which the load balancer sends"),
}


@pytest.mark.parametrize("loses", LOSES)
def test_what_is_not_enough(loses: str) -> None:
    name, more, text = LOSES[loses]
    steps = {"steps": CASES[name].steps} if "defaults" in loses else {}
    place, balancer = before(name, **{**steps, **more})
    live_until(place, NEVER)
    assert place.phase() == "Healthy"
    assert [each for each in balancer.complaints if text in each], balancer.complaints


@pytest.mark.parametrize("name", [*CANARIES, *BLUE_GREENS])
def test_the_defaults_bear_what_they_are_made_for(name: str) -> None:
    """Endpoints that are known as late as weights, and in their order: the grace is 5 s."""
    steps = (
        {} if name in BLUE_GREENS else {"steps": [{"set_canary_scale": {"replicas": 1}}, {"pause": {"duration": 5}}, {"set_weight": 50}]}
    )
    place, balancer = before(name, slow=LAG, **steps)
    live_until(place, NEVER)
    assert balancer.complaints == []


@pytest.mark.parametrize(("grace", "loses"), [(SLOW + 10, False), (5.0, True)])
def test_a_switch(grace: float, loses: bool) -> None:
    """scale_down_delay is what the old version lives on for."""
    case = switches.CASES["Service only"]
    place = switches.stage(replace(case, options={**case.options, "grace": grace, "scale_down_delay": grace}))
    balancer = SlowBalancer(place.cluster, (), case.services, SLOW, LAG, DRAIN)
    for asked in (THERE, BACK, THERE, ABSENT):
        to_its_end(place, asked)
        place.cluster.time.sleep(60)
    assert bool(balancer.complaints) == loses, balancer.complaints
