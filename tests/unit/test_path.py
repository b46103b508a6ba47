"""The way of a weight and of a step through the collection: how many files a call enters, and how often it returns to a room."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.delivery.tests.tools.trace_path import PATHS

# Files and returns, at most. Whoever shortens the way lowers them.
LIMITS = {"a weight": (30, 35), "a step of a rollout": (73, 116)}


@pytest.mark.parametrize("name", PATHS)
def test_the_way_of_a_call(name: str) -> None:
    path, (files, returns) = PATHS[name](), LIMITS[name]
    assert len(path.files) <= files, path.files
    assert path.returns <= returns
    entry = {"a weight": "_module/splits.py", "a step of a rollout": "_actions/rollout.py"}[name]
    assert {entry, "_actions/traffic.py", "_routing/istio/router.py", "_cluster/client.py"} <= set(path.files), "what is certain was seen"
