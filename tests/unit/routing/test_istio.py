"""A VirtualService before and after a split: only the weights that were asked for change, and all of it comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing import istio
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Split, Target, Wish, split_of

from .moves import moved

Object = dict[str, Any]

FULL = "shop.test.svc.cluster.local"
FULL_CANARY = "shop-canary.test.svc.cluster.local"
MANNERS: Object = {
    "match": [{"uri": {"prefix": "/"}, "headers": {"x-a": {"exact": "1"}}, "withoutHeaders": {"x-b": {"regex": ".*"}}}],
    "rewrite": {"uri": "/v1"},
    "timeout": "3s",
    "retries": {"attempts": 3, "perTryTimeout": "1s", "retryOn": "5xx"},
    "fault": {"delay": {"fixedDelay": "1s", "percentage": {"value": 0.1}}},
    "mirror": {"host": "shadow"},
    "mirrorPercentage": {"value": 12.5},
    "corsPolicy": {"allowOrigins": [{"exact": "*"}], "maxAge": "24h"},
    "headers": {"request": {"set": {"a": "b"}}},
    "unknownToUs": [None, {"x": []}],
}
ELSEWHERE: Object = {
    "hosts": ["shop.example.org"],
    "gateways": ["mesh", "shop"],
    "exportTo": ["."],
    "tls": [{"match": [{"sniHosts": ["shop"]}], "route": [{"destination": {"host": "shop"}}]}],
    "tcp": [{"route": [{"destination": {"host": "shop"}, "weight": 7}]}],
}


def to(host: Any, weight: int | None = None, **more: Any) -> Object:
    destination = {**more, "destination": {"host": host, **more.get("destination", {})}}
    return destination if weight is None else {**destination, "weight": weight}


def route(*destinations: Object, name: str | None = None, **more: Any) -> Object:
    return {**({"name": name} if name else {}), **more, "route": list(destinations)}


def virtual_service(*http: Object, version: str = "v1beta1") -> Object:
    obj = {
        "apiVersion": f"networking.istio.io/{version}",
        "kind": "VirtualService",
        "metadata": {"name": "shop", "namespace": "test", "labels": {"team": "shop"}},
        "spec": {**ELSEWHERE, "http": http},
    }
    return dict(json.loads(json.dumps(obj)))  # as from the API server: no two parts of it are the same object


def objects(obj: Object) -> Object:
    return {"virtual_service": obj}


def target(**more: Any) -> Target:
    given = {"router": "istio", "name": "shop", "namespace": "test", "stable_service": "shop", "canary_service": "shop-canary", **more}
    return Target(**{**given, "routes": tuple(given.get("routes", ()))})


REDIRECT: Object = {"match": [{"uri": {"exact": "/old"}}], "redirect": {"uri": "/new"}}
DELEGATE: Object = {"name": "delegated", "delegate": {"name": "other", "namespace": "test"}}
ANSWER: Object = {"directResponse": {"status": 503}}
ELSE: Object = route(to("other", 60), to("third", 40), name="else")
BOTH = (to("shop", 100), to("shop-canary", 0))
PORT: Object = {"destination": {"port": {"number": 8080}}}
HEADERS: Object = {"headers": {"response": {"add": {"x-v": "1"}}}}
AFTER_20 = (to("shop", 80), to("shop-canary", 20))
ALL: Object = {"routes": ["*"]}

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
    pytest.param([route(to("shop", 3), to("shop-canary", 1))], {}, 20, [route(*AFTER_20)], id="weights that sum to 4"),
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
    pytest.param([route(*BOTH, name="p", **MANNERS)], {}, 20, [route(*AFTER_20, name="p", **MANNERS)], id="all else in the route"),
]


@pytest.mark.parametrize(("before", "asked", "weight", "after"), SPLITS)
def test_splits(before: list[Object], asked: Object, weight: int, after: list[Object]) -> None:
    place, split = target(**asked), split_of(weight)
    result = moved(objects(virtual_service(*before)), place, Wish(split))
    assert result == objects(virtual_service(*after))
    assert istio.weight(result, place) == split


# http, what differs in the target, what the message says
REFUSALS = [
    pytest.param([], {}, "has no HTTP route to Service 'shop' (its destinations: none): check stable_service", id="no route"),
    pytest.param([REDIRECT, DELEGATE], {}, "has no HTTP route to Service 'shop' (its destinations: none)", id="only redirects"),
    pytest.param(
        [ELSE], {}, "has no HTTP route to Service 'shop' (its destinations: other, third): check stable_service", id="other destinations"
    ),
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
        """has 2 HTTP routes to Service 'shop' (a, number 2 without a name): say which with routes, or routes: ["*"] for all""",
        id="two qualify",
    ),
    pytest.param([route(*BOTH, name="a")], {"routes": ["b"]}, "has no HTTP route named 'b' (it has: a): correct routes", id="name missing"),
    pytest.param([route(*BOTH)], {"routes": ["b"]}, "has no HTTP route named 'b' (it has: none has a name): correct routes", id="no names"),
    pytest.param(
        [route(*BOTH, name="a")] * 2, {"routes": ["a"]}, "has 2 HTTP routes named 'a': give them different names", id="name twice"
    ),
    pytest.param(
        [DELEGATE, route(*BOTH)],
        {"routes": ["delegated"]},
        "HTTP route 'delegated' does not lead to Service 'shop'",
        id="name of a delegate",
    ),
    pytest.param([ELSE, route(*BOTH)], {"routes": ["else"]}, "HTTP route 'else' does not lead to Service 'shop'", id="name of another"),
    pytest.param(
        [route(*BOTH, to("third", 5), name="a")],
        {},
        "HTTP route a: it also leads to third: its share cannot be told",
        id="a third destination",
    ),
    pytest.param([route(*BOTH, to("third", 0))], {}, "HTTP route without a name: it also leads to third", id="a third destination at 0"),
    pytest.param(
        [route(*BOTH), route(to("shop"), to("x"), to("y"), name="b")], ALL, "HTTP route b: it also leads to x, y", id="one of all has more"
    ),
    pytest.param(
        [route(to("shop", 50), to("shop", 50))], {}, "Service 'shop' stands in it more than once: leave one destination", id="stable twice"
    ),
    pytest.param([route(to("shop"), to(FULL))], {}, "Service 'shop' stands in it more than once", id="stable twice in two forms"),
    pytest.param([route(*BOTH, to(FULL_CANARY))], {}, "Service 'shop-canary' stands in it more than once", id="canary twice"),
    pytest.param(
        [route(to("shop", destination={"subset": "a"}), to("shop", destination={"subset": "b"}))],
        {},
        "more than once",
        id="subsets of one host",
    ),
]


@pytest.mark.parametrize(("http", "asked", "said"), REFUSALS)
def test_refusals(http: list[Object], asked: Object, said: str) -> None:
    obj = virtual_service(*http)
    for weight in (0, 20):
        with pytest.raises(Refused) as refused:
            istio.changes(objects(obj), target(**asked), Wish(split_of(weight)))
        assert said in str(refused.value)
        assert str(refused.value).startswith("VirtualService test/shop")
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("spec", [None, {}, {"http": None}, {"tls": ELSEWHERE["tls"]}])
def test_a_virtual_service_without_http_is_refused(spec: Any) -> None:
    obj = {**virtual_service(), "spec": spec}
    for call in (lambda: istio.changes(objects(obj), target(), Wish(split_of(5))), lambda: istio.weight(objects(obj), target())):
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
    found = istio.parts(target(api_version=asked))["virtual_service"].resource
    assert (found.kind, found.api_version) == ("VirtualService", version)
