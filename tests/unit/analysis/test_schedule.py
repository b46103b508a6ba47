"""When metrics are measured: never before the split has settled, never closer than a window, and nothing is left out of the past."""

from __future__ import annotations

from itertools import pairwise

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._analysis.schedule import MOST_MOMENTS, Pace, due, next_moment, window_of
from hypothesis import given
from hypothesis import strategies as st

WINDOWS = [
    ("up", 0),
    ("rate(x[5m])", 300),
    ("rate(x[30s]) / rate(y[1h30m])", 5400),
    ("max_over_time(rate(x[1m])[1h:30s])", 3600),
    ("x{path=~'[0-9]+'}", 0),
    ("rate(x[ 2m ] offset 1h)", 120),
    ("rate(x[500ms])", 0.5),
]


@pytest.mark.parametrize(("query", "seconds"), WINDOWS)
def test_the_longest_range_of_a_query(query: str, seconds: float) -> None:
    assert window_of(query) == seconds


PAST = Pace(60, 300, past=True)
CASES = [
    (Pace(), 100, None, 99, False, []),
    (Pace(), 100, None, 100, False, [100]),
    (Pace(), 100, 100, 1000, False, []),
    (Pace(), 100, 100, 105, True, []),
    (Pace(), 100, 100, 110, True, [110]),
    (Pace(window=300), 100, None, 399, False, []),
    (Pace(window=300, past=True), 100, None, 9000, False, [400]),
    (Pace(60), 100, 100, 1000, False, [1000]),
    (PAST, 100, None, 1000, False, [400, 700, 1000]),
    (Pace(60, 300, apart=False, past=True), 100, 400, 600, False, [460, 520, 580]),
    (PAST, 100, 400, 699, False, []),
]


@pytest.mark.parametrize(("pace", "proven", "last", "now", "failed", "moments"), CASES)
def test_moments(pace: Pace, proven: float, last: float | None, now: float, failed: bool, moments: list[float]) -> None:
    assert due(pace, proven, last, now, failed) == moments


PACES = st.builds(
    Pace, interval=st.none() | st.floats(1, 600), window=st.sampled_from([0.0, 60.0, 300.0]), apart=st.booleans(), past=st.booleans()
)


@given(PACES, st.floats(0, 1000), st.lists(st.floats(0, 5000), max_size=6))
def test_however_often_it_is_called(pace: Pace, proven: float, waits: list[float]) -> None:
    last, taken, now = None, [], proven
    for wait in waits:
        now += wait
        moments = due(pace, proven, last, now)
        taken += moments
        last = moments[-1] if moments else last
        following = next_moment(pace, proven, last)
        assert following is None or following > now - 1e-6 or not pace.past, "nothing is left out"
    assert all(moment <= now + 1e-6 for moment in taken)
    assert all(moment >= proven + pace.window for moment in taken)
    assert all(later - earlier >= (pace.step or 0) - 1e-6 for earlier, later in pairwise(taken))


def test_a_long_past_is_bounded() -> None:
    moments = due(Pace(1, 0, past=True), 0, None, 1_000_000)
    assert len(moments) == MOST_MOMENTS
    assert moments[-1] == 1_000_000
