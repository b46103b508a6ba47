"""Who this process is, and whether another process of the same machine still lives."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import getpass
import os
import socket
import uuid


def actor() -> dict[str, str]:
    """Who runs this, for the record and Events."""
    return {"user": _user(), "host": socket.gethostname()}


def holder() -> str:
    """A name for this process that no other one has and that says who it is."""
    return f"{_user()}@{socket.gethostname()} pid {os.getpid()} ({uuid.uuid4().hex[:8]})"


def fingerprint() -> str:
    """Tells this process apart on its machine: boot, pid namespace, pid, start time; empty where there is no /proc."""
    return _fingerprint(os.getpid()) or ""


def is_gone(mark: str) -> bool:
    """Whether the process of that fingerprint ran on this machine and has ended. Unsure: False."""
    mine = fingerprint().split(":")
    parts = mark.split(":")
    if len(parts) != 4 or len(mine) != 4 or parts[:2] != mine[:2] or not parts[2].isdigit():
        return False
    return _fingerprint(int(parts[2])) != mark


def _fingerprint(pid: int) -> str | None:
    try:
        with (
            open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot,
            open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat,
        ):
            # The fields behind the command's name, which may hold anything; state first, start time 20th.
            fields = stat.read().rpartition(")")[2].split()
            if fields[0] == "Z":
                return None
            return f"{boot.read().strip()}:{os.readlink('/proc/self/ns/pid')[5:-1]}:{pid}:{fields[19]}"
    except OSError:
        return None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
