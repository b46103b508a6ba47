"""Which router is meant, and where the split stands, is read whole or refused in one line that names the option."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._plan.routers import ALL_OPTIONS, OPTIONS, Between, read_router
from ansible_collections.progressive.delivery.plugins.module_utils._routing.custom.definition import read_definition
from ansible_collections.progressive.delivery.plugins.module_utils._routing.registry import ROUTERS, names, router_of
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Level4Route, Target

Object = dict[str, Any]
BETWEEN = Between("test", "shop", "shop-canary")
ROAD: Object = {
    "apiVersion": "example.org/v1",
    "kind": "Road",
    "plural": "roads",
    "destinations": "spec.lanes[]",
    "destination": {"service": "to"},
}
ADDITIONAL: Object = {"additional_destinations": ["else"]}


def read(kind: str, where: str = "", **options: Any) -> Target:
    """As Ansible gives options: all of them, those that were not given as None."""
    return read_router(kind, "shop", {**dict.fromkeys(ALL_OPTIONS), **options}, where, BETWEEN)


def target(kind: str, **more: Any) -> Target:
    return Target(kind, "shop", "test", "shop", "shop-canary", **more)


TARGETS = [
    ("istio", {}, target("istio")),
    ("istio", {"routes": ["a", "b"], "api_version": "v1"}, target("istio", routes=("a", "b"), api_version="v1")),
    ("istio", {"stable_labels": {"b": 1, "a": "x"}}, target("istio", stable_labels=(("a", "x"), ("b", "1")))),
    ("istio", {"tls_routes": [{"port": "443"}]}, target("istio", tls_routes=(Level4Route(443),))),
    ("istio", {"tls_routes": [{"sni_hosts": ["x"], "port": None}]}, target("istio", tls_routes=(Level4Route(None, ("x",)),))),
    ("traefik", ADDITIONAL, target("traefik", additional_destinations=("else",))),
    ("traefik", {"definition": ""}, target("traefik")),
    ("road", {"definition": ROAD}, target("road", definition=read_definition(ROAD))),
    ("traefik", {"definition": ROAD, **ADDITIONAL},
     target("traefik", definition=read_definition(ROAD), additional_destinations=("else",))),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "options", "wanted"), TARGETS)
def test_what_is_read(kind: str, options: Object, wanted: Target) -> None:
    assert read(kind, **options) == wanted


BAD = [
    ("an unknown router", "nginx", {},
     'router', "names the unknown router 'nginx'"),
    ("a router that needs none", "istio", {"definition": ROAD}, 'router', "is 'istio', which takes no definition"),
    ("a malformed definition", "road", {"definition": {**ROAD, "grace": "x"}}, "definition.grace", "must be a number of seconds, not 'x'"),
    ("a definition that is no mapping", "road", {"definition": "road.yml"}, "definition", "must be a mapping, not 'road.yml'"),
    ("an option of another router", "traefik", {"stable_subset": "v1"}, 'stable_subset', 'cannot be used with router traefik'),
    ("an option of several", "ingress_nginx", {"routes": ["x"]},
     'routes', 'cannot be used with router ingress_nginx, only with istio, gateway_api, routers with a definition'),
    ("routes", "istio", {"routes": 7}, 'routes', 'must be a list of names, not 7'),
    ("labels", "istio", {"stable_labels": "v1"}, 'stable_labels', 'must be a mapping of labels to values'),
    ("tls_routes", "istio", {"tls_routes": {"port": 1}}, 'tls_routes', 'must be a list'),
    ("a port", "istio", {"tcp_routes": [{"port": "x"}]}, 'tcp_routes[0].port', "must be a number, not 'x'"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "options", "option", "what"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_what_is_refused(kind: str, options: Object, option: str, what: str) -> None:
    with pytest.raises(Refused) as refused:
        read(kind, **options)
    problem = refused.value.problem
    assert (problem.object or str(refused.value)).startswith(option) and what in problem.what


def test_every_name_can_be_used() -> None:
    assert set(OPTIONS) >= set(ROUTERS)
    for name in names():
        assert router_of(read(name)).parts(read(name))


def _plan(router: Object) -> Object:
    return {
        "workload": {"name": "shop"},
        "revision": {"images": {"app": "shop:2"}},
        "services": {"stable": "shop"},
        "routers": [{"name": "shop", **router}],
    }


@pytest.mark.parametrize(
    ("router", "message"),
    [
        ({"type": "nginx"}, "routers[0].type names the unknown router 'nginx': use one of apisix, contour, gateway_api, ingress_nginx"),
        ({"type": "road", "definition": {}}, "routers[0].type names the unknown router 'road'"),
        ({"type": "road", "definition": {"kind": "Road"}}, "routers[0].definition lacks apiVersion, plural, destinations"),
    ],
    ids=["unknown", "an empty definition", "half a definition"],
)  # fmt: skip
def test_refusals_in_a_plan_name_the_place(router: Object, message: str) -> None:
    with pytest.raises(Refused) as refused:
        read_plan("shop", "test", _plan(router))
    assert str(refused.value).startswith(message)


def test_another_definition_makes_another_plan() -> None:
    one, same, other = (read_plan("shop", "test", _plan({"type": "road", "definition": {**ROAD, "grace": grace}})) for grace in (2, 2.0, 3))
    assert one.routers[0].definition == read_definition({**ROAD, "grace": 2})
    assert one.hash == same.hash != other.hash
