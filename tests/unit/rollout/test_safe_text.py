"""Whatever names, messages and images the objects of others hold: pictures, lines, results and Events are safe to print."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._objects.shown import shown_all
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.tree import tree
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.watching import fitted, line, told
from ansible_collections.progressive.delivery.tests.unit.objects.test_shown import UNSAFE, is_unsafe, texts
from ansible_collections.progressive.delivery.tests.unit.rollout.scenes import CANARY_PLAN, READY, STARTING, canary, seen_by
from hypothesis import given, settings
from hypothesis import strategies as st

NASTY = st.text(st.sampled_from([*UNSAFE, "a", "|", "✔"]), min_size=1, max_size=12)
# What the picture decides by; any other text comes from objects.
DECIDES = {"phase", "status", "strategy", "version", "roles", "state"}


def poisoned(data: Any, draw: Any, key: str = "") -> Any:
    """The same data with other texts in it, where nothing is decided by them."""
    if isinstance(data, dict):
        return {each: poisoned(value, draw, each) for each, value in data.items()}
    if isinstance(data, list):
        return [poisoned(value, draw, key) for value in data]
    if isinstance(data, str) and key not in DECIDES:
        return data + draw(NASTY) if draw(st.booleans()) else draw(NASTY)
    return data


@settings(max_examples=150, deadline=None)
@given(st.data(), st.integers(0, 2), st.sampled_from([None, 40, 80]))
def test_no_unsafe_character_gets_into_a_picture(data: st.DataObject, problems: int, width: int | None) -> None:
    info = copy.deepcopy(seen_by(CANARY_PLAN, canary(0, (READY, STARTING), holder="ann", problems=["a", "b"][:problems])))
    info["workloads"][0]["waiting"] = {"app": "shop:2"}
    info = poisoned(info, data.draw)
    drawn = tree(info, width)
    assert not any(is_unsafe(each) for each in drawn.split("\n"))
    assert "⟳" in drawn and "├──" in drawn
    assert not is_unsafe(line(info))
    following = told({**info, "line": data.draw(NASTY)}, "12:00:00")
    assert not any(is_unsafe(each) for each in fitted(following, width))
    result = shown_all({**info, "tree": drawn, "line": line(info)}, but=("tree",))
    assert not any(is_unsafe(text) for text in texts({key: value for key, value in result.items() if key != "tree"}))


def test_a_message_of_several_lines_is_one_paragraph() -> None:
    info = seen_by(CANARY_PLAN, canary(0, (READY, STARTING)))
    assert "Message:         one two\n" in tree({**info, "msg": "one\ntwo"})
