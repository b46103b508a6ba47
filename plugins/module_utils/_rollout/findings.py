"""What stands in the way of a rollout, or endangers it: one object, what is wrong with it, and the remedy."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from dataclasses import dataclass

from .._objects.problem import ProblemError

FATAL, WARNING, INFO = "fatal", "warning", "info"


@dataclass(frozen=True)
class Finding:
    """fatal: the rollout cannot be done so. warning: it can, and users must know about it. info: it is good to know."""

    severity: str
    object: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.object} {self.problem}: {self.remedy}"


def fatal(title: str, problem: str, remedy: str) -> Finding:
    """A finding that stops the rollout."""
    return Finding(FATAL, title, problem, remedy)


def warning(title: str, problem: str, remedy: str) -> Finding:
    """A finding that does not."""
    return Finding(WARNING, title, problem, remedy)


def info(title: str, problem: str, remedy: str) -> Finding:
    """A finding that is true of most releases."""
    return Finding(INFO, title, problem, remedy)


_OBJECT = re.compile(r"[A-Z]\w+ [^\s/]+/[^\s:,]+")  # as a Ref is written


def of_error(title: str, error: ProblemError) -> Finding:
    """The finding that stands for an error. title: the object, where the error does not tell it apart."""
    problem = error.problem
    return fatal(problem.object, problem.what, problem.remedy) if problem.object else of_message(title, str(error))


def of_message(title: str, message: str) -> Finding:
    """The finding that an error message tells, which ends with the remedy; title: the object, unless the message begins with one."""
    head, _colon, remedy = message.rpartition(": ")
    named = _OBJECT.match(head)
    title = named.group() if named else title
    return fatal(title, head.removeprefix(title).lstrip(":, "), remedy) if head else fatal(title, message, "mend it, and run again")
