"""Step pause: a wait for some time, or until the rollout is promoted."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .._objects.durations import seconds, show
from .._objects.reading import choice, keys
from .._objects.refusal import Refused
from .action import Action
from .actions import WaitPause
from .step import CanaryState, MinimumPods, Option, Step

THEN = ("abort", "promote")


@dataclass(frozen=True)
class Pause(Step):
    """Waits.

    Attributes:
        duration: In seconds; None to wait until the rollout is promoted.
        expires: For how many seconds it waits for that at most; None for any time.
        then: What the next call does with a pause that has expired.
    """

    key: ClassVar[str] = "pause"
    description: ClassVar[str] = (
        "C(pause) waits for its C(duration). With an empty mapping it waits for a promotion. With C(expires) the promotion must "
        "come within this time; the first call after it does what C(then) says, V(abort) (default) or V(promote)."
    )
    options: ClassVar[tuple[Option, ...]] = (
        Option("duration", "duration"),
        Option("expires", "duration"),
        Option("then", "str", choices=THEN),
    )
    by_pods: ClassVar[bool] = True

    duration: float | None
    expires: float | None = None
    then: str = THEN[0]

    def __str__(self) -> str:
        if self.duration is not None:
            return f"pause {show(self.duration)}"
        return "pause until promoted" + ("" if self.expires is None else f", for {show(self.expires)} at most, then {self.then}")

    @classmethod
    def parse(cls, value: Any, where: str) -> Pause:
        """A mapping of the options, or just the duration."""
        options = {} if value is None else value
        given = keys(where, options if isinstance(options, Mapping) else {"duration": value}, (), tuple(each.name for each in cls.options))
        if "expires" in given:
            return cls._expiring(given, where)
        if "then" in given:
            raise Refused(f"{where}.then", "is for a pause that expires", "set expires too, for example 4h, or remove then")
        return cls(seconds(given["duration"], f"{where}.duration") if "duration" in given else None)

    @classmethod
    def _expiring(cls, given: Mapping[str, Any], where: str) -> Pause:
        if "duration" in given:
            raise Refused(where, "has both duration and expires, and a pause with a duration ends by itself", "remove one of the two")
        expires = seconds(given["expires"], f"{where}.expires")
        if not expires:
            raise Refused(f"{where}.expires", "must be more than 0 seconds", "use a longer time, or a pause with a duration")
        then = given.get("then", THEN[0])
        choice(f"{where}.then", then, THEN)
        return cls(None, expires, then)

    @property
    def expiry(self) -> tuple[float, str] | None:
        return None if self.expires is None else (self.expires, self.then)

    def compile(self, _canary: CanaryState) -> list[Action]:
        return [WaitPause(self.duration)]

    def compile_for_pods(self, _minimum: MinimumPods) -> list[Action]:
        return [WaitPause(self.duration)]
