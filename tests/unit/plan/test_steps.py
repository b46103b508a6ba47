"""The steps of a canary: what is accepted, how it is shown, and which one line names the step that is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Condition
from ansible_collections.progressive.delivery.plugins.module_utils._steps.pause import Pause
from ansible_collections.progressive.delivery.plugins.module_utils._steps.reading import read_steps
from ansible_collections.progressive.delivery.plugins.module_utils._steps.registry import STEPS
from ansible_collections.progressive.delivery.plugins.module_utils._steps.set_canary_scale import SetCanaryScale
from ansible_collections.progressive.delivery.plugins.module_utils._steps.set_header_route import SetHeaderRoute
from ansible_collections.progressive.delivery.plugins.module_utils._steps.set_mirror_route import SetMirrorRoute
from ansible_collections.progressive.delivery.plugins.module_utils._steps.set_weight import SetWeight

QA = Condition("header", "x-qa", "exact", "1")
KINDS = ", ".join(STEPS)


@pytest.mark.parametrize(
    ("raw", "step", "shown"),
    [
        ({"set_weight": 0}, SetWeight(0), "set_weight 0"),
        ({"set_weight": 5}, SetWeight(5), "set_weight 5"),
        ({"set_weight": 100}, SetWeight(100), "set_weight 100"),
        ({"set_weight": "20"}, SetWeight(20), "set_weight 20"),
        ({"set_weight": " 20 "}, SetWeight(20), "set_weight 20"),
        ({"pause": {}}, Pause(None), "pause until promoted"),
        ({"pause": None}, Pause(None), "pause until promoted"),
        ({"pause": {"duration": None}}, Pause(None), "pause until promoted"),
        ({"pause": {"duration": "30s"}}, Pause(30.0), "pause 30s"),
        ({"pause": {"duration": 90}}, Pause(90.0), "pause 1m30s"),
        ({"pause": {"duration": "90"}}, Pause(90.0), "pause 1m30s"),
        ({"pause": {"duration": 0}}, Pause(0.0), "pause 0s"),
        ({"pause": "1h30m"}, Pause(5400.0), "pause 1h30m"),
        ({"pause": 30}, Pause(30.0), "pause 30s"),
        ({"pause": 0}, Pause(0.0), "pause 0s"),
        ({"pause": {"expires": "4h"}}, Pause(None, 14400.0, "abort"), "pause until promoted, for 4h at most, then abort"),
        (
            {"pause": {"expires": "90", "then": "promote", "duration": None}},
            Pause(None, 90.0, "promote"),
            "pause until promoted, for 1m30s at most, then promote",
        ),
        ({"set_canary_scale": {"replicas": "2"}}, SetCanaryScale(replicas=2), "set_canary_scale 2"),
        ({"set_canary_scale": {"percent": 50}}, SetCanaryScale(percent=50), "set_canary_scale 50 %"),
        ({"set_canary_scale": {"weight": 50}}, SetCanaryScale(percent=50), "set_canary_scale 50 %"),
        ({"set_canary_scale": {"match_traffic_weight": True}}, SetCanaryScale(), "set_canary_scale by weight"),
        (
            {
                "set_header_route": {
                    "name": "qa",
                    "matches": [{"headers": {"x-qa": "1"}, "path": {"prefix": "/a"}}, {"cookies": {"b": "c"}}],
                }
            },
            SetHeaderRoute("qa", ((QA, Condition("path", "", "prefix", "/a")), (Condition("cookie", "b", "exact", "c"),))),
            "set_header_route qa: header x-qa exact '1' and path prefix '/a' or cookie b exact 'c'",
        ),
        (
            {"set_header_route": {"name": "qa", "matches": [{"headers": {"x-qa": "1"}}], "inherit": False}},
            SetHeaderRoute("qa", ((QA,),), inherit=False),
            "set_header_route qa: header x-qa exact '1', on top",
        ),
        ({"set_header_route": {"name": "qa"}}, SetHeaderRoute("qa", ()), "set_header_route qa: none"),
        ({"set_mirror_route": {"name": "shadow", "percent": 2.5}}, SetMirrorRoute("shadow", 2.5), "set_mirror_route shadow: 2.5 %"),
        ({"set_mirror_route": {"name": "shadow"}}, SetMirrorRoute("shadow", 0.0), "set_mirror_route shadow: 0 %"),
    ],
)
def test_a_step(raw: Any, step: Any, shown: str) -> None:
    assert read_steps([raw]) == (step,)
    assert str(step) == shown


@pytest.mark.parametrize("raw", [None, [], ()])
def test_no_steps(raw: Any) -> None:
    assert read_steps(raw) == ()


def test_steps_keep_their_order() -> None:
    raw = [{"set_weight": 20}, {"pause": {}}, {"set_weight": 10}, {"set_weight": 100}]
    assert read_steps(raw) == (SetWeight(20), Pause(None), SetWeight(10), SetWeight(100))


NO_STEPS: list[Any] = ["set_weight", 20, None, {}, [], [{"set_weight": 5}], {"set_weight": 5, "pause": {}}]
NO_WEIGHTS: list[Any] = [-1, 101, 120, 5.5, "5.5", "5%", "", "²", "five", None, True, False, [5], {"weight": 5}]
NO_DURATIONS: list[Any] = [True, False, "", "soon", "-3s", -3, [30]]


@pytest.mark.parametrize(
    ("bad", "where", "what", "remedy"),
    [
        *((value, "", f"must be a mapping with one key, not {value!r}", KINDS) for value in NO_STEPS),
        *(({"set_weight": value}, ".set_weight", "whole number from 0 to 100", "") for value in NO_WEIGHTS),
        *(({"pause": value}, ".pause.duration", "must be a duration", "30s") for value in [*NO_DURATIONS, []]),
        *(({"pause": {"duration": value}}, ".pause.duration", "must be a duration", "30s") for value in [*NO_DURATIONS, {}]),
        ({"setWeight": 5}, "", "has the unknown kind 'setWeight'", KINDS),
        ({5: 5}, "", "has the unknown kind 5", KINDS),
        ({"pause": {"duration": 5, "until": 3, 7: 1}}, ".pause", "7, until", "duration, expires, then"),
        ({"pause": {"expires": "soon"}}, ".pause.expires", "must be a duration", "30s"),
        ({"pause": {"expires": 0}}, ".pause.expires", "more than 0 seconds", "longer time"),
        ({"pause": {"expires": "4h", "duration": "1h"}}, ".pause", "both duration and expires", "remove one"),
        ({"pause": {"then": "abort"}}, ".pause.then", "a pause that expires", "set expires"),
        ({"pause": {"expires": "4h", "then": "stop"}}, ".pause.then", "'stop'", "abort, promote"),
        ({"set_canary_scale": {}}, ".set_canary_scale", "exactly one key, not 0", "replicas, percent, weight, match_traffic_weight"),
        ({"set_canary_scale": {"replicas": 2, "percent": 5}}, ".set_canary_scale", "exactly one key, not 2", "replicas, percent"),
        ({"set_canary_scale": 2}, ".set_canary_scale", "must be a mapping", "replicas, percent, weight, match_traffic_weight"),
        ({"set_canary_scale": {"replicas": 0}}, ".set_canary_scale.replicas", "whole number from 1", ""),
        ({"set_canary_scale": {"percent": 101}}, ".set_canary_scale.percent", "whole number from 1 to 100", ""),
        ({"set_canary_scale": {"match_traffic_weight": False}}, ".set_canary_scale.match_traffic_weight", "can only be true", "use true"),
        ({"set_header_route": {}}, ".set_header_route.name", "is missing", "name"),
        ({"set_header_route": {"name": "a", "match": []}}, ".set_header_route", "match", "name, matches, inherit"),
        ({"set_header_route": {"name": "a", "matches": [{}]}}, ".set_header_route.matches[0]", "matches every request", "condition"),
        ({"set_header_route": {"name": "a", "inherit": "x"}}, ".set_header_route.inherit", "must be true or false, not 'x'", ""),
        ({"set_mirror_route": {"name": "A"}}, ".set_mirror_route.name", "'A'", "63 lower-case letters"),
        ({"set_mirror_route": {"name": "a", "percent": 101}}, ".set_mirror_route.percent", "from 0 to 100", ""),
    ],
)
def test_a_malformed_step_is_named_by_its_index(bad: Any, where: str, what: str, remedy: str) -> None:
    with pytest.raises(Refused) as refused:
        read_steps([{"set_weight": 5}, bad])
    problem = refused.value.problem
    assert problem.object == f"canary.steps[1]{where}"
    assert what in problem.what and remedy in problem.remedy and problem.remedy


def test_requests_are_copied_once() -> None:
    one, other, end = ({"set_mirror_route": {"name": name, "percent": percent}} for name, percent in (("a", 5), ("b", 5), ("a", 0)))
    assert len(read_steps([one, one, end, other])) == 4
    with pytest.raises(Refused) as refused:
        read_steps([one, other])
    assert refused.value.problem.object == "canary.steps[1].set_mirror_route" and "copied as 'a'" in refused.value.problem.what


def test_steps_as_data_and_in_words() -> None:
    """Steps that do the same are the same data, however they are written; others are not."""
    same = [read_steps([{"pause": "1m"}])[0], read_steps([{"pause": {"duration": 60}}])[0]]
    assert same[0].data == same[1].data == {"pause": {"duration": 60.0, "expires": None, "then": "abort"}}
    assert read_steps([{"set_canary_scale": {"weight": 5}}])[0].data == read_steps([{"set_canary_scale": {"percent": 5}}])[0].data
    assert read_steps([{"pause": {}}])[0].data != same[0].data


@pytest.mark.parametrize("raw", ["set_weight: 5", {"set_weight": 5}, 5, True, b"x"])
def test_steps_that_are_no_list(raw: Any) -> None:
    with pytest.raises(Refused) as refused:
        read_steps(raw)
    assert (refused.value.problem.object, refused.value.problem.what) == ("canary.steps", "must be a list")
