"""Holds the Lease of a rollout, so that one call works on it at a time and an abort can take it away."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from .._cluster import process
from .._cluster.client import Client
from .._cluster.clock import Clock
from .._cluster.errors import Conflict
from .._objects.problem import ProblemError
from .._objects.refusal import Refused
from .._objects.resources import LEASE, Ref
from .._rollout import lease as rules
from .._workloads.marks import marks

Object = dict[str, Any]

_LOOK_EVERY = 0.5
_AFTER_CONFLICT = 0.1
_CONFLICTS = 10  # so many writes of others in a row end a call that wants the Lease
_WAIT = 600.0


class Held(Refused):
    """A living run works on the rollout."""


class Lost(ProblemError):
    """Somebody else holds the Lease now: this call must not write any more."""


class RolloutLease:
    """The Lease of one rollout, as this process sees it."""

    def __init__(self, client: Client, clock: Clock, ref: Ref, rollout: str, wait_timeout: float = _WAIT) -> None:
        """wait_timeout: seconds for which `acquire` waits at most."""
        self._client, self._clock, self._ref, self._rollout = client, clock, ref, rollout
        self._wait_timeout = wait_timeout
        self._me, self._process = process.holder(), process.fingerprint()
        self._renewed = 0.0
        self.held = False
        self.was_taken = False  # whether its holder may still be alive

    def acquire(self, force: bool = False) -> None:
        """Takes the Lease; waits for one whose holder is gone.

        Args:
            force: take the Lease from a living holder too (abort). The holder finds out before its next write.

        Raises:
            Held: the holder is alive, or is not known to be gone at the end of `wait_timeout`, or others keep changing the Lease.
        """
        began, conflicts = self._clock.monotonic(), 0
        first: Object | None = None
        while True:
            lease = self._client.find(self._ref)
            alive = lease is not None and not self._is_free(lease)
            if alive and first is not None:
                if rules.renewed(lease) != rules.renewed(first):
                    remedy = "wait until that run ends, or end it with state: aborted"
                    raise Held(f"rollout {self._rollout}: {self._holder(lease)} is working on it right now: {remedy}")
                alive = self._clock.monotonic() - began <= rules.duration(first)
            pause = _LOOK_EVERY
            if not alive or force:
                if self._take(lease):
                    self.was_taken = alive
                    return
                conflicts, pause = conflicts + 1, _AFTER_CONFLICT
                if conflicts >= _CONFLICTS:
                    remedy = "another client keeps changing it (see its metadata.managedFields): end that, and run again"
                    raise Held(f"{self._ref} could not be taken, {conflicts} write conflicts in a row: {remedy}")
            elif first is None:
                first = lease
            left = self._wait_timeout - (self._clock.monotonic() - began)
            if left <= 0:
                raise Held(self._not_known_to_be_gone(lease))
            self._clock.sleep(min(pause, left))

    def _not_known_to_be_gone(self, lease: Object | None) -> str:
        if rules.holder_of(lease) is None:
            return f"{self._ref} could not be taken within {self._wait_timeout:g} s: run again, or set a longer wait_timeout"
        return (
            f"rollout {self._rollout}: {self._holder(lease)} holds the Lease, and may still be working after {self._wait_timeout:g} s: "
            f"set wait_timeout to {rules.duration(lease) + 1} s or more to wait for its end, or run again later"
        )

    def _holder(self, lease: Object | None) -> str:
        """The holder, for messages."""
        where = process.whereabouts(rules.process_of(lease))
        return f"another run ({rules.title_of(lease)}{', ' if where else ''}{where})"

    def guard(self) -> None:
        """Raises Lost unless the Lease is still held here; called before each write."""
        lease = self._client.find(self._ref)
        if rules.holder_of(lease) != self._me:
            self.held = False
            other = self._holder(lease) if rules.holder_of(lease) else "another run"
            raise Lost(f"rollout {self._rollout}: {other} took over while this run was working: nothing more is written here")
        if self._clock.monotonic() - self._renewed > rules.RENEW_SECONDS:
            self._renew(lease or {})

    def beat(self) -> None:
        """Renews the Lease when it is time; raises Lost when somebody else took it."""
        if self.held and self._clock.monotonic() - self._renewed > rules.RENEW_SECONDS:
            self.guard()

    def release(self) -> None:
        """Gives the Lease back, if it is still held here."""
        if not self.held:
            return
        self.held = False
        lease = self._client.find(self._ref)
        if lease is not None and rules.holder_of(lease) == self._me:
            try:
                self._client.patch(self._ref, rules.held(None, "", self._clock.now()), lease)
            except Conflict:
                pass  # Somebody took it in this moment, so it is not ours to give back.

    def remove(self) -> None:
        """Deletes the Lease."""
        lease = self._client.find(self._ref)
        self.held = False
        if lease is not None:
            self._client.delete(self._ref, lease)

    def _is_free(self, lease: Object) -> bool:
        return rules.holder_of(lease) is None or rules.expired(lease, self._clock.now()) or process.is_gone(rules.process_of(lease))

    def _take(self, lease: Object | None) -> bool:
        wanted = rules.held(self._me, self._process, self._clock.now())
        try:
            if lease is None:
                metadata = {"name": self._ref.name, "namespace": self._ref.namespace, "labels": marks(self._rollout), **wanted["metadata"]}
                self._client.create(
                    self._ref, {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata, "spec": wanted["spec"]}
                )
            else:
                self._client.patch(self._ref, wanted, lease)
        except Conflict:
            if not self._is_mine():
                return False
        self.held, self._renewed = True, self._clock.monotonic()
        return True

    def _renew(self, lease: Object) -> None:
        try:
            self._client.patch(self._ref, rules.held(self._me, self._process, self._clock.now()), lease)
        except Conflict:
            if not self._is_mine():
                raise Lost(
                    f"rollout {self._rollout}: another run took over while this run was working: nothing more is written here"
                ) from None
        self._renewed = self._clock.monotonic()

    def _is_mine(self) -> bool:
        """Whether it is held here all the same: a repeated write is refused where the first one's answer got lost."""
        return rules.holder_of(self._client.find(self._ref)) == self._me
