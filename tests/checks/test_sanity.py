"""ansible-test sanity finds nothing, without a list of things to ignore (make sanity)."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.progressive.delivery.tests.tools.in_copy import ROOT


def test_sanity(succeeds: Callable[..., str]) -> None:
    said = succeeds("tests/tools/in-copy", "python", "tests/tools/sanity.py")
    for test in ("compile", "import", "pep8", "pylint", "validate-modules", "yamllint"):
        assert f'Running sanity test "{test}"' in said


def test_nothing_is_ignored() -> None:
    assert list((ROOT / "tests").glob("sanity/ignore*")) == []
