"""What a release with an abort and a promotion does to long-lived traffic, in numbers: `make bench`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application, application
from ansible_collections.progressive.delivery.tests.harness.calls import until
from ansible_collections.progressive.delivery.tests.harness.load import Load
from ansible_collections.progressive.delivery.tests.integration.test_long_lived_traffic import (
    ALL,
    ENOUGH,
    GATEWAYS,
    NOTHING,
    course,
    measured,
    prepared,
)

# How long a stream takes, and the times of the plan.
TIMES: dict[str, tuple[float, dict[str, Any]]] = {
    "2 s, drain 5 s": (2.0, ENOUGH),
    "2 s, drain 0": (2.0, NOTHING),
    "6 s, drain 3 s": (6.0, {"grace": "1s", "drain": "3s"}),
}


@pytest.fixture
def app() -> Iterator[Application]:
    with application(os.environ["KUBECONFIG"]) as made:
        yield made


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize(("gateway", "protocol"), ALL)
def test_streams(app: Application, gateway: str, protocol: str, times: str) -> None:
    seconds, plan = TIMES[times]
    found = measured(app, gateway, protocol, plan, seconds)
    print(f"\n{gateway} {protocol}, streams of {times}: {len(found.cut)} of {len(found.streams)} were cut off")


@pytest.mark.parametrize("times", ["2 s, drain 5 s", "2 s, drain 0"])
@pytest.mark.parametrize("gateway", GATEWAYS)
def test_kept_connections(app: Application, gateway: str, times: str) -> None:
    """HTTP/1.1: each connection carries one request after the other."""
    routers = prepared(app, gateway, "http1")
    url = f"http://{os.environ[f'GATEWAY_{gateway}']}/"
    until("the gateway has the route", lambda: not Load(url, host_header=app.host, max_requests=20).start().wait().failures)
    with Load(url, host_header=app.host, rate=100, connections=20) as load:
        course(app, routers, TIMES[times][1])
    results = load.results()
    print(
        f"\n{gateway} http1, {times.partition(', ')[2]}: {len(results.failures)} of {len(results.requests)} requests were lost",
        results.failures[:3],
    )
