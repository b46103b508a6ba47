"""Changes to an object that the user owns, remembered on it so that they can be put back to the letter."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Callable

from . import paths
from .paths import MISSING, Path
from .refusal import Drifted, Refused
from .relocation import Field, found_again, is_lost
from .resources import title_of
from .restorable import may_restore
from .untrusted import read_json

# Holds {"at": epoch seconds of the last change, "fields": [...]}: the fields that we changed, what each was
# before the first change (no `was`: it was absent), what we set it to, and on whose behalf; and with a record_key a seal (seals.py).
ANNOTATION = "progressive.delivery/original"

ON_DRIFT = ("fail", "repair", "accept")
_LONGEST_PATH, _MOST_FIELDS = 20, 1000


@dataclass(frozen=True)
class Edit:
    """A value that a field must have; MISSING: the field must be absent.

    place: where the path selects an element of a list that is not there, before which index the new one goes; None: at the end.
    """

    path: Path
    value: Any
    place: int | None = None


def base_of(live: dict[str, Any], by: str, on_drift: str = "fail", memory: Sequence[Field] | None = None) -> dict[str, Any]:
    """The object without this owner's edits, which is what new edits are computed from."""
    return _undone(live, _remembered(live, by, memory)[1], "accept" if on_drift == "accept" else "repair")


@dataclass(frozen=True)
class Edited:
    """An object as it should be: the object, the memory of this owner's fields, the paths that somebody else had changed."""

    obj: dict[str, Any]
    fields: list[Field]
    drifted: list[str]


def edited(
    live: dict[str, Any],
    by: str,
    edits_of: Callable[[dict[str, Any]], Sequence[Edit]],
    on_drift: str = "fail",
    memory: Sequence[Field] | None = None,
) -> Edited:
    """The object with this owner's edits, computed from the object as it was before this owner's first edit.

    live: the object as it is, with or without memory in its annotation.
    edits_of: given the object without this owner's edits, the edits that it shall have; none puts it back.
    memory: what the owner remembers apart from the annotation, used where the annotation does not know the field.

    Computing from the original each time makes the result depend on the wish alone, not on the calls before it.
    Raises Drifted when somebody else changed a field that was set here and on_drift is `fail`.
    """
    others, mine = _remembered(live, by, memory)
    wishes_nothing = not list(edits_of(_undone(live, mine, "repair")))
    written = [field.path for field in fields_of(live)]
    drifted = [
        field
        for field in mine
        if _drifted(live, field, wishes_nothing or field.path not in written) and not (wishes_nothing and is_lost(live, field))
    ]
    if drifted and on_drift == "fail":
        raise Drifted(_drift_message(live, drifted))
    base = _undone(live, mine, on_drift)
    obj, fields = _applied(base, list(edits_of(base)), by)
    return Edited(obj, others + fields, [paths.show(field.path) for field in drifted])


def stored(edit: Edited, at: float) -> dict[str, Any]:
    """The object to write: the edited object with its memory in the annotation, or without one when there is nothing to remember."""
    if not edit.fields:
        return _without_annotation(edit.obj)
    text = json.dumps({"at": round(at, 3), "fields": [dump(field) for field in edit.fields]}, separators=(",", ":"), sort_keys=True)
    return dict(paths.replace(edit.obj, ("metadata", "annotations", ANNOTATION), text))


