"""One call's work on one rollout: what was asked for, and what is known, held and written down while it lasts."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._objects import edits
from .._objects.relocation import Field
from .._objects.resources import CONFIG_MAP, LEASE
from .._plan.plan import Plan
from .._rollout.actions import Action
from .._rollout.record import Record, record_name
from .configs import Version
from .context import Context
from .lease import RolloutLease
from .store import Store

Object = dict[str, Any]

# For so long a save says as much as a look at the Lease.
_SAVED_JUST_NOW = 0.2


@dataclass(frozen=True)
class Wish:
    """What the caller asks for. plan: the plan's options, all None to take the plan from the record.

    until: pause, step or end. ensure_step: None, or with until step the number of that one, counted from 1.
    promote: None, or a mapping with revision, step, full. state: present, aborted, absent.
    revision: None, or the only one that this call may go on with or abort. undo: None, `previous`, or the number of one to go back to.
    """

    name: str
    plan: Mapping[str, Any]
    until: str = "pause"
    ensure_step: int | None = None
    promote: Mapping[str, Any] | None = None
    state: str = "present"
    revision: int | None = None
    retry: bool = False
    undo: str | None = None
    reason: str | None = None


@dataclass
class Run:
    """One call's work on one rollout."""

    ctx: Context
    wish: Wish
    store: Store
    lease: RolloutLease
    found: Record | None = None  # the record, where there is one
    agreed: Plan | None = None  # the plan, once it has been read
    workload: Object = field(default_factory=dict)  # the user's, as it was found
    version: Version = field(default_factory=lambda: Version({}))  # the version that is asked for
    planned: list[Action] = field(default_factory=list)  # in check mode: what would be done
    nothing_to_do: str = ""  # why nothing has to be done
    expected: Record | None = None  # in check mode: the record of the revision that would be begun
    working: int | None = None  # the revision that this call goes on with
    read: bool = False  # whether the record could be read
    saved_at: float = float("-inf")  # when the record was last written here (monotonic)

    @property
    def template(self) -> Object:
        """The pod template that is asked for."""
        return self.version.template

    @property
    def record(self) -> Record:
        """The record of a rollout that has one."""
        if self.found is None:
            raise LookupError(f"rollout {self.wish.name} has no record here")
        return self.found

    @record.setter
    def record(self, record: Record) -> None:
        self.found = record

    @property
    def plan(self) -> Plan:
        """The plan that is carried out."""
        if self.agreed is None:
            raise LookupError(f"rollout {self.wish.name} has no plan yet")
        return self.agreed

    def recall(self, key: str) -> list[Field]:
        """What the record remembers of an object's fields."""
        return [edits.load(raw) for raw in (self.record.originals.get(key, []) if self.found else [])]

    def remember(self, key: str, fields: Any) -> None:
        """Writes into the record what an object was, before it is changed."""
        originals = {**self.record.originals, key: [edits.dump(each) for each in fields]}
        self.save(replace(self.record, originals={name: kept for name, kept in originals.items() if kept}))

    def save(self, record: Record) -> None:
        """Makes this the record, here and in the cluster."""
        if self.store.save(record):
            self.saved_at = self.ctx.clock.monotonic()
        self.record = record

    def guard(self) -> None:
        """Raises Lost when another call has taken over.

        Whoever takes over writes the record first of all, and a record that somebody else wrote cannot be saved: a save just now says the
        same as the Lease.
        """
        self.ctx.catch_up()
        if self.ctx.clock.monotonic() - self.saved_at > _SAVED_JUST_NOW:
            self.lease.guard()


def open_run(ctx: Context, wish: Wish) -> Run:
    """A call's work, ready to be carried out; nothing is read yet."""
    ref = ctx.ref(CONFIG_MAP, record_name(wish.name))
    lease = RolloutLease(ctx.client, ctx.clock, ctx.ref(LEASE, ref.name), wish.name)
    this = Run(ctx, wish, Store(ctx.client, ref, wish.name), lease)
    ctx.recall, ctx.remember, ctx.guard, ctx.beat = this.recall, this.remember, this.guard, lease.beat
    return this
