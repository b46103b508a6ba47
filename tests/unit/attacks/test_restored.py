"""A memory that somebody else wrote takes nothing of the user's away: what is put back is what this collection can have added."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.edits import ANNOTATION
from ansible_collections.progressive.delivery.plugins.module_utils._objects.paths import MISSING
from ansible_collections.progressive.delivery.plugins.module_utils._objects.restorable import may_restore, may_restore_in
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.unit.attacks.table import CASE, ROUTER_PATH, patch, record, scene
from ansible_collections.progressive.delivery.tests.unit.attacks.test_attacks import PROBLEMS
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import NAME, Case, Object, Stage, ingress, service, stage, workload

_INGRESS_PATH = f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/ingresses/{NAME}"
_ROUTE: list[Any] = ["spec", "http", {"name": "primary"}, "route"]


def live(place: Stage, kind: str) -> Object:
    [found] = [each for each in place.all(kind) if each["metadata"]["name"] == NAME]
    return found


def users(obj: Object) -> Object:
    """What the user says of an object."""
    metadata = obj["metadata"]
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != ANNOTATION}
    return {"annotations": annotations, "labels": metadata.get("labels") or {}, "spec": obj["spec"]}


def nginx_scene() -> Stage:
    """An application behind an Ingress that has all that a canary Ingress gets, and is the user's."""
    made = ingress()
    made["metadata"].update(labels={"team": "shop"}, annotations={"nginx.ingress.kubernetes.io/load-balance": "ewma"})
    made["spec"]["tls"] = [{"hosts": [f"{NAME}.local"], "secretName": "certificate"}]
    place = stage(Case(CASE.steps, (workload("Deployment", replicas=2), service(NAME), made), ingresses=(NAME,), services=()))
    place.call()
    return place


def forged(path: list[Any], was: Any, now: Any) -> Object:
    field = {"by": NAME, "depth": len(path), "path": path, "now": now}
    return field if was is MISSING else {**field, "was": was}


_REFUSALS = ("never changes", "does not lead to")


def go_back(place: Stage, state: str) -> None:
    """The operator's call; it may refuse the memory, and no other problem may come of that."""
    said = _REFUSALS[0]
    try:
        place.call(state=state)
    except PROBLEMS as problem:
        said = str(problem)
    assert any(refusal in said for refusal in _REFUSALS), said


@pytest.mark.parametrize("in_record", [True, False], ids=["in the record", "in the annotation"])
@pytest.mark.parametrize("state", ["aborted", "absent"])
@pytest.mark.parametrize(
    ("path", "was"),
    [
        (["spec", "tls"], MISSING),
        (["spec", "rules"], MISSING),
        (["spec", "ingressClassName"], MISSING),
        (["metadata", "annotations", "nginx.ingress.kubernetes.io/load-balance"], MISSING),
        (["metadata", "labels", "team"], "evil"),
    ],
)
def test_the_users_ingress_is_no_canary_ingress(path: list[Any], was: Any, state: str, in_record: bool) -> None:
    place = nginx_scene()
    before = users(live(place, "Ingress"))
    now: Any = live(place, "Ingress")
    for step in path:
        now = now[step]
    field = forged(path, was, now)
    if in_record:
        record(originals={f"Ingress/{NAME}": [field]})(place)
    else:
        patch(place, _INGRESS_PATH, {"metadata": {"annotations": {ANNOTATION: json.dumps({"at": 1.0, "fields": [field]})}}})
    go_back(place, state)
    assert users(live(place, "Ingress")) == before


_DENY = {"name": "deny", "match": [{"uri": {"prefix": "/admin"}}], "directResponse": {"status": 403}}


