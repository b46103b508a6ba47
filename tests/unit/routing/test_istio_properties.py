"""Whatever stands in a VirtualService and its DestinationRule: wishes change what they must and nothing else, and leave no trace."""

from __future__ import annotations

import copy
import json
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._objects import edits
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import (
    Condition,
    DesiredTraffic,
    Level4Route,
    ManagedRoute,
    Target,
    split_of,
)
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from .moves import carried_out, plain
from .virtual_services import SUBSETS, target

Object = dict[str, Any]
STABLE = ["shop", "shop.test.svc.cluster.local"]
CANARY = ["shop-canary", "shop-canary.test.svc.cluster.local"]
OTHER = ["other", "shop.other.svc.cluster.local", "shop-canary-2", "example.org", "shop.test"]
THIRD = "third"
PATHS = ("/", "/a", "/ab", "/A", "/a/b")

# Drawn from lists, since drawing each value by itself takes most of the time.
FIELDS: st.SearchStrategy[Object] = st.sampled_from(
    [{}, {}, {"timeout": "3s"}, {"retries": {"attempts": 3}, "corsPolicy": None}, {"unknownToUs": [None, {"a": [], "b": 1.5}], "fault": {}}]
)
URIS: list[Object] = [
    {},
    {},
    *({"uri": {how: path}} for how, path in (("prefix", "/"), ("prefix", "/a"), ("prefix", "/ab"), ("exact", "/a"), ("exact", "/a/b"))),
    {"uri": {"prefix": "/A"}, "ignoreUriCase": True},
    {"uri": {"regex": "/a.*"}},
]
OTHERWISE: list[Object] = [
    {},
    {},
    {"headers": {"x-a": {"exact": "1"}}, "gateways": ["mesh"], "port": 80},
    {"headers": {"X-B": {}}},
    {"headers": {"x-a": {"prefix": "1"}, "x-b": {"exact": "12"}}},
    {"headers": {"x-b": {"regex": "*"}}},
    {"withoutHeaders": {"x-a": {"regex": "*"}}},
    {"withoutHeaders": {"x-b": {"exact": "1"}}, "method": {"exact": "GET"}},
    {"method": {"prefix": "P"}, "name": "named"},
    {"queryParams": {"v": {"prefix": "1"}}},
    {"queryParams": {"V": {"exact": "1"}}},
]
REWRITES: st.SearchStrategy[Object] = st.sampled_from([{}, {}, {"rewrite": {"uri": "/v/"}}, {"rewrite": {"authority": "x"}}])
ANNOTATIONS: st.SearchStrategy[Object] = st.sampled_from([{}, {"annotations": {"team": "shop"}}])
PORTS: st.SearchStrategy[list[Any]] = st.sampled_from([[], [None], [1], [1, 2], [None, 1]])
MATCHES: st.SearchStrategy[list[Object]] = st.lists(st.sampled_from([{**uri, **more} for uri in URIS for more in OTHERWISE]), max_size=2)
WEIGHTS = [{}, *({"weight": weight} for weight in (0, 1, 3, 50, 60, 100, 100))]
MORE = [({}, {}), ({"port": {"number": 80}}, {}), ({}, {"headers": {"request": {"set": {"a": "b"}}}})]
CONDITIONS = [
    *(
        Condition("header", name, how, value)
        for name in ("X-A", "x-b")
        for how, value in (("exact", "1"), ("prefix", "1"), ("present", ""))
    ),
    *(Condition("path", "", how, path) for how in ("exact", "prefix") for path in PATHS),
    *(Condition("query", "v", how, value) for how, value in (("exact", "12"), ("prefix", "1"), ("present", ""))),
    *(Condition("method", "", "exact", method) for method in ("GET", "PUT")),
]
BOTH_OF = [(one, other) for one in CONDITIONS[:6] for other in CONDITIONS[6:]]
TOTALS = [(weight, total) for total in (100, 3, 1000) for weight in (0, 1, total // 2, total - 1, total)]
ASKED: list[Object] = [{"routes": ("*",)}] * 3 + [{"routes": ("a",)}, {}]
ASKED_BELOW: list[Object] = [{"tls_routes": (Level4Route(1),)}, {"routes": ("*",), "tcp_routes": (Level4Route(2),)}]


def destinations(hosts: list[str], **fixed: str) -> st.SearchStrategy[Object]:
    return st.sampled_from(
        [{**more, "destination": {"host": host, **fixed, **port}, **weight} for host in hosts for weight in WEIGHTS for port, more in MORE]
    )


PAIRS = [
    [destinations(STABLE), destinations(CANARY)],
    [destinations(STABLE, subset="v1"), destinations(STABLE, subset="v2")],
]
THIRDS, OTHERS = destinations([THIRD]), st.lists(destinations(OTHER), max_size=2)


@st.composite
def split_routes(draw: st.DrawFn, by_subset: bool) -> list[Object]:
    shape = draw(st.sampled_from(["stable", "both", "both", "reversed", "third"]))
    made = [draw(each) for each in PAIRS[by_subset][: 1 if shape == "stable" else 2]]
    return made[::-1] if shape == "reversed" else [*made, draw(THIRDS)] if shape == "third" else made


@st.composite
def http_routes(draw: st.DrawFn, by_subset: bool) -> list[Object]:
    http = []
    for index in range(draw(st.integers(1, 3))):
        entry: Object = {**draw(FIELDS), **draw(REWRITES)}
        name = draw(st.sampled_from([None, "", "abc"[index], "abc"[index], "a"]))
        entry.update({"name": name} if name is not None else {}, **({"match": draw(MATCHES)} if draw(st.booleans()) else {}))
        kind = draw(st.sampled_from(["split", "split", "split", "other", "redirect"]))
        if kind == "redirect":
            entry["redirect"] = {"uri": "/"}
        else:
            entry["route"] = draw(split_routes(by_subset) if kind == "split" else OTHERS)
        http.append(entry)
    return http


@st.composite
def below_http(draw: st.DrawFn, by_subset: bool) -> list[Object]:
    matches: list[Any] = draw(PORTS)
    return [{**({"match": [{"port": port}]} if port else {}), "route": draw(split_routes(by_subset)), **draw(FIELDS)} for port in matches]


def rule(draw: st.DrawFn) -> Object:
    kept: st.SearchStrategy[Object] = st.sampled_from([{}, {"version": "1"}, {"version": "2", "app": "shop"}])
    names = draw(st.sampled_from([["v1", "v2"], ["v3", "v2", "v1"], ["v1"], []]))
    subsets = [{"name": name, "labels": draw(kept), **draw(FIELDS)} for name in names]
    return {"host": draw(st.sampled_from(STABLE)), "subsets": subsets, **draw(FIELDS)}


@st.composite
def places(draw: st.DrawFn, below: bool = True) -> tuple[Object, Target]:
    """The objects, and a target in them; not all of them can be split."""
    by_subset = draw(st.booleans())
    metadata = {"name": "shop", "namespace": "test", **draw(ANNOTATIONS)}
    lower = {kind: draw(below_http(by_subset)) if below else [] for kind in ("tls", "tcp")}
    spec = {"hosts": ["x"], "http": draw(http_routes(by_subset)), **lower, **draw(FIELDS)}
    found: Object = {
        "virtual_service": {"apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService", "metadata": metadata, "spec": spec}
    }
    asked = draw(st.sampled_from(ASKED + (ASKED_BELOW if below else [])))
    if by_subset:
        found["destination_rule"] = {
            "apiVersion": "networking.istio.io/v1beta1",
            "kind": "DestinationRule",
            "metadata": metadata,
            "spec": rule(draw),
        }
        labels = {"stable_labels": (("hash", "1"),), "canary_labels": (("hash", "2"),)}
        asked = {**asked, **SUBSETS, **(labels if draw(st.integers(0, 3)) else {})}
    return json.loads(json.dumps(found)), target(additional_destinations=(THIRD,), **asked)


@st.composite
def wishes(draw: st.DrawFn, names: tuple[tuple[str, ...], ...]) -> DesiredTraffic:
    alternatives = st.lists(st.sampled_from([*((each,) for each in CONDITIONS), *BOTH_OF]), min_size=1, max_size=2)
    routes = tuple(ManagedRoute(name, tuple(draw(alternatives)), draw(st.integers(0, 3)) > 0) for name in draw(st.sampled_from(names)))
    return DesiredTraffic(split_of(*draw(st.sampled_from(TOTALS))), routes, draw(st.sampled_from([0, 0, 0.5, 100])))


def write(live: Object, place: Target, wish: DesiredTraffic | None) -> Object:
    return dict(json.loads(json.dumps(carried_out(live, place, wish))))


def sum_of(route: list[Object]) -> int:
    return sum(each.get("weight") or 0 for each in route)


def without_our_doing(spec: Object, wish: DesiredTraffic, original: Object) -> Object:
    """A VirtualService's spec without what a wish may change: weights of the versions, canary destinations, copies, routes of our own."""
    kept = copy.deepcopy(spec)
    for kind in ("http", "tls", "tcp"):
        kept[kind] = [entry for entry in kept[kind] if not str(entry.get("name")).startswith("progressive-delivery-")]
        assert len(kept[kind]) == len(original[kind])
        for entry, before in zip(kept[kind], original[kind], strict=False):
            if wish.mirror and "mirror" not in before:
                entry.pop("mirror", None)
                entry.pop("mirrorPercentage", None)
            entry_route, number = entry.get("route") or [], len(before.get("route") or [])
            assert len(entry_route) in (number, number + 1)
            del entry_route[number:]
            for each in entry_route:
                if each["destination"]["host"] != THIRD:
                    each.pop("weight", None)
    return kept


@settings(max_examples=150, deadline=None)
@given(places(), st.lists(wishes(((), (), ("first",))), min_size=1, max_size=3))
def test_any_wishes_one_after_the_other(found: tuple[Object, Target], asked: list[DesiredTraffic]) -> None:
    original, place = found
    live, done = original, 0
    for wish in asked:
        try:
            live = write(live, place, wish)
        except Refused:
            continue
        done += 1
        spec, before = live["virtual_service"]["spec"], original["virtual_service"]["spec"]
        assert without_our_doing(spec, wish, before) == without_our_doing(before, wish, before)
        assert all(edits.same(live[key], again) for key, again in write(live, place, wish).items())
        for kind in ("http", "tls", "tcp"):
            theirs = [entry for entry in spec[kind] if not str(entry.get("name")).startswith("progressive-delivery-")]
            for entry, old in zip(theirs, before[kind], strict=False):
                if entry.get("route") != old.get("route"):
                    assert sum_of(entry["route"]) == sum_of(old["route"]) or (
                        sum_of(entry["route"]) == wish.split.total and all(each["destination"]["host"] != THIRD for each in old["route"])
                    )
                    first, second = (
                        next(each.get("weight", 0) for each in entry["route"] if is_version(each, place, canary))
                        for canary in (False, True)
                    )
                    assert first * wish.split.canary == second * wish.split.stable
    assume(done)
    assert write(live, place, None) == original


def is_version(destination: Object, place: Target, canary: bool) -> bool:
    if place.stable_subset:
        return bool(destination["destination"].get("subset") == (place.canary_subset if canary else place.stable_subset))
    return bool(destination["destination"]["host"].removesuffix(".test.svc.cluster.local") == ("shop-canary" if canary else "shop"))


def is_split(entry: Object, place: Target) -> bool:
    """Whether an HTTP route is among those asked for."""
    named = place.routes != ("a",) or entry.get("name") == "a"
    return named and any(is_version(each, place, False) for each in entry.get("route") or [])


# A request, as a proxy that follows the reference would treat it

REQUESTS: list[Object] = [
    {"path": path, "method": method, "headers": headers, "query": query}
    for path in (*PATHS, "/a/b/c", "/AB")
    for method in ("GET", "PATCH")
    for headers in ({}, {"x-a": "1"}, {"x-b": "12"}, {"x-a": "12", "x-b": "1"})
    for query in ({}, {"v": "12"}, {"v": "2", "V": "1"})
]


def has(matcher: Object, value: str | None) -> bool:
    if value is None:
        return False
    [(how, wanted)] = matcher.items() or [("prefix", "")]
    if how == "regex":
        return value.startswith(wanted.replace(".*", "").replace("*", "")) if wanted.endswith("*") else value == wanted
    return value == wanted if how == "exact" else value.startswith(wanted)


def takes(match: Object, request: Object) -> bool:
    uri, path = match.get("uri") or {}, request["path"]
    if match.get("ignoreUriCase") and "regex" not in uri:
        uri, path = {how: value.lower() for how, value in uri.items()}, path.lower()
    headers = {name.lower(): matcher for name, matcher in (match.get("headers") or {}).items()}
    return (
        has(uri, path)
        and has(match.get("method") or {}, request["method"])
        and all(has(matcher, request["headers"].get(name)) for name, matcher in headers.items())
        and not any(has(matcher, request["headers"].get(name)) for name, matcher in (match.get("withoutHeaders") or {}).items())
        and all(has(matcher, request["query"].get(name)) for name, matcher in (match.get("queryParams") or {}).items())
    )


def served(http: list[Object], request: Object) -> tuple[Object, str] | None:
    """The route that takes the request, and the path that it becomes."""
    for entry in http:
        for match in entry.get("match") or [{}]:
            if takes(match, request):
                return entry, rewritten((entry.get("rewrite") or {}).get("uri"), match.get("uri") or {}, request["path"])
    return None


def rewritten(to: str | None, uri: Object, path: str) -> str:
    if to is None:
        return path
    return to if {"exact", "regex"} & set(uri) else to + path[len(uri.get("prefix", "/")) :]


def asks_for(route: ManagedRoute, request: Object) -> bool:
    fields: dict[str, Any] = {"header": ("headers", str.lower), "query": ("query", str)}

    def holds(condition: Condition) -> bool:
        matcher = {} if condition.how == "present" else {condition.how: condition.value}
        if condition.what in fields:
            field, plain_name = fields[condition.what]
            return has(matcher, request[field].get(plain_name(condition.name)))
        return has(matcher, request[condition.what])

    return any(all(map(holds, match)) for match in route.matches)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(places(below=False), wishes((("first",), ("first", "second"))), st.lists(st.sampled_from(REQUESTS), min_size=4, max_size=12))
def test_routes_of_our_own_take_just_the_requests_that_they_are_to_take(
    found: tuple[Object, Target], wish: DesiredTraffic, requests: list[Object]
) -> None:
    original, place = found
    try:
        after = plain(write(original, place, wish))
    except Refused:
        assume(False)
    before, http = original["virtual_service"]["spec"]["http"], after["virtual_service"]["spec"]["http"]
    for request in requests:
        then, now = served(before, request), served(http, request)
        alone = [route for route in wish.routes if not route.inherit and asks_for(route, request)]
        within = [route for route in wish.routes if route.inherit and asks_for(route, request)]
        if alone:
            assert now is not None and now[0]["name"] == f"progressive-delivery-{alone[0].name}"
        elif within and then is not None and is_split(then[0], place):
            assert now is not None and now[0]["name"].startswith(f"progressive-delivery-{within[0].name}")
            assert [is_version(each, place, True) for each in now[0]["route"]] == [True]
            assert now[1] == then[1], "the path is rewritten to something else"
            for field in set(then[0]) - {"name", "match", "route", "rewrite"}:
                assert now[0][field] == then[0][field]
        elif then is None:
            assert now is None
        else:
            assert now is not None and (now[0].get("match"), now[0].get("name"), now[1]) == (
                then[0].get("match"),
                then[0].get("name"),
                then[1],
            )
