"""The syntax tree of the condition language: each node knows its type for a given result, and its value."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

if TYPE_CHECKING:
    from .condition_functions import Function


class Type(NamedTuple):
    """What is known of a value before it is evaluated. element: of a list."""

    name: str
    element: Any = None


NIL, BOOL, INT, FLOAT, TEXT, MAP, ANY = (Type(each) for each in ("nil", "bool", "int", "float", "text", "map", "any"))
NUMBERS = (INT, FLOAT)
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_TEXT: Mapping[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startsWith": str.startswith,
    "endsWith": str.endswith,
}
MAX_TEXT = 4096  # characters of a text in which a pattern is searched
_REPETITIONS = re.compile(r"(?<!\\)[*+{]")
_NESTED = re.compile(r"\)[*+?{]|\\[1-9]|\(\?[^:]")


class ConditionError(Exception):
    """A condition that cannot be read or evaluated.

    Attributes:
        column: Where in the condition, counted from 1.
    """

    def __init__(self, what: str, column: int) -> None:
        super().__init__(f"{what} (column {column})")
        self.what, self.column = what, column


def listed(element: Type) -> Type:
    """The type of a list."""
    return Type("list", element)


def type_of(value: Any) -> Type:
    """The type of a measured value. A list of numbers is known to be one, also while it is empty, as a Prometheus vector is."""
    if value is None:
        return NIL
    for kinds, found in (((bool,), BOOL), ((int,), INT), ((float,), FLOAT), ((str,), TEXT), ((Mapping,), MAP)):
        if isinstance(value, kinds):
            return found
    if isinstance(value, Sequence):
        return listed(FLOAT if all(type_of(each) in NUMBERS for each in value) else ANY)
    raise ConditionError(f"cannot judge a result of the Python type {type(value).__name__}", 1)


def name_of_type(kind: Type) -> str:
    """As users read it: `list of float`."""
    return f"list of {name_of_type(kind.element)}" if kind.name == "list" else kind.name


@dataclass(frozen=True)
class Scope:
    """The names that a condition may use. element: (value, type) of the list's element in a predicate."""

    values: Mapping[str, Any]
    types: Mapping[str, Type]
    element: tuple[Any, Type] = (None, ANY)


@dataclass(frozen=True)
class Node:
    """A part of a condition. column: where it stands, counted from 1."""

    column: int

    def check(self, scope: Scope) -> Type:
        """The type that the node has for this result. Raises ConditionError where its parts do not fit together."""
        raise NotImplementedError

    def value(self, scope: Scope) -> Any:
        """The value. Raises ConditionError where only the values show that the parts do not fit."""
        raise NotImplementedError


@dataclass(frozen=True)
class Literal(Node):
    """A number, a text, true, false, or nil."""

    constant: Any

    def check(self, _scope: Scope) -> Type:
        return type_of(self.constant)

    def value(self, _scope: Scope) -> Any:
        return self.constant


@dataclass(frozen=True)
class Name(Node):
    """A variable."""

    name: str

    def check(self, scope: Scope) -> Type:
        return scope.types[self.name]

    def value(self, scope: Scope) -> Any:
        return scope.values[self.name]


@dataclass(frozen=True)
class Element(Node):
    """`#`: the element that a predicate looks at."""

    def check(self, scope: Scope) -> Type:
        return scope.element[1]

    def value(self, scope: Scope) -> Any:
        return scope.element[0]


@dataclass(frozen=True)
class ListOf(Node):
    """`[1, 2]`."""

    items: tuple[Node, ...]

    def check(self, scope: Scope) -> Type:
        for item in self.items:
            item.check(scope)
        return listed(ANY)

    def value(self, scope: Scope) -> Any:
        return [item.value(scope) for item in self.items]


@dataclass(frozen=True)
class Member(Node):
    """`of.name`, or `of?.name`, which is nil where `of` is."""

    of: Node
    name: str
    optional: bool

    def check(self, scope: Scope) -> Type:
        kind = self.of.check(scope)
        if kind not in (MAP, ANY):
            raise ConditionError(f"asks for the field {self.name!r} of type {name_of_type(kind)}, which has none", self.column)
        return ANY

    def value(self, scope: Scope) -> Any:
        value = self.of.value(scope)
        if value is None and self.optional:
            return None
        if not isinstance(value, Mapping):
            raise ConditionError(f"asks for the field {self.name!r} of type {name_of_type(type_of(value))}, which has none", self.column)
        return value.get(self.name)


