"""Step set_canary_scale: the size of the canary, whatever its share of the traffic."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .._objects.reading import keys, truth, whole
from .._objects.refusal import Refused
from .step import Option, ScaleStep

_MOST_PODS = 2**31 - 1


@dataclass(frozen=True)
class SetCanaryScale(ScaleStep):
    """Gives the canary a size from here on: a number of pods, or percent of the stable ones; neither: by weight again."""

    key: ClassVar[str] = "set_canary_scale"
    description: ClassVar[str] = (
        "C(set_canary_scale) sets the number of pods of the canary, by C(replicas), or by C(percent) or C(weight) of the stable "
        "pods, independent of its share of the traffic. C(match_traffic_weight=true) ends this. The canary is scaled down only "
        "without traffic."
    )
    options: ClassVar[tuple[Option, ...]] = (
        Option("replicas", "int"),
        Option("percent", "int"),
        Option("weight", "int"),
        Option("match_traffic_weight", "bool"),
    )

    replicas: int | None = None
    percent: int | None = None

    def __str__(self) -> str:
        if self.replicas is None and self.percent is None:
            return "set_canary_scale by weight"
        return f"set_canary_scale {self.replicas}" if self.replicas is not None else f"set_canary_scale {self.percent} %"

    @classmethod
    def parse(cls, value: Any, where: str) -> SetCanaryScale:
        """A mapping of one of the options."""
        names = tuple(each.name for each in cls.options)
        given = keys(where, value, (), names)
        if len(given) != 1:
            raise Refused(where, f"must have exactly one key, not {len(given)}", f"use one of {', '.join(names)}")
        [(key, raw)] = given.items()
        if key == "match_traffic_weight":
            if not truth(f"{where}.{key}", {"1": True, "0": False}.get(str(raw), raw)):
                raise Refused(f"{where}.{key}", "can only be true", "use true, or another key")
            return cls()
        if key == "replicas":
            return cls(replicas=whole(f"{where}.{key}", raw, 1, _MOST_PODS))
        return cls(percent=whole(f"{where}.{key}", raw, 1, 100))

    @property
    def size(self) -> tuple[int, int | None] | None:
        return None if self.replicas is None and self.percent is None else (self.percent or 0, self.replicas)
