"""The steps of a canary: what is accepted, how it is shown, and which one line names the step that is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.steps import (
    Pause,
    SetCanaryScale,
    SetHeaderRoute,
    SetMirrorRoute,
    SetWeight,
    read_steps,
)
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Condition

QA = Condition("header", "x-qa", "exact", "1")


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


STEP = "canary.steps[1]"
WEIGHT, PAUSE, SCALE, HEADER, MIRROR = (
    f"{STEP}.{kind}" for kind in ("set_weight", "pause", "set_canary_scale", "set_header_route", "set_mirror_route")
)
ONE_OF = "must have exactly one option"
NOT_A_WEIGHT = "must be a whole number from 0 to 100, not {!r}"
NOT_A_DURATION = "must be a duration, not {!r}"
NOT_A_STEP = "must be a mapping with one step, not {!r}"
NO_STEPS: list[Any] = ["set_weight", 20, None, {}, [], [{"set_weight": 5}], {"set_weight": 5, "pause": {}}]
NO_WEIGHTS: list[Any] = [-1, 101, 120, 5.5, "5.5", "5%", "", "²", "five", None, True, False, [5], {"weight": 5}]
NO_DURATIONS: list[Any] = [True, False, "", "soon", "-3s", -3, [30]]


@pytest.mark.parametrize(
    ("bad", "option", "what"),
    [
        *((value, STEP, NOT_A_STEP.format(value)) for value in NO_STEPS),
        *(({"set_weight": value}, WEIGHT, NOT_A_WEIGHT.format(value)) for value in NO_WEIGHTS),
        *(({"pause": value}, f"{PAUSE}.duration", NOT_A_DURATION.format(value)) for value in [*NO_DURATIONS, []]),
        *(({"pause": {"duration": value}}, f"{PAUSE}.duration", NOT_A_DURATION.format(value)) for value in [*NO_DURATIONS, {}]),
        ({"setWeight": 5}, STEP, "has the unknown step 'setWeight'"),
        ({5: 5}, STEP, "has the unknown step 5"),
        (
            {"pause": {"duration": 5, "until": 3, 7: 1}},
            PAUSE,
            "does not take 7, until",
        ),
        ({"pause": {"expires": "soon"}}, f"{PAUSE}.expires", NOT_A_DURATION.format("soon")),
        (
            {"pause": {"expires": 0}},
            f"{PAUSE}.expires",
            "must be longer than 0",
        ),
        (
            {"pause": {"expires": "4h", "duration": "1h"}},
            PAUSE,
            "has both duration and expires",
        ),
        ({"pause": {"then": "abort"}}, f"{PAUSE}.then", "needs expires"),
        ({"pause": {"expires": "4h", "then": "stop"}}, f"{PAUSE}.then", "cannot be 'stop'"),
        ({"set_canary_scale": {}}, SCALE, ONE_OF),
        ({"set_canary_scale": {"replicas": 2, "percent": 5}}, SCALE, ONE_OF),
        ({"set_canary_scale": 2}, SCALE, "must be a mapping"),
        ({"set_canary_scale": {"replicas": 0}}, f"{SCALE}.replicas", "must be a whole number of 1 or more, not 0"),
        ({"set_canary_scale": {"percent": 101}}, f"{SCALE}.percent", "must be a whole number from 1 to 100, not 101"),
        (
            {"set_canary_scale": {"match_traffic_weight": False}},
            f"{SCALE}.match_traffic_weight",
            "must be true, not False",
        ),
        ({"set_header_route": {}}, f"{HEADER}.name", "is missing"),
        ({"set_header_route": {"name": "a", "match": []}}, HEADER, "does not take match"),
        (
            {"set_header_route": {"name": "a", "matches": [{}]}},
            f"{HEADER}.matches[0]",
            "is empty and would match every request",
        ),
        ({"set_header_route": {"name": "a", "inherit": "x"}}, f"{HEADER}.inherit", "must be true or false, not 'x'"),
        (
            {"set_mirror_route": {"name": "A"}},
            f"{MIRROR}.name",
            "must be a Kubernetes name, not 'A'",
        ),
        ({"set_mirror_route": {"name": "a", "percent": 101}}, f"{MIRROR}.percent", "must be a number from 0 to 100, not 101"),
    ],
)
def test_a_malformed_step_is_named_by_its_place(bad: Any, option: str, what: str) -> None:
    with pytest.raises(Refused) as refused:
        read_steps([{"set_weight": 5}, bad])
    assert (refused.value.problem.object, refused.value.problem.what) == (option, what)


def test_requests_are_copied_once() -> None:
    one, other, end = ({"set_mirror_route": {"name": name, "percent": percent}} for name, percent in (("a", 5), ("b", 5), ("a", 0)))
    assert len(read_steps([one, one, end, other])) == 4
    with pytest.raises(Refused, match=r"^canary\.steps\[1\]\.set_mirror_route starts while 'a' still copies requests: end 'a' first"):
        read_steps([one, other])


@pytest.mark.parametrize("raw", ["set_weight: 5", {"set_weight": 5}, 5, True, b"x"])
def test_steps_that_are_no_list(raw: Any) -> None:
    with pytest.raises(Refused, match=r"^canary\.steps must be a list: write for example \["):
        read_steps(raw)
