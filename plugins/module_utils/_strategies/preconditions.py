"""What the preconditions of several strategies share."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from .._objects.resources import DEPLOYMENT, REPLICA_SET
from .._rollout.permissions import Grant


def of_deployments() -> list[Grant]:
    """What every strategy that releases Deployments must be allowed to list."""
    return [Grant(DEPLOYMENT, ("list",)), Grant(REPLICA_SET, ("list",))]