def same(live: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether nothing needs to be written: alike but for the time in the memory, and for who of several owners called last."""
    return _without_annotation(live) == _without_annotation(wanted) and _essence(live) == _essence(wanted)


def fields_of(obj: dict[str, Any]) -> list[Field]:
    """The remembered fields of an object, from its annotation, where they stand now."""
    return found_again(obj, _annotation(obj)[1])


def lost(live: dict[str, Any], by: str, memory: Sequence[Field] | None = None) -> list[Path]:
    """Where this owner's edits stood in what is gone, or was changed so that it cannot be found again."""
    _others, mine = _remembered(live, by, memory)
    return [field.path for field in mine if is_lost(live, field)]


def changed_at(obj: dict[str, Any]) -> float | None:
    """When the object was last changed here (epoch seconds), None where nothing is remembered."""
    return _annotation(obj)[0]


def dump(field: Field) -> dict[str, Any]:
    """A field as JSON data."""
    raw: dict[str, Any] = {"path": list(field.path), "by": field.by, "depth": field.depth}
    if field.was is not MISSING:
        raw["was"] = field.was
    if field.now is not MISSING:
        raw["now"] = field.now
    return raw


def load(raw: Any) -> Field:
    """A field from JSON data; raises ValueError for what is none."""
    if not isinstance(raw, dict):
        raise ValueError("a field is no mapping")
    path, by, depth = raw.get("path"), raw.get("by"), raw.get("depth", 0)
    if not isinstance(path, list) or not 0 < len(path) <= _LONGEST_PATH or not all(map(_is_step, path)):
        raise ValueError("a field has no path")
    if not isinstance(by, str) or isinstance(depth, bool) or not isinstance(depth, int) or not 0 <= depth <= len(path):
        raise ValueError("a field has no owner or no depth")
    return Field(tuple(path), raw.get("was", MISSING), raw.get("now", MISSING), by, depth)


def _is_step(step: Any) -> bool:
    if isinstance(step, dict):
        return bool(step) and all(isinstance(key, str) and key for key in step)
    return (isinstance(step, str) and bool(step)) or (isinstance(step, int) and not isinstance(step, bool) and step >= 0)


def _essence(obj: dict[str, Any]) -> list[str]:
    """What is remembered; the order, and which owner takes the made parents away, depend on who called last."""
    return sorted(json.dumps(dump(replace(field, depth=0)), sort_keys=True) for field in fields_of(obj))


def _annotation(obj: dict[str, Any]) -> tuple[float | None, list[Field]]:
    text = paths.get(obj, ("metadata", "annotations", ANNOTATION))
    if text is MISSING:
        return None, []
    try:
        memory = read_json(text)
        at, raw = memory.get("at"), memory.get("fields", [])
        if not isinstance(raw, list) or len(raw) > _MOST_FIELDS or isinstance(at, bool) or not isinstance(at, (int, float, type(None))):
            raise ValueError("it is not as it was written")
        fields = [load(each) for each in raw]
    except (AttributeError, ValueError):
        problem = f"carries an annotation {ANNOTATION} that this collection did not write"
        raise Refused(title_of(obj), problem, "put the object back by hand and remove the annotation") from None
    refuse_unchangeable(obj, fields, f"its annotation {ANNOTATION}")
    return at, fields


def refuse_unchangeable(obj: dict[str, Any], fields: Sequence[Field], source: str) -> None:
    """Raises Refused for a remembered field that this collection never changes: whoever wrote it wants it to be written.

    source: what remembers the fields, in messages.
    """
    for field in fields:
        if not may_restore(obj, field.path, field.was):
            path = paths.show(field.path)[:120]
            problem = f"has {path}, which {source} says was changed here, but which progressive.delivery never changes"
            raise Refused(title_of(obj), problem, "put the object back by hand, and remove what says so")


def _remembered(live: dict[str, Any], by: str, memory: Sequence[Field] | None) -> tuple[list[Field], list[Field]]:
    """Other owners' fields, and this owner's: the annotation's, then those that only the owner still remembers."""
    others: list[Field] = []
    mine: list[Field] = []
    for field in fields_of(live):
        if field.by == by:
            mine.append(field)
        else:
            others.append(_with_nothing_below(field, mine))
    known = [field.path for field in mine]
    refuse_unchangeable(live, memory or [], "the record of the rollout")
    return others, mine + _of_last_write(live, [field for field in found_again(live, memory or []) if field.path not in known])


def _of_last_write(live: dict[str, Any], fields: Sequence[Field]) -> list[Field]:
    """One field for each path: the owner remembers what it set last beside what it was about to set, and may have died in between."""
    found: list[Field] = []
    for field in fields:
        same = next((each for each in found if each.path == field.path), None)
        if same is None:
            found.append(field)
        elif _get(live, field.path) == field.now:
            found[found.index(same)] = field
    return found


def _with_nothing_below(field: Field, undone: Sequence[Field]) -> Field:
    """Another owner's field once those that were set before it are undone: it inherits their originals, and the parents that they made."""
    for each in undone:
        if each.path == field.path and each.now == field.was:
            field = replace(field, was=each.was)
        if field.path[: each.depth + 1] == each.path[: each.depth + 1]:
            field = replace(field, depth=min(field.depth, each.depth))
    return field


def _drifted(live: dict[str, Any], field: Field, original_is_fine: bool) -> bool:
    """Whether somebody else changed the field.

    That it has its original value is fine when putting back is all that is wished (somebody did our work), and when only
    the owner remembers it (it does so before it writes, and may have died in between).
    """
    value = _get(live, field.path)
    return value != field.now and not (original_is_fine and value == field.was)


def _get(obj: dict[str, Any], path: Path) -> Any:
    try:
        return paths.get(obj, path)
    except paths.AmbiguousPath:
        what = f"has several elements that match {paths.show(path)}"
        raise Refused(title_of(obj), what, "give them different names or destinations") from None


def _drift_message(live: dict[str, Any], drifted: Sequence[Field]) -> str:
    what = "; ".join(f"{paths.show(field.path)} is {_short(_get(live, field.path))}, was set to {_short(field.now)}" for field in drifted)
    remedy = "set on_drift to repair (set it again) or accept (keep theirs), or put it back"
    return f"{title_of(live)} was changed by somebody else: {what}: {remedy}"


def _short(value: Any) -> str:
    text = "absent" if value is MISSING else json.dumps(value, sort_keys=True)
    return text if len(text) <= 120 else text[:117] + "..."


def _undone(live: dict[str, Any], fields: Sequence[Field], on_drift: str) -> dict[str, Any]:
    """The object before the fields were changed; a drifted field keeps the other's value when told to accept it."""
    obj = _without_annotation(live)
    for field in reversed(fields):
        value = _get(live, field.path)
        if value == field.was or (value != field.now and on_drift == "accept"):
            continue
        if is_lost(obj, field):
            continue  # Somebody took away what the field stood in: there is nothing to put it back into.
        obj = paths.replace(obj, field.path, field.was)
        if field.was is MISSING:
            obj = paths.prune(obj, field.path, field.depth)
    return obj


def _applied(base: dict[str, Any], edits: Sequence[Edit], by: str) -> tuple[dict[str, Any], list[Field]]:
    obj, fields = base, []
    for edit in edits:
        was = _get(base, edit.path)
        if was == edit.value:
            continue
        fields.append(Field(tuple(edit.path), copy.deepcopy(was), edit.value, by, paths.depth_present(base, edit.path)))
        obj = paths.replace(obj, edit.path, edit.value, edit.place)
    return obj, fields


def _without_annotation(obj: dict[str, Any]) -> dict[str, Any]:
    path = ("metadata", "annotations", ANNOTATION)
    if paths.get(obj, path) is MISSING:
        return obj
    return dict(paths.prune(paths.replace(obj, path, MISSING), path, 1))
