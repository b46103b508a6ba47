"""What a PodDisruptionBudget must keep while there are more of them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.edits import Edit
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.budgets import covering_edits


@pytest.mark.parametrize(
    ("spec", "more", "expected"),
    [
        ({"minAvailable": 3}, 3, 6),
        ({"minAvailable": 0}, 1, 1),
        ({"minAvailable": 3}, 0, None),
        ({"minAvailable": 3}, -2, None),
        ({"minAvailable": "50%"}, 3, None),
        ({"maxUnavailable": 1}, 3, None),
        ({}, 3, None),
    ],
)
def test_covering(spec: dict[str, Any], more: int, expected: int | None) -> None:
    wanted = [] if expected is None else [Edit(("spec", "minAvailable"), expected)]
    assert covering_edits({"spec": spec}, more) == wanted
