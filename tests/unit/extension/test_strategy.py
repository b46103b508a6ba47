"""A strategy is one folder and one line in the registry: a toy strategy from the fixtures runs canaries on the cluster in memory."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._strategies.registry import STRATEGIES
from ansible_collections.progressive.delivery.tests.fixtures.extensions.toy_strategy.strategy import Toy
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Case, Stage, stage, workload

STEPS = [{"set_weight": 50}, {"pause": {}}, {"set_weight": 80}]
TOY = Case(STEPS, (workload("Deployment", replicas=4), *CASES["clone"].objects[1:]), {"style": "toy"})


@pytest.fixture
def _registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STRATEGIES, "toy", Toy())  # The line in the registry.


def _deployments(place: Stage) -> dict[str, int]:
    return {each["metadata"]["name"]: each["spec"]["replicas"] for each in place.all("Deployment")}


def _images(place: Stage) -> set[str]:
    return {each["spec"]["containers"][0]["image"].rpartition(":")[2] for each in place.all("Pod")}


@pytest.mark.usefixtures("_registered")
def test_a_canary_is_released() -> None:
    place = stage(TOY)
    place.call(until="pause")
    assert _deployments(place) == {NAME: 4, f"{NAME}-toy": 4}
    place.call(promote={"revision": 1}, until="end")
    place.cluster.time.sleep(60.0)
    assert _deployments(place) == {NAME: 4} and _images(place) == {"yellow"}
    assert place.phase() == "Healthy" and not place.judge.complaints


@pytest.mark.usefixtures("_registered")
def test_a_canary_is_aborted() -> None:
    place = stage(TOY)
    before = _images(place)
    place.call(until="pause")
    place.call(state="aborted")
    place.cluster.time.sleep(60.0)
    assert _deployments(place) == {NAME: 4} and _images(place) == before
    assert place.phase() == "Aborted" and not place.judge.complaints


def test_without_its_line_it_is_refused() -> None:
    with pytest.raises(Refused, match="toy"):
        stage(TOY).call()
