"""Holds the Lease of a rollout, so that one call works on it at a time and an abort can take it away."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any, Callable

from .._cluster import process
from .._cluster.client import Client
from .._cluster.clock import Clock
from .._objects.patches import merged
from .._objects.problem import ProblemError
from .._objects.refusal import Refused
from .._objects.resources import LEASE, Ref
from .._rollout import lease as rules
from .._workloads.marks import marks
from . import apply
from .context import Failed

Object = dict[str, Any]

_LOOK_EVERY = 0.5
_AFTER_CONFLICT = 0.1
_WAIT = 600.0


class Held(Refused):
    """Another run works on the rollout."""


class Lost(ProblemError):
    """Another run holds the Lease now: this call must not write any more."""


class _Taken(Exception):
    """Another run took the Lease at the same time."""


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
            Held: The holder is alive, or is not known to be gone at the end of `wait_timeout`.
            Failed: Another client keeps changing the Lease.
        """
        began = self._clock.monotonic()
        first: Object | None = None
        while True:
            lease = self._client.find(self._ref)
            alive = lease is not None and not self._is_free(lease)
            if alive and first is not None:
                if rules.renewed(lease) != rules.renewed(first):
                    what = f"is locked: {self._holder(lease)} is working on it right now"
                    raise Held(f"rollout {self._rollout}", what, "wait until that run ends, or end it with state: aborted")
                alive = self._clock.monotonic() - began <= rules.duration(first)
            if (not alive or force) and self._take(lease, force):
                self.was_taken = alive
                return
            if alive and first is None:
                first = lease
            left = self._wait_timeout - (self._clock.monotonic() - began)
            if left <= 0:
                raise Held(*self._not_known_to_be_gone(lease))
            self._clock.sleep(min(_LOOK_EVERY, left))

    def _not_known_to_be_gone(self, lease: Object | None) -> tuple[str, str, str]:
        if rules.holder_of(lease) is None:
            what = f"could not be taken within {self._wait_timeout:g} s"
            return str(self._ref), what, "run again, or set a longer wait_timeout"
        return (
            f"rollout {self._rollout}",
            f"is locked by {self._holder(lease)}, which may still be working after {self._wait_timeout:g} s",
            f"set wait_timeout to {rules.duration(lease) + 1} s or more to wait for its end, or run again later",
        )

    def _holder(self, lease: Object | None) -> str:
        """The holder, for messages."""
        where = process.whereabouts(rules.process_of(lease))
        return f"another run ({rules.title_of(lease)}{', ' if where else ''}{where})"

    def ensure_held(self) -> None:
        """Raises Lost unless the Lease is still held here; called before each write."""
        lease = self._client.find(self._ref)
        self._refuse_lost(lease)
        if self._clock.monotonic() - self._renewed > rules.RENEW_SECONDS:
            self._write(lease, rules.held(self._me, self._process, self._clock.now()), self._refuse_lost)
            self._renewed = self._clock.monotonic()

    def renew(self) -> None:
        """Renews the Lease when it is time; raises Lost when another run holds it."""
        if self.held and self._clock.monotonic() - self._renewed > rules.RENEW_SECONDS:
            self.ensure_held()

    def _refuse_lost(self, lease: Object | None) -> None:
        if rules.holder_of(lease) != self._me:
            self.held = False
            other = self._holder(lease) if rules.holder_of(lease) else "another run"
            remedy = "find out what that run does; this one writes nothing more"
            raise Lost(f"rollout {self._rollout}", f"was taken over by {other} while this run was working", remedy)

    def release(self) -> None:
        """Gives the Lease back, if it is still held here."""
        if not self.held:
            return
        self.held = False
        try:
            lease = self._client.find(self._ref)
            self._refuse_lost(lease)
            self._write(lease, rules.held(None, "", self._clock.now()), self._refuse_lost)
        except (Lost, Failed):
            pass  # Another run took it, so it is not ours to give back; or another client keeps changing it, and it expires.

    def remove(self) -> None:
        """Deletes the Lease."""
        lease = self._client.find(self._ref)
        self.held = False
        if lease is not None:
            self._client.delete(self._ref, lease)

    def _is_free(self, lease: Object) -> bool:
        return rules.holder_of(lease) is None or rules.expired(lease, self._clock.now()) or process.is_gone(rules.process_of(lease))

    def _take(self, lease: Object | None, force: bool) -> bool:
        """Whether the Lease is held here now; False where another run was faster."""

        def check(found: Object | None) -> None:
            if not force and found is not None and not self._is_free(found):
                raise _Taken

        try:
            self._write(lease, rules.held(self._me, self._process, self._clock.now()), check)
        except _Taken:
            return False
        self.held, self._renewed = True, self._clock.monotonic()
        return True

    def _write(self, lease: Object | None, changes: Object, check: Callable[[Object | None], None]) -> None:
        """Changes the Lease, or creates it. check: called with what is found after a conflict; raises where it must not be written."""
        live = lease

        def refresh(stale: apply.ReadAgain) -> None:
            nonlocal live
            check(stale.found)
            live = stale.found
            self._clock.sleep(_AFTER_CONFLICT)

        metadata = {"name": self._ref.name, "namespace": self._ref.namespace, "labels": marks(self._rollout)}
        new = {"apiVersion": LEASE.api_version, "kind": LEASE.kind, "metadata": metadata}
        apply.retry(lambda: apply.send(self._client, self._ref, live, merged(new if live is None else live, changes)), refresh)
