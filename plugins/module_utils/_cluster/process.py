"""Who this process is, and whether another process of the same machine still lives."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import getpass
import hashlib
import os
import re
import socket
import uuid
from collections.abc import Iterator

# As 0.1.0 wrote it: boot id, pid namespace, pid, start time; and as it is written now: the hashes of the machine and of the process.
_PLAIN = re.compile(r"([0-9a-f-]{1,64}):([0-9]{1,20}):([0-9]{1,10}):([0-9]{1,20})", re.ASCII)
_HASHED = re.compile(r"([0-9a-f]{16}):([0-9a-f]{16})", re.ASCII)

HERE, ELSEWHERE = "on this machine", "on another machine"


def actor() -> dict[str, str]:
    """Who runs this, for the record and Events: the user's name, and instead of the host's name a short hash of it.

    The hash is what `printf %s "$(hostname)" | sha256sum | cut -c1-8` prints on that host.
    """
    return {"user": _user(), "host": f"host-{hashlib.sha256(socket.gethostname().encode(errors='replace')).hexdigest()[:8]}"}


def holder() -> str:
    """A name for this process that no other one has, and that tells nothing about the machine or the user."""
    return f"run-{uuid.uuid4().hex[:12]}"


def fingerprint() -> str:
    """Tells this process apart: a hash of its machine, and one of machine, pid and start time; empty where there is no /proc."""
    machine, started = _machine(), _started(os.getpid())
    return f"{_hash(machine)}:{_hash(machine, os.getpid(), started)}" if machine and started else ""


def is_gone(mark: str) -> bool:
    """Whether the process of that fingerprint ran on this machine and has ended. Unsure: False."""
    return _where(mark) == ""


def whereabouts(mark: str) -> str:
    """For messages: where the process of that fingerprint runs, as far as it can be told here; empty where nothing is known."""
    where = _where(mark)
    if where is None or where == "":
        return f"{HERE}, ended" if where == "" else ""
    return where


def _where(mark: str) -> str | None:
    """In words; empty: it ran on this machine and has ended; None: nothing can be told."""
    machine = _machine()
    plain, hashed = _PLAIN.fullmatch(mark), _HASHED.fullmatch(mark)
    if not machine or not (plain or hashed):
        return None
    if not mark.startswith((f"{machine}:", f"{_hash(machine)}:")):
        return ELSEWHERE
    if not _all_are_seen():
        return HERE
    for pid in [int(plain[3])] if plain else _pids():
        started = _started(pid)
        if started and mark in (f"{machine}:{pid}:{started}", f"{_hash(machine)}:{_hash(machine, pid, started)}"):
            return f"{HERE}, process {pid}"
    return ""


def _hash(*parts: object) -> str:
    return hashlib.sha256(":".join(map(str, parts)).encode()).hexdigest()[:16]


def _machine() -> str:
    """This boot of this machine and this pid namespace; empty where there is no /proc."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot:
            return f"{boot.read().strip()}:{os.readlink('/proc/self/ns/pid')[5:-1]}"
    except OSError:
        return ""


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isascii() and name.isdecimal())


def _all_are_seen() -> bool:
    """Whether /proc shows the processes of all users (mount option hidepid): the first one is another user's, or there is one user."""
    try:
        with open("/proc/1/stat", encoding="utf-8", errors="replace") as stat:
            return bool(stat.read(1))
    except OSError:
        return False


def _started(pid: int) -> str:
    """When a process started, in ticks since boot; empty for one that is not there or has ended."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            # The fields behind the command's name, which may hold anything; state first, start time 20th.
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[:1] in ([], ["Z"]) else fields[19]


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
