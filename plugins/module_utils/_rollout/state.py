"""The states of a rollout: what a call does, by where the rollout is and what the call asks for, as one table."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Union

from .._objects.refusal import Refused
from .._plan.plan import Plan
from .._steps.actions import PinServices
from .._strategies.sequence import facts_of, stable_services
from .program import HAND_BACK, RELEASE, already_promoted, reached, release_program
from .record import ABORTED, PAUSED, Record


class Situation(Enum):
    """Where a rollout is, by its record. The value is its name in the documentation."""

    NO_RECORD = "no record"
    HEALTHY = "healthy"  # nothing is under way, after a release
    ABORTED = "aborted"  # nothing is under way, after an abort
    RELEASING = "releasing"
    PAUSED = "paused"
    SWITCHED = "switched"  # the new version has all the traffic, the old one still runs
    PROMOTED = "promoted"  # only tidying up is left: there is no way back but another release
    ROLLING_BACK = "rolling back"
    HANDING_BACK = "handing back"


class Request(Enum):
    """What a call asks for. The value is its name in the documentation."""

    CONTINUE = "the version of the record, or none"
    RETRY = "the version of the record, with retry"
    ENSURE_STEP = "a step of the version of the record"
    CHANGED_PLAN = "the version of the record, by another plan"
    RELEASE = "another version"
    RELEASE_RUNNING = "the version that runs"
    PROMOTE = "promote"
    PROMOTE_FULL = "promote in full"
    PROMOTE_OTHER = "promote another version"
    UNDO = "undo"
    UNDO_AGAIN = "the same undo again"
    ABORT = "state aborted"
    HAND_BACK = "state absent"


class Operation(Enum):
    """What the call does then."""

    NOTHING = "nothing"
    START = "start a revision"
    CONTINUE = "continue"
    ENSURE = "continue to the end of that step"
    PROMOTE = "pass this pause, continue"
    PROMOTE_FULL = "pass all pauses, continue"
    REPLACE = "end this revision, start the other"
    ROLL_BACK = "roll back"
    ROLL_BACK_AND_FORGET = "roll back, hand back"
    HAND_BACK = "hand back"

    @property
    def continues(self) -> bool:
        """Whether the call goes on with the release or the abort that is under way."""
        return self in (Operation.CONTINUE, Operation.ENSURE, Operation.PROMOTE, Operation.PROMOTE_FULL)


@dataclass(frozen=True)
class Refusal:
    """Why there is no operation. Both may name `{revision}`, `{phase}` and `{msg}` of the record."""

    what: str
    remedy: str

    def error(self, name: str, record: Record | None) -> Refused:
        """The exception, for the rollout of this name."""
        known = {"revision": record.revision, "phase": record.phase, "msg": record.msg} if record is not None else {}
        return Refused(f"rollout {name}", self.what.format(**known), self.remedy.format(**known))


Outcome = Union[Operation, Refusal]

UNKNOWN = Refusal(
    "has no record in this namespace", "check its name and the namespace, or give its plan (workload, revision, services, routers, canary)"
)
WAS_ABORTED = Refusal(
    "does not start this version again: revision {revision} was aborted ({msg})", "release another version, or set retry to try it again"
)
ANOTHER_PLAN = Refusal(
    "cannot go on: revision {revision} is under way ({phase}) by another plan than this one",
    "finish it with the same options, or abort it first (state: aborted)",
)
HANDED_BACK = Refusal("is being handed back", "finish that first (state: absent)")
UNDER_WAY = Refusal("has nothing to undo: revision {revision} is under way ({phase})", "abort it instead (state: aborted)")
TIDYING_UP = Refusal(
    "has no way back: revision {revision} has been promoted and only tidying up is left",
    "run it again to finish, then release the old version",
)
NO_UNDO = Refusal("has nothing to undo: it has no record in this namespace", "check its name and the namespace")
NO_PROMOTION = Refusal("has nothing to promote: no revision is under way", "leave promote out to release this version")
ABORTED_BEFORE = Refusal(
    "has nothing to promote: revision {revision} was aborted ({msg})", "release another version, or set retry to try it again"
)
ANOTHER_VERSION = Refusal(
    "cannot be promoted: revision {revision} is under way and releases another version than the one asked for",
    "leave out the version to promote that, or leave out promote to release this one instead",
)

_NO, _START, _ON, _REPLACE, _BACK = Operation.NOTHING, Operation.START, Operation.CONTINUE, Operation.REPLACE, Operation.ROLL_BACK
_ENSURE, _PASS, _FULL, _FORGET = Operation.ENSURE, Operation.PROMOTE, Operation.PROMOTE_FULL, Operation.ROLL_BACK_AND_FORGET
_GIVE = Operation.HAND_BACK

# One row for each request, one column for each situation, in the order of Situation.
_ROWS: dict[Request, tuple[Outcome, ...]] = {
    # no record, healthy, aborted, | releasing, paused, switched, promoted, | rolling back, handing back
    Request.CONTINUE: (UNKNOWN, _START, WAS_ABORTED, _ON, _ON, _ON, _ON, _ON, HANDED_BACK),
    Request.RETRY: (_START, _START, _START, _ON, _ON, _ON, _ON, _ON, HANDED_BACK),
    Request.ENSURE_STEP: (UNKNOWN, _START, WAS_ABORTED, _ENSURE, _ENSURE, _ENSURE, _ENSURE, _ON, HANDED_BACK),
    Request.CHANGED_PLAN: (UNKNOWN, _START, WAS_ABORTED, *[ANOTHER_PLAN] * 5, HANDED_BACK),
    Request.RELEASE: (_START, _START, _START, *[_REPLACE] * 5, HANDED_BACK),
    Request.RELEASE_RUNNING: (_NO, _NO, _NO, *[_REPLACE] * 5, HANDED_BACK),
    Request.PROMOTE: (_NO, _NO, ABORTED_BEFORE, _PASS, _PASS, _PASS, _PASS, _ON, HANDED_BACK),
    Request.PROMOTE_FULL: (_NO, _NO, ABORTED_BEFORE, _FULL, _FULL, _FULL, _FULL, _ON, HANDED_BACK),
    Request.PROMOTE_OTHER: (NO_PROMOTION, NO_PROMOTION, ABORTED_BEFORE, *[ANOTHER_VERSION] * 5, HANDED_BACK),
    Request.UNDO: (NO_UNDO, _START, _START, UNDER_WAY, UNDER_WAY, _BACK, TIDYING_UP, UNDER_WAY, HANDED_BACK),
    Request.UNDO_AGAIN: (NO_UNDO, _NO, _NO, _ON, _ON, _ON, _ON, _ON, HANDED_BACK),
    Request.ABORT: (_NO, _NO, _NO, _BACK, _BACK, _BACK, TIDYING_UP, _BACK, _GIVE),
    Request.HAND_BACK: (_NO, _GIVE, _GIVE, _FORGET, _FORGET, _FORGET, TIDYING_UP, _FORGET, _GIVE),
}
TABLE: dict[tuple[Situation, Request], Outcome] = {
    (situation, request): outcome for request, row in _ROWS.items() for situation, outcome in zip(Situation, row)
}

# Where these operations lead at once. The others leave the rollout where it is, and carry it out from there.
LEADS_TO: dict[Operation, Situation] = {
    Operation.START: Situation.RELEASING,
    Operation.ROLL_BACK: Situation.ROLLING_BACK,
    Operation.ROLL_BACK_AND_FORGET: Situation.ROLLING_BACK,
    Operation.HAND_BACK: Situation.HANDING_BACK,
}
# How a rollout goes on from there while it is carried out.
PROGRESS: dict[Situation, dict[Situation, str]] = {
    Situation.RELEASING: {
        Situation.PAUSED: "a pause begins",
        Situation.SWITCHED: "the new version has all the traffic",
        Situation.PROMOTED: "the old version goes",
    },
    Situation.PAUSED: {Situation.RELEASING: "the pause is over", Situation.ROLLING_BACK: "the pause expires"},
    Situation.SWITCHED: {Situation.PROMOTED: "the delay is over"},
    Situation.PROMOTED: {Situation.HEALTHY: "the program ends"},
    Situation.ROLLING_BACK: {Situation.ABORTED: "the program ends"},
    Situation.HANDING_BACK: {Situation.NO_RECORD: "the program ends"},
}


def decide(name: str, record: Record | None, situation: Situation, request: Request) -> Operation:
    """What a call with this request does; raises Refused where the table says so.

    Args:
        name: The rollout.
        record: Its record, of which the message speaks.
        situation: Where the rollout is.
        request: What the call asks for.
    """
    outcome = TABLE[situation, request]
    if isinstance(outcome, Refusal):
        raise outcome.error(name, record)
    return outcome


def situation_of(record: Record | None, plan: Plan | None) -> Situation:
    """Where the rollout is.

    Args:
        record: Its record, None where there is none.
        plan: The one by which the record is carried out. Without it a release that has switched or is promoted counts as releasing.
    """
    if record is None:
        return Situation.NO_RECORD
    if not record.under_way:
        return Situation.ABORTED if record.phase == ABORTED else Situation.HEALTHY
    if record.program != RELEASE:
        return Situation.HANDING_BACK if record.program == HAND_BACK else Situation.ROLLING_BACK
    if plan is not None and is_promoted(record, plan):
        return Situation.PROMOTED
    if plan is not None and _has_switched(record, plan):
        return Situation.SWITCHED
    return Situation.PAUSED if record.phase == PAUSED else Situation.RELEASING


def is_promoted(record: Record, plan: Plan) -> bool:
    """Whether a release has come so far that there is no way back."""
    return already_promoted(release_program(plan, facts_of(record)), reached(record, plan), plan)


def _has_switched(record: Record, plan: Plan) -> bool:
    """Whether the new version has all the traffic, and is to keep it, while the old one runs."""
    program = release_program(plan, facts_of(record))
    rest = [entry.action for entry in program[reached(record, plan) :]]
    switch = PinServices(stable_services(plan, facts_of(record)), "canary")
    return switch not in rest and (plan.bluegreen is not None or any(each.is_delay for each in rest))