@dataclass(frozen=True)
class Index(Node):
    """`of[index]`; a negative index counts from the end."""

    of: Node
    index: Node

    def check(self, scope: Scope) -> Type:
        kind, index = self.of.check(scope), self.index.check(scope)
        if kind.name == "list" and index in (INT, ANY):
            return Type(*kind.element)
        if kind in (MAP, ANY) and (index in (TEXT, ANY) or (kind == ANY and index == INT)):
            return ANY
        raise self._wrong(kind, index)

    def value(self, scope: Scope) -> Any:
        value, index = self.of.value(scope), self.index.value(scope)
        if isinstance(value, Mapping) and isinstance(index, str):
            return value.get(index)
        if not isinstance(value, Sequence) or isinstance(value, str) or type_of(index) != INT:
            raise self._wrong(type_of(value), type_of(index))
        if not -len(value) <= index < len(value):
            raise ConditionError(f"asks for element {index} of a list that has {len(value)}", self.column)
        return value[index]

    def _wrong(self, kind: Type, index: Type) -> ConditionError:
        return ConditionError(f"uses an index of type {name_of_type(index)} on type {name_of_type(kind)}", self.column)


@dataclass(frozen=True)
class Unary(Node):
    """`!a`, `-a`, `+a`."""

    operator: str
    operand: Node

    def check(self, scope: Scope) -> Type:
        return self._fitting(self.operand.check(scope))

    def value(self, scope: Scope) -> Any:
        value = self.operand.value(scope)
        self._fitting(type_of(value))
        return (not value) if self.operator == "!" else -value if self.operator == "-" else value

    def _fitting(self, kind: Type) -> Type:
        if kind not in ((BOOL, ANY) if self.operator == "!" else (*NUMBERS, ANY)):
            raise ConditionError(f"uses {self.operator} on type {name_of_type(kind)}", self.column)
        return kind


@dataclass(frozen=True)
class Choice(Node):
    """`test ? yes : no`."""

    test: Node
    yes: Node
    no: Node

    def check(self, scope: Scope) -> Type:
        self._fitting(self.test.check(scope))
        kinds = {self.yes.check(scope), self.no.check(scope)}
        return kinds.pop() if len(kinds) == 1 else ANY

    def value(self, scope: Scope) -> Any:
        test = self.test.value(scope)
        self._fitting(type_of(test))
        return (self.yes if test else self.no).value(scope)

    def _fitting(self, kind: Type) -> None:
        if kind not in (BOOL, ANY):
            raise ConditionError(f"uses type {name_of_type(kind)} before '?', where a boolean belongs", self.column)


@dataclass(frozen=True)
class Call(Node):
    """A call of a function of condition_functions.py."""

    function: Function
    arguments: tuple[Node, ...]

    def check(self, scope: Scope) -> Type:
        return self.function.returns([each.check(scope) for each in self.arguments], self.arguments[0].column)

    def value(self, scope: Scope) -> Any:
        return self.function.call([each.value(scope) for each in self.arguments], self.column)


@dataclass(frozen=True)
class Predicate(Node):
    """`all(items, test)` and its like; `test` is evaluated for each item, which it calls `#`."""

    kind: str
    items: Node
    test: Node | None

    def check(self, scope: Scope) -> Type:
        kind = self._fitting(self.items.check(scope))
        tested = self._scope(scope, None, kind.element or ANY)
        found = BOOL if self.test is None else self.test.check(tested)
        if self.kind != "map" and found not in (BOOL, ANY):
            raise ConditionError(f"gives {self.kind} a test of type {name_of_type(found)}, not a boolean", self.column)
        return {"count": INT, "filter": kind, "map": listed(found)}.get(self.kind, BOOL)

    def value(self, scope: Scope) -> Any:
        items = self.items.value(scope)
        element = self._fitting(type_of(items)).element or ANY
        found = [each if self.test is None else self.test.value(self._scope(scope, each, element)) for each in items]
        if self.kind == "map":
            return found
        for each in found:
            if not isinstance(each, bool):
                raise ConditionError(f"gives {self.kind} a test of type {name_of_type(type_of(each))}, not a boolean", self.column)
        return self._judged(items, found)

    def _judged(self, items: Sequence[Any], found: Sequence[bool]) -> Any:
        if self.kind == "filter":
            return [item for item, fits in zip(items, found) if fits]
        number = sum(found)
        return {"all": number == len(found), "any": number > 0, "none": number == 0, "one": number == 1, "count": number}[self.kind]

    def _fitting(self, kind: Type) -> Type:
        if kind.name != "list" and kind != ANY:
            raise ConditionError(f"gives {self.kind} type {name_of_type(kind)}, and it takes a list", self.column)
        return kind

    @staticmethod
    def _scope(scope: Scope, element: Any, kind: Any) -> Scope:
        return Scope(scope.values, scope.types, (element, Type(*kind)))


