"""metadata.managedFields as an API server keeps it, as far as the collection can tell: who changes a field owns it, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .kinds import Object

OURS = "progressive.delivery"


def applied(obj: Object, manager: str = "flux") -> Object:
    """The object as a client that applies server-side has made it, which owns its labels, annotations and spec."""
    metadata = {key: value for key, value in obj["metadata"].items() if key in ("labels", "annotations")}
    entry = {
        "manager": manager,
        "operation": "Apply",
        "fieldsType": "FieldsV1",
        "fieldsV1": _fields({"metadata": metadata, "spec": obj["spec"]}),
    }
    return {**obj, "metadata": {**obj["metadata"], "managedFields": [entry]}}


def updated(live: Object, after: Object, patch: Object) -> Object:
    """The object after an update by this collection. An object that nobody has applied keeps no such list here."""
    if not live["metadata"].get("managedFields") or "managedFields" in (patch.get("metadata") or {}):
        return after
    changed = [path for path in _changed(live, after) if path[0] in ("spec", "metadata")]
    if not changed:
        return after
    entries = {(each["manager"], each["operation"]): each for each in live["metadata"]["managedFields"]}
    gone = {key: _without(each["fieldsV1"], changed) for key, each in entries.items()}
    mine = gone.pop((OURS, "Update"), {})
    for path in changed:
        if _there(after, path):
            _add(mine, path)
    fields = {**gone, (OURS, "Update"): mine}
    found = [{"manager": key[0], "operation": key[1], "fieldsType": "FieldsV1", "fieldsV1": each} for key, each in fields.items() if each]
    return {**after, "metadata": {**after["metadata"], "managedFields": found}}


def _fields(value: Any) -> Object:
    """Mappings are taken apart, lists belong to one owner as a whole."""
    return {f"f:{key}": _fields(each) for key, each in value.items()} if isinstance(value, dict) else {}


def _changed(live: Any, after: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(live, dict) and isinstance(after, dict):
        for key in sorted({*live, *after}):
            if path == ("metadata",) and key not in ("labels", "annotations"):
                continue
            if key not in live or key not in after or live[key] != after[key]:
                yield from _changed(live.get(key), after.get(key), (*path, key))
    else:
        yield path


def _there(obj: Any, path: tuple[str, ...]) -> bool:
    for key in path:
        if not isinstance(obj, dict) or key not in obj:
            return False
        obj = obj[key]
    return True


def _without(fields: Object, paths: list[tuple[str, ...]]) -> Object:
    found = {}
    for key, inner in fields.items():
        below = [path[1:] for path in paths if f"f:{path[0]}" == key]
        if () in below:
            continue
        rest = _without(inner, below) if below else inner
        if rest or not inner:
            found[key] = rest
    return found


def _add(fields: Object, path: tuple[str, ...]) -> None:
    for key in path:
        fields = fields.setdefault(f"f:{key}", {})
