"""Objects of the routers that come as definitions before and after a split: only the weights asked for change, and all of it comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.custom.definition import read_definition
from ansible_collections.progressive.delivery.plugins.module_utils._routing.custom.shipped.registry import shipped
from ansible_collections.progressive.delivery.plugins.module_utils._routing.registry import router_of
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import (
    Condition,
    DesiredTraffic,
    ManagedRoute,
    Split,
    Target,
    split_of,
)

from .moves import moved

Object = dict[str, Any]


def obj(router: str, spec: Object, **more: Any) -> Object:
    """As from the API server: no two parts of it are the same object."""
    metadata = {"name": "shop", "namespace": "test", "annotations": {"projectcontour.io/ingress.class": "own"}, "generation": 3}
    return dict(
        json.loads(
            json.dumps(
                {"apiVersion": shipped(router).api_versions[0], "kind": shipped(router).kind, "metadata": metadata, "spec": spec, **more}
            )
        )
    )


def target(router: str, **more: Any) -> Target:
    given = {"router": router, "name": "shop", "namespace": "test", "stable_service": "shop", "canary_service": "shop-canary", **more}
    return Target(**{**given, **{key: tuple(given.get(key, ())) for key in ("routes", "additional_destinations")}})


def to(name: str, weight: int | None = None, key: str = "name", **more: Any) -> Object:
    return {key: name, **more, **({} if weight is None else {"weight": weight})}


def wrr(*services: Object, **more: Any) -> Object:
    return {"weighted": {"services": list(services), **more}}


def proxy(*routes: Object) -> Object:
    elsewhere = {"virtualhost": {"fqdn": "shop.example.org"}, "includes": [{"name": "other"}], "tcpproxy": {"services": []}}
    return {**elsewhere, "routes": list(routes)}


def path(prefix: str, *services: Object, **more: Any) -> Object:
    return {"conditions": [{"prefix": prefix}], "services": list(services), **more}


def mesh(*backends: Object) -> Object:
    return {"service": "shop-root", "matches": [{"kind": "HTTPRouteGroup", "name": "x"}], "backends": list(backends)}


def backend(name: str, weight: int | None = None, **more: Any) -> Object:
    return to(name, weight, "serviceName", **{"servicePort": 80, **more})


def rule(name: str, *backends: Object, **more: Any) -> Object:
    return {"name": name, "match": {"paths": ["/*"]}, "backends": list(backends), **more}


def apisix(*rules: Object) -> Object:
    return {"http": list(rules), "stream": [{"name": "shop", "backend": {"serviceName": "shop"}}]}


PORT: Object = {"port": 80}
TRAEFIK: Object = {
    **PORT,
    "kind": "Service",
    "namespace": "test",
    "healthCheck": {"path": "/health"},
    "responseForwarding": {"flushInterval": "1ms"},
    "serversTransport": "mtls",
    "passHostHeader": True,
    "unknownToUs": [None, {"x": []}],
}
CONTOUR: Object = {
    **PORT,
    "protocol": "h2c",
    "responseHeadersPolicy": {"set": [{"name": "a", "value": "b"}]},
    "slowStartPolicy": {"window": "5s"},
}
ROUTE: Object = {
    "enableWebsockets": True,
    "responseHeadersPolicy": {"set": [{"name": "access-control-allow-origin", "value": "*"}]},
    "retryPolicy": {"count": 3, "retryOn": ["5xx"]},
    "timeoutPolicy": {"response": "3s"},
    "pathRewritePolicy": {"replacePrefix": [{"replacement": "/"}]},
}
MIRROR: Object = {**to("shop-canary", 10, **PORT), "mirror": True}
ALL: Object = {"routes": ["*"]}
SUBSET: Object = {"subset": "v1", "resolveGranularity": "service"}

# The router, its spec before, what differs in the target, weight and weight_total, the spec after.
SPLITS = [
    ("traefik", "a split that is there", wrr(to("shop", 100), to("shop-canary", 0)), {}, (20, 100),
     wrr(to("shop", 80), to("shop-canary", 20))),
    ("traefik", "no canary: a copy of the stable one", wrr(to("shop", 100, **TRAEFIK)), {}, (20, 100),
     wrr(to("shop", 80, **TRAEFIK), to("shop-canary", 20, **TRAEFIK))),
    ("traefik", "no canary, and none wanted", wrr(to("shop", **PORT)), {}, (0, 100), wrr(to("shop", **PORT))),
    ("traefik", "no weights, which stayed at one half each (argo-rollouts 2051)", wrr(to("shop"), to("shop-canary")), {}, (20, 100),
     wrr(to("shop", 80), to("shop-canary", 20))),
    ("traefik", "no weights are one half each", wrr(to("shop"), to("shop-canary")), {}, (50, 100), wrr(to("shop"), to("shop-canary"))),
    ("traefik", "a sum other than 100 stays (flagger 1692)", wrr(to("shop", 10), to("shop-canary", 0)), {}, (20, 100),
     wrr(to("shop", 8), to("shop-canary", 2))),
    ("traefik", "a sum that cannot say the split", wrr(to("shop", 10), to("shop-canary", 0)), {}, (25, 1000),
     wrr(to("shop", 975), to("shop-canary", 25))),
    ("traefik", "the last part", wrr(to("shop", 1)), {}, (100, 100), wrr(to("shop", 0), to("shop-canary", 1))),
    ("traefik", "canary first", wrr(to("shop-canary", 0), to("shop", 100)), {}, (5, 100), wrr(to("shop-canary", 5), to("shop", 95))),
    ("traefik", "stickiness stays", wrr(to("shop", 100), sticky={"cookie": {"name": "x"}}), {}, (1, 100),
     wrr(to("shop", 99), to("shop-canary", 1), sticky={"cookie": {"name": "x"}})),
    ("traefik", "a TraefikService of the same name is another", wrr(to("shop", 9, kind="TraefikService"), to("shop", 100)),
     {"additional_destinations": ["shop"]}, (20, 100), wrr(to("shop", 9, kind="TraefikService"), to("shop", 80), to("shop-canary", 20))),
    ("traefik", "a Service of another namespace is another", wrr(to("shop", 9, namespace="other"), to("shop", 100)),
     {"additional_destinations": ["shop.other"]}, (20, 100), wrr(to("shop", 9, namespace="other"), to("shop", 80), to("shop-canary", 20))),
    ("traefik", "in another namespace", wrr(to("shop", 100, namespace="other")),
     {"stable_service": "shop.other", "canary_service": "new.other"}, (20, 100),
     wrr(to("shop", 80, namespace="other"), to("new", 20, namespace="other"))),
    ("traefik", "from one namespace to another", wrr(to("shop", 100)), {"canary_service": "shop.other.svc.cluster.local"}, (20, 100),
     wrr(to("shop", 80), to("shop", 20, namespace="other"))),
    ("traefik", "others keep their share (gateway api plugin 203)", wrr(to("else", 50), to("shop", 50)),
     {"additional_destinations": ["else"]}, (20, 100), wrr(to("else", 50), to("shop", 40), to("shop-canary", 10))),
    ("contour", "the only route, with all that it has (flagger 968, 1449, 1848)", proxy(path("/", to("shop", **CONTOUR), **ROUTE)), {},
     (20, 100),
     proxy(path("/", to("shop", 80, **CONTOUR), to("shop-canary", 20, **CONTOUR), **ROUTE))),
    ("contour", "no weights are one half each", proxy(path("/", to("shop"), to("shop-canary"))), {}, (0, 100),
     proxy(path("/", to("shop", 2), to("shop-canary")))),
    ("contour", "without weight beside one with", proxy(path("/", to("shop", 10), to("shop-canary"))), {}, (30, 100),
     proxy(path("/", to("shop", 7), to("shop-canary", 3)))),
    ("contour", "all to the canary", proxy(path("/", to("shop"))), {}, (100, 100), proxy(path("/", to("shop"), to("shop-canary", 1)))),
    ("contour", "a mirror is no destination", proxy(path("/", to("shop", **PORT), MIRROR)), {}, (20, 100),
     proxy(path("/", to("shop", 80, **PORT), MIRROR, to("shop-canary", 20, **PORT)))),
    ("contour", "all routes", proxy(path("/a", to("shop", 1)), path("/b", to("else", 1)), path("/c", to("shop", 4))), ALL, (25, 100),
     proxy(path("/a", to("shop", 75), to("shop-canary", 25)), path("/b", to("else", 1)), path("/c", to("shop", 3), to("shop-canary", 1)))),
    ("contour", "routes that nothing tells apart", proxy(path("/", to("shop", 4)), path("/", to("shop", 4))), ALL, (25, 100),
     proxy(path("/", to("shop", 3), to("shop-canary", 1)), path("/", to("shop", 3), to("shop-canary", 1)))),
    ("contour", "a route for all else", proxy({"services": [to("shop", 4)]}, path("/b", to("else"))), {}, (25, 100),
     proxy({"services": [to("shop", 3), to("shop-canary", 1)]}, path("/b", to("else")))),
    ("smi", "stable and canary", mesh(to("shop", 100, "service"), to("shop-canary", 0, "service")), {}, (5, 100),
     mesh(to("shop", 95, "service"), to("shop-canary", 5, "service"))),
    ("smi", "only stable", mesh(to("shop", 1, "service")), {}, (1, 1000),
     mesh(to("shop", 999, "service"), to("shop-canary", 1, "service"))),
    ("apisix", "the only route", apisix(rule("one", backend("shop"))), {}, (20, 100),
     apisix(rule("one", backend("shop", 80), backend("shop-canary", 20)))),
    ("apisix", "100 is the weight where none is given", apisix(rule("one", backend("shop"), backend("shop-canary", 0))), {}, (0, 100),
     apisix(rule("one", backend("shop"), backend("shop-canary", 0)))),
    ("apisix", "a subset is not the canary's", apisix(rule("one", backend("shop", 10, **SUBSET))), {}, (20, 100),
     apisix(rule("one", backend("shop", 8, **SUBSET), backend("shop-canary", 2, resolveGranularity="service")))),
    ("apisix", "by name", apisix(rule("one", backend("shop")), rule("two", backend("shop"), plugins=[])), {"routes": ["two"]}, (20, 100),
     apisix(rule("one", backend("shop")), rule("two", backend("shop", 80), backend("shop-canary", 20), plugins=[]))),
    ("apisix", "all", apisix(rule("one", backend("shop")), rule("two", backend("shop", 0), backend("shop-canary", 1))), ALL, (100, 100),
     apisix(rule("one", backend("shop", 0), backend("shop-canary", 100)), rule("two", backend("shop", 0), backend("shop-canary", 1)))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("router", "before", "differs", "weight", "after"),
    [(case[0], *case[2:]) for case in SPLITS],
    ids=[f"{case[0]}: {case[1]}" for case in SPLITS],
)
def test_a_split(router: str, before: Object, differs: Object, weight: tuple[int, int], after: Object) -> None:
    place, split = target(router, **differs), split_of(*weight)
    live = moved({"object": obj(router, before)}, place, DesiredTraffic(split))
    assert live["object"] == obj(router, after)
    found = router_of(place).weight(live, place)
    assert found.canary * split.total == split.canary * found.total


# What the object says, as parts.
NOW = [
    ("traefik", "one takes everything", wrr(to("shop", 7)), Split(7, 0)),
    ("traefik", "even one of weight 0", wrr(to("shop", 0)), Split(1, 0)),
    ("traefik", "no weights", wrr(to("shop"), to("shop-canary")), Split(1, 1)),
    ("contour", "no weights", proxy(path("/", to("shop"), to("shop-canary"))), Split(1, 1)),
    ("contour", "no weight beside one", proxy(path("/", to("shop"), to("shop-canary", 3))), Split(0, 3)),
    ("contour", "a mirror", proxy(path("/", to("shop", 5), MIRROR)), Split(5, 0)),
    ("smi", "neither has any", mesh(to("shop", 0, "service"), to("shop-canary", 0, "service")), Split(1, 0)),
    ("apisix", "one without", apisix(rule("one", backend("shop"), backend("shop-canary", 25))), Split(100, 25)),
]


@pytest.mark.parametrize(("router", "spec", "split"), [(case[0], *case[2:]) for case in NOW], ids=[f"{case[0]}: {case[1]}" for case in NOW])
def test_what_the_object_says(router: str, spec: Object, split: Split) -> None:
    assert router_of(target(router)).weight({"object": obj(router, spec)}, target(router)) == split


TWO = wrr(to("shop", 10), to("else", 5))
REFUSED = [
    ("traefik", "no route", wrr(to("a"), to("b", kind="TraefikService")), {}, 20,
     "TraefikService test/shop has no route to Service 'shop' (its destinations: TraefikService b, a)"),
    ("traefik", "not weighted", {"mirroring": {"name": "shop"}}, {}, 20,
     "TraefikService test/shop has no route to Service 'shop' (its destinations: none)"),
    ("traefik", "a route by name", wrr(to("shop")), {"routes": ["shop"]}, 20,
     'TraefikService test/shop has routes without names'),
    ("traefik", "others", TWO, {}, 20, 'TraefikService test/shop also leads to else, whose share is not defined'),
    ("traefik", "what others leave cannot say it", TWO, {"additional_destinations": ["else"]}, 25,
     'cannot give the canary 25 of 100 parts: stable and canary have 10 parts of its weight'),
    ("traefik", "others have everything", wrr(to("shop", 0), to("else", 5)), {"additional_destinations": ["else"]}, 25,
     "TraefikService test/shop gives all of the weight to its other destinations: give Service 'shop' some"),
    ("traefik", "twice", wrr(to("shop", 1, port=80), to("shop", 1, port=81)), {}, 20,
     "TraefikService test/shop leads to Service 'shop' more than once: leave one destination for it"),
    ("traefik", "a weight that is none", wrr(to("shop"), {"name": "shop-canary", "weight": "20"}), {}, 20,
     "TraefikService test/shop gives shop-canary the weight '20', and only whole numbers can be split: correct weight there"),
    ("contour", "several routes", proxy(path("/a", to("shop")), path("/b", to("shop"))), {}, 20,
     'has 2 routes to Service \'shop\' (spec.routes[conditions=[{"prefix": "/a"}]], spec.routes[conditions=[{"prefix": "/b"}]])'),
    ("contour", "another namespace", proxy(path("/", to("shop"))), {"canary_service": "shop-canary.other"}, 20,
     "cannot lead to Service 'shop-canary.other' in another namespace: use a Service in test"),
    ("contour", "others without weights", proxy(path("/", to("shop"), to("else"))), {"additional_destinations": ["else"]}, 20,
     'has no destination with a weight, so that the others would lose their share: give them weights first'),
    ("apisix", "several routes", apisix(rule("one", backend("shop")), rule("two", backend("shop"))), {}, 20,
     'ApisixRoute test/shop has 2 routes to Service \'shop\' (one, two): choose with routes, or routes: ["*"] for all'),
    ("apisix", "no such route", apisix(rule("one", backend("shop"))), {"routes": ["two"]}, 20,
     "ApisixRoute test/shop has no route named 'two' (it has: one): correct routes"),
    ("apisix", "not to stable", apisix(rule("one", backend("shop")), rule("two", backend("else"))), {"routes": ["two"]}, 20,
     "ApisixRoute test/shop, route two does not lead to Service 'shop': correct routes or stable_service"),
    ("apisix", "two of a name", apisix(rule("one", backend("shop")), rule("one", backend("shop"))), {"routes": ["one"]}, 20,
     "ApisixRoute test/shop has 2 routes named 'one': give them different names"),
    ("apisix", "upstreams beside backends", apisix(rule("one", backend("shop"), upstreams=[{"name": "outside"}])), {}, 20,
     'shares its traffic with upstreams, so that the split is not defined: remove upstreams there'),
    ("smi", "quantities, as of v1alpha1 (azure k8s-deploy 150)", mesh({"service": "shop", "weight": "1000m"}), {}, 20,
     "TrafficSplit test/shop gives shop the weight '1000m', and only whole numbers can be split: correct weight there"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("router", "spec", "differs", "weight", "message"),
    [(case[0], *case[2:]) for case in REFUSED],
    ids=[f"{case[0]}: {case[1]}" for case in REFUSED],
)
def test_what_cannot_be_split_is_refused(router: str, spec: Object, differs: Object, weight: int, message: str) -> None:
    place = target(router, **differs)
    with pytest.raises(Refused) as refused:
        router_of(place).changes({"object": obj(router, spec)}, place, DesiredTraffic(split_of(weight)))
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("wish", "asked"),
    [
        (DesiredTraffic(split_of(0), (ManagedRoute("qa", ((Condition("header", "x", "exact", "1"),),)),)), "matches"),
        (DesiredTraffic(split_of(0), mirror=5), "mirror"),
    ],
)
@pytest.mark.parametrize("router", ["traefik", "contour", "smi", "apisix"])
def test_matches_and_mirrors_are_refused_by_name(router: str, wish: DesiredTraffic, asked: str) -> None:
    with pytest.raises(Refused) as refused:
        router_of(target(router)).changes({"object": obj(router, {})}, target(router), wish)
    assert refused.value.problem.object == f"{shipped(router).kind} test/shop"
    assert refused.value.problem.what.startswith(f"cannot do {asked} with router {router}")


def test_a_sum_that_must_be() -> None:
    """As NGINX's VirtualServer has it: splits that sum to 100, and the name of the destination two keys deep."""
    raw = {
        "apiVersion": "k8s.nginx.org/v1",
        "kind": "VirtualServer",
        "plural": "virtualservers",
        "destinations": "spec.routes[].splits[]",
        "destination": {"service": "action.pass"},
        "weight": {"total": 100},
        "routes": {"name": "path"},
        "add_canary": False,
    }
    place = target("nginx", definition=read_definition(raw), additional_destinations=["else"])

    def spec(*weights: int) -> Object:
        names = ("shop", "shop-canary", "else")[: len(weights)]
        splits = [{"action": {"pass": name}, "weight": weight} for name, weight in zip(names, weights, strict=True)]
        routes = [{"path": "/", "splits": splits}]
        return {
            "apiVersion": "k8s.nginx.org/v1",
            "kind": "VirtualServer",
            "metadata": {"name": "shop", "namespace": "test"},
            "spec": {"routes": routes},
        }

    assert moved({"object": spec(60, 0, 40)}, place, DesiredTraffic(split_of(50)))["object"] == spec(30, 30, 40)
    assert moved({"object": spec(50, 0, 0)}, place, DesiredTraffic(split_of(50)))["object"] == spec(50, 50, 0), (
        "what was wrong before is right after"
    )
    with pytest.raises(Refused, match=r"1 of 100 parts: stable and canary have 60 parts of its weight: ask for the nearest, 1 of 60"):
        moved({"object": spec(60, 0, 40)}, place, DesiredTraffic(split_of(1)))
    with pytest.raises(Refused, match="route / has no destination for Service 'shop-canary': add one with weight 0"):
        moved({"object": spec(100)}, place, DesiredTraffic(split_of(1)))


