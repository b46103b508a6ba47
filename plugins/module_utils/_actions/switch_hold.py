"""The active Service of a switch: its selector, and the memory on it that says which call may go on."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Callable

from .._cluster.errors import Conflict
from .._objects import edits, paths, seals
from .._objects.edits import Edit
from .._objects.patches import merge_patch
from .._objects.resources import SERVICE, Ref
from .._plan.switch import Switch
from .._workloads.services import selector_of
from .._workloads.switches import ANNOTATION, Memory, dump, load
from .context import ATTEMPTS, Context, Failed

Object = dict[str, Any]


class Stale(Exception):
    """The active Service is another one than that by which this call has decided: it must look again."""


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
            raise Overruled(self.overruled())

    def guard(self) -> None:
        """Before each write of another object."""
        self.ctx.catch_up()
        if self.held:
            self.look()

    def note(self, memory: Memory | None, edits_of: Callable[[Object], Sequence[Edit]] | None = None) -> None:
        """Writes down what is remembered, and in the same moment gives the Service these edits; None: it keeps those that it has.

        The first write takes the hold. Raises Stale where somebody else was quicker with that.
        """
        memory = memory and replace(memory, run=self.name)
        for _attempt in range(ATTEMPTS):
            live = self.service
            wanted = seals.sealed(self._wanted(live, memory, edits_of), self.ctx.seal)
            if edits.same(live, wanted) and seals.sealed_alike(live, wanted):
                return
            if self.ctx.check:
                self._wrote(live, wanted)
                return
            self.ctx.catch_up()
            try:
                self._wrote(live, self.ctx.client.patch(self.ref, merge_patch(live, wanted), live))
                return
            except Conflict:
                found = self.ctx.client.get(self.ref)
            if load(found) == memory and selector_of(found) == selector_of(wanted):
                self._wrote(live, found)  # It was carried out, and its answer was lost.
                return
            self._refuse_other(live, found)
            self.service = found
        raise Failed(f"{self.ref} was changed by somebody else {ATTEMPTS} times in a row: find out who, and run again")

    def _wrote(self, live: Object, after: Object) -> None:
        self.ctx.journal.wrote(self.ref, live, after)
        self.service, self.held = after, True
        if self.ctx.check:
            self.foreseen[self.ref.key] = after

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

    def _refuse_other(self, live: Object, found: Object) -> None:
        """Raises unless just something else of the Service has changed."""
        if load(found) != load(live):
            self.service = found
            raise Overruled(self.overruled()) if self.held else Stale
        if not self.held and selector_of(found) != selector_of(live):
            raise Stale

    def overruled(self) -> str:
        asked = self.memory.active if self.memory else ""
        what = f"asked for {asked}" if asked else "gave everything back"
        return (
            f"{self.ref}: another call {what} while this one worked on {self.wish.key or 'giving everything back'}, and goes on with that: "
            "run again what shall hold in the end"
        )
