"""The verdict on a metric from the answers of its measurements, and on a run from those of its metrics."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .answers import ERROR, FAILED, INCONCLUSIVE, NO_DATA, SUCCESSFUL

# From the best to the worst; a run's verdict is the worst of its metrics'.
VERDICTS = (SUCCESSFUL, INCONCLUSIVE, ERROR, FAILED)
AFTER_ERROR = 10.0  # seconds until the next measurement after an error


@dataclass(frozen=True)
class Limits:
    """When the answers of a metric become a verdict.

    Attributes:
        count: Measurements after which the metric is decided; None: it is measured for as long as the run lasts.
        failure_limit: Failures that may be, in all.
        consecutive_failure_limit: Failures in a row that may be; None: any number, within failure_limit.
        inconclusive_limit: Inconclusive answers that may be, in all.
        error_limit: Errors in a row that may be.
        consecutive_success_limit: Successes in a row that end the metric; None: none do.
        on_no_data: The answer for which no data counts; `wait`: for none, until the time is over.
    """

    count: int | None = 1
    failure_limit: int = 0
    consecutive_failure_limit: int | None = None
    inconclusive_limit: int = 0
    error_limit: int = 4
    consecutive_success_limit: int | None = None
    on_no_data: str = "wait"

    @property
    def fails_never(self) -> bool:
        """Whether no answers at all can make the metric fail."""
        rows = self.consecutive_failure_limit
        out_of_reach = self.count is not None and self.failure_limit >= self.count and (rows is None or rows >= self.count)
        return out_of_reach and (self.consecutive_success_limit is None or rows is not None)


@dataclass(frozen=True)
class Tally:
    """The answers of a metric so far. The last three count the same answers in a row."""

    count: int = 0
    failures: int = 0
    inconclusive: int = 0
    no_data: int = 0
    errors_in_row: int = 0
    failures_in_row: int = 0
    successes_in_row: int = 0


def counted(tally: Tally, answer: str, limits: Limits) -> Tally:
    """The tally after one more answer."""
    if answer == NO_DATA:
        tally = replace(tally, no_data=tally.no_data + 1)
        if limits.on_no_data == "wait":
            return replace(tally, errors_in_row=0)
        answer = {"fail": FAILED, "pass": SUCCESSFUL, "inconclusive": INCONCLUSIVE, "error": ERROR}[limits.on_no_data]
    if answer == ERROR:
        return replace(tally, errors_in_row=tally.errors_in_row + 1)
    return replace(
        tally,
        count=tally.count + 1,
        failures=tally.failures + (answer == FAILED),
        inconclusive=tally.inconclusive + (answer == INCONCLUSIVE),
        errors_in_row=0,
        failures_in_row=tally.failures_in_row + 1 if answer == FAILED else 0,
        successes_in_row=tally.successes_in_row + 1 if answer == SUCCESSFUL else 0,
    )


def verdict(tally: Tally, limits: Limits, over: bool = False) -> str | None:
    """The verdict on a metric.

    Args:
        tally: Its answers so far.
        limits: Those of the metric.
        over: Whether the run's time has ended, so that what is undecided stays so.

    Returns:
        One of VERDICTS, or None while it is undecided. It is given as soon as no further answer can change it.
    """
    rows = limits.consecutive_failure_limit
    if tally.failures > limits.failure_limit or (rows is not None and tally.failures_in_row > rows):
        return FAILED
    if tally.inconclusive > limits.inconclusive_limit:
        return INCONCLUSIVE
    if tally.errors_in_row > limits.error_limit:
        return ERROR
    wanted = limits.consecutive_success_limit
    if wanted is not None and tally.successes_in_row >= wanted:
        return SUCCESSFUL
    if limits.count is not None and tally.count >= limits.count:
        return _at_the_end(limits)
    if over:
        return INCONCLUSIVE if limits.count is not None or not tally.count else SUCCESSFUL
    return None


def _at_the_end(limits: Limits) -> str:
    if limits.consecutive_success_limit is None:
        return SUCCESSFUL
    return FAILED if limits.consecutive_failure_limit is None else INCONCLUSIVE


def worst(verdicts: Iterable[str]) -> str:
    """The verdict on a run: the worst of its metrics', successful where it has none."""
    return max(verdicts, key=VERDICTS.index, default=SUCCESSFUL)
