"""What the steps of a plan ask of its routers."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from .._plan.plan import Plan
from .._routing.target import DesiredTraffic
from .._steps.sequence import compile_steps


def desired_traffic(plan: Plan) -> dict[str, DesiredTraffic]:
    """What the steps ask of the routers, by the option that messages name."""
    asked = [(each.step, each.action.traffic) for each in compile_steps(plan.steps)]
    return {
        f"canary.steps[{step}]" if plan.bluegreen is None else "bluegreen.mirror": traffic
        for step, traffic in asked
        if step is not None and traffic is not None
    }
