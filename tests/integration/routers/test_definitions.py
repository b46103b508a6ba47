"""canary_weight on routers that are described by data: Traefik's with real traffic, the others before their own schemas."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Transport
from ansible_collections.progressive.delivery.tests.cluster.embedded import build
from ansible_collections.progressive.delivery.tests.harness import routers
from ansible_collections.progressive.delivery.tests.harness.audit import AuditLog, count
from ansible_collections.progressive.delivery.tests.harness.calls import finish, until
from ansible_collections.progressive.delivery.tests.harness.two_versions import CANARY, STABLE, TwoVersions

Manifest = dict[str, Any]
GATEWAY = "GATEWAY_TRAEFIK"
CALL: dict[str, Any] = {"name": "shop", "stable_service": "shop", "grace": 0}
TRAEFIK: dict[str, Any] = {**CALL, "router": "traefik", "grace": "2.5s"}  # it takes over a change within two
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def call(shop: TwoVersions, options: Manifest, **more: Any) -> Manifest:
    result = shop.module("canary_weight", {**options, **more})
    assert not result.get("failed"), result["msg"]
    return result


def traefik_service(shop: TwoVersions) -> list[Manifest]:
    """As a user has it before the first canary: the stable Service alone, and without a weight."""
    service, route = routers.traefik_service(shop, 0)
    del service["spec"]["weighted"]["services"][1:]
    del service["spec"]["weighted"]["services"][0]["weight"]
    return [service, route]


@contextmanager
def served(shop: TwoVersions, manifests: list[Manifest]) -> Iterator[None]:
    with shop.holding(manifests):
        shop.wait_for(GATEWAY, STABLE)
        yield


WEIGHTS = [pytest.param((5, 95, 0), id="some"), pytest.param((1, 5, 50, 95, 100, 0), id="all", marks=pytest.mark.full)]


@pytest.mark.parametrize("weights", WEIGHTS)
def test_splits_of_a_traefik_service(shop: TwoVersions, weights: tuple[int, ...]) -> None:
    with served(shop, traefik_service(shop)):
        before = shop.snapshot()
        assert not call(shop, TRAEFIK, weight=0)["changed"]
        for weight in weights:
            assert call(shop, TRAEFIK, weight=weight)["changed"]
            shop.check_split(GATEWAY, weight)
        assert call(shop, TRAEFIK, weight=20)["changed"]
        written = shop.snapshot()
        again = shop.module("canary_weight", {**TRAEFIK, "weight": 20}, diff=True)
        assert (again["changed"], again["diff"], again["weight"]) == (False, [], {"stable": 80, "canary": 20})
        assert shop.module("canary_weight", {**TRAEFIK, "weight": 30}, check=True)["weight"] == {"stable": 70, "canary": 30}
        assert shop.snapshot() == written
        assert call(shop, TRAEFIK, state="absent")["changed"]
        assert shop.snapshot() == before
        assert shop.split(GATEWAY, 300) == {STABLE: 300}
        assert not call(shop, TRAEFIK, state="absent")["changed"]


INGRESS_ROUTE = """
apiVersion: traefik.io/v1alpha1
kind: IngressRoute
plural: ingressroutes
destinations: spec.routes[].services[]
destination:
  service: name
  namespace: namespace
  where: {kind: Service}
routes:
  told_apart_by: [match]
