"""What module bluegreen_switch does: reads its options, switches or gives everything back, and tells."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from .._actions import services, switch, switch_workloads
from .._actions.context import Context
from .._actions.switch import Work
from .._cluster.clock import Clock
from .._plan.switch import read_switch
from .options import make_context
from .probes import callers_probe
from .results import finish


def run(module: AnsibleModule) -> None:
    """Does the module's work and exits; its time counts from here."""
    began = Clock().monotonic()
    finish(module, lambda each: make_context(each, ""), lambda ctx: switched(ctx, module.params, began))


def switched(ctx: Context, params: dict[str, Any], began: float) -> dict[str, Any]:
    """Switches, and what the module returns of it."""
    wish = read_switch(params, ctx.namespace)
    callers_probe(params)
    ctx.by, ctx.start_tolerance = f"bluegreen_switch/{wish.active}", wish.start_tolerance
    return to_result(switch.carry_out(ctx, wish, began))


def to_result(work: Work) -> dict[str, Any]:
    """What users learn; in check mode as it would be."""
    memory = work.hold.memory
    endpoints = work.endpoints or (services.endpoints(work.ctx, work.hold.service) if work.hold.service else None)
    return {
        "active": _named(switch.active_of(work)),
        "previous": _named(memory.previous if memory else ""),
        "scale_down_at": _scale_down_at(work),
        "switch_seconds": work.switch_seconds,
        "endpoints": endpoints.counts if endpoints else {"ready": 0, "total": 0},
        "drift": work.hold.drifted,
        **({"msg": work.waits} if work.waits else {}),
        **({} if work.measured is None else {"measured": asdict(work.measured)}),
    }


def _named(key: str) -> dict[str, str] | None:
    kind, _slash, name = key.partition("/")
    return {"kind": kind, "name": name} if key else None


def _scale_down_at(work: Work) -> float | None:
    """When the next call has something to scale down; of a switch that is not proven yet, the earliest that it can be."""
    memory, wish = work.hold.memory, work.wish
    if memory is None or not wish.scale_down or not wish.target:
        return None
    if any(since is None for since in memory.waiting.values()):
        return round(work.ctx.clock.now() + wish.after, 3)
    return next(iter(switch_workloads.due(work.hold).values()), None)
