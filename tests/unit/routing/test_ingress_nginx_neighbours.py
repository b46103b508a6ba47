"""What other Ingresses of the namespace do to a split: refused where the canary would not get its share, told where more is split."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.ingress_nginx import router as ingress_nginx
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import DesiredTraffic, Target
from ansible_collections.progressive.delivery.tests.harness.memory.ingress_nginx import Served, of_class, paths_of, pool_of, served
from hypothesis import example, given, settings
from hypothesis import strategies as st

from .ingresses import CLASS, DEFAULT, Object, aged, canary, header, ingress, nginx, pair, path, rule, target, weighted, wish
from .moves import carried_out

SHOP, PREVIEW = "shop.example.org", "preview.example.org"
MAIN = aged(10, ingress())
CATCH_ALL = aged(10, ingress(**CLASS, **DEFAULT))
TO_CANARY: Object = {"defaultBackend": {"service": {"name": "shop-canary", "port": {"number": 80}}}}
TO_OTHER: Object = {"defaultBackend": {"service": {"name": "other", "port": {"number": 80}}}}
NOW = 30  # when the canary Ingress is made


def told(stable: Object, others: list[Object], wished: DesiredTraffic, *together: Target, live: Object | None = None) -> list[str]:
    place = target()
    ingress_nginx.changes(pair(stable, live), place, wished)
    there = [stable, *others, *([live] if live else [])]
    return ingress_nginx.beside(pair(stable, live), place, wished, there, together)


def of(name: str, age: int, *rules: Object, annotations: Object | None = None, **spec: Any) -> Object:
    return aged(age, ingress(*rules, name=name, annotations=annotations, **{**CLASS, **spec}))


def by_hand(name: str, age: int, *rules: Object, weight: int = 0, **spec: Any) -> Object:
    return of(name, age, *rules, annotations=weighted(weight), **spec)


STOPPED: dict[str, tuple[Object, list[Object], str]] = {
    "b: a preview host": (
        MAIN,
        [of("preview", 20, rule(PREVIEW, path("shop-canary")))],
        "Ingress test/preview leads to Service shop-canary, and ingress-nginx sends no share to a Service that an Ingress serves",
    ),
    "b: as a default backend": (MAIN, [of("preview", 20, **TO_CANARY)], "Ingress test/preview leads to Service shop-canary"),
    "c: by hand, for the same path": (
        MAIN,
        [by_hand("hand", 20, rule(SHOP, path("other")))],
        "Ingress test/hand is a canary Ingress of Service shop already, and older, and ingress-nginx uses only the first: delete it",
    ),
    "c: left at weight 0, for the same canary Service": (
        MAIN,
        [by_hand("shop-shop-canary", 20, rule(SHOP, path("shop-canary")))],
        "Ingress test/shop-shop-canary is a canary Ingress for Service shop-canary already, and older",
    ),
    "c: for another path of the same Service": (
        MAIN,
        [of("b", 5, rule("b.org", path("shop"))), by_hand("hand", 20, rule("b.org", path("other")))],
        "Ingress test/hand is a canary Ingress of Service shop already",
    ),
    "c: older than the Ingress, for its stable Service": (
        MAIN,
        [by_hand("hand", 5, rule("x.org", path("shop")))],
        "Ingress test/hand is a canary Ingress for Service shop, and ingress-nginx serves that Service nowhere else: delete it",
    ),
    "e: ours of another call, with another weight": (
        MAIN,
        [
            of("b", 5, rule("b.org", path("shop"))),
            aged(20, canary(rule("b.org", path("shop-canary")), name="b-canary", of="b", annotations=weighted(10), **CLASS)),
        ],
        "Ingress test/b-canary is a canary Ingress for Service shop-canary already, and older, and ingress-nginx uses only the first",
    ),
    "f: a path without a host, to another Service": (
        CATCH_ALL,
        [of("admin", 20, rule(None, path("other", "/admin")))],
        "Ingress test/admin leads (any host)/admin to Service other, and the canary of a lone defaultBackend takes a share of all",
    ),
    "f: an older catch-all": (
        CATCH_ALL,
        [of("all", 5, **TO_OTHER)],
        "Ingress test/all has a defaultBackend and no rules too, and is served",
    ),
    "f: a catch-all in front of a rule without a host": (
        aged(10, ingress(rule(None, path("shop")), **CLASS)),
        [of("all", 20, **TO_OTHER)],
        "Ingress test/all leads (any host)/ to Service other, which would be split, and is served instead of Ingress test/shop",
    ),
    "the same path, older": (
        MAIN,
        [of("old", 5, rule(SHOP, path("other")))],
        "Ingress test/old leads shop.example.org/ to Service other, which would be split, and is served instead of Ingress test/shop",
    ),
}


@pytest.mark.parametrize("case", STOPPED)
def test_what_makes_a_split_ineffective_is_refused(case: str) -> None:
    stable, others, said = STOPPED[case]
    with pytest.raises(Refused) as refused:
        told(stable, others, wish(50))
    assert str(refused.value).startswith(said) and "\n" not in str(refused.value)


OTHER_CLASS: Object = {"ingressClassName": "internal"}
GOES = of("preview", 20, rule(PREVIEW, path("shop-canary")))
GOES["metadata"]["deletionTimestamp"] = "2026-01-01T00:01:00Z"
B = of("b", 20, rule("b.org", path("shop")))
# The user's Ingress, the others, and what is told of them.
TOLD: dict[str, tuple[Object, list[Object], list[str]]] = {
    "e: another host of the same Service and port": (
        MAIN,
        [B],
        ["Ingress test/b leads to Service shop by the same port, so that its requests are split too: name it among the routers, or name"],
    ),
    "e: the port by its name": (MAIN, [of("b", 20, rule("b.org", path("shop", port="http")))], []),
    "b: the port by its name": (MAIN, [of("preview", 20, rule(PREVIEW, path("shop-canary", port="http")))], []),
    "another class": (MAIN, [of("preview", 20, rule(PREVIEW, path("shop-canary")), **OTHER_CLASS)], []),
    "the same class by the old annotation": (
        MAIN,
        [aged(20, ingress(rule("b.org", path("shop")), name="b", annotations={"kubernetes.io/ingress.class": "nginx"}))],
        ["Ingress test/b leads to"],
    ),
    "one that goes": (MAIN, [GOES], []),
    "another Service": (MAIN, [of("b", 20, rule("b.org", path("other")), **TO_OTHER)], []),
    "f: a path without a host, to the same Service": (
        CATCH_ALL,
        [of("b", 20, rule(None, path("shop", "/x")))],
        ["Ingress test/b leads to"],
    ),
    "a canary of another Service": (
        MAIN,
        [of("x", 5, rule("x.org", path("other"))), by_hand("x-canary", 20, rule("x.org", path("other-canary")))],
        [],
    ),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_more_is_split_is_told(case: str) -> None:
    stable, others, said = TOLD[case]
    found = told(stable, others, wish(50))
    assert len(found) == len(said) and all(text.startswith(start) for text, start in zip(found, said, strict=True)), found


def test_those_that_move_together_are_neither_told_nor_refused() -> None:
    ours = aged(20, canary(rule("b.org", path("shop-canary")), name="b-canary", of="b", annotations=weighted(10), **CLASS))
    assert told(MAIN, [B, ours], wish(50), target(), target(name="b")) == []
    assert [text[:14] for text in told(MAIN, [B, ours], wish(10))] == ["Ingress test/b"], "the same share, by another call"


def test_what_came_later_stops_no_release() -> None:
    live = aged(NOW, canary(annotations=weighted(20)))
    late = [of("preview", 40, rule(PREVIEW, path("shop-canary"))), by_hand("hand", 40, rule(SHOP, path("other")))]
    [text] = told(MAIN, late, wish(50), live=live)
    assert text.startswith("Ingress test/preview leads to Service shop-canary, and ingress-nginx answers its requests with 404 as long as")
    with pytest.raises(Refused, match="Ingress test/preview leads to Service shop-canary, and ingress-nginx sends no share"):
        told(MAIN, [of("preview", 20, rule(PREVIEW, path("shop-canary")))], wish(50), live=live)


def test_a_canary_ingress_that_stays_behind_is_told() -> None:
    """It goes on splitting the requests of the Ingress whose canary goes."""
    ours = aged(20, canary(rule("b.org", path("shop-canary")), name="b-canary", of="b", annotations=weighted(10), **CLASS))
    live = aged(NOW, canary(annotations=weighted(10)))
    after = served([MAIN, B, ours])
    assert [after[place].share for place, _backend in paths_of(MAIN)] == [0.1]
    for wished in (wish(0), None):
        [text] = ingress_nginx.beside(pair(MAIN, live), target(), wished, [MAIN, B, ours, live], [target()])
        assert text.startswith(
            "Ingress test/b-canary is a canary Ingress for Service shop-canary too, and goes on taking requests of Service"
        )
        assert ingress_nginx.beside(pair(MAIN, live), target(), wished, [MAIN, B, ours, live], [target(), target(name="b")]) == []
        assert ingress_nginx.beside({"ingress": None, "canary_ingress": live}, target(), wished, [ours, live], []) == []


def test_a_default_backend_beside_rules_to_other_services_is_refused() -> None:
    beside = ingress(rule(SHOP, path("other", "/a")), **CLASS, **DEFAULT)
    by_port = ingress(rule(SHOP, path("shop", "/a", 8080)), **CLASS, **DEFAULT)
    for stable in (beside, by_port, ingress({"host": "bare.example.org"}, **CLASS, **DEFAULT)):
        with pytest.raises(Refused, match=r"^Ingress test/shop has a defaultBackend to Service 'shop' and no rule that leads to the same"):
            ingress_nginx.changes(pair(stable), target(), wish(50))


SERVICES = st.sampled_from(["shop", "shop", "shop-canary", "other"])
PORTS = st.sampled_from([80, 80, 80, "http"])
PATHS = st.builds(
    path, SERVICES, st.sampled_from(["/", "/a"]), PORTS, st.sampled_from(["Prefix", "Prefix", "ImplementationSpecific", "Exact"])
)
RULES = st.builds(
    lambda host, paths: rule(host, *paths), st.sampled_from([SHOP, SHOP, PREVIEW, None]), st.lists(PATHS, min_size=1, max_size=2)
)
DEFAULTS = st.one_of(
    st.just({}), st.just({}), st.builds(lambda name, port: {"defaultBackend": path(name, port=port)["backend"]}, SERVICES, PORTS)
)
SPECS = st.one_of(
    st.tuples(st.lists(RULES, min_size=1, max_size=2), DEFAULTS),
    st.builds(lambda name: ([], {"defaultBackend": path(name)["backend"]}), SERVICES),
)
ANNOTATIONS = st.sampled_from([{}, {}, {}, nginx(affinity="cookie"), weighted(0), weighted(30)])
ONES = st.tuples(st.integers(0, NOW - 1), SPECS, ANNOTATIONS)


def _duplicates(obj: Object) -> bool:
    """Whether a path of one Ingress stands in it twice, or beside one of the other type, which the controller would serve twice."""
    places = [(place.host, place.path) for place, _backend in paths_of(obj)]
    return len(set(places)) < len(places)


@settings(max_examples=300, deadline=None)
@given(
    st.tuples(st.integers(0, NOW - 1), SPECS),
    st.lists(ONES, max_size=3),
    st.sampled_from([wish(50), wish(100), wish(0, header("exact", "1"))]),
)
@example((10, ([rule(SHOP, path("shop", "/a"))], DEFAULT)), [], wish(50))
@example(
    (10, ([], DEFAULT)),
    [(20, ([rule(SHOP, path("shop", port="http"))], {}), weighted(0)), (10, ([rule(SHOP, path("shop", "/a"))], DEFAULT), {})],
    wish(50),
)
@example((10, ([], DEFAULT)), [(20, ([rule(None, path("shop", "/a"))], {}), {})], wish(50))
def test_what_is_not_refused_is_split_as_asked(first: tuple[int, Any], more: list[Any], wished: DesiredTraffic) -> None:
    """By the rules of the controller, which know nothing of the check: all that leads to the stable Service, and what is told, no more.

    What nothing is served at before (a canary Ingress for the stable Service can bring that about) needs no split.
    """
    (age, (rules, default)) = first
    stable = aged(age, ingress(*rules, **CLASS, **default))
    others = [
        aged(at, ingress(*rules, name=f"other-{number}", annotations=said, **CLASS, **default))
        for number, (at, (rules, default), said) in enumerate(more)
    ]
    try:
        warnings = told(stable, others, wished)
    except Refused:
        return
    made = carried_out(pair(stable), target(), wished)["canary_ingress"]
    before, after = served([stable, *others]), served([stable, *others, aged(NOW, made)])
    named = {text.split()[1].partition("/")[2] for text in warnings}
    for place, backend in paths_of(stable):
        if (pool_of(stable, backend) or "").startswith("test/shop:") and before[place].main is not None:
            _is_split(after[place], wished)
    if not rules:
        [root] = [place for place in after if place == ingress_place()]
        if before[root].main is not None:
            _is_split(after[root], wished)
    for place, now in after.items():
        was = before.get(place, Served(None))
        assert now.main == was.main, f"{place} is served by another Service than before"
        if now.canary != was.canary:
            assert (now.main or "").startswith("test/shop:"), f"{place}: requests of another Service are split"
            owners = {each["metadata"]["name"] for each in [stable, *others] if leads(each, now.main)}
            assert owners <= {"shop", *named, *(each["metadata"]["name"] for each in others if said_canary(each))}


def ingress_place() -> Any:
    [(place, _backend)] = paths_of(ingress(rule(None, path("shop"))))
    return place


def leads(obj: Object, pool: str | None) -> bool:
    backends = [backend for _place, backend in paths_of(obj)] + [obj["spec"].get("defaultBackend")]
    return pool in [pool_of(obj, backend) for backend in backends]


def said_canary(obj: Object) -> bool:
    return nginx(canary="true").items() <= (obj["metadata"].get("annotations") or {}).items()


def _is_split(place: Served, wished: DesiredTraffic) -> None:
    assert place.canary is not None and place.canary.startswith("test/shop-canary:")
    assert place.share == wished.split.canary / 100 and place.chosen == bool(wished.routes)
    assert of_class(MAIN) == "nginx"
