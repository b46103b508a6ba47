"""Where a cluster's files are, what is known of it, and whether it runs."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .addresses import Addresses

PROJECT = "progressive.delivery"


def cache_folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / PROJECT


def clusters_folder() -> Path:
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) / PROJECT if home else cache_folder()) / "clusters"


@dataclass
class Cluster:
    """What is written down of a cluster; `launcher` and `init` are the processes that hold its namespaces, as [pid, start time]."""

    name: str
    index: int
    routers: list[str]
    hostile: bool
    beside: str | None
    started: float
    starter: list[int]
    launcher: list[int] = field(default_factory=list)
    init: list[int] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)
    namespace: int = 0
    ready: bool = False

    @property
    def folder(self) -> Path:
        return clusters_folder() / self.name

    @property
    def addresses(self) -> Addresses:
        return Addresses(self.index)

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def inside_kubeconfig(self) -> Path:
        return self.folder / "kubeconfig.inside"

    @property
    def audit_log(self) -> Path:
        return self.folder / "audit.log"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def failure(self) -> Path:
        """Written by the supervisor when a component ended; says which."""
        return self.folder / "failure"

    def save(self) -> None:
        temporary = self.folder / "cluster.json.new"
        temporary.write_text(json.dumps(asdict(self), indent=1) + "\n")
        temporary.replace(self.folder / "cluster.json")

    def lives(self) -> bool:
        """Its namespaces are there, ready or not, or it is being started."""
        return alive(self.init) or alive(self.launcher) or (not self.ready and alive(self.starter))


def load(name: str) -> Cluster | None:
    try:
        return Cluster(**json.loads((clusters_folder() / name / "cluster.json").read_text()))
    except (FileNotFoundError, NotADirectoryError):
        return None


def names() -> list[str]:
    folder = clusters_folder()
    return sorted(path.parent.name for path in folder.glob("*/cluster.json")) if folder.is_dir() else []


def remove(name: str) -> None:
    shutil.rmtree(clusters_folder() / name, ignore_errors=True)


@contextlib.contextmanager
def locked() -> Iterator[None]:
    """Nobody else of this user adds or removes a cluster meanwhile."""
    clusters_folder().mkdir(parents=True, exist_ok=True)
    with open(clusters_folder() / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def start_time(pid: int) -> int:
    """Tells a process from a later one with the same number; 0 for one that is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0 if fields[0] in "ZX" else int(fields[19])


def process(pid: int) -> list[int]:
    return [pid, start_time(pid)]


def alive(known: list[int]) -> bool:
    return bool(known) and known[1] != 0 and start_time(known[0]) == known[1]
