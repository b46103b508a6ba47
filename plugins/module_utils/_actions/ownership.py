"""Gives up the ownership of fields that were written here, so that a client that applies the object server-side gets no conflict."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from .._cluster.errors import ApiError
from .._objects.ownership import without_ours
from .._objects.resources import Ref
from .apply import send_unnoted, update
from .context import Context, Failed

Object = dict[str, Any]


def give_up(ctx: Context, ref: Ref, obj: Object) -> Object:
    """Removes this collection's entries from metadata.managedFields. Does nothing in check mode, or where no client applies the object.

    This needs a write of its own: the API server always makes the client of a write the owner of the fields that the write changes.
    A failure is a warning, since the object itself is as it must be.

    Args:
        obj: The object as it was read or written last.

    Returns:
        The object as it is now.
    """
    if ctx.check:
        return obj
    try:
        outcome = update(ctx, ref, _without_ours, obj, send_unnoted)
    except (ApiError, Failed) as problem:
        ctx.journal.warnings.append(
            f"{ref} still names progressive.delivery as the manager of fields in metadata.managedFields: {problem}, "
            "or apply it once with --force-conflicts"
        )
        return obj
    return obj if outcome is None else outcome.after


def _without_ours(live: Object) -> Object:
    kept = without_ours(live)
    return live if kept is None else {**live, "metadata": {**live["metadata"], "managedFields": kept}}
