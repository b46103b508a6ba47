"""Step switch of blue-green: the active Service gets the new version."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .action import Action
from .step import CanaryState, Step


@dataclass(frozen=True)
class Switch(Step):
    """Points the active Service at the new version. A plan gets it from its part `bluegreen`."""

    key: ClassVar[str] = "switch"

    def __str__(self) -> str:
        return "switch"

    def compile(self, canary: CanaryState) -> list[Action]:
        return list(canary.switch)