grace: 2.5
"""


def test_a_router_of_the_users_own(shop: TwoVersions, tmp_path: Path) -> None:
    """By the path of a file, then by what it says."""
    file = tmp_path / "ingress_route.yml"
    file.write_text(INGRESS_ROUTE)
    services = [{"name": "shop", "port": 80, "passHostHeader": True}]
    match = {"kind": "Rule", "match": f"Host(`{shop.host}`)"}
    other = {"kind": "Rule", "match": f"Host(`{shop.host}`) && Path(`/old`)", "services": [{"name": "shop-canary", "port": 80}]}
    route = {"entryPoints": ["web"], "routes": [other, {**match, "services": services}]}
    manifest = {"apiVersion": routers.TRAEFIK_VERSION, "kind": "IngressRoute", "metadata": {"name": "shop"}, "spec": route}
    options = {"router": "ingress_route", "name": "shop", "stable_service": "shop"}
    with served(shop, [manifest]):
        before = shop.snapshot()
        assert call(shop, options, definition=str(file), weight=20)["changed"]
        shop.check_split(GATEWAY, 20)
        assert shop.split(GATEWAY, 50, path="/old") == {CANARY: 50}
        assert not call(shop, options, definition=yaml.safe_load(INGRESS_ROUTE), weight=20)["changed"]
        assert call(shop, options, definition=yaml.safe_load(INGRESS_ROUTE), state="absent")["changed"]
        assert shop.snapshot() == before


def test_requests(shop: TwoVersions) -> None:
    """A change: the object, the EndpointSlices of both Services in one list, the write. Nothing to change: the object.

    The first one asks for the canary Service, too: whether it has the ports of the route.
    """
    change = {("get", "traefikservices"): 1, ("list", "endpointslices"): 1, ("patch", "traefikservices"): 1}
    log = AuditLog()
    with served(shop, traefik_service(shop)):
        for weight, expected in (
            (20, {**change, ("get", "services"): 1}),
            (20, {("get", "traefikservices"): 1}),
            (30, change),
        ):
            mark = log.mark()
            call(shop, TRAEFIK, weight=weight, grace=0)
            assert count([entry for entry in log.since(mark) if entry.namespace in (shop.namespace, "")]) == expected


BAD_INPUT: dict[str, tuple[Manifest, str]] = {
    "an unknown router": ({"router": "nginx"}, "the unknown router 'nginx': use one of apisix, contour, gateway_api"),
    "a definition that is not there": ({"router": "road", "definition": "/no/road.yml"}, "definition names /no/road.yml, which"),
    "a malformed definition": ({"router": "road", "definition": {"kind": "Road"}}, "definition lacks apiVersion, plural, destinations"),
    "no such object": ({"name": "nope"}, "TraefikService {ns}/nope does not exist: check its name and the namespace"),
    "no such canary Service": ({"canary_service": "ghost"}, "Service {ns}/ghost does not exist: check its name and the namespace"),
    "a match": ({"matches": [{"headers": {"x": "1"}}]}, "TraefikService {ns}/shop cannot do matches with router traefik"),
}  # fmt: skip


def test_bad_input_is_one_clear_line_and_writes_nothing(shop: TwoVersions) -> None:
    with served(shop, traefik_service(shop)):
        before = shop.snapshot()
        for name, (options, message) in BAD_INPUT.items():
            result = shop.module("canary_weight", {**TRAEFIK, "weight": 20, **options})
            assert result["failed"] and not result.get("changed"), name
            assert message.format(ns=shop.namespace) in result["msg"] and "\n" not in result["msg"], result["msg"]
        assert shop.snapshot() == before


def test_drift_is_told_and_handled_as_asked(shop: TwoVersions) -> None:
    with served(shop, traefik_service(shop)):
        before = shop.snapshot()
        call(shop, TRAEFIK, weight=20, grace=0)
        services = shop.get("TraefikService")["spec"]["weighted"]["services"]
        services[0]["weight"] = 60
        shop.patch("TraefikService", "shop", {"spec": {"weighted": {"services": services}}})
        drifted = shop.snapshot()
        told = shop.module("canary_weight", {**TRAEFIK, "weight": 50})
        assert "spec.weighted.services[name=shop].weight is 60, was set to 80: set on_drift to repair" in told["msg"]
        assert shop.snapshot() == drifted
        repaired = call(shop, TRAEFIK, weight=50, on_drift="repair", grace=0)
        assert repaired["weight"] == {"stable": 50, "canary": 50} and repaired["drift"] == ["spec.weighted.services[name=shop].weight"]
        call(shop, TRAEFIK, state="absent", grace=0)
        assert shop.snapshot() == before


# What follows needs no controller: the API server judges our writes by the routers' own definitions.


def as_v1(definition: Manifest) -> Manifest:
    """SMI's is of the API that ended with Kubernetes 1.22; it says the same here, for all its versions alike."""
    if definition["apiVersion"].endswith("/v1"):
        return definition
    spec = definition["spec"]
    schema = {"openAPIV3Schema": {"type": "object", **spec["validation"]["openAPIV3Schema"]}}
    versions = [{"name": each["name"], "served": True, "storage": each["storage"], "schema": schema} for each in spec["versions"]]
    kept = {key: spec[key] for key in ("group", "scope", "names")}
    return {**definition, "apiVersion": "apiextensions.k8s.io/v1", "spec": {**kept, "versions": versions}}


