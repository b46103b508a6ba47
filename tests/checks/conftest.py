"""What the checks share: running a command, and showing what it said when it fails."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def succeeds() -> Callable[..., str]:
    """Run a command in the checkout, fail with its output unless it succeeds, and return the output."""

    def run(*command: str, **environment: str) -> str:
        environ = {**os.environ, "NO_COLOR": "1", **environment}
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            said = done.stdout.replace(f"{os.environ['ANSIBLE_COLLECTIONS_PATH']}/ansible_collections/progressive/delivery/", "")
            pytest.fail(f"{' '.join(command)}: exit code {done.returncode}\n{said}", pytrace=False)
        return done.stdout

    return run


@pytest.fixture(scope="session")
def tarball(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection as users get it."""
    folder = tmp_path_factory.mktemp("dist")
    build = ["ansible-galaxy", "collection", "build", "--output-path", str(folder)]
    subprocess.run([str(ROOT / "tests" / "tools" / "in-copy"), *build], check=True, stdout=subprocess.DEVNULL)
    (path,) = folder.glob("*.tar.gz")
    return path
