"""What a plan declares and is not there: made once and first of all, judged before anything is written, and shown in check mode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import preflight, rollout
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.errors import NotFound
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import (
    NAME,
    Case,
    Object,
    Stage,
    service,
    stage,
    virtual_service,
    workload,
)

MADE = ["make Service rollouts-demo", "make VirtualService rollouts-demo"]
ROUTER, STABLE = f"VirtualService {NAMESPACE}/{NAME}", f"Service {NAMESPACE}/{NAME}"


def context(place: Stage, check: bool = False) -> Context:
    return Context(Client(place.cluster.server, place.cluster.time), place.cluster.time, NAMESPACE, NAME, check=check)


def call(place: Stage, plan: Mapping[str, Any], check: bool = False) -> rollout.Run:
    run = rollout.open_run(context(place, check), rollout.Wish(NAME, plan, until="end"))
    rollout.carry_out(run)
    return run


def writes(place: Stage) -> int:
    return place.cluster.store.version


def bare(*more: Object, **spec: Any) -> Stage:
    """Just the workload, and more."""
    return stage(Case([{"set_weight": 50}], (workload("Deployment", replicas=2, **spec), *more), services=()))


def declaring(place: Stage, spec: Object | None, **services: Any) -> dict[str, Any]:
    plan = place.case.plan()
    router = {**plan["routers"][0], **({} if spec is None else {"spec": spec})}
    return {**plan, "routers": [router], "services": {**plan["services"], **services}}


def to(*hosts: str, name: str = "primary", **rule: Any) -> Object:
    route = [{"destination": {"host": host}} for host in hosts]
    return {"hosts": ["a.b"], "http": [{"name": name, "route": route, **rule}]}


WEIGHTS = [{"destination": {"host": host}, "weight": 50} for host in (NAME, f"{NAME}-canary")]
# the spec, the objects that are there, more of `services`, what is refused
UNFIT: list[tuple[str, Object | None, tuple[Object, ...], Object, str]] = [
    ("no spec and no router", None, (), {}, f"{ROUTER} does not exist: check its name"),
    ("another route", to(NAME, name="x"), (), {}, f"{ROUTER} (as its spec would make it) has no HTTP route named 'primary'"),
    ("another Service", to("other"), (), {}, f"{ROUTER} (as its spec would make it), HTTP route primary does not lead to Service"),
    ("no route", {"hosts": ["a.b"]}, (), {}, f"{ROUTER} (as its spec would make it) has no HTTP route named 'primary'"),
    (
        "traffic for the canary",
        {"hosts": ["a.b"], "http": [{"name": "primary", "route": WEIGHTS}]},
        (),
        {},
        f"{ROUTER} (as its spec would make it) sends 50 of 100 parts to Service {NAME}-canary already",
    ),
    ("a Service that would have no name", to(NAME), (), {"stable": "x", "ports": [{"port": 1}]}, f"{ROUTER} (as its spec would make it)"),
    (
        "a Service that does not do",
        to(NAME),
        (service(NAME, {"other": "pods"}),),
        {},
        f"{STABLE} (selector app={NAME},other=pods) does not",
    ),
]


@pytest.mark.parametrize(("spec", "there", "services", "message"), [case[1:] for case in UNFIT], ids=[case[0] for case in UNFIT])
def test_what_does_not_do_is_refused_before_anything_is_written(
    spec: Object | None, there: tuple[Object, ...], services: Object, message: str
) -> None:
    place = bare(*there)
    before, plan = writes(place), declaring(place, spec, **services)
    with pytest.raises((Refused, NotFound)) as refused:
        call(place, plan)
    assert str(refused.value).startswith(message) and "\n" not in str(refused.value)
    found = preflight.run(context(place), NAME, plan)
    texts = [f"{each['object']} {each['problem']}: {each['remedy']}" for each in found["findings"] if each["severity"] == "fatal"]
    assert any(text.startswith(message) for text in texts), texts
    assert writes(place) == before


def without_ports(**changes: Any) -> Object:
    obj = workload("Deployment", replicas=2)
    for container in obj["spec"]["template"]["spec"]["containers"]:
        del container["ports"]
    obj["spec"].update(changes)
    return obj


EXPRESSIONS = {"matchExpressions": [{"key": "app", "operator": "In", "values": [NAME, "other"]}]}


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (without_ports(), f"{STABLE} does not exist, and no container of Deployment {NAMESPACE}/{NAME} names a port: create it, or"),
        (
            {**workload("Deployment"), "spec": {**workload("Deployment")["spec"], "replicas": 2, "selector": EXPRESSIONS}},
            f"{STABLE} does not exist, and Deployment {NAMESPACE}/{NAME} has no matchLabels by which to select its pods: create it",
        ),
    ],
    ids=["no port", "no labels"],
)
def test_a_service_that_cannot_be_made(obj: Object, message: str) -> None:
    place = stage(Case([{"set_weight": 50}], (obj,), services=()))
    before = writes(place)
    with pytest.raises(Refused) as refused:
        call(place, declaring(place, to(NAME)))
    assert str(refused.value).startswith(message)
    assert preflight.run(context(place), NAME, declaring(place, to(NAME)))["findings"][0]["object"] == STABLE
    assert writes(place) == before


def test_check_mode_lists_what_would_be_made_and_shows_it() -> None:
    place = bare()
    before, plan = writes(place), declaring(place, virtual_service()["spec"])
    told = call(place, plan, check=True)
    assert [str(action) for action in told.ahead][:3] == [*MADE, "pause the workload"]
    shown = {each["after_header"]: (each["before"], each["after"]) for each in told.ctx.journal.diff}
    assert list(shown) == [STABLE, ROUTER] and all(was == "" for was, _is in shown.values())
    assert shown[ROUTER][1]["spec"] == virtual_service()["spec"]
    assert writes(place) == before
    done = call(place, plan).ctx.journal
    assert done.actions[:3] == [*MADE, "pause the workload"]
    assert any("will be created with the ports of the containers (http 8080)" in text for text in done.warnings)
    again = call(place, plan)
    assert not again.ctx.journal.changed and again.nothing_to_do


def test_what_is_there_is_not_given_what_is_declared() -> None:
    mine = virtual_service()
    mine["spec"]["hosts"] = ["of.its.own"]
    place = bare(service(NAME), mine)
    before = {kind: place.cluster.get(kind, NAME)["spec"] for kind in ("Service", "VirtualService")}
    plan = declaring(place, {**virtual_service()["spec"], "gateways": ["x/y"]}, ports=[{"port": 8081}])
    actions = call(place, plan).ctx.journal.actions
    assert not set(MADE) & set(actions)
    assert {kind: place.cluster.get(kind, NAME)["spec"] for kind in before} == before


def test_what_somebody_else_makes_meanwhile_must_do_as_well() -> None:
    """Between the checks and the create; it is not overwritten, and gets no traffic for the canary."""
    place = bare(service(NAME))
    other = virtual_service()
    other["spec"]["http"][0]["name"] = "other"

    class Overtaken(Client):
        """The object is there when the create comes."""

        def create(self, ref: Any, obj: Any, dry_run: bool = False) -> Any:
            if ref.name == NAME and ref.resource.kind == "VirtualService" and not dry_run:
                place.cluster.apply(other)
            return super().create(ref, obj, dry_run)

    ctx = replace(context(place), client=Overtaken(place.cluster.server, place.cluster.time))
    run = rollout.open_run(ctx, rollout.Wish(NAME, declaring(place, virtual_service()["spec"]), until="end"))
    with pytest.raises(Refused, match="has no HTTP route named 'primary'"):
        rollout.carry_out(run)
    assert place.cluster.get("VirtualService", NAME)["spec"] == other["spec"]
    assert not place.cluster.get("Deployment", NAME)["spec"].get("paused")
