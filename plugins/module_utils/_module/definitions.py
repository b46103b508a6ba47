"""Router definitions as users give them: a mapping, YAML, or the path of a YAML file."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from typing import Any

from .._objects.refusal import Refused


def given_definition(value: Any, where: str = "definition") -> Any:
    """What the option says; whether it is a definition is for its reader to judge. where: the option, in messages."""
    if not isinstance(value, str) or not value:
        return value
    import yaml  # late: most calls have no definition

    try:
        return yaml.safe_load(value if "\n" in value else Path(value).expanduser().read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise Refused(f"{where}: {value} cannot be read ({problem}): give the path of a YAML file, or a mapping") from None
    except yaml.YAMLError as problem:
        raise Refused(f"{where}: not YAML: {problem}") from None


def with_definitions(routers: Any) -> Any:
    """The routers of a plan with what the files say that they name, so that later calls need no files."""
    if not isinstance(routers, list):
        return routers
    return [
        {**each, "definition": given_definition(each["definition"], f"routers, number {number}, definition")}
        if isinstance(each, dict) and each.get("definition")
        else each
        for number, each in enumerate(routers, 1)
    ]
