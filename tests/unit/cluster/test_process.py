"""Who a process is: fingerprints that tell nothing about the machine, and whether the process of one still runs."""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import process


def plain(pid: int) -> str:
    """The fingerprint as 0.1.0 wrote it."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot, open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        return f"{boot.read().strip()}:{os.readlink('/proc/self/ns/pid')[5:-1]}:{pid}:{stat.read().rpartition(')')[2].split()[19]}"


def another() -> tuple[subprocess.Popen[bytes], str]:
    """A process that waits, and its fingerprint, as it tells it itself."""
    code = f"import sys; sys.path[:0] = {sys.path!r}; from {process.__name__} import fingerprint; print(fingerprint()); sys.stdin.read()"
    running = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert running.stdout
    return running, running.stdout.readline().decode().strip()


def end(running: subprocess.Popen[bytes]) -> None:
    running.communicate(b"")


def test_marks_are_hashes() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}:[0-9a-f]{16}", process.fingerprint()) and process.fingerprint() == process.fingerprint()
    assert re.fullmatch(r"run-[0-9a-f]{12}", process.holder()) and process.holder() != process.holder()
    assert re.fullmatch(r"host-[0-9a-f]{8}", process.actor()["host"]) and process.actor()["user"] == getpass.getuser()
    told = " ".join([process.fingerprint(), process.holder(), process.actor()["host"]])
    assert socket.gethostname() not in told and plain(os.getpid()).split(":")[0] not in told


def test_the_hash_of_the_host_is_the_documented_one() -> None:
    said = subprocess.run(["sh", "-c", 'printf %s "$0" | sha256sum | cut -c1-8', socket.gethostname()], check=True, stdout=subprocess.PIPE)
    assert process.actor()["host"] == f"host-{said.stdout.decode().strip()}"


@pytest.mark.parametrize("form", ["hashed", "plain"])
def test_a_process_that_ends_is_gone(form: str) -> None:
    running, hashed = another()
    mark = hashed if form == "hashed" else plain(running.pid)
    assert not process.is_gone(mark) and process.whereabouts(mark) == f"on this machine, process {running.pid}"
    end(running)
    assert process.is_gone(mark) and process.whereabouts(mark) == "on this machine, ended"


def test_a_process_that_ended_and_was_not_waited_for_is_gone() -> None:
    running, mark = another()
    assert running.stdin
    running.stdin.close()
    os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOWAIT)
    assert process.is_gone(mark)
    running.wait()


def test_this_process_is_not_gone() -> None:
    assert not process.is_gone(process.fingerprint()) and not process.is_gone(plain(os.getpid()))


BOOT = ":".join(plain(1).split(":")[:2])
ODD = [
    "",
    ":",
    "x",
    "²",
    f"{BOOT}:²:1",
    f"{BOOT}:{'9' * 5000}:1",
    f"{BOOT}:1:²",
    f"{BOOT}:-1:5",
    "a" * 100_000,
    "\n",
    f"{'g' * 16}:{'0' * 16}",
]


@pytest.mark.parametrize("mark", ODD)
def test_what_no_process_wrote_says_nothing(mark: str) -> None:
    assert not process.is_gone(mark) and process.whereabouts(mark) == ""


@pytest.mark.parametrize("mark", [f"{'0' * 16}:{'1' * 16}", "00000000-0000-0000-0000-000000000000:4026531836:7:99"])
def test_a_process_of_another_machine(mark: str) -> None:
    assert not process.is_gone(mark) and process.whereabouts(mark) == "on another machine"


def test_where_others_processes_are_hidden_nobody_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with the mount option hidepid of /proc."""
    real: Callable[..., Any] = open

    def hiding(path: Any, *more: Any, **options: Any) -> Any:
        if str(path) == "/proc/1/stat":
            raise FileNotFoundError(path)
        return real(path, *more, **options)

    running, hashed = another()
    marks = [hashed, plain(running.pid)]
    end(running)
    monkeypatch.setattr("builtins.open", hiding)
    assert not any(map(process.is_gone, marks)) and {process.whereabouts(mark) for mark in marks} == {"on this machine"}
