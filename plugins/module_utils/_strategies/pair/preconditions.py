"""What strategy pair looks for before a start, and what it must be allowed to do."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..._objects.resources import DEPLOYMENT
from ..._plan.plan import Plan
from ..._rollout.hazards import scaling
from ..._rollout.hazards.registry import OF_A_DEPLOYMENT
from ..._rollout.permissions import WAITED_FOR, Grant
from ..preconditions import of_deployments

HAZARDS = (*OF_A_DEPLOYMENT, scaling.of_the_canary)


def grants(plan: Plan) -> list[Grant]:
    """On both Deployments."""
    return [Grant(DEPLOYMENT, WAITED_FOR, (plan.workload, plan.canary_workload)), *of_deployments()]
