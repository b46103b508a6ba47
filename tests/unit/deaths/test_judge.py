"""The judge sees what loses requests on a real cluster; were it blind, the tests beside this would prove nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.progressive.delivery.tests.harness.memory.contract import Api
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import (
    DRAIN,
    LAG,
    NAME,
    Case,
    service,
    stage,
    virtual_service,
    workload,
)

OTHER = f"{NAME}-green"
OTHERS = {"app": OTHER}
TWO = Case(
    [],
    (workload("Deployment"), workload("Deployment", OTHER, OTHERS), service(NAME), service(f"{NAME}-canary", OTHERS), virtual_service()),
)


def _point(api: Api) -> None:
    api.patch("Service", NAME, spec={"selector": {"app": OTHER}})


def _scale(api: Api, replicas: int = 0) -> None:
    api.patch("Deployment", NAME, spec={"replicas": replicas})


def _split(api: Api, weight: int) -> None:
    route = virtual_service()["spec"]["http"][0]["route"]
    route[0]["weight"], route[1]["weight"] = 100 - weight, weight
    api.patch("VirtualService", NAME, spec={"http": [{"name": "primary", "route": route}]})


def careful(api: Api, wait: Callable[[float], None]) -> None:
    _split(api, 100)
    wait(LAG)
    _point(api)
    wait(1.5 + LAG + DRAIN)
    _scale(api)


def naive(api: Api, _wait: Callable[[float], None]) -> None:
    _point(api)
    _scale(api)


def hasty(api: Api, wait: Callable[[float], None]) -> None:
    """The proxies know, and the last requests are still under way."""
    _point(api)
    wait(1.5 + LAG + DRAIN / 2)
    _scale(api)


def nobody_there(api: Api, wait: Callable[[float], None]) -> None:
    api.patch("Deployment", OTHER, spec={"replicas": 0})
    wait(10)
    _split(api, 10)


def nobody_any_more(api: Api, wait: Callable[[float], None]) -> None:
    _split(api, 10)
    wait(10)
    api.patch("Deployment", OTHER, spec={"replicas": 0})


def rolled_under_traffic(api: Api, _wait: Callable[[float], None]) -> None:
    api.patch("Deployment", NAME, spec={"template": {"metadata": {"annotations": {"again": "1"}}}})


def deleted(api: Api, _wait: Callable[[float], None]) -> None:
    api.ask("DELETE", "Service", NAME)


def _by_subset(api: Api, labels: dict[str, str]) -> None:
    api.make("DestinationRule", NAME, spec={"host": NAME, "subsets": [{"name": "own", "labels": labels}]})
    route = [{"destination": {"host": NAME, "subset": "own"}}]
    api.patch("VirtualService", NAME, spec={"http": [{"name": "primary", "route": route}]})


def by_a_subset(api: Api, wait: Callable[[float], None]) -> None:
    _by_subset(api, {"app": NAME})
    wait(LAG)


def pointed_beside_the_subset(api: Api, wait: Callable[[float], None]) -> None:
    """The Service leads to the other version, of whose pods the subset has none."""
    _by_subset(api, {"app": NAME})
    wait(LAG)
    _point(api)


def by_a_subset_of_nobody(api: Api, _wait: Callable[[float], None]) -> None:
    _by_subset(api, {"app": "nobody"})


LOSES = [pointed_beside_the_subset, by_a_subset_of_nobody, naive, hasty, nobody_there, nobody_any_more, rolled_under_traffic, deleted]
ACTS = [pytest.param(act, act in LOSES, id=act.__name__) for act in (careful, by_a_subset, *LOSES)]


@pytest.mark.parametrize(("act", "loses"), ACTS)
def test_what_is_lost(act: Callable[[Api, Callable[[float], None]], None], loses: bool) -> None:
    place = stage(TWO)
    time = place.cluster.time
    act(Api(place.cluster.server, NAMESPACE, lambda: time.sleep(0.05)), time.sleep)
    time.sleep(30)
    assert bool(place.judge.complaints) == loses, place.judge.complaints
