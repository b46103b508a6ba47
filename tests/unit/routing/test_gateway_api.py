"""A route of the Gateway API before and after a split: only the weights that were asked for change, and all of it comes back."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.gateway_api import router as gateway_api
from ansible_collections.progressive.delivery.plugins.module_utils._routing.router import Backend
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import DesiredTraffic, Split, split_of

from .gateway_routes import ALL, BOTH, Object, header, match, objects, path, plain_rule, route, rule, target, to
from .moves import moved

FILTERS: list[Object] = [
    {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-a", "value": "1"}]}},
    {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}},
    {"type": "ExtensionRef", "extensionRef": {"group": "example.org", "kind": "Auth", "name": "auth"}},
]
MANNERS: Object = {
    "matches": [match("/api", headers=[header("x-b", "2")], method="GET"), {"path": path("/exact", "Exact")}],
    "filters": FILTERS,
    "timeouts": {"request": "3s", "backendRequest": "1s"},
    "retry": {"attempts": 3, "codes": [503]},
    "sessionPersistence": {"sessionName": "s", "type": "Cookie"},
    "unknownToUs": [None, {"x": []}],
}
REDIRECT: Object = {
    "name": "old",
    "matches": [match("/old")],
    "filters": [{"type": "RequestRedirect", "requestRedirect": {"hostname": "new.example.org", "statusCode": 302}}],
}
AFTER = (to("shop", 80), to("shop-canary", 20))
API: Object = {"matches": [match("/api")]}
ELSE = rule(to("other", 60), to("third", 40), name="else", matches=[match("/else")])
ELSEWHERE: Object = {"namespace": "prod"}
IMPORT: Object = {"group": "multicluster.x-k8s.io", "kind": "ServiceImport"}
POOL = to("shop", 5, group="example.org", kind="Pool")

# rules before, what differs in the target, weight, rules after
SPLITS = [
    pytest.param([rule(*BOTH)], {}, 20, [rule(*AFTER)], id="the only rule, unnamed"),
    pytest.param([rule(*BOTH, name="main")], {"routes": ["main"]}, 20, [rule(*AFTER, name="main")], id="a named rule"),
    pytest.param([rule(*BOTH)], {}, 0, [rule(*BOTH)], id="weight 0 as it is"),
    pytest.param([rule(*BOTH)], {}, 100, [rule(to("shop", 0), to("shop-canary", 100))], id="weight 100 leaves stable at 0"),
    pytest.param([rule(*BOTH[::-1])], {}, 20, [rule(*AFTER[::-1])], id="canary first"),
    pytest.param(
        [rule(to("shop"), to("shop-canary"))],
        {},
        20,
        [rule(*AFTER)],
        id="weights by default, 1 to 1 (argo-rollouts#4569: the split stayed 1 to 1)",
    ),
    pytest.param([rule(to("shop"), to("shop-canary"))], {}, 50, [rule(to("shop"), to("shop-canary"))], id="1 to 1 says 50 already"),
    pytest.param([rule(to("shop", 10), to("shop-canary", 0))], {}, 20, [rule(to("shop", 8), to("shop-canary", 2))], id="a sum of 10"),
    pytest.param([rule(to("shop", 3), to("shop-canary", 1))], {}, 20, [rule(*AFTER)], id="a sum of 4 cannot say it"),
    pytest.param([rule(to("shop", 0), to("shop-canary", 0))], {}, 20, [rule(*AFTER)], id="both at 0"),
    pytest.param([rule(to("shop", 0))], {}, 0, [rule(to("shop", 100))], id="stable alone at 0 served nobody"),
    pytest.param([rule(to("shop"))], {}, 20, [rule(*AFTER)], id="canary missing"),
    pytest.param([rule(to("shop"))], {}, 0, [rule(to("shop"))], id="canary missing, weight 0"),
    pytest.param([rule(to("shop"))], {}, 100, [rule(to("shop", 0), to("shop-canary", 1))], id="canary missing, weight 100"),
    pytest.param(
        [rule(to("shop", port=8080, filters=FILTERS[:1]))],
        {},
        5,
        [rule(to("shop", 95, port=8080, filters=FILTERS[:1]), to("shop-canary", 5, port=8080, filters=FILTERS[:1]))],
        id="a canary that is added has port and filters of stable",
    ),
    pytest.param(
        [rule({"name": "shop", "port": 80})],
        {},
        5,
        [rule({"name": "shop", "port": 80, "weight": 95}, to("shop-canary", 5))],
        id="a canary that is added has the API server's defaults",
    ),
    pytest.param(
        [rule(*BOTH, **MANNERS)],
        {},
        20,
        [rule(*AFTER, **MANNERS)],
        id="all else in the rule (flagger#1857: filters and timeouts lost)",
    ),
    pytest.param(
        [REDIRECT, rule(*BOTH), ELSE], {}, 20, [REDIRECT, rule(*AFTER), ELSE], id="other rules (argo plugin#217: they were removed)"
    ),
    pytest.param(
        [rule(*BOTH, name="a", **API), rule(*BOTH, name="b")],
        {"routes": ["b"]},
        20,
        [rule(*BOTH, name="a", **API), rule(*AFTER, name="b")],
        id="one of two by its name (argo plugin#226: both were rewritten)",
    ),
    pytest.param([rule(*BOTH, **API), ELSE, rule(to("shop"))], ALL, 20, [rule(*AFTER, **API), ELSE, rule(*AFTER)], id="all that qualify"),
    pytest.param(
        [rule(*BOTH, to("legacy", 20))],
        {"additional_destinations": ["legacy"]},
        20,
        [rule(*AFTER, to("legacy", 20))],
        id="others keep their share (argo plugin#203: they were stripped)",
    ),
    pytest.param(
        [rule(to("legacy", 50, **IMPORT), to("shop", 40), to("legacy", 5, **ELSEWHERE))],
        {"additional_destinations": ["legacy", "legacy.prod"]},
        25,
        [rule(to("legacy", 50, **IMPORT), to("shop", 30), to("legacy", 5, **ELSEWHERE), to("shop-canary", 10))],
        id="others of another kind and in another namespace",
    ),
    pytest.param(
        [rule(to("shop", 100, **ELSEWHERE), to("shop-canary", 0, **ELSEWHERE))],
        {"stable_service": "shop.prod", "canary_service": "shop-canary.prod"},
        20,
        [rule(to("shop", 80, **ELSEWHERE), to("shop-canary", 20, **ELSEWHERE))],
        id="backends in another namespace (argo plugin#109)",
    ),
    pytest.param(
        [rule(to("shop", **ELSEWHERE), name="theirs", **API), rule(to("shop"))],
        {},
        20,
        [rule(to("shop", **ELSEWHERE), name="theirs", **API), rule(*AFTER)],
        id="the same name in another namespace is another Service",
    ),
    pytest.param(
        [rule(to("shop"))],
        {"canary_service": "shop.prod"},
        20,
        [rule(to("shop", 80), to("shop", 20, **ELSEWHERE))],
        id="a canary of stable's name in another namespace is added",
    ),
    pytest.param(
        [rule(to("shop", **ELSEWHERE))],
        {"stable_service": "shop.prod"},
        20,
        [rule(to("shop", 80, **ELSEWHERE), to("shop-canary", 20))],
        id="stable in another namespace, the canary that is added in the route's",
    ),
    pytest.param(
        [rule(to("shop", namespace="test"))],
        {"stable_service": "shop.test.svc.cluster.local"},
        20,
        [rule(to("shop", 80, namespace="test"), to("shop-canary", 20, namespace="test"))],
        id="the route's own namespace written out",
    ),
    pytest.param(
        [rule(to("shop", 7, **IMPORT), POOL, *BOTH)],
        {"additional_destinations": ["shop"]},
        20,
        [rule(to("shop", 7, **IMPORT), POOL, *AFTER)],
        id="a ServiceImport and a custom backend of stable's name",
    ),
]


@pytest.mark.parametrize(("before", "asked", "weight", "after"), SPLITS)
def test_splits(before: list[Object], asked: Object, weight: int, after: list[Object]) -> None:
    place, split = target(**asked), split_of(weight)
    result = moved(objects(route(*before)), place, DesiredTraffic(split))
    assert result == objects(route(*after))
    says = gateway_api.weight(result, place)
    assert says.canary * split.total == split.canary * says.total


@pytest.mark.parametrize("kind", ["GRPCRoute", "TCPRoute", "TLSRoute"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param([plain_rule(*BOTH)], [plain_rule(*AFTER)], id="one rule"),
        pytest.param([plain_rule(to("shop"), name="main")], [plain_rule(*AFTER, name="main")], id="a named rule without a canary"),
        pytest.param(
            [plain_rule(to("other"), name="other"), plain_rule(*BOTH, name="main")],
            [plain_rule(to("other"), name="other"), plain_rule(*AFTER, name="main")],
            id="two rules",
        ),
    ],
)
def test_splits_of_other_kinds(kind: str, before: list[Object], after: list[Object]) -> None:
    assert moved(objects(route(*before, kind=kind)), target(kind=kind), DesiredTraffic(split_of(20))) == objects(route(*after, kind=kind))


def test_a_grpc_route_keeps_what_is_its_own() -> None:
    own = {"matches": [{"method": {"type": "Exact", "service": "shop.Shop"}}], "filters": FILTERS[:1]}
    before, after = (route(plain_rule(*refs, **own), plain_rule(to("other")), kind="GRPCRoute") for refs in (BOTH, AFTER))
    assert moved(objects(before), target(kind="GRPCRoute"), DesiredTraffic(split_of(20))) == objects(after)


def test_what_must_be_ready_is_looked_up_where_it_is() -> None:
    place = target(stable_service="shop.prod")
    live = objects(route(rule(to("shop", 80, **ELSEWHERE), to("shop-canary", 20))))
    assert gateway_api.ROUTER.backends(live, place, Split(80, 20), None) == [
        Backend("shop", "prod", "80 of 100 parts of the traffic", ports=(80,)),
        Backend("shop-canary", "test", "20 of 100 parts of the traffic", ports=(80,)),
    ]


def test_session_persistence_is_warned_of() -> None:
    def warnings(**more: Any) -> list[str]:
        return gateway_api.ROUTER.warnings(objects(route(rule(*BOTH, **more))), target(), DesiredTraffic(split_of(5)))

    assert warnings() == []
    [text] = warnings(sessionPersistence={"sessionName": "s"})
    assert text.startswith("HTTPRoute test/shop, rule number 1: it has sessionPersistence, so that clients stay")


# rules, what differs in the target, what the message says
REFUSALS = [
    pytest.param(
        [],
        {},
        "has no rule that leads to Service 'shop' (its backends: none): correct stable_service, or the name of the route",
        id="no rule",
    ),
    pytest.param([REDIRECT], {}, "has no rule that leads to Service 'shop' (its backends: none)", id="only a redirect"),
    pytest.param([ELSE], ALL, "has no rule that leads to Service 'shop' (its backends: other, third)", id="all of none"),
    pytest.param(
        [rule(to("shop", **ELSEWHERE), to("shop", **IMPORT), POOL)],
        {},
        "(its backends: Pool shop, ServiceImport shop, shop.prod)",
        id="look-alikes in another namespace and of other kinds",
    ),
    pytest.param(
        [rule(*BOTH, name="a", **API), rule(*BOTH)],
        {},
        "has 2 rules that lead to Service 'shop' (rule 'a', rule number 2): choose with routes, or routes: [\"*\"] for all",
        id="two qualify",
    ),
    pytest.param([rule(*BOTH, name="a")], {"routes": ["b"]}, "has no rule named 'b' (it has: a): correct routes", id="name missing"),
    pytest.param([rule(*BOTH)], {"routes": ["b"]}, "has no rule named 'b' (it has: none has a name)", id="no names"),
    pytest.param([REDIRECT, rule(*BOTH)], {"routes": ["old"]}, "rule 'old' does not lead to Service 'shop'", id="name of a redirect"),
    pytest.param(
        [rule(*BOTH), rule(to("other")), rule(*BOTH)],
        ALL,
        "has rules with the same matches (rule number 1, rule number 2, rule number 3): give them names, or leave one",
        id="rules that cannot be told apart",
    ),
    pytest.param(
        [rule(*BOTH, to("third", 5), to("shop", 1, **ELSEWHERE), name="a")],
        {},
        "rule 'a' also leads to third, shop.prod, whose share is not defined",
        id="further backends",
    ),
    pytest.param(
        [rule(*BOTH, to("shop", **IMPORT))],
        {},
        "rule number 1 also leads to ServiceImport shop, whose share is not defined",
        id="a ServiceImport",
    ),
    pytest.param(
        [rule(to("shop"), to("shop", port=81))],
        {},
        "leads to Service 'shop' more than once: leave one backendRef for it",
        id="stable twice",
    ),
    pytest.param(
        [rule(*BOTH, to("shop-canary", namespace="test"))],
        {},
        "leads to Service 'shop-canary' more than once: leave one backendRef for it",
        id="canary twice",
    ),
    pytest.param(
        [rule(*BOTH)],
        {"canary_service": "shop.test"},
        "is the same Service as stable_service: 'shop': give the canary a Service of its own",
        id="canary equal to stable, written differently",
    ),
]


@pytest.mark.parametrize("kind", ["HTTPRoute", "TCPRoute"])
@pytest.mark.parametrize(("rules", "asked", "said"), REFUSALS)
def test_refusals(rules: list[Object], asked: Object, said: str, kind: str) -> None:
    obj = route(*rules, kind=kind)
    for weight in (0, 20):
        with pytest.raises(Refused) as refused:
            gateway_api.changes(objects(obj), target(kind=kind, **asked), DesiredTraffic(split_of(weight)))
        assert said in str(refused.value)
        assert refused.value.problem.object.startswith((f"{kind} test/shop", "canary_service"))
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("rules", "wish", "said"),
    [
        pytest.param(
            [rule(to("shop"), to("legacy"))],
            DesiredTraffic(split_of(5)),
            "rule number 1 cannot give the canary 5 of 100 parts: legacy leave 1 parts of the weight",
            id="too few parts",
        ),
        pytest.param(
            [rule(to("shop", 60), to("shop-canary", 10), to("legacy", 30))],
            DesiredTraffic(split_of(25)),
            "cannot give the canary 25 of 100 parts: legacy leave 70 parts of the weight",
            id="parts that do not divide",
        ),
        pytest.param([rule(to("shop", 0), to("legacy"))], DesiredTraffic(split_of(5)), "legacy leave 0 parts of the weight", id="no parts"),
    ],
)
def test_a_split_that_the_other_backends_do_not_leave_room_for(rules: list[Object], wish: DesiredTraffic, said: str) -> None:
    with pytest.raises(Refused) as refused:
        gateway_api.changes(objects(route(*rules)), target(additional_destinations=["legacy"]), wish)
    assert said in str(refused.value)


def test_a_weight_that_the_api_cannot_say() -> None:
    with pytest.raises(Refused, match=r"^weight_total must be at most 1000000, not 1000001"):
        gateway_api.changes(objects(route(rule(*BOTH))), target(), DesiredTraffic(Split(1_000_000, 1)))
    fine = moved(objects(route(rule(*BOTH))), target(), DesiredTraffic(Split(999_999, 1)))
    assert fine == objects(route(rule(to("shop", 999_999), to("shop-canary", 1))))


@pytest.mark.parametrize("spec", [None, {}, {"rules": None}])
def test_a_route_without_rules_is_refused(spec: Any) -> None:
    obj = {**route(), "spec": spec}
    for call in (
        lambda: gateway_api.changes(objects(obj), target(), DesiredTraffic(split_of(5))),
        lambda: gateway_api.weight(objects(obj), target()),
    ):
        with pytest.raises(Refused, match=r"^HTTPRoute test/shop has no rule that leads to Service 'shop'"):
            call()


@pytest.mark.parametrize(
    ("rules", "asked", "split"),
    [
        ([rule(to("shop"))], {}, Split(1, 0)),
        ([rule({"name": "shop"}, {"name": "shop-canary"})], {}, Split(1, 1)),
        ([rule(to("shop", 0))], {}, Split(1, 0)),
        ([rule(to("shop", 1), to("shop-canary", 3, namespace="test"))], {}, Split(1, 3)),
        ([rule(*AFTER, name="a", **API), rule(*BOTH, name="b")], {"routes": ["b"]}, Split(100, 0)),
        ([rule(*AFTER, name="a", **API), rule(*BOTH, name="b")], ALL, Split(80, 20)),
    ],
)
def test_weight_says_the_split_as_it_is(rules: list[Object], asked: Object, split: Split) -> None:
    assert gateway_api.weight(objects(route(*rules)), target(**asked)) == split


@pytest.mark.parametrize(
    ("kind", "asked", "found"),
    [
        ("", None, ("HTTPRoute", "v1", "httproutes")),
        ("HTTPRoute", "v1beta1", ("HTTPRoute", "v1beta1", "httproutes")),
        ("GRPCRoute", None, ("GRPCRoute", "v1", "grpcroutes")),
        ("GRPCRoute", "gateway.networking.k8s.io/v1alpha2", ("GRPCRoute", "v1alpha2", "grpcroutes")),
        ("TLSRoute", None, ("TLSRoute", "v1", "tlsroutes")),
        ("TLSRoute", "v1alpha3", ("TLSRoute", "v1alpha3", "tlsroutes")),
        ("TCPRoute", None, ("TCPRoute", "v1alpha2", "tcproutes")),
        ("TCPRoute", "v1", ("TCPRoute", "v1", "tcproutes")),
    ],
)
def test_kind_and_version(kind: str, asked: str | None, found: tuple[str, str, str]) -> None:
    part = gateway_api.parts(target(kind=kind, api_version=asked))["route"]
    assert (part.resource.kind, part.resource.version, part.resource.plural) == found
    assert (part.resource.group, part.name, part.required, part.has_status) == ("gateway.networking.k8s.io", "shop", True, True)
