"""Text of others is printed with unsafe characters as visible escapes, and with bounded length."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.shown import MOST, echo, names, shown, shown_all
from hypothesis import given, settings
from hypothesis import strategies as st

UNSAFE = [
    *(chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x61C, 0x180E)),
    *(chr(code) for code in (*range(0x200B, 0x2010), *range(0x2028, 0x202F), *range(0x2060, 0x2070), 0xFEFF)),
    *("\ud800", "\udfff", "\U000e0001", "\U000e0041"),
]
SYMBOLS = "✔॥◌•✖⚠⟳□⧉└─├│…äß漢字🙂"


def is_unsafe(text: str) -> bool:
    """By what Unicode says, not by the list above: controls, formatting characters, separators, surrogates."""
    return any(unicodedata.category(each) in ("Cc", "Zl", "Zp", "Cs") or each in UNSAFE for each in text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\tc", "a\\x0ab\\x09c"),
        ("\u202eevil", "\\u202eevil"),
        ("\U000e0041", "\\U000e0041"),
        ("\ud800", "\\ud800"),
        ("\x9b31m", "\\x9b31m"),
        (SYMBOLS, SYMBOLS),
        (7, "7"),
        (None, "None"),
    ],
)
def test_a_text(text: Any, said: str) -> None:
    assert shown(text) == said


@pytest.mark.parametrize("character", UNSAFE, ids=lambda each: f"{ord(each):04x}")
def test_each_unsafe_character_becomes_visible(character: str) -> None:
    assert shown(f"a{character}b") in (f"a\\x{ord(character):02x}b", f"a\\u{ord(character):04x}b", f"a\\U{ord(character):08x}b")
    assert (shown(f"a{character}b", lines=True) == f"a{character}b") == (character == "\n")


@settings(max_examples=300, deadline=None)
@given(st.text(st.one_of(st.characters(codec=None), st.sampled_from([*UNSAFE, *SYMBOLS]))), st.integers(1, 40))
def test_any_text(text: str, most: int) -> None:
    safe = shown(text, most)
    assert not is_unsafe(safe) and len(safe) <= most and shown(safe, most) == safe
    assert len(shown("x" * (MOST + 5))) == MOST


DATA = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(st.sampled_from([*UNSAFE, "a", "é"]), max_size=9)
    ),
    lambda below: st.one_of(
        st.lists(below, max_size=3), st.dictionaries(st.text(st.sampled_from([*UNSAFE, "a"]), max_size=3), below, max_size=3)
    ),
    max_leaves=12,
)


def texts(data: Any) -> list[str]:
    if isinstance(data, dict):
        return [text for key, value in data.items() for text in (*texts(key), *texts(value))]
    return [text for each in data for text in texts(each)] if isinstance(data, list) else [data] if isinstance(data, str) else []


def without_texts(data: Any) -> Any:
    """The shape of nested data, and all of it that is no text."""
    if isinstance(data, dict):
        return [without_texts(value) for value in data.values()]
    return [without_texts(each) for each in data] if isinstance(data, list) else "" if isinstance(data, str) else data


@settings(max_examples=200, deadline=None)
@given(DATA)
def test_nested_data(data: Any) -> None:
    safe = shown_all(data)
    assert not any(map(is_unsafe, texts(safe))) and shown_all(safe) == safe
    if len(texts(data)) == len(texts(safe)):  # two keys may have become one
        assert without_texts(safe) == without_texts(data)
    assert shown_all({"tree": "a\nb", "x": ["\n", {"tree": "\n"}]}, but=("tree",)) == {"tree": "a\nb", "x": ["\\x0a", {"tree": "\n"}]}


def test_data_that_is_too_deep_is_cut() -> None:
    deep: Any = []
    for _each in range(100_000):
        deep = [deep]
    assert str(shown_all(deep)) == "[" * 60 + "'…'" + "]" * 60
    assert echo(deep) == "[[[[...]]]]"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("a", "'a'"),
        ("it's", '"it\'s"'),
        ("x" * 500, "'" + "x" * 58 + "…"),
        ("\x1b\n\u202e", "'\\x1b\\n\\u202e'"),
        (7, "7"),
        (True, "True"),
        (None, "None"),
        (["b", 1], "['b', 1]"),
        ({"b": 1, "a": {}}, "{'b': 1, 'a': {}}"),
        (10**5000, "a value of type int"),
        ([10**5000], "a value of type list"),
        (b"x" * 100, "b'" + "x" * 57 + "…"),
    ],
    ids=lambda each: str(each)[:20] if not isinstance(each, (int, list)) else type(each).__name__,
)
def test_a_users_value_in_a_message(value: Any, said: str) -> None:
    assert echo(value) == said


@settings(max_examples=200, deadline=None)
@given(DATA)
def test_any_value_in_a_message(data: Any) -> None:
    assert len(echo(data)) <= 60 and not is_unsafe(echo(data))


def test_names_in_a_message() -> None:
    assert names([]) == "" and names(["a", "b"]) == "a, b"
    many = names(["\x1b" + "x" * 500] * 1000)
    assert len(many) < 700 and many.endswith(" and 990 more") and not is_unsafe(many)
