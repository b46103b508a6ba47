"""Routes of our own above those that are split, and copies: what they take, how they treat it, and that they go without a trace."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.istio import router as istio
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import (
    Condition,
    DesiredTraffic,
    ManagedRoute,
    Split,
    split_of,
)

from .moves import carried_out, moved
from .virtual_services import (
    AFTER_20,
    ALL,
    BOTH,
    ELSE,
    HEADERS,
    MANNERS,
    PORT,
    REDIRECT,
    SUBSETS,
    Object,
    destination_rule,
    objects,
    route,
    subset,
    target,
    to,
    virtual_service,
)

QA_HEADER = Condition("header", "x-qa", "exact", "1")
QA = ManagedRoute("qa", ((QA_HEADER,),))
QA_ALONE = ManagedRoute("qa", QA.matches, inherit=False)
QA_QUERY: Object = {"queryParams": {"qa": {}}}
QA_MATCH: Object = {"headers": {"x-qa": {"exact": "1"}}}
CANARY = to("shop-canary")


def qa(*matches: Object, name: str = "progressive-delivery-qa", **more: Any) -> Object:
    return {"name": name, "match": list(matches or [QA_MATCH]), "route": [CANARY], **more}


def on_path(how: str, value: str, name: str = "qa") -> ManagedRoute:
    return ManagedRoute(name, ((Condition("path", "", how, value),),))


def at(how: str, path: str) -> Object:
    return {"uri": {how: path}}


SAME_MANNERS = {key: value for key, value in MANNERS.items() if key != "match"}

# http before, what differs in the target, the wish, http after
MANAGED = [
    pytest.param([route(*BOTH)], {}, DesiredTraffic(Split(100, 0), (QA,)), [qa(), route(*BOTH)], id="a header at weight 0"),
    pytest.param(
        [route(to("shop"))], {}, DesiredTraffic(Split(100, 0), (QA,)), [qa(), route(to("shop"))], id="a canary that no route leads to yet"
    ),
    pytest.param([route(*BOTH)], {}, DesiredTraffic(split_of(20), (QA,)), [qa(), route(*AFTER_20)], id="a header beside a split"),
    pytest.param(
        [route(*BOTH, name="p", **MANNERS)],
        {},
        DesiredTraffic(split_of(20), (QA,)),
        [
            qa({**MANNERS["match"][0], "headers": {"x-a": {"exact": "1"}, "x-qa": {"exact": "1"}}}, **SAME_MANNERS),
            route(*AFTER_20, name="p", **MANNERS),
        ],
        id="argo-rollouts#3155 #2895 rewrite, timeout, retries, cors and all else are inherited",
    ),
    pytest.param(
        [REDIRECT, ELSE, route(*BOTH, name="p"), route(to("other"))],
        {},
        DesiredTraffic(Split(100, 0), (QA,)),
        [REDIRECT, ELSE, qa(), route(*BOTH, name="p"), route(to("other"))],
        id="argo-rollouts#3953 right above the route that it shadows",
    ),
    pytest.param(
        [REDIRECT, route(*BOTH, name="p", **MANNERS)],
        {},
        DesiredTraffic(Split(100, 0), (QA_ALONE,)),
        [qa(), REDIRECT, route(*BOTH, name="p", **MANNERS)],
        id="on top with nothing inherited",
    ),
    pytest.param(
        [route(*BOTH, match=[at("prefix", "/a"), at("prefix", "/b")])],
        {},
        DesiredTraffic(Split(100, 0), (ManagedRoute("qa", ((QA_HEADER,), (Condition("query", "qa", "present"),))),)),
        [
            qa(*({**at("prefix", each), **ours} for each in ("/a", "/b") for ours in (QA_MATCH, QA_QUERY))),
            route(*BOTH, match=[at("prefix", "/a"), at("prefix", "/b")]),
        ],
        id="each alternative with each of theirs",
    ),
    pytest.param(
        [route(*BOTH, name="a", match=[at("prefix", "/a")]), ELSE, route(*BOTH, name="b")],
        ALL,
        DesiredTraffic(Split(100, 0), (QA,)),
        [
            qa({**at("prefix", "/a"), **QA_MATCH}, name="progressive-delivery-qa-1"),
            route(*BOTH, name="a", match=[at("prefix", "/a")]),
            ELSE,
            qa(name="progressive-delivery-qa-2"),
            route(*BOTH, name="b"),
        ],
        id="gatewayapi-plugin#207 above each of the routes that are split",
    ),
    pytest.param(
        [route(*BOTH, name="b"), route(*BOTH, name="a")],
        {"routes": ["a", "b"]},
        DesiredTraffic(Split(100, 0), (QA,)),
        [qa(name="progressive-delivery-qa-1"), route(*BOTH, name="b"), qa(name="progressive-delivery-qa-2"), route(*BOTH, name="a")],
        id="in whichever order the routes are named",
    ),
    pytest.param(
        [route(*BOTH)],
        {},
        DesiredTraffic(
            Split(100, 0), (on_path("prefix", "/b", "second"), QA, on_path("prefix", "/a", "first"), ManagedRoute("top", QA.matches, False))
        ),
        [
            qa(name="progressive-delivery-top"),
            qa(at("prefix", "/b"), name="progressive-delivery-second"),
            qa(),
            qa(at("prefix", "/a"), name="progressive-delivery-first"),
            route(*BOTH),
        ],
        id="several in the order asked",
    ),
    pytest.param(
        [route(to("shop", 100, **PORT, **HEADERS), to("third", 0))],
        {"additional_destinations": ("third",)},
        DesiredTraffic(Split(100, 0), (QA,)),
        [{**qa(), "route": [to("shop-canary", **PORT, **HEADERS)]}, route(to("shop", 100, **PORT, **HEADERS), to("third", 0))],
        id="just to the canary, with the port and the headers of stable",
    ),
    pytest.param(
        [route(*BOTH, match=[at("prefix", "/a"), at("exact", "/b")]), route(*BOTH, name="all")],
        ALL,
        DesiredTraffic(Split(100, 0), (on_path("prefix", "/a/x"),)),
        [
            qa(at("prefix", "/a/x"), name="progressive-delivery-qa-1"),
            route(*BOTH, match=[at("prefix", "/a"), at("exact", "/b")]),
            qa(at("prefix", "/a/x"), name="progressive-delivery-qa-2"),
            route(*BOTH, name="all"),
        ],
        id="a path within theirs",
    ),
    pytest.param(
        [route(*BOTH, name="a", match=[at("prefix", "/a")]), route(*BOTH, name="b", match=[at("prefix", "/b")])],
        ALL,
        DesiredTraffic(Split(100, 0), (on_path("exact", "/b/x"),)),
        [
            route(*BOTH, name="a", match=[at("prefix", "/a")]),
            qa(at("exact", "/b/x")),
            route(*BOTH, name="b", match=[at("prefix", "/b")]),
        ],
        id="not above a route that gets no such request",
    ),
    pytest.param(
        [route(*BOTH, match=[at("prefix", "/demo")], rewrite={"uri": "/"})],
        {},
        DesiredTraffic(Split(100, 0), (QA,)),
        [
            qa({**at("prefix", "/demo"), **QA_MATCH}, rewrite={"uri": "/"}),
            route(*BOTH, match=[at("prefix", "/demo")], rewrite={"uri": "/"}),
        ],
        id="argo-rollouts#3089 the path is rewritten as there",
    ),
    pytest.param(
        [route(*BOTH, match=[at("prefix", "/shop/")], rewrite={"uri": "/", "authority": "x"})],
        {},
        DesiredTraffic(Split(100, 0), (on_path("prefix", "/shop/cart"),)),
        [
            qa(at("prefix", "/shop/cart"), rewrite={"uri": "/cart", "authority": "x"}),
            route(*BOTH, match=[at("prefix", "/shop/")], rewrite={"uri": "/", "authority": "x"}),
        ],
        id="a narrower path is rewritten to what it was rewritten to",
    ),
    pytest.param(
        [route(*BOTH, match=[at("prefix", "/a/"), at("prefix", "/a/b/"), {"port": 80}], rewrite={"uri": "/v1/"})],
        {},
        DesiredTraffic(Split(100, 0), (on_path("exact", "/a/b/c"),)),
        [
            qa(at("exact", "/a/b/c"), rewrite={"uri": "/v1/b/c"}, name="progressive-delivery-qa-1"),
            qa(at("exact", "/a/b/c"), rewrite={"uri": "/v1/c"}, name="progressive-delivery-qa-2"),
            qa({**at("exact", "/a/b/c"), "port": 80}, rewrite={"uri": "/v1/a/b/c"}, name="progressive-delivery-qa-3"),
            route(*BOTH, match=[at("prefix", "/a/"), at("prefix", "/a/b/"), {"port": 80}], rewrite={"uri": "/v1/"}),
        ],
        id="several ways of rewriting, in the order of theirs",
    ),
    pytest.param(
        [route(*BOTH, match=[at("exact", "/a"), at("regex", ".*")], rewrite={"uri": "/v1"})],
        {},
        DesiredTraffic(Split(100, 0), (on_path("exact", "/a"),)),
        [
            qa(at("exact", "/a"), rewrite={"uri": "/v1"}),
            route(*BOTH, match=[at("exact", "/a"), at("regex", ".*")], rewrite={"uri": "/v1"}),
        ],
        id="a whole path is rewritten whole, and the same is asked once",
    ),
    pytest.param(
        [route(*BOTH, name="p")],
        {},
        DesiredTraffic(Split(100, 0), mirror=10.0),
        [route(*BOTH, name="p", mirror={"host": "shop-canary"}, mirrorPercentage={"value": 10})],
        id="copies",
    ),
    pytest.param(
        [route(to("shop", **PORT), timeout="3s", retries={"attempts": 2})],
        {},
        DesiredTraffic(Split(100, 0), mirror=0.5),
        [
            route(
                to("shop", **PORT),
                timeout="3s",
                retries={"attempts": 2},
                mirror={"host": "shop-canary", **PORT["destination"]},
                mirrorPercentage={"value": 0.5},
            )
        ],
        id="copies of half a percent to the port of stable, timeout and retries stay",
    ),
    pytest.param(
        [route(*BOTH, name="a"), route(*BOTH, name="b", timeout="1s")],
        ALL,
        DesiredTraffic(split_of(20), (QA,), 100.0),
        [
            qa(name="progressive-delivery-qa-1"),
            route(*AFTER_20, name="a", mirror={"host": "shop-canary"}, mirrorPercentage={"value": 100}),
            qa(name="progressive-delivery-qa-2", timeout="1s"),
            route(*AFTER_20, name="b", timeout="1s", mirror={"host": "shop-canary"}, mirrorPercentage={"value": 100}),
        ],
        id="a split, a header and copies at once; what goes to the canary is not copied there",
    ),
]


@pytest.mark.parametrize(("before", "asked", "wish", "after"), MANAGED)
def test_managed_routes_and_copies(before: list[Object], asked: Object, wish: DesiredTraffic, after: list[Object]) -> None:
    place = target(**asked)
    result = moved(objects(virtual_service(*before)), place, wish)
    assert result == objects(virtual_service(*after))
    if len(before) == 1:
        assert istio.weight(result, place) == wish.split


def test_subsets() -> None:
    rule = destination_rule(subset("v1", version="v1"), subset("v2", version="v2"))
    stable, canary = (to("shop", destination={"subset": name}) for name in ("v1", "v2"))
    result = moved(objects(virtual_service(route(stable)), rule), target(**SUBSETS), DesiredTraffic(Split(100, 0), (QA,), 5.0))
    shadowed = route(stable, mirror=canary["destination"], mirrorPercentage={"value": 5})
    assert result == objects(virtual_service({**qa(), "route": [canary]}, shadowed), rule)


# http, what differs in the target, the wish, what the message says
REFUSALS = [
    pytest.param(
        [route(*BOTH, name="p", mirror={"host": "shadow"})],
        DesiredTraffic(Split(100, 0), mirror=5.0),
        "HTTP route p mirrors requests already (mirror), and a second mirror would end that",
        id="copies of the user's own",
    ),
    pytest.param(
        [route(*BOTH, mirrors=[{"destination": {"host": "shadow"}}])],
        DesiredTraffic(Split(100, 0), mirror=5.0),
        "mirrors requests already (mirrors), and a second mirror would end that: leave mirror out, or remove the present one",
        id="several copies of the user's own",
    ),
    pytest.param(
        [route(*BOTH)] * 2,
        DesiredTraffic(Split(100, 0), (QA,)),
        "HTTP route number 1 without a name has the name and the matches of another route, so that it cannot be found again",
        id="routes that nothing tells apart",
    ),
    pytest.param(
        [route(*BOTH), route(to("other"), name="progressive-delivery-qa")],
        DesiredTraffic(Split(100, 0), (QA,)),
        "has an HTTP route named 'progressive-delivery-qa' already: give that route another name",
        id="a name that is taken",
    ),
    pytest.param(
        [route(*BOTH, match=[at("exact", "/a"), at("prefix", "/b")])],
        DesiredTraffic(Split(100, 0), (on_path("prefix", "/c"),)),
        "gets no request that qa asks for: ask for something else, or set inherit to false",
        id="no request has both",
    ),
    pytest.param(
        [route(*BOTH, match=[{"withoutHeaders": {"x-qa": {"regex": "*"}}}])],
        DesiredTraffic(Split(100, 0), (QA,)),
        "gets no request that qa asks for: ask for something else, or set inherit to false",
        id="argo-rollouts#2767 the route keeps the header away",
    ),
    pytest.param(
        [route(*BOTH, match=[at("regex", "/v[12]/.*")])],
        DesiredTraffic(Split(100, 0), (on_path("prefix", "/v1"),)),
        "cannot match path prefix '/v1' beside the uri that it has: ask for something else, or set inherit to false",
        id="a path beside a pattern",
    ),
    pytest.param(
        [route(*BOTH, match=[{"headers": {"cookie": {"regex": ".*beta.*"}}}])],
        DesiredTraffic(Split(100, 0), (ManagedRoute("qa", ((Condition("cookie", "qa", "present"),),)),)),
        "cannot match cookie qa present beside the headers cookie that it has: ask for something else, or set inherit to false",
        id="a cookie beside a pattern",
    ),
    pytest.param(
        [route(*BOTH, match=[at("prefix", "/a")], rewrite={"uri": "/"})],
        DesiredTraffic(Split(100, 0), (on_path("regex", "/a/.*"),)),
        "cannot match path regex '/a/.*' beside the uri that it has: ask for something else, or set inherit to false",
        id="a pattern beside a path",
    ),
    pytest.param(
        [route(*BOTH, rewrite={"uri": "/v1"})],
        DesiredTraffic(Split(100, 0), (on_path("regex", "/a/.*"),)),
        "cannot match path regex '/a/.*' beside the rewrite of the uri that it has",
        id="a pattern where paths are rewritten by their prefix",
    ),
    pytest.param(
        [route(*BOTH, match=[at("regex", ".*")], rewrite={"uri": "/v1"})],
        DesiredTraffic(Split(100, 0), (on_path("prefix", "/a"),)),
        "cannot match path prefix '/a' beside the rewrite of the uri that it has",
        id="a prefix where paths are rewritten whole",
    ),
    pytest.param(
        [route(*BOTH)],
        DesiredTraffic(Split(100, 0), (ManagedRoute("qa", ((Condition("header", "x-qa", "switch"),),)),)),
        "cannot match header x-qa switch with router istio: use exact, prefix, regex or present",
        id="switch",
    ),
]


@pytest.mark.parametrize(("http", "wish", "said"), REFUSALS)
def test_refusals(http: list[Object], wish: DesiredTraffic, said: str) -> None:
    with pytest.raises(Refused) as refused:
        istio.changes(objects(virtual_service(*http)), target(**ALL), wish)
    assert said in str(refused.value)
    assert str(refused.value).startswith("VirtualService test/shop")
    assert "\n" not in str(refused.value)


def test_wishes_one_after_the_other_leave_nothing_behind() -> None:
    """argo-rollouts#2769: routes of a release that another one overtook stayed, and multiplied."""
    place, live = target(), objects(virtual_service(route(*BOTH, **{key: MANNERS[key] for key in ("timeout", "retries")})))
    before = live
    for wish in (
        DesiredTraffic(split_of(5), (QA,)),
        DesiredTraffic(split_of(20), (QA_ALONE,), 10.0),
        DesiredTraffic(Split(100, 0), (on_path("exact", "/a"),)),
        DesiredTraffic(split_of(50)),
    ):
        live = carried_out(live, place, wish)
        assert live["virtual_service"]["spec"] == carried_out(before, place, wish)["virtual_service"]["spec"]
    assert carried_out(live, place, None) == before


def test_what_the_user_changes_in_the_shadowed_route_is_inherited_by_the_next_call() -> None:
    place, wish = target(), DesiredTraffic(split_of(20), (QA,))
    live = carried_out(objects(virtual_service(route(*BOTH, name="p"))), place, wish)
    ours, theirs = live["virtual_service"]["spec"]["http"]
    live["virtual_service"]["spec"]["http"] = [route(to("other"), name="new"), ours, {**theirs, "timeout": "9s"}]
    http = carried_out(live, place, wish)["virtual_service"]["spec"]["http"]
    assert http == [route(to("other"), name="new"), {**qa(), "timeout": "9s"}, route(*AFTER_20, name="p", timeout="9s")]
