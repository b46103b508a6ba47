"""What a rollout costs its process and the API server, step by step."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.progressive.delivery.tests.harness.application import Application, finish
from ansible_collections.progressive.delivery.tests.harness.audit import AuditLog, Entry


class Cost(NamedTuple):
    """megabytes: of the module's process, at most. requests, seconds: of each step."""

    megabytes: float
    requests: list[int]
    seconds: list[float]


def cost(app: Application, steps: list[Any]) -> Cost:
    """Of a release by these steps, and then a pause; without graces. It is left in the pause."""
    log = AuditLog()
    mark = log.mark()
    call = app.start_module("rollout_step", app.plan(steps=[*steps, {"pause": {}}], grace=0, drain=0))
    peak = 0.0
    while call.poll() is None:
        peak = max(peak, _peak(call.pid))
        time.sleep(0.02)
    result = finish(call)
    assert result["phase"] == "Paused", result["msg"]
    record = json.loads(app.get("ConfigMap", f"{app.name}.rollout")["data"]["record"])
    requests = _by_step([entry for entry in log.since(mark) if entry.namespace == app.namespace])
    return Cost(peak, requests[: len(steps)], [each["ended"] - each["began"] for each in record["steps"][: len(steps)]])


def _peak(pid: int) -> float:
    """So many megabytes it has had at once until now."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0.0)


def _by_step(entries: list[Entry]) -> list[int]:
    """How many there are until the Event that ends each step."""
    ends = [index for index, entry in enumerate(entries) if _ends_step(entry)]
    return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]


def _ends_step(entry: Entry) -> bool:
    return (entry.verb, entry.resource) == ("create", "events") and (entry.body or {}).get("reason") == "RolloutStepCompleted"