@pytest.mark.parametrize("state", ["aborted", "absent"])
@pytest.mark.parametrize(
    "path",
    [
        ["spec", "http", {"name": "deny"}],
        ["spec", "http", {"match": _DENY["match"]}],
        ["spec", "http", 0],
        [*_ROUTE, {"destination.host": NAME}],
        [*_ROUTE, 0],
    ],
    ids=[
        "a rule by its name",
        "a rule by its match",
        "a rule by its place",
        "the stable destination",
        "the stable destination by its place",
    ],
)
def test_the_users_rules_and_destinations_stay(path: list[Any], state: str) -> None:
    place = scene()
    patch(place, ROUTER_PATH, {"spec": {"http": [_DENY, *live(place, "VirtualService")["spec"]["http"]]}})
    now: Any = (
        live(place, "VirtualService")["spec"]["http"][0] if len(path) == 3 else live(place, "VirtualService")["spec"]["http"][1]["route"][0]
    )
    record(originals={f"VirtualService/{NAME}": [forged(path, MISSING, now)]})(place)
    go_back(place, state)
    deny, primary = live(place, "VirtualService")["spec"]["http"]
    assert deny == _DENY and NAME in [each["destination"]["host"] for each in primary["route"]]


@pytest.mark.parametrize("state", ["aborted", "absent"])
@pytest.mark.parametrize("host", [NAME, "payments"])
def test_destinations_that_are_not_the_canary_stay(host: str, state: str) -> None:
    """The stable destination stands below the canary one, and below both one of another application."""
    router = {"type": "istio", "name": NAME, "additional_destinations": ["payments"]}
    place = scene(replace(CASE, more={"routers": [router]}), paused=False)
    rule = live(place, "VirtualService")["spec"]["http"][0]
    canary = {"destination": {"host": f"{NAME}-canary"}, "weight": 0}
    route = [canary, {"destination": {"host": NAME}, "weight": 90}, {"destination": {"host": "payments"}, "weight": 10}]
    patch(place, ROUTER_PATH, {"spec": {"http": [{**rule, "route": route}]}})
    place.call()
    now = next(each for each in live(place, "VirtualService")["spec"]["http"][0]["route"] if each["destination"]["host"] == host)
    record(originals={f"VirtualService/{NAME}": [forged([*_ROUTE, {"destination.host": host}], MISSING, now)]})(place)
    go_back(place, state)
    hosts = [each["destination"]["host"] for each in live(place, "VirtualService")["spec"]["http"][0]["route"]]
    assert hosts == [f"{NAME}-canary", NAME, "payments"]


def _of(group: str, kind: str, spec: Object, **metadata: Any) -> Object:
    return {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "a", **metadata}, "spec": spec}


def _refs(*names: str, **more: Any) -> list[Object]:
    return [{"name": name, "port": 80, "weight": 1, **more} for name in names]


_ROOT: Object = {"matches": [{"path": {"value": "/"}}], "backendRefs": _refs("a", "b")}
_ADMIN: Object = {"matches": [{"path": {"value": "/admin"}}], "filters": [{"type": "RequestRedirect", "requestRedirect": {}}]}
_MADE: Object = {"matches": [{"path": {"value": "/x"}}], "backendRefs": _refs("b")}
_COPY = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "b"}}}
_BY_COPY = {"requestMirror.backendRef.name": "b", "requestMirror.backendRef.namespace": None}
_HTTP_ROUTE = _of("gateway.networking.k8s.io", "HTTPRoute", {"rules": [_ADMIN, _MADE, {**_ROOT, "filters": [_COPY]}]})
_PROXY = _of(
    "projectcontour.io",
    "HTTPProxy",
    {"routes": [{"conditions": [], "services": [{"name": "a", "port": 80, "weight": 80}, {"name": "b", "port": 80, "weight": 20}]}] * 2},
)
_SERVICES: list[Any] = ["spec", "routes", 0, "services"]
_RULE = _of(
    "networking.istio.io", "DestinationRule", {"subsets": [{"name": "a", "labels": {}, "trafficPolicy": {}}, {"name": "b", "labels": {}}]}
)
_MIRRORED = {"name": "m", "mirror": {"host": "b"}, "mirrorPercentage": {"value": 5}}
_VIRTUAL_SERVICE = _of(
    "networking.istio.io",
    "VirtualService",
    {"http": [{"name": "progressive-delivery-qa"}, {"name": "own", "mirror": {"host": "x"}}, _MIRRORED]},
)
_MARKS: Object = {
    "labels": {"app.kubernetes.io/managed-by": "progressive.delivery"},
    "annotations": {"progressive.delivery/canary-of": "a"},
}
_CANARY = _of("networking.k8s.io", "Ingress", {"tls": []}, **_MARKS)


