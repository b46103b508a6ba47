"""WebSockets and HTTP/2 streams through Istio's gateway and Traefik: a drain longer than a stream lets it end, and a move cuts none off."""

from __future__ import annotations

import os
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application
from ansible_collections.progressive.delivery.tests.harness.calls import until
from ansible_collections.progressive.delivery.tests.harness.streams import PORT, Clients, Server

SECONDS = 2.0  # that a stream takes
ENOUGH, NOTHING = {"grace": "1s", "drain": f"{SECONDS + 3}s"}, {"grace": 0, "drain": 0}
PORTS = {"websocket": 9000, "http2": 9001}  # of the Services; Istio and Traefik take the protocol from name and appProtocol
PORT_OF = {**PORTS, "http1": 80}
RATE = 10
GATEWAYS = ("ISTIO", "TRAEFIK")


def step(app: Application, options: dict[str, Any], phase: str) -> None:
    result = app.module("rollout_step", {"name": app.name, **options})
    assert not result.get("failed") and result["phase"] == phase, result


def prepared(app: Application, gateway: str, protocol: str) -> list[dict[str, Any]]:
    """The routers of the plan, once streams go through the gateway."""
    app.scale(2)
    own = [
        {"name": "http", "port": 80, "targetPort": "http"},
        {"name": "http-ws", "port": PORTS["websocket"], "targetPort": PORT},
        {"name": "grpc", "port": PORTS["http2"], "targetPort": PORT, "appProtocol": "kubernetes.io/h2c"},
    ]
    services = (app.name, f"{app.name}-canary")
    for name in services:
        app.patch("Service", name, {"spec": {"ports": own}})
    if gateway == "ISTIO":
        ends = [{"destination": {"host": name, "port": {"number": PORT_OF[protocol]}}} for name in services]
        route = [{**ends[0], "weight": 100}, {**ends[1], "weight": 0}]
        app.patch("VirtualService", app.name, {"spec": {"http": [{"name": "primary", "route": route}]}})
        return [{"type": "istio", "name": app.name, "routes": ["primary"]}]
    namespace, _slash, name = os.environ["SHARED_GATEWAY_TRAEFIK"].partition("/")
    spec = {
        "parentRefs": [{"name": name, "namespace": namespace, "sectionName": "http"}],
        "hostnames": [app.host],
        "rules": [{"backendRefs": [{"name": app.name, "port": PORT_OF[protocol]}]}],
    }
    app.make({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": app.name}, "spec": spec})
    return [{"type": "gateway_api", "name": app.name}]


def clients(app: Application, gateway: str, protocol: str) -> Clients:
    host, _colon, port = os.environ[f"GATEWAY_{gateway}"].rpartition(":")
    return Clients((host, int(port)), app.host, protocol, RATE)


def course(app: Application, routers: list[dict[str, Any]], times: dict[str, Any]) -> None:
    """Up and down, aborted; again, and released."""
    plan = app.plan(steps=[{"set_weight": 50}, {"set_weight": 20}, {"set_weight": 80}, {"pause": {}}], routers=routers, **times)
    step(app, plan, "Paused")
    step(app, {"state": "aborted"}, "Aborted")
    step(app, {**plan, "retry": True}, "Paused")
    step(app, {**plan, "promote": {"full": True}, "until": "end"}, "Healthy")


def measured(app: Application, gateway: str, protocol: str, times: dict[str, Any], seconds: float = SECONDS) -> Clients:
    """The clients, after that course under their streams."""
    routers = prepared(app, gateway, protocol)
    with Server(app, SECONDS) as server:

        def flows() -> bool:
            with clients(app, gateway, protocol) as few:
                few.ended.wait(0.5)
            return bool(few.streams) and not few.cut

        until(f"streams go through {gateway}", flows)
        server.seconds = seconds
        with clients(app, gateway, protocol) as found:
            course(app, routers, times)
            found.ended.wait(1)
    return found


# Of each kind, and each gateway, one each time.
ALL = [(gateway, protocol) for gateway in GATEWAYS for protocol in PORTS]
EACH_TIME = [("ISTIO", "http2"), ("TRAEFIK", "websocket")]


@pytest.mark.parametrize(
    ("gateway", "protocol"), [pytest.param(*each, marks=() if each in EACH_TIME else pytest.mark.full) for each in ALL]
)
def test_a_drain_that_is_long_enough_cuts_no_stream_off(app: Application, gateway: str, protocol: str) -> None:
    found = measured(app, gateway, protocol, ENOUGH)
    assert len(found.streams) > 50 and not found.cut, f"{len(found.cut)} of {len(found.streams)}: {found.cut[:3]}"


@pytest.mark.full
@pytest.mark.parametrize(("gateway", "protocol"), ALL)
def test_without_a_drain_streams_are_cut_off(app: Application, gateway: str, protocol: str) -> None:
    found = measured(app, gateway, protocol, NOTHING)
    assert found.cut, len(found.streams)