@pytest.fixture(scope="module")
def defined(shop_of_file: TwoVersions) -> Iterator[None]:
    """The routers' definitions, those that are there already left alone."""
    parts, transport = [f"{name}-crds" for name in ("apisix", "contour", "smi")], shop_of_file.transport
    build.build(parts)
    made = []
    for part in parts:
        for definition in json.loads(build.crd_file(part).read_text()):
            response = transport.request("POST", DEFINITIONS, None, as_v1(definition))
            assert response.status in (201, 409), response.body
            made += [definition["metadata"]["name"]] if response.status == 201 else []
    until(f"{made} are served", lambda: all(_established(transport, name) for name in made))
    yield
    for name in made:
        transport.request("DELETE", f"{DEFINITIONS}/{name}")


def _established(transport: Transport, name: str) -> bool:
    conditions = transport.request("GET", f"{DEFINITIONS}/{name}").body.get("status", {}).get("conditions", [])
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)


def proxy(*services: Manifest) -> Manifest:
    route = {
        "conditions": [{"prefix": "/"}],
        "services": [{"name": "shop", "port": 80, "slowStartPolicy": {"window": "5s"}, **each} for each in services],
        "timeoutPolicy": {"response": "3s"},
        "enableWebsockets": True,
    }
    mirror = {"conditions": [{"prefix": "/api"}], "services": [{"name": "else", "port": 80}, {"name": "shop", "port": 80, "mirror": True}]}
    return {"virtualhost": {"fqdn": "shop.example.org"}, "routes": [mirror, route]}


def split(*backends: Manifest) -> Manifest:
    return {"service": "shop-root", "backends": [{"service": "shop", **each} for each in backends]}


def apisix(*backends: Manifest) -> Manifest:
    plugin = {"name": "cors", "enable": True, "config": {"allow_origins": "*", "max_age": 5}}
    rule = {"name": "all", "match": {"hosts": ["shop.example.org"], "paths": ["/*"]}, "plugins": [plugin]}
    stream = {"name": "tcp", "protocol": "TCP", "match": {"ingressPort": 9100}, "backend": {"serviceName": "shop", "servicePort": 80}}
    return {
        "http": [{**rule, "backends": [{"serviceName": "shop", "servicePort": "http", **each} for each in backends]}],
        "stream": [stream],
    }


