"""Print which files of plugins/ one call enters on the cluster in memory, for a weight and for a step of a rollout.

A file is entered when one of its functions is called while the call is carried out, from the module's options to its result. Comprehensions
and class bodies do not count. The way goes to another room (a folder below plugins/) where a function calls one of a file in another room,
and each pair of files counts once. It returns where it comes to a room that was left before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._module.splits import split
from ansible_collections.progressive.delivery.plugins.modules import canary_weight
from ansible_collections.progressive.delivery.tests.harness.memory.cluster import MemoryCluster
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, stage

_PLUGINS = "/progressive/delivery/plugins/"
_NOT_CALLS = ("<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>", "<lambda>", "<module>")


@dataclass
class Path:
    """The way of one call: the files in the order in which they were entered first, and the pairs of caller and called file."""

    files: list[str] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)

    @property
    def returns(self) -> int:
        """How often it came back to a room that was left before."""
        left: set[str] = set()
        here, count = "", 0
        for _caller, called in self.pairs:
            room = room_of(called)
            if room != here:
                count += room in left
                left.add(here)
                here = room
        return count


def room_of(name: str) -> str:
    """The folder of a file, below plugins/."""
    return name.rpartition("/")[0]


def _file_of(frame: FrameType | None) -> str:
    """The file of plugins/ whose function this frame runs; empty for others."""
    if frame is None or frame.f_code.co_name in _NOT_CALLS:
        return ""
    _root, found, name = frame.f_code.co_filename.partition(_PLUGINS)
    return name.removeprefix("module_utils/") if found else ""


@contextmanager
def traced() -> Iterator[Path]:
    """Records the way of what runs inside."""
    path = Path()

    def note(frame: FrameType, event: str, _arg: Any) -> None:
        called = _file_of(frame) if event == "call" else ""
        if not called:
            return
        if called not in path.files:
            path.files.append(called)
        caller, outer = "", frame.f_back
        while outer is not None and not caller:
            caller, outer = _file_of(outer), outer.f_back
        if caller != called and (caller, called) not in path.pairs:
            path.pairs.append((caller, called))

    sys.setprofile(note)
    try:
        yield path
    finally:
        sys.setprofile(None)


def weight_path() -> Path:
    """The way of one weight, on a VirtualService, by module canary_weight."""
    cluster = MemoryCluster().apply(*CASES["clone"].objects)
    spec = {key: each.get("default") for key, each in canary_weight.SPEC.items()}
    params = {**spec, "router": "istio", "name": [NAME], "stable_service": NAME, "weight": 20}
    ctx = Context(Client(cluster.server, cluster.time), cluster.time, NAMESPACE, "")
    with traced() as path:
        split(ctx, params)
    return path


def step_path() -> Path:
    """The way of a call that carries out one step, a weight, of a rollout that is under way."""
    place = stage(CASES["clone"])
    place.call(until="step")
    with traced() as path:
        place.call(until="step")
    return path


PATHS: dict[str, Callable[[], Path]] = {"a weight": weight_path, "a step of a rollout": step_path}


def main() -> None:
    """Prints both."""
    for name, walk in PATHS.items():
        path = walk()
        print(f"{name}: {len(path.files)} files, {path.returns} returns")
        print("".join(f"  {each}\n" for each in path.files))


if __name__ == "__main__":
    main()
