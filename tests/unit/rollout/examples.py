"""Plans and records to test with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan, read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import program_of, release_program
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import BEGINNING, END, PROGRESSING, Record
from ansible_collections.progressive.delivery.plugins.module_utils._steps.sequence import ScheduledAction
from ansible_collections.progressive.delivery.plugins.module_utils._strategies.sequence import facts_of

SEED: tuple[Any, ...] = (
    {"set_weight": 5},
    {"pause": {"duration": "30s"}},
    {"set_weight": 20},
    {"pause": {}},
    {"set_weight": 80},
    {"set_weight": 100},
)


def plan_of(*steps: Any, name: str = "shop", image: str = "shop:2", **more: Any) -> Plan:
    """A plan with these steps, and more of its options."""
    options = {
        "workload": {"name": "shop"},
        "revision": {"images": {"app": image}},
        "services": {"stable": "shop", "canary": "shop-canary"},
        "routers": [{"type": "istio", "name": "shop"}],
        "canary": {"steps": list(steps)},
        **more,
    }
    return read_plan(name, "test", options)


def record_of(plan: Plan, position: Any = BEGINNING, aborted_at: Any = BEGINNING, **changes: Any) -> Record:
    """A record of that plan, at the beginning of its release, or at those places (indexes) in its programs."""
    stable = {"workload": plan.workload, "template": "old", "hash": "old-pods", "canary": ""}
    made = {"revision": 7, "target": "new", "phase": PROGRESSING, "program": "release", "canary_service_made": True, "stable": stable}
    record = Record(name=plan.name, plan=plan.raw, plan_hash=plan.hash, **{**made, **changes})
    record = replace(record, aborted_at=id_at(release_of(plan, record), aborted_at))
    return replace(record, position=id_at(program_of(record, plan), position) if record.under_way else BEGINNING)


def id_at(program: list[ScheduledAction], index: int | str) -> str:
    """The position at an index of a program."""
    if isinstance(index, str):
        return index
    return program[index].id if index < len(program) else END


def release_of(plan: Plan, record: Record) -> list[ScheduledAction]:
    """The release that the record carries out, or turned back from."""
    return release_program(plan, facts_of(record))


def position_of(program: list[ScheduledAction], text: str, nth: int = 0) -> int:
    """The position of the nth action that users read as this text."""
    return [index for index, entry in enumerate(program) if str(entry.action) == text][nth]
