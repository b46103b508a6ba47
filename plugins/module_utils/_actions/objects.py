"""Changes objects of the user's: read, decide, remember, write; a conflict is read and decided again."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Optional

from .._cluster.errors import Conflict
from .._objects import edits, seals
from .._objects.edits import Edit
from .._objects.patches import merge_patch
from .._objects.paths import MISSING
from .._objects.refusal import Refused
from .._objects.resources import Ref
from .._objects.seals import Seal
from .._routing.router import Change
from .context import ATTEMPTS, Context, Failed
from .ownership import give_up

Object = dict[str, Any]
Objects = Mapping[str, Optional[Object]]


@dataclass(frozen=True)
class Outcome:
    """before: as it was read. after: as it is now, or in check mode would be."""

    before: Object
    after: Object
    changed: bool
    drifted: list[str]


@dataclass(frozen=True)
class Outcomes:
    """What became of several objects, by their keys; None where one is not there."""

    before: dict[str, Object | None]
    after: dict[str, Object | None]
    changed: bool
    drifted: list[str]


@dataclass(frozen=True)
class _Write:
    """One object as it is and as it shall be; None: it is not there, or shall not be."""

    key: str
    live: Object | None
    wanted: Object | None
    result: edits.Edited | None


def _no_check(_before: Any, _after: Any) -> None:
    """Stands for a check where there is nothing to check."""


def _no_pause(_key: str, _before: Object | None, _after: Object | None) -> None:
    """Stands for a wait where one write may follow the other at once."""


def _no_look(_live: Objects) -> None:
    """Stands for a look at the objects where there is nothing to look for."""


def edit(
    ctx: Context,
    ref: Ref,
    edits_of: Callable[[Object], Sequence[Edit]],
    before_write: Callable[[Object, Object], None] = _no_check,
    annotate: bool = True,
) -> Outcome:
    """Gives one object, which must be there, this owner's edits; an empty list puts back what the owner changed.

    before_write: sees the object as it is and as it will be, and may raise.
    annotate: keep the memory on the object too. Not on workloads: the Deployment controller copies annotations to
    ReplicaSets, and `kubectl rollout undo` would bring them back from there.
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

    refs: the objects by key; those whose key is not in `required` need not be there.
    changes: given the objects without this owner's edits. All of it is decided, drift included, before the first write.
    before_write: sees all objects as they are and as they will be, and may raise.
    between_writes: sees what was just written (the key, before, after), and may wait before the next.
    after_read: sees all objects as they are, each time that they were read, before `changes` is asked.
    """
    ours: dict[str, Object | None] = {}  # what we wrote, as it was before
    refused: dict[str, Object | None] = {}
    for _attempt in range(ATTEMPTS):
        live = {key: ctx.client.get(ref) if key in required else ctx.client.find(ref) for key, ref in refs.items()}
        for key, ref in refs.items():
            _refuse_forged(ctx, ref, live[key])
        after_read(live)
        writes = _decide(ctx, refs, live, changes, annotate)
        drifted = [path for write in writes if write.result for path in write.result.drifted]
        due = [write for write in writes if not _done(write)]
        _note_late(ctx, refs, live, ours, {key: was for key, was in refused.items() if key not in [write.key for write in due]})
        after = {**live, **{write.key: write.wanted for write in due}}
        if due:
            before_write(live, after)
        if ctx.check or not due:
            for write in due:
                ctx.journal.wrote(refs[write.key], write.live, write.wanted)
            if not ctx.check:
                after.update(_caught_up(ctx, refs, writes, annotate))
            return Outcomes({**live, **ours}, after, bool(due or ours), drifted)
        for write in due:
            try:
                after[write.key] = _carry_out(ctx, refs[write.key], write, annotate)
            except Conflict:
                refused[write.key] = write.live
                break
            ours.setdefault(write.key, write.live)
            if write is not due[-1]:
                between_writes(write.key, write.live, after[write.key])
        else:
            return Outcomes({**live, **ours}, after, True, drifted)
    names = ", ".join(str(ref) for ref in refs.values())
    raise Failed(
        f"{names} was changed by somebody else {ATTEMPTS} times in a row while it was to be changed here: find out who, and run again"
    )


def _refuse_forged(ctx: Context, ref: Ref, live: Object | None) -> None:
    """Raises Refused for a memory that others wrote; one without a seal will do where a record that has one vouches for it."""
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


def original(ctx: Context, ref: Ref, obj: Object) -> Object:
    """The object as it was before this owner's edits, drift or not."""
    return edits.base_of(obj, ctx.by, "repair", ctx.recall(ref.key))


def put_back(ctx: Context, refs: Mapping[str, Ref], outcome: Outcomes) -> None:
    """Takes a change back that was just made, unless somebody else has changed the object since."""
    for key, ref in reversed(list(refs.items())):
        before, after = outcome.before[key], outcome.after[key]
        if before is None or after is None or _of_users(before) == _of_users(after):
            continue  # What was made for it gets no traffic without the rest.
        for _attempt in range(ATTEMPTS):
            live = ctx.client.find(ref)
            if live is None or _of_users(live) != _of_users(after):
                break
            try:
                ctx.guard()
                ctx.journal.wrote(ref, live, ctx.client.patch(ref, merge_patch(_of_users(live), _of_users(before)), live))
                break
            except Conflict:
                continue


