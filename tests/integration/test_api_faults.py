"""A bad line to the API server in the middle of a release under load: it goes on, or the next call does, and no request is lost."""

from __future__ import annotations

import time
from pathlib import Path

from ansible_collections.progressive.delivery.tests.harness.application import Application, finish
from ansible_collections.progressive.delivery.tests.harness.line import Line

STEPS = [{"set_weight": 50}, {"set_weight": 20}]
DOWN = 5.0  # seconds; a call is patient for longer
EVERY = 0.6


def test_connections_that_are_cut_and_an_api_server_that_is_down(app: Application, tmp_path: Path) -> None:
    before = app.snapshot("VirtualService", "Service")
    with Line(app.kubeconfig) as line, app.load(150) as load:
        options = app.plan(steps=STEPS, grace="1s", until="end", kubeconfig=line.kubeconfig(tmp_path))
        call = app.start_module("rollout_step", options)
        was_down = False
        while call.poll() is None:
            time.sleep(EVERY)
            line.cut()
            if not was_down and app.weights() == (50, 50):
                line.down(DOWN)
                was_down = True
        result = finish(call)
        assert result["phase"] == "Healthy", result["msg"]
        time.sleep(1)
    assert was_down and line.cuts > 5
    assert not load.results().failures, load.results().failures[:3]
    assert app.snapshot("VirtualService", "Service") == before
    assert set(app.ask(20)) == {"yellow"}
