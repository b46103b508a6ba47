"""Whatever stands in a route: a split changes weights and nothing else, requests go where they were asked to, and no trace is left."""

from __future__ import annotations

import copy
import json
from itertools import product
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._objects import edits
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import (
    Condition,
    DesiredTraffic,
    ManagedRoute,
    Match,
    split_of,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from .gateway_routes import ALL, Object, header, path, route, target, to
from .moves import carried_out, plain

JSON = st.recursive(
    st.one_of(st.none(), st.integers(), st.text("ab", max_size=3)),
    lambda below: st.dictionaries(st.sampled_from("ab"), below, max_size=2),
    max_leaves=4,
)
FILTERS = st.lists(
    st.sampled_from(
        [
            {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x"]}},
            {"type": "RequestMirror", "requestMirror": {"backendRef": {"group": "", "kind": "Service", "name": "shadow", "port": 80}}},
            {"type": "ExtensionRef", "extensionRef": {"group": "example.org", "kind": "Auth", "name": "a"}},
        ]
    ),
    max_size=2,
)
PATHS = ("/", "/a", "/a/b", "/ab")
HEADERS, VALUES, METHODS = ("x", "y"), ("1", "2"), ("GET", "POST")
WEIGHTS = st.integers(0, 100)
OTHERS = (to("other"), to("shop", namespace="prod"), to("shop", kind="Pool"))


@st.composite
def matches(draw: st.DrawFn) -> Object:
    made: Object = {"path": path(draw(st.sampled_from(PATHS)), draw(st.sampled_from(["PathPrefix", "Exact"])))}
    for key in ("headers", "queryParams"):
        names = draw(st.lists(st.sampled_from(HEADERS), unique=True, max_size=2))
        if names:
            made[key] = [header(name, draw(st.sampled_from(VALUES))) for name in names]
    if draw(st.booleans()):
        made["method"] = draw(st.sampled_from(METHODS))
    return made


@st.composite
def rules(draw: st.DrawFn) -> Object:
    """A rule that leads to the stable Service, or to others."""
    made: Object = {"matches": draw(st.lists(matches(), min_size=1, max_size=3))}
    made.update(draw(st.dictionaries(st.sampled_from(["timeouts", "retry", "unknownToUs"]), JSON, max_size=2)))
    found = draw(FILTERS)
    if found:
        made["filters"] = found
    if draw(st.booleans()):
        made["backendRefs"] = draw(
            st.lists(st.sampled_from([to("other"), to("shop", namespace="prod"), to("shop", kind="Pool")]), max_size=2)
        )
        return made
    made["backendRefs"] = [to("shop", draw(WEIGHTS), filters=draw(FILTERS))]
    if draw(st.booleans()):
        made["backendRefs"].insert(draw(st.integers(0, 1)), to("shop-canary", draw(WEIGHTS)))
    return made


@st.composite
def routes(draw: st.DrawFn) -> Object:
    made = draw(st.lists(rules(), min_size=1, max_size=4))
    for index, name in enumerate(draw(st.lists(st.sampled_from(["", "a", "b", "c"]), min_size=len(made), max_size=len(made)))):
        if name and not any(each.get("name") == name for each in made):
            made[index]["name"] = name
    obj = route(*made)
    if draw(st.booleans()):
        obj["metadata"]["annotations"] = {"team": "shop"}
    return obj


CONDITIONS = st.one_of(
    st.builds(Condition, st.sampled_from(["header", "query"]), st.sampled_from(HEADERS), st.just("exact"), st.sampled_from(VALUES)),
    st.builds(Condition, st.just("path"), st.just(""), st.sampled_from(["exact", "prefix"]), st.sampled_from(PATHS)),
    st.builds(Condition, st.just("method"), st.just(""), st.just("exact"), st.sampled_from(METHODS)),
)
ALTERNATIVES = st.lists(
    st.lists(CONDITIONS, min_size=1, max_size=3, unique_by=lambda each: (each.what, each.name)).map(tuple), min_size=1, max_size=2
)


def stable_rules(obj: Object) -> list[Object]:
    ours = {("shop", None, "Service")}
    return [
        rule
        for rule in obj["spec"]["rules"]
        if any((ref["name"], ref.get("namespace"), ref["kind"]) in ours for ref in rule["backendRefs"])
    ]


def write(live: Object, wish: DesiredTraffic | None) -> Object:
    after = carried_out({"route": live}, target(**ALL, additional_destinations=[]), wish)["route"]
    return dict(json.loads(json.dumps(after)))


def copies_to_canary(each: Object) -> bool:
    return bool(each.get("requestMirror", {}).get("backendRef", {}).get("name") == "shop-canary")


def without_weights(obj: Object) -> Object:
    """The route without what a split may change: the two weights, a canary that was added, the filter that copies."""
    bare = copy.deepcopy(dict(plain({"route": obj})["route"]))
    for rule in stable_rules(bare):
        rule["backendRefs"] = [ref for ref in rule["backendRefs"] if ref["name"] != "shop-canary"]
        for ref in rule["backendRefs"]:
            del ref["weight"]
        rule["filters"] = [
            each for each in rule.get("filters", []) if each.get("requestMirror", {}).get("backendRef", {}).get("name") != "shop-canary"
        ]
    return bare


@settings(max_examples=60, deadline=None)
@given(routes(), st.lists(st.tuples(WEIGHTS, st.sampled_from([0.0, 5.0, 12.5, 100.0])), min_size=1, max_size=4))
def test_any_splits_one_after_the_other(original: Object, wishes: list[tuple[int, float]]) -> None:
    try:
        write(original, DesiredTraffic(split_of(5)))
    except Refused:
        assume(False)  # rules that cannot be told apart, or none that leads to the stable Service
    live = original
    for weight, mirror in wishes:
        live = write(live, DesiredTraffic(split_of(weight), mirror=mirror))
        assert without_weights(live) == without_weights(original)
        for before, after in zip(stable_rules(original), stable_rules(live), strict=True):
            sums = [sum(ref["weight"] for ref in rule["backendRefs"]) for rule in (before, after)]
            shares = {ref["name"]: ref["weight"] for ref in after["backendRefs"]}
            assert shares.get("shop-canary", 0) * 100 == weight * sums[1]
            assert sums[1] == sums[0] or sums[0] * weight % 100 or not sums[0], "the sum is kept where it can say the split"
            copies = [
                each
                for each in after.get("filters", [])
                if each.get("requestMirror", {}).get("backendRef", {}).get("name") == "shop-canary"
            ]
            assert len(copies) == bool(mirror)
        assert edits.same(live, write(live, DesiredTraffic(split_of(weight), mirror=mirror)))
    assert write(live, None) == original


# Where requests go, by the Gateway API's own words: of all matches that hold the most specific one decides.


def holds(match: Object, request: Object) -> bool:
    where = match["path"]["value"].rstrip("/")
    exact = match["path"]["type"] == "Exact"
    on_path = request["path"] == match["path"]["value"] if exact else (request["path"].rstrip("/") + "/").startswith(where + "/")
    named = all(request[key].get(each["name"]) == each["value"] for key in ("headers", "queryParams") for each in match.get(key, []))
    return on_path and named and match.get("method", request["method"]) == request["method"]


def precedence(match: Object) -> tuple[Any, ...]:
    return (
        match["path"]["type"] == "Exact",
        len(match["path"]["value"]),
        "method" in match,
        len(match.get("headers", [])),
        len(match.get("queryParams", [])),
    )


def rule_for(obj: Object, request: Object) -> Object | None:
    found = [
        (precedence(match), -index) for index, rule in enumerate(obj["spec"]["rules"]) for match in rule["matches"] if holds(match, request)
    ]
    return obj["spec"]["rules"][-max(found)[1]] if found else None


def asked_for(request: Object, alternatives: list[Match]) -> bool:
    parts = {"header": "headers", "query": "queryParams"}

    def meets(condition: Condition) -> bool:
        if condition.what in parts:
            return bool(request[parts[condition.what]].get(condition.name) == condition.value)
        if condition.what == "method":
            return bool(request["method"] == condition.value)
        return holds({"path": path(condition.value, "Exact" if condition.how == "exact" else "PathPrefix")}, request)

    return any(all(map(meets, each)) for each in alternatives)


def _parts(*given: tuple[str, str | None]) -> Object:
    return {name: value for name, value in given if value is not None}


# All requests that differ in what the routes above can ask for.
REQUESTS: list[Object] = [
    {"path": where, "method": method, "headers": _parts(("x", x), ("y", y)), "queryParams": _parts(("x", query))}
    for where, method, x, y, query in product((*PATHS, "/a/b/c", "/c"), METHODS, (None, *VALUES), (None, "1"), (None, "1"))
]


def manner(rule: Object | None) -> Object:
    return {key: value for key, value in (rule or {}).items() if key not in ("name", "matches", "backendRefs")}


@settings(max_examples=150, deadline=None)
@given(routes(), ALTERNATIVES, st.booleans())
def test_requests_go_where_they_were_asked_to(original: Object, alternatives: list[Match], inherit: bool) -> None:
    """All that have what was asked for and no others; those that inherit only from the rules that are split, and treated like these."""
    try:
        live = write(original, DesiredTraffic(split_of(0), (ManagedRoute("qa", tuple(alternatives), inherit),)))
    except Refused:
        assume(False)
    split = stable_rules(original)
    for request in REQUESTS:
        before, after = rule_for(original, request), rule_for(live, request)
        if asked_for(request, alternatives) and (not inherit or before in split):
            assert after is not None
            assert [ref["name"] for ref in after["backendRefs"]] == ["shop-canary"]
            assert manner(after) == (manner(before) if inherit else {})
        else:
            assert manner(after) == manner(before)
            assert (after is None) == (before is None)
            if before is not None and after is not None:
                assert after["matches"] == before["matches"]
    assert len(live["spec"]["rules"]) > len(original["spec"]["rules"])
    assert write(live, None) == original
