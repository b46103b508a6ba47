"""What must be sent to turn one object into another, and how a change is shown."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from .hidden import compared, hide, plain
from .shown import shown


def merge_patch(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The JSON merge patch (RFC 7386) that turns `before` into `after`; lists are replaced whole."""
    patch: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        old = before.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            inner = merge_patch(old, value)
            if inner:
                patch[key] = inner
        elif key not in before or old != value:
            patch[key] = value
    return patch


def merged(obj: Any, patch: Any) -> Any:
    """The object after a JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(obj) if isinstance(obj, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def with_resource_version(patch: dict[str, Any], seen: dict[str, Any]) -> dict[str, Any]:
    """The patch, which the API server refuses with 409 unless the object is still as it was seen."""
    metadata = {**patch.get("metadata", {}), "resourceVersion": seen["metadata"]["resourceVersion"]}
    return {**patch, "metadata": metadata}


def diff_entry(title: str, before: Any, after: Any) -> dict[str, Any]:
    """One entry of Ansible's diff, free of the fields that the API server keeps itself; secret values are Hidden in it."""
    header = shown(title)
    return {"before_header": header, "after_header": header, "before": _shown(before), "after": _shown(after)}


def without_managed_fields(obj: dict[str, Any]) -> dict[str, Any]:
    """The object as results hold it: without secret values, and without the API server's notes on who set what, which are longer."""
    shown_object: dict[str, Any] = plain(hide(obj))
    return {**shown_object, "metadata": {key: value for key, value in shown_object["metadata"].items() if key != "managedFields"}}


_SERVER_FIELDS = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")


def _shown(obj: Any) -> Any:
    if not isinstance(obj, dict):
        return obj or ""
    hidden: dict[str, Any] = hide(obj)
    metadata = {key: value for key, value in (hidden.get("metadata") or {}).items() if key not in _SERVER_FIELDS}
    return {**{key: value for key, value in hidden.items() if key != "status"}, "metadata": metadata}


def merge_diffs(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry per object, ready to be printed: its first `before` and its last `after`, without those that ended as they began.

    Secret values are stars, with the word `changed` at those that were changed.
    """
    merged: dict[str, dict[str, Any]] = {}
    for entry in entries:
        first = merged.setdefault(entry["before_header"], dict(entry))
        first["after"] = entry["after"]
    shown_entries = [
        {**entry, "before": plain(entry["before"]), "after": compared(entry["before"], entry["after"])} for entry in merged.values()
    ]
    return [entry for entry in shown_entries if entry["before"] != entry["after"]]
