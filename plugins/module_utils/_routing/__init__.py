"""One file per router: (object, split) -> edits. A new router is a file here and a line in ROUTERS (pure)."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import ModuleType

from .._objects.refusal import Refused
from . import istio

# Each router module offers `resource(target)`, `edits(obj, target, split)` and `weight(obj, target)`, documented in target.py.
ROUTERS: dict[str, ModuleType] = {
    "istio": istio,
}

# Seconds that proxies may go on with the old weights after the router's own status is proven (measured).
GRACE: dict[str, float] = {
    "istio": 5.0,
}


def router(kind: str) -> ModuleType:
    """The router module of this name."""
    if kind not in ROUTERS:
        raise Refused(f"unknown router {kind!r}: use one of {', '.join(sorted(ROUTERS))}")
    return ROUTERS[kind]


def default_grace(kinds: list[str], asked: float | None = None) -> float:
    """The longest grace that any of the routers needs, or what was asked for."""
    if asked is not None:
        return asked
    return max((GRACE[kind] for kind in kinds), default=0.0)
