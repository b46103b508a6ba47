# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Callable

from ansible_collections.progressive.delivery.plugins.module_utils._objects.durations import seconds
from ansible_collections.progressive.delivery.plugins.module_utils._objects.reading import keys, members
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._objects.shown import echo, shown

DOCUMENTATION = r"""
name: checks
short_description: Read the checks of a release
description:
  - Says which checks the role P(progressive.delivery.bluegreen#role) runs at which moment, and what is wrong with those that cannot be run.
version_added: 0.1.0
author:
  - progressive.delivery contributors (@progressive-delivery)
positional: name
options:
  _input:
    description:
      - Lists of checks, by the moment at which they are run.
      - Each is the absolute path of a task file, or a mapping of C(command), a command line as text or as a list, C(timeout), how
        long it may take, in seconds or as a duration such as V(5m); V(60s) by default, and C(name), what messages call the check.
    type: dict
    required: true
  name: {description: What messages call them., type: str, default: checks}
"""

EXAMPLES = r"""
- name: Read a check
  ansible.builtin.set_fact:
    checks: "{{ {'before_switch': [{'command': 'curl -f http://preview'}]} | progressive.delivery.checks }}"
"""

RETURN = r"""
_value:
  description:
    - The same moments, each check with its C(title), and a C(file), or C(argv) and C(timeout) in whole seconds.
    - The title is the check's C(name), or else the base name of its command without arguments, or the path of its task file.
    - One that cannot be run is just a C(problem), which says why.
  type: dict
"""

_TIMEOUT = "60s"
_LONGEST_TITLE = 100


def checks(given: Mapping[str, Any], name: str = "checks") -> dict[str, list[dict[str, Any]]]:
    """The checks of each moment, ready to be run, or what is wrong with them."""
    return {moment: list(_each(listed, f"{name}.{moment}")) for moment, listed in given.items()}


def _each(listed: Any, where: str) -> Iterator[dict[str, Any]]:
    if not isinstance(listed, (list, tuple)):
        yield {"problem": f"{where} must be a list, not {echo(listed)}: write a list of task files and commands"}
        return
    for each_where, one in members(where, listed):
        try:
            yield _check(one, each_where)
        except Refused as problem:
            yield {"problem": str(problem)}


def _check(one: Any, where: str) -> dict[str, Any]:
    if isinstance(one, Mapping):
        value = keys(where, one, ("command",), ("timeout", "name"))
        argv = _argv(value["command"], where)
        timeout = math.ceil(seconds(value.get("timeout", _TIMEOUT), f"{where}.timeout"))
        if timeout < 1:
            raise Refused(f"{where}.timeout", f"must be longer than 0, not {echo(value['timeout'])}", "use at least 1s")
        return {"title": _title(value.get("name"), argv, where), "argv": argv, "timeout": timeout}
    if not (isinstance(one, str) and os.path.isabs(one) and os.path.isfile(one)):
        problem = f"must be the absolute path of a task file or a mapping with command, not {echo(one)}"
        raise Refused(where, problem, "name a file that exists on the machine that runs Ansible")
    return {"title": str(one), "file": str(one)}


def _title(name: Any, argv: list[str], where: str) -> str:
    """What is printed and recorded of a check: never its arguments, which may hold secrets."""
    if name is None:
        return shown(os.path.basename(argv[0]) or argv[0], _LONGEST_TITLE)
    if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_TITLE:
        raise Refused(f"{where}.name", f"must be a name, not {echo(name)}", f"use a string of at most {_LONGEST_TITLE} characters")
    return shown(name.strip(), _LONGEST_TITLE)


def _argv(command: Any, where: str) -> list[str]:
    try:
        argv = shlex.split(command) if isinstance(command, str) else [str(word) for word in command]
    except (TypeError, ValueError) as problem:
        # Not the command itself, which may hold secrets.
        raise Refused(f"{where}.command", f"is not a command line ({problem})", "write a string, or a list of words") from None
    if not argv:
        raise Refused(f"{where}.command", "is empty", "name a command, or remove the check")
    return argv


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"checks": checks}
