"""The binomial interval: against exact fractions, and its properties."""

from __future__ import annotations

from fractions import Fraction
from itertools import accumulate
from math import comb

import pytest
from ansible_collections.progressive.delivery.tests.harness.stats import CONFIDENCE, describe, fits, interval


def exact_interval(total: int, share: Fraction, confidence: Fraction) -> tuple[int, int]:
    """By definition: leave out as much as fits into each tail."""
    probabilities = [comb(total, count) * share**count * (1 - share) ** (total - count) for count in range(total + 1)]
    tail = (1 - confidence) / 2
    least = next(count for count, below in enumerate(accumulate(probabilities)) if below > tail)
    most = total - next(count for count, above in enumerate(accumulate(reversed(probabilities))) if above > tail)
    return least, most


@pytest.mark.parametrize("confidence", [Fraction(17, 20), Fraction(999, 1000), Fraction(999999, 1000000)])
@pytest.mark.parametrize("share", [Fraction(1, 100), Fraction(1, 20), Fraction(1, 5), Fraction(1, 2), Fraction(4, 5), Fraction(99, 100)])
@pytest.mark.parametrize("total", [1, 7, 100])
def test_equals_exact_fractions(total: int, share: Fraction, confidence: Fraction) -> None:
    assert interval(total, float(share), float(confidence)) == exact_interval(total, share, confidence)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2, 0.37, 0.5])
@pytest.mark.parametrize("total", [10, 2000, 20_000])
def test_the_other_version_has_the_mirrored_interval(total: int, share: float) -> None:
    least, most = interval(total, share)
    assert interval(total, 1 - share) == (total - most, total - least)


@pytest.mark.parametrize(
    ("count", "total", "share", "expected"),
    [
        (0, 2000, 0, True),
        (1, 2000, 0, False),  # one request at weight 0 is one too many
        (2000, 2000, 1, True),
        (1999, 2000, 1, False),
        (100, 2000, 0.05, True),
        (400, 2000, 0.05, False),
        (0, 2000, 0.05, False),
        (56, 2000, 0.05, True),
        (55, 2000, 0.05, False),
        (0, 1, 0.5, True),
    ],
)
def test_fits(count: int, total: int, share: float, expected: bool) -> None:
    assert fits(count, total, share) is expected


@pytest.mark.parametrize("share", [-0.1, 1.1, 20])
def test_a_share_is_no_percentage(share: float) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        interval(10, share)


def test_description_names_measured_and_expected() -> None:
    assert describe(97, 2000, 0.05) == "97 of 2000 (4.85 %), expected 5 %: 56 to 151"
    assert CONFIDENCE == 0.999999
