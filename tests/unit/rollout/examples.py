"""Plans and records to test with."""

from __future__ import annotations

from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan, read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import release_program
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import PROGRESSING, Record
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


def record_of(plan: Plan, **changes: Any) -> Record:
    """A record of that plan, at the beginning of its release."""
    stable = {"workload": plan.workload, "template": "old", "hash": "old-pods", "canary": ""}
    made = {"revision": 7, "target": "new", "phase": PROGRESSING, "program": "release", "canary_service_made": True, "stable": stable}
    return Record(name=plan.name, plan=plan.raw, plan_hash=plan.hash, **{**made, **changes})


def release_of(plan: Plan, record: Record) -> list[ScheduledAction]:
    """The release that the record carries out, or turned back from."""
    return release_program(plan, facts_of(record))


def position_of(program: list[ScheduledAction], text: str, nth: int = 0) -> int:
    """The position of the nth action that users read as this text."""
    return [index for index, entry in enumerate(program) if str(entry.action) == text][nth]
