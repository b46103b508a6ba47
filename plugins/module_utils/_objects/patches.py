"""What must be sent to turn one object into another, and how a change is shown."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any


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


def guarded(patch: dict[str, Any], seen: dict[str, Any]) -> dict[str, Any]:
    """The patch, refused by the API server with 409 unless the object is still as it was seen."""
    metadata = {**patch.get("metadata", {}), "resourceVersion": seen["metadata"]["resourceVersion"]}
    return {**patch, "metadata": metadata}


def diff_entry(title: str, before: Any, after: Any) -> dict[str, Any]:
    """One entry of Ansible's diff, free of the fields that the API server keeps itself, and of what Secrets hold."""
    return {"before_header": title, "after_header": title, "before": _shown(before), "after": _shown(after)}


def without_managed_fields(obj: dict[str, Any]) -> dict[str, Any]:
    """The object without the API server's book-keeping of who set what, which is longer than all the rest."""
    return {**obj, "metadata": {key: value for key, value in obj["metadata"].items() if key != "managedFields"}}


_SECRET_PARTS, _HIDDEN = ("data", "stringData"), "********"
_SERVER_FIELDS = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink")


def _shown(obj: Any) -> Any:
    if not isinstance(obj, dict):
        return obj or ""
    metadata = {key: value for key, value in obj.get("metadata", {}).items() if key not in _SERVER_FIELDS}
    hidden = {key: dict.fromkeys(obj[key], _HIDDEN) for key in _SECRET_PARTS if obj.get("kind") == "Secret" and obj.get(key)}
    return {**{key: value for key, value in obj.items() if key != "status"}, **hidden, "metadata": metadata}


def merge_diffs(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry per object: its first `before` and its last `after`, without those that ended as they began."""
    merged: dict[str, dict[str, Any]] = {}
    for entry in entries:
        first = merged.setdefault(entry["before_header"], dict(entry))
        first["after"] = entry["after"]
    return [entry for entry in merged.values() if entry["before"] != entry["after"]]