@pytest.mark.parametrize(
    ("obj", "path", "was", "allowed"),
    [
        # What this collection adds
        (_HTTP_ROUTE, ["spec", "rules", {"matches": _MADE["matches"]}], MISSING, True),
        (_HTTP_ROUTE, ["spec", "rules", {"matches": [{"path": {"value": "/gone"}}]}], MISSING, True),
        (_HTTP_ROUTE, ["spec", "rules", 2, "backendRefs", {"name": "b"}], MISSING, True),
        (_HTTP_ROUTE, ["spec", "rules", 2, "filters", _BY_COPY], MISSING, True),
        (_PROXY, [*_SERVICES, {"name": "b", "mirror": None}], MISSING, True),
        (_PROXY, [*_SERVICES, {"name": "a"}, "weight"], 100, True),
        (_PROXY, [*_SERVICES, {"name": "a"}, "share", "parts"], MISSING, True),
        (_RULE, ["spec", "subsets", {"name": "b"}], MISSING, True),
        (_VIRTUAL_SERVICE, ["spec", "http", {"name": "progressive-delivery-qa"}], MISSING, True),
        (_VIRTUAL_SERVICE, ["spec", "http", {"name": "m"}, "mirror"], MISSING, True),
        (_CANARY, ["spec", "tls"], MISSING, True),
        # What is the user's
        (_HTTP_ROUTE, ["spec", "rules", {"matches": _ADMIN["matches"]}], MISSING, False),
        (_HTTP_ROUTE, ["spec", "rules", {"matches": _ROOT["matches"]}], MISSING, False),
        (_HTTP_ROUTE, ["spec", "rules", 0], MISSING, False),
        (_HTTP_ROUTE, ["spec", "rules", 2, "backendRefs", {"name": "a"}], MISSING, False),
        (_HTTP_ROUTE, ["spec", "rules", 0, "filters", {"type": "RequestRedirect"}], MISSING, False),
        (_HTTP_ROUTE, ["spec", "rules", 0, "filters", 0], MISSING, False),
        (_PROXY, [*_SERVICES, {"name": "a"}, "port"], 9090, False),
        (_PROXY, [*_SERVICES, 0, "port"], 9090, False),
        (_PROXY, [*_SERVICES, {"name": "a"}, "timeoutPolicy", "duration"], 1, False),
        (_PROXY, [*_SERVICES, {"name": "a"}], MISSING, False),
        (_PROXY, ["spec", "routes", 1], MISSING, False),
        (_PROXY, ["spec", "routes", {"conditions": []}], MISSING, False),
        (_RULE, ["spec", "subsets", {"name": "a"}], MISSING, False),
        (_VIRTUAL_SERVICE, ["spec", "http", {"name": "own"}], MISSING, False),
        (_VIRTUAL_SERVICE, ["spec", "http", {"name": "own"}, "mirror"], MISSING, False),
        (_of("networking.k8s.io", "Ingress", {"tls": []}), ["spec", "tls"], MISSING, False),
        (_of("networking.k8s.io", "Ingress", {"tls": []}, labels=_MARKS["labels"]), ["spec", "tls"], MISSING, False),
    ],
)
def test_what_may_be_put_back(obj: Object, path: list[Any], was: Any, allowed: bool) -> None:
    assert may_restore(obj, path, was) is allowed
    assert not allowed or may_restore_in(obj["kind"], path, was)
