"""Changes objects of the user's application, remembers what they were before, and puts them back."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Callable

from .._objects import edits, seals
from .._objects.edits import Edit
from .._objects.paths import MISSING
from .._objects.plan_writes import Change, Objects, Policy, Write, plan_writes
from .._objects.resources import Ref
from . import apply
from .apply import Outcome, ReadAgain
from .context import Context
from .ownership import give_up

Object = dict[str, Any]


@dataclass(frozen=True)
class Outcomes:
    """What became of several objects, by their keys; None where one does not exist."""

    before: dict[str, Object | None]
    after: dict[str, Object | None]
    changed: bool
    drifted: list[str]


def _no_check(_before: Any, _after: Any) -> None:
    """For writes that need no check."""


def _no_pause(_key: str, _before: Object | None, _after: Object | None) -> None:
    """For writes that may follow each other at once."""


def _no_look(_live: Objects) -> None:
    """For objects that need no check after they are read."""


def edit(
    ctx: Context,
    ref: Ref,
    edits_of: Callable[[Object], Sequence[Edit]],
    before_write: Callable[[Object, Object], None] = _no_check,
    annotate: bool = True,
) -> Outcome:
    """Gives one existing object this owner's edits; an empty list puts back what the owner changed.

    Args:
        before_write: Gets the object as it is and as it will be, and may raise.
        annotate: Keep the memory on the object, too. Not on workloads: the Deployment controller copies annotations to ReplicaSets, and
            `kubectl rollout undo` would restore them from there.
    """

    def changes(bases: Objects) -> list[Change]:
        return [Change("", list(edits_of(bases[""] or {})))]

    def check(before: Objects, after: Objects) -> None:
        before_write(before[""] or {}, after[""] or {})

    outcome = edit_all(ctx, {"": ref}, {""}, changes, check, annotate)
    return Outcome(outcome.before[""] or {}, outcome.after[""] or {}, outcome.changed, outcome.drifted)


def edit_all(
    ctx: Context,
    refs: Mapping[str, Ref],
    required: set[str],
    changes: Callable[[Objects], Sequence[Change]],
    before_write: Callable[[Objects, Objects], None] = _no_check,
    annotate: bool = True,
    between_writes: Callable[[str, Object | None, Object | None], None] = _no_pause,
    after_read: Callable[[Objects], None] = _no_look,
) -> Outcomes:
    """Gives several objects the changes that are computed from all of them, in the order of the changes.

    Args:
        refs: The objects by key; those whose key is not in `required` need not exist.
        changes: Given the objects without this owner's edits. All of it is decided, drift included, before the first write.
        before_write: Gets all objects as they are and as they will be, and may raise.
        between_writes: Gets what was just written (the key, before, after), and may wait before the next write.
        after_read: Gets all objects as they are, each time that they are read, before `changes` is called.
    """
    written: dict[str, Object | None] = {}  # the objects that this call has written, as they were before
    known: dict[Ref, Object | None] = {}

    def refresh(stale: ReadAgain) -> None:
        known[stale.ref] = stale.found

    def read(key: str, ref: Ref) -> Object | None:
        found = known.pop(ref) if ref in known else None
        return found or (ctx.client.get(ref) if key in required else ctx.client.find(ref))

    def once() -> Outcomes:
        live = {key: read(key, ref) for key, ref in refs.items()}
        for key, ref in refs.items():
            _refuse_forged(ctx, ref, live[key])
        after_read(live)
        policy = Policy(ctx.by, ctx.on_drift, ctx.clock.now(), annotate, lambda obj: seal_for(ctx, obj))
        writes = plan_writes(live, policy, changes, lambda key: ctx.recall(refs[key].key))
        due = [write for write in writes if write.due]
        after = {**live, **{write.key: write.wanted for write in due}}
        if due:
            before_write(live, after)
        elif not ctx.check:
            after.update(_caught_up(ctx, refs, writes, annotate))
        for write in due:
            after[write.key] = _carry_out(ctx, refs[write.key], write, annotate)
            written.setdefault(write.key, write.live)
            if write is not due[-1] and not ctx.check:
                between_writes(write.key, write.live, after[write.key])
        drifted = [path for write in writes if write.edited for path in write.edited.drifted]
        return Outcomes({**live, **written}, after, bool(written), drifted)

    return apply.retry(once, refresh)


def _refuse_forged(ctx: Context, ref: Ref, live: Object | None) -> None:
    """Raises Refused for a memory that others wrote; one without a seal is accepted where a sealed record confirms it."""
    if live is None or ctx.way_back:
        return
    vouched = ctx.seal is not None and _vouched(ctx, ref, live)
    seals.refuse_forged(live, ctx.seal, ctx.accept_unsealed, vouched)


def _vouched(ctx: Context, ref: Ref, live: Object) -> bool:
    """Whether the record remembers the same, or knows that this very object was created for the rollout, which has nothing to put back."""
    fields, known = edits.fields_of(live), ctx.recall(ref.key)
    if known:
        return all(field in known for field in fields)
    uid = ctx.uid_of(ref.key)
    return bool(uid) and live["metadata"].get("uid") == uid and all(field.by == ctx.by and field.was is MISSING for field in fields)


def seal_for(ctx: Context, obj: Object | None) -> seals.Seal | None:
    """The seal for what this call writes on an object."""
    return seals.seal_for(obj, ctx.seal, ctx.way_back, ctx.accept_unsealed)


def original(ctx: Context, ref: Ref, obj: Object) -> Object:
    """The object as it was before this owner's edits, drift or not."""
    return edits.base_of(obj, ctx.by, "repair", ctx.recall(ref.key))


