"""Which pods can take requests behind a Service, read out of EndpointSlices as clusters really show them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.services import Endpoints, endpoints_of, ports_lacking

Object = dict[str, Any]
HTTP: Object = {"name": "http", "port": 8080}
METRICS: Object = {"name": "metrics", "port": 9090}
READY: Object = {"ready": True, "serving": True, "terminating": False}


def endpoint(uid: str | None, conditions: Any = "ready", address: str = "10.0.0.1") -> Object:
    made: Object = {"addresses": [address], "conditions": READY if conditions == "ready" else conditions}
    return {**made, "targetRef": {"kind": "Pod", "uid": uid}} if uid else made


def slice_of(*endpoints: Object, service: str | None = "shop", ports: Any = (HTTP,), **more: Any) -> Object:
    labels = {"kubernetes.io/service-name": service} if service else None
    return {"metadata": {"labels": labels}, "ports": ports and list(ports), "endpoints": list(endpoints), **more}


UNREADY: Object = {"ready": False, "serving": False, "terminating": False}
# What a Service with publishNotReadyAddresses shows of a pod that is not ready.
PUBLISHED: Object = {"ready": True, "serving": False, "terminating": False}
ENDING: Object = {"ready": False, "serving": True, "terminating": True}
ENDING_AND_PUBLISHED: Object = {"ready": True, "serving": True, "terminating": True}

# slices, ports of the Service, ready, all
CASES = [
    pytest.param([], [HTTP], "", "", id="no slices"),
    pytest.param([slice_of()], [HTTP], "", "", id="an empty slice"),
    pytest.param([{**slice_of(), "endpoints": None}], [HTTP], "", "", id="endpoints null"),
    pytest.param([slice_of(endpoint("a"), endpoint("b"))], [HTTP], "ab", "ab", id="two pods"),
    pytest.param([slice_of(endpoint("a")), slice_of(endpoint("b"))], [HTTP], "ab", "ab", id="two slices"),
    pytest.param(
        [slice_of(endpoint("a")), slice_of(endpoint("a", address="fd00::1"), addressType="IPv6")], [HTTP], "a", "a", id="dual stack"
    ),
    pytest.param([slice_of(endpoint("a"), endpoint("b", UNREADY))], [HTTP], "a", "ab", id="one unready"),
    pytest.param([slice_of(endpoint("a", PUBLISHED))], [HTTP], "", "a", id="unready but published"),
    pytest.param([slice_of(endpoint("a", ENDING))], [HTTP], "", "a", id="terminating and serving"),
    pytest.param([slice_of(endpoint("a", ENDING_AND_PUBLISHED))], [HTTP], "", "a", id="terminating and published"),
    pytest.param([slice_of(endpoint("a", {"ready": True}))], [HTTP], "a", "a", id="conditions of old servers"),
    pytest.param([slice_of(endpoint("a", {"ready": False}))], [HTTP], "", "a", id="unready, of old servers"),
    pytest.param([slice_of(endpoint("a", {}))], [HTTP], "a", "a", id="unknown counts as ready"),
    pytest.param([slice_of(endpoint("a", None))], [HTTP], "a", "a", id="no conditions"),
    pytest.param([slice_of(endpoint("a", {"ready": None, "serving": None}))], [HTTP], "a", "a", id="conditions null"),
    pytest.param([slice_of(endpoint("a"), service="other"), slice_of(endpoint("b"))], [HTTP], "b", "b", id="slices of another Service"),
    pytest.param([slice_of(endpoint("a"), service=None)], [HTTP], "", "", id="a slice without labels"),
    pytest.param([slice_of(endpoint("a"), ports=())], [HTTP], "", "a", id="a renamed port gives no ports"),
    pytest.param([slice_of(endpoint("a"), ports=None)], [HTTP], "", "a", id="ports null"),
    pytest.param([slice_of(endpoint("a"), ports=())], None, "", "a", id="no ports at all will never do"),
    pytest.param([slice_of(endpoint("a"), endpoint("b", UNREADY), ports=())], [], "a", "ab", id="a headless Service needs no ports"),
    pytest.param([slice_of(endpoint("a"), ports=(METRICS,))], [HTTP], "", "a", id="another port only"),
    pytest.param([slice_of(endpoint("a"), ports=(METRICS,))], None, "a", "a", id="any port will do"),
    pytest.param([slice_of(endpoint("a"), endpoint("b"), ports=(HTTP, METRICS))], [HTTP], "ab", "ab", id="more ports than needed"),
    pytest.param([slice_of(endpoint("a"), ports=(HTTP,))], [HTTP, METRICS], "", "a", id="one of two ports"),
    pytest.param(
        [slice_of(endpoint("a"), ports=(HTTP,)), slice_of(endpoint("a"), ports=(METRICS,))],
        [HTTP, METRICS],
        "a",
        "a",
        id="ports in slices of their own",
    ),
    pytest.param(
        [slice_of(endpoint("a"), endpoint("b")), slice_of(endpoint("b"), ports=(METRICS,))],
        [HTTP, METRICS],
        "b",
        "ab",
        id="one pod lacks a port",
    ),
    pytest.param([slice_of(endpoint("a"), ports=({"port": 80},))], [{"port": 80}], "a", "a", id="a port without name"),
    pytest.param([slice_of(endpoint("a"), ports=({"name": "", "port": 80},))], [{"port": 80}], "a", "a", id="a port with an empty name"),
    pytest.param([slice_of(endpoint(None, address="x"), endpoint(None, address="y"))], [HTTP], "xy", "xy", id="endpoints without pods"),
    pytest.param(
        [slice_of({**endpoint(None, address="x"), "targetRef": {"kind": "Node"}})], [HTTP], "x", "x", id="endpoints of something else"
    ),
]


@pytest.mark.parametrize(("slices", "ports", "ready", "total"), CASES)
def test_endpoints(slices: list[Object], ports: Any, ready: str, total: str) -> None:
    assert endpoints_of("shop", slices, ports) == Endpoints(frozenset(ready), frozenset(total))


# slices, ready pods, the ports of which the message says that they lead nowhere
LACKING = [
    pytest.param([slice_of(endpoint("a"), ports=(HTTP, METRICS))], "a", [], id="all"),
    pytest.param([slice_of(endpoint("a"), ports=(METRICS,))], "a", ["'http' (targetPort 'web')"], id="one"),
    pytest.param([slice_of(endpoint("a"), ports=())], "a", ["'http' (targetPort 'web')", "'metrics' (targetPort 9090)"], id="both"),
    pytest.param(
        [slice_of(endpoint("a")), slice_of(endpoint("b"), ports=(HTTP, METRICS))], "ab", ["'metrics' (targetPort 9090)"], id="of a"
    ),
    pytest.param([slice_of(endpoint("a"))], "b", [], id="a pod that does not stand there yet lacks no port"),
    pytest.param([slice_of(endpoint("a", UNREADY), ports=())], "a", [], id="nor one that is not ready there"),
]


@pytest.mark.parametrize(("slices", "pods", "lacking"), LACKING)
def test_ports_that_lead_nowhere(slices: list[Object], pods: str, lacking: list[str]) -> None:
    ports = [{**HTTP, "targetPort": "web"}, {**METRICS, "targetPort": 9090}]
    assert ports_lacking("shop", slices, ports, set(pods)) == lacking
