"""The active Service of a switch: its selector, and the memory on it that says which call may go on."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Callable

from .._objects import edits, paths, seals
from .._objects.edits import Edit
from .._objects.resources import SERVICE, Ref
from .._plan.switch import Switch
from .._workloads.services import selector_of
from .._workloads.switches import ANNOTATION, Memory, dump, load
from .apply import ReadAgain, retry, write
from .context import Context, Failed

Object = dict[str, Any]


class Overruled(Failed):
    """Another call has taken over."""


def _token() -> str:
    return uuid.uuid4().hex[:8]


@dataclass
class Hold:
    """One call's hold on the active Service. The newest call has it: whoever must go back at once cannot wait for a switch to end.

    service: as it was read or written last, in check mode as it would be. held: whether this call's name stands on it.
    left: the workloads that this very call has found behind the active Service and leads the traffic away from, as they are remembered.
    foreseen: in check mode, Services and workloads as they would be, as `Service/shop`.
    """

    ctx: Context
    wish: Switch
    service: Object = field(default_factory=dict)
    held: bool = False
    drifted: list[str] = field(default_factory=list)
    foreseen: dict[str, Object] = field(default_factory=dict)
    name: str = field(default_factory=_token)
    left: list[str] = field(default_factory=list)

    @property
    def ref(self) -> Ref:
        return self.ctx.ref(SERVICE, self.wish.active)

    @property
    def memory(self) -> Memory | None:
        return load(self.service)

    @property
    def known(self) -> Memory:
        """The memory of a switch that has been begun."""
        return self.memory or Memory(self.wish.key, self.name)

    def look(self) -> None:
        """Reads the Service; raises Overruled where another call has taken over, and NotFound where it is not there."""
        self.service = self.ctx.client.get(self.ref)
        seals.refuse_forged(self.service, self.ctx.seal, self.ctx.accept_unsealed)
        if self.held and (self.memory is None or self.memory.run != self.name):
            raise Overruled(*self.overruled())

    def ensure_held(self) -> None:
        """Before each write of another object."""
        self.ctx.catch_up()
        if self.held:
            self.look()

    def note(self, memory: Memory | None, edits_of: Callable[[Object], Sequence[Edit]] | None = None) -> None:
        """Writes the memory, and in the same write gives the Service these edits; None: it keeps those that it has.

        The first write takes the hold.

        Raises:
            ReadAgain: Another call took the hold first.
            Overruled: Another call has taken over.
        """
        memory = memory and replace(memory, run=self.name)
        # The hold is on the Service itself, so no other lock is needed.
        ctx = replace(self.ctx, ensure_lock_held=self.ctx.catch_up)

        def once() -> None:
            live = self.service
            wanted = seals.sealed(self._wanted(live, memory, edits_of), self.ctx.seal)
            if not (edits.same(live, wanted) and seals.sealed_alike(live, wanted)):
                self.service, self.held = write(ctx, self.ref, live, wanted) or wanted, True
                if self.ctx.check:
                    self.foreseen[self.ref.key] = self.service

        retry(once, self._refresh)

    def _wanted(self, live: Object, memory: Memory | None, edits_of: Callable[[Object], Sequence[Edit]] | None) -> Object:
        wanted = live
        if edits_of is not None:
            result = edits.edited(live, self.ctx.by, edits_of, "repair")
            if selector_of(result.obj) != selector_of(live):
                # Nobody who has done our work already needs to be asked about.
                result = edits.edited(live, self.ctx.by, edits_of, self.ctx.on_drift)
            wanted = edits.stored(result, self.ctx.clock.now())
            self.drifted += [path for path in result.drifted if path not in self.drifted]
            if edits.same(live, wanted):
                wanted = live
        path = ("metadata", "annotations", ANNOTATION)
        if memory is not None:
            return dict(paths.replace(wanted, path, dump(memory)))
        return dict(paths.prune(paths.replace(wanted, path, paths.MISSING), path, 1))

    def _refresh(self, stale: ReadAgain) -> None:
        """Takes up a change of another client; raises unless it is none of what this call has decided by."""
        live, found = self.service, stale.found or self.ctx.client.get(self.ref)
        if load(found) != load(live):
            self.service = found
            raise Overruled(*self.overruled()) if self.held else stale
        if not self.held and selector_of(found) != selector_of(live):
            raise stale
        self.service = found

    def overruled(self) -> tuple[str, str, str]:
        """What is said where another call has taken over."""
        asked = self.memory.active if self.memory else ""
        what = f"is being switched to {asked}" if asked else "is being handed back"
        mine = f"switched to {self.wish.key}" if self.wish.key else "handed it back"
        return str(self.ref), f"{what} by another call, which took over while this one {mine}", "run the call again that must win"
