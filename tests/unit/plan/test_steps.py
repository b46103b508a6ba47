"""The steps of a canary: what is accepted, how it is shown, and which one line names the step that is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.steps import (
    READERS,
    Pause,
    SetCanaryScale,
    SetHeaderRoute,
    SetMirrorRoute,
    SetWeight,
    read_steps,
)
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Condition

QA = Condition("header", "x-qa", "exact", "1")
KINDS = ", ".join(READERS)


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


PAUSE, SCALE, HEADER, MIRROR = (
    f"canary.steps, step 2, {kind}" for kind in ("pause", "set_canary_scale", "set_header_route", "set_mirror_route")
)
ONE_OF = f"{SCALE} needs just one of replicas, percent, weight, match_traffic_weight"
NOT_A_WEIGHT = "canary.steps, step 2, set_weight: {!r} is not a weight: use a whole number from 0 to 100"
NOT_A_DURATION = "canary.steps, step 2, pause, duration must be a duration, not {!r}: use seconds, or a text such as 30s, 5m or 1h30m"
NOT_A_STEP = f"canary.steps, step 2: {{!r}} is not a step: write one of {KINDS}, for example set_weight: 20"
NO_STEPS: list[Any] = ["set_weight", 20, None, {}, [], [{"set_weight": 5}], {"set_weight": 5, "pause": {}}]
NO_WEIGHTS: list[Any] = [-1, 101, 120, 5.5, "5.5", "5%", "", "²", "five", None, True, False, [5], {"weight": 5}]
NO_DURATIONS: list[Any] = [True, False, "", "soon", "-3s", -3, [30]]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        *((value, NOT_A_STEP.format(value)) for value in NO_STEPS),
        *(({"set_weight": value}, NOT_A_WEIGHT.format(value)) for value in NO_WEIGHTS),
        *(({"pause": value}, NOT_A_DURATION.format(value)) for value in [*NO_DURATIONS, []]),
        *(({"pause": {"duration": value}}, NOT_A_DURATION.format(value)) for value in [*NO_DURATIONS, {}]),
        ({"setWeight": 5}, f"canary.steps, step 2: unknown kind 'setWeight': use one of {KINDS}"),
        ({5: 5}, f"canary.steps, step 2: unknown kind 5: use one of {KINDS}"),
        (
            {"pause": {"duration": 5, "until": 3, 7: 1}},
            f"{PAUSE}: unknown option 7, until: use duration, or expires and then, or nothing for a pause until promoted",
        ),
        ({"pause": {"expires": "soon"}}, NOT_A_DURATION.replace("duration must", "expires must", 1).format("soon")),
        (
            {"pause": {"expires": 0}},
            f"{PAUSE}, expires: nobody could promote within 0 seconds: use a longer time, or a pause with a duration",
        ),
        (
            {"pause": {"expires": "4h", "duration": "1h"}},
            f"{PAUSE}: a pause with a duration ends by itself, one that expires waits for somebody: use one of duration, expires",
        ),
        ({"pause": {"then": "abort"}}, f"{PAUSE}: then says what comes when a pause expires: give expires, too, for example 4h"),
        ({"pause": {"expires": "4h", "then": "stop"}}, f"{PAUSE}, then cannot be 'stop': use abort, promote"),
        ({"set_canary_scale": {}}, ONE_OF),
        ({"set_canary_scale": {"replicas": 2, "percent": 5}}, ONE_OF),
        ({"set_canary_scale": 2}, f"{SCALE} must be a mapping: use the keys replicas, percent, weight, match_traffic_weight"),
        ({"set_canary_scale": {"replicas": 0}}, f"{SCALE}, replicas: 0 is not a number of pods: use a whole number from 1 on"),
        ({"set_canary_scale": {"percent": 101}}, f"{SCALE}, percent: 101 is not percent of the pods: use a whole number from 1 to 100"),
        (
            {"set_canary_scale": {"match_traffic_weight": False}},
            f"{SCALE}, match_traffic_weight: False is not true: write `match_traffic_weight: true`, or one of the others",
        ),
        ({"set_header_route": {}}, f"{HEADER}.name is missing: set name"),
        ({"set_header_route": {"name": "a", "match": []}}, f"{HEADER} does not take match: use name, matches, inherit"),
        (
            {"set_header_route": {"name": "a", "matches": [{}]}},
            f"{HEADER}, matches, number 1 is empty and would take every request: give it a condition, or leave it out and set weight",
        ),
        ({"set_header_route": {"name": "a", "inherit": "x"}}, f"{HEADER}, inherit: 'x' is neither true nor false"),
        (
            {"set_mirror_route": {"name": "A"}},
            f"{MIRROR}, name must be a Kubernetes name, not 'A': use at most 63 lower-case letters, digits and '-' and '.'",
        ),
        ({"set_mirror_route": {"name": "a", "percent": 101}}, f"{MIRROR}, percent 101 is out of range: use 0 to 100 percent"),
    ],
)
def test_a_malformed_step_is_named_by_its_number(bad: Any, said: str) -> None:
    with pytest.raises(Refused) as refused:
        read_steps([{"set_weight": 5}, bad])
    assert str(refused.value) == said


def test_requests_are_copied_once() -> None:
    one, other, end = ({"set_mirror_route": {"name": name, "percent": percent}} for name, percent in (("a", 5), ("b", 5), ("a", 0)))
    assert len(read_steps([one, one, end, other])) == 4
    with pytest.raises(Refused, match=r"^canary.steps, step 2, set_mirror_route: requests are copied as 'a' already: end that first"):
        read_steps([one, other])


@pytest.mark.parametrize("raw", ["set_weight: 5", {"set_weight": 5}, 5, True, b"x"])
def test_steps_that_are_no_list(raw: Any) -> None:
    with pytest.raises(Refused, match=r"^canary.steps must be a list, for example \["):
        read_steps(raw)
