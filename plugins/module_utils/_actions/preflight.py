"""Finds all that would stop or endanger a rollout, with each remedy. Only reads."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from .._cluster.errors import ApiError
from .._objects.refusal import Refused
from .._objects.resources import CONFIG_MAP
from .._plan.plan import read_plan
from .._rollout import decide
from .._rollout.findings import FATAL, INFO, WARNING, Finding, of_error, warning
from .._rollout.hazards.registry import advice_in
from .._rollout.hazards.stickiness import told_by_routers
from .._rollout.permissions import role
from .._rollout.record import Record, record_name
from .._rollout.state import Operation
from .._workloads.revisions import template_hash
from . import rights
from .checks import Check, checks_of, permissions
from .context import Context, Failed
from .gather import PreflightInputs
from .running import running
from .store import Store

# Answers that are about an object, and not about the cluster as a whole.
_OF_AN_OBJECT = (403, 404)


def run(ctx: Context, name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What rollout_preflight_info returns. Raises Refused for an invalid plan."""
    inputs = PreflightInputs(ctx, read_plan(name, ctx.namespace, options))
    ctx.by = name
    record, found = _record(inputs)
    under_way = record is not None and record.under_way
    # One that is under way has been checked, and has changed what the checks of a start look at.
    for check in [permissions(inputs)] if under_way else [*checks_of(inputs), _of_routers(inputs), _advice(inputs)]:
        found += _run(check, inputs)
    stops = [each for each in dict.fromkeys(found) if each.severity == FATAL]
    warns = [each for each in dict.fromkeys(found) if each.severity == WARNING]
    notes = [each for each in dict.fromkeys(found) if each.severity == INFO]
    goes_on = f": revision {record.revision} is under way" if record is not None and under_way else ""
    return {
        "ok": not stops,
        "findings": [asdict(each) for each in (*stops, *warns, *notes)],
        "role": role(inputs.plan, rights.needed(inputs)),
        "msg": f"rollout {name}{goes_on}: {_summary(stops, warns)}",
    }


def _of_routers(inputs: PreflightInputs) -> Check:
    """What a rollout does not warn of at its start, since it does so with each move."""
    return Check(f"rollout {inputs.plan.name}", lambda inputs: told_by_routers(inputs.snapshot))


def _advice(inputs: PreflightInputs) -> Check:
    """What users should think of once, and not with each release."""
    return Check(f"rollout {inputs.plan.name}", lambda inputs: advice_in(inputs.snapshot))


def _summary(stops: Sequence[Finding], warns: Sequence[Finding]) -> str:
    first = (*stops, *warns)
    if not first:
        return "nothing stands in its way"
    more = f" (and {len(first) - 1} more of the findings)" if len(first) > 1 else ""
    return f"{'it would be refused' if stops else 'it can go, with care'}: {first[0]}{more}"


def _record(inputs: PreflightInputs) -> tuple[Record | None, list[Finding]]:
    """The rollout's record, and what it has against this plan."""
    ref = inputs.ctx.ref(CONFIG_MAP, record_name(inputs.plan.name))
    records: list[Record] = []

    def admitted(inputs: PreflightInputs) -> list[Finding]:
        record = Store(inputs.ctx.client, ref, inputs.plan.name, inputs.ctx.seal).look()
        if record is not None:
            records.append(record)
            inputs.recall(record)
            live = running(inputs.ctx, inputs.plan, record, inputs.workload)["template"]
            asked = template_hash(inputs.template_or_present)
            if decide.admit(record, inputs.plan, asked, live, False, inputs.held, inputs.reconfigured(record)) is Operation.REPLACE:
                problem = (
                    f"revision {record.revision} is under way ({record.phase}) and releases another version, which this one would replace"
                )
                return [warning(f"rollout {inputs.plan.name}", problem, "finish it first, unless it is to go back")]
        return []

    found = _run(Check(f"rollout {inputs.plan.name}", admitted), inputs)
    record = records[0] if records else None
    if record is not None and not record.under_way:
        # Such a version is released again when that is asked for.
        found = [replace(each, severity=WARNING) if each.object == f"rollout {inputs.plan.name}" else each for each in found]
    return record, found


def _run(check: Check, inputs: PreflightInputs) -> list[Finding]:
    """What a check finds, what it raises for an object included."""
    found: list[Finding] = []
    try:
        found.extend(check.run(inputs))
    except (Refused, Failed) as problem:
        found.append(of_error(check.title, problem))
    except ApiError as problem:
        if problem.status not in _OF_AN_OBJECT:
            raise
        found.append(of_error(check.title, problem))
    return found
