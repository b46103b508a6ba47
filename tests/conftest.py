"""What all tests share: the collection importable as users import it, and an Ansible that knows nothing of this user's settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

TESTS = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
OURS = CACHE / "progressive.delivery"
COLLECTIONS = subprocess.run([TESTS / "tools" / "collections"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

sys.path.insert(0, COLLECTIONS)
os.environ.update(
    ANSIBLE_COLLECTIONS_PATH=COLLECTIONS,
    ANSIBLE_CONFIG=str(TESTS / "ansible.cfg"),
    ANSIBLE_HOME=str(OURS / "ansible"),
    HYPOTHESIS_STORAGE_DIRECTORY=str(OURS / "hypothesis"),
    PYTEST_DEBUG_TEMPROOT=str(OURS / "tmp"),  # where tmp_path is
    XDG_CACHE_HOME=str(CACHE),  # named, so that a command with another HOME finds the caches, too
)
(OURS / "tmp").mkdir(parents=True, exist_ok=True)

# A machine may be busy: how long an example takes says nothing.
hypothesis.settings.register_profile("project", deadline=None)
hypothesis.settings.load_profile("project")

pytest_plugins = ["ansible_collections.progressive.delivery.tests.tools.pytest_shared_clusters"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # Those in these two folders start Ansible for each case.
        if TESTS / "unit" in item.path.parents and item.path.parent.name not in ("playbooks", "actions"):
            item.add_marker("quick")
