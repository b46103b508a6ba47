"""The option probe: what is accepted, what is refused by which words, and how an answer is read."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.probes import Probe, read_answer, read_probe
from ansible_collections.progressive.delivery.plugins.module_utils._routing.served import CANARY, FAILED, STABLE

LEAST: dict[str, Any] = {"url": "http://shop.example/", "expect": {"canary": "x-version: 2"}}


def read(**changes: Any) -> Probe:
    probe = read_probe({**LEAST, **changes})
    assert probe is not None
    return probe


def test_none() -> None:
    assert read_probe(None) is None


def test_the_least() -> None:
    flags = re.IGNORECASE | re.MULTILINE
    assert read() == Probe("http://shop.example/", {}, {CANARY: re.compile("x-version: 2", flags)}, timeout=30.0, validate_certs=True)


def test_everything() -> None:
    probe = read(
        url="https://192.0.2.1:8443/version?full=1",
        headers={"Host": "shop.example", "X-Attempt": 1, "X-Empty": "", "X-None": None},
        expect={"canary": "yellow", "stable": "blue"},
        timeout="1m30s",
        validate_certs=False,
    )
    assert probe.url == "https://192.0.2.1:8443/version?full=1"
    assert probe.headers == {"Host": "shop.example", "X-Attempt": "1", "X-Empty": ""}
    assert {version: pattern.pattern for version, pattern in probe.expect.items()} == {CANARY: "yellow", STABLE: "blue"}
    assert (probe.timeout, probe.validate_certs) == (90.0, False)


def test_what_ansible_fills_in_is_not_given() -> None:
    assert read(headers=None, timeout=None, validate_certs=None, expect={"canary": "x-version: 2", "stable": None}) == read()


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost",
        "HTTP://Shop.Example:80",
        "https://[2001:db8::1]:8443/x",
        "http://shop?a=b@c",
        "http://shop/a//b@c",
        "http://shop_a.b/%20",
        "http://shop/ä",
    ],
)
def test_a_url(url: str) -> None:
    assert read(url=url).url == url


@pytest.mark.parametrize(
    "url",
    [
        *(
            "shop.example",
            "//shop.example",
            "ftp://shop.example",
            "http://",
            "http:///x",
            "http://shop:0/",
            "http://shop:65536",
            "http://shop:",
        ),
        *(
            "http://a b/",
            "http://shop/a b",
            "http://shop/#x",
            "http://shop/\r\nX: 1",
            "http://[shop]/",
            80,
            ["http://shop"],
        ),
    ],
    ids=repr,
)
def test_not_a_url(url: Any) -> None:
    with pytest.raises(Refused) as refused:
        read(url=url)
    assert str(refused.value) == (
        f"probe.url: {url!r} is not a URL: use one such as http://shop.example/version or https://192.0.2.1:8443/"
    )


KEYS = "it takes url, expect, headers, timeout, validate_certs"
DURATION = "is not a duration: use seconds, or a text such as 30s, 5m or 1h30m"
NO_EXPECT = "probe.expect: say what an answer of canary shows, or of stable, or both, for example {canary: 'x-version: 2'}"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rate": 5}, f"probe: unknown key rate: {KEYS}"),
        ({"url": None}, "probe: url is missing"),
        ({"url": ""}, "probe: url is missing"),
        ({"expect": None}, "probe: expect is missing"),
        ({"url": None, "expect": {}}, "probe: url, expect is missing"),
        (
            {"url": "https://jane:s3cret@shop.example/"},
            "probe.url: there are credentials in it: give them as a header, for example {Authorization: Basic ...}",
        ),
        ({"headers": "Host: shop"}, "probe.headers must map names to values, for example {Host: shop.example}"),
        ({"headers": ["Host"]}, "probe.headers must map names to values, for example {Host: shop.example}"),
        ({"headers": {"Host:": "shop"}}, "probe.headers: 'Host:' is not a header's name: use letters, digits and '-'"),
        ({"headers": {"": "shop"}}, "probe.headers: '' is not a header's name: use letters, digits and '-'"),
        ({"headers": {1: "shop"}}, "probe.headers: 1 is not a header's name: use letters, digits and '-'"),
        ({"headers": {"X-Qa": True}}, "probe.headers, X-Qa: True is not a text: write it in quotes"),
        ({"headers": {"X-Qa": ["a"]}}, "probe.headers, X-Qa: ['a'] is not a text: write it in quotes"),
        (
            {"headers": {"Authorization": "Bearer s3cret\r\nX-Evil: 1"}},
            "probe.headers, Authorization: it has line breaks or other characters that no header can have",
        ),
        ({"headers": {"X-Qa": "€"}}, "probe.headers, X-Qa: it has line breaks or other characters that no header can have"),
        ({"expect": "2"}, "probe.expect must be a mapping with canary, stable"),
        ({"expect": {"canary": None}}, NO_EXPECT),
        ({"expect": {"preview": "2"}}, "probe.expect: unknown key preview: it takes canary, stable"),
        ({"expect": {"canary": "2", "stable": "2"}}, "probe.expect: canary and stable are both '2': say what tells them apart"),
        (
            {"expect": {"stable": "(2"}},
            "probe.expect.stable: '(2' is not a regular expression: missing ), unterminated subpattern at position 0",
        ),
        ({"expect": {"canary": ["2"]}}, "probe.expect.canary: ['2'] is not a regular expression: write it in quotes"),
        ({"expect": {"canary": True}}, "probe.expect.canary: True is not a regular expression: write it in quotes"),
        (
            {"expect": {"canary": "2|"}},
            "probe.expect.canary: '2|' is in every answer, since nothing at all matches it: say what only this version shows",
        ),
        ({"timeout": "soon"}, f"probe.timeout: 'soon' {DURATION}"),
        ({"timeout": "500ms"}, "probe.timeout: '500ms' is too short to ask often enough: give at least 1s"),
        ({"validate_certs": "maybe"}, "probe.validate_certs: 'maybe' is neither true nor false"),
        ({"validate_certs": 0}, "probe.validate_certs: 0 is neither true nor false"),
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_by_its_key(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused) as refused:
        read(**changes)
    assert str(refused.value) == said


@pytest.mark.parametrize("raw", ["http://shop.example/", ["http://shop.example/"], True], ids=repr)
def test_a_probe_is_a_mapping(raw: Any) -> None:
    with pytest.raises(Refused, match=r"^router 1, probe must be a mapping with url, expect, headers, timeout, validate_certs$"):
        read_probe(raw, "router 1, probe")


@pytest.mark.parametrize(("text", "truth"), [("true", True), ("Yes", True), ("False", False), ("no", False), (False, False)], ids=repr)
def test_templates_bring_truth_as_text(text: Any, truth: bool) -> None:
    assert read(validate_certs=text).validate_certs is truth


BOTH = {"canary": "^x-version: 2$", "stable": "^x-version: 1$"}
COLOURS = {"canary": "yellow", "stable": "blue"}


@pytest.mark.parametrize(
    ("expect", "status", "head", "body", "read_as"),
    [
        (BOTH, 200, {"X-Version": "2"}, "", (CANARY, "")),
        (BOTH, 200, {"Server": "x", "x-version": "1", "Via": "y"}, "x-version: 3", (STABLE, "")),
        (BOTH, 200, {"X-Version": "21"}, "", (FAILED, "HTTP status 200 that shows neither what expect says of canary nor of stable")),
        (BOTH, 200, {}, "\nx-version: 2\n", (CANARY, "")),
        (COLOURS, 200, {}, "<b>Yellow</b>", (CANARY, "")),
        (COLOURS, 200, {}, "blue\nyellow", (FAILED, "HTTP status 200 that shows both what expect says of canary and of stable")),
        (COLOURS, 404, {}, "yellow", (FAILED, "HTTP status 404")),
        (COLOURS, 503, {}, "", (FAILED, "HTTP status 503")),
        (COLOURS, 302, {"Location": "/yellow"}, "", (CANARY, "")),
        ({"canary": "yellow"}, 200, {}, "blue", (STABLE, "")),
        ({"canary": "yellow"}, 204, {}, "", (STABLE, "")),
        ({"canary": "yellow"}, 301, {}, "", (FAILED, "HTTP status 301 that does not show what expect says of canary")),
        ({"canary": "yellow"}, 500, {}, "blue", (FAILED, "HTTP status 500")),
        ({"stable": "blue"}, 200, {}, "yellow", (CANARY, "")),
        ({"stable": "blue"}, 200, {}, "blue", (STABLE, "")),
        ({"canary": 2}, 200, {"x-version": "2"}, "", (CANARY, "")),
        ({"canary": "(?-i:Yellow)"}, 200, {}, "yellow", (STABLE, "")),
    ],
    ids=str,
)
def test_an_answer(expect: dict[str, Any], status: int, head: dict[str, str], body: str, read_as: tuple[str, str]) -> None:
    assert read_answer(read(expect=expect), status, head, body) == read_as