def test_a_list_within_a_list_within_a_list() -> None:
    raw = {
        "apiVersion": "example.org/v1",
        "kind": "Road",
        "plural": "roads",
        "destinations": "spec.hosts[].http.paths[].to[]",
        "destination": {"service": "name"},
        "routes": {"name": "title", "told_apart_by": ["host"]},
    }
    place = target("road", definition=read_definition(raw), routes=["b"])

    def road(*new: Object, put: Object | None = None) -> Object:
        hosts = [
            {"host": "x", "http": {"paths": [{"title": "a", "to": [to("shop", 100)]}]}},
            {"host": "y", "http": {"paths": [{"title": "b", "to": list(new)}, {"title": "c", "to": [to("shop", 100)]}]}},
        ]
        return {
            "apiVersion": "example.org/v1",
            "kind": "Road",
            "metadata": {"name": "shop", "namespace": "test"},
            "spec": {"hosts": [*([put] if put else []), *hosts]},
        }

    assert moved({"object": road(to("shop", 100))}, place, DesiredTraffic(split_of(9)))["object"] == road(
        to("shop", 91), to("shop-canary", 9)
    )
    [change] = router_of(place).changes({"object": road(to("shop", 100))}, place, DesiredTraffic(split_of(9)))
    steps = ("spec", "hosts", {"host": "y"}, "http", "paths", {"title": "b"}, "to")
    assert [edit.path for edit in change.edits] == [(*steps, {"name": "shop"}, "weight"), (*steps, {"name": "shop-canary"})]
