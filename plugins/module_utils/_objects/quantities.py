"""Kubernetes quantities (`500m`, `1.5Gi`) as exact numbers, and back for people to read."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

_UNITS = {
    "": Fraction(1),
    **{unit: Fraction(1, 1000**power) for power, unit in enumerate("mun", 1)},
    **{unit: Fraction(1000**power) for power, unit in enumerate("kMGTPE", 1)},
    **{f"{unit}i": Fraction(1024**power) for power, unit in enumerate("KMGTPE", 1)},
}
# An exponent of more digits is none that the API server takes.
_QUANTITY = re.compile(r"([+-]?(?:[0-9]+(?:[.][0-9]*)?|[.][0-9]+))(?:[eE]([+-]?[0-9]{1,3})|([numkMGTPE]|[KMGTPE]i)?)")


def quantity(text: Any) -> Fraction | None:
    """The number that a quantity stands for; None for what is none."""
    found = _QUANTITY.fullmatch(str(text))
    if found is None:
        return None
    number, exponent, unit = found.groups()
    return Fraction(number) * (Fraction(10) ** int(exponent or 0)) * _UNITS[unit or ""]


def show(amount: Fraction) -> str:
    """For people: whole numbers in the largest binary unit that fits, others in thousandths, rounded up."""
    if amount.denominator != 1:
        return f"{math.ceil(amount * 1000)}m"
    whole = next((unit for unit in ("Ti", "Gi", "Mi", "Ki") if amount and amount % _UNITS[unit] == 0), "")
    return f"{amount / _UNITS[whole]}{whole}"
