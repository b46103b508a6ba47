"""One call's work on one rollout: what was asked for, and what is known, held and written down while it lasts."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._objects import edits, pages
from .._objects.refusal import Refused
from .._objects.relocation import Field
from .._objects.resources import CONFIG_MAP, LEASE
from .._objects.restorable import may_restore_in
from .._plan.plan import STRATEGIES, Plan
from .._plan.probes import Probe, allowed
from .._rollout.program import RELEASE
from .._rollout.record import Record, record_name
from .._steps.action import Action
from .configs import Version
from .context import Context
from .lease import RolloutLease
from .store import Store

Object = dict[str, Any]

# The same text for each rollout, so that Ansible shows it once.
UNSEALED = (
    "records of rollouts have no seal, since record_key is not set: whoever may edit ConfigMaps in the namespace may write them, and only "
    f"what can do no harm is taken from them ({pages.SECURITY})"
)

# For so long a save says as much as a look at the Lease.
_SAVED_JUST_NOW = 0.2


@dataclass(frozen=True)
class Wish:
    """What the caller asks for. plan: the plan's options, all None to take the plan from the record.

    until: pause, step or end. ensure_step: None, or with until step the number of that one, counted from 1.
    promote: None, or a mapping with revision, step, full. state: present, aborted, absent.
    probe_hosts: the only hosts that a probe may ask, one out of a record too; None without such a list.
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
    probe_hosts: tuple[str, ...] | None = None


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
    ahead: list[Action] = field(default_factory=list)  # in check mode: what would be done
    nothing_to_do: str = ""  # why nothing has to be done
    expected: Record | None = None  # in check mode: the record of the revision that would be begun
    working: int | None = None  # the revision that this call goes on with
    read: bool = False  # whether the record could be read
    saved_at: float = float("-inf")  # when the record was last written here (monotonic)
    granted: dict[str, Any] = field(default_factory=dict)  # the pauses (as in Record.promoted) that this very call passes

    @property
    def title(self) -> str:
        """The rollout, as messages name it."""
        return f"rollout {self.wish.name}"

    @property
    def planned(self) -> bool:
        """Whether the caller gave the plan, as opposed to the record. The workload alone only says which one the record must be about."""
        given = {key for key, value in self.wish.plan.items() if value is not None}
        whole = self.found is None or not given.isdisjoint(("services", *STRATEGIES))
        return self.wish.undo is None and "workload" in given and whole

    def load(self) -> Record | None:
        """The record as it is in the cluster."""
        self.found = self.store.load()
        if self.found is not None and self.ctx.seal is None:
            self.ctx.journal.warn(UNSEALED)
        if self.found is not None and self.store.forged:
            self.ctx.journal.warn(
                f"the record of rollout {self.wish.name} does not fit the record_key: it is taken for the way back alone, and not sealed"
            )
        return self.found

    def is_approved(self, pause: str) -> bool:
        """Whether a pause may be passed: this call says so, or a record that only holders of the key can have written."""
        return pause in self.granted or (self.store.sealed and pause in self.record.promoted)

    def may_ask(self, probe: Probe) -> bool:
        """Whether the probe of a record may be asked: where the caller allows its host, or the record has a seal and nothing forbids it."""
        return allowed(probe, self.wish.probe_hosts) or (self.store.sealed and self.wish.probe_hosts is None)

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
        known = self._loaded(key)
        ours = _restorable(key, known)
        if len(ours) < len(known):
            text = f"has a record that remembers fields of {key} that progressive.delivery never changes"
            if self.found is None or self.record.program == RELEASE:
                raise Refused(self.title, text, self._remedy)
            self.ctx.journal.warn(f"{self.title} {text}")  # A record that another client wrote must not stop the way back.
        return ours

    def lasting_originals(self) -> dict[str, list[dict[str, Any]]]:
        """What the next revision still remembers of the last one."""
        keys = self.record.originals if self.found else {}
        found = {key: _restorable(key, self._loaded(key)) for key in keys}
        return {key: [edits.dump(each) for each in fields] for key, fields in found.items() if fields}

    @property
    def _remedy(self) -> str:
        return f"restore ConfigMap {record_name(self.wish.name)}, or put the application back by hand and delete it"

    def _loaded(self, key: str) -> list[Field]:
        """All that the record remembers of an object."""
        try:
            return [edits.load(raw) for raw in (self.record.originals.get(key, []) if self.found else [])]
        except ValueError as problem:
            raise Refused(self.title, f"has a record that cannot be read (what it remembers of {key}: {problem})", self._remedy) from None

    def remember(self, key: str, fields: Any) -> None:
        """Writes into the record what an object was, before it is changed."""
        originals = {**self.record.originals, key: [edits.dump(each) for each in fields]}
        self.save(replace(self.record, originals={name: kept for name, kept in originals.items() if kept}))

    def created(self, key: str, uid: str) -> None:
        """Notes the uid of an object that was created for the rollout, empty when it has gone; the next save writes it down."""
        if self.found is not None:
            uids = {**self.record.uids, key: uid}
            self.record = replace(self.record, uids={each: known for each, known in uids.items() if known})

    def expect_another(self, key: str) -> None:
        """Forgets the uid of an object that somebody else deleted before another one takes its place, which a call may not live to note."""
        if self.uid_of(key):
            self.created(key, "")
            self.save(self.record)

    def uid_of(self, key: str) -> str:
        """The uid of an object that was created for the rollout; empty where the record does not say."""
        return self.record.uids.get(key, "") if self.found is not None else ""

    def save(self, record: Record) -> None:
        """Makes this the record, here and in the cluster."""
        if self.store.save(record):
            self.saved_at = self.ctx.clock.monotonic()
        self.record = record

    def ensure_lock_held(self) -> None:
        """Raises Lost when another call has taken over.

        Whoever takes over writes the record first of all, and a record that somebody else wrote cannot be saved: a save just now says the
        same as the Lease.
        """
        self.ctx.catch_up()
        if self.ctx.clock.monotonic() - self.saved_at > _SAVED_JUST_NOW:
            self.lease.ensure_held()


def _restorable(key: str, fields: list[Field]) -> list[Field]:
    """Those of the remembered fields that this collection can have changed."""
    return [each for each in fields if may_restore_in(key.partition("/")[0], each.path, each.was)]


def open_run(ctx: Context, wish: Wish) -> Run:
    """A call's work, ready to be carried out; nothing is read yet."""
    ref = ctx.ref(CONFIG_MAP, record_name(wish.name))
    lease = RolloutLease(ctx.client, ctx.clock, ctx.ref(LEASE, ref.name), wish.name, ctx.wait_timeout)
    # The way back is open for records without a seal, too: it only puts back what this collection can have changed.
    ctx.way_back = wish.state != "present"
    this = Run(ctx, wish, Store(ctx.client, ref, wish.name, ctx.seal, ctx.accept_unsealed, ctx.way_back), lease)
    ctx.created, ctx.uid_of, ctx.expect_another = this.created, this.uid_of, this.expect_another
    ctx.recall, ctx.remember, ctx.ensure_lock_held, ctx.renew = this.recall, this.remember, this.ensure_lock_held, lease.renew
    return this
