"""No router: one Service over two Deployments, whose pods share its traffic: how many each must have, what is remembered (pure)."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Optional

from .._objects.names import is_name
from .._objects.refusal import Drifted, Refused
from .._objects.shapes import fits
from .._objects.untrusted import read_json
from .target import Split

# Kept on the Service: the Deployment controller copies a Deployment's annotations to its ReplicaSets, and `kubectl rollout undo` brings
# them back from there.
ANNOTATION = "progressive.delivery/replicas"
STABLE, CANARY = ROLES = ("stable", "canary")

# What a move consists of, in this order: REMEMBER what will be done, let pods come (GROW), wait until they are ready and note when that
# was (PROVE), give what balances the traffic the time to know them, let the others go (SHRINK), note that all is done (FINISH).
REMEMBER, GROW, PROVE, SHRINK, FINISH = "remember", "grow", "prove", "shrink", "finish"

# Replicas by role; None where there is no such Deployment (any more).
_MOST, _MOST_SEEN = 100_000, 100  # replicas of a Deployment, and counts that one may have on the way

Counts = Mapping[str, Optional[int]]


@dataclass(frozen=True)
class Pair:
    """The Service, and the Deployments whose pods stand behind it."""

    service: str
    stable: str
    canary: str

    @property
    def names(self) -> dict[str, str]:
        """The Deployments by role."""
        return {STABLE: self.stable, CANARY: self.canary}


@dataclass(frozen=True)
class Kept:
    """A Deployment: the replicas that it had before the first split, those that it shall have, and those that it may have on the way."""

    name: str
    was: int
    now: int
    seen: tuple[int, ...] = ()


@dataclass(frozen=True)
class Memory:
    """What is remembered on the Service.

    Attributes:
        stable: The stable Deployment.
        canary: The canary Deployment.
        grown: When the pods that came were seen ready (epoch seconds).
        at: When the move was complete, None while it is under way.
    """

    stable: Kept
    canary: Kept
    grown: float | None = None
    at: float | None = None

    def of(self, role: str) -> Kept:
        """The Deployment of this role."""
        return self.stable if role == STABLE else self.canary

    def same_move(self, other: Memory | None) -> bool:
        """Whether both lead from the same replicas to the same."""
        return other is not None and all(
            (self.of(role).was, self.of(role).now) == (other.of(role).was, other.of(role).now) for role in ROLES
        )

    def overruled(self, found: Memory | None) -> bool:
        """Whether what is found on the Service says that another call asked for something else."""
        back = found is None and all(self.of(role).was == self.of(role).now for role in ROLES)
        return not (back or self.same_move(found))


@dataclass(frozen=True)
class Plan:
    """What a call has to reach.

    Attributes:
        wanted: Replicas by role.
        memory: What must be remembered on the way there.
        drifted: The fields that another client changed.
        forget: Whether the end is the state before the first split, so that nothing needs to be remembered.
        done: Whether nothing is left to do or to remember.
    """

    wanted: Counts
    memory: Memory
    drifted: list[str]
    forget: bool
    done: bool

    def step(self, memory: Memory | None, live: Counts) -> str:
        """What comes next, unless all is done. A call does one step, reads again, and so goes on where another one left off."""
        shrinking = self.shrinking(live)
        if self.memory != memory and (shrinking or self.growing(live)):
            return REMEMBER
        if self.growing(live):
            return GROW
        if shrinking:
            return PROVE if self.grew() and self.memory.grown is None else SHRINK
        return FINISH

    def growing(self, live: Counts) -> dict[str, int]:
        """The Deployments that have too few replicas, and how many they must have."""
        return {role: wanted for role, wanted, now in self._pairs(live) if wanted > now}

    def shrinking(self, live: Counts) -> dict[str, int]:
        """Those that have too many."""
        return {role: wanted for role, wanted, now in self._pairs(live) if wanted < now}

    def grew(self) -> list[str]:
        """Those that get more replicas in the course of this move."""
        return [
            role
            for role in ROLES
            if self.wanted[role] is not None and any(seen < self.memory.of(role).now for seen in self.memory.of(role).seen)
        ]

    def _pairs(self, live: Counts) -> list[tuple[str, int, int]]:
        pairs = [(role, self.wanted[role], live[role]) for role in ROLES]
        return [(role, wanted, now) for role, wanted, now in pairs if wanted is not None and now is not None]


def nearest(split: Split, total: int, where: str, least_canary: int = 1) -> Split:
    """The pods of both versions that come nearest to the split; each that is to have traffic gets one at least, the canary least_canary."""
    least = 2 if split.stable and split.canary else 1
    if total < least:
        raise Refused(
            where,
            f"has {total} pod{'' if total == 1 else 's'} in all, which cannot be split",
            f"scale the two Deployments to {least} or more",
        )
    canary = (2 * total * split.canary + split.total) // (2 * split.total)
    if split.stable and split.canary:
        canary = min(max(canary, least_canary), total - 1)
    return Split(total - canary, canary)


def plan(memory: Memory | None, live: Counts, names: Mapping[str, str], split: Split | None, on_drift: str, where: str) -> Plan:
    """Plans the replicas of both Deployments.

    Args:
        memory: What the Service remembers.
        live: The replicas as they are.
        names: The Deployments by role.
        split: The split, None to put everything back.
        on_drift: `fail`, `repair` or `accept`.
        where: The Service, in messages.

    Raises:
        Refused: The split is between other Deployments, or there are too few pods.
        Drifted: Another client scaled a Deployment, and `on_drift` is `fail`.
    """
    if memory is not None and any(memory.of(role).name != names[role] for role in ROLES):
        raise Refused(
            where, f"is split between the Deployments {memory.stable.name} and {memory.canary.name}", "use state absent with these first"
        )
    drifted = [role for role in ROLES if memory is not None and _drifted(memory, role, live[role], split)]
    if drifted and memory is not None and on_drift == "fail":
        changes = "; ".join(f"spec.replicas is {live[role]}, was set to {memory.of(role).now}" for role in drifted)
        raise Drifted(
            f"Deployment {', '.join(memory.of(role).name for role in drifted)}",
            f"was scaled by another client: {changes}",
            "set on_drift to repair (set it again) or accept (keep theirs), or put it back",
        )
    was = {role: _was(memory, role, live[role], role in drifted and on_drift == "accept") for role in ROLES}
    wanted = was if split is None else _by_role(nearest(split, sum(was.values()), where))
    kept = {role: Kept(names[role], was[role], wanted[role], _seen(memory, role, live[role], wanted[role])) for role in ROLES}
    new = Memory(kept[STABLE], kept[CANARY])
    if memory is not None and memory.at is None and new.same_move(memory):
        new = memory  # it is under way
    forget = wanted == was
    there = {role: None if live[role] is None else wanted[role] for role in ROLES}
    complete = memory is None if forget else memory is not None and memory.at is not None and new.same_move(memory)
    done = complete and there == dict(live)
    return Plan(there, new, [f"Deployment {names[role]}: spec.replicas" for role in drifted], forget, done)


def _drifted(memory: Memory, role: str, live: int | None, split: Split | None) -> bool:
    kept = memory.of(role)
    known = {kept.now, *(kept.seen if memory.at is None else ()), *((kept.was,) if split is None else ())}
    return live is not None and live not in known


def _was(memory: Memory | None, role: str, live: int | None, accept: bool) -> int:
    return (live or 0) if memory is None or accept else memory.of(role).was


def _seen(memory: Memory | None, role: str, live: int | None, wanted: int) -> tuple[int, ...]:
    """What the Deployment may have until the move is complete: what it has, and what a move that is broken off may give it yet."""
    late = {memory.of(role).now, *(memory.of(role).seen if memory.at is None else ())} if memory is not None else set()
    return tuple(sorted({count for count in (live, *late) if count is not None} - {wanted}))


def _by_role(split: Split) -> dict[str, int]:
    return {STABLE: split.stable, CANARY: split.canary}


def counts(live: Counts) -> Split:
    """The replicas as a split."""
    return Split(live[STABLE] or 0, live[CANARY] or 0)


def deviation(asked: Split, reached: Split, least_canary: int = 1) -> str | None:
    """Says how far the reached split is from the one that was asked for.

    Returns:
        The deviation, None where both are the same.
    """
    if asked.canary * reached.total == reached.canary * asked.total:
        return None
    share, found = (100 * each.canary / each.total for each in (asked, reached))
    floor = f" and at least {least_canary} of the canary" if least_canary > 1 else ""
    return f"asked {share:.4g} %, the nearest with {reached.total} pods{floor} is {found:.4g} %"


def load(service: Mapping[str, Any]) -> Memory | None:
    """Reads what is remembered on a Service.

    Returns:
        The memory, None without one.

    Raises:
        Refused: The annotation cannot be read.
    """
    metadata = service["metadata"]
    text = (metadata.get("annotations") or {}).get(ANNOTATION)
    if text is None:
        return None
    try:
        raw = read_json(text)
        kept = {role: _kept(raw[role]) for role in ROLES}
        times = (raw.get("grown"), raw.get("at"))
        if not all(fits(each, "float | None") for each in times) or not (kept[STABLE].was or kept[CANARY].was):
            raise ValueError("no time, or no pod at all before the first split")
        return Memory(kept[STABLE], kept[CANARY], *times)
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Refused(
            f"Service {metadata.get('namespace', '')}/{metadata['name']}",
            f"has an annotation {ANNOTATION} that cannot be read",
            "scale the Deployments back by hand and remove the annotation",
        ) from None


def _kept(raw: Any) -> Kept:
    """A Deployment as it is remembered; raises ValueError where it is not as it was written."""
    counts = [raw["was"], raw["now"], *raw["seen"]]
    if not is_name(raw["name"]) or not all(fits(each, "int") and each <= _MOST for each in counts) or len(counts) > _MOST_SEEN:
        raise ValueError("not as it was written")
    return Kept(raw["name"], raw["was"], raw["now"], tuple(raw["seen"]))


def dump(memory: Memory) -> str:
    """The annotation's text."""
    raw = {key: value for key, value in asdict(memory).items() if value is not None}
    return json.dumps(raw, separators=(",", ":"), sort_keys=True)


def finished(plan_: Plan, at: float) -> Memory | None:
    """What is remembered once all is done."""
    if plan_.forget:
        return None
    still = {role: replace(plan_.memory.of(role), seen=()) for role in ROLES}
    return Memory(still[STABLE], still[CANARY], at=round(at, 3))