@dataclass(frozen=True)
class Binary(Node):
    """`left operator right`."""

    operator: str
    left: Node
    right: Node

    def check(self, scope: Scope) -> Type:
        return self._fitting(self.left.check(scope), self.right.check(scope))

    def value(self, scope: Scope) -> Any:
        left = self.left.value(scope)
        if self.operator in ("&&", "||", "??"):
            return self._shortcut(left, scope)
        right = self.right.value(scope)
        self._fitting(type_of(left), type_of(right))
        if self.operator in ("==", "!="):
            return (left == right) == (self.operator == "==")
        if self.operator in _ORDER:
            return bool(_ORDER[self.operator](left, right))
        if self.operator in _TEXT:
            return _TEXT[self.operator](left, right)
        if self.operator == "matches":
            return _matches(left, right)
        if self.operator == "in":
            return right is not None and any(left == each for each in right)
        return _ARITHMETIC[self.operator](left, right) if self.operator in _ARITHMETIC else _calculate(self.operator, left, right)

    def _shortcut(self, left: Any, scope: Scope) -> Any:
        if self.operator == "??":
            return self.right.value(scope) if left is None else left
        if left is not True and left is not False:
            raise self._mismatch(type_of(left), BOOL)
        if left is (self.operator == "||"):
            return left
        right = self.right.value(scope)
        self._fitting(BOOL, type_of(right))
        return right

    def _fitting(self, left: Type, right: Type) -> Type:
        """The type of the value. Raises ConditionError where the operator does not take these types."""
        kinds = {each for each in (left, right) if each != ANY}
        if self.operator == "??":
            return left if left == right else ANY
        if self.operator in ("&&", "||"):
            fits, found = kinds <= {BOOL}, BOOL
        elif self.operator in ("==", "!="):
            families = {_family(each) for each in kinds} - {"nil"}
            fits, found = len(families) <= 1, BOOL
        elif self.operator in _ORDER:
            fits, found = kinds <= set(NUMBERS) or kinds <= {TEXT}, BOOL
        elif self.operator in (*_TEXT, "matches"):
            fits, found = kinds <= {TEXT}, BOOL
        elif self.operator == "in":
            fits, found = right.name in ("list", "map", "any", "nil"), BOOL
        elif self.operator == "%":
            fits, found = kinds <= {INT}, INT
        elif self.operator == "+" and kinds == {TEXT}:
            fits, found = True, TEXT
        else:
            fits, found = kinds <= set(NUMBERS), self._number(left, right)
        if not fits:
            raise self._mismatch(left, right)
        return found

    def _number(self, left: Type, right: Type) -> Type:
        if ANY in (left, right):
            return ANY
        return INT if left == right == INT and self.operator in _ARITHMETIC else FLOAT

    def _mismatch(self, left: Type, right: Type) -> ConditionError:
        return ConditionError(f"uses {self.operator} between type {name_of_type(left)} and type {name_of_type(right)}", self.column)


def _family(kind: Type) -> str:
    return "number" if kind in NUMBERS else kind.name


def _calculate(sign: str, left: float, right: float) -> float:
    """`/`, `%` and `**` as Go calculates them: no division fails."""
    if sign == "**":
        try:
            return math.pow(left, right)
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan
    if right == 0:
        if sign == "%":
            raise ConditionError("takes the remainder of a division by zero", 1)
        return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)
    return math.fmod(left, right) if sign == "%" else float(left / right)


def _matches(text: str, pattern: str) -> bool:
    """Whether the pattern is found. Only patterns that cannot take long are searched for."""
    if len(text) > MAX_TEXT or _NESTED.search(pattern) or len(_REPETITIONS.findall(pattern)) > 2:
        raise ConditionError(
            f"searches with a pattern that may take long: use at most two repetitions, none of a group, on at most {MAX_TEXT} characters", 1
        )
    try:
        return re.search(pattern, text) is not None
    except re.error as error:
        raise ConditionError(f"has a pattern that is no regular expression: {error}", 1) from None
