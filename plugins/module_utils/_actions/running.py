"""Which version of a workload runs while nothing is under way, and whether the workload is held at it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._plan.plan import Plan
from .._rollout.record import Record
from .._workloads import revisions
from . import workload as workloads
from .context import Context

Object = dict[str, Any]


def is_held(plan: Plan, record: Record | None, workload: Mapping[str, Any]) -> bool:
    """Whether the Deployment is paused between releases, by this plan or by that of the last one; its template may be one that waits."""
    return bool(workload["spec"].get("paused")) and (plan.hold or (record is not None and bool(record.plan.get("hold"))))


def running(ctx: Context, plan: Plan, record: Record | None, workload: Object) -> dict[str, Any]:
    """As a record's `stable` tells it; raises Failed where several versions of a held Deployment run."""
    if record is not None and record.stable.get("made") and not record.under_way:
        return record.stable
    template: revisions.Template = workload["spec"]["template"]
    if is_held(plan, record, workload) and not (record is not None and record.under_way):
        template = workloads.running_template(ctx, workload)
    return {
        "workload": workload["metadata"]["name"],
        "template": revisions.template_hash(template),
        "images": revisions.images_of(template),
        "source": revisions.template_hash(workload["spec"]["template"]),
    }
