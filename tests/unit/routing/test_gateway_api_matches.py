"""Rules of the Gateway API that lead certain requests to the canary: what they ask for, where they stand, what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.gateway_api import router as gateway_api
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import DesiredTraffic, ManagedRoute, split_of
from ansible_collections.progressive.delivery.plugins.module_utils._steps.matches import read_matches

from .gateway_routes import ALL, BOTH, HEADER_QA, QA, REGEX, Object, header, match, objects, path, plain_rule, route, rule, target, to, wish
from .moves import moved

CANARY = to("shop-canary")
MANNERS: Object = {
    "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-a", "value": "1"}]}}],
    "timeouts": {"request": "3s"},
    "sessionPersistence": {"sessionName": "s"},
}
STRIPPED: list[Object] = [{"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}]


def managed(*matches: Object, **more: Any) -> Object:
    return rule(CANARY, matches=list(matches), **more)


# one match as users write it, what the added rule asks for besides the path /
CONDITIONS = [
    pytest.param({"headers": {"x-qa": {"exact": "1"}}}, {"headers": [HEADER_QA]}, id="header exact"),
    pytest.param({"headers": {"x-qa": {"present": True}}}, {"headers": [header("x-qa", ".*", REGEX)]}, id="header present"),
    pytest.param({"headers": {"x-qa": {"prefix": "a.b"}}}, {"headers": [header("x-qa", r"^a\.b.*", REGEX)]}, id="header prefix"),
    pytest.param({"headers": {"x-qa": {"regex": "a|b"}}}, {"headers": [header("x-qa", "^(a|b)$", REGEX)]}, id="header regex"),
    pytest.param(
        {"headers": {"x-b": {"exact": "2"}, "x-a": {"exact": "1"}}}, {"headers": [header("x-b", "2"), header("x-a", "1")]}, id="two headers"
    ),
    pytest.param({"query": {"qa": {"exact": "1"}}}, {"queryParams": [header("qa", "1")]}, id="query exact"),
    pytest.param({"query": {"qa": {"present": True}}}, {"queryParams": [header("qa", ".*", REGEX)]}, id="query present"),
    pytest.param({"query": {"qa": {"regex": "[0-9]+"}}}, {"queryParams": [header("qa", "^([0-9]+)$", REGEX)]}, id="query regex"),
    pytest.param({"method": {"exact": "POST"}}, {"method": "POST"}, id="method"),
    pytest.param({"path": {"exact": "/new"}}, {"path": path("/new", "Exact")}, id="path exact"),
    pytest.param({"path": {"prefix": "/new/"}}, {"path": path("/new/")}, id="path prefix"),
    pytest.param(
        {"cookies": {"qa": {"exact": "a.b"}}}, {"headers": [header("Cookie", r"^(.*; *)?qa=a\.b( *;.*)?$", REGEX)]}, id="cookie exact"
    ),
    pytest.param(
        {"cookies": {"qa": {"prefix": "a"}}}, {"headers": [header("Cookie", r"^(.*; *)?qa=a[^;]*( *;.*)?$", REGEX)]}, id="cookie prefix"
    ),
    pytest.param(
        {"cookies": {"qa": {"regex": "a|b"}}}, {"headers": [header("Cookie", r"^(.*; *)?qa=(a|b)( *;.*)?$", REGEX)]}, id="cookie regex"
    ),
    pytest.param(
        {"cookies": {"qa": {"present": True}}}, {"headers": [header("Cookie", r"^(.*; *)?qa=[^;]*( *;.*)?$", REGEX)]}, id="cookie present"
    ),
    pytest.param(
        {"headers": {"x-qa": "1"}, "query": {"q": "2"}, "method": "GET", "path": {"exact": "/a"}},
        {"headers": [HEADER_QA], "queryParams": [header("q", "2")], "method": "GET", "path": path("/a", "Exact")},
        id="all at once",
    ),
]


@pytest.mark.parametrize("inherit", [True, False])
@pytest.mark.parametrize(("asked", "made"), CONDITIONS)
def test_what_is_asked_for(asked: Object, made: Object, inherit: bool) -> None:
    result = moved(objects(route(rule(*BOTH))), target(), wish(asked, inherit=inherit))
    assert result == objects(route(managed(match(**made)), rule(*BOTH)))


# rules before, what differs in the target, the wish, rules after
MANAGED = [
    pytest.param(
        [rule(*BOTH, matches=[match("/api")], name="api", **MANNERS)],
        {},
        wish(QA),
        [managed(match("/api", headers=[HEADER_QA]), **MANNERS), rule(*BOTH, matches=[match("/api")], name="api", **MANNERS)],
        id="treated as the rule below (argo plugin#87: filters were lost), and with its paths only",
    ),
    pytest.param(
        [rule(*BOTH, matches=[match("/smart/")], filters=STRIPPED)],
        {},
        wish(QA, {"headers": {"x-qa": "2"}}),
        [
            managed(match("/smart/", headers=[HEADER_QA]), filters=STRIPPED),
            managed(match("/smart/", headers=[header("x-qa", "2")]), filters=STRIPPED),
            rule(*BOTH, matches=[match("/smart/")], filters=STRIPPED),
        ],
        id="a rule for each match where a prefix is replaced: one rule may have one match then",
    ),
    pytest.param(
        [rule(to("shop"), matches=[match("/a", headers=[header("secret", "x")]), match("/b", method="GET")])],
        {},
        wish(QA, {"method": "GET"}),
        [
            managed(
                match("/a", headers=[header("secret", "x"), HEADER_QA]),
                match("/a", headers=[header("secret", "x")], method="GET"),
                match("/b", method="GET", headers=[HEADER_QA]),
                match("/b", method="GET"),
            ),
            rule(to("shop"), matches=[match("/a", headers=[header("secret", "x")]), match("/b", method="GET")]),
        ],
        id="each match of the rule with each alternative (argo plugin#151: the rule's own header was lost)",
    ),
    pytest.param(
        [rule(*BOTH, matches=[match("/a")]), rule(to("other"), matches=[match("/c")]), rule(*BOTH, matches=[match("/b")])],
        ALL,
        wish(QA),
        [
            managed(match("/a", headers=[HEADER_QA])),
            rule(*BOTH, matches=[match("/a")]),
            rule(to("other"), matches=[match("/c")]),
            managed(match("/b", headers=[HEADER_QA])),
            rule(*BOTH, matches=[match("/b")]),
        ],
        id="above each rule that is asked for (argo plugin#207: above the first only)",
    ),
    pytest.param(
        [rule(*BOTH)],
        {},
        DesiredTraffic(
            split_of(0),
            tuple(ManagedRoute(name, read_matches([{"headers": {"x-qa": name}}])) for name in ("b", "a")),
        ),
        [managed(match(headers=[header("x-qa", "b")])), managed(match(headers=[header("x-qa", "a")])), rule(*BOTH)],
        id="in the order asked, two of one header side by side (argo plugin#215: one replaced the other)",
    ),
    pytest.param(
        [rule(to("shop", 80), to("shop-canary", 20, filters=MANNERS["filters"]))],
        {},
        wish(QA, canary=5),
        [
            rule(to("shop-canary", 1, filters=MANNERS["filters"]), matches=[match(headers=[HEADER_QA])]),
            rule(to("shop", 95), to("shop-canary", 5, filters=MANNERS["filters"])),
        ],
        id="with the filters of the canary's backend, at a weight of its own (argo plugin#147: at weight 0 it answered 500)",
    ),
    pytest.param(
        [rule(to("shop", namespace="prod", port=8080))],
        {"stable_service": "shop.prod", "canary_service": "shop-canary.prod"},
        wish(QA, canary=100),
        [
            rule(to("shop-canary", 1, namespace="prod", port=8080), matches=[match(headers=[HEADER_QA])]),
            rule(to("shop", 0, namespace="prod", port=8080), to("shop-canary", 1, namespace="prod", port=8080)),
        ],
        id="to another namespace",
    ),
    pytest.param(
        [rule(*BOTH, matches=[match(headers=[header("X-QA", "1")]), match("/a")])],
        {},
        wish(QA),
        [
            managed(match(headers=[header("X-QA", "1")]), match("/a", headers=[HEADER_QA])),
            rule(*BOTH, matches=[match(headers=[header("X-QA", "1")]), match("/a")]),
        ],
        id="a header that the rule asks for already",
    ),
    pytest.param(
        [rule(*BOTH, matches=[match("/a"), match("/a/b", headers=[header("x-qa", "2")]), {"path": path("/c/d", "Exact")}])],
        {},
        wish(QA | {"path": {"prefix": "/a/b/"}}, {"path": {"prefix": "/c"}}),
        [
            managed(match("/a/b/", headers=[HEADER_QA]), {"path": path("/c/d", "Exact")}),
            rule(*BOTH, matches=[match("/a"), match("/a/b", headers=[header("x-qa", "2")]), {"path": path("/c/d", "Exact")}]),
        ],
        id="what no request can have is left out",
    ),
    pytest.param(
        [rule(*BOTH, matches=[match("/a", method="GET")])],
        {},
        wish({"path": {"prefix": "/a/b"}}, {"path": {"prefix": "/a/b"}, "method": "GET"}),
        [managed(match("/a/b", method="GET")), rule(*BOTH, matches=[match("/a", method="GET")])],
        id="two alternatives that come to the same",
    ),
    pytest.param(
        [rule(*BOTH, matches=[match(headers=[header("x-qa", ".*", REGEX)])])],
        {},
        wish(QA),
        [managed(match(headers=[HEADER_QA])), rule(*BOTH, matches=[match(headers=[header("x-qa", ".*", REGEX)])])],
        id="a header that must be there, and have this value",
    ),
    pytest.param(
        [rule(*BOTH, matches=[{"path": path("/[a-z]+", REGEX)}])],
        {},
        wish(QA),
        [managed({"path": path("/[a-z]+", REGEX), "headers": [HEADER_QA]}), rule(*BOTH, matches=[{"path": path("/[a-z]+", REGEX)}])],
        id="below a pattern of paths",
    ),
    pytest.param(
        [rule(to("other"), matches=[match(headers=[header("x-beta", "1")])]), rule(*BOTH)],
        {},
        wish(QA),
        [
            rule(to("other"), matches=[match(headers=[header("x-beta", "1")])]),
            managed(match(headers=[HEADER_QA])),
            rule(*BOTH),
        ],
        id="a rule of the same precedence stays above",
    ),
    pytest.param(
        [rule(*BOTH, name="a"), rule(*BOTH, name="b", matches=[match(headers=[header("x-beta", "1")])])],
        ALL,
        wish({"method": "GET"}),
        [
            managed(match(method="GET")),
            rule(*BOTH, name="a"),
            managed(match(headers=[header("x-beta", "1")], method="GET")),
            rule(*BOTH, name="b", matches=[match(headers=[header("x-beta", "1")])]),
        ],
        id="a rule that would lose requests gets a rule of its own above it",
    ),
    pytest.param(
        [rule(to("other"), matches=[match("/api")]), rule(to("shop", filters=MANNERS["filters"]), name="main", **MANNERS)],
        {},
        wish(QA, inherit=False),
        [
            managed(match(headers=[HEADER_QA]), match("/api", headers=[HEADER_QA])),
            rule(to("other"), matches=[match("/api")]),
            rule(to("shop", filters=MANNERS["filters"]), name="main", **MANNERS),
        ],
        id="not inheriting: plain, on top, and also before rules that go before it",
    ),
    pytest.param(
        [rule(to("other"), matches=[match("/api/v1", method="POST"), match("/shop", headers=[header("x-qa", "2")])]), rule(*BOTH)],
        {},
        wish({"path": {"prefix": "/api"}}, QA, inherit=False),
        [
            managed(
                match("/api"),
                match(headers=[HEADER_QA]),
                match("/api/v1", method="POST"),
                match("/api/v1", method="POST", headers=[HEADER_QA]),
            ),
            rule(to("other"), matches=[match("/api/v1", method="POST"), match("/shop", headers=[header("x-qa", "2")])]),
            rule(*BOTH),
        ],
        id="not inheriting: each alternative before each rule",
    ),
]


@pytest.mark.parametrize(("before", "asked", "wished", "after"), MANAGED)
def test_managed_rules(before: list[Object], asked: Object, wished: DesiredTraffic, after: list[Object]) -> None:
    assert moved(objects(route(*before)), target(**asked), wished) == objects(route(*after))


def test_grpc_routes_by_header() -> None:
    """argo plugin#117: those of a GRPCRoute could not be removed."""
    method = {"type": "Exact", "service": "shop.Shop", "method": "Buy"}
    before = [plain_rule(*BOTH, matches=[{"method": method}], name="buy"), plain_rule(*BOTH)]
    made = [
        rule(CANARY, matches=[{"method": method, "headers": [HEADER_QA]}]),
        before[0],
        rule(CANARY, matches=[{"headers": [HEADER_QA]}]),
        before[1],
    ]
    result = moved(objects(route(*before, kind="GRPCRoute")), target(kind="GRPCRoute", **ALL), wish(QA))
    assert result == objects(route(*made, kind="GRPCRoute"))


