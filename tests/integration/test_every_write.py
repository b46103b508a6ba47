"""A run that dies right after one of its writes, whichever: the next ends in the same state, and waits the graces that are due."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import rollout
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import process
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.auth import connect
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.clock import Clock
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response, Transport
from ansible_collections.progressive.delivery.tests.harness.application import Application
from ansible_collections.progressive.delivery.tests.harness.objects import guards

STEPS = [{"set_weight": 50}, {"set_weight": 20}]


class Dead(BaseException):
    """Stands for SIGKILL: no handler runs, and nothing is written any more."""


class MortalTransport:
    """Sends requests on, and from a certain write on, which is still carried out, nothing more."""

    def __init__(self, transport: Transport, last_write: int) -> None:
        self.transport, self.last_write, self.writes = transport, last_write, 0
        self.namespace, self.stream = transport.namespace, transport.stream

    def request(self, method: str, path: str, *more: Any) -> Response:
        if self.writes >= self.last_write:
            raise Dead
        answer = self.transport.request(method, path, *more)
        self.writes += method != "GET"
        if self.writes >= self.last_write:
            raise Dead
        return answer


def _run(app: Application, last_write: int, monkeypatch: pytest.MonkeyPatch, **plan: Any) -> int:
    """Carries out the release up to that write, in this process; returns how many writes there were."""
    # The dead run's Lease names this very process, which lives on.
    monkeypatch.setattr(process, "is_gone", lambda _mark: True)
    transport = MortalTransport(connect({"kubeconfig": os.environ["KUBECONFIG"]}), last_write)
    options = app.plan(steps=STEPS, **plan)
    ctx = Context(Client(transport, Clock()), Clock(), app.namespace, app.name)  # type: ignore[arg-type]
    run = rollout.open_run(ctx, rollout.Wish(options.pop("name"), options, until="end"))
    try:
        rollout.carry_out(run)
    except Dead:
        pass
    return transport.writes


def _essence(snapshot: dict[str, Any]) -> dict[str, Any]:
    """A snapshot without the record and the Lease, which hold times."""
    return {key: value for key, value in snapshot.items() if not key.endswith(".rollout")}


# The start, a step, the promotion, the tidying up; tests/unit/deaths has every write of every style.
SOME, ALL = [2, 16, 30, 44, 73], range(1, 80)


@pytest.mark.parametrize("last_write", [pytest.param(number, marks=[] if number in SOME else [pytest.mark.full]) for number in ALL])
def test_death_after_a_write(app: Application, monkeypatch: pytest.MonkeyPatch, last_write: int) -> None:
    for manifest in guards(app.name, 1):
        app.make(manifest)
    before = _essence({**app.snapshot(), **app.snapshot(*app.kinds)})
    with app.load(100) as load:
        _run(app, last_write, monkeypatch, grace="0.3s")
        _run(app, 1000, monkeypatch, grace="0.3s")
    assert not load.results().failures, load.results().failures[:3]
    after = _essence({**app.snapshot(), **app.snapshot(*app.kinds)})
    container = before["Deployment/rollouts-demo"]["spec"]["template"]["spec"]["containers"][0]
    assert container["image"].endswith(":blue")
    container["image"] = "argoproj/rollouts-demo:yellow"
    assert after == before


def test_the_grace_of_a_move_that_the_dead_run_made_is_waited(app: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """It died between the move and its note of when that was."""
    number = 1
    while app.weights() == (100, 0):
        _run(app, number, monkeypatch, grace=0)
        number += 1
        assert number < 40
    moved = time.monotonic()
    number = 1
    while app.weights() == (50, 50):
        _run(app, number, monkeypatch, grace="3s")
        number += 1
    assert time.monotonic() - moved > 3.0
