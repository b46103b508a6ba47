"""The condition language answers as the engine of Argo Rollouts did (conditions.jsonl), and takes no unbounded input."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._analysis.condition import Condition, ConditionError, parse
from hypothesis import given
from hypothesis import strategies as st

TABLE = Path(__file__).parents[2] / "fixtures" / "analysis" / "conditions.jsonl"
ROWS = [json.loads(line) for line in TABLE.read_text().splitlines()]
RESULTS = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abx", max_size=1), inner, max_size=3),
    max_leaves=6,
)
WORDS = re.findall(r"[\w.]+|\W", " ".join(row["condition"] for row in ROWS[::9]))


def _result(raw: Any) -> Any:
    return [_result(each) for each in raw] if isinstance(raw, list) else math.nan if raw == "NaN" else raw


def _answer(text: str, result: Any) -> str:
    try:
        return str(parse(text).evaluate(result)).lower()
    except ConditionError:
        return "error"


def test_every_row_of_the_table() -> None:
    assert len(ROWS) == 828
    wrong = [
        (row["condition"], row["result"], answer, row["expr"])
        for row in ROWS
        if (answer := _answer(row["condition"], _result(row["result"]))) != row["expr"].partition(":")[0]
    ]
    assert wrong == []


def test_the_column_is_the_engines() -> None:
    """Of errors that show when the condition is read: these stop a plan, and point at the place."""
    columns = {}
    for row in ROWS:
        error = _error(row["condition"])
        if error is not None:
            place = re.search(r"\(1:(\d+)\)", row["expr"])
            columns[row["condition"]] = (error.column, int(place.group(1)) if place else 1)
    assert len(columns) == 8
    assert [text for text, (ours, engines) in columns.items() if ours - engines not in (0, 1)] == []


def _error(text: str) -> ConditionError | None:
    try:
        parse(text)
    except ConditionError as error:
        return error
    return None


CASES = [
    ("result.a?.b == nil", {"a": None}, "true"),
    ("result.a.b == nil", {"a": None}, "error"),
    ('result["a"] == 1', {"a": 1}, "true"),
    ("result[0].x == 1", [{"x": 1}], "true"),
    ("result[0].x < 'b'", [{"x": 1}], "error"),
    ("all(result, .x > 0)", [{"x": 1}, {"x": 2}], "true"),
    ("one(result, # == 1)", [1, 1.0], "false"),
    ("len(map(result, # * 2)) == 2", [1, 2], "true"),
    ("map(result, # * 2)[1] == 4", [1, 2], "true"),
    ("count(result) == 1", [True, False], "true"),
    ("1 / 0 > 1000", 1, "true"),
    ("isInf(-1 / 0)", 1, "true"),
    ("isNaN(0 / 0)", 1, "true"),
    ("5 % 0 == 1", 1, "error"),
    ("5.0 % 2 == 1", 1, "error"),
    ("-2 ** 2 == 4", 1, "false"),
    ("2 ** 3 ** 0 == 2", 1, "true"),
    ("1 + 2 * 3 == 7", 1, "true"),
    ("not true or true", 1, "true"),
    ("1 not in [1, 2]", 1, "false"),
    ("'b' in result", {"b": 1}, "true"),
    ("result contains 'ell'", "hello", "true"),
    ("result not startsWith 'h'", "hello", "false"),
    ("result endsWith 'o' and 'a' + 'b' == 'ab'", "hello", "true"),
    ("result matches '^h.*o$'", "hello", "true"),
    ("result matches '(a+)+$'", "a" * 40 + "b", "error"),
    ("result matches 'a*a*a*b'", "a" * 4000, "error"),
    ("result matches '['", "x", "error"),
    ("result ? 1 == 1 : false", True, "true"),
    ("result ? 1 : 2", True, "error"),
    ("result | len() == 2", [1, 2], "error"),
    ("median(result) == 2 && min(result) == 1 && max(result) == 9", [1, 2, 9], "true"),
    ("asFloat(result) > 0.5", "0.75", "true"),
    ("asInt(result) == 3", "3", "true"),
    ("result == true", True, "true"),
    ("true", None, "true"),
    ("result", True, "true"),
    ("result", 1, "error"),
    ("9223372036854775808 > 1", 1, "error"),
    ("exec('x')", 1, "error"),
    ("result.__class__ == nil", {"a": 1}, "true"),
    ("(" * 100 + "true" + ")" * 100, 1, "error"),
    ("true" + " " * 2000, 1, "error"),
]


@pytest.mark.parametrize(("text", "result", "answer"), CASES, ids=[case[0][:40] for case in CASES])
def test_beyond_the_table(text: str, result: Any, answer: str) -> None:
    assert _answer(text, result) == answer


@pytest.mark.parametrize(("text", "column"), [("result[0] <", 12), ("foo(result)", 1), ("result > args.x", 10), ("1 + @", 5)])
def test_a_condition_that_cannot_be_read_says_where(text: str, column: int) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert caught.value.column == column


@given(st.lists(st.sampled_from(WORDS), max_size=12).map("".join), RESULTS)
def test_any_text_is_read_or_refused(text: str, result: Any) -> None:
    """Nothing but a boolean or a ConditionError comes out."""
    assert _answer(text, result) in ("true", "false", "error")


def _conditions() -> Iterator[Condition]:
    for text in {row["condition"] for row in ROWS}:
        try:
            yield parse(text)
        except ConditionError:
            continue


@given(RESULTS)
def test_any_result_is_judged_or_refused(result: Any) -> None:
    for condition in _conditions():
        try:
            assert condition.evaluate(result) in (True, False)
        except ConditionError:
            pass
