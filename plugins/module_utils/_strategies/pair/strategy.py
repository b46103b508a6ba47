"""Strategy pair: the user keeps two Deployments, and the second one runs the new version during a release."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import TYPE_CHECKING

from ..strategy import Strategy

if TYPE_CHECKING:
    from ..._plan.plan import Plan
    from ..._rollout.hazards.registry import Hazard
    from ..._rollout.permissions import Grant
    from ..handlers import Handlers
    from ..sequence import Program


class Pair(Strategy):
    kinds = ("Deployment",)
    options = frozenset({"workload.canary"})
    carries_revision = True
    keeps_second_workload = True

    def second_workload_name(self, workload: str, canary: str) -> str:
        return canary

    @property
    def sequence(self) -> Program:
        from ..clone.sequence import SEQUENCE

        return SEQUENCE

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        from .preconditions import HAZARDS

        return HAZARDS

    def grants(self, plan: Plan) -> list[Grant]:
        from .preconditions import grants

        return grants(plan)

    @property
    def handlers(self) -> Handlers:
        from .handlers import HANDLERS

        return HANDLERS
