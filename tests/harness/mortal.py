"""Module processes that are killed (SIGKILL) at their writes to the API server, one after the other, until one of them comes to its end.

As a library, `through_deaths`; as a program, the module rollout_step that kills itself at the first write that no process before it was
killed at: just before it is sent, or right after it was answered.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any
from unittest import mock

from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response, Transport
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import record as records
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import program_of
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import Record
from ansible_collections.progressive.delivery.plugins.module_utils._steps.actions import MoveTraffic, PinServices, RestoreRouters
from ansible_collections.progressive.delivery.tests.harness.calls import finish, start_program

PHASES = ["start", "steps", "promotion", "end"]
_MOST = 300  # more writes than any of these rollouts has


def through_deaths(options: dict[str, Any], folder: Path, which: str) -> tuple[dict[str, Any], list[str]]:
    """The result of the call that lived, and where those before it died.

    which: `phase` (before one write of each phase, or after one), `before` (each write), `after` (each write).
    """
    places = folder / "deaths"
    places.touch()
    for _number in range(_MOST):
        process = start_program([__name__, which, str(places)], options)
        if process.wait(300) != -signal.SIGKILL:
            return finish(process), places.read_text().splitlines()
        process.communicate()
    raise AssertionError(f"{_MOST} calls died, which is more than there are writes: {places.read_text()}")


def die_at(options: dict[str, Any], folder: Path, position: int) -> None:
    """A call that dies right after its first write in that place of the release, or behind it."""
    places = folder / "deaths"
    places.touch()
    process = start_program([__name__, f"at {position}", str(places)], options)
    assert process.wait(300) == -signal.SIGKILL, process.communicate()
    process.communicate()


class Deaths:
    """In the process that dies. Knows from the record that it reads and writes where the rollout is."""

    def __init__(self, which: str, places: Path) -> None:
        self.which, self.places = which, places
        self.died = places.read_text().splitlines()
        self.record: Record | None = None
        self.send = Transport.request

    def request(self, transport: Transport, method: str, path: str, *more: Any, **options: Any) -> Response:
        """In the place of Transport.request."""
        body = more[1] if len(more) > 1 else options.get("body")
        query = more[0] if more else options.get("query")
        reads = method == "GET" or path.endswith("reviews") or "dryRun" in (query or {})
        place = "" if reads else self._place(method, path, body)
        if place in self.died or not place:
            place = ""
        before = self.which == "before" or (self.which == "phase" and len(self.died) % 2 == 0)
        if place and before:
            self._die(place)
        answer = self.send(transport, method, path, *more, **options)
        if place:
            self._die(place)
        if path.endswith(".rollout") and "/configmaps" in path and answer.status < 300:
            self._learn(answer.body)
        return answer

    def _place(self, method: str, path: str, body: Any) -> str:
        """What tells this write from others; empty for one that nobody shall die at."""
        name = path.rpartition("/namespaces/")[2].partition("/")[2]
        if self.which == "phase":
            ours = name.startswith(("configmaps", "leases", "events"))
            return "" if ours or self.record is None else self._phase(self.record)
        record = self.record
        if self.which.startswith("at "):
            return "there" if record is not None and record.position >= int(self.which[3:]) else ""
        if name.startswith("configmaps") and method != "DELETE":
            record = records.load(body["data"], "")
            name += f" {record.phase} moved {record.moved is not None} remembers {sorted(record.originals)}"
        if name.startswith("events"):
            name += f" {body['reason']}"
        if name.startswith("leases") and method == "PATCH":
            name += " taken" if body["spec"].get("holderIdentity") else " given back"
        return f"{record.program or record.phase} {record.position}: {method} {name}" if record else f"new: {method} {name}"

    def _phase(self, record: Record) -> str:
        """One of PHASES; the end begins when no move of traffic is left."""
        program = program_of(record, read_plan(record.name, "any", record.plan))
        steps = [index for index, entry in enumerate(program) if entry.step is not None]
        moves = (MoveTraffic, PinServices, RestoreRouters)
        last = max(index for index, entry in enumerate(program) if isinstance(entry.action, moves))
        bounds = [steps[0], steps[-1] + 1, last + 1]
        return PHASES[sum(record.position >= bound for bound in bounds)]

    def _learn(self, config_map: Any) -> None:
        if "data" in config_map:
            self.record = records.load(config_map["data"], "")

    def _die(self, place: str) -> None:
        with self.places.open("a") as file:
            file.write(f"{place}\n")
        os.kill(os.getpid(), signal.SIGKILL)


def main(which: str, places: str) -> None:
    deaths = Deaths(which, Path(places))

    def request(transport: Transport, *arguments: Any, **options: Any) -> Response:
        return deaths.request(transport, *arguments, **options)

    mock.patch.object(Transport, "request", request).start()
    sys.argv = ["rollout_step"]
    runpy.run_module("ansible_collections.progressive.delivery.plugins.modules.rollout_step", run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
