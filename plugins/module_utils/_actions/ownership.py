"""Gives up the ownership of fields that were written here, so that a client that applies the object server-side gets no conflict."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from .._cluster.errors import ApiError, Conflict
from .._objects.ownership import without_ours
from .._objects.resources import Ref
from .context import Context

Object = dict[str, Any]

_ATTEMPTS = 8


def give_up(ctx: Context, ref: Ref, obj: Object) -> Object:
    """Removes this collection's entries from metadata.managedFields. Does nothing in check mode, or where nobody applies the object.

    It takes a write of its own: the API server always makes the client of a write the owner of the fields that the write changes.
    A failure is a warning, since the object itself is as it must be.

    Args:
        obj: The object as it was read or written last.

    Returns:
        The object as it is now.
    """
    live = obj
    for _attempt in range(_ATTEMPTS):
        kept = without_ours(live)
        if kept is None or ctx.check:
            return live
        ctx.guard()
        try:
            return ctx.client.patch(ref, {"metadata": {"managedFields": kept}}, live)
        except Conflict:
            found = ctx.client.find(ref)
            if found is None:
                return live
            live = found
        except ApiError as problem:
            ctx.journal.warnings.append(
                f"{ref} still names progressive.delivery as the manager of fields in metadata.managedFields: {problem}"
            )
            return live
    ctx.journal.warnings.append(
        f"{ref} still names progressive.delivery as the manager of fields in metadata.managedFields: {_ATTEMPTS} write conflicts: "
        "apply it once with --force-conflicts"
    )
    return live
