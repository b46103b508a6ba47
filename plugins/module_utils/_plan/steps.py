"""The steps of a plan: a new kind is a dataclass, a reader in READERS, and its actions in _rollout/course.py."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Union

from .._objects.refusal import Refused
from .._objects.shown import echo, names
from .._routing.target import Match
from .durations import seconds, show
from .matches import read_matches, read_mirror
from .reading import MAX_SERVICE, choice, keys, members, named

THEN = ("abort", "promote")


@dataclass(frozen=True)
class SetWeight:
    """The canary's share of the traffic, in percent."""

    weight: int

    def __str__(self) -> str:
        return f"set_weight {self.weight}"


@dataclass(frozen=True)
class Pause:
    """A wait of `duration` seconds; None: until a user promotes, for `expires` seconds at most, where that is given.

    then: what the next call does with a pause that has expired.
    """

    duration: float | None
    expires: float | None = None
    then: str = THEN[0]

    def __str__(self) -> str:
        if self.duration is not None:
            return f"pause {show(self.duration)}"
        return "pause until promoted" + ("" if self.expires is None else f", for {show(self.expires)} at most, then {self.then}")


@dataclass(frozen=True)
class SetCanaryScale:
    """How many pods the canary has from here on, whatever its weight: a number, or percent of the live ones; neither: by weight again."""

    replicas: int | None = None
    percent: int | None = None

    def __str__(self) -> str:
        if self.replicas is None and self.percent is None:
            return "set_canary_scale by weight"
        return f"set_canary_scale {self.replicas}" if self.replicas is not None else f"set_canary_scale {self.percent} %"


@dataclass(frozen=True)
class SetHeaderRoute:
    """Requests that go to the canary whatever its weight; no matches: not any more."""

    name: str
    matches: tuple[Match, ...]
    inherit: bool = True

    def __str__(self) -> str:
        alternatives = " or ".join(" and ".join(map(str, match)) for match in self.matches)
        return f"set_header_route {self.name}: {alternatives or 'none'}{'' if self.inherit else ', on top'}"


@dataclass(frozen=True)
class SetMirrorRoute:
    """Percent of the requests that are copied to the canary; 0: none any more."""

    name: str
    percent: float

    def __str__(self) -> str:
        return f"set_mirror_route {self.name}: {self.percent:g} %"


@dataclass(frozen=True)
class Preview:
    """Of blue-green: the new version runs behind the preview Service, in so many pods; None: as many as the active version has."""

    replicas: int | None

    def __str__(self) -> str:
        return "preview" if self.replicas is None else f"preview in {self.replicas} {'pod' if self.replicas == 1 else 'pods'}"


@dataclass(frozen=True)
class Switch:
    """Of blue-green: the active Service leads to the new version from here on."""

    def __str__(self) -> str:
        return "switch"


# The last two are written by plans (bluegreen.py), and never read.
Step = Union[SetWeight, Pause, SetCanaryScale, SetHeaderRoute, SetMirrorRoute, Preview, Switch]


def read_steps(raw: Any) -> tuple[Step, ...]:
    """Reads the list under `canary.steps`; errors name the step by its place, as canary.steps[0]."""
    if raw is None:
        return ()
    if not isinstance(raw, Sequence) or isinstance(raw, (str, bytes)):
        raise Refused("canary.steps", "must be a list", "write for example [{set_weight: 20}, {pause: {}}]")
    steps = tuple(_read(step, where) for where, step in members("canary.steps", raw))
    _refuse_second_mirror(steps)
    return steps


def _refuse_second_mirror(steps: Sequence[Step]) -> None:
    on = ""
    for where, step in members("canary.steps", steps):
        if not isinstance(step, SetMirrorRoute):
            continue
        if on and step.percent and step.name != on:
            problem = f"starts while {echo(on)} still copies requests"
            raise Refused(f"{where}.set_mirror_route", problem, f"end {echo(on)} first (percent 0)")
        if step.percent or step.name == on:
            on = step.name if step.percent else ""


