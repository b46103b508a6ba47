"""Tokens of exec plugins, kept for the run of `ansible-playbook`: in memory that its workers share, never in a file."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import atexit
import fcntl
import hashlib
import json
import mmap
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

_SIZE = 256 * 1024  # bytes; a token of a cloud has 1 to 4 KiB
_MARGIN = 60.0  # seconds; a token that expires sooner is not given out
_IDENTITIES = 1 << 30  # bytes of the lock's file that stand for identities; the one behind them is for the memory itself


class SharedTokens:
    """Tokens in anonymous memory, which only the process that makes it and its forks can read, and which ends with them.

    The locks are on an empty file without a name. The kernel releases them when a process dies.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _SIZE)
        self._lock = tempfile.TemporaryFile()  # noqa: SIM115 - it is open as long as this process runs
        atexit.register(self._lock.close)

    @contextmanager
    def turn(self, key: str) -> Iterator[None]:
        """While inside, other processes wait for their turn with the same identity, so that one of them asks its plugin."""
        with self._locked(int(key[:12], 16) % _IDENTITIES):
            yield

    def find(self, key: str) -> str:
        """The token; empty where there is none that is still valid for a while."""
        with self._locked(_IDENTITIES):
            token, expires = self._read().get(key, ("", 0.0))
        return str(token) if expires - time.time() > _MARGIN else ""

    def keep(self, key: str, token: str, expires: float) -> None:
        """Keeps a token until that time, in epoch seconds."""
        with self._locked(_IDENTITIES):
            known = {name: each for name, each in self._read().items() if each[1] > time.time() and name != key}
            data = json.dumps({**known, key: (token, expires)}).encode()
            if len(data) < _SIZE:
                # A reader finds the end before the new text is complete: a worker that is killed here leaves nothing half written.
                self._memory[:1] = b"\0"
                self._memory[1 : len(data) + 1] = data[1:] + b"\0"
                self._memory[:1] = data[:1]

    def _read(self) -> dict[str, Any]:
        text = self._memory[:].partition(b"\0")[0]
        return dict(json.loads(text)) if text else {}

    @contextmanager
    def _locked(self, place: int) -> Iterator[None]:
        fcntl.lockf(self._lock, fcntl.LOCK_EX, 1, place)
        try:
            yield
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN, 1, place)


_shared: list[SharedTokens] = []


def share() -> None:
    """Prepare this process so that its later forks share tokens. Without this call, no token is kept."""
    if not _shared:
        _shared.append(SharedTokens())


def key_of(*identity: Any) -> str:
    """A name for what decides which token a plugin prints: how it is called, and the environment."""
    return hashlib.sha256(json.dumps([identity, sorted(os.environ.items())], default=str).encode()).hexdigest()


@contextmanager
def turn(key: str, anew: bool) -> Iterator[str]:
    """The token that is kept, or empty; while inside, other processes wait for their turn. anew: the API server refused the one kept."""
    if not _shared or not key:
        yield ""
        return
    with _shared[0].turn(key):
        yield "" if anew else _shared[0].find(key)


def keep(key: str, token: str, expires: Any) -> None:
    """Keeps what a plugin printed, if it says how long that is valid."""
    if _shared and key and token and isinstance(expires, datetime):
        _shared[0].keep(key, token, expires.timestamp())
