"""The collection, as installed by users, works with the oldest and the newest of what it promises to work with (make test-full)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.progressive.delivery.tests.tools.in_copy import ROOT

pytestmark = pytest.mark.full

OLDEST_MODULE_PYTHON = "3.9"
CALL = "router=istio name=shop namespace=shop stable_service=shop canary_service=shop-canary weight=20 host=http://127.0.0.1:9 api_key=none"


@pytest.fixture(
    params=[("3.10", "2.16", "28.1"), ("3.11", "2.19", "37.0"), ("3.12", "2.20", "33.1"), ("3.13", "2.21", "37.0")],
    ids="python{0[0]}-core{0[1]}-kubernetes{0[2]}".format,
)
def commands(request: pytest.FixtureRequest) -> Path:
    venv = subprocess.run([ROOT / "tests" / "tools" / "venv-for", *request.param], check=True, stdout=subprocess.PIPE, text=True)
    return Path(venv.stdout.strip()) / "bin"


def test_installed(commands: Path, tarball: Path, tmp_path: Path, succeeds: Callable[..., str]) -> None:
    user = {"HOME": str(tmp_path), "ANSIBLE_HOME": str(tmp_path / ".ansible"), "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "collections")}
    succeeds(
        f"{commands}/ansible-galaxy", "collection", "install", "--offline", "-p", user["ANSIBLE_COLLECTIONS_PATH"], str(tarball), **user
    )
    assert "canary_service" in succeeds(f"{commands}/ansible-doc", "-t", "module", "progressive.delivery.canary_weight", **user)
    call = [f"{commands}/ansible", "localhost", "-m", "progressive.delivery.canary_weight", "-a", CALL]
    said = succeeds(
        "sh", "-c", '"$@" 2>&1; test $? -eq 2', "call", *call, **user
    )  # 2: it failed on a host, as it must with no cluster there
    assert "Traceback" not in said
    assert "127.0.0.1:9" in said


def test_unit(commands: Path, succeeds: Callable[..., str]) -> None:
    succeeds(f"{commands}/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/unit")


def test_oldest_python_of_modules(succeeds: Callable[..., str]) -> None:
    folder = Path(succeeds("tests/tools/find-python", OLDEST_MODULE_PYTHON).strip()).parent
    sanity = f"python tests/tools/sanity.py --python {OLDEST_MODULE_PYTHON} --test compile --test import"
    # ansible-test looks for this Python on PATH; the tests' own commands must stay first there.
    succeeds("tests/tools/in-copy", "sh", "-c", f"PATH=${{PATH%%:*}}:{folder}:$PATH exec {sanity}")
