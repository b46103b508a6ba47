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
from .._objects.refusal import Refused
from .._objects.resources import LEASE, Ref
from .._rollout import lease as rules
from .._workloads.marks import marks

Object = dict[str, Any]


class Held(Refused):
    """A living run works on the rollout."""


class Lost(Exception):
    """Somebody else holds the Lease now: this call must not write any more."""


class RolloutLease:
    """The Lease of one rollout, as this process sees it."""

    def __init__(self, client: Client, clock: Clock, ref: Ref, rollout: str) -> None:
        self._client, self._clock, self._ref, self._rollout = client, clock, ref, rollout
        self._me, self._process = process.holder(), process.fingerprint()
        self._renewed = 0.0
        self.held = False
        self.was_taken = False  # whether its holder may still be alive

    def acquire(self, force: bool = False) -> None:
        """Takes the Lease; waits for one whose holder is gone, and raises Held where the holder is alive.

        force: take it from a living holder too (abort); that one sees it before its next write.
        """
        first: Object | None = None
        first_seen = self._clock.monotonic()
        while True:
            lease = self._client.find(self._ref)
            alive = lease is not None and not self._is_free(lease)
            if alive and first is not None and lease is not None:
                if _renewed(lease) != _renewed(first):
                    raise Held(
                        f"rollout {self._rollout}: {rules.holder_of(lease)} is working on it right now: wait until that run ends, "
                        "or end it with state: aborted"
                    )
                alive = self._clock.monotonic() - first_seen <= rules.duration(lease)
            if not alive or force:
                if self._take(lease):
                    self.was_taken = alive
                    return
                continue
            first = first or lease
            self._clock.sleep(0.5)

    def guard(self) -> None:
        """Raises Lost unless the Lease is still held here; called before each write."""
        lease = self._client.find(self._ref)
        if rules.holder_of(lease) != self._me:
            self.held = False
            raise Lost(
                f"rollout {self._rollout}: {rules.holder_of(lease) or 'somebody'} took over while this run was working: "
                "nothing more is written here"
            )
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
                    f"rollout {self._rollout}: somebody took over while this run was working: nothing more is written here"
                ) from None
        self._renewed = self._clock.monotonic()

    def _is_mine(self) -> bool:
        """Whether it is held here all the same: a repeated write is refused where the first one's answer got lost."""
        return rules.holder_of(self._client.find(self._ref)) == self._me


def _renewed(lease: Object) -> Any:
    return lease["spec"].get("renewTime")
