"""What providers ask, and how each kind of answer is read: the result, or its own clear text."""

from __future__ import annotations

import json
import math
from typing import Any
from urllib.parse import parse_qs

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._analysis.provider import MeasurementError, Response
from ansible_collections.progressive.delivery.plugins.module_utils._analysis.providers import prometheus, web


def _answer(status: int, body: Any, **headers: str) -> Response:
    return Response(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


def _vector(*values: str) -> Any:
    return {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1.5, each]} for each in values]}}


def _data(kind: str, result: Any) -> Any:
    return {"status": "success", "data": {"resultType": kind, "result": result}}


ERROR = {"status": "error", "errorType": "bad_data", "error": "1:3: parse error: unexpected end of input"}
READ = [
    (200, _vector("0.5"), [0.5]),
    (200, _vector("0.5", "NaN", "+Inf"), [0.5, math.nan, math.inf]),
    (200, _vector(), []),
    (200, _data("scalar", [1.5, "2"]), 2.0),
    (200, _data("string", [1.5, "x"]), "x"),
]
UNREAD = [
    (200, _data("matrix", []), "a range of samples"),
    (200, _data("vector", [{"metric": {}, "histogram": [1, {}]}]), "cannot be read"),
    (200, {"status": "success"}, "not that of a Prometheus query"),
    (200, [], "not that of a Prometheus query"),
    (200, b"<html>", "not JSON"),
    (400, ERROR, "refuses the query: 1:3: parse error"),
    (422, ERROR, "cannot execute the query"),
    (503, ERROR, "in time"),
    (401, b"no", "refuses the credentials"),
    (403, b"no", "refuses the credentials"),
    (404, b"no", "knows no such path"),
    (429, b"no", "limits the number of requests"),
    (302, b"", "redirects to https://sso.example"),
    (500, b"", "HTTP status 500"),
]


@pytest.mark.parametrize(("status", "body", "result"), READ)
def test_prometheus_answers(status: int, body: Any, result: Any) -> None:
    assert str(prometheus.read({}, _answer(status, body))) == str(result)


@pytest.mark.parametrize(("status", "body", "said"), UNREAD)
def test_prometheus_answers_that_are_errors(status: int, body: Any, said: str) -> None:
    with pytest.raises(MeasurementError, match=said):
        prometheus.read({}, _answer(status, body, location="https://sso.example/login"))


def test_prometheus_is_asked_for_a_moment() -> None:
    options = {"address": "https://prometheus.example/", "query": "rate(x[5m])", "headers": {"Authorization": "Bearer s"}, "timeout": 5}
    asked = prometheus.request(options, 1700000000.25)
    assert (asked.method, asked.url) == ("POST", "https://prometheus.example/api/v1/query")
    assert asked.headers["Authorization"] == "Bearer s"
    assert parse_qs((asked.body or b"").decode()) == {"query": ["rate(x[5m])"], "time": ["1700000000.250"], "timeout": ["5s"]}
    assert asked.timeout == 5


WEB = [
    ({}, {"ok": True}, {"ok": True}),
    ({"jmespath": "data.rate"}, {"data": {"rate": 0.5}}, 0.5),
    ({"jmespath": "nothing"}, {"data": 1}, None),
    ({}, b" ready\n", "ready"),
    ({}, b"3", 3),
]


@pytest.mark.parametrize(("options", "body", "result"), WEB)
def test_web_answers(options: dict[str, Any], body: Any, result: Any) -> None:
    assert web.read(options, _answer(200, body)) == result


@pytest.mark.parametrize(
    ("status", "options", "body", "said"),
    [
        (200, {"jmespath": "a"}, b"x", "not JSON"),
        (200, {"jmespath": "length(@)"}, 5, "cannot be applied"),
        (500, {}, b"", "HTTP status 500"),
    ],
)
def test_web_answers_that_are_errors(status: int, options: dict[str, Any], body: Any, said: str) -> None:
    with pytest.raises(MeasurementError, match=said):
        web.read(options, _answer(status, body))


def test_web_sends_data_as_json() -> None:
    asked = web.request({"url": "http://x/", "method": "POST", "json": {"a": 1}, "headers": {"X-Key": "k"}}, 0)
    assert (asked.method, asked.body, asked.headers) == ("POST", b'{"a": 1}', {"X-Key": "k", "Content-Type": "application/json"})
