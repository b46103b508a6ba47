"""Step set_mirror_route: requests that are copied to the canary."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .._objects.reading import MAX_SERVICE, keys, named
from .._objects.shown import echo
from .matches import read_mirror
from .step import CanaryState, Option, Step, TrafficStep


@dataclass(frozen=True)
class SetMirrorRoute(TrafficStep):
    """Copies percent of the requests to the canary; 0 ends that."""

    key: ClassVar[str] = "set_mirror_route"
    description: ClassVar[str] = (
        "C(set_mirror_route) copies C(percent) of the requests to the canary and discards the answers. V(0) ends it. It has a C(name), too."
    )
    options: ClassVar[tuple[Option, ...]] = (
        Option("name", "str", required=True),
        Option("percent", "float"),
    )

    name: str
    percent: float

    def __str__(self) -> str:
        return f"set_mirror_route {self.name}: {self.percent:g} %"

    @classmethod
    def parse(cls, value: Any, where: str) -> SetMirrorRoute:
        """A mapping of the options."""
        given = keys(where, value, ("name",), ("percent",))
        percent = read_mirror(given.get("percent", 0), f"{where}.percent")
        return cls(named(f"{where}.name", given["name"], MAX_SERVICE), percent)

    def apply(self, canary: CanaryState) -> None:
        canary.mirror = self.percent

    def conflict(self, before: Sequence[Step]) -> str:
        """Requests are copied under one name at a time."""
        copied = {step.name: step.percent for step in before if isinstance(step, SetMirrorRoute)}
        others = [name for name, percent in copied.items() if percent and name != self.name]
        return f"cannot copy requests as {echo(self.name)} while they are copied as {echo(others[0])}" if self.percent and others else ""
