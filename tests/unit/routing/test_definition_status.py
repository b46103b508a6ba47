"""What an object's status must say, by its router's definition, before the router can be said to serve it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.custom.definition import read_definition
from ansible_collections.progressive.delivery.plugins.module_utils._routing.custom.shipped.registry import shipped
from ansible_collections.progressive.delivery.plugins.module_utils._routing.registry import router_of
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import DesiredTraffic, Target, split_of

Object = dict[str, Any]


def condition(kind: str, status: str, generation: int | None = 3, **more: Any) -> Object:
    observed = {} if generation is None else {"observedGeneration": generation}
    return {"type": kind, "status": status, "reason": "Because", **observed, **more}


def said(*conditions: Object, **more: Any) -> Object:
    return {"conditions": list(conditions), **more}


def missing(router: str, status: Object | None, place: Target | None = None) -> str | None:
    place = place or Target(router, "shop", "test", "shop", "shop-canary")
    obj = {"kind": "Road" if place.definition else shipped(router).kind, "metadata": {"name": "shop", "namespace": "test", "generation": 3}}
    return router_of(place).not_ready_reason({"object": {**obj, **({} if status is None else {"status": status})}}, place)


CONTOUR = "its controller has not said Valid: True of its present state"
APISIX = "its controller has not said Accepted: True or ResourcesAvailable: True of its present state"
MISSING: list[tuple[str, str, Object | None, str | None]] = [
    ("traefik", "no status", None, None),
    ("smi", "no status", None, None),
    ("contour", "proven", said(condition("Valid", "True")), None),
    ("contour", "of a later generation than was read", said(condition("Valid", "True", 4)), None),
    ("contour", "not yet of this generation", said(condition("Valid", "True", 2)), CONTOUR),
    ("contour", "an old refusal", said(condition("Valid", "False", 2)), CONTOUR),
    ("contour", "undecided", said(condition("Valid", "Unknown")), CONTOUR),
    ("contour", "beside a condition of somebody else", said(condition("example.org/Ready", "False"), condition("Valid", "True")), None),
    ("apisix", "status updates are switched off", None, None),
    ("apisix", "2.x", said(condition("Accepted", "True")), None),
    ("apisix", "1.x", said(condition("ResourcesAvailable", "True")), None),
    ("apisix", "2.x after 1.x", said(condition("ResourcesAvailable", "True", 1), condition("Accepted", "True")), None),
    ("apisix", "1.x without generations", said(condition("ResourcesAvailable", "True", None)), None),
    ("apisix", "not yet", said(condition("Accepted", "True", 2), condition("ResourcesAvailable", "True", 1)), APISIX),
]


@pytest.mark.parametrize(
    ("router", "status", "text"), [(case[0], *case[2:]) for case in MISSING], ids=[f"{case[0]}: {case[1]}" for case in MISSING]
)
def test_what_is_missing(router: str, status: Object | None, text: str | None) -> None:
    assert missing(router, status) == text


ERRORS: dict[str, Any] = {
    "errors": [{"type": "Orphaned", "message": "this HTTPProxy is not part of a delegation chain"}, {"message": "and more"}]
}
NOBODY = "has no status from a controller (no condition Valid in status.conditions)"
NOT_SERVED: list[tuple[str, str, Object | None, str]] = [
    ("contour", "no status: attached to nothing", None, f"HTTPProxy test/shop {NOBODY}"),
    ("contour", "as the API server makes it", {"currentStatus": "NotReconciled", "description": "Waiting for controller"}, NOBODY),
    ("contour", "only somebody else's", said(condition("example.org/Ready", "True")), NOBODY),
    (
        "contour",
        "orphaned, in the controller's words",
        said(condition("Valid", "False", message="At least one error present,\nsee Errors for details", **ERRORS)),
        "served: Valid is False (Because): At least one error present, see Errors for details; this HTTPProxy is not part of a delegation",
    ),
    (
        "apisix",
        "aborted",
        said(condition("ResourcesAvailable", "False", message="service test/shop: no port 81")),
        "ApisixRoute test/shop is not served: ResourcesAvailable is False (Because): service test/shop: no port 81: correct it",
    ),
]


@pytest.mark.parametrize(
    ("router", "status", "message"), [(case[0], *case[2:]) for case in NOT_SERVED], ids=[f"{case[0]}: {case[1]}" for case in NOT_SERVED]
)
def test_what_is_not_served_is_refused_at_once(router: str, status: Object | None, message: str) -> None:
    with pytest.raises(Refused) as refused:
        missing(router, status)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


ROAD: Object = {
    "apiVersion": "example.org/v1",
    "kind": "Road",
    "plural": "roads",
    "destinations": "spec.lanes[]",
    "destination": {"service": "to"},
    "status": {"conditions": "status.said", "wanted": {"Open": True, "Blocked": "False"}, "generation": "status.seen"},
}
OPEN, FREE = condition("Open", "True", None), condition("Blocked", "False", None)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ({"said": [OPEN, FREE], "seen": 3}, None),
        ({"said": [OPEN, FREE]}, None),
        ({"said": [OPEN], "seen": 3}, "its controller has not said Open: True, Blocked: False of its present state"),
        ({"said": [OPEN, FREE], "seen": 2}, "its controller has not said Open: True, Blocked: False of its present state"),
    ],
    ids=["all", "no generation", "one of two", "an older generation"],
)
def test_several_conditions_and_the_generation_beside_them(status: Object, text: str | None) -> None:
    place = Target("road", "shop", "test", "shop", "shop-canary", definition=read_definition(ROAD))
    assert missing("road", status, place) == text


def test_stickiness_is_warned_of() -> None:
    place = Target("traefik", "shop", "test", "shop", "shop-canary")
    router, metadata = router_of(place), {"name": "shop", "namespace": "test"}
    cases: list[tuple[dict[str, Any], bool]] = [({}, False), ({"sticky": {"cookie": {}}}, True)]
    for weighted, told in cases:
        obj = {"kind": "TraefikService", "metadata": metadata, "spec": {"weighted": {"services": [], **weighted}}}
        warnings = router.warnings({"object": obj}, place, DesiredTraffic(split_of(20)))
        assert bool(warnings) == told
        assert all("keeps clients at the version that they got first (spec.weighted.sticky)" in each for each in warnings)
