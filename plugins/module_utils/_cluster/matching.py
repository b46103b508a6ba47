"""Searches text of others for patterns of others in a process of its own, which ends when a search takes too long."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import re
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import astuple
from types import TracebackType
from typing import Any

from .._objects.problem import ProblemError
from .._objects.refusal import Refused

# Seconds of processor time for one text. A busy machine takes longer by the clock, and must not make a good pattern fail.
LIMIT = 1.0
# Seconds by the clock, for a process that does not answer at all.
_PATIENCE = 30.0

# One JSON text a line. The kernel ends the process when its processor time is over, even when nobody is left to end it.
_PROGRAM = """
import json, re, signal, sys
limit, patterns = json.loads(sys.stdin.readline())
signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
signal.setitimer(signal.ITIMER_VIRTUAL, limit)
patterns = [re.compile(text, flags) for text, flags in patterns]
def answer(value):
    sys.stdout.write(json.dumps(value) + "\\n")
    sys.stdout.flush()
answer("ready")
for line in sys.stdin:
    text = json.loads(line)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit)
    for pattern in patterns:
        answer(pattern.search(text) is not None)
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
"""


class TooSlow(ProblemError):
    """The search for the pattern of this version took too long, or could not be done."""


class Matcher:
    """Searches texts for patterns by version, each text within a time limit. To be used as a context manager; starts at the first text.

    Args:
        patterns: What to search for, by version.
        limit: Seconds of processor time for one text.
        where: The option that holds the patterns, in messages.
    """

    def __init__(self, patterns: Mapping[str, re.Pattern[str]], limit: float = LIMIT, where: str = "probe.expect") -> None:
        self._patterns, self._limit, self._where = dict(patterns), limit, where
        self._process: subprocess.Popen[bytes] | None = None
        self._input: Any = None  # its pipes
        self._output: Any = None
        self._buffer = b""

    def __enter__(self) -> Matcher:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self.close()

    def search(self, text: str) -> frozenset[str]:
        """The versions whose patterns are in the text. Raises TooSlow, after which no more texts can be searched."""
        try:
            if self._process is None:
                self._start()
            self._send(text)
            return frozenset(version for version in self._patterns if self._answer(version, len(text)))
        except TooSlow:
            self.close()
            raise

    def close(self) -> None:
        """Ends the process."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    pass  # What was not sent yet reaches nobody.
        process.wait()

    def _start(self) -> None:
        if not sys.executable:
            raise TooSlow(self._where, "cannot be used without a Python interpreter to search the answers", "remove probe")
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        self._process, self._input, self._output = process, process.stdin, process.stdout
        for stream in (self._input, self._output):
            os.set_blocking(stream.fileno(), False)
        self._send([self._limit, [[each.pattern, each.flags] for each in self._patterns.values()]])
        self._answer(next(iter(self._patterns), ""), 0)

    def _send(self, value: Any) -> None:
        data = memoryview(json.dumps(value).encode() + b"\n")
        stream = self._input
        deadline = time.monotonic() + _PATIENCE
        while data:
            self._wait(stream, selectors.EVENT_WRITE, deadline)
            try:
                data = data[os.write(stream.fileno(), data) :]
            except BlockingIOError:
                continue
            except OSError:
                return  # It has ended; reading says so.

    def _answer(self, version: str, length: int) -> bool:
        """The next line. version: whose pattern is searched for now."""
        stream = self._output
        deadline = time.monotonic() + _PATIENCE + self._limit
        while b"\n" not in self._buffer:
            if not self._wait(stream, selectors.EVENT_READ, deadline):
                raise self._too_slow(version, length)
            try:
                piece = os.read(stream.fileno(), 4096)
            except BlockingIOError:
                continue
            if not piece:
                raise self._too_slow(version, length) if self._was_late() else self._ended()
            self._buffer += piece
        line, _newline, self._buffer = self._buffer.partition(b"\n")
        return line == b"true"

    def _was_late(self) -> bool:
        """Whether the kernel has ended the process since its time was over."""
        return self._process is not None and self._process.wait() == -signal.SIGVTALRM

    def _ended(self) -> TooSlow:
        code = self._process.returncode if self._process else None
        return TooSlow(self._where, f"cannot be searched because the search process ended with code {code}", "run again, or remove probe")

    def _wait(self, stream: Any, event: int, deadline: float) -> bool:
        """Whether the stream is ready before the deadline."""
        with selectors.DefaultSelector() as ready:
            ready.register(stream, event)
            return bool(ready.select(max(0.0, deadline - time.monotonic())))

    def _too_slow(self, version: str, length: int) -> TooSlow:
        problem = f"took longer than {self._limit:g} s for {length} characters"
        return TooSlow(f"{self._where}.{version}", problem, "simplify the pattern, without nested repetitions such as (a+)+")


def check(patterns: Mapping[str, re.Pattern[str]], where: str = "probe.expect") -> None:
    """Raises Refused for a pattern that an empty text has, and for one that takes too long even there."""
    try:
        with Matcher(patterns, where=where) as matcher:
            found = matcher.search("")
    except TooSlow as problem:
        raise Refused(*astuple(problem.problem)) from None
    for version in (each for each in patterns if each in found):
        raise Refused(f"{where}.{version}", "matches every answer, even an empty one", "use a pattern that only this version matches")
