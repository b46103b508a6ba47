"""What a result means, and when answers become a verdict: the tables of the design, each row, and the laws between them."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._analysis import verdicts
from ansible_collections.progressive.delivery.plugins.module_utils._analysis.answers import (
    ANSWERS,
    ERROR,
    FAILED,
    INCONCLUSIVE,
    NO_DATA,
    SUCCESSFUL,
    Expectation,
    judge,
)
from ansible_collections.progressive.delivery.plugins.module_utils._analysis.condition import parse
from ansible_collections.progressive.delivery.plugins.module_utils._analysis.verdicts import Limits, Tally, counted, verdict
from hypothesis import given
from hypothesis import strategies as st

NAN = math.nan
JUDGED = [
    # success, failure, result, answer
    (None, None, 1, SUCCESSFUL),
    ("result < 2", None, 1, SUCCESSFUL),
    ("result < 2", None, 3, FAILED),
    (None, "result > 2", 3, FAILED),
    (None, "result > 2", 1, SUCCESSFUL),
    ("result < 2", "result > 5", 1, SUCCESSFUL),
    ("result < 2", "result > 5", 3, INCONCLUSIVE),
    ("result < 2", "result > 5", 6, FAILED),
    ("result > 0", "result > 5", 6, FAILED),
    ("result[0] < 2", "result > 5", 6, ERROR),
    ("result < 2", "result[3] > 5", 1, ERROR),
    ("result[0] < 2", None, [], NO_DATA),
    ("result[0] < 2", None, [NAN], NO_DATA),
    ("len(result) == 0 || result[0] < 2", None, [], NO_DATA),
    (None, None, None, NO_DATA),
    ("result < 2", None, NAN, NO_DATA),
    ("result[1] < 2", None, [NAN, 1.0], SUCCESSFUL),
    ("result == ''", None, "", SUCCESSFUL),
    ("result.x == nil", None, {}, NO_DATA),
]
RANGES = [
    (1, SUCCESSFUL),
    (2.0, SUCCESSFUL),
    (2.1, FAILED),
    (0.9, FAILED),
    ([1.5], SUCCESSFUL),
    ([1, 2], ERROR),
    ("1", ERROR),
    (True, ERROR),
]


@pytest.mark.parametrize(("success", "failure", "result", "answer"), JUDGED)
def test_a_result_is_judged(success: str | None, failure: str | None, result: Any, answer: str) -> None:
    expectation = Expectation(parse(success) if success else None, parse(failure) if failure else None)
    assert judge(expectation, result).kind == answer


@pytest.mark.parametrize(("result", "answer"), RANGES)
def test_a_range_takes_its_bounds_in(result: Any, answer: str) -> None:
    assert judge(Expectation(least=1.0, most=2.0), result).kind == answer


def _decided(answers: str, limits: Limits, over: bool = False) -> str | None:
    """The first verdict on the way. answers: initials (s, f, i, e, n)."""
    tally = Tally()
    for initial in answers:
        tally = counted(tally, next(each for each in ANSWERS if each[0] == initial), limits)
        if (found := verdict(tally, limits)) is not None:
            return found
    return verdict(tally, limits, over)


COUNTED = [
    ("s", Limits(), SUCCESSFUL),
    ("f", Limits(), FAILED),
    ("i", Limits(), INCONCLUSIVE),
    ("eeee", Limits(), None),
    ("eeeee", Limits(), ERROR),
    ("eeees", Limits(), SUCCESSFUL),
    ("eeefee", Limits(count=3, failure_limit=1), None),
    ("fsf", Limits(count=5, failure_limit=1), FAILED),
    ("fss", Limits(count=3, failure_limit=1), SUCCESSFUL),
    ("ffsff", Limits(count=9, failure_limit=8, consecutive_failure_limit=2), None),
    ("fff", Limits(count=9, failure_limit=8, consecutive_failure_limit=2), FAILED),
    ("fsss", Limits(count=9, failure_limit=8, consecutive_success_limit=3), SUCCESSFUL),
    ("fssfss", Limits(count=6, failure_limit=8, consecutive_success_limit=3), FAILED),
    ("fssfss", Limits(count=6, failure_limit=8, consecutive_failure_limit=2, consecutive_success_limit=3), INCONCLUSIVE),
    ("nnnnnn", Limits(), None),
    ("n", Limits(on_no_data="pass"), SUCCESSFUL),
    ("n", Limits(on_no_data="fail"), FAILED),
    ("n", Limits(on_no_data="inconclusive"), INCONCLUSIVE),
    ("nnnnn", Limits(on_no_data="error"), ERROR),
    ("eeeenee", Limits(), None),
    ("ssssss", Limits(count=None), None),
]


@pytest.mark.parametrize(("answers", "limits", "found"), COUNTED)
def test_answers_become_a_verdict(answers: str, limits: Limits, found: str | None) -> None:
    assert _decided(answers, limits) == found


@pytest.mark.parametrize(
    ("answers", "limits", "found"),
    [
        ("nnn", Limits(), INCONCLUSIVE),
        ("s", Limits(count=2), INCONCLUSIVE),
        ("ss", Limits(count=None), SUCCESSFUL),
        ("", Limits(count=None), INCONCLUSIVE),
    ],
)
def test_what_is_undecided_when_the_time_is_over(answers: str, limits: Limits, found: str) -> None:
    assert _decided(answers, limits, over=True) == found


LIMITS = st.builds(
    Limits,
    count=st.none() | st.integers(1, 6),
    failure_limit=st.integers(0, 6),
    consecutive_failure_limit=st.none() | st.integers(0, 6),
    inconclusive_limit=st.integers(0, 3),
    error_limit=st.integers(0, 4),
    consecutive_success_limit=st.none() | st.integers(1, 6),
    on_no_data=st.sampled_from(["wait", "fail", "pass", "inconclusive", "error"]),
)


@given(LIMITS)
def test_limits_that_can_never_fail_are_known(limits: Limits) -> None:
    """They are refused when the plan is read. Successes may come between failures, so all sequences up to the count are tried."""
    if limits.count is None or limits.on_no_data == "error":
        return
    fails = any(_decided("".join(answers), limits) == FAILED for answers in itertools.product("sf", repeat=limits.count))
    assert fails == (not limits.fails_never)


@given(LIMITS, st.text("sfien", max_size=12))
def test_a_metric_with_a_count_ends(limits: Limits, answers: str) -> None:
    found = _decided(answers, limits, over=True)
    assert found in verdicts.VERDICTS


@given(st.lists(st.sampled_from(verdicts.VERDICTS)))
def test_a_run_is_as_good_as_its_worst_metric(found: list[str]) -> None:
    assert verdicts.worst(found) == next((each for each in reversed(verdicts.VERDICTS) if each in found), SUCCESSFUL)
