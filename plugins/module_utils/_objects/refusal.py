"""The one exception for input or state that stops a call before it writes anything."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from .problem import ProblemError


class Refused(ProblemError):
    """Says what is wrong, on which object, and what to do about it, in one line.

    Raised before the first write of a call: whoever sees it knows that nothing was changed.
    """

    def at_step(self, step: str) -> Refused:
        """The same problem with the step of a plan that causes it; empty for none."""
        return Refused(self.problem.object, f"{self.problem.what} ({step})", self.problem.remedy) if step else self


class Drifted(Refused):
    """Somebody else changed what was set here: what now is right is for people to say, so nothing is undone by itself."""
