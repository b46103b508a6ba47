"""The styles of workloads."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from .beside import BESIDE
from .in_place import IN_PLACE
from .replicas import REPLICAS
from .revisions import REVISIONS
from .style import Facts, Style, facts_of

__all__ = ["STYLES", "Facts", "Style", "facts_of"]

# By Plan.order.
STYLES: dict[str, Style] = {"clone": BESIDE, "pair": BESIDE, "revisions": REVISIONS, "in_place": IN_PLACE, "replicas": REPLICAS}
