"""The new version lacks a port of a Service: each style says so before anything is written, of whichever Service it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import preflight
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, service, stage

RENAMED = {"template": {"spec": {"containers": [{"name": NAME, "ports": [{"containerPort": 8080, "name": "web"}]}]}}}
STYLES = [name for name in CASES if "held" not in name and "declared" not in name]


@pytest.mark.parametrize("style", STYLES)
def test_a_port_that_the_new_version_calls_otherwise(style: str) -> None:
    place = stage(CASES[style])
    version = place.cluster.store.version
    with pytest.raises(Refused) as refused:
        place.call(options={"revision": RENAMED})
    assert str(refused.value).startswith(f"Service {NAMESPACE}/")
    assert "leads to the port 'http' of its pods, which those of the new version of" in str(refused.value)
    ctx = Context(Client(place.cluster.server, place.cluster.time), place.cluster.time, NAMESPACE, NAME)
    findings = preflight.run(ctx, NAME, {**place.case.plan(), "revision": RENAMED})["findings"]
    of_ports = {each["object"] for each in findings if "leads to the port" in each["problem"] and each["severity"] == "fatal"}
    # The canary Service of the second Deployment of a pair has pods of its own.
    there = {each["metadata"]["name"] for each in place.all("Service")}
    assert of_ports == {f"Service {NAMESPACE}/{name}" for name in there}
    assert place.cluster.store.version == version


def test_a_bystander_with_a_port_more() -> None:
    other: Any = service("other")
    other["spec"]["ports"].append({"name": "metrics", "port": 9090, "targetPort": "metrics"})
    place = stage(replace(CASES["clone"], objects=(*CASES["clone"].objects, other)))
    with pytest.raises(Refused, match=f"Service {NAMESPACE}/other leads to the port 'metrics' of its pods"):
        place.call()
