"""Time, in one place, so that a test can put another in its stead."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time


class Clock:
    """The machine's own time."""

    def now(self) -> float:
        """Epoch seconds: to be written down and read by other processes."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds for measuring inside this process."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Do nothing for so long."""
        time.sleep(max(0.0, seconds))
