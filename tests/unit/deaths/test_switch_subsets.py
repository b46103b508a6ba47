"""Switches by subset in memory: the route moves and stays there, the Service keeps its selector, whatever call dies."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Drifted, Refused
from ansible_collections.progressive.delivery.tests.harness.memory.contract import Api
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import NEVER, Dead, Mortal
from ansible_collections.progressive.delivery.tests.unit.deaths.switches import (
    BLUE,
    BOTH,
    GREEN,
    PREVIEW,
    PREVIEWED,
    ROUTER,
    SHOP,
    Case,
    Object,
    Stage,
    service,
    stage,
    virtual_service,
    workload,
)

SUBSETS = {"stable_subset": "a", "canary_subset": "b", "destination_rule": SHOP}
SPEC: Object = {"host": SHOP, "subsets": [{"name": name, "labels": {"colour": colour}} for name, colour in (("a", "blue"), ("b", "green"))]}
RULE: Object = {
    "apiVersion": "networking.istio.io/v1beta1",
    "kind": "DestinationRule",
    "metadata": {"name": SHOP},
    "spec": SPEC,
}
OPTIONS: Object = {"routers": [{**ROUTER, **SUBSETS}], "scale_down_delay": 0}
CASE = Case(OPTIONS, (*BOTH, workload("shop-red"), service(SHOP), RULE, virtual_service(subset="a")), (SHOP,), services=())


def subset_of(place: Stage) -> str:
    [route] = [each for each in place.cluster.get("VirtualService", SHOP)["spec"]["http"][0]["route"] if each.get("weight", 100)]
    return str(route["destination"]["subset"])


def replicas(place: Stage) -> list[int]:
    return [int(place.cluster.get("Deployment", name)["spec"]["replicas"]) for name in (BLUE, GREEN, "shop-red")]


def test_there_and_back_and_as_it_was() -> None:
    place = stage(CASE)
    before = place.end_state()
    preview = place.call(check=True)
    real = place.call()
    assert [each["before_header"] for each in preview["diff"]] and (subset_of(place), replicas(place)) == ("b", [0, 2, 2])
    for result in (preview, real):
        assert (result["active"], result["previous"]) == ({"kind": "Deployment", "name": GREEN}, {"kind": "Deployment", "name": BLUE})
    assert place.cluster.get("Service", SHOP)["spec"]["selector"] == {"app": "shop"}
    assert not place.call()["changed"]
    assert place.call(target=BLUE)["changed"] and (subset_of(place), replicas(place)) == ("a", [2, 0, 2])
    assert place.call(target=None, state="absent")["changed"] and place.end_state() == before
    assert not place.judge.complaints


@pytest.mark.parametrize("target", [GREEN, BLUE])
def test_death(target: str) -> None:
    def begun() -> Stage:
        place = stage(CASE)
        if target == BLUE:
            place.call()
        return place

    place = begun()
    before, mortal = stage(CASE).end_state(), Mortal(place.cluster.server, NEVER, carried_out=True)
    place.call(mortal, target=target)  # type: ignore[arg-type]
    wanted = place.end_state()
    for write in range(1, mortal.writes + 1):
        for carried_out in (False, True):
            place = begun()
            with contextlib.suppress(Dead):
                place.call(Mortal(place.cluster.server, write, carried_out), target=target)  # type: ignore[arg-type]
            place.call(target=target)
            assert place.end_state() == wanted, (write, carried_out)
            place.call(target=None, state="absent")
            assert place.end_state() == before, (write, carried_out)


REFUSED: dict[str, tuple[Object, str]] = {
    "no subset": ({"target": "shop-red"}, "has no subset with the pods of Deployment/shop-red among 'a' and 'b'"),
    "no router": ({"routers": []}, "routers must name istio shop, which an earlier call moved: add it"),
    "absent without": ({"routers": [], "state": "absent", "target": None}, "routers must name istio shop"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(options: Object, message: str) -> None:
    place = stage(CASE)
    place.call()
    place.cluster.time.sleep(10)
    version = place.cluster.store.version
    with pytest.raises(Refused) as refused:
        place.call(**options)
    assert message in str(refused.value) and place.cluster.store.version == version


def test_both_subsets_may_not_have_the_pods() -> None:
    wide = {**RULE, "spec": {**SPEC, "subsets": [SPEC["subsets"][0], {"name": "b", "labels": {"app": "shop"}}]}}
    place = stage(Case(OPTIONS, (*BOTH, service(SHOP), wide, virtual_service(subset="a")), services=()))
    with pytest.raises(Refused, match="has two subsets with the pods of Deployment/shop-blue among 'a' and 'b'"):
        place.call(target=BLUE)


def test_who_moves_the_route_meanwhile_is_told_before_anything_is_written() -> None:
    place = stage(CASE)
    place.call(scale_down=False)
    api = Api(place.cluster.server, NAMESPACE, lambda: place.cluster.time.sleep(0.05))
    route: list[Any] = [{"destination": {"host": SHOP, "subset": name}, "weight": 50} for name in ("a", "b")]
    api.patch("VirtualService", SHOP, spec={"http": [{"name": "primary", "route": route}]})
    place.cluster.time.sleep(10)
    version = place.cluster.store.version
    with pytest.raises(Drifted, match="was changed by another client"):
        place.call(scale_down=False)
    assert place.cluster.store.version == version
    assert place.call(scale_down=False, on_drift="repair")["changed"] and subset_of(place) == "b"


THROUGH: dict[str, Object] = {"by the Service alone": {}, "through the preview": {"preview_service": PREVIEW, "routers": [ROUTER]}}


@pytest.mark.parametrize("options", THROUGH.values(), ids=THROUGH)
def test_a_route_by_a_subset_that_only_blue_has(options: Object) -> None:
    """The Service would lead to green, and the route to nobody."""
    place = stage(Case(options, (*PREVIEWED, RULE, virtual_service(subset="a")), (SHOP,), services=()))
    version = place.cluster.store.version
    for check in (True, False):
        with pytest.raises(Refused, match=r"VirtualService test/shop leads to Service shop by subset a \(colour=blue"):
            place.call(check=check)
    assert place.cluster.store.version == version
    api = Api(place.cluster.server, NAMESPACE, lambda: place.cluster.time.sleep(0.05))
    api.patch("DestinationRule", SHOP, spec={"host": SHOP, "subsets": [{"name": "a", "labels": {"app": "shop"}}]})
    assert place.call()["changed"]
    place.cluster.time.sleep(30)
    assert not place.judge.complaints
