"""The option probe: what is accepted, what is refused by which words, and how an answer is read."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.probes import (
    Probe,
    allowed,
    link_local,
    read_answer,
    read_hosts,
    read_probe,
    refuse_missing_headers,
    refuse_other_hosts,
    without_header_values,
)
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
    assert probe.missing == ("X-None",) and probe.needs_headers
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
            "http://[:::::]/",
            "http://shop:1234567890123456789/",
            80,
            ["http://shop"],
        ),
    ],
    ids=repr,
)
def test_not_a_url(url: Any) -> None:
    with pytest.raises(Refused) as refused:
        read(url=url)
    assert (refused.value.problem.object, refused.value.problem.what) == ("probe.url", f"must be a URL, not {url!r}")


WRONG: list[Any] = [
    ({"rate": 5}, "probe", "does not take rate"),
    ({"url": None}, "probe.url", "is missing"),
    ({"url": ""}, "probe.url", "is missing"),
    ({"expect": None}, "probe.expect", "is missing"),
    ({"url": None, "expect": {}}, "probe.url", "is missing"),
    (
        {"url": "https://jane:s3cret@shop.example/"},
        "probe.url",
        "must not contain credentials",
    ),
    ({"headers": "Host: shop"}, "probe.headers", "must map names to values"),
    ({"headers": ["Host"]}, "probe.headers", "must map names to values"),
    ({"headers": {"Host:": "shop"}}, "probe.headers", "has the key 'Host:', which is not the name of a header"),
    ({"headers": {"": "shop"}}, "probe.headers", "has the key '', which is not the name of a header"),
    ({"headers": {1: "shop"}}, "probe.headers", "has the key 1, which is not the name of a header"),
    ({"headers": {"X-Qa": True}}, "probe.headers.X-Qa", "must be a string, not a value of type bool"),
    ({"headers": {"X-Qa": ["s3cret"]}}, "probe.headers.X-Qa", "must be a string, not a value of type list"),
    (
        {"headers": {"Authorization": "Bearer s3cret\r\nX-Evil: 1"}},
        "probe.headers.Authorization",
        "contains line breaks or other characters that no header can have",
    ),
    ({"headers": {"X-Qa": "€"}}, "probe.headers.X-Qa", "contains line breaks or other characters that no header can have"),
    ({"expect": "2"}, "probe.expect", "must be a mapping"),
    ({"expect": {"canary": None}}, "probe.expect", "has no pattern that identifies answers of the canary or the stable version"),
    ({"expect": {"preview": "2"}}, "probe.expect", "does not take preview"),
    ({"expect": {"canary": "2", "stable": "2"}}, "probe.expect", "has the same pattern for canary and stable, '2'"),
    (
        {"expect": {"stable": "(2"}},
        "probe.expect.stable",
        "must be a regular expression, not '(2' (missing ), unterminated subpattern at position 0)",
    ),
    ({"expect": {"canary": ["2"]}}, "probe.expect.canary", "must be a regular expression, not ['2']"),
    ({"expect": {"canary": True}}, "probe.expect.canary", "must be a regular expression, not True"),
    ({"expect": {"canary": ""}}, "probe.expect.canary", "is empty and would match every answer"),
    ({"expect": {"canary": "x" * 1001}}, "probe.expect.canary", "has 1001 characters"),
    ({"timeout": "soon"}, "probe.timeout", "must be a duration, not 'soon'"),
    ({"timeout": "500ms"}, "probe.timeout", "is '500ms', too short for enough requests"),
    ({"validate_certs": "maybe"}, "probe.validate_certs", "must be true or false, not 'maybe'"),
    ({"validate_certs": 0}, "probe.validate_certs", "must be true or false, not 0"),
]


@pytest.mark.parametrize(("changes", "option", "what"), WRONG, ids=str)
def test_what_is_wrong_is_refused_by_its_key(changes: dict[str, Any], option: str, what: str) -> None:
    with pytest.raises(Refused) as refused:
        read(**changes)
    assert (refused.value.problem.object, refused.value.problem.what) == (option, what)


@pytest.mark.parametrize("raw", ["http://shop.example/", ["http://shop.example/"], True], ids=repr)
def test_a_probe_is_a_mapping(raw: Any) -> None:
    with pytest.raises(
        Refused, match=r"^routers\[0\].probe must be a mapping: use the keys url, expect, headers, timeout, validate_certs$"
    ):
        read_probe(raw, "routers[0].probe")


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
    probe = read(expect=expect)

    def search(text: str) -> frozenset[str]:
        return frozenset(version for version, pattern in probe.expect.items() if pattern.search(text))

    assert read_answer(probe, status, head, body, search) == read_as


LINK_LOCAL = [
    *("169.254.169.254", "169.254.0.0", "169.254.255.255", "fe80::1", "febf::1", "fe80::1%eth0", "fd00:ec2::254", "FD00:EC2:0::254"),
    *("::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "::169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"),
    *("::ffff:0:169.254.169.254", "::ffff:0:a9fe:1", "64:ff9b:1::a9fe:a9fe", "64:ff9b:1:ffff::1", "64:FF9B:1:a9fe:a9:fe00::"),
    *("100.100.100.200", "192.0.0.192", "::ffff:100.100.100.200", "::192.0.0.192", "64:ff9b::6464:64c8", "::ffff:0:192.0.0.192"),
]
ELSEWHERE = [
    *("127.0.0.1", "::1", "10.0.0.1", "169.253.0.1", "169.255.0.1", "fec0::1", "fd00:ec2::253", "64:ff9b::a00:1", "shop.example", ""),
    *("100.100.100.199", "192.0.0.193", "::ffff:0:10.0.0.1", "::ffff:1:169.254.169.254", "64:ff9b:2::a9fe:a9fe", "64:ff9b:0:1::1"),
]


@pytest.mark.parametrize("address", LINK_LOCAL)
def test_a_link_local_address(address: str) -> None:
    assert link_local(address)
    if "%" not in address:
        url = f"http://{f'[{address}]' if ':' in address else address}:8080/latest/meta-data?x=[1]"
        with pytest.raises(Refused, match=r"^probe\.url has the host .*, a link-local or metadata address, which no probe may ask: use"):
            read(url=url)


@pytest.mark.parametrize("address", ELSEWHERE)
def test_any_other_address(address: str) -> None:
    assert not link_local(address)
    assert not address or read(url=f"http://{f'[{address}]' if ':' in address else address}/?a=169.254.169.254")


@pytest.mark.parametrize(
    ("url", "hosts", "may"),
    [
        ("http://gateway.example/", ["gateway.example"], True),
        ("http://GATEWAY.example./", ["Gateway.Example"], True),
        ("http://gateway.example/", ["other.example", "gateway.*"], True),
        ("http://a.b.example/", ["*.example"], True),
        ("http://example/", ["*.example"], False),
        ("http://gateway.example.evil.test/", ["gateway.example"], False),
        ("http://evil.test/gateway.example", ["gateway.example"], False),
        ("http://evil.test?gateway.example", ["*gateway.example"], False),
        ("http://gatewayxexample/", ["gateway.example"], False),
        ("http://gateway.example/", ["gateway.example:80"], True),
        ("https://gateway.example/", ["gateway.example:443"], True),
        ("https://gateway.example/", ["gateway.example:80"], False),
        ("http://gateway.example:8080/", ["gateway.example"], True),
        ("http://gateway.example:8080/", ["gateway.example:80"], False),
        ("http://gateway.example:8080/", ["gateway.example:*"], True),
        ("http://[2001:db8::1]:8080/", ["[2001:db8:0::1]:8080"], True),
        ("http://[2001:db8::1]/", ["[2001:db8::1]"], True),
        ("http://[2001:db8::1]/", ["[2001:db8::2]"], False),
        ("http://[2001:db8::1]/", ["[2001:db8::*]"], True),
        ("http://192.0.2.1/", ["192.0.2.*"], True),
        ("http://gateway.example/", ["*"], True),
        ("http://gateway.example/", [], False),
        ("http://gateway.example/", None, False),
    ],
    ids=str,
)
def test_the_hosts_that_may_be_asked(url: str, hosts: list[str] | None, may: bool) -> None:
    probe, named = read(url=url), read_hosts(hosts)
    assert allowed(probe, named) is may
    if may or hosts is None:
        refuse_other_hosts(probe, named)
    else:
        with pytest.raises(Refused, match=r"^probe\.url has the host .*, which probe_hosts does not allow: add the host to probe_hosts"):
            refuse_other_hosts(probe, named)
    refuse_other_hosts(None, named)


@pytest.mark.parametrize("raw", ["gateway", [""], ["http://x"], ["a b"], [7], [None], ["x:http"], ["[a]b"], ["x:1:2"], {"a": 1}], ids=repr)
def test_what_names_no_host(raw: Any) -> None:
    with pytest.raises(Refused, match=r"^probe_hosts"):
        read_hosts(raw)


@pytest.mark.parametrize("raw", [None, "x", {}, {"url": "http://x", "headers": None}, {"headers": "x"}, LEAST], ids=repr)
def test_a_probe_without_headers_is_stored_as_it_is(raw: Any) -> None:
    assert without_header_values(raw) == raw


def test_the_values_of_headers_are_not_stored() -> None:
    given = {**LEAST, "headers": {"Host": "shop.example", "Authorization": "Bearer s3cret"}}
    stored = without_header_values(given)
    assert stored == {**LEAST, "headers": {"Host": None, "Authorization": None}} and "s3cret" in str(given)
    assert without_header_values(stored) == stored
    probe = read_probe(stored)
    assert probe is not None and probe.needs_headers and probe.missing == ("Host", "Authorization") and probe.headers == {}
    with pytest.raises(Refused, match=r"^probe\.headers\.Host has no value: set the values of Host, Authorization, or remove them$"):
        refuse_missing_headers(probe)
    refuse_missing_headers(read())
    refuse_missing_headers(None)
