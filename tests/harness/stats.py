"""Whether a measured split can be the one that was asked for: exact binomial intervals."""

from __future__ import annotations

from functools import lru_cache
from math import exp, lgamma, log, log1p

CONFIDENCE = 0.999999  # many splits are measured: at 99.9 % one would fall outside now and then by itself


@lru_cache(maxsize=256)
def interval(total: int, share: float, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """The least and the most of `total` requests that a version with this share (0 to 1) gets, each tail left out being half of the rest.

    Inverting this test gives the interval of Clopper and Pearson: a count lies in here exactly when the share lies in theirs.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share {share}: 0 to 1")
    if share in (0, 1):
        return int(total * share), int(total * share)  # not one request may go astray
    tail = (1 - confidence) / 2
    return _first_beyond(total, share, tail), total - _first_beyond(total, 1 - share, tail)


def _first_beyond(total: int, share: float, tail: float) -> int:
    """The least count whose probability, together with all lesser ones, exceeds `tail`."""
    below = 0.0
    for count in range(total + 1):
        below += exp(_log_probability(count, total, share))
        if below > tail:
            return count
    return total


def _log_probability(count: int, total: int, share: float) -> float:
    ways = lgamma(total + 1) - lgamma(count + 1) - lgamma(total - count + 1)
    return ways + count * log(share) + (total - count) * log1p(-share)


def fits(count: int, total: int, share: float, confidence: float = CONFIDENCE) -> bool:
    """Whether `count` of `total` requests is what a version with this share may get."""
    least, most = interval(total, share, confidence)
    return least <= count <= most


def describe(count: int, total: int, share: float, confidence: float = CONFIDENCE) -> str:
    """For messages: what was measured, and between what it should be."""
    least, most = interval(total, share, confidence)
    measured = 100 * count / total if total else 0.0
    return f"{count} of {total} ({measured:.2f} %), expected {100 * share:g} %: {least} to {most}"
