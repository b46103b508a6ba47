"""The functions of the condition language."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from .condition_nodes import ANY, BOOL, FLOAT, INT, TEXT, ConditionError, Type, name_of_type, type_of

PREDICATES = ("all", "any", "none", "one", "count", "filter", "map")


@dataclass(frozen=True)
class Function:
    """A function.

    Attributes:
        name: As conditions call it.
        counts: The least and the greatest number of arguments.
        result: The type that it returns.
        work: Takes the arguments; a ValueError or TypeError means that it cannot take them.
        lists: Its first argument must be a list, which is known before it is evaluated.
    """

    name: str
    counts: tuple[int, int]
    result: Type
    work: Callable[..., Any]
    lists: bool = False

    def returns(self, kinds: Sequence[Type], column: int) -> Type:
        """The type for arguments of these types."""
        if self.lists and kinds[0].name != "list" and kinds[0] != ANY:
            raise ConditionError(f"gives {self.name} type {name_of_type(kinds[0])}, and it takes a list", column)
        return self.result

    def call(self, arguments: Sequence[Any], column: int) -> Any:
        """The value for these arguments."""
        try:
            return self.work(*arguments)
        except (TypeError, ValueError, OverflowError):
            given = ", ".join(name_of_type(type_of(each)) for each in arguments)
            raise ConditionError(f"gives {self.name} an argument that it does not take ({given})", column) from None


def _length(value: Any) -> int:
    if not isinstance(value, (str, Sequence, Mapping)):
        raise TypeError
    return len(value)


def _number(value: Any) -> int | float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    raise TypeError


def _numbers(values: Sequence[Any]) -> list[int | float]:
    """The numbers in arguments that are numbers, or lists of them."""
    flat = [each for value in values for each in (value if type_of(value).name == "list" else [value])]
    return [_number(each) for each in flat]


def _as_number(value: Any, convert: Callable[[Any], Any]) -> Any:
    if isinstance(value, str):
        return convert(value.strip())
    return convert(_number(value))


def _median(*values: Any) -> Any:
    found = _numbers(values)
    return statistics.median(found) if found else 0.0


def _mean(*values: Any) -> Any:
    found = _numbers(values)
    return sum(found) / len(found) if found else 0.0


def _extreme(pick: Callable[[Sequence[Any]], Any]) -> Callable[..., Any]:
    def work(*values: Any) -> Any:
        found = _numbers(values)
        if any(math.isnan(each) for each in found):
            return math.nan
        return pick(found) if found else None

    return work


def _default(value: Any, instead: Any) -> Any:
    """The second argument where the first is nil, as Argo Rollouts defines it."""
    return instead if value is None else value


MANY = 100
FUNCTIONS: Mapping[str, Function] = {
    each.name: each
    for each in (
        Function("len", (1, 1), INT, _length),
        Function("isNaN", (1, 1), BOOL, lambda value: math.isnan(_number(value))),
        Function("isInf", (1, 1), BOOL, lambda value: math.isinf(_number(value))),
        Function("isNil", (1, 1), BOOL, lambda value: value is None),
        Function("asInt", (1, 1), INT, lambda value: _as_number(value, int)),
        Function("asFloat", (1, 1), FLOAT, lambda value: _as_number(value, float)),
        Function("default", (2, 2), ANY, _default),
        Function("abs", (1, 1), ANY, lambda value: abs(_number(value))),
        Function("ceil", (1, 1), FLOAT, lambda value: float(math.ceil(_number(value)))),
        Function("floor", (1, 1), FLOAT, lambda value: float(math.floor(_number(value)))),
        Function("lower", (1, 1), TEXT, str.lower),
        Function("upper", (1, 1), TEXT, str.upper),
        Function("sum", (1, 1), ANY, lambda value: sum(_numbers([value])), lists=True),
        Function("mean", (1, MANY), ANY, _mean),
        Function("median", (1, MANY), ANY, _median),
        Function("min", (1, MANY), ANY, _extreme(min)),
        Function("max", (1, MANY), ANY, _extreme(max)),
    )
}
