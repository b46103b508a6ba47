"""A router in Python is one folder and one line: a toy router is added here and carries a weight, and a canary to its end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._module.splits import split
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing import registry
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Target
from ansible_collections.progressive.delivery.plugins.modules import canary_weight
from ansible_collections.progressive.delivery.tests.fixtures.extensions.toy_router import router as toy
from ansible_collections.progressive.delivery.tests.harness.memory import kinds
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.tools.in_copy import ROOT
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Stage, service, stage, workload

Object = dict[str, Any]

CANARY = f"{NAME}-canary"
ROAD: Object = {
    "apiVersion": toy.ROAD.api_version,
    "kind": "Road",
    "metadata": {"name": NAME},
    "spec": {"lanes": [{"service": NAME, "percent": 100}]},
}
KIND = kinds.Kind("toy.example.org", ("v1",), "Road", "roads", counted=True, custom=True)
PLAN: Object = {"routers": [{"type": "toy", "name": NAME}], "grace": None}


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """The application behind a Road; the collection got one line more, and the cluster the kind."""
    monkeypatch.setitem(registry.ROUTERS, "toy", toy.ROUTER)
    monkeypatch.setitem(kinds.BY_KIND, "Road", KIND)
    monkeypatch.setitem(kinds.BY_PLACE, ("toy.example.org", "v1", "roads"), KIND)
    objects = (workload("Deployment", replicas=2), service(NAME), ROAD)
    case = replace(CASES["clone"], objects=objects, services=(), more=PLAN, steps=[{"set_weight": 25}, {"pause": {}}, {"set_weight": 50}])
    found = stage(case)
    found.judge.virtual_services = ()
    return found


def lanes(place: Stage) -> dict[str, int]:
    road = place.cluster.get("Road", NAME)
    assert road["metadata"].get("annotations") or len(road["spec"]["lanes"]) == 1
    return {each["service"]: each["percent"] for each in road["spec"]["lanes"]}


def weigh(place: Stage, **more: Any) -> Object:
    params = {key: option.get("default") for key, option in canary_weight.SPEC.items()}
    params.update({"router": "toy", "name": [NAME], "stable_service": NAME, "require_ready": False, **more})
    ctx = Context(Client(place.cluster.server, place.cluster.time), place.cluster.time, NAMESPACE, "")
    return {**split(ctx, params), "changed": ctx.journal.changed}


def test_a_weight_and_back(place: Stage) -> None:
    before = place.cluster.get("Road", NAME)["spec"]
    result = weigh(place, weight=20)
    assert result["weight"] == {"stable": 80, "canary": 20} and result["changed"] and lanes(place) == {NAME: 80, CANARY: 20}
    assert not weigh(place, weight=20)["changed"]
    assert weigh(place, state="absent")["changed"] and place.cluster.get("Road", NAME)["spec"] == before


def test_what_it_cannot_do(place: Stage) -> None:
    with pytest.raises(Refused) as refused:
        weigh(place, weight=20, mirror=5.0)
    assert refused.value.problem.object == f"Road {NAMESPACE}/{NAME}"
    with pytest.raises(Refused, match="cannot carry 1 of 1000 parts"):
        weigh(place, weight=1, weight_total=1000)
    with pytest.raises(Refused, match="canary_ingress"):
        weigh(place, weight=1, canary_ingress="x")


def test_a_canary(place: Stage) -> None:
    before = place.cluster.get("Road", NAME)["spec"]
    place.call()
    assert lanes(place) == {NAME: 75, CANARY: 25} and place.phase() == "Paused"
    place.call(promote={"full": False})
    assert place.phase() == "Healthy" and place.cluster.get("Road", NAME)["spec"] == before
    [container] = place.cluster.get("Deployment", NAME)["spec"]["template"]["spec"]["containers"]
    assert container["image"].endswith(place.case.image)


def test_an_abort(place: Stage) -> None:
    before = place.cluster.get("Road", NAME)["spec"]
    place.call()
    place.call(state="aborted")
    assert place.phase() == "Aborted" and place.cluster.get("Road", NAME)["spec"] == before


@pytest.mark.parametrize("name", registry.ROUTERS)
def test_options_of_a_router_are_those_of_the_module_and_documented(name: str) -> None:
    """Whoever adds one sees what documentation it lacks."""
    assert set(registry.ROUTERS[name].options) <= set(Target.__dataclass_fields__) & set(canary_weight.SPEC)
    described = yaml.safe_load(canary_weight.DOCUMENTATION)["options"]["router"]["description"]
    assert any(f"V({name})" in line for line in described)
    assert f"`{name}`" in (ROOT / "docs" / "routers.md").read_text()