# a match as users write it, what the message says
BAD_CONDITIONS = [
    pytest.param(
        {"path": {"regex": "/a.*"}},
        "have path regex '/a.*', which router gateway_api cannot match on HTTPRoutes (controllers differ in whether it ",
        id="path regex",
    ),
    pytest.param(
        {"method": {"prefix": "P"}}, "have method prefix 'P', which router gateway_api cannot match on HTTPRoutes", id="method prefix"
    ),
    pytest.param(
        {"method": "get"},
        "have 'get', which is not a method: use one of GET, HEAD, POST, PUT, DELETE, CONNECT, OPTIONS, TRACE, PATCH",
        id="method in small letters",
    ),
    pytest.param(
        {"headers": {"x-qa": {"switch": True}}}, "have header x-qa switch, which router gateway_api cannot match on HTTPRoutes", id="switch"
    ),
    pytest.param(
        {"path": {"prefix": "api"}},
        "have 'api', which is not a path: begin it with '/', and leave '//', '/./', '/../', '%2f', '#' and '?' out",
        id="path without a slash",
    ),
    pytest.param(
        {"path": "/a//b"},
        "have '/a//b', which is not a path: begin it with '/', and leave '//', '/./', '/../', '%2f', '#' and '?' out",
        id="path with two slashes",
    ),
    pytest.param(
        {"path": "/a/.."},
        "have '/a/..', which is not a path: begin it with '/', and leave '//', '/./', '/../', '%2f', '#' and '?' out",
        id="path upwards",
    ),
    pytest.param(
        {"path": "/a?b=1"},
        "have '/a?b=1', which is not a path: begin it with '/', and leave '//', '/./', '/../', '%2f', '#' and '?' out",
        id="path with a query",
    ),
    pytest.param(
        {"headers": {"x qa": "1"}},
        "have 'x qa', which is not the name of a header: use letters, digits and the signs that HTTP allows",
        id="header name",
    ),
    pytest.param({"headers": {"x-qa": ""}}, "have a value of 0 characters for header x-qa: use 1 to 4096 characters", id="empty value"),
    pytest.param({"query": {"q": "x" * 1025}}, "have a value of 1025 characters for query q: use 1 to 1024 characters", id="too long"),
    pytest.param({"headers": {"x-qa": {"regex": "(?!a)b"}}}, "have no look-around and no back-references", id="look-around"),
    pytest.param({"headers": {"x-qa": {"regex": r"(a)\1"}}}, "have no look-around and no back-references", id="back-reference"),
    pytest.param(
        {"cookies": {"qa": {"regex": "a.*"}}}, "have cookie qa regex 'a.*', which reaches beyond the value of the cookie", id="cookie dot"
    ),
    pytest.param({"cookies": {"qa": {"regex": "^a$"}}}, "leave '^', '$' and ';' out", id="cookie anchors"),
    pytest.param(
        {"cookies": {"qa": "1;b=2"}}, "have cookie qa exact '1;b=2', which reaches beyond the value of the cookie", id="cookie with another"
    ),
    pytest.param(
        {"cookies": {"a": "1", "b": "2"}},
        "have two conditions on one header (all cookies are one header) or parameter, which router gateway_api cannot match",
        id="two cookies",
    ),
    pytest.param({"headers": {"x-qa": "1", "X-QA": "2"}}, "leave header X-QA exact '2' out", id="one header twice"),
]


