"""The reader of the condition language: text to tokens to a syntax tree."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from typing import NamedTuple

from .condition_functions import FUNCTIONS, PREDICATES
from .condition_nodes import (
    Binary,
    Call,
    Choice,
    ConditionError,
    Element,
    Index,
    ListOf,
    Literal,
    Member,
    Name,
    Node,
    Predicate,
    Unary,
)

MAX_DEPTH = 40

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)
    | (?P<name>[A-Za-z_]\w*)
    | (?P<operator>\?\.|\?\?|\*\*|&&|\|\||[=!<>]=|[-+*/%<>!?:|(){}\[\],.\#=$^])
    )""",
    re.VERBOSE,
)
# The strength of each binary operator, as expr-lang orders them; `**` and `^` join from the right.
_POWERS = {
    **dict.fromkeys(("||", "or"), 10),
    **dict.fromkeys(("&&", "and"), 15),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in", "matches", "contains", "startsWith", "endsWith"), 20),
    **dict.fromkeys(("+", "-"), 30),
    **dict.fromkeys(("*", "/", "%"), 60),
    **dict.fromkeys(("**", "^"), 100),
    "??": 500,
}
_SAME = {"or": "||", "and": "&&", "^": "**", "not": "!"}
_CONSTANTS = {"true": True, "false": False, "nil": None}
_WORDS = {"in", "or", "and", "matches", "contains", "startsWith", "endsWith", "not"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}
_UNARY_POWERS = {"!": 50, "-": 90, "+": 90}
_END = "EOF"


class Token(NamedTuple):
    """A word of a condition. column: counted from 1."""

    kind: str
    text: str
    column: int


def tokens(text: str) -> list[Token]:
    """The words of a condition, with one of the kind EOF at the end."""
    found, position = [], 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            start = position + len(text[position:]) - len(text[position:].lstrip())
            raise ConditionError(f"has an unexpected character {text[start]!r}", start + 1)
        kind = str(match.lastgroup)
        word = match.group(kind)
        column = match.start(kind) + 1
        if kind == "name" and word in _WORDS:
            kind = "operator"
        found.append(Token(kind, word, column))
        position = match.end()
    return [*found, Token(_END, _END, end + 1)]


def parse_expression(text: str) -> Node:
    """The syntax tree of a whole condition."""
    reader = _Reader(tokens(text))
    root = reader.expression(0)
    if reader.token.kind != _END:
        raise reader.unexpected()
    return root


