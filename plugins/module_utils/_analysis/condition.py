"""The condition language: what a measurement must satisfy, as `result[0] < 0.05`.

It is the part of expr-lang (https://expr-lang.org/docs/language-definition) that conditions of Argo Rollouts use, and behaves as that does
where the two could differ: types are checked against the actual result before anything is evaluated, so that a comparison of a list with a
number is an error even in a branch that `||` would skip.
"""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .condition_nodes import ANY, BOOL, ConditionError, Node, Scope, name_of_type, type_of
from .condition_parser import parse_expression

__all__ = ["Condition", "ConditionError", "parse"]

MAX_LENGTH = 2000


@dataclass(frozen=True)
class Condition:
    """A condition that has been read.

    Attributes:
        text: As the user wrote it.
        root: Its syntax tree.
    """

    text: str
    root: Node

    def evaluate(self, result: Any) -> bool:
        """Evaluate the condition for one measurement.

        Args:
            result: What the provider measured: a number, a text, a boolean, None, a list, or a mapping with text keys.

        Returns:
            Whether the measurement satisfies the condition.

        Raises:
            ConditionError: The condition does not fit the type of the result, an index is out of range, or the value is no boolean.
        """
        scope = Scope({"result": result}, {"result": type_of(result)})
        kind = self.root.check(scope)
        if kind not in (BOOL, ANY):
            raise ConditionError(f"is of type {name_of_type(kind)}, not a boolean", self.root.column)
        value = self.root.value(scope)
        if not isinstance(value, bool):
            raise ConditionError(f"is of type {name_of_type(type_of(value))}, not a boolean", self.root.column)
        return value


def parse(text: str) -> Condition:
    """Read a condition.

    Args:
        text: At most 2000 characters.

    Returns:
        The condition, which can be evaluated for any number of results.

    Raises:
        ConditionError: The text is no condition, or names a function or variable that does not exist.
    """
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"has {len(text)} characters, and may have {MAX_LENGTH}", 1)
    return Condition(text, parse_expression(text))
