"""Kills the API server of the cluster that this process runs in; the supervisor starts it again (tests/cluster/embedded/supervisor.py).

Controllers come back to it after pauses that grow with each failure, and begin anew only when it was there for two minutes: so long passes
between two deaths.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

PROGRAM = "kube-apiserver"
FORGOTTEN = 150.0  # seconds


def rest() -> None:
    """To be called before a test that kills it."""
    last = Path(os.environ["CLUSTER_STATE"]) / f"{PROGRAM}.killed"
    while last.exists() and time.time() - last.stat().st_mtime < FORGOTTEN:
        time.sleep(1)


def kill() -> None:
    """Returns at once; it takes some seconds until it is back."""
    folder = os.environ["CLUSTER_STATE"]
    (Path(folder) / f"{PROGRAM}.killed").touch()
    [pid] = [int(path.name) for path in Path("/proc").glob("[0-9]*") if _is_it(path, folder)]
    (Path(folder) / f"{PROGRAM}.restart").touch()
    os.kill(pid, signal.SIGKILL)


def _is_it(process: Path, folder: str) -> bool:
    try:
        program, *arguments = (process / "cmdline").read_text().split("\0")
    except OSError:
        return False
    return program.endswith(f"/{PROGRAM}") and any(folder in argument for argument in arguments)
