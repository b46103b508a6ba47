"""Paths to fields inside an object, through lists too, that survive being stored as JSON."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any, Union

# A step is a key of a mapping, an index of a list, or a mapping of dotted keys to values which selects
# the one element of a list that has them: ("spec", "http", {"name": "primary"}, "route", 0, "weight").
# The value None also stands for a key that is not there: {"name": None} selects the one element without a name.
Step = Union[str, int, Mapping[str, Any]]
Path = Sequence[Step]


class _Missing:
    """The value of a field that is not there; None is a value in JSON, so it cannot say that."""

    def __repr__(self) -> str:
        return "MISSING"

    def __deepcopy__(self, memo: Any) -> _Missing:
        return self

    def __bool__(self) -> bool:
        return False


MISSING = _Missing()


class AmbiguousPath(Exception):
    """A selecting step that more than one element of the list answers to."""


def get(obj: Any, path: Path) -> Any:
    """The value at the path, or MISSING."""
    for step in path:
        key = _locate(obj, step)
        if key is None:
            return MISSING
        obj = obj[key]
    return obj


def replace(obj: Any, path: Path, value: Any, place: int | None = None) -> Any:
    """A copy of the object with the value at the path; MISSING takes the field away.

    Parents that are not there are made. A selecting step that no element answers to appends one that does; when it is the last step,
    `place` says before which index the new element goes instead.
    """
    changed = copy.deepcopy(obj)
    if value is MISSING:
        _remove(changed, path)
    else:
        _put(changed, path, copy.deepcopy(value), place)
    return changed


def depth_present(obj: Any, path: Path) -> int:
    """How many steps of the path lead to something that is there."""
    for count, step in enumerate(path):
        key = _locate(obj, step)
        if key is None:
            return count
        obj = obj[key]
    return len(path)


def prune(obj: Any, path: Path, depth: int) -> Any:
    """A copy without the empty parents of the path below the given depth."""
    for end in range(len(path) - 1, depth, -1):
        if get(obj, path[:end]) not in ({}, []):
            break
        obj = replace(obj, path[:end], MISSING)
    return obj


def answering(elements: Sequence[Any], step: Step) -> list[int]:
    """The indexes of the elements of a list for which a step stands."""
    if isinstance(step, int):
        return [step] if step < len(elements) else []
    return [index for index, each in enumerate(elements) if isinstance(step, Mapping) and _answers(each, step)]


def show(path: Path) -> str:
    """The path for people: `spec.http[name=primary].route[0].weight`."""
    text = ""
    for step in path:
        if isinstance(step, Mapping):
            wanted = [f"{key.split('.')[-1]}={_short(value)}" for key, value in step.items() if value is not None]
            text += "[" + (",".join(wanted) or "without " + ", ".join(step)) + "]"
        else:
            text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.lstrip(".")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _locate(obj: Any, step: Step) -> str | int | None:
    """The key or index that the step stands for in obj, None where nothing answers to it."""
    if isinstance(step, Mapping):
        if not isinstance(obj, list):
            return None
        found = answering(obj, step)
        if len(found) > 1:
            raise AmbiguousPath(show([step]))
        return found[0] if found else None
    if isinstance(step, int):
        return step if isinstance(obj, list) and step < len(obj) else None
    return step if isinstance(obj, Mapping) and step in obj else None


def _answers(element: Any, wanted: Mapping[str, Any]) -> bool:
    return all(_same(get(element, dotted.split(".")), value) for dotted, value in wanted.items())


def _same(value: Any, wanted: Any) -> bool:
    return bool(value == wanted) or (wanted is None and value is MISSING)


def _put(obj: Any, path: Path, value: Any, place: int | None = None) -> None:
    for step, following in zip(path, path[1:]):
        key = _locate(obj, step)
        if key is None:
            key = _make(obj, step, {} if isinstance(following, str) else [])
        obj = obj[key]
    last = path[-1]
    key = _locate(obj, last)
    if key is None:
        _make(obj, last, value, place)
    else:
        obj[key] = value


def _make(obj: Any, step: Step, value: Any, place: int | None = None) -> str | int:
    if isinstance(step, str):
        obj[step] = value
        return step
    if isinstance(step, Mapping) and isinstance(value, dict):
        for dotted, wanted in step.items():
            if wanted is not None:
                _put(value, dotted.split("."), wanted)
    elements: list[Any] = obj
    index = len(elements) if place is None else min(place, len(elements))
    elements.insert(index, value)
    return index


def _remove(obj: Any, path: Path) -> None:
    parent = get(obj, path[:-1])
    key = None if parent is MISSING else _locate(parent, path[-1])
    if key is not None:
        del parent[key]
