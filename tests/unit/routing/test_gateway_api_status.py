"""What the status of a route proves: that every parent serves its present generation, that one refuses, or neither yet."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.gateway_api import router as gateway_api
from ansible_collections.progressive.delivery.plugins.module_utils._routing.router import NotSeen

from .gateway_routes import BOTH, PARENT, Object, objects, route, rule, target

CONTROLLER = "example.org/controller"
GOOD: Object = {"Accepted": "True", "ResolvedRefs": "True"}
SECOND: Object = {**PARENT, "sectionName": "https"}
OWN: Object = {**PARENT, "name": "own", "namespace": "test"}
MESH: Object = {"group": "", "kind": "Service", "name": "shop", "port": 80}


def said(conditions: Object, generation: int | None = 3, parent: Object = PARENT, controller: str = CONTROLLER, **why: str) -> Object:
    """What one controller says of one parent. why: reason and message."""
    seen = {} if generation is None else {"observedGeneration": generation}
    why = {"reason": "Because", "message": "", **why}
    listed = [{"type": kind, "status": status, **why, **seen} for kind, status in conditions.items()]
    return {"parentRef": parent, "controllerName": controller, "conditions": listed}


def missing(status: list[Object], parents: Any = (PARENT,), **spec: Any) -> str | None:
    live = route(rule(*BOTH), status=status, parentRefs=list(parents), **spec)
    return gateway_api.ROUTER.not_ready_reason(objects(live), target())


PROVEN = [
    pytest.param([said(GOOD)], [PARENT], id="one parent"),
    pytest.param([said(GOOD), said(GOOD, parent=SECOND)], [PARENT, SECOND], id="two sections of one Gateway"),
    pytest.param(
        [said(GOOD, parent={"name": "own"})], [{**PARENT, "name": "own", "namespace": "test", "sectionName": ""}], id="defaults left out"
    ),
    pytest.param([said(GOOD, parent=MESH)], [MESH], id="a Service as the parent"),
    pytest.param(
        [said(GOOD, None, {**MESH, "group": "core", "namespace": "test"})], [MESH], id="no generation (linkerd2#14964: Flagger stalled)"
    ),
    pytest.param([said(GOOD, 0)], [PARENT], id="generation 0 (apisix-ingress-controller#2767)"),
    pytest.param([said(GOOD, 2, controller="example.org/gone"), said(GOOD)], [PARENT], id="another controller has gone"),
    pytest.param([said({"Accepted": "False"}, 2, controller="example.org/gone"), said(GOOD)], [PARENT], id="one that has gone refused it"),
    pytest.param([said(GOOD), said({"Accepted": "False"}, parent=SECOND)], [PARENT], id="a parent of before refuses (argo-cd#24958)"),
    pytest.param([said({**GOOD, "PartiallyInvalid": "False", "Programmed": "False"})], [PARENT], id="other conditions"),
]


@pytest.mark.parametrize(("status", "parents"), PROVEN)
def test_served(status: list[Object], parents: list[Object]) -> None:
    assert missing(status, parents) is None


LACKING = [
    pytest.param(
        [said(GOOD, 2)],
        [PARENT],
        "example.org/controller has not said Accepted and ResolvedRefs of its present generation for Gateway infra/shared, section http",
        id="of an older generation",
    ),
    pytest.param([said({"Accepted": "True"})], [PARENT], "has not said ResolvedRefs of its present generation", id="one of both"),
    pytest.param([said({**GOOD, "Accepted": "Unknown"})], [PARENT], "has not said Accepted of its", id="unknown"),
    pytest.param([said({**GOOD, "Accepted": "False"}, reason="Pending")], [PARENT], "has not said Accepted of its", id="pending"),
    pytest.param([said({"Accepted": "False"}, 2)], [PARENT], "has not said Accepted and ResolvedRefs", id="refused an older generation"),
    pytest.param(
        [said({"Accepted": "True"}), said({"ResolvedRefs": "True"}, controller="example.org/b")],
        [PARENT],
        "example.org/controller, example.org/b has not said Accepted and ResolvedRefs",
        id="half of it from each of two",
    ),
]


@pytest.mark.parametrize(("status", "parents", "text"), LACKING)
def test_not_served_yet(status: list[Object], parents: list[Object], text: str) -> None:
    assert text in str(missing(status, parents))


def test_each_parent_that_lacks_something_is_named() -> None:
    text = missing([said(GOOD, 2), said(GOOD, 2, SECOND)], [PARENT, SECOND])
    assert text is not None and "section http;" in text and text.endswith("section https")


UNSEEN = [
    pytest.param([], [PARENT], "for Gateway infra/shared, section http: check that this exists", id="nobody spoke"),
    pytest.param([said(GOOD)], [PARENT, SECOND], "for Gateway infra/shared, section https:", id="of one section of two"),
    pytest.param([said(GOOD, parent={**MESH, "port": 81})], [MESH], "for Service test/shop, port 80:", id="of another port"),
    pytest.param([said(GOOD, parent={**PARENT, "namespace": "test"})], [PARENT], "for Gateway infra/shared", id="of another namespace"),
    pytest.param([said(GOOD, parent={**MESH, "group": "other"})], [MESH], "for Service test/shop", id="of another group"),
]


@pytest.mark.parametrize(("status", "parents", "text"), UNSEEN)
def test_nobody_has_seen_it(status: list[Object], parents: list[Object], text: str) -> None:
    with pytest.raises(NotSeen) as unseen:
        missing(status, parents)
    assert text in str(unseen.value)
    assert unseen.value.problem.object == "HTTPRoute test/shop"
    assert unseen.value.problem.what.startswith("has no status from a controller for ")


REFUSED = [
    pytest.param(
        [said({**GOOD, "Accepted": "False"}, reason="NoMatchingListenerHostname", message="no\n listener has it")],
        "is not served by Gateway infra/shared, section http: example.org/controller reports Accepted=False, NoMatching",
        id="not accepted",
    ),
    pytest.param(
        [said({**GOOD, "ResolvedRefs": "False"}, reason="RefNotPermitted")],
        "is not served by Gateway infra/shared, section http: example.org/controller reports ResolvedRefs=False, RefNotPermitted",
        id="without a ReferenceGrant",
    ),
    pytest.param(
        [said({**GOOD, "PartiallyInvalid": "True"}, message="Dropped Rule: 1")],
        "is not served by Gateway infra/shared, section http: example.org/controller reports PartiallyInvalid=True, Bec",
        id="served in part",
    ),
    pytest.param([said({"Accepted": "False"}, None)], "Accepted=False", id="no generation"),
    pytest.param(
        [said(GOOD), said({"Accepted": "False"}, controller="example.org/b")],
        "is not served by Gateway infra/shared, section http: example.org/b reports Accepted=False, Because",
        id="one of two controllers",
    ),
]


@pytest.mark.parametrize(("status", "text"), REFUSED)
def test_refused(status: list[Object], text: str) -> None:
    with pytest.raises(Refused) as refused:
        missing(status)
    assert text in str(refused.value)
    assert refused.value.problem.object == "HTTPRoute test/shop"
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("parents", [(), None])
def test_a_route_without_parents_is_refused(parents: Any) -> None:
    with pytest.raises(Refused, match=r"^HTTPRoute test/shop has no parentRefs and is attached to nothing: name the Gateway"):
        missing([said(GOOD)], parents or [])


def test_default_gateways_are_parents_too() -> None:
    assert missing([said(GOOD)], [], useDefaultGateways="All") is None
    assert "has not said" in str(missing([said(GOOD, 2)], [], useDefaultGateways="All"))
    with pytest.raises(Refused, match="attached to nothing"):
        missing([said(GOOD)], [], useDefaultGateways="None")


def test_a_route_without_a_status() -> None:
    live = route(rule(*BOTH))
    del live["status"]
    with pytest.raises(NotSeen):
        gateway_api.ROUTER.not_ready_reason(objects(live), target())
