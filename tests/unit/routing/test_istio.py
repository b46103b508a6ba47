"""A VirtualService before and after a split: only the weights that were asked for change, and all of it comes back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.istio import router as istio
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import DesiredTraffic, Split, split_of

from .moves import carried_out, moved
from .virtual_services import (
    AFTER_20,
    ALL,
    ANSWER,
    BOTH,
    DELEGATE,
    ELSE,
    FULL,
    FULL_CANARY,
    HEADERS,
    MANNERS,
    PORT,
    REDIRECT,
    SUBSETS,
    Object,
    objects,
    route,
    target,
    to,
    virtual_service,
)

# http before, what differs in the target, weight, http after
SPLITS = [
    pytest.param([route(*BOTH)], {}, 20, [route(*AFTER_20)], id="the only route, unnamed"),
    pytest.param([route(*BOTH, name="primary")], {"routes": ["primary"]}, 20, [route(*AFTER_20, name="primary")], id="a named route"),
    pytest.param(
        [route(*BOTH, name="primary")], {"routes": ["primary", "primary"]}, 20, [route(*AFTER_20, name="primary")], id="a route named twice"
    ),
    pytest.param([route(*BOTH)], {}, 0, [route(*BOTH)], id="weight 0 as it is"),
    pytest.param([route(*BOTH)], {}, 100, [route(to("shop", 0), to("shop-canary", 100))], id="weight 100"),
    pytest.param([route(*BOTH[::-1])], {}, 20, [route(*AFTER_20[::-1])], id="canary first"),
    pytest.param([route(to("shop", 30), to("shop-canary", 70))], {}, 20, [route(*AFTER_20)], id="from another split"),
    pytest.param([route(to("shop"), to("shop-canary"))], {}, 20, [route(*AFTER_20)], id="both without weights"),
    pytest.param([route(to("shop", 100), to("shop-canary"))], {}, 20, [route(*AFTER_20)], id="canary without weight"),
    pytest.param(
        [route(to("shop", 3), to("shop-canary", 1))], {}, 20, [route(*AFTER_20)], id="weights that sum to 4 cannot say 20 percent"
    ),
    pytest.param(
        [route(to("shop", 3), to("shop-canary", 1))],
        {},
        50,
        [route(to("shop", 2), to("shop-canary", 2))],
        id="weights that sum to 4 can say half",
    ),
    pytest.param(
        [route(to("shop", 0), to("shop-canary", 0))], {}, 20, [route(*AFTER_20)], id="argo-rollouts#3141 total destination weight = 0"
    ),
    pytest.param([route(to("shop", 50))], {}, 20, [route(to("shop", 40), to("shop-canary", 10))], id="a single weight other than 100"),
    pytest.param([route(to("shop"))], {}, 20, [route(*AFTER_20)], id="canary missing, stable without weight"),
    pytest.param([route(to("shop", 100))], {}, 20, [route(*AFTER_20)], id="canary missing, stable with weight"),
    pytest.param([route(to("shop"))], {}, 0, [route(to("shop"))], id="canary missing, weight 0"),
    pytest.param([route(to("shop"))], {}, 100, [route(to("shop", 0), to("shop-canary", 100))], id="canary missing, weight 100"),
    pytest.param(
        [route(to("shop", **PORT, **HEADERS))],
        {},
        5,
        [route(to("shop", 95, **PORT, **HEADERS), to("shop-canary", 5, **PORT, **HEADERS))],
        id="a canary that is added has port and headers of stable",
    ),
    pytest.param(
        [route(to("shop", destination={"subset": "v1", "port": {"number": 80}}))],
        {},
        5,
        [
            route(
                to("shop", 95, destination={"subset": "v1", "port": {"number": 80}}),
                to("shop-canary", 5, destination={"port": {"number": 80}}),
            )
        ],
        id="a canary that is added has no subset, for which its host has no rule",
    ),
    pytest.param([route(to(FULL))], {}, 5, [route(to(FULL, 95), to(FULL_CANARY, 5))], id="a canary is added in full where stable is"),
    pytest.param(
        [route(to("shop"))],
        {"canary_service": "shop-canary.test"},
        5,
        [route(to("shop", 95), to(FULL_CANARY, 5))],
        id="Istio resolves no half names",
    ),
    pytest.param(
        [route(to(FULL))], {"canary_service": FULL_CANARY}, 5, [route(to(FULL, 95), to(FULL_CANARY, 5))], id="a canary is named in full"
    ),
    pytest.param([route(to(FULL, 100), to("shop-canary", 0))], {}, 20, [route(to(FULL, 80), to("shop-canary", 20))], id="stable in full"),
    pytest.param(
        [route(to(FULL + ".", 100), to(FULL_CANARY, 0))],
        {},
        20,
        [route(to(FULL + ".", 80), to(FULL_CANARY, 20))],
        id="both in full, one with a dot",
    ),
    pytest.param([route(*BOTH)], {"stable_service": FULL, "canary_service": FULL_CANARY}, 20, [route(*AFTER_20)], id="asked for in full"),
    pytest.param(
        [route(to("shop.other.svc.cluster.local", 100), name="other"), route(*BOTH)],
        {},
        20,
        [route(to("shop.other.svc.cluster.local", 100), name="other"), route(*AFTER_20)],
        id="the same name in another namespace is another Service",
    ),
    pytest.param(
        [route(*BOTH, name="a"), route(*BOTH, name="b")],
        {"routes": ["b"]},
        20,
        [route(*BOTH, name="a"), route(*AFTER_20, name="b")],
        id="one of two",
    ),
    pytest.param(
        [route(*BOTH, name="a"), route(to("shop"), name="b")],
        {"routes": ["b", "a"]},
        20,
        [route(*AFTER_20, name="a"), route(*AFTER_20, name="b")],
        id="both",
    ),
    pytest.param(
        [route(*BOTH), ELSE, route(to("shop"))], ALL, 20, [route(*AFTER_20), ELSE, route(*AFTER_20)], id="all that qualify, unnamed"
    ),
    pytest.param([route(*BOTH, name="a"), route(*BOTH, name="a")], ALL, 20, [route(*AFTER_20, name="a")] * 2, id="all, two of one name"),
    pytest.param(
        [REDIRECT, DELEGATE, ANSWER, route(*BOTH), ELSE],
        {},
        20,
        [REDIRECT, DELEGATE, ANSWER, route(*AFTER_20), ELSE],
        id="routes of other kinds",
    ),
    pytest.param(
        [route(*BOTH, name="p", **MANNERS)],
        {},
        20,
        [route(*AFTER_20, name="p", **MANNERS)],
        id="argo-rollouts#2266 retries and all else stay",
    ),
    pytest.param(
        [route(*BOTH, name="p")], {}, 20, [route(*AFTER_20, name="p")], id="argo-rollouts#3884 the only route has a name and is not named"
    ),
    pytest.param(
        [route(to("shop"), match=[{"uri": {"prefix": path}}]) for path in ("/a", "/b")],
        ALL,
        20,
        [route(*AFTER_20, match=[{"uri": {"prefix": path}}]) for path in ("/a", "/b")],
        id="unnamed routes told apart by their matches",
    ),
    pytest.param(
        [route(to("shop"), match=[{"method": {"exact": "GET"}}]), route(to("shop"))],
        ALL,
        20,
        [route(*AFTER_20, match=[{"method": {"exact": "GET"}}]), route(*AFTER_20)],
        id="unnamed routes of which one has no match",
    ),
    pytest.param(
        [route(*BOTH, name="a", match=[{"port": 80}]), route(*BOTH, name="a")],
        ALL,
        20,
        [route(*AFTER_20, name="a", match=[{"port": 80}]), route(*AFTER_20, name="a")],
        id="one name, two matches",
    ),
    pytest.param(
        [route(to("shop.test"), name="outside"), route(*BOTH)],
        {},
        20,
        [route(to("shop.test"), name="outside"), route(*AFTER_20)],
        id="a host with dots is no Service of the cluster, but a ServiceEntry's",
    ),
    pytest.param(
        [route(to("shop.test"))],
        {"stable_service": "shop.test", "canary_service": "shop-canary.test"},
        20,
        [route(to("shop.test", 80), to(FULL_CANARY, 20))],
        id="a host with dots that is asked for to the letter",
    ),
    pytest.param(
        [route(to("shop"))],
        {"canary_service": "shop-canary.other"},
        20,
        [route(to("shop", 80), to("shop-canary.other.svc.cluster.local", 20))],
        id="a canary in another namespace",
    ),
    pytest.param(
        [route(to("shop.other.svc.cluster.local"))],
        {"stable_service": "shop.other"},
        20,
        [route(to("shop.other.svc.cluster.local", 80), to(FULL_CANARY, 20))],
        id="stable in another namespace",
    ),
    pytest.param(
        [route(to("shop.test.svc.corp.internal", 100), to("shop-canary", 0))],
        {"cluster_domain": "corp.internal"},
        20,
        [route(to("shop.test.svc.corp.internal", 80), to("shop-canary", 20))],
        id="another cluster domain",
    ),
    pytest.param(
        [route(to("shop", 60), to("shop-canary", 0), to("third", 40))],
        {"additional_destinations": ("third",)},
        20,
        [route(to("shop", 48), to("shop-canary", 12), to("third", 40))],
        id="argo-rollouts#3125 a third destination keeps its share",
    ),
    pytest.param(
        [route(to("third", 40), to("shop", 60, **PORT))],
        {"additional_destinations": ("third",)},
        5,
        [route(to("third", 40), to("shop", 57, **PORT), to("shop-canary", 3, **PORT))],
        id="a third destination, and a canary that is added",
    ),
    pytest.param(
        [route(to("shop", 90), to("legacy.example.org", 10), to("shop.other.svc.cluster.local"))],
        {"additional_destinations": ("legacy.example.org", "shop.other")},
        50,
        [route(to("shop", 45), to("legacy.example.org", 10), to("shop.other.svc.cluster.local"), to("shop-canary", 45))],
        id="hosts outside of the cluster and look-alikes elsewhere keep their shares",
    ),
    pytest.param(
        [route(to("shop", 60), to("third", 40))],
        {"additional_destinations": ("third",)},
        0,
        [route(to("shop", 60), to("third", 40))],
        id="a third destination, weight 0",
    ),
]


@pytest.mark.parametrize(("before", "asked", "weight", "after"), SPLITS)
def test_splits(before: list[Object], asked: Object, weight: int, after: list[Object]) -> None:
    place, split = target(**asked), split_of(weight)
    result = moved(objects(virtual_service(*before)), place, DesiredTraffic(split))
    assert result == objects(virtual_service(*after))
    said = istio.weight(result, place)
    assert said.canary * split.total == split.canary * said.total


@pytest.mark.parametrize(
    ("weights", "weight", "total", "after"),
    [
        pytest.param((100, 0), 1, 1000, (999, 1), id="istio#36069 finer than percent"),
        pytest.param((1000, 0), 1, 1000, (999, 1), id="a sum that is as fine already"),
        pytest.param((100, 0), 500, 1000, (50, 50), id="percent will do"),
        pytest.param((7, 0), 1, 7, (6, 1), id="a sum that is odd"),
    ],
)
def test_weights_of_another_total(weights: tuple[int, int], weight: int, total: int, after: tuple[int, int]) -> None:
    before, then = (route(to("shop", stable), to("shop-canary", canary)) for stable, canary in (weights, after))
    assert moved(objects(virtual_service(before)), target(), DesiredTraffic(split_of(weight, total))) == objects(virtual_service(then))


# http, what differs in the target, what the message says
REFUSALS = [
    pytest.param([], {}, "has no HTTP route to Service 'shop' (its destinations: none)", id="no route"),
    pytest.param([REDIRECT], {}, "has no HTTP route to Service 'shop' (its destinations: none)", id="only redirects"),
    pytest.param([REDIRECT, DELEGATE], {}, "it delegates to VirtualService test/other", id="delegates"),
    pytest.param([ELSE], {}, "has no HTTP route to Service 'shop' (its destinations: other, third)", id="other destinations"),
    pytest.param([ELSE], ALL, "has no HTTP route to Service 'shop'", id="all of none"),
    pytest.param(
        [route(to("shop.other.svc.cluster.local"))],
        {},
        "has no HTTP route to Service 'shop' (its destinations: shop.other.",
        id="another namespace",
    ),
    pytest.param([route(to("shop-canary"))], {}, "has no HTTP route to Service 'shop' (its destinations: shop-canary)", id="canary only"),
    pytest.param([route()], {}, "has no HTTP route to Service 'shop'", id="a route without destinations"),
    pytest.param(
        [route(*BOTH, name="a"), REDIRECT, route(*BOTH)],
        {},
        "has 2 HTTP routes to Service 'shop' (a, number 3 without a name)",
        id="argo-rollouts#4741 two qualify",
    ),
    pytest.param([route(*BOTH, name="a")], {"routes": ["b"]}, "has no HTTP route named 'b' (it has: a): correct routes", id="name missing"),
    pytest.param([route(*BOTH)], {"routes": ["b"]}, "has no HTTP route named 'b' (it has: none has a name): correct routes", id="no names"),
    pytest.param(
        [route(*BOTH, name="a")] * 2, {"routes": ["a"]}, "has 2 HTTP routes named 'a': give them different names", id="name twice"
    ),
    pytest.param(
        [DELEGATE, route(*BOTH)],
        {"routes": ["delegated"]},
        "delegates to VirtualService test/other: name that VirtualService",
        id="name of a delegate",
    ),
    pytest.param(
        [ELSE, route(*BOTH)],
        {"routes": ["else"]},
        "does not lead to Service 'shop': correct routes or stable_service",
        id="name of another",
    ),
    pytest.param(
        [route(*BOTH, to("third", 5), name="a")],
        {},
        "HTTP route a also leads to third, whose share is not defined",
        id="a third destination",
    ),
    pytest.param(
        [route(*BOTH, to("third", 0))],
        {},
        "HTTP route number 1 without a name also leads to third, whose share is not defined",
        id="a third destination at 0",
    ),
    pytest.param(
        [route(*BOTH), route(to("shop"), to("x"), to("y"), name="b")],
        ALL,
        "HTTP route b also leads to x, y, whose share is not defined",
        id="one of all has more",
    ),
    pytest.param(
        [route(to("shop", 50), to("shop", 50))],
        {},
        "leads to Service 'shop' more than once: leave one destination for it, or set stable_subset and canary_subset",
        id="stable twice",
    ),
    pytest.param(
        [route(to("shop"), to(FULL))],
        {},
        "leads to Service 'shop' more than once: leave one destination for it, or set stable_subset and canary_subset",
        id="stable twice in two forms",
    ),
    pytest.param(
        [route(*BOTH, to(FULL_CANARY))],
        {},
        "leads to Service 'shop-canary' more than once: leave one destination for it, or set stable_subset and canary_subset",
        id="canary twice",
    ),
    pytest.param(
        [route(to("shop", destination={"subset": "a"}), to("shop", destination={"subset": "b"}))],
        {},
        "leads to Service 'shop' more than once: leave one destination for it, or set stable_subset and canary_subset",
        id="subsets of one host",
    ),
    pytest.param(
        [route(to("shop", 100), to("shop-canary", 0), to("other", 5), to("third", 1))],
        {"additional_destinations": ("third",)},
        "also leads to other, whose share is not defined",
        id="one of two further destinations is named",
    ),
]


@pytest.mark.parametrize(("http", "asked", "said"), REFUSALS)
def test_refusals(http: list[Object], asked: Object, said: str) -> None:
    obj = virtual_service(*http, hosts=["shop.example.org"])
    for weight in (0, 20):
        with pytest.raises(Refused) as refused:
            istio.changes(objects(obj), target(**asked), DesiredTraffic(split_of(weight)))
        assert said in str(refused.value)
        assert str(refused.value).startswith("VirtualService test/shop")
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("weights", "weight", "said"),
    [
        (
            (60, 0),
            1,
            "cannot split 99 to 1 the 60 parts of weight that third leave: use weight 0 or weight 1 with weight_total 60",
        ),
        ((50, 7), 50, "cannot split 50 to 50 the 57 parts of weight that third leave: use weight 28 or weight 29 with weight_total 57"),
        ((0, 0), 5, "leaves no weight to split beside third: give the stable destination a weight"),
    ],
)
def test_a_split_that_whole_parts_cannot_say_beside_a_third_destination(weights: tuple[int, int], weight: int, said: str) -> None:
    obj = virtual_service(route(to("shop", weights[0]), to("shop-canary", weights[1]), to("third", 40)))
    with pytest.raises(Refused, match=re.escape(said)):
        istio.changes(objects(obj), target(additional_destinations=("third",)), DesiredTraffic(split_of(weight)))


@pytest.mark.parametrize("spec", [None, {}, {"http": None}])
def test_a_virtual_service_without_routes_is_refused(spec: Any) -> None:
    obj = {**virtual_service(), "spec": spec}
    for call in (lambda: istio.changes(objects(obj), target(), DesiredTraffic(split_of(5))), lambda: istio.weight(objects(obj), target())):
        with pytest.raises(Refused, match=r"^VirtualService test/shop has no HTTP route to Service 'shop'"):
            call()


@pytest.mark.parametrize(
    ("http", "asked", "split"),
    [
        ([route(to("shop"))], {}, Split(100, 0)),
        ([route(to("shop", 0))], {}, Split(100, 0)),
        ([route(*BOTH)], {}, Split(100, 0)),
        ([route(to("shop", 1), to(FULL_CANARY, 3))], {}, Split(1, 3)),
        ([route(to("shop"), to("shop-canary", 100))], {}, Split(0, 100)),
        ([route(*AFTER_20, name="a"), route(*BOTH, name="b")], {"routes": ["b"]}, Split(100, 0)),
        ([route(*AFTER_20, name="a"), route(*BOTH, name="b")], ALL, Split(80, 20)),
    ],
)
def test_weight_says_the_split_as_it_is(http: list[Object], asked: Object, split: Split) -> None:
    assert istio.weight(objects(virtual_service(*http)), target(**asked)) == split


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        (None, "networking.istio.io/v1beta1"),
        ("v1", "networking.istio.io/v1"),
        ("networking.istio.io/v1alpha3", "networking.istio.io/v1alpha3"),
    ],
)
def test_the_version_asked_for(asked: str | None, version: str) -> None:
    found = [part.resource for part in istio.parts(target(api_version=asked, **SUBSETS)).values()]
    assert [(each.kind, each.api_version) for each in found] == [("VirtualService", version), ("DestinationRule", version)]


def test_what_somebody_puts_above_an_unnamed_route_does_not_matter() -> None:
    place, obj = target(), virtual_service(route(*BOTH, match=[{"uri": {"prefix": "/"}}]))
    after = carried_out(objects(obj), place, DesiredTraffic(split_of(20)))["virtual_service"]
    theirs = route(to("other"), match=[{"uri": {"prefix": "/other"}}])
    live = {**after, "spec": {**after["spec"], "http": [theirs, *after["spec"]["http"]]}}
    assert istio.weight(objects(live), place) == Split(80, 20)
    back = carried_out(objects(live), place, None)["virtual_service"]
    assert back["spec"]["http"] == [theirs, *obj["spec"]["http"]]
