"""What users ask of requests, as Istio says it; what two matches have in common; what cannot be said."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.istio import matches, patterns
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Condition

Object = dict[str, Any]


def header(how: str, value: str = "", name: str = "x-qa") -> Condition:
    return Condition("header", name, how, value)


def cookie(how: str, value: str = "", name: str = "user") -> Condition:
    return Condition("cookie", name, how, value)


def query(how: str, value: str = "", name: str = "v") -> Condition:
    return Condition("query", name, how, value)


def path(how: str, value: str) -> Condition:
    return Condition("path", "", how, value)


def method(how: str, value: str) -> Condition:
    return Condition("method", "", how, value)


# conditions, the match
ASKED = [
    pytest.param([header("exact", "1")], {"headers": {"x-qa": {"exact": "1"}}}, id="header exact"),
    pytest.param([header("prefix", "1")], {"headers": {"x-qa": {"prefix": "1"}}}, id="header prefix"),
    pytest.param([header("regex", "1|2")], {"headers": {"x-qa": {"regex": "1|2"}}}, id="header regex"),
    pytest.param([header("present")], {"headers": {"x-qa": {}}}, id="header present"),
    pytest.param([header("exact", "1", "X-QA")], {"headers": {"x-qa": {"exact": "1"}}}, id="names of headers in lower case"),
    pytest.param(
        [header("exact", "qa", "@request.auth.claims.Group")],
        {"headers": {"@request.auth.claims.Group": {"exact": "qa"}}},
        id="what a token claims, to the letter",
    ),
    pytest.param([query("exact", "2")], {"queryParams": {"v": {"exact": "2"}}}, id="query exact"),
    pytest.param([query("prefix", "2.")], {"queryParams": {"v": {"regex": r"2\..*"}}}, id="query prefix, which Istio has since 1.18 only"),
    pytest.param([query("regex", "2.*")], {"queryParams": {"v": {"regex": "2.*"}}}, id="query regex"),
    pytest.param([query("present")], {"queryParams": {"v": {}}}, id="query present"),
    pytest.param([path("exact", "/a")], {"uri": {"exact": "/a"}}, id="path exact"),
    pytest.param([path("prefix", "/a")], {"uri": {"prefix": "/a"}}, id="path prefix"),
    pytest.param([path("regex", "/a.*")], {"uri": {"regex": "/a.*"}}, id="path regex"),
    pytest.param([method("exact", "GET")], {"method": {"exact": "GET"}}, id="method exact"),
    pytest.param([method("prefix", "P")], {"method": {"prefix": "P"}}, id="method prefix"),
    pytest.param([method("regex", "GET|HEAD")], {"method": {"regex": "GET|HEAD"}}, id="method regex"),
    pytest.param(
        [header("exact", "1"), header("present", name="x-b"), query("exact", "2"), path("prefix", "/a"), method("exact", "GET")],
        {
            "headers": {"x-qa": {"exact": "1"}, "x-b": {}},
            "queryParams": {"v": {"exact": "2"}},
            "uri": {"prefix": "/a"},
            "method": {"exact": "GET"},
        },
        id="all of them at once",
    ),
    pytest.param([header("exact", "1"), header("present", name="X-QA")], {"headers": {"x-qa": {"exact": "1"}}}, id="one header twice"),
    pytest.param(
        [header("regex", r"\d{999}[*+]+\++")], {"headers": {"x-qa": {"regex": r"\d{999}[*+]+\++"}}}, id="what only looks possessive"
    ),
]


@pytest.mark.parametrize(("conditions", "match"), ASKED)
def test_what_is_asked_for(conditions: list[Condition], match: Object) -> None:
    assert matches.asked("here", tuple(conditions)) == match


# conditions, what the message says
REFUSED = [
    pytest.param([header("switch")], "cannot match header x-qa switch with router istio: use exact, prefix, regex or present", id="switch"),
    pytest.param(
        [cookie("switch")], "cannot match cookie user switch with router istio: use exact, prefix, regex or present", id="cookie switch"
    ),
    pytest.param(
        [header("exact", "1", "URI")],
        "cannot match a header named 'URI': use path and method for these, and another name for other headers",
        id="ignored by Istio",
    ),
    pytest.param(
        [header("exact", "1", ":path")],
        "cannot match a header named ':path': use path and method for these, and another name for other headers",
        id="no name of a header",
    ),
    pytest.param(
        [cookie("exact", "1", "a b")],
        "cannot match a cookie named 'a b': use a name of letters, digits and the signs that HTTP allows",
        id="no name of a cookie",
    ),
    pytest.param(
        [header("regex", "(?!x).*")],
        "cannot match header x-qa regex '(?!x).*': patterns of RE2 have no look-around, back-references, possessive qua",
        id="flagger#88 look-ahead",
    ),
    pytest.param(
        [path("regex", r"/(a)\1")],
        "cannot match path regex '/(a)\\\\1': patterns of RE2 have no look-around, back-references, possessive quantifier",
        id="back-reference",
    ),
    pytest.param(
        [query("regex", "a{1,1000}")],
        "cannot match query v regex 'a{1,1000}': patterns of RE2 have no look-around, back-references, possessive quant",
        id="a thousand repetitions",
    ),
    pytest.param(
        [cookie("regex", "(?<=a)b")],
        "cannot match cookie user regex '(?<=a)b': patterns of RE2 have no look-around, back-references, possessive qua",
        id="look-behind in a cookie",
    ),
    pytest.param(
        [path("exact", "a")],
        "cannot match 'a', which is not a path: begin it with '/', and name query parameters in query",
        id="path without slash",
    ),
    pytest.param(
        [path("prefix", "/a?b=c")],
        "cannot match '/a?b=c', which is not a path: begin it with '/', and name query parameters in query",
        id="query in path",
    ),
    pytest.param([header("prefix", "")], "cannot match header x-qa prefix: every value has that prefix: use present", id="empty prefix"),
    pytest.param(
        [header("exact", "1"), header("exact", "2", "X-qa")],
        "gets no request that has all of header x-qa exact '1', header X-qa exact '2': leave one out",
        id="contradiction",
    ),
    pytest.param(
        [header("regex", "1."), header("prefix", "1", "X-qa")],
        "cannot have two conditions on headers x-qa: leave one of header x-qa regex '1.', header X-qa prefix '1'",
        id="two of one header",
    ),
    pytest.param(
        [header("exact", "a=b", "Cookie"), cookie("exact", "1")],
        "cannot have two conditions on headers cookie: leave one of header Cookie exact 'a=b', cookie user exact '1'",
        id="a cookie and the header",
    ),
    pytest.param([cookie("exact", "1", each) for each in "abcd"], "cannot match 4 cookies at once: use at most 3", id="four cookies"),
]


@pytest.mark.parametrize(("conditions", "said"), REFUSED)
def test_what_cannot_be_said(conditions: list[Condition], said: str) -> None:
    with pytest.raises(Refused) as refused:
        matches.asked("VirtualService test/shop", tuple(conditions))
    assert said.lower() in str(refused.value).lower()
    assert refused.value.problem.object == "VirtualService test/shop"


@pytest.mark.parametrize(
    ("conditions", "taken", "left"),
    [
        (
            [cookie("exact", "a.b")],
            ["user=a.b", "x=1; user=a.b", "x=1;user=a.b; y=2", "user=a.b;y"],
            ["user=axb", "user=a.bc", "xuser=a.b", "x=user=a.b", "x=1", "user", ""],
        ),
        ([cookie("prefix", "a")], ["user=a", "user=abc; x", "x; user=ab"], ["user=ba", "user=b; x=a", "user="]),
        ([cookie("present")], ["user=", "user=1; x=2", "x; user=3"], ["user", "users=1", "x=user"]),
        ([cookie("regex", "^a.*$")], ["user=a", "user=abc; x=1"], ["user=b", "x=a"]),
        ([cookie("regex", "a|b.")], ["user=a", "user=bc; x"], ["user=b", "user=ab", "user=b; x"]),
        ([cookie("regex", "a.*z")], ["user=a1z; y"], ["user=a; other=z"]),
        ([cookie("regex", r"a[^x]+\S")], ["user=abc"], ["user=a; b", "user=ax"]),
        ([cookie("regex", r"[^]x]")], ["user=a"], ["user=]", "user=x", "user=;"]),
        ([cookie("regex", r"a\.b\$")], ["user=a.b$"], ["user=axb$", "user=a.b"]),
        (
            [cookie("exact", "1", "a"), cookie("present", name="b")],
            ["a=1; b=2", "b=; a=1", "x; b=2; y; a=1; z", "a=1;b=2"],
            ["a=1", "b=2", "a=2; b=2", "a=1b=2"],
        ),
        ([cookie("exact", "1", each) for each in "abc"], ["c=1; a=1; b=1", "x; b=1; c=1; y; a=1"], ["a=1; b=1; c=2", "a=1; c=1"]),
    ],
)
def test_cookies(conditions: list[Condition], taken: list[str], left: list[str]) -> None:
    pattern = matches.asked("here", tuple(conditions))["headers"]["cookie"]["regex"]
    assert [each for each in taken + left if re.fullmatch(pattern, each)] == taken
    assert patterns.is_re2(pattern)


# theirs, ours, what both take (None: nothing; "uri" and the like: cannot be said)
COMMON = [
    pytest.param({}, {"uri": {"prefix": "/a"}}, {"uri": {"prefix": "/a"}}, id="any"),
    pytest.param(
        {
            "port": 80,
            "gateways": ["mesh"],
            "sourceLabels": {"a": "b"},
            "withoutHeaders": {"x": {"regex": ".*"}},
            "name": "n",
            "future": [1],
        },
        {"headers": {"y": {}}},
        {
            "port": 80,
            "gateways": ["mesh"],
            "sourceLabels": {"a": "b"},
            "withoutHeaders": {"x": {"regex": ".*"}},
            "name": "n",
            "future": [1],
            "headers": {"y": {}},
        },
        id="all else of theirs stays",
    ),
    pytest.param({"uri": {"exact": "/a"}}, {"uri": {"prefix": "/"}}, {"uri": {"exact": "/a"}}, id="exact within prefix /"),
    pytest.param({"uri": {"exact": "/a/b"}}, {"uri": {"prefix": "/a"}}, {"uri": {"exact": "/a/b"}}, id="exact within prefix"),
    pytest.param({"uri": {"exact": "/b"}}, {"uri": {"prefix": "/a"}}, None, id="exact outside of prefix"),
    pytest.param({"uri": {"prefix": "/a"}}, {"uri": {"exact": "/a/b"}}, {"uri": {"exact": "/a/b"}}, id="our exact within prefix"),
    pytest.param({"uri": {"prefix": "/a"}}, {"uri": {"exact": "/b"}}, None, id="our exact outside of prefix"),
    pytest.param({"uri": {"prefix": "/a"}}, {"uri": {"prefix": "/ab"}}, {"uri": {"prefix": "/ab"}}, id="our longer prefix"),
    pytest.param({"uri": {"prefix": "/ab"}}, {"uri": {"prefix": "/a"}}, {"uri": {"prefix": "/ab"}}, id="their longer prefix"),
    pytest.param({"uri": {"prefix": "/a"}}, {"uri": {"prefix": "/b"}}, None, id="prefixes apart"),
    pytest.param({"uri": {"exact": "/a"}}, {"uri": {"exact": "/b"}}, None, id="exact apart"),
    pytest.param({"uri": {"regex": "/a.*"}}, {"uri": {"regex": "/a.*"}}, {"uri": {"regex": "/a.*"}}, id="the same pattern"),
    pytest.param({"uri": {"regex": "/a.*"}}, {"uri": {"prefix": "/a"}}, "uri", id="a pattern and a prefix"),
    pytest.param({"uri": {"regex": "/a.*"}}, {"uri": {"prefix": "/"}}, {"uri": {"regex": "/a.*"}}, id="a pattern and any path"),
    pytest.param({"uri": {"prefix": "/"}}, {"uri": {"regex": "/a.*"}}, {"uri": {"regex": "/a.*"}}, id="any path and a pattern"),
    pytest.param({"uri": {"regex": ".*"}}, {"uri": {"exact": "/a"}}, {"uri": {"exact": "/a"}}, id="a pattern that takes all"),
    pytest.param({"uri": {"suffix": ".js"}}, {"uri": {"exact": "/a.js"}}, "uri", id="a way of matching that is new"),
    pytest.param(
        {"uri": {"prefix": "/A"}, "ignoreUriCase": True},
        {"uri": {"prefix": "/ab"}},
        {"uri": {"prefix": "/ab"}},
        id="any case, ours narrower",
    ),
    pytest.param(
        {"uri": {"exact": "/A"}, "ignoreUriCase": True}, {"uri": {"exact": "/a"}}, {"uri": {"exact": "/a"}}, id="any case, the same"
    ),
    pytest.param({"ignoreUriCase": True}, {"uri": {"exact": "/a"}}, {"uri": {"exact": "/a"}}, id="any case of any path"),
    pytest.param(
        {"uri": {"exact": "/Ab"}, "ignoreUriCase": True},
        {"uri": {"prefix": "/"}},
        {"uri": {"exact": "/Ab"}, "ignoreUriCase": True},
        id="any case, theirs narrower, ours without letters",
    ),
    pytest.param({"uri": {"exact": "/ab"}, "ignoreUriCase": True}, {"uri": {"prefix": "/a"}}, "uri", id="any case, theirs narrower"),
    pytest.param({"uri": {"exact": "/b"}, "ignoreUriCase": True}, {"uri": {"prefix": "/A"}}, None, id="any case, apart"),
    pytest.param({"uri": {"regex": "/A"}, "ignoreUriCase": True}, {"uri": {"regex": "/a"}}, "uri", id="patterns know the case"),
    pytest.param({"method": {"exact": "GET"}}, {"method": {"exact": "POST"}}, None, id="methods apart"),
    pytest.param({"method": {"regex": "GET|POST"}}, {"method": {"exact": "GET"}}, "method", id="a method and a pattern"),
    pytest.param(
        {"headers": {"X-A": {"prefix": "1"}}},
        {"headers": {"x-a": {"exact": "12"}}},
        {"headers": {"X-A": {"exact": "12"}}},
        id="a header of both",
    ),
    pytest.param(
        {"headers": {"a": {}}}, {"headers": {"a": {"regex": "1"}}}, {"headers": {"a": {"regex": "1"}}}, id="present and a pattern"
    ),
    pytest.param(
        {"headers": {"a": {"regex": "1"}}}, {"headers": {"a": {}}}, {"headers": {"a": {"regex": "1"}}}, id="a pattern and present"
    ),
    pytest.param(
        {"headers": {"a": {"regex": "*"}}}, {"headers": {"a": {"exact": "1"}}}, {"headers": {"a": {"exact": "1"}}}, id="Istio's any"
    ),
    pytest.param({"headers": {"cookie": {"regex": "a"}}}, {"headers": {"cookie": {"regex": "b"}}}, "headers cookie", id="two patterns"),
    pytest.param(
        {"headers": {"a": {"exact": "1"}}},
        {"headers": {"b": {"exact": "2"}}},
        {"headers": {"a": {"exact": "1"}, "b": {"exact": "2"}}},
        id="argo-rollouts#3879 flagger#517 headers of both",
    ),
    pytest.param(
        {"queryParams": {"V": {"exact": "1"}}},
        {"queryParams": {"v": {"exact": "2"}}},
        {"queryParams": {"V": {"exact": "1"}, "v": {"exact": "2"}}},
        id="names of query parameters know the case",
    ),
    pytest.param({"queryParams": {"v": {"exact": "1"}}}, {"queryParams": {"v": {"exact": "2"}}}, None, id="query parameters apart"),
    pytest.param({"withoutHeaders": {"X-qa": {}}}, {"headers": {"x-qa": {"exact": "1"}}}, None, id="argo-rollouts#2767 kept away"),
    pytest.param({"withoutHeaders": {"a": {"exact": "1"}}}, {"headers": {"a": {"exact": "1"}}}, None, id="just this one kept away"),
    pytest.param(
        {"withoutHeaders": {"a": {"exact": "1"}}},
        {"headers": {"a": {}}},
        {"withoutHeaders": {"a": {"exact": "1"}}, "headers": {"a": {}}},
        id="another one kept away",
    ),
]


@pytest.mark.parametrize(("theirs", "ours", "both"), COMMON)
def test_what_two_matches_have_in_common(theirs: Object, ours: Object, both: Any) -> None:
    if isinstance(both, str):
        with pytest.raises(matches.Unsayable, match=f"^{both}$"):
            matches.common(theirs, ours)
    else:
        assert matches.common(theirs, ours) == both
