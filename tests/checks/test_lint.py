"""Every linter is content with the repository (make lint)."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.progressive.delivery.tests.tools.in_copy import ROOT, copy, tracked

IN_COPY = "tests/tools/in-copy"
COLLECTION = "ansible_collections.progressive.delivery"


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["ruff", "check", "--no-cache", "--output-format=concise", "."], id="ruff-check", marks=pytest.mark.quick),
        pytest.param(
            ["ruff", "format", "--no-cache", "--check", "--output-format=concise", "."], id="ruff-format", marks=pytest.mark.quick
        ),
        pytest.param([IN_COPY, "ansible-lint", "--offline", "--nocolor", "-q"], id="ansible-lint"),
        pytest.param([IN_COPY, "antsibull-docs", "lint-collection-docs", "--plugin-docs", "."], id="antsibull-docs"),
        pytest.param([IN_COPY, "antsibull-changelog", "lint"], id="antsibull-changelog"),
    ],
)
def test_linter(succeeds: Callable[..., str], command: list[str]) -> None:
    succeeds(*command)


def test_ansible_lint_in_a_plain_clone(succeeds: Callable[..., str], tmp_path: Path) -> None:
    """As contributors and certification run it: in a folder that is not named after the collection, without settings of the tests."""
    clone = tmp_path / "clone"
    copy(clone)
    run = ["env", "-u", "ANSIBLE_COLLECTIONS_PATH", "-u", "ANSIBLE_CONFIG", "-C", str(clone), "ansible-lint", "--nocolor", "-q"]
    succeeds(*run, HOME=str(tmp_path), ANSIBLE_HOME=str(tmp_path / ".ansible"))


@pytest.mark.quick
def test_mypy(succeeds: Callable[..., str]) -> None:
    cache = Path(os.environ["XDG_CACHE_HOME"]) / "progressive.delivery" / "mypy"
    succeeds("mypy", f"--cache-dir={cache}", "-p", COLLECTION, MYPYPATH=os.environ["ANSIBLE_COLLECTIONS_PATH"])


def test_shellcheck(succeeds: Callable[..., str]) -> None:
    """The commands of tests/, which have no suffix by which ansible-test would know them."""
    scripts = [name for name in tracked() if is_shell(ROOT / name)]
    assert "tests/tools/python" in scripts
    succeeds("shellcheck", *scripts)


def is_shell(path: Path) -> bool:
    if not path.is_file() or not path.stat().st_mode & stat.S_IXUSR:
        return False
    with path.open("rb") as file:
        return file.readline().rstrip() in (b"#!/bin/sh", b"#!/usr/bin/env bash", b"#!/bin/bash")
