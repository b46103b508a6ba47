"""TLS and TCP routes: which are split when, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.istio import router as istio
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import (
    Condition,
    DesiredTraffic,
    Level4Route,
    ManagedRoute,
    Split,
    split_of,
)

from .moves import moved
from .virtual_services import Object, objects, route, target, to, virtual_service

BOTH, AFTER_20 = (to("shop", 100), to("shop-canary", 0)), (to("shop", 80), to("shop-canary", 20))
SHOP, SHOP_2, BACK = "shop.example.org", "shop.example.com", "back.example.org"


def tls(*destinations: Object, sni: tuple[str, ...] = (SHOP,), port: int | None = 443, **more: Any) -> Object:
    return route(*destinations, match=[{**({"port": port} if port else {}), "sniHosts": list(sni), **more}])


def tcp(*destinations: Object, port: int | None = None) -> Object:
    match: Object = {"match": [{"port": port}]} if port else {}
    return route(*destinations, **match)


# spec before, what differs in the target, spec after a weight of 20
SPLITS = [
    pytest.param({"tls": [tls(*BOTH)]}, {}, {"tls": [tls(*AFTER_20)]}, id="argo-rollouts#2501 only TLS"),
    pytest.param({"tcp": [tcp(*BOTH)]}, {}, {"tcp": [tcp(*AFTER_20)]}, id="argo-rollouts#1660 flagger#1024 only TCP"),
    pytest.param({"tcp": [tcp(to("shop"))]}, {}, {"tcp": [tcp(*AFTER_20)]}, id="a canary destination that is added"),
    pytest.param(
        {"tls": [tls(*BOTH, sni=(BACK,)), tls(to("other")), tls(*BOTH)]},
        {"tls_routes": (Level4Route(443, (SHOP,)),)},
        {"tls": [tls(*BOTH, sni=(BACK,)), tls(to("other")), tls(*AFTER_20)]},
        id="by port and SNI hosts",
    ),
    pytest.param(
        {"tls": [tls(*BOTH, sni=(SHOP, SHOP_2)), tls(*BOTH, sni=(BACK,))]},
        {"tls_routes": (Level4Route(None, (SHOP_2,)),)},
        {"tls": [tls(*AFTER_20, sni=(SHOP, SHOP_2)), tls(*BOTH, sni=(BACK,))]},
        id="by one of its SNI hosts",
    ),
    pytest.param(
        {"tls": [tls(*BOTH, sni=(SHOP, SHOP_2)), tls(*BOTH, sni=(SHOP,))]},
        {"tls_routes": (Level4Route(None, (SHOP,)),)},
        {"tls": [tls(*BOTH, sni=(SHOP, SHOP_2)), tls(*AFTER_20, sni=(SHOP,))]},
        id="just these SNI hosts go before these and more",
    ),
    pytest.param(
        {"tls": [tls(*BOTH, sni=("*.example.org",)), tls(*BOTH, sni=(SHOP,))]},
        {"tls_routes": (Level4Route(None, ("*.example.org",)),)},
        {"tls": [tls(*AFTER_20, sni=("*.example.org",)), tls(*BOTH, sni=(SHOP,))]},
        id="wildcards are taken to the letter",
    ),
    pytest.param(
        {"tls": [tls(*BOTH, port=443), tls(*BOTH, port=8443)]},
        {"tls_routes": (Level4Route(8443), Level4Route(8443, (SHOP,)), Level4Route(443))},
        {"tls": [tls(*AFTER_20, port=443), tls(*AFTER_20, port=8443)]},
        id="several, one of them named twice",
    ),
    pytest.param(
        {"tcp": [tcp(*BOTH, port=9000), tcp(*BOTH)]},
        {"tcp_routes": (Level4Route(9000),)},
        {"tcp": [tcp(*AFTER_20, port=9000), tcp(*BOTH)]},
        id="a TCP route by its port",
    ),
    pytest.param(
        {"http": [route(*BOTH)], "tls": [tls(*BOTH)], "tcp": [tcp(*BOTH)]},
        {},
        {"http": [route(*AFTER_20)], "tls": [tls(*BOTH)], "tcp": [tcp(*BOTH)]},
        id="HTTP routes before others",
    ),
    pytest.param(
        {"http": [route(*BOTH)], "tls": [tls(*BOTH)], "tcp": [tcp(*BOTH)]},
        {"tls_routes": (Level4Route(443),)},
        {"http": [route(*BOTH)], "tls": [tls(*AFTER_20)], "tcp": [tcp(*BOTH)]},
        id="just TLS where just TLS is named",
    ),
    pytest.param(
        {"http": [route(*BOTH)], "tls": [tls(*BOTH)], "tcp": [tcp(*BOTH)]},
        {"routes": ["*"], "tls_routes": (Level4Route(443),), "tcp_routes": (Level4Route(),)},
        {"http": [route(*AFTER_20)], "tls": [tls(*AFTER_20)], "tcp": [tcp(*AFTER_20)]},
        id="argo-rollouts#1380 all three at once",
    ),
    pytest.param(
        {"http": [route(to("other"))], "tcp": [tcp(*BOTH)]},
        {},
        {"http": [route(to("other"))], "tcp": [tcp(*AFTER_20)]},
        id="the only one, beside an HTTP route elsewhere",
    ),
    pytest.param(
        {"tcp": [tcp(to("shop", 60), to("legacy", 40))]},
        {"additional_destinations": ("legacy",)},
        {"tcp": [tcp(to("shop", 48), to("legacy", 40), to("shop-canary", 12))]},
        id="a third destination keeps its share",
    ),
]


@pytest.mark.parametrize(("spec", "asked", "after"), SPLITS)
def test_splits(spec: Object, asked: Object, after: Object) -> None:
    place = target(**asked)
    result = moved(objects(virtual_service(**spec)), place, DesiredTraffic(split_of(20)))
    assert result == objects(virtual_service(**after))
    said = istio.weight(result, place)
    assert said.canary * 5 == said.total


# spec, what differs in the target, what the message says
REFUSALS = [
    pytest.param(
        {"tls": [tls(*BOTH), tls(*BOTH, sni=(BACK,), port=None)], "tcp": [tcp(*BOTH)]},
        {},
        f"has 3 routes to Service 'shop' (TLS number 1 (port 443; sni_hosts {SHOP}), TLS number 2 (sni_hosts {BACK}), TCP number 1): "
        "choose with tls_routes or tcp_routes",
        id="several qualify",
    ),
    pytest.param(
        {"tls": [tls(*BOTH), tls(*BOTH, sni=(BACK,))]},
        {"tls_routes": (Level4Route(443),)},
        f"has 2 TLS routes to Service 'shop' with port 443 (number 1 (port 443; sni_hosts {SHOP}), number 2 (port 443; sni_hosts {BACK})): "
        "name more in tls_routes",
        id="a port of several",
    ),
    pytest.param(
        {"tls": [tls(*BOTH)]},
        {"tls_routes": (Level4Route(8443, (SHOP, BACK)),)},
        f"has no TLS route to Service 'shop' with port 8443 and sni_hosts {SHOP}, {BACK} (it has: number 1 (port 443; sni_hosts {SHOP})): "
        "correct tls_routes",
        id="none with this port",
    ),
    pytest.param({"tls": [tls(to("other"))]}, {"tls_routes": (Level4Route(443),)}, "(it has: none): correct tls_routes", id="elsewhere"),
    pytest.param(
        {"tcp": [tcp(*BOTH)]},
        {"tcp_routes": (Level4Route(None, (SHOP,)),)},
        "cannot select by sni_hosts, which TCP routes do not have: name the route",
        id="TCP has no SNI",
    ),
    pytest.param(
        {"tcp": [tcp(*BOTH, port=1)] * 2},
        {"tcp_routes": (Level4Route(1),)},
        "has 2 TCP routes to Service 'shop' with port 1",
        id="two alike",
    ),
    pytest.param(
        {"http": [route(to("other"))], "tls": [tls(to("third"))]},
        {},
        "has no HTTP or TLS route to Service 'shop' (its destinations: other, third)",
        id="none leads there",
    ),
    pytest.param(
        {"tls": [tls(*BOTH, to("third", 1))]}, {}, f"TLS route number 1 (port 443; sni_hosts {SHOP}) also leads to third", id="a third"
    ),
    pytest.param({"tls": [tls(*BOTH)]}, {"routes": ["a"]}, "has no HTTP route named 'a' (it has: none has a name)", id="a name of none"),
]


@pytest.mark.parametrize(("spec", "asked", "said"), REFUSALS)
def test_refusals(spec: Object, asked: Object, said: str) -> None:
    with pytest.raises(Refused) as refused:
        istio.changes(objects(virtual_service(**spec)), target(**asked), DesiredTraffic(split_of(20)))
    assert said in str(refused.value)
    assert refused.value.problem.object.startswith(("VirtualService test/shop", "tcp_routes"))


ROUTES = (ManagedRoute("qa", ((Condition("header", "x-qa", "exact", "1"),),)),)


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        (DesiredTraffic(Split(100, 0), ROUTES), "matches"),
        (DesiredTraffic(Split(100, 0), mirror=5.0), "mirror"),
    ],
)
@pytest.mark.parametrize("asked", [{}, {"routes": ["*"], "tls_routes": (Level4Route(443),)}])
def test_matches_and_copies_are_for_http(asked: Object, wish: DesiredTraffic, said: str) -> None:
    spec: Object = {"tls": [tls(*BOTH)], **({"http": [route(*BOTH)]} if asked else {})}
    with pytest.raises(Refused) as refused:
        istio.changes(objects(virtual_service(**spec)), target(**asked), wish)
    assert f"TLS route number 1 (port 443; sni_hosts {SHOP})" in refused.value.problem.object
    assert refused.value.problem.what.startswith(f"cannot do {said} with router istio")
    assert refused.value.problem.remedy.startswith(f"leave {said} out")


@pytest.mark.parametrize(
    ("spec", "asked", "told"),
    [
        ({"http": [route(*BOTH)], "tls": [tls(*BOTH)], "tcp": [tcp(to("other"))]}, {}, ["TLS route number 1"]),
        ({"http": [route(*BOTH)], "tls": [tls(to("other"))]}, {}, []),
        ({"http": [route(*BOTH)], "tls": [tls(*BOTH)]}, {"routes": ["*"]}, []),
        ({"tls": [tls(*BOTH)]}, {}, []),
    ],
)
def test_routes_of_level_4_beside_http_are_told(spec: Object, asked: Object, told: list[str]) -> None:
    found = istio.warnings(objects(virtual_service(**spec)), target(**asked), DesiredTraffic(split_of(20)))
    assert [text.partition(", ")[2].partition(" (")[0] for text in found] == told