@pytest.mark.parametrize(("asked", "said"), BAD_CONDITIONS)
def test_conditions_that_cannot_be(asked: Object, said: str) -> None:
    with pytest.raises(Refused) as refused:
        gateway_api.changes(objects(route(rule(*BOTH))), target(), wish(asked))
    assert said in str(refused.value)
    assert refused.value.problem.object == "HTTPRoute test/shop, matches of qa"
    assert "\n" not in str(refused.value)


# rules, what differs in the target, the wish, what the message says
REFUSALS = [
    pytest.param(
        [rule(*BOTH, matches=[match(headers=[header("x-qa", "2")])])],
        {},
        wish({"query": {"q": "1"}}, QA),
        "have header x-qa exact '1', and no rule that is split gets such requests: correct them, or set inherit to false",
        id="an alternative that the rule never gets",
    ),
    pytest.param(
        [rule(*BOTH, matches=[match(headers=[header("x-qa", "a.*", REGEX)])])],
        {},
        wish(QA),
        "combine a pattern with another condition on the same thing, and router gateway_api cannot tell what they have in common",
        id="a pattern and a value",
    ),
    pytest.param(
        [rule(*BOTH, matches=[{"path": path("/[a-z]+", REGEX)}])],
        {},
        wish({"path": "/a"}),
        "combine a pattern with another condition on the same thing, and router gateway_api cannot tell what they have ",
        id="a pattern of paths and a path",
    ),
    pytest.param(
        [rule(*BOTH, matches=[match("/smart/")], filters=STRIPPED)],
        {},
        wish({"path": {"prefix": "/smart/new"}}),
        "have a path, and rule number 1 replaces the prefix of paths: leave path out",
        id="a path where the prefix is replaced",
    ),
    pytest.param(
        [rule(to("shop", filters=STRIPPED), matches=[match("/smart/")])],
        {},
        wish({"path": {"exact": "/smart/new"}}),
        "rule number 1 replaces the prefix of paths",
        id="a path where the backend replaces the prefix",
    ),
    pytest.param(
        [rule(*BOTH, matches=[match(headers=[HEADER_QA])])],
        {},
        wish(QA),
        "has another rule with exactly the matches of one to be added: remove that rule, or ask for other conditions",
        id="all that the rule gets",
    ),
    pytest.param(
        [rule(*BOTH)],
        {},
        DesiredTraffic(split_of(0), tuple(ManagedRoute(name, read_matches([QA])) for name in "ab")),
        "has another rule with exactly the matches of one to be added: remove that rule, or ask for other conditions",
        id="the same twice",
    ),
    pytest.param(
        [rule(to("other"), matches=[match(headers=[header("x-beta", "1")])]), rule(*BOTH)],
        {},
        wish({"method": "GET"}),
        "need a rule above rule number 2 that would also take requests from rule number 1, which precedes it",
        id="a method goes before a header",
    ),
    pytest.param(
        [rule(to("other"), matches=[match(headers=[header("x-beta", "1")])]), rule(*BOTH)],
        {},
        wish({"headers": {"x-a": "1", "x-b": "2"}}),
        "need a rule above rule number 2 that would also take requests from rule number 1, which precedes it",
        id="two headers go before one",
    ),
    pytest.param(
        [rule(*BOTH, matches=[match(f"/{number}") for number in range(33)])],
        {},
        wish(QA, {"method": "GET"}),
        "would get a rule with 66 matches, 64 are allowed: ask for fewer alternatives",
        id="too many matches of a rule",
    ),
    pytest.param(
        [rule(*BOTH, matches=[match(f"/{number}") for number in range(20 * each, 20 * each + 20)]) for each in range(4)],
        ALL,
        wish(QA),
        "would get 160 matches, 128 are allowed",
        id="too many matches of all",
    ),
    pytest.param(
        [rule(*BOTH, matches=[match(f"/{number}")]) for number in range(9)],
        ALL,
        wish(QA),
        "would get 18 rules, 16 are allowed",
        id="too many rules",
    ),
]


