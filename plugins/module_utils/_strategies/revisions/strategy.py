"""Strategy revisions: one Deployment per version; the workload ends at 0 replicas and is the source of the template."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._objects.paths import Path
from ..._workloads.clones import revision_name
from ..strategy import Parts, Strategy

if TYPE_CHECKING:
    from ..._plan.plan import Plan


class Revisions(Strategy):
    kinds = ("Deployment",)
    options = frozenset({"canary.scale_down_delay", "canary.abort_scale_down_delay"})
    carries_revision = True
    pauses_workload = True
    creates_second_workload = True
    keeps_versions = True

    def new_workload_name(self, plan: Plan, target: str) -> str:
        return revision_name(plan.workload, target)

    def workload_fields_changed(self, plan: Plan) -> list[Path]:
        return [("spec", "paused"), ("spec", "replicas")]

    def parts(self) -> Parts:
        from .handlers import HANDLERS
        from .preconditions import HAZARDS, grants
        from .sequence import SEQUENCE

        return Parts(SEQUENCE, HAZARDS, grants, HANDLERS)