def _read(raw: Any, where: str) -> Step:
    if not isinstance(raw, Mapping) or len(raw) != 1:
        raise Refused(
            where, f"must be a mapping with one step, not {echo(raw)}", f"use one of {', '.join(READERS)}, for example {{set_weight: 20}}"
        )
    kind, value = next(iter(raw.items()))
    if kind not in READERS:
        raise Refused(where, f"has the unknown step {echo(kind)}", f"use one of {', '.join(READERS)}")
    return READERS[kind](value, f"{where}.{kind}")


def _set_weight(value: Any, where: str) -> Step:
    # Jinja templates in a list of steps arrive as text on ansible-core 2.16.
    text = str(value).strip()
    if isinstance(value, bool) or not text.isdecimal() or int(text) > 100:
        raise Refused(where, f"must be a whole number from 0 to 100, not {echo(value)}", "correct the number")
    return SetWeight(int(text))


def _pause(value: Any, where: str) -> Step:
    options = {} if value is None else value
    if not isinstance(options, Mapping):
        options = {"duration": value}
    unknown = sorted(str(key) for key in options if key not in ("duration", "expires", "then"))
    if unknown:
        raise Refused(where, f"does not take {names(unknown)}", "use duration, or expires and then, or nothing for a pause until promoted")
    given = {key: each for key, each in options.items() if each is not None}
    if "expires" in given:
        return _expiring(given, where)
    if "then" in given:
        raise Refused(f"{where}.then", "needs expires", "set expires, for example to 4h, or remove then")
    return Pause(seconds(given["duration"], f"{where}.duration") if "duration" in given else None)


def _expiring(given: Mapping[str, Any], where: str) -> Step:
    if "duration" in given:
        raise Refused(where, "has both duration and expires", "use duration for a timed pause, or expires for one that needs a promotion")
    expires = seconds(given["expires"], f"{where}.expires")
    if not expires:
        raise Refused(f"{where}.expires", "must be longer than 0", "use a longer time, or a pause with a duration")
    then = given.get("then", THEN[0])
    choice(f"{where}.then", then, THEN)
    return Pause(None, expires, then)


def _set_canary_scale(value: Any, where: str) -> Step:
    # What weight means here is Argo Rollouts' setCanaryScale: percent of the replicas, not of the traffic.
    given = keys(where, value, (), ("replicas", "percent", "weight", "match_traffic_weight"))
    if len(given) != 1:
        raise Refused(where, "must have exactly one option", "use one of replicas, percent, weight, match_traffic_weight")
    [(key, raw)] = given.items()
    if key == "match_traffic_weight":
        if str(raw).lower() not in ("true", "yes", "1"):
            raise Refused(f"{where}.{key}", f"must be true, not {echo(raw)}", "use true, or another option")
        return SetCanaryScale()
    number = _whole(raw)
    if key == "replicas":
        if number is None or number < 1:
            raise Refused(f"{where}.{key}", f"must be a whole number of 1 or more, not {echo(raw)}", "correct the number")
        return SetCanaryScale(replicas=number)
    if number is None or not 1 <= number <= 100:
        raise Refused(f"{where}.{key}", f"must be a whole number from 1 to 100, not {echo(raw)}", "correct the number")
    return SetCanaryScale(percent=number)


def _whole(value: Any) -> int | None:
    text = str(value).strip()
    return int(text) if text.isdecimal() and text.isascii() and not isinstance(value, bool) else None


def _set_header_route(value: Any, where: str) -> Step:
    given = keys(where, value, ("name",), ("matches", "inherit"))
    inherit = given.get("inherit", True)
    if not isinstance(inherit, bool):
        raise Refused(f"{where}.inherit", f"must be true or false, not {echo(inherit)}", "use one of the two")
    matches = read_matches(given.get("matches", ()), f"{where}.matches")
    return SetHeaderRoute(named(f"{where}.name", given["name"], MAX_SERVICE), matches, inherit)


def _set_mirror_route(value: Any, where: str) -> Step:
    given = keys(where, value, ("name",), ("percent",))
    percent = read_mirror(given.get("percent", 0), f"{where}.percent")
    return SetMirrorRoute(named(f"{where}.name", given["name"], MAX_SERVICE), percent)


READERS: dict[str, Callable[[Any, str], Step]] = {
    "set_weight": _set_weight,
    "pause": _pause,
    "set_canary_scale": _set_canary_scale,
    "set_header_route": _set_header_route,
    "set_mirror_route": _set_mirror_route,
}
