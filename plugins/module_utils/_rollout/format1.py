"""Records of format 1, which release 0.1.0 of the collection wrote: they counted actions, and hashed sentences about the plan.

Nothing here changes any more, whatever becomes of the sentences and names elsewhere: a release that 0.1.0 began goes on by them.
"""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .record_shape import Check, count

FORMAT = 1
SHAPE: dict[str, Check] = {"position": count, "aborted_at": count}


def marked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of such a record, with its places as text that is the id of no action; see `place_of`."""
    return {**fields, **{key: f"#{fields[key]}" for key in SHAPE if key in fields}}


def place_of(position: str) -> int | None:
    """The place in a sequence that a marked position counts; None for the id of an action."""
    return int(position[1:]) if position.startswith("#") else None
