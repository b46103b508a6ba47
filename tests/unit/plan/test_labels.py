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
    (None, "selector must map labels to values, such as version: blue"),
    ("version=blue", "selector must map labels to values, such as version: blue"),
    ({"version": True}, "selector, version: True is not a text: put it between quotes"),
    ({"version": 1.10}, "selector, version: 1.1 is not a text: put it between quotes"),
    ({"version": ["blue"]}, "selector, version: ['blue'] is not a text: put it between quotes"),
    ({"version": "a b"}, "selector, version: 'a b' is not the value of a label: use at most 63"),
    ({"version": "v" * 64}, "is not the value of a label"),
    ({"version": "-"}, "is not the value of a label"),
    ({"no key": "x"}, "selector: 'no key' is not the key of a label: use letters"),
    ({"Example.org/tier": "x"}, "'Example.org/tier' is not the key of a label"),
    ({"k" * 64: "x"}, "is not the key of a label"),
    ({1: "x"}, "selector: 1 is not the key of a label"),
]


@pytest.mark.parametrize(("raw", "labels"), READ)
def test_read(raw: Any, labels: dict[str, str]) -> None:
    assert read_labels("selector", raw) == read_selector("selector", raw) == labels


def test_none_takes_a_key_out_of_a_selector() -> None:
    assert read_selector("selector", {"version": "blue", "app": None}) == {"version": "blue", "app": None}


@pytest.mark.parametrize(("raw", "message"), [*REFUSED, ({"no key": None}, "selector: 'no key' is not the key of a label")])
def test_refused(raw: Any, message: str) -> None:
    with pytest.raises(Refused) as caught:
        read_selector("selector", raw)
    assert message in str(caught.value)
