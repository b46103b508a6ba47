"""What an API server keeps: objects in versions, a log of all changes for watches, and who is told of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .admission import Webhook
from .clock import FakeTime
from .kinds import REPLICA_SET, Kind, Object


@dataclass(frozen=True)
class Change:
    """ADDED, MODIFIED or DELETED; after: for DELETED as it was last, with the version of its deletion."""

    version: int
    type: str
    kind: Kind
    before: Object | None
    after: Object

    @property
    def key(self) -> tuple[str, str]:
        return key_of(self.after)


Listener = Callable[[Change], None]


@dataclass
class Store:
    """Objects are never changed in place: whoever changes one puts another in its stead. webhooks: see each write, in this order."""

    time: FakeTime
    objects: dict[Kind, dict[tuple[str, str], Object]] = field(default_factory=dict)
    log: list[Change] = field(default_factory=list)
    listeners: list[Listener] = field(default_factory=list)
    version: int = 1
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    webhooks: list[Webhook] = field(default_factory=list)

    def admitted(self, kind: Kind, before: Object | None, obj: Object) -> Object:
        """The object as webhooks let it be kept; raises Denied."""
        for webhook in self.webhooks:
            obj = webhook(kind, before, obj)
        return obj

    def find(self, kind: Kind, namespace: str, name: str) -> Object | None:
        return self.objects.get(kind, {}).get((namespace, name))

    def all(self, kind: Kind, namespace: str | None = None) -> list[Object]:
        """By namespace and name, as the API lists them."""
        found = self.objects.get(kind, {})
        return [found[key] for key in sorted(found) if namespace in (None, key[0])]

    def owned(self, kind: Kind, owner: Object) -> list[Object]:
        """The objects that another one controls."""
        uid = owner["metadata"]["uid"]
        return [each for each in self.all(kind, owner["metadata"]["namespace"]) if owner_of(each).get("uid") == uid]

    def add(self, kind: Kind, obj: Object) -> Object:
        """A new object, given what the API server gives: uid, creationTimestamp, generation."""
        if kind is REPLICA_SET:  # By the Deployment controller; what users make has been admitted.
            obj = self.admitted(kind, None, obj)
        metadata = {**obj["metadata"], "uid": f"uid-{next(self.numbers)}", "creationTimestamp": self.time.stamp()}
        return self._put("ADDED", kind, None, {**obj, "metadata": {**metadata, **({"generation": 1} if kind.counted else {})}})

    def change(self, kind: Kind, before: Object, after: Object) -> Object:
        """Another state of an object, which gets no new version where nothing is different."""
        if kind is REPLICA_SET and {**after, "status": None} != {**before, "status": None}:
            after = self.admitted(kind, before, after)
        after = {**after, "metadata": {**after["metadata"], "resourceVersion": before["metadata"]["resourceVersion"]}}
        if kind.counted and _counts(kind, before, after):
            after["metadata"]["generation"] = before["metadata"]["generation"] + 1
        return before if after == before else self._put("MODIFIED", kind, before, after)

    def set_status(self, kind: Kind, obj: Object, status: Object) -> Object:
        return self.change(kind, obj, {**obj, "status": status})

    def remove(self, kind: Kind, obj: Object) -> None:
        del self.objects[kind][key_of(obj)]
        self.version += 1
        gone = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.version)}}
        self._tell(Change(self.version, "DELETED", kind, obj, gone))

    def _put(self, what: str, kind: Kind, before: Object | None, after: Object) -> Object:
        self.version += 1
        after = {**after, "metadata": {**after["metadata"], "resourceVersion": str(self.version)}}
        self.objects.setdefault(kind, {})[key_of(after)] = after
        self._tell(Change(self.version, what, kind, before, after))
        return after

    def _tell(self, change: Change) -> None:
        self.log.append(change)
        for listener in self.listeners:
            listener(change)


def _counts(kind: Kind, before: Object, after: Object) -> bool:
    """Whether a change is one of the wanted state; for Deployments and their like annotations belong to that."""
    if kind.group == "apps" and kind.plural == "deployments" and _annotations(before) != _annotations(after):
        return True
    own = ("metadata", "status")
    return {key: value for key, value in before.items() if key not in own} != {key: value for key, value in after.items() if key not in own}


def _annotations(obj: Object) -> Any:
    return obj["metadata"].get("annotations") or {}


def key_of(obj: Object) -> tuple[str, str]:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]


def labels_of(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("labels") or {}


def owner_of(obj: Object) -> Object:
    """The reference to what controls the object, empty without one."""
    return next((each for each in obj["metadata"].get("ownerReferences") or [] if each.get("controller")), {})


def reference_to(kind: Kind, owner: Object) -> Object:
    metadata = owner["metadata"]
    return {
        "apiVersion": kind.api_version(),
        "kind": kind.kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
