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


LOSES = [naive, hasty, nobody_there, nobody_any_more, rolled_under_traffic, deleted]
ACTS = [pytest.param(careful, False, id="careful"), *(pytest.param(act, True, id=act.__name__) for act in LOSES)]


@pytest.mark.parametrize(("act", "loses"), ACTS)
def test_what_is_lost(act: Callable[[Api, Callable[[float], None]], None], loses: bool) -> None:
    place = stage(TWO)
    time = place.cluster.time
    act(Api(place.cluster.server, NAMESPACE, lambda: time.sleep(0.05)), time.sleep)
    time.sleep(30)
    assert bool(place.judge.complaints) == loses, place.judge.complaints
