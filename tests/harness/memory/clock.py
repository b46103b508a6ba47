"""Time that passes only where somebody waits, and what is to happen in it."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import datetime, timezone

from ansible_collections.progressive.delivery.plugins.module_utils._cluster.clock import Clock


class FakeTime(Clock):
    """A clock that is moved by waiting: what was asked for by then happens meanwhile, each thing at its time."""

    def __init__(self, start: float = 1_750_000_000.0) -> None:
        self._now = start
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self._now

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.go_to(self._now + max(0.0, seconds))

    def go_to(self, moment: float) -> None:
        """Lets time pass until then."""
        while self._due and self._due[0][0] <= moment:
            self._now, _number, act = heapq.heappop(self._due)
            act()
        self._now = max(self._now, moment)

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        """Has something happen then."""
        heapq.heappush(self._due, (self._now + seconds, next(self._numbers), act))

    def next_thing(self) -> float:
        """When the next thing happens; infinity when nothing will."""
        return self._due[0][0] if self._due else float("inf")

    def stamp(self) -> str:
        """Now, as the API writes it."""
        return datetime.fromtimestamp(self._now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
