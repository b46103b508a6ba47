"""What strategy in_place looks for before a start, and what it must be allowed to do."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..._objects.resources import CONTROLLER_REVISION, DEPLOYMENT, POD, WORKLOADS
from ..._plan.plan import Plan
from ..._rollout.hazards.registry import OF_ONE_SELECTOR
from ..._rollout.permissions import WAITED_FOR, Grant

HAZARDS = OF_ONE_SELECTOR


def grants(plan: Plan) -> list[Grant]:
    """On the workload, and on its pods, whose names are not known before."""
    workload = Grant(WORKLOADS[plan.kind], WAITED_FOR, (plan.workload,))
    left = Grant(DEPLOYMENT, ("list",))  # Of an earlier rollout with another strategy.
    return [workload, left, Grant(CONTROLLER_REVISION, ("list",)), Grant(POD, ("delete",))]
