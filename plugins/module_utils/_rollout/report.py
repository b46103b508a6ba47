"""What users are told of a rollout: phase, step, weight, revision, and in one line how to go on."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from .._plan.plan import Plan
from .decide import current_weight
from .expiry import Expiry, expiry
from .record import ABORTED, DEGRADED, HEALTHY, PAUSED, PROGRESSING, Record

_LAST_DATE = 253_402_300_799.0  # the end of the year 9999


def report(record: Record | None, plan: Plan | None, name: str) -> dict[str, Any]:
    """The part of a result that follows from the record alone. Without a record: nothing is under way."""
    if record is None or plan is None:
        return {
            "phase": HEALTHY,
            "msg": f"rollout {name}: nothing is under way",
            "strategy": None,
            "scale_down_at": None,
            "revision": 0,
            "step": None,
            "weight": _weight(0),
            "resume_at": None,
            **_expires(None),
            "steps_skipped": False,
        }
    total, done = len(plan.steps), record.steps_done
    current = str(plan.steps[done]) if record.under_way and done < total and not record.skips else None
    return {
        "phase": record.phase,
        "msg": _msg(record, plan, total),
        "strategy": plan.strategy,
        "scale_down_at": record.resume_at if record.phase == PROGRESSING else None,
        "revision": record.revision,
        "step": {"index": done, "total": total, "current": current},
        "weight": _weight(current_weight(record, plan)),
        "resume_at": record.resume_at if record.phase == PAUSED else None,
        **_expires(expiry(record, plan)),
        "steps_skipped": record.skips,
    }


def _expires(due: Expiry | None) -> dict[str, Any]:
    return {"expires_at": due and due.at, "at_expiry": due and due.then}


def _weight(canary: int) -> dict[str, int]:
    return {"stable": 100 - canary, "canary": canary}


def _msg(record: Record, plan: Plan, total: int) -> str:
    head = f"rollout {record.name}, revision {record.revision}"
    if record.phase == PAUSED:
        where = f"{head}: paused after {_before(record, plan)}, step {record.steps_done + 1} of {total}"
        if record.resume_at is not None:
            return f"{where}: goes on when the pause is over and it is run again"
        return (
            f"{where}: promote it with promote: {{revision: {record.revision}, step: {record.steps_done}}}, or abort it with state: aborted"
            + _until(expiry(record, plan))
        )
    if record.phase == ABORTED:
        return f"{head}: {record.msg}; all traffic is on the {'old' if plan.bluegreen else 'stable'} version"
    if record.phase == DEGRADED:
        return f"{head}: {record.msg}: mend the cause and run it again, or abort it with state: aborted"
    skipped = "steps skipped: within the rollback window"
    if record.phase == HEALTHY:
        return f"{head}: complete" + (f"; {skipped}" if record.skips else "")
    where = skipped if record.skips else f"step {min(record.steps_done + 1, total)} of {total}"
    return f"{head}: {where}{': ' + record.msg if record.msg else ''}"


def _until(due: Expiry | None) -> str:
    if due is None:
        return ""
    at = datetime.fromtimestamp(min(due.at, _LAST_DATE), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"; at {at} it expires, and the next call then {due.then}s it"


def _before(record: Record, plan: Plan) -> str:
    """The last weight before the pause, as `20 %`, or of blue-green the step."""
    if plan.bluegreen is not None:
        return str(plan.steps[min(record.steps_done, len(plan.steps)) - 1])
    weights = [step.new_weight for step in plan.steps[: record.steps_done] if step.new_weight is not None]
    return f"{weights[-1] if weights else 0} %"
