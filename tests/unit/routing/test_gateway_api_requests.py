"""Requests as the Gateway API's matches describe them: which goes first, what two have in common, and what a cookie's pattern takes."""

from __future__ import annotations

import re

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._routing.gateway_api import requests
from ansible_collections.progressive.delivery.plugins.module_utils._steps.matches import read_matches

from .gateway_routes import REGEX, Object, header, match, path


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (match("/ab"), match("/a", method="GET")),
        ({"path": path("/a", "Exact")}, match("/a/long/path", method="GET")),
        (match("/a", method="GET"), match("/a", headers=[header("a", "1"), header("b", "1")])),
        (
            match("/a", headers=[header("a", "1"), header("b", "1")]),
            match("/a", headers=[header("a", "1")], queryParams=[header("a", "1")]),
        ),
        (match("/a", headers=[header("a", "1")]), match("/a", queryParams=[header("a", "1"), header("b", "1")])),
        (match("/a", queryParams=[header("a", "1")]), match("/a")),
    ],
)
def test_precedence_of_http_routes(first: Object, second: Object) -> None:
    """In the order of HTTPRouteRule's documentation."""
    ranks = [requests.rank(each, "HTTPRoute") for each in (first, second)]
    assert ranks[0] is not None and ranks[1] is not None and ranks[0] > ranks[1]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"method": {"service": "shop.Shop"}}, {"method": {"service": "shop", "method": "Buy"}}),
        ({"method": {"service": "shop", "method": "Buy"}}, {"method": {"service": "shop"}, "headers": [header("x-qa", "1")]}),
        ({"headers": [header("x-qa", "1")]}, {}),
    ],
)
def test_precedence_of_grpc_routes(first: Object, second: Object) -> None:
    ranks = [requests.rank(each, "GRPCRoute") for each in (first, second)]
    assert ranks[0] is not None and ranks[1] is not None and ranks[0] > ranks[1]


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (path("/a"), path("/a/b"), path("/a/b")),
        (path("/a/"), path("/a"), path("/a/")),
        (path("/a"), path("/ab"), None),
        (path("/"), path("/a", "Exact"), path("/a", "Exact")),
        (path("/a/"), path("/a", "Exact"), path("/a", "Exact")),
        (path("/a/b"), path("/a", "Exact"), None),
        (path("/a", "Exact"), path("/b", "Exact"), None),
        (path("/x", REGEX), path("/x", REGEX), path("/x", REGEX)),
    ],
)
def test_paths_in_common(one: Object, other: Object, shared: Object | None) -> None:
    """A prefix is one of whole elements of the path."""
    for pair in ((one, other), (other, one)):
        assert requests.both(*({"path": each} for each in pair)) == (shared and {"path": shared})


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ({"service": "a"}, {"method": "B"}, {"service": "a", "method": "B"}),
        ({"service": "a"}, {"service": "a", "method": "B"}, {"service": "a", "method": "B"}),
        ({"service": "a"}, {"service": "b"}, None),
        ({"service": "a", "method": "B"}, {"method": "C"}, None),
    ],
)
def test_grpc_methods_in_common(one: Object, other: Object, shared: Object | None) -> None:
    assert requests.both({"method": one}, {"method": other}) == (shared and {"method": shared})


def test_patterns_of_grpc_methods_cannot_be_told() -> None:
    with pytest.raises(requests.Undecidable):
        requests.both({"method": {"service": "a"}}, {"method": {"service": "b.*", "type": REGEX}})


@pytest.mark.parametrize(
    ("asked", "cookie", "fits"),
    [
        ({"exact": "1"}, "qa=1", True),
        ({"exact": "1"}, "a=b; qa=1; c=d", True),
        ({"exact": "1"}, "a=b;qa=1;c=d", True),
        ({"exact": "1"}, "qa=11", False),
        ({"exact": "1"}, "xqa=1", False),
        ({"exact": "1"}, "a=qa=1", False),
        ({"prefix": "be"}, "a=b; qa=beta; c=d", True),
        ({"prefix": "be"}, "qa=alpha; c=be", False),
        ({"regex": "b[^;]*"}, "qa=beta; c=d", True),
        ({"regex": "b|a"}, "qa=alpha; c=d", False),
        ({"present": True}, "qa=", True),
        ({"present": True}, "noqa=1; q=qa", False),
    ],
)
def test_the_pattern_of_a_cookie(asked: Object, cookie: str, fits: bool) -> None:
    """It must hold of the same headers for controllers that match all of the value and for those that search in it."""
    [[condition]] = read_matches([{"cookies": {"qa": asked}}])
    pattern = requests.asked((condition,), "HTTPRoute", "here")["headers"][0]["value"]
    assert bool(re.search(pattern, cookie)) == bool(re.fullmatch(pattern, cookie)) == fits
