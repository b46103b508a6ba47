"""Step preview of blue-green: the new version runs behind the preview Service."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .step import ScaleStep


@dataclass(frozen=True)
class Preview(ScaleStep):
    """Runs the new version in so many pods; None: as many as the active version has. A plan gets it from its part `bluegreen`."""

    key: ClassVar[str] = "preview"

    replicas: int | None

    def __str__(self) -> str:
        return "preview" if self.replicas is None else f"preview in {self.replicas} {'pod' if self.replicas == 1 else 'pods'}"

    @property
    def size(self) -> tuple[int, int | None]:
        return (100 if self.replicas is None else 0, self.replicas)