@pytest.mark.parametrize(("rules", "asked", "wished", "said"), REFUSALS)
def test_refusals(rules: list[Object], asked: Object, wished: DesiredTraffic, said: str) -> None:
    with pytest.raises(Refused) as refused:
        gateway_api.changes(objects(route(*rules)), target(**asked), wished)
    assert said in str(refused.value)
    assert str(refused.value).startswith("HTTPRoute test/shop")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("key", ["query", "cookies"])
def test_a_grpc_route_has_headers_only(key: str) -> None:
    with pytest.raises(
        Refused, match=r"have \w+ x exact '1', which .* cannot match on GRPCRoutes: use one of header exact, prefix, regex, present"
    ):
        gateway_api.changes(objects(route(rule(*BOTH), kind="GRPCRoute")), target(kind="GRPCRoute"), wish({key: {"x": "1"}}))


@pytest.mark.parametrize("kind", ["TCPRoute", "TLSRoute"])
@pytest.mark.parametrize(("wished", "what"), [(wish(QA), "matches"), (wish(mirror=5), "mirror")])
def test_tcp_and_tls_routes_have_neither(kind: str, wished: DesiredTraffic, what: str) -> None:
    with pytest.raises(Refused, match=rf"^{kind} test/shop cannot do {what} with router gateway_api .*: leave {what} out"):
        gateway_api.changes(objects(route(plain_rule(*BOTH), kind=kind)), target(kind=kind), wished)
