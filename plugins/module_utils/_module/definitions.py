"""Router definitions as users give them: a mapping, YAML, or the path of a YAML file."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from .._objects import pages
from .._objects.refusal import Refused
from .._objects.shown import shown

_LARGEST = 65536  # bytes of a text or file
_MOST_VALUES = 500
_DEEPEST = 20
_LONGEST_PATH = 200  # of a path in a message


def given_definition(value: Any, where: str = "definition") -> Any:
    """What the option says; whether it is a definition is for its reader to judge. Messages never repeat what a text or file holds.

    Args:
        value: A mapping, YAML of several lines, or the path of a YAML file; anything else is returned as it is.
        where: The option, in messages.
    """
    if isinstance(value, (dict, list)):
        _refuse_large(value, where)
    if not isinstance(value, str) or not value:
        return value
    return _parsed(value if "\n" in value else _content(value, where), where)


def _content(name: str, where: str) -> str:
    """What a file holds."""
    try:
        path = Path(name).expanduser()
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise OSError("it is not a regular file")
        with open(path, "rb") as file:
            content = file.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise OSError(f"it has more than {_LARGEST} bytes")
        return content.decode("utf-8")
    except (OSError, RuntimeError, ValueError) as problem:
        path_shown = shown(name, _LONGEST_PATH)
        why = "it is not UTF-8" if isinstance(problem, UnicodeDecodeError) else getattr(problem, "strerror", None) or problem
        raise Refused(
            where, f"names {path_shown}, which cannot be read ({shown(why, _LONGEST_PATH)})", "give the path of a YAML file, or a mapping"
        ) from None


def _parsed(text: str, where: str) -> Any:
    import yaml  # late: most calls have no definition

    if len(text.encode("utf-8", errors="replace")) > _LARGEST:
        raise Refused(where, f"has more than {_LARGEST} bytes", f"write a definition, which is much shorter ({pages.ROUTERS})")
    bounds = {"values": 0, "depth": 0}

    class Loader(yaml.SafeLoader):
        """Loads plain values only: an alias can stand for millions of them."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            """One value, and all within it."""
            if self.check_event(yaml.AliasEvent) or getattr(self.peek_event(), "anchor", None):
                line = self.peek_event().start_mark.line + 1
                raise Refused(where, f"has an anchor or an alias (& or *) in line {line}", "write the value out in each place")
            bounds["values"] += 1
            bounds["depth"] += 1
            _refuse_beyond(bounds["values"], bounds["depth"], where)
            node = super().compose_node(parent, index)
            bounds["depth"] -= 1
            return node

    try:
        return yaml.load(text, Loader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        at = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise Refused(where, f"is not YAML of plain values{at}", "correct it there") from None
    except (yaml.YAMLError, ValueError, TypeError, OverflowError, RecursionError):
        raise Refused(where, "is not YAML of plain values", "use text, numbers, lists and mappings") from None


def _refuse_large(value: Any, where: str) -> None:
    """Raises Refused for a mapping with too many values, or too deep, for any definition."""
    values, level = 0, [value]
    depth = 0
    while level:
        depth += 1
        values += len(level)
        _refuse_beyond(values, depth, where)
        level = [
            each
            for node in level
            if isinstance(node, (dict, list, tuple))
            for each in ([*node, *node.values()] if isinstance(node, dict) else node)
        ]


def _refuse_beyond(values: int, depth: int, where: str) -> None:
    if values > _MOST_VALUES:
        raise Refused(
            where, f"has more than {_MOST_VALUES} keys and values", f"write a definition, which is much shorter ({pages.ROUTERS})"
        )
    if depth > _DEEPEST:
        raise Refused(where, f"is more than {_DEEPEST} levels deep", f"write a definition, which is much flatter ({pages.ROUTERS})")


def with_definitions(routers: Any) -> Any:
    """The routers of a plan with what the files say that they name, so that later calls need no files."""
    if not isinstance(routers, list):
        return routers
    return [
        {**each, "definition": given_definition(each["definition"], f"routers[{number}].definition")}
        if isinstance(each, dict) and each.get("definition")
        else each
        for number, each in enumerate(routers)
    ]
