"""Whether values out of JSON, which somebody may have edited by hand, are of the types that they are written with."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

_LATEST = 250_000_000_000.0  # the last years that dates can be told of


def fits(value: Any, wanted: str) -> bool:
    """wanted: the type of a dataclass's field, as text: str, int, float, bool, Any, list and dict of these, each `| None`.

    Numbers are those of counts and times: not below 0.
    """
    if wanted.endswith(" | None"):
        return value is None or fits(value, wanted[: -len(" | None")])
    outer, bracket, inner = wanted.partition("[")
    inner = inner[: -len(bracket)]
    if outer == "dict":
        return isinstance(value, dict) and all(fits(each, inner.partition(", ")[2]) for each in value.values())
    if outer == "list":
        return isinstance(value, list) and all(fits(each, inner) for each in value)
    if outer == "float":
        return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < _LATEST
    if outer == "int":
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return outer == "Any" or isinstance(value, {"str": str, "bool": bool}[outer])