class _Reader:
    """Reads expressions by the strength of their operators (Pratt's method)."""

    def __init__(self, words: list[Token]) -> None:
        self._words, self._at, self._depth, self._predicates = words, 0, 0, 0

    @property
    def token(self) -> Token:
        return self._words[self._at]

    def unexpected(self) -> ConditionError:
        """The error for a word that cannot stand where it does."""
        token = self.token
        return ConditionError("ends too early" if token.kind == _END else f"has an unexpected {token.text!r}", token.column)

    def expression(self, power: int) -> Node:
        """An expression whose operators are at least this strong."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ConditionError(f"is nested more than {MAX_DEPTH} deep", self.token.column)
        left = self._unary()
        while True:
            token = self.token
            negated = token.text == "not" and self._words[self._at + 1].text in ("in", "matches", "contains", "startsWith", "endsWith")
            word = self._words[self._at + 1] if negated else token
            strength = _POWERS.get(word.text) if word.kind == "operator" else None
            if strength is None or strength < power:
                break
            self._at += 2 if negated else 1
            right = self.expression(strength if word.text in ("**", "^") else strength + 1)
            left = Binary(word.column, _SAME.get(word.text, word.text), left, right)
            left = Unary(token.column, "!", left) if negated else left
        if power == 0:
            left = self._after(left)
        self._depth -= 1
        return left

    def _after(self, left: Node) -> Node:
        """What may follow a whole expression: functions behind `|`, and the two branches of `?:`."""
        while self._is("|"):
            self._at += 1
            name = self._expect_kind("name")
            self._expect("(")
            left = self._call(name, [left])
        if self._is("?"):
            column = self._next().column
            yes = self.expression(0)
            self._expect(":")
            return Choice(column, left, yes, self.expression(0))
        return left

    def _unary(self) -> Node:
        token = self.token
        operator = _SAME.get(token.text, token.text)
        if token.kind == "operator" and operator in _UNARY_POWERS:
            self._at += 1
            return self._suffixes(Unary(token.column, operator, self.expression(_UNARY_POWERS[operator])))
        return self._suffixes(self._primary())

    def _primary(self) -> Node:
        token = self.token
        if token.kind == "number":
            self._at += 1
            return Literal(token.column, _number(token))
        if token.kind == "text":
            self._at += 1
            return Literal(token.column, _text(token))
        if token.kind == "name":
            self._at += 1
            return self._named(token)
        if self._is("("):
            self._at += 1
            inner = self.expression(0)
            self._expect(")")
            return inner
        if self._is("["):
            self._at += 1
            return ListOf(token.column, self._until("]"))
        if self._predicates and self._is("#"):
            self._at += 1
            return Element(token.column)
        if self._predicates and self._is("."):
            return Element(token.column)  # `.field` is `#.field`
        if token.text == "$":
            raise ConditionError("uses the unknown name '$'", token.column)
        raise self.unexpected()

    def _named(self, token: Token) -> Node:
        if token.text in _CONSTANTS:
            return Literal(token.column, _CONSTANTS[token.text])
        if self._is("("):
            self._at += 1
            return self._call(token, [])
        if token.text != "result":
            raise ConditionError(f"uses the unknown name {token.text!r} (there is: result)", token.column)
        return Name(token.column, token.text)

    def _call(self, name: Token, given: list[Node]) -> Node:
        """A call whose opening parenthesis has been read."""
        if name.text in PREDICATES:
            return self._predicate(name, given)
        if name.text not in FUNCTIONS:
            known = ", ".join(sorted([*FUNCTIONS, *PREDICATES]))
            raise ConditionError(f"calls the unknown function {name.text!r} (there are: {known})", name.column)
        arguments = [*given, *self._until(")")]
        least, most = FUNCTIONS[name.text].counts
        if not least <= len(arguments) <= most:
            raise ConditionError(f"gives {name.text} {len(arguments)} arguments, and it takes {least}", name.column)
        return Call(name.column, FUNCTIONS[name.text], tuple(arguments))

    def _predicate(self, name: Token, given: list[Node]) -> Node:
        items = given[0] if given else self.expression(0)
        test: Node | None = None
        if given or self._is(","):
            self._at += 0 if given else 1
            self._predicates += 1
            braces = self._is("{")
            self._at += braces
            test = self.expression(0)
            if braces:
                self._expect("}")
            self._predicates -= 1
        elif name.text != "count":
            raise self.unexpected()
        self._expect(")")
        return Predicate(items.column, name.text, items, test)

    def _suffixes(self, node: Node) -> Node:
        while True:
            if self._is("[") and not (isinstance(node, Element) and self._words[self._at - 1].text == "."):
                column = self._next().column
                node = Index(column, node, self.expression(0))
                self._expect("]")
            elif self._is(".") or self._is("?."):
                optional = self._next().text == "?."
                field = self._expect_kind("name")
                node = Member(field.column, node, field.text, optional)
            else:
                return node

    def _until(self, closing: str) -> tuple[Node, ...]:
        """Expressions between commas, and the bracket that closes them."""
        found: list[Node] = []
        while not self._is(closing):
            found.append(self.expression(0))
            if not self._is(closing):
                self._expect(",")
        self._at += 1
        return tuple(found)

    def _is(self, text: str) -> bool:
        return self.token.kind == "operator" and self.token.text == text

    def _next(self) -> Token:
        self._at += 1
        return self._words[self._at - 1]

    def _expect(self, text: str) -> None:
        if not self._is(text):
            raise self.unexpected()
        self._at += 1

    def _expect_kind(self, kind: str) -> Token:
        if self.token.kind != kind:
            raise self.unexpected()
        return self._next()


def _number(token: Token) -> int | float:
    text = token.text.replace("_", "")
    value: int | float = float(text) if set(text) & set(".eE") else int(text)
    if isinstance(value, int) and value >= 2**63:
        raise ConditionError(f"has a number that is too large: {text}", token.column)
    return value


def _text(token: Token) -> str:
    body = token.text[1:-1]
    return body if token.text[0] == "`" else re.sub(r"\\(.)", lambda match: _ESCAPES.get(match.group(1), match.group()), body)
