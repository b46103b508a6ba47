"""Strategy pair: the user keeps two Deployments, and the second one runs the new version during a release."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..strategy import Parts, Strategy


class Pair(Strategy):
    kinds = ("Deployment",)
    options = frozenset({"workload.canary"})
    carries_revision = True
    keeps_second_workload = True

    def second_workload_name(self, workload: str, canary: str) -> str:
        return canary

    def parts(self) -> Parts:
        from ..clone.sequence import SEQUENCE
        from .handlers import HANDLERS
        from .preconditions import HAZARDS, grants

        return Parts(SEQUENCE, HAZARDS, grants, HANDLERS)
