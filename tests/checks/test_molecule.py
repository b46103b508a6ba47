"""The scenarios that users copy: Molecule starts a cluster, converges, verifies, hands back and ends it (make molecule)."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.progressive.delivery.tests.tools.in_copy import ROOT

IN_SHORT = "argo-istio-canary"
OTHERS = sorted({path.parent.name for path in (ROOT / "extensions" / "molecule").glob("*/molecule.yml")} - {"default", IN_SHORT})


@pytest.mark.parametrize("scenarios", [[IN_SHORT], pytest.param(OTHERS, marks=pytest.mark.full)], ids=["short", "others"])
def test_scenarios(succeeds: Callable[..., str], scenarios: list[str], tmp_path: Path) -> None:
    # In a copy, since Molecule writes beside what it runs; under a cluster name of its own, since another one may be up; with notes of its
    # own, or those of a run that was killed would say that the cluster is there.
    own = {"CLUSTER_NAME": f"molecule-{os.getpid()}", "MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path)}
    succeeds("tests/tools/in-copy", "molecule", "test", *[f"--scenario-name={name}" for name in scenarios], **own)