CONDITION = {"lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "Valid", "message": "Valid HTTPProxy", "status": "True"}
# The router's name, version and kind, the spec of an object that has these destinations, its key for Services, and its condition's type.
JUDGED = {
    "contour": ("projectcontour.io/v1", "HTTPProxy", proxy, "name", "Valid"),
    "smi v1alpha2": ("split.smi-spec.io/v1alpha2", "TrafficSplit", split, "service", ""),
    "smi v1alpha4": ("split.smi-spec.io/v1alpha4", "TrafficSplit", split, "service", ""),
    "apisix 1": ("apisix.apache.org/v2", "ApisixRoute", apisix, "serviceName", "ResourcesAvailable"),
    "apisix 2": ("apisix.apache.org/v2", "ApisixRoute", apisix, "serviceName", "Accepted"),
}


def say(shop: TwoVersions, kind: str, condition: str, **more: Any) -> None:
    """In the controller's stead, of the object as it is."""
    generation = shop.get(kind)["metadata"]["generation"]
    conditions = [{"type": condition, "observedGeneration": generation, **CONDITION, **more}]
    response = shop.transport.request(
        "PATCH", f"{shop.path(kind)}/status", None, {"status": {"conditions": conditions}}, "application/merge-patch+json"
    )
    assert response.status == 200, response.body


def moved(shop: TwoVersions, options: Manifest, kind: str, condition: str, **more: Any) -> Manifest:
    """A call that waits until its change is said to be served, by us."""
    if not condition:
        return call(shop, options, **more)
    generation = shop.get(kind)["metadata"]["generation"]
    process = shop.start_module("canary_weight", {**options, **more})
    until("the object is written", lambda: shop.get(kind)["metadata"]["generation"] > generation, seconds=20)
    with pytest.raises(AssertionError, match="it ends"):
        until("it ends", lambda: process.poll() is not None, seconds=0.3)
    served = generation
    while process.poll() is None:  # A new destination is introduced without a share: that is a write of its own.
        if shop.get(kind)["metadata"]["generation"] > served:
            say(shop, kind, condition)
            served = shop.get(kind)["metadata"]["generation"]
        time.sleep(0.05)
    result = finish(process)
    assert result.get("changed"), result
    return result


@pytest.mark.usefixtures("defined")
@pytest.mark.parametrize(("version", "kind", "spec", "key", "condition"), JUDGED.values(), ids=JUDGED)
def test_the_api_server_takes_what_is_written_and_it_stays(
    shop: TwoVersions, version: str, kind: str, spec: Any, key: str, condition: str
) -> None:
    router = {"HTTPProxy": "contour", "TrafficSplit": "smi", "ApisixRoute": "apisix"}[kind]
    options = {**CALL, "router": router, "api_version": version}
    weight = {"weight": 10} if kind == "TrafficSplit" else {}  # which must be there
    with shop.holding([{"apiVersion": version, "kind": kind, "metadata": {"name": "shop"}, "spec": spec(weight)}]):
        if condition:
            say(shop, kind, condition)
        before = shop.snapshot()
        result = moved(shop, options, kind, condition, weight=20)
        share = 2 if weight else 20
        assert result["weight"] == {"stable": 4 * share, "canary": share}
        wanted = spec({"weight": 4 * share}, {key: "shop-canary", "weight": share})
        assert shop.get(kind)["spec"] == with_defaults(before, kind, wanted)
        log = AuditLog()
        mark = log.mark()
        assert not call(shop, options, weight=20)["changed"]
        assert {entry.verb for entry in log.since(mark)} == {"get"}
        moved(shop, options, kind, condition, state="absent")
        assert shop.snapshot() == before


def with_defaults(before: Manifest, kind: str, wanted: Manifest) -> Manifest:
    """The wanted spec with the defaults that the API server has put into the one before, which the canary must have, too."""
    if kind != "HTTPProxy":
        return wanted
    [stored] = before["HTTPProxy/shop"]["spec"]["routes"][1]["services"]
    for service in wanted["routes"][1]["services"]:
        service["slowStartPolicy"] = stored["slowStartPolicy"]
    return wanted


@pytest.mark.usefixtures("defined")
def test_what_the_controller_says_comes_out(shop: TwoVersions) -> None:
    """An HTTPProxy that no controller takes; one that it does not serve; one that it refuses after the write."""
    options = {**CALL, "router": "contour", "weight": 20}
    with shop.holding([{"apiVersion": "projectcontour.io/v1", "kind": "HTTPProxy", "metadata": {"name": "shop"}, "spec": proxy({})}]):
        before = shop.snapshot()
        alone = shop.module("canary_weight", options)
        assert f"HTTPProxy {shop.namespace}/shop has no status from a controller" in alone["msg"]
        say(shop, "HTTPProxy", "Valid", status="False", reason="ErrorPresent", message="this HTTPProxy is not part of a delegation chain")
        orphan = shop.module("canary_weight", options)
        assert "is not served: Valid is False (ErrorPresent): this HTTPProxy is not part of a delegation chain" in orphan["msg"]
        assert shop.snapshot() == before
        say(shop, "HTTPProxy", "Valid")
        process = shop.start_module("canary_weight", options)
        until("the object is written", lambda: shop.snapshot() != before, seconds=20)
        say(shop, "HTTPProxy", "Valid", status="False", reason="ErrorPresent", message="no such port")
        refused = finish(process)
        assert refused["failed"] and refused["changed"]
        assert "(ErrorPresent): no such port" in refused["msg"] and "was put back as it was before this call" in refused["msg"]
        assert shop.snapshot() == before
