"""Strategy in_place: the pods of a StatefulSet or a DaemonSet are replaced one part after the other."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._objects.paths import Path
from ..strategy import Parts, Strategy

if TYPE_CHECKING:
    from ..._plan.plan import Plan


class InPlace(Strategy):
    kinds = ("StatefulSet", "DaemonSet")
    preview_replicas = 1  # The preview's pods are taken from the active version.
    replaces_in_place = True

    def workload_fields_changed(self, plan: Plan) -> list[Path]:
        return [("spec", "updateStrategy")]

    def replaces_pods_under_traffic(self, plan: Plan) -> bool:
        return True

    def parts(self) -> Parts:
        from .handlers import HANDLERS
        from .preconditions import HAZARDS, grants
        from .sequence import SEQUENCE

        return Parts(SEQUENCE, HAZARDS, grants, HANDLERS)
