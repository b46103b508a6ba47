"""Respects other objects of a router's kind: those that affect a split, were created in its place, or need what a split added."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from .._cluster.errors import ApiError
from .._objects import paths
from .._objects.edits import Edit, fields_of
from .._objects.marks import MANAGED_BY, MANAGER
from .._objects.paths import MISSING
from .._objects.plan_writes import Change
from .._objects.refusal import Refused
from .._objects.relocation import found_again
from .._objects.resources import Ref, labels, name_of
from .._routing.registry import router_of
from .._routing.router import Objects, leads_to_canary, shares_nothing
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
                raise Refused(
                    str(ctx.ref(part.resource, name)), f"was created for {value}, and {part.name} does not exist", "name that object"
                )


def still_needed(ctx: Context, target: Target, refs: Mapping[str, Ref], live: Objects) -> dict[str, list[Edit]]:
    """What this owner put into objects beside the first that other objects still need. Requests: none where it put nothing there."""
    router, (first, *rest) = router_of(target), refs
    if router.still_needed is shares_nothing or not any(field.by == ctx.by for key in rest for field in fields_of(live[key] or {})):
        return {}
    try:
        found = ctx.client.list(refs[first].resource, ctx.namespace)[0]
    except ApiError as problem:
        if problem.status != _FORBIDDEN:
            raise
        return router.still_needed(live, target, ctx.by, None)
    return router.still_needed(live, target, ctx.by, [each for each in found if name_of(each) != refs[first].name])


def keeping(change: Change, kept: Sequence[Edit]) -> Change:
    """The change without the end of what is still needed."""
    asked = [edit.path for edit in change.edits]
    return replace(change, edits=[*change.edits, *(edit for edit in kept if edit.path not in asked)])


def warn_of_kept(ctx: Context, refs: Mapping[str, Ref], kept: Mapping[str, Sequence[Edit]]) -> None:
    """Says what putting back has left, and what ends it."""
    first = next(iter(refs.values()))
    for key in (key for key, found in kept.items() if found):
        text = (
            f"{refs[key]} keeps {', '.join(paths.show(edit.path) for edit in kept[key])}, which another {first.resource.kind} needs, or "
            "may need where these may not be listed: use state: absent again when none does"
        )
        ctx.journal.warn(text)


def refuse_foreign(ctx: Context, target: Target, ref: Ref, live: dict[str, Any] | None, ends: bool) -> None:
    """Raises Refused for a memory of which putting back would take away what does not lead to the canary: this collection did not add that.

    ref, live: the object that the user names. ends: the split ends. As long as it goes on, the canary may have got another name, and with
    subsets until it has ended.
    """
    protected = [replace(target, canary_service=target.stable_service, canary_subset=target.stable_subset)]
    protected += [replace(target, canary_service=name, canary_subset="") for name in target.additional_destinations]
    strict = ends and not target.canary_subset
    for field in [*fields_of(live), *found_again(live, ctx.recall(ref.key))] if live is not None else []:
        if field.by != ctx.by or field.was is not MISSING or (isinstance(field.path[-1], str) and field.path[-1] != "mirror"):
            continue
        try:
            there = paths.get(live, field.path)
        except paths.AmbiguousPath:
            continue  # Whoever puts it back refuses that.
        part = {"spec": there}
        if isinstance(there, dict) and (there.get("destination") or {}).get("subset") and not target.canary_subset:
            continue  # The router refuses a split by subset that the call does not name.
        if (
            there is not MISSING
            and not leads_to_canary(part, target)
            and (strict or any(leads_to_canary(part, each) for each in protected))
        ):
            canary = target.canary_subset or target.canary_service
            problem = f"has an annotation by which {paths.show(field.path)[:120]} was added here, but that does not lead to {canary}"
            raise Refused(str(ref), problem, "put the object back by hand, and remove the annotation")
