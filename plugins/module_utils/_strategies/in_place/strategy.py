"""Strategy in_place: the pods of a StatefulSet or a DaemonSet are replaced one part after the other."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._objects.paths import Path
from ..strategy import Strategy

if TYPE_CHECKING:
    from ..._plan.plan import Plan
    from ..._rollout.hazards.registry import Hazard
    from ..._rollout.permissions import Grant
    from ..handlers import Handlers
    from ..sequence import Program


class InPlace(Strategy):
    kinds = ("StatefulSet", "DaemonSet")
    preview_replicas = 1  # The preview's pods are taken from the active version.
    replaces_in_place = True

    def workload_fields_changed(self, plan: Plan) -> list[Path]:
        return [("spec", "updateStrategy")]

    def replaces_pods_under_traffic(self, plan: Plan) -> bool:
        return True

    @property
    def sequence(self) -> Program:
        from .sequence import SEQUENCE

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
