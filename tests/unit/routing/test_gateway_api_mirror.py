"""Rules of the Gateway API that copy requests to the canary, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.gateway_api import router as gateway_api

from .gateway_routes import BOTH, HEADER_QA, QA, Object, match, objects, route, rule, target, to, wish
from .moves import moved

FILTERS: list[Object] = [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-a", "value": "1"}]}}]


def mirroring(percent: Object, **backend: Any) -> Object:
    ref = {"group": "", "kind": "Service", "name": "shop-canary", "port": 80, **backend}
    return {"type": "RequestMirror", "requestMirror": {"backendRef": ref, **percent}}


SHADOW = mirroring({}, name="shadow")
THERE: Object = {"port": 8080, "namespace": "test"}

COPIES = [
    pytest.param(100, [rule(*BOTH)], [rule(*BOTH, filters=[mirroring({})])], id="all: needs no field of newer releases"),
    pytest.param(10, [rule(*BOTH)], [rule(*BOTH, filters=[mirroring({"percent": 10})])], id="percent"),
    pytest.param(
        12.5, [rule(*BOTH)], [rule(*BOTH, filters=[mirroring({"fraction": {"numerator": 1, "denominator": 8}})])], id="parts of a percent"
    ),
    pytest.param(
        5,
        [rule(*BOTH, filters=[*FILTERS, SHADOW])],
        [rule(*BOTH, filters=[*FILTERS, SHADOW, mirroring({"percent": 5})])],
        id="after the other filters, another copy among them",
    ),
    pytest.param(
        5,
        [rule(to("shop", port=8080, filters=FILTERS, namespace="test"))],
        [
            rule(
                to("shop", port=8080, filters=FILTERS, namespace="test"),
                filters=[mirroring({"percent": 5}, port=8080, namespace="test")],
            )
        ],
        id="without the weight and filters of the backend",
    ),
]


@pytest.mark.parametrize("kind", ["HTTPRoute", "GRPCRoute"])
@pytest.mark.parametrize(("percent", "before", "after"), COPIES)
def test_copies(percent: float, before: list[Object], after: list[Object], kind: str) -> None:
    assert moved(objects(route(*before, kind=kind)), target(kind=kind), wish(mirror=percent)) == objects(route(*after, kind=kind))


def test_matches_and_copies_together() -> None:
    """What goes to the canary anyway is not copied to it."""
    added = rule(to("shop-canary"), matches=[match(headers=[HEADER_QA])])
    result = moved(objects(route(rule(*BOTH))), target(), wish(QA, mirror=5))
    assert result == objects(route(added, rule(*BOTH, filters=[mirroring({"percent": 5})])))


def test_copies_that_the_rule_makes_already_are_refused() -> None:
    with pytest.raises(Refused, match="mirrors to Service 'shop-canary' already: leave mirror out, or remove its RequestMirror"):
        gateway_api.changes(objects(route(rule(*BOTH, filters=[mirroring({"percent": 5})]))), target(), wish(mirror=10))


def test_traefik_would_break_the_rule_and_is_not_asked_for_copies() -> None:
    status = [{"parentRef": {"name": "shared"}, "controllerName": "traefik.io/gateway-controller", "conditions": []}]
    with pytest.raises(Refused, match=r"is served by Traefik, which cannot mirror .*: leave mirror out"):
        gateway_api.changes(objects(route(rule(*BOTH), status=status)), target(), wish(mirror=10))
