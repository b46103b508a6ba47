"""The scenario that users copy: Molecule's default one makes a cluster, converges, verifies and destroys it (make molecule)."""

from __future__ import annotations

import os
from collections.abc import Callable


def test_default_scenario(succeeds: Callable[..., str]) -> None:
    # In a copy, since Molecule writes beside what it runs; under a cluster name of its own, since another one may be up.
    script = "cd extensions && exec molecule test --scenario-name default"
    succeeds("tests/tools/in-copy", "sh", "-c", script, CLUSTER_NAME=f"molecule-{os.getpid()}")
