"""Labels and selectors are read as the API server will accept them, or refused in one line that names the key."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.labels import read_labels, read_selector

READ = [
    ({}, {}),
    ({"version": "blue"}, {"version": "blue"}),
    ({"version": 2, "build": "007"}, {"version": "2", "build": "007"}),
    ({"example.org/tier": "", "a_b.c-d": "x"}, {"example.org/tier": "", "a_b.c-d": "x"}),
    ({"k" * 63: "v" * 63}, {"k" * 63: "v" * 63}),
]
REFUSED = [
    (None, "selector", "must be a mapping of labels to values"),
    ("version=blue", "selector", "must be a mapping of labels to values"),
    ({"version": True}, "selector.version", "must be a string, not True"),
    ({"version": 1.10}, "selector.version", "must be a string, not 1.1"),
    ({"version": ["blue"]}, "selector.version", "must be a string, not ['blue']"),
    ({"version": "a b"}, "selector.version", "is 'a b', which no label can have as its value"),
    (
        {"version": "v" * 64},
        "selector.version",
        "is 'vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv…, which no label can have as its value",
    ),
    ({"version": "-"}, "selector.version", "is '-', which no label can have as its value"),
    ({"no key": "x"}, "selector", "has the key 'no key', which no label can have"),
    ({"Example.org/tier": "x"}, "selector", "has the key 'Example.org/tier', which no label can have"),
    ({"k" * 64: "x"}, "selector", "has the key 'kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk…, which no label can have"),
    ({1: "x"}, "selector", "has the key 1, which no label can have"),
]


@pytest.mark.parametrize(("raw", "labels"), READ)
def test_read(raw: Any, labels: dict[str, str]) -> None:
    assert read_labels("selector", raw) == read_selector("selector", raw) == labels


def test_none_takes_a_key_out_of_a_selector() -> None:
    assert read_selector("selector", {"version": "blue", "app": None}) == {"version": "blue", "app": None}


NO_KEY = ({"no key": None}, "selector", "has the key 'no key', which no label can have")


@pytest.mark.parametrize(("raw", "option", "what"), [*REFUSED, NO_KEY])
def test_refused(raw: Any, option: str, what: str) -> None:
    with pytest.raises(Refused) as caught:
        read_selector("selector", raw)
    assert (caught.value.problem.object, caught.value.problem.what) == (option, what)
