"""Strategy clone: a copy of the Deployment runs the new version beside it, and at the end the workload is rolled."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._workloads.clones import clone_name
from ..strategy import Parts, Strategy

if TYPE_CHECKING:
    from ..._plan.plan import Plan


class Clone(Strategy):
    kinds: tuple[str, ...] = ("Deployment",)
    options = frozenset({"promotion", "hold"})
    can_share_pods = True
    pauses_workload = True
    creates_second_workload = True
    releases_waiting_edit = True

    def second_workload_name(self, workload: str, canary: str) -> str:
        return clone_name(workload)

    def replaces_pods_under_traffic(self, plan: Plan) -> bool:
        return plan.promotion == "rolling"

    def parts(self) -> Parts:
        from .handlers import HANDLERS
        from .preconditions import HAZARDS, grants
        from .sequence import SEQUENCE

        return Parts(SEQUENCE, HAZARDS, grants, HANDLERS)
