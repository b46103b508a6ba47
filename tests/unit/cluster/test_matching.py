"""Searching with a time limit: what is found, and that a search which takes too long ends, with its process."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import matching
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.matching import Matcher, TooSlow, check
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from hypothesis import given, settings
from hypothesis import strategies as st

FLAGS = re.IGNORECASE | re.MULTILINE
SLOW = {"canary": "^(x|xx)+y$"}
TEXT = "x" * 60


def patterns(**texts: str) -> dict[str, re.Pattern[str]]:
    return {version: re.compile(text, FLAGS) for version, text in texts.items()}


def children() -> set[str]:
    """The processes that this one has started and that are still there."""
    listed = subprocess.run(["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())], check=False, stdout=subprocess.PIPE, text=True).stdout
    return {line.split()[0] for line in listed.splitlines() if "-I -S -c" in line}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(), max_size=4))
def test_it_finds_what_re_finds(texts: list[str]) -> None:
    wanted = patterns(canary=r"^[a-m\n]*\d", stable="é|\\ud800|x$")
    with Matcher(wanted) as matcher:
        for text in texts:
            assert matcher.search(text) == {version for version, pattern in wanted.items() if pattern.search(text)}


def test_long_answers() -> None:
    with Matcher(patterns(canary="needle", stable="^$")) as matcher:
        for _each in range(20):
            assert matcher.search("\x00" * 130_000 + "needle") == {"canary"}
        assert matcher.search("\x00" * 130_000 + "\n\n") == {"stable"}


@pytest.mark.parametrize(("canary", "stable", "late"), [("^(x|xx)+y$", "blue", "canary"), ("yellow", "(x+x+)+y", "stable")])
def test_a_search_that_takes_too_long_ends(canary: str, stable: str, late: str) -> None:
    began = time.monotonic()
    with Matcher(patterns(canary=canary, stable=stable), limit=0.3) as matcher:
        assert matcher.search("blue") == ({"stable"} if stable == "blue" else frozenset())
        with pytest.raises(TooSlow) as slow:
            matcher.search(TEXT)
        problem = slow.value.problem
        assert (problem.object, problem.what) == (f"probe.expect.{late}", "took longer than 0.3 s for 60 characters")
        assert not children()
    assert time.monotonic() - began < 25  # the search itself would last for hours


def test_a_process_that_says_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_PROGRAM", "import time\ntime.sleep(1000)")
    monkeypatch.setattr(matching, "_PATIENCE", 0.2)
    with Matcher(patterns(canary="x"), limit=0.1) as matcher, pytest.raises(TooSlow):
        matcher.search("x")
    assert not children()


@pytest.mark.parametrize(("program", "code"), [("", 0), ("import sys; sys.exit(3)", 3), ("print('ready')", 0)])
def test_a_process_that_ends_early_is_a_failed_search(monkeypatch: pytest.MonkeyPatch, program: str, code: int) -> None:
    monkeypatch.setattr(matching, "_PROGRAM", program)
    said = f"^probe.expect cannot be searched because the search process ended with code {code}: run again, or remove probe$"
    with Matcher(patterns(canary="x")) as matcher, pytest.raises(TooSlow, match=said):
        matcher.search("x")
    assert not children()


def test_without_a_text_no_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    with Matcher(patterns(canary="x")) as matcher:
        pass
    with pytest.raises(TooSlow, match="Python interpreter"):
        matcher.search("x")


def test_whoever_searches_may_die() -> None:
    """The process ends by itself when its processor time is over."""
    program = (
        "import os, re, signal, threading\n"
        "from ansible_collections.progressive.delivery.plugins.module_utils._cluster.matching import Matcher\n"
        "matcher = Matcher({'canary': re.compile('^(x|xx)+y$')}, limit=0.5)\n"
        "matcher.search('')\n"
        "print(matcher._process.pid, flush=True)\n"
        "threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGKILL)).start()\n"
        "matcher.search('x' * 60)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, stdout=subprocess.PIPE, check=False
    )
    assert ended.returncode == -9
    pid = int(ended.stdout)
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid}/stat").exists() and Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("good", ["x-version: 2", "^x$", "(?=x)"])
def test_a_pattern_that_can_be_used(good: str) -> None:
    check(patterns(canary=good))


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("2|", "probe.expect.canary matches every answer, even an empty one: use a pattern that only this version matches"),
        ("^x*$", "probe.expect.canary matches every answer"),
        ("(|)" * 40 + "(?=x)", "probe.expect.canary took longer than 1 s for 0 characters: simplify the pattern"),
        ("(?:a?|b?){40}(?=x)", "probe.expect.canary took longer than 1 s for 0 characters"),
    ],
)
def test_a_pattern_that_cannot(bad: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        check(patterns(canary=bad))
    assert str(refused.value).startswith(said)
