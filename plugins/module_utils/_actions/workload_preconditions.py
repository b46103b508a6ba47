"""Whether a strategy can release the workload as it is now, and how the pods of its stable version are known."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._objects.resources import DEPLOYMENT, name_of
from .._plan.plan import Plan
from .._strategies.handlers import StableVersion
from .._strategies.registry import strategy_of
from .._workloads.marks import REVISION
from . import made
from .context import Context

Object = dict[str, Any]


def of_revision(running: Mapping[str, Any]) -> StableVersion:
    """How the pods of a revision are known that runs in a Deployment created here. running: what the record says of it."""
    return StableVersion("", {REVISION: running["template"]})


def refuse_taken(ctx: Context, plan: Plan, deployments: Sequence[Object], target: str) -> None:
    """Raises Refused where something of the user's has the name that the new version's Deployment needs. target: its hash."""
    strategy = strategy_of(plan)
    needed = strategy.new_workload_name(plan, target)
    for each in deployments:
        if strategy.creates_second_workload and name_of(each) == needed:
            made.refuse_foreign(each, ctx.ref(DEPLOYMENT, needed), plan.name)
