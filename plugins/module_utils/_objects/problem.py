"""A problem as data: the object, what is wrong with it, and the remedy; and the exception that carries one."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """Why a call cannot do what the user asked for.

    Attributes:
        object: What it is about: an object of the cluster as `Service shop/web`, an option as `canary.steps[2].set_weight`, or
            `rollout shop`.
        what: The predicate of a sentence whose subject is the object: `has no ready endpoints`.
        remedy: What to do about it, as an order in lower case: `wait until its pods are ready`.
    """

    object: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.object} {self.what}: {self.remedy}"


class ProblemError(Exception):
    """An exception that carries a Problem.

    Args:
        subject: The object of the problem. Given alone, it is the whole message, not split into the three parts.
        what: See Problem.
        remedy: See Problem.
    """

    def __init__(self, subject: str, what: str = "", remedy: str = "") -> None:
        self.problem = Problem(subject, what, remedy) if what else Problem("", subject, "")
        super().__init__(str(self.problem) if what else subject)
