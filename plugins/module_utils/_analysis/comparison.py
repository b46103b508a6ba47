"""Whether the new version fails more often than it may, decided one measurement after the other.

Each version's errors are taken as independent draws with one probability. The evidence against a claim is the likelihood of the
counts under a mixture of all probabilities (Krichevsky and Trofimov's, one for each version), divided by the greatest likelihood under the
claim. If the claim is true, this ever exceeds 1 / (1 - confidence) with a probability of at most 1 - confidence (Ville's inequality),
however often and whenever it is looked at. So the counts may be judged after each measurement, whatever the traffic.

Two claims are tested: that the new version is worse by at most the margin (refuted: it failed), and that it is worse by more (refuted: it
is good). While neither is refuted, it is undecided. Errors that come in bursts carry less evidence than independent ones: ask for more
confidence, or a greater margin, where a dependency that fails takes many requests with it.
"""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from math import inf, lgamma, log

from .answers import FAILED, SUCCESSFUL

_ROUNDS = 60  # halvings of an interval: more than the digits of a float


@dataclass(frozen=True)
class Counts:
    """Requests of a version: how many failed, and how many there were."""

    bad: int
    all: int

    def __post_init__(self) -> None:
        if not 0 <= self.bad <= self.all:
            raise ValueError(f"{self.bad} of {self.all} requests failed: the first must not exceed the second")

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.bad + other.bad, self.all + other.all)

    @property
    def rate(self) -> float | None:
        """The share that failed, from 0 to 1; None where there were no requests."""
        return self.bad / self.all if self.all else None


NO_REQUESTS = Counts(0, 0)


def compare(new: Counts, reference: Counts | float, at_most: float, confidence: float = 0.99) -> str | None:
    """Decide whether the new version is worse than its reference.

    Args:
        new: All requests of the new version so far.
        reference: All requests of the stable version in the same time, or a fixed share from 0 to 1.
        at_most: By how much the new version's share of failed requests may exceed the reference's, from 0 to 1.
        confidence: From 0 to 1, without these.

    Returns:
        `failed`: it is worse by more than that. `successful`: it is not. None: undecided.
    """
    if isinstance(reference, float) and reference + at_most >= 1:
        return SUCCESSFUL  # Nothing can be worse than that.
    needed = -log(1 - confidence)
    mixed = _mixture(new) + (0.0 if isinstance(reference, float) else _mixture(reference))
    within, beyond = _greatest(new, reference, at_most)
    if mixed - within >= needed:
        return FAILED
    return SUCCESSFUL if mixed - beyond >= needed else None


def _mixture(counts: Counts) -> float:
    """The logarithm of the likelihood under the mixture."""
    good = counts.all - counts.bad
    return lgamma(counts.bad + 0.5) + lgamma(good + 0.5) - lgamma(counts.all + 1.0) - 2 * lgamma(0.5)


def _likelihood(counts: Counts, probability: float) -> float:
    good = counts.all - counts.bad
    if (counts.bad and probability <= 0) or (good and probability >= 1):
        return -inf
    return (counts.bad * log(probability) if counts.bad else 0.0) + (good * log(1 - probability) if good else 0.0)


def _greatest(new: Counts, reference: Counts | float, margin: float) -> tuple[float, float]:
    """The greatest likelihoods under both claims: worse by at most the margin, and by at least the margin."""
    old = NO_REQUESTS if isinstance(reference, float) else reference
    base = reference if isinstance(reference, float) else old.rate or 0.0
    free = _likelihood(new, new.rate or 0.0) + _likelihood(old, base)
    within = new.all == 0 or (new.rate or 0.0) <= base + margin
    beyond = new.all == 0 or (new.rate or 0.0) >= base + margin
    if not isinstance(reference, float) and not old.all:
        # Nothing is known of the reference: any probability of the new version fits a reference that is as bad.
        within, beyond = True, beyond or (new.rate or 0.0) >= margin
    edge = free if within and beyond else _on_the_edge(new, reference, margin)
    return (free if within else edge), (free if beyond else edge)


def _on_the_edge(new: Counts, reference: Counts | float, margin: float) -> float:
    """The greatest likelihood where the new version is worse by exactly the margin."""
    if isinstance(reference, float):
        return _likelihood(new, min(1.0, reference + margin))

    def slope(probability: float) -> float:
        return _slope(new, probability + margin) + _slope(reference, probability)

    low, high = 0.0, 1.0 - margin
    for _round in range(_ROUNDS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    best = (low + high) / 2
    return max(_likelihood(new, each + margin) + _likelihood(reference, each) for each in (0.0, best, 1.0 - margin))


def _slope(counts: Counts, probability: float) -> float:
    good = counts.all - counts.bad
    rising = counts.bad / probability if counts.bad and probability > 0 else inf if counts.bad else 0.0
    falling = good / (1 - probability) if good and probability < 1 else inf if good else 0.0
    return rising - falling if inf not in (rising, falling) else inf if rising == inf else -inf
