"""The steps of a canary: a new kind is a dataclass, a reader in READERS, and its actions in _rollout/program.py."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Union

from .._objects.refusal import Refused
from .durations import seconds, show


@dataclass(frozen=True)
class SetWeight:
    """The canary's share of the traffic, in percent."""

    weight: int

    def __str__(self) -> str:
        return f"set_weight {self.weight}"


@dataclass(frozen=True)
class Pause:
    """A wait of `duration` seconds; None: until somebody promotes."""

    duration: float | None

    def __str__(self) -> str:
        return "pause until promoted" if self.duration is None else f"pause {show(self.duration)}"


Step = Union[SetWeight, Pause]


def read_steps(raw: Any) -> tuple[Step, ...]:
    """Reads the list under `canary.steps`; errors name the step by its number, counted from 1."""
    if raw is None:
        return ()
    if not isinstance(raw, Sequence) or isinstance(raw, (str, bytes)):
        raise Refused("canary.steps must be a list, for example [{set_weight: 20}, {pause: {}}]")
    return tuple(_read(step, number) for number, step in enumerate(raw, 1))


def _read(raw: Any, number: int) -> Step:
    where = f"canary.steps, step {number}"
    if not isinstance(raw, Mapping) or len(raw) != 1:
        raise Refused(f"{where}: {raw!r} is not a step: write one of {', '.join(READERS)}, for example set_weight: 20")
    kind, value = next(iter(raw.items()))
    if kind not in READERS:
        raise Refused(f"{where}: unknown kind {kind!r}: use one of {', '.join(READERS)}")
    return READERS[kind](value, f"{where}, {kind}")


def _set_weight(value: Any, where: str) -> Step:
    # Jinja templates in a list of steps arrive as text on ansible-core 2.16.
    text = str(value).strip()
    if isinstance(value, bool) or not text.isdecimal() or int(text) > 100:
        raise Refused(f"{where}: {value!r} is not a weight: use a whole number from 0 to 100")
    return SetWeight(int(text))


def _pause(value: Any, where: str) -> Step:
    options = {} if value is None else value
    if not isinstance(options, Mapping):
        options = {"duration": value}
    unknown = sorted(str(key) for key in options if key != "duration")
    if unknown:
        raise Refused(f"{where}: unknown option {', '.join(unknown)}: use duration, or nothing for a pause until promoted")
    duration = options.get("duration")
    return Pause(None if duration is None else seconds(duration, f"{where}, duration"))


READERS: dict[str, Callable[[Any, str], Step]] = {"set_weight": _set_weight, "pause": _pause}
