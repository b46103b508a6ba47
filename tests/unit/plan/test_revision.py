"""The forms of a new version, and what the record keeps of each: enough to go on without the plan, and no environment values."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._plan.revision import read_revision

SECRET = {"spec": {"containers": [{"name": "app", "image": "app:1", "env": [{"name": "TOKEN", "value": "hush"}]}]}}

# raw, whether the workload carries it, whether it needs defaults, what the record keeps
FORMS: list[Any] = [
    ({"images": {"app": "app:2"}}, False, False, {"images": {"app": "app:2"}}),
    ({"template": SECRET}, False, True, {"held": "0123456789"}),
    ({"definition": SECRET}, False, True, {"held": "0123456789"}),
    ({"definition": {"kind": "Deployment", "spec": {"replicas": 3, "template": SECRET}}}, False, True, {"held": "0123456789"}),
    ({"restart": "2026-11-21"}, False, False, {"restart": "2026-11-21"}),
    ({"restart": 7}, False, False, {"restart": "7"}),
    ({"images": {"app": "app:1"}, "held": "abc"}, False, False, {"images": {"app": "app:1"}, "held": "abc"}),
    ({}, True, False, {}),
    (None, True, False, {}),
]


@pytest.mark.parametrize(("raw", "carried", "defaulted", "kept"), FORMS)
def test_a_form(raw: Any, carried: bool, defaulted: bool, kept: dict[str, Any]) -> None:
    revision = read_revision(raw)
    assert (revision.carried, revision.defaulted) == (carried, defaulted)
    assert revision.kept("0123456789") == kept
    assert "hush" not in str(revision.kept("0123456789"))
    read_revision(kept)  # The next call, of somebody who has no plan, reads it.


def test_each_form_asks_for_something_else() -> None:
    asked = [read_revision(raw).asked("") for raw, *_rest in FORMS[:5]]
    assert len(set(asked)) == 4 and asked[2] == asked[3]
    images = {"images": {"app": "shop:1"}}
    assert read_revision(images).asked("") != read_revision({**images, "held": "an old template"}).asked("")