def put_back(ctx: Context, refs: Mapping[str, Ref], outcome: Outcomes) -> None:
    """Reverts a change that was just made, unless another client has changed the object since."""
    for key, ref in reversed(list(refs.items())):
        before, after = outcome.before[key], outcome.after[key]
        if before is not None and after is not None:  # An object that was created gets no traffic without the rest.
            apply.update(ctx, ref, partial(_reverted, before, after))


_OF_USERS = ("annotations", "labels")


def _reverted(before: Object, after: Object, live: Object) -> Object:
    return _with_users_fields(live, before) if _alike(live, after) else live


def _alike(one: Object, other: Object) -> bool:
    """Whether two states differ in nothing that users and tools write, as opposed to the API server and controllers."""
    same = all((one["metadata"].get(key) or {}) == (other["metadata"].get(key) or {}) for key in _OF_USERS)
    return same and one.get("spec") == other.get("spec")


def _with_users_fields(live: Object, other: Object) -> Object:
    """The object with what users and tools wrote on another state of it."""
    metadata = {**live["metadata"], **{key: other["metadata"][key] for key in _OF_USERS if key in other["metadata"]}}
    gone = {key for key in _OF_USERS if key not in other["metadata"]}
    return {**live, "metadata": {key: value for key, value in metadata.items() if key not in gone}, "spec": other.get("spec")}


def _caught_up(ctx: Context, refs: Mapping[str, Ref], writes: Sequence[Write], annotate: bool) -> Objects:
    """The objects that need no change, after the rest of what a call that died right after its write did not do."""
    for write in writes:
        known = [] if annotate else ctx.recall(refs[write.key].key)
        if known and write.edited is not None:
            ctx.remember(refs[write.key].key, [field for field in write.edited.fields if field.by == ctx.by])
    return {write.key: _given_up(ctx, refs[write.key], write, write.live) for write in writes}


def _carry_out(ctx: Context, ref: Ref, write: Write, annotate: bool) -> Object | None:
    """The object as it is after the write."""
    if ctx.check:
        return apply.write(ctx, ref, write.live, write.wanted)
    mine = [field for field in write.edited.fields if field.by == ctx.by] if write.edited is not None else []
    remembers = write.edited is not None and write.live is not None
    # What only the owner remembers is forgotten after the write, earlier values too: it may conflict, or the call may die just now.
    kept = [] if annotate else [field for field in ctx.recall(ref.key) if field not in mine]
    if remembers:
        ctx.remember(ref.key, [*mine, *kept])
    if write.live is None:
        return apply.create(ctx, ref, write.wanted or {})
    if write.wanted is None:
        apply.delete(ctx, ref, write.live)
        return None
    after = apply.write(ctx, ref, write.live, write.wanted)
    if remembers and kept:
        ctx.remember(ref.key, mine)
    return _given_up(ctx, ref, write, after)


def _given_up(ctx: Context, ref: Ref, write: Write, obj: Object | None) -> Object | None:
    """The object, of which no field is owned here any more where no owner's edit is left on it."""
    if obj is None or write.edited is None or write.edited.fields:
        return obj
    return give_up(ctx, ref, obj)
