"""The environments of the tests: files with hashes are installed first, and by nothing but their hashes."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import ROOT
from ansible_collections.progressive.delivery.tests.tools.make_venv import in_order


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plain.txt").write_text("a>=1\n")
    (tmp_path / "pinned.txt").write_text("a==1 \\\n    --hash=sha256:00\n")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("args", "calls"),
    [
        (["uv"], [["uv"]]),
        (["a==1.*", "b"], [["a==1.*", "b"]]),
        (["-r", "plain.txt"], [["-r", "plain.txt"]]),
        (["-r", "pinned.txt"], [["--require-hashes", "-r", "pinned.txt"]]),
        (["-r", "plain.txt", "-r", "pinned.txt"], [["--require-hashes", "-r", "pinned.txt"], ["-r", "plain.txt"]]),
    ],
)
@pytest.mark.usefixtures("folder")
def test_files_with_hashes_come_first(args: list[str], calls: list[list[str]]) -> None:
    assert in_order(args) == calls


def test_each_pin_has_hashes() -> None:
    text = (ROOT / "requirements-test.txt").read_text().replace("\\\n", " ")
    pins = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(pins) > 100 and all("==" in pin and "--hash=sha256:" in pin for pin in pins)
