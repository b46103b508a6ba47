"""Strategy of router type replicas: no router; the clone stands behind the stable Service, and numbers of pods share its traffic."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import TYPE_CHECKING

from ..clone.strategy import Clone
from ..strategy import Parts

if TYPE_CHECKING:
    from ..._plan.plan import Plan


class Pods(Clone):
    kinds = ()  # A plan chooses it by its router.
    options = frozenset()
    releases_waiting_edit = False

    def replaces_pods_under_traffic(self, plan: Plan) -> bool:
        return True

    def parts(self) -> Parts:
        from ..clone.preconditions import HAZARDS, grants
        from .handlers import HANDLERS
        from .sequence import SEQUENCE

        return Parts(SEQUENCE, HAZARDS, grants, HANDLERS)
