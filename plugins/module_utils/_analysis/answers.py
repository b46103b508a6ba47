"""The five answers that a measurement can give, and what its conditions make of a result.

The table of conditions follows Argo Rollouts' code (analysis/analysis.go, evaluateResult), where the documentation and the code differ.
No data is an answer of its own here: an empty vector, NaN or nil says nothing of the version.
"""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .condition import Condition, ConditionError

SUCCESSFUL, FAILED, INCONCLUSIVE, ERROR, NO_DATA = "successful", "failed", "inconclusive", "error", "no_data"
ANSWERS = (SUCCESSFUL, FAILED, INCONCLUSIVE, ERROR, NO_DATA)


@dataclass(frozen=True)
class Expectation:
    """What a result must satisfy.

    Attributes:
        success: The condition of a good result.
        failure: The condition of a bad result.
        least: The smallest good number; with `most` it stands instead of the conditions, and both bounds are good.
        most: The greatest good number.
    """

    success: Condition | None = None
    failure: Condition | None = None
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Answer:
    """What a measurement says. why: of an error, and of no data; empty for the other answers."""

    kind: str
    why: str = ""


def is_empty(result: Any) -> bool:
    """Whether a result says nothing: nil, NaN, no element, or nothing but such elements."""
    if isinstance(result, float):
        return math.isnan(result)
    if isinstance(result, Sequence) and not isinstance(result, str):
        return all(is_empty(each) for each in result)
    return result is None or (isinstance(result, Mapping) and not result)


def judge(expectation: Expectation, result: Any) -> Answer:
    """The answer of one measurement.

    Args:
        expectation: What the result must satisfy.
        result: As the provider returns it: a number, a text, a boolean, None, a list, or a mapping with text keys.

    Returns:
        The answer. A condition that cannot be evaluated is an error, whatever the other one says.
    """
    if is_empty(result):
        return Answer(NO_DATA, "the result is empty")
    if expectation.least is not None or expectation.most is not None:
        return _in_range(expectation, result)
    try:
        # Both are evaluated, so that a mistake in one does not depend on the other.
        bad = expectation.failure.evaluate(result) if expectation.failure else None
        good = expectation.success.evaluate(result) if expectation.success else None
    except ConditionError as error:
        return Answer(ERROR, f"the condition {error}")
    if bad:
        return Answer(FAILED)
    if good is None or good:
        return Answer(SUCCESSFUL)
    return Answer(FAILED if bad is None else INCONCLUSIVE)


def _in_range(expectation: Expectation, result: Any) -> Answer:
    values = result if isinstance(result, Sequence) and not isinstance(result, str) else [result]
    if len(values) != 1 or isinstance(values[0], bool) or not isinstance(values[0], (int, float)):
        return Answer(ERROR, "range needs one number")
    low = -math.inf if expectation.least is None else expectation.least
    high = math.inf if expectation.most is None else expectation.most
    return Answer(SUCCESSFUL if low <= values[0] <= high else FAILED)
