"""Durations as users write them, and as they are shown."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.durations import seconds, show
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._objects.shown import echo
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (0, 0.0),
        (30, 30.0),
        (0.5, 0.5),
        ("0", 0.0),
        ("30", 30.0),
        (" 30 ", 30.0),
        ("1.5", 1.5),
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h", 3600.0),
        ("1h30m", 5400.0),
        ("1h30m15s", 5415.0),
        ("1.5h", 5400.0),
        ("2d", 172800.0),
        ("500ms", 0.5),
        ("1m500ms", 60.5),
        ("0s", 0.0),
    ],
)
def test_seconds(text: Any, value: float) -> None:
    assert seconds(text, "grace") == pytest.approx(value)


BAD = [
    None,
    True,
    False,
    "",
    " ",
    "soon",
    "-1",
    -1,
    "-5s",
    "5 s",
    "5x",
    "s",
    "1h 30m",
    "1,5",
    "30s!",
    "nan",
    "inf",
    float("inf"),
    "9" * 400 + "s",
    [30],
    {"seconds": 3},
]


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_duration_is_refused_by_the_options_name(bad: Any) -> None:
    with pytest.raises(Refused) as refused:
        seconds(bad, "canary.steps[1].pause.duration")
    problem = refused.value.problem
    assert (problem.object, problem.what) == ("canary.steps[1].pause.duration", f"must be a duration, not {echo(bad)}")


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (0.0, "0s"),
        (0.5, "0.5s"),
        (45.0, "45s"),
        (60.0, "1m"),
        (90.5, "90.5s"),
        (3600.0, "1h"),
        (5415.0, "1h30m15s"),
        (3605.0, "1h5s"),
        (172800.0, "48h"),
        (1763690000.123 + 90 - 1763690000.123, "1m30s"),
        (1763690000.7 + 3600 - 1763690000.7, "1h"),
    ],
)
def test_show(duration: float, text: str) -> None:
    assert show(duration) == text


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**7))
def test_what_is_shown_can_be_read(duration: int) -> None:
    assert seconds(show(float(duration)), "x") == duration
