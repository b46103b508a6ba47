"""The routers. A new one is a file (or folder) here with a ROUTER, and a line in ROUTERS; one without Python is a definition (pure)."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable

from .._objects import pages
from .._objects.refusal import Refused
from .custom import router as custom
from .custom.shipped.registry import SHIPPED, shipped
from .gateway_api import router as gateway_api
from .ingress_nginx import router as ingress_nginx
from .istio import router as istio
from .router import Router
from .target import Target

ROUTERS: dict[str, Router] = {
    "istio": istio.ROUTER,
    "gateway_api": gateway_api.ROUTER,
    "ingress_nginx": ingress_nginx.ROUTER,
}


def names() -> list[str]:
    """What can be asked for without a definition."""
    return sorted((*ROUTERS, *SHIPPED))


def router_of(target: Target) -> Router:
    """The router of a target."""
    if target.definition is not None:
        return custom.router(target.definition)
    if target.router in ROUTERS:
        return ROUTERS[target.router]
    if target.router in SHIPPED:
        return custom.router(shipped(target.router))
    raise Refused(
        "router",
        f"must be a known router, not {target.router!r}",
        f"use one of {', '.join(names())}, or describe it with definition ({pages.ROUTERS})",
    )


# Seconds until what balances a Service's traffic has taken over its EndpointSlices.
WITHOUT_ROUTER = 5.0


def default_grace(targets: Iterable[Target], asked: float | None = None) -> float:
    """The longest grace that any of the targets needs, or what was asked for. Seconds."""
    if asked is not None:
        return asked
    return max((router_of(target).grace for target in targets), default=WITHOUT_ROUTER)
