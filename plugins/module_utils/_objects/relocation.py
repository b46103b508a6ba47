"""Finds changed fields again after somebody renamed or edited the list element in which they stand."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import paths
from .paths import MISSING, Path, Step


@dataclass(frozen=True)
class Field:
    """A field that was changed: what it was, what it was set to, for whom (`by`), and how much of its path was there."""

    path: Path
    was: Any
    now: Any
    by: str
    depth: int = 0


def found_again(obj: Mapping[str, Any], fields: Sequence[Field]) -> list[Field]:
    """The fields, with paths that lead to where they stand now.

    An element is known by what was put into it: it is the only one of its list in which all these fields are as they were set.
    """
    found = list(fields)
    for length in range(1, max((len(field.path) for field in fields), default=0)):
        groups: dict[str, list[int]] = {}
        for number, field in enumerate(found):
            if _is_in_a_list(field, length):
                groups.setdefault(_key(field.path[:length]), []).append(number)
        for numbers in groups.values():
            step = _element(obj, [found[number] for number in numbers], found, length)
            if step is None:
                continue
            for number in numbers:
                field = found[number]
                found[number] = replace(field, path=(*field.path[: length - 1], step, *field.path[length:]))
    return found


def is_lost(obj: Mapping[str, Any], field: Field) -> bool:
    """Whether what the field stood in is gone."""
    parent = field.path[:-1]
    return paths.depth_present(obj, parent) < min(field.depth, len(parent))


def _is_in_a_list(field: Field, length: int) -> bool:
    """Whether the path's first steps lead to an element of a list which was there before the field was set, and to something in it."""
    return length < len(field.path) and length <= field.depth and not isinstance(field.path[length - 1], str)


def _key(path: Path) -> str:
    return json.dumps(list(path), sort_keys=True)


def _element(obj: Mapping[str, Any], group: Sequence[Field], fields: Sequence[Field], length: int) -> Step | None:
    """What selects the element in which the fields of a group stand now, None where that is what they say, or cannot be told."""
    parent, old = group[0].path[: length - 1], group[0].path[length - 1]
    elements = paths.get(obj, parent)
    if not isinstance(elements, list) or all(field.now is MISSING for field in group):
        return None
    there = paths.answering(elements, old)
    if there and (isinstance(old, Mapping) or _holds(elements[there[0]], group, length)):
        return None
    others = {_key(field.path[:length]): field for field in fields if _is_in_a_list(field, length) and field.path[: length - 1] == parent}
    others.pop(_key(group[0].path[:length]))
    taken = {index for field in others.values() for index in paths.answering(elements, field.path[length - 1])}
    found = [index for index, each in enumerate(elements) if index not in taken and _holds(each, group, length)]
    if len(found) != 1:
        return None
    if isinstance(old, int):
        return found[0]
    step = {dotted: _value(elements[found[0]], dotted) for dotted in old}
    return step if paths.answering(elements, step) == found else None


def _holds(element: Any, group: Sequence[Field], length: int) -> bool:
    try:
        return all(paths.get(element, field.path[length:]) == field.now for field in group)
    except paths.AmbiguousPath:
        return False


def _value(element: Any, dotted: str) -> Any:
    value = paths.get(element, dotted.split("."))
    return None if value is MISSING else value
