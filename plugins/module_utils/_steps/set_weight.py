"""Step set_weight: the canary's share of the traffic."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .._objects.reading import whole
from .action import Action
from .actions import EnsureCanary, SharePods
from .step import CanaryState, MinimumPods, TrafficStep


@dataclass(frozen=True)
class SetWeight(TrafficStep):
    """Gives the canary a share of the traffic, in percent."""

    key: ClassVar[str] = "set_weight"
    description: ClassVar[str] = "C(set_weight) is the share of the traffic of the canary, in percent."
    by_pods: ClassVar[bool] = True

    weight: int

    def __str__(self) -> str:
        return f"set_weight {self.weight}"

    @classmethod
    def parse(cls, value: Any, where: str) -> SetWeight:
        """A whole number of percent; as text too, since ansible-core 2.16 leaves templates in a list as text."""
        return cls(whole(where, value, 0, 100))

    @property
    def new_weight(self) -> int:
        return self.weight

    def apply(self, canary: CanaryState) -> None:
        canary.weight = self.weight

    def compile_for_pods(self, minimum: MinimumPods) -> list[Action]:
        return [SharePods(self.weight, minimum.pods)]

    def first_size(self, minimum: MinimumPods) -> EnsureCanary:
        return EnsureCanary(self.weight, least=minimum.pods if self.weight else 1)
