"""Which fields of an object this collection owns in metadata.managedFields, and the list without them."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# The API server takes the field manager's name from the part of the User-Agent before the slash.
MANAGER = "progressive.delivery"
_APPLY, _UPDATE = "Apply", "Update"
_MOST = 200  # entries; whoever may write the object may write this list, too


def entries_of(obj: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The entries of metadata.managedFields, without those of subresources (status, scale)."""
    for entry in ((obj.get("metadata") or {}).get("managedFields") or [])[:_MOST]:
        if isinstance(entry, Mapping) and not entry.get("subresource"):
            yield entry


def appliers(obj: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The entries of the clients that apply the object server-side. An API server tells only those of conflicts."""
    return [entry for entry in entries_of(obj) if entry.get("operation") == _APPLY and entry.get("manager") != MANAGER]


def without_ours(obj: Mapping[str, Any]) -> list[Any] | None:
    """The managedFields of the object without the entries of this collection.

    Returns:
        None where nothing is to be written: no field is owned here, or nobody applies the object server-side.
    """
    ours = [entry for entry in entries_of(obj) if entry.get("manager") == MANAGER and entry.get("operation") == _UPDATE]
    if not ours or not appliers(obj):
        return None
    return [entry for entry in obj["metadata"]["managedFields"] if not any(entry is each for each in ours)]
