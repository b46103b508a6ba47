"""What controllers have in common: they look at an object a moment after something about it has changed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from functools import partial

from .kinds import Kind
from .store import Change, Store, key_of

Key = tuple[str, str]


class Controller(ABC):
    """kind: what it looks after. delay: seconds from a change until it looks; changes until then count as one."""

    kind: Kind
    delay = 0.02

    def __init__(self, store: Store) -> None:
        self.store = store
        self._waiting: set[Key] = set()
        store.listeners.append(self._told)

    @abstractmethod
    def concerned(self, change: Change) -> Iterable[Key]:
        """The objects of its kind that a change is about."""

    @abstractmethod
    def look(self, key: Key) -> None:
        """Does what is to be done for one object, which may be gone."""

    def start(self) -> None:
        """Looks at all objects that are there already, as a controller does that was started again."""
        for obj in self.store.all(self.kind):
            self.look_later(key_of(obj), self.delay)

    def look_later(self, key: Key, seconds: float) -> None:
        """Looks again then, whatever happens."""
        self.store.time.after(seconds, partial(self.look, key))

    def _told(self, change: Change) -> None:
        for key in self.concerned(change):
            if key not in self._waiting:
                self._waiting.add(key)
                self.store.time.after(self.delay, partial(self._look, key))

    def _look(self, key: Key) -> None:
        self._waiting.discard(key)
        self.look(key)
