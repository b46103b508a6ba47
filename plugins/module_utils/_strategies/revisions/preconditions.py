"""What strategy revisions looks for before a start, and what it must be allowed to do."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ..._objects.resources import DEPLOYMENT
from ..._plan.plan import Plan
from ..._rollout.permissions import VERBS, Grant
from ..clone.preconditions import HAZARDS
from ..preconditions import of_deployments

__all__ = ["HAZARDS", "grants"]


def grants(_plan: Plan) -> list[Grant]:
    """On all Deployments, since the names of those to come hold a hash."""
    return [Grant(DEPLOYMENT, VERBS), *of_deployments()]
