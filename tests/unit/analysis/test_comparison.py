"""The sequential test of failed requests: what it claims is true by simulation, and single cases are decided as a person would."""

from __future__ import annotations

import random

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._analysis.answers import FAILED, SUCCESSFUL
from ansible_collections.progressive.delivery.plugins.module_utils._analysis.comparison import NO_REQUESTS, Counts, compare
from hypothesis import given
from hypothesis import strategies as st

CASES = [
    # new, reference, at_most, answer
    (Counts(1, 3), Counts(0, 12), 0.005, None),
    (Counts(0, 0), Counts(0, 0), 0.005, None),
    (Counts(0, 0), Counts(5, 1000), 0.005, None),
    (Counts(10, 20), Counts(0, 80), 0.005, FAILED),
    (Counts(10, 20), NO_REQUESTS, 0.005, None),
    (Counts(10, 20), 0.01, 0.0, FAILED),
    (Counts(0, 20), 0.01, 0.0, None),
    (Counts(0, 2000), 0.01, 0.0, SUCCESSFUL),
    (Counts(0, 3000), Counts(0, 12000), 0.005, SUCCESSFUL),
    (Counts(50, 5000), Counts(200, 20000), 0.005, None),
    (Counts(300, 5000), Counts(200, 20000), 0.005, FAILED),
    (Counts(20, 20), 1.0, 0.0, SUCCESSFUL),
    (Counts(1000, 1000), Counts(1000, 1000), 0.0, None),
]


@pytest.mark.parametrize(("new", "reference", "at_most", "answer"), CASES)
def test_cases(new: Counts, reference: Counts | float, at_most: float, answer: str | None) -> None:
    assert compare(new, reference, at_most) == answer


def _binomial(chance: random.Random, number: int, probability: float) -> int:
    return sum(chance.random() < probability for _request in range(number))


def _run(chance: random.Random, new: float, old: float, requests: int, looks: int, at_most: float) -> str | None:
    """The first answer for versions that fail with these probabilities."""
    seen, reference = NO_REQUESTS, NO_REQUESTS
    for _look in range(looks):
        seen += Counts(_binomial(chance, requests, new), requests)
        reference += Counts(_binomial(chance, requests * 4, old), requests * 4)
        answer = compare(seen, reference, at_most)
        if answer is not None:
            return answer
    return None


@pytest.mark.parametrize(("requests", "looks"), [(1, 60), (10, 30), (200, 10)])
@pytest.mark.parametrize("rate", [0.0, 0.02, 0.3])
def test_equal_versions_are_seldom_taken_for_worse(rate: float, requests: int, looks: int) -> None:
    chance = random.Random(f"{rate} {requests}")
    answers = [_run(chance, rate, rate, requests, looks, 0.0) for _release in range(300)]
    assert answers.count(FAILED) <= 9, "at most 1 %, and 3 more than that by chance (p < 0.005)"


@pytest.mark.parametrize(("rate", "requests"), [(0.05, 100), (0.5, 5)])
def test_a_bad_version_is_found(rate: float, requests: int) -> None:
    chance = random.Random(rate)
    answers = [_run(chance, rate, 0.001, requests, 20, 0.005) for _release in range(100)]
    assert answers.count(FAILED) >= 95


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200), st.integers(0, 200), st.floats(0, 0.9))
def test_any_counts_have_one_answer(bad: int, good: int, old_bad: int, old_good: int, at_most: float) -> None:
    """No counts break it, and it never says both: more failures never turn `failed` into `successful`."""
    new, reference = Counts(bad, bad + good), Counts(old_bad, old_bad + old_good)
    answer = compare(new, reference, at_most)
    worse = compare(Counts(bad + 1, bad + good + 1), reference, at_most)
    assert (answer, worse) != (FAILED, SUCCESSFUL)


@pytest.mark.parametrize(("bad", "number"), [(2, 1), (-1, 3)])
def test_counts_that_cannot_be(bad: int, number: int) -> None:
    with pytest.raises(ValueError, match="must not exceed"):
        Counts(bad, number)
