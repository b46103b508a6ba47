"""Looks at the other objects of a router's kind: those that were made in its place, and those that touch its split."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._cluster.errors import ApiError
from .._objects.marks import MANAGED_BY, MANAGER
from .._objects.refusal import Refused
from .._objects.resources import labels
from .._routing.registry import router_of
from .._routing.router import Objects
from .._routing.target import DesiredTraffic, Target
from .context import Context

Object = dict[str, Any]

_FORBIDDEN = 403


def look(ctx: Context, target: Target, found: Objects, wish: DesiredTraffic, together: Sequence[Target]) -> list[str]:
    """What other objects of the kind do to the split, which users must know; raises Refused where they make it ineffective.

    All objects of the kind in the namespace come with one list; none is asked for where nothing leads to the canary, or they do not matter.
    """
    router = router_of(target)
    if router.beside is None or not wish.reaches_canary:
        refuse_siblings(ctx, target, found)
        return []
    there = _all_like_the_first(ctx, target)
    refuse_siblings(ctx, target, found, there)
    return router.beside(found, target, wish, there, together)


def left_behind(ctx: Context, target: Target, before: Objects, wish: DesiredTraffic | None, together: Sequence[Target]) -> list[str]:
    """What other objects of the kind go on doing, which users must know; that stops no way back, so they need not be readable."""
    router = router_of(target)
    if router.beside is None:
        return []
    try:
        return router.beside(before, target, wish, _all_like_the_first(ctx, target), together)
    except ApiError as problem:
        if problem.status != _FORBIDDEN:
            raise
        return []


def _all_like_the_first(ctx: Context, target: Target) -> list[Object]:
    """All objects of the kind of the first one in the namespace."""
    first = next(iter(router_of(target).parts(target).values()))
    return ctx.client.list(first.resource, ctx.namespace)[0]


def refuse_siblings(ctx: Context, target: Target, found: Objects, there: Sequence[Object] | None = None) -> None:
    """Raises Refused where an object that is not there was made under another name. there: all of its kind, where they have been read."""
    for key, part in router_of(target).parts(target).items():
        if part.sibling is None or found[key] is not None:
            continue
        annotation, value = part.sibling
        listed = ctx.client.list(part.resource, ctx.namespace, f"{MANAGED_BY}={MANAGER}")[0] if there is None else there
        for each in listed:
            ours = labels(each).get(MANAGED_BY) == MANAGER
            if ours and (each["metadata"].get("annotations") or {}).get(annotation) == value:
                name = each["metadata"]["name"]
                problem = f"was made for {value} already, and {part.name} is not there"
                raise Refused(str(ctx.ref(part.resource, name)), problem, "name that one")
