"""Changes one object of the user's: read, decide, remember, write; a conflict is read and decided again."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Callable

from .._cluster.errors import Conflict
from .._objects import edits
from .._objects.edits import Edit
from .._objects.patches import merge_patch
from .._objects.resources import Ref
from .context import Context, Failed

Object = dict[str, Any]

_ATTEMPTS = 8


@dataclass(frozen=True)
class Outcome:
    """before: as it was read. after: as it is now, or in check mode would be."""

    before: Object
    after: Object
    changed: bool
    drifted: list[str]


def _no_check(_before: Object, _after: Object) -> None:
    """Stands for a check where there is nothing to check."""


def edit(
    ctx: Context,
    ref: Ref,
    edits_of: Callable[[Object], Sequence[Edit]],
    before_write: Callable[[Object, Object], None] = _no_check,
    annotate: bool = True,
) -> Outcome:
    """Gives the object this owner's edits; an empty list puts back what the owner changed.

    before_write: sees the object as it is and as it will be, and may raise.
    annotate: keep the memory on the object too. Not on workloads: the Deployment controller copies annotations to
    ReplicaSets, and `kubectl rollout undo` would bring them back from there.
    """
    refused: Object | None = None
    for _attempt in range(_ATTEMPTS):
        live = ctx.client.get(ref)
        result = edits.edited(live, ctx.by, edits_of, ctx.on_drift, ctx.recall(ref.key))
        wanted = edits.stored(result, ctx.clock.now()) if annotate else result.obj
        if edits.same(live, wanted):
            if refused is not None:  # Our own write got no answer, and it was its repetition that was refused.
                ctx.journal.wrote(ref, refused, live)
            return Outcome(refused or live, live, refused is not None, result.drifted)
        before_write(live, wanted)
        if ctx.check:
            ctx.journal.wrote(ref, live, wanted)
            return Outcome(live, wanted, True, result.drifted)
        ctx.remember(ref.key, [field for field in result.fields if field.by == ctx.by])
        ctx.guard()
        try:
            after = ctx.client.patch(ref, merge_patch(live, wanted), live)
        except Conflict:
            refused = live
            continue
        ctx.journal.wrote(ref, live, after)
        return Outcome(live, after, True, result.drifted)
    raise Failed(
        f"{ref} was changed by somebody else {_ATTEMPTS} times in a row while it was to be changed here: find out who, and run again"
    )


def restore(ctx: Context, ref: Ref, before_write: Callable[[Object, Object], None] = _no_check, annotate: bool = True) -> Outcome:
    """Puts back everything that this owner changed on the object."""
    return edit(ctx, ref, lambda _base: [], before_write, annotate)
