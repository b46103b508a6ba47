"""What each style of workload does in its own way; a new one is a file beside this, and its order one in _rollout/styles."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from .clone import CLONE
from .in_place import IN_PLACE
from .pair import PAIR
from .replicas import REPLICAS
from .revisions import REVISIONS
from .style import Pin, Style

__all__ = ["STYLES", "Pin", "Style"]

# By Plan.order.
STYLES: dict[str, Style] = {"clone": CLONE, "revisions": REVISIONS, "pair": PAIR, "in_place": IN_PLACE, "replicas": REPLICAS}