def _of_users(obj: Object) -> Object:
    """What users and tools say of an object, as opposed to the API server and controllers."""
    metadata = obj["metadata"]
    return {"metadata": {"annotations": metadata.get("annotations") or {}, "labels": metadata.get("labels") or {}}, "spec": obj.get("spec")}


def _note_late(ctx: Context, refs: Mapping[str, Ref], live: Objects, ours: dict[str, Object | None], late: Objects) -> None:
    """Notes writes of ours that got no answer, and whose repetition was refused: the objects are as we wanted them."""
    for key, was in late.items():
        if key not in ours:
            ctx.journal.wrote(refs[key], was, live[key])
            ours[key] = was


def _decide(
    ctx: Context, refs: Mapping[str, Ref], live: Objects, changes: Callable[[Objects], Sequence[Change]], annotate: bool
) -> list[_Write]:
    bases = {
        key: obj and edits.base_of(obj, ctx.by, ctx.on_drift, ctx.recall(refs[key].key))  # None stays None
        for key, obj in live.items()
    }
    return [_decide_one(ctx, refs[change.part], live, bases, change, changes, annotate) for change in changes(bases)]


def _decide_one(
    ctx: Context,
    ref: Ref,
    live: Objects,
    bases: Objects,
    change: Change,
    changes: Callable[[Objects], Sequence[Change]],
    annotate: bool,
) -> _Write:
    key, obj = change.part, live[change.part]
    if obj is not None and (change.remove or change.make is not None):
        refuse_other_owners(ctx, ref, obj)
    if change.remove or (obj is None and change.make is None):
        return _Write(key, obj, None, None)

    def edits_of(base: Object) -> Sequence[Edit]:
        if obj is None:
            return change.edits
        return next((each.edits for each in changes({**bases, key: base}) if each.part == key), [])

    result = edits.edited(obj or change.make or {}, ctx.by, edits_of, ctx.on_drift, ctx.recall(ref.key))
    wanted = seals.sealed(edits.stored(result, ctx.clock.now()), seal_for(ctx, obj)) if annotate else result.obj
    return _Write(key, obj, wanted, result)


def seal_for(ctx: Context, obj: Object | None) -> Seal | None:
    """The seal for what is remembered on an object: on the way back none where others may have written it, of other owners' fields too."""
    forged = ctx.way_back and not ctx.accept_unsealed and ctx.seal is not None and obj is not None and not seals.fits_all(obj, ctx.seal)
    return None if forged else ctx.seal


def refuse_other_owners(ctx: Context, ref: Ref, obj: Object) -> None:
    """Raises Refused for an object that another owner made: it has to make and remove it alone."""
    others = sorted({field.by for field in edits.fields_of(obj)} - {ctx.by})
    if others:
        raise Refused(f"{ref} was made for {', '.join(others)}: end that first, or give this one another name")


def _done(write: _Write) -> bool:
    if write.live is None or write.wanted is None:
        return write.live is write.wanted
    return edits.same(write.live, write.wanted) and seals.sealed_alike(write.live, write.wanted)


def _caught_up(ctx: Context, refs: Mapping[str, Ref], writes: Sequence[_Write], annotate: bool) -> Objects:
    """The objects of which nothing is to be changed, after what a run did not do that died right after its write."""
    for write in writes:
        known = [] if annotate else ctx.recall(refs[write.key].key)
        if known and write.result is not None:
            ctx.remember(refs[write.key].key, [field for field in write.result.fields if field.by == ctx.by])
    return {write.key: _given_up(ctx, refs[write.key], write, write.live) for write in writes}


def _carry_out(ctx: Context, ref: Ref, write: _Write, annotate: bool) -> Object | None:
    """The object as it is after the write."""
    mine = [field for field in write.result.fields if field.by == ctx.by] if write.result is not None else []
    remembers = write.result is not None and write.live is not None
    # What only the owner remembers is forgotten after the write, earlier values too: it may conflict, or the run may die just now.
    kept = [] if annotate else [field for field in ctx.recall(ref.key) if field not in mine]
    if remembers:
        ctx.remember(ref.key, [*mine, *kept])
    if write.live is None:
        return ctx.create(ref, write.wanted or {})
    ctx.guard()
    after: Object | None = None
    if write.wanted is None:
        ctx.client.delete(ref, write.live)
        ctx.created(ref.key, "")
    else:
        after = ctx.client.patch(ref, merge_patch(write.live, write.wanted), write.live)
    ctx.journal.wrote(ref, write.live, after)
    if remembers and kept:
        ctx.remember(ref.key, mine)
    return _given_up(ctx, ref, write, after)


def _given_up(ctx: Context, ref: Ref, write: _Write, obj: Object | None) -> Object | None:
    """The object, of which no field is owned here any more where no edit of anybody is left on it."""
    if obj is None or write.result is None or write.result.fields:
        return obj
    return give_up(ctx, ref, obj)
