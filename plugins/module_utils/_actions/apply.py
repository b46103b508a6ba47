"""Writes objects of the cluster. After a write conflict, the only place that reads again and repeats the decision."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Callable, TypeVar

from .._cluster.client import Client
from .._cluster.errors import Conflict, NotFound
from .._objects.patches import merge_patch
from .._objects.plan_writes import is_written
from .._objects.resources import Ref
from .context import Context, Failed

Object = dict[str, Any]
T = TypeVar("T")

# An operator that writes a label 15 times a second causes eight conflicts in a row on a slow machine.
ATTEMPTS = 30


class ReadAgain(Exception):
    """An object is no longer as it was read. Only `retry` catches it.

    Attributes:
        ref: The object.
        found: The object as it is now; None: it does not exist any more.
    """

    def __init__(self, ref: Ref, found: Object | None) -> None:
        self.ref, self.found = ref, found
        super().__init__(str(ref))


@dataclass(frozen=True)
class Outcome:
    """What one write has done.

    Attributes:
        before: The object as it was read.
        after: The object as it is now, or in check mode would be.
        drifted: The paths of the fields that another client had changed.
    """

    before: Object
    after: Object
    changed: bool
    drifted: Sequence[str] = ()


def _read_in_once(_stale: ReadAgain) -> None:
    """For an attempt that reads by itself."""


def retry(once: Callable[[], T], refresh: Callable[[ReadAgain], None] = _read_in_once) -> T:
    """Repeats an attempt (read, decide, write) until none of its writes meets a conflict, at most 30 times.

    Args:
        once: The attempt.
        refresh: Takes up what was found after a conflict, for an attempt that does not read by itself. It may raise to give up.

    Raises:
        Failed: Every attempt has met a conflict.
    """
    for _attempt in range(ATTEMPTS):
        try:
            return once()
        except ReadAgain as stale:
            refresh(stale)
            ref = stale.ref
    raise too_many_conflicts(ref)


def too_many_conflicts(ref: Ref) -> Failed:
    """The error for an object that another client keeps changing."""
    remedy = "find out which client keeps changing it (metadata.managedFields), and run again"
    return Failed(str(ref), f"could not be updated after {ATTEMPTS} write conflicts", remedy)


def send(client: Client, ref: Ref, live: Object | None, wanted: Object | None) -> Object | None:
    """Creates, changes or deletes one object, provided that it is still as it was read.

    The client repeats a write whose answer was lost, which then conflicts with itself: an object that is as wanted counts as written.

    Args:
        live: The object as it was read; None: create it.
        wanted: The object as it must be; None: delete it.

    Returns:
        The object as it is now, None once it is deleted.

    Raises:
        ReadAgain: The object has changed since it was read.
    """
    try:
        if live is None:
            return client.create(ref, wanted or {})
        if wanted is None:
            client.delete(ref, live)
            return None
        return client.patch(ref, merge_patch(live, wanted), live)
    except NotFound:
        if live is None:
            raise
        raise ReadAgain(ref, None) from None
    except Conflict:
        found = client.find(ref)
        if is_written(live, wanted, found):
            return found
        raise ReadAgain(ref, found) from None


def write(ctx: Context, ref: Ref, live: Object | None, wanted: Object | None) -> Object | None:
    """Writes one object of the user's application, as `send` does, and notes it; in check mode it is only noted."""
    after = wanted
    if not ctx.check:
        ctx.ensure_lock_held()
        after = send(ctx.client, ref, live, wanted)
    ctx.journal.wrote(ref, live, after)
    return after


def send_unnoted(ctx: Context, ref: Ref, live: Object, wanted: Object) -> Object | None:
    """Writes as `write` does, without noting it: what changes is no business of users."""
    ctx.ensure_lock_held()
    return send(ctx.client, ref, live, wanted)


def create(ctx: Context, ref: Ref, wanted: Object) -> Object:
    """Creates an object and notes its uid, by which it is distinguished from another one of its name."""
    ctx.expect_another(ref.key)
    after = write(ctx, ref, None, wanted) or wanted
    ctx.created(ref.key, after["metadata"].get("uid", ""))
    return after


def delete(ctx: Context, ref: Ref, live: Object) -> None:
    """Deletes an object and forgets its uid."""
    write(ctx, ref, live, None)
    ctx.created(ref.key, "")


def update(
    ctx: Context,
    ref: Ref,
    wanted_of: Callable[[Object], Object],
    live: Object | None = None,
    writer: Callable[[Context, Ref, Object, Object], Object | None] = write,
) -> Outcome | None:
    """Gives an object another state; after a conflict the state is computed again.

    Args:
        wanted_of: The state, given the object as it is. It may raise to give up.
        live: The object, where it has been read already.
        writer: Writes one attempt, where that is not `write`.

    Returns:
        None where the object does not exist (any more).
    """
    state = ctx.client.find(ref) if live is None else live

    def refresh(stale: ReadAgain) -> None:
        nonlocal state
        state = stale.found

    def once() -> Outcome | None:
        if state is None:
            return None
        wanted = wanted_of(state)
        if not merge_patch(state, wanted):
            return Outcome(state, state, False)
        return Outcome(state, writer(ctx, ref, state, wanted) or wanted, True)

    return retry(once, refresh)


def create_or_adopt(
    ctx: Context,
    ref: Ref,
    make: Callable[[], Object],
    check: Callable[[Object], None],
    creator: Callable[[Context, Ref, Object], Object] = create,
) -> Object:
    """Creates an object unless it exists.

    Args:
        make: The object to create; called only where there is none.
        check: Raises for an existing object that must not be used.
        creator: Creates it, where that is not `create`.

    Returns:
        The object as it is now.
    """

    def once() -> Object:
        live = ctx.client.find(ref)
        if live is None:
            return creator(ctx, ref, make())
        check(live)
        return live

    return retry(once)


def create_unique(client: Client, ref: Ref, obj: Object) -> None:
    """Creates an object whose name no other object can have; reading it is not needed, and may not be allowed."""
    try:
        client.create(ref, obj)
    except Conflict:
        pass  # It was created, and the answer was lost.


def dry_run(ctx: Context, ref: Ref, live: Object | None, wanted: Object) -> Object:
    """What the API server would store, with defaults and admission. Nothing is written.

    Args:
        live: The object as it was read; None: try to create it.
    """

    def once() -> Object:
        if live is None:
            return ctx.client.create(ref, wanted, dry_run=True)
        try:
            return ctx.client.patch(ref, merge_patch(live, wanted), live, dry_run=True)
        except Conflict:
            raise ReadAgain(ref, live) from None  # Another client wrote the object while the API server tried this.

    return retry(once)
