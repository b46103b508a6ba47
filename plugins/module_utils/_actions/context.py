"""What every action is given: the cluster, the time, the manners of this call, and where it reports to."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Callable

from .._cluster.client import Client
from .._cluster.clock import Clock
from .._cluster.waiting import TimeIsUp, wait_until
from .._objects.patches import diff_entry
from .._objects.problem import ProblemError
from .._objects.relocation import Field
from .._objects.resources import Ref, Resource
from .._objects.seals import Seal
from .._workloads.starting import DEFAULT_TOLERANCE, StartTolerance, StartWatch

Object = dict[str, Any]


class Failed(ProblemError):
    """The call cannot go on; what it wrote so far stays, and running it again goes on from there."""


class NoProgress(Failed):
    """What is waited for does not come: a pod that cannot start, or the progress deadline is over."""


class TimedOut(Failed):
    """A wait lasted longer than wait_timeout; the next call may wait on."""


class NotYet(ProblemError):
    """There is something to wait for, and the call was told not to."""


@dataclass
class Journal:
    """What was written: one line and one diff entry for each write, or in check mode for each write that would be made."""

    actions: list[str] = field(default_factory=list)
    diff: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    changed: bool = False
    measured: dict[str, Any] | None = None  # what the last probe saw
    acting: bool = False  # whether an action of a rollout has been begun, as opposed to checks and refusals before

    def wrote(self, ref: Ref, before: Object | None, after: Object | None) -> None:
        """Notes a write of an object of the user's application (not of our own record)."""
        self.changed = True
        self.diff.append(diff_entry(str(ref), before, after))

    def warn(self, *texts: str) -> None:
        """Notes warnings, each one once."""
        self.warnings.extend(text for text in dict.fromkeys(texts) if text not in self.warnings)


def _nothing() -> None:
    """For a call that holds no Lease."""


def _no_memory(_key: str) -> list[Field]:
    return []


def _forget(_key: str, _fields: Sequence[Field]) -> None:
    """Stands for the record's memory where a single module works without one."""


def _note_nothing(_key: str, _uid: str) -> None:
    """Stands for the record where a single module works without one."""


def _no_uid(_key: str) -> str:
    """Stands for the record that knows the uids of what was created."""
    return ""


def _expect_nothing(_key: str) -> None:
    """Stands for the same."""


@dataclass
class Context:
    """by: the owner of the edits. wait_timeout: seconds for each wait. check: nothing may be written.

    ensure_lock_held: called before each write; raises where the call has lost its right to write. renew: called while waiting.
    no_later_than: the end of the progress deadline (epoch seconds), None without one.
    recall, remember: the owner's own memory of the fields that it changed on an object, by Ref.key.
    seal: of what is remembered in the cluster, None without a key. accept_unsealed: with a key, take memories that have no seal
    or that of another key, and seal them. way_back: take them all, and seal none of them.
    created: notes that an object (Ref.key) was created, with its uid; uid_of: the uid that was noted, empty where none was;
    expect_another: forgets it before another object of that name is created.
    start_tolerance: what a starting pod may go through before it counts as stuck.
    """

    client: Client
    clock: Clock
    namespace: str
    by: str
    check: bool = False
    wait: bool = True
    wait_timeout: float = 600.0
    on_drift: str = "fail"
    no_later_than: float | None = None
    journal: Journal = field(default_factory=Journal)
    ensure_lock_held: Callable[[], None] = _nothing
    renew: Callable[[], None] = _nothing
    recall: Callable[[str], list[Field]] = _no_memory
    remember: Callable[[str, Sequence[Field]], None] = _forget
    seal: Seal | None = None
    accept_unsealed: bool = False
    way_back: bool = False
    created: Callable[[str, str], None] = _note_nothing
    uid_of: Callable[[str], str] = _no_uid
    expect_another: Callable[[str], None] = _expect_nothing
    start_tolerance: StartTolerance = DEFAULT_TOLERANCE

    def ref(self, resource: Resource, name: str) -> Ref:
        """An object of this namespace."""
        return Ref(resource, self.namespace, name)

    def until(
        self,
        what: str,
        resource: Resource,
        missing: Callable[[list[Object]], str | None],
        labels: str = "",
        name: str = "",
        known: Object | None = None,
        explain: Callable[[], str | None] = lambda: None,
    ) -> list[Object]:
        """Waits until nothing is missing, as the call's `wait` and `wait_timeout` say. `what` names it in the error.

        known: the one object waited for, as it was written or read just now, which saves listing it.
        explain: called when the time is up; says what is missing better than `missing`, at the price of a look at other objects.
        """
        left = float("inf") if self.no_later_than is None else max(0.0, self.no_later_than - self.clock.now())
        deadline = self.clock.monotonic() + (min(self.wait_timeout, left) if self.wait else 0.0)
        fields = f"metadata.name={name}" if name else ""
        try:
            return wait_until(self.client, self.clock, resource, self.namespace, missing, deadline, self.renew, labels, fields, known)
        except TimeIsUp as late:
            lacking = explain() or late.missing
            if left <= (self.wait_timeout if self.wait else 0.0):
                raise NoProgress(f"{what} was not reached within the progress deadline: {lacking}") from None
            if not self.wait:
                raise NotYet(f"waiting for {what}: {lacking}") from None
            raise TimedOut(
                f"{what} was not reached in {self.wait_timeout:g} s: {lacking}: mend the cause, or set a longer wait_timeout"
            ) from None

    def watch_starts(self) -> Callable[[Sequence[Object]], str | None]:
        """A look at pods, to be made again and again in one wait: the first one that counts as stuck, with the reason."""
        watch = StartWatch(self.start_tolerance, looks_once=not self.wait)
        return lambda pods: watch.stuck(pods, self.clock.now(), self.clock.monotonic())

    def catch_up(self) -> None:
        """After the API server was away: waits until controllers, those of the routers above all, may be taken to know what it says."""
        text = "the API server was away for a while, so the controllers that watch it were given time to come back"
        while self.client.others_lag() > 0:
            self.journal.warn(text)
            self.renew()
            self.clock.sleep(min(self.client.others_lag(), 1.0))

    def settle(self, seconds: float, since: float) -> None:
        """Waits until `seconds` have passed since that time (epoch)."""
        self.catch_up()
        left = min(since + seconds - self.clock.now(), seconds)
        if left > 0 and not self.wait:
            raise NotYet(f"waiting {left:.1f} s more for proxies to converge")
        ends = self.clock.monotonic() + left
        while left > 0:
            self.renew()
            self.clock.sleep(min(left, 1.0))
            left = ends - self.clock.monotonic()
