"""Writes the state of a cluster in memory down as JSON, and builds a cluster from it again.

Equal objects are kept once, and so are equal parts of objects: `{"$part": 7}` stands for the eighth of the parts. `{"$json": value}` stands
for a string that holds the value as JSON, as records and annotations do.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .cluster import MemoryCluster
from .kinds import BY_KIND, Object
from .store import key_of


@dataclass
class Pool:
    """The distinct objects of several snapshots; a snapshot holds indexes into it."""

    objects: list[Object] = field(default_factory=list)
    _indexes: dict[str, int] = field(default_factory=dict)

    def index(self, obj: Object) -> int:
        text = json.dumps(obj, sort_keys=True)
        if text not in self._indexes:
            self._indexes[text] = len(self.objects)
            self.objects.append(json.loads(text))
        return self._indexes[text]

    def packed(self) -> Object:
        """Returns `objects` and the `parts` that they share."""
        objects = [_strings_read(obj) for obj in self.objects]
        counts: Counter[str] = Counter()
        for obj in objects:
            _count(obj, counts)
        numbers: dict[str, int] = {}
        parts: list[Any] = []
        packed = [_pack(obj, counts, numbers, parts) for obj in objects]
        return {"parts": parts, "objects": packed}


def unpacked(content: Object) -> list[Object]:
    """Returns the objects of a pool, as they were."""
    parts: list[Any] = []
    for part in content["parts"]:
        parts.append(_unpack(part, parts))
    return [_unpack(obj, parts) for obj in content["objects"]]


_SHORT = 80  # characters; what is shorter is not worth being shared
_WAYS: tuple[dict[str, Any], ...] = ({"sort_keys": True, "indent": 1}, {"sort_keys": True}, {"sort_keys": True, "separators": (",", ":")})


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _strings_read(value: Any) -> Any:
    """With the strings as values that hold JSON in one of the ways in which it is written."""
    if isinstance(value, dict):
        return {key: _strings_read(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_strings_read(each) for each in value]
    if isinstance(value, str) and value.startswith("{"):
        held = json.loads(value)
        way = next((number for number, options in enumerate(_WAYS) if json.dumps(held, **options) == value), None)
        if way is not None:
            return {"$json": held, "$way": way}
    return value


def _inner(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def _count(value: Any, counts: Counter[str]) -> None:
    """Counts how often each part comes; what is inside a repeated part counts just once."""
    if isinstance(value, (dict, list)):
        text = _text(value)
        counts[text] += 1
        if counts[text] > 1:
            return
    for each in _inner(value):
        _count(each, counts)


def _pack(value: Any, counts: Counter[str], numbers: dict[str, int], parts: list[Any]) -> Any:
    if not isinstance(value, (dict, list)):
        return value
    text = _text(value)
    if text in numbers:
        return {"$part": numbers[text]}
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    inner = {key: _pack(each, counts, numbers, parts) for key, each in pairs}
    packed = inner if isinstance(value, dict) else list(inner.values())
    if counts[text] < 2 or len(text) < _SHORT:
        return packed
    numbers[text] = len(parts)
    parts.append(packed)
    return {"$part": numbers[text]}


def _unpack(value: Any, parts: Sequence[Any]) -> Any:
    if isinstance(value, list):
        return [_unpack(each, parts) for each in value]
    if not isinstance(value, dict):
        return value
    if "$part" in value:
        return parts[value["$part"]]
    whole = {key: _unpack(each, parts) for key, each in value.items()}
    return json.dumps(whole["$json"], **_WAYS[whole["$way"]]) if "$json" in whole else whole


def snapshot(cluster: MemoryCluster, pool: Pool, without: Sequence[str] = ()) -> Object:
    """Returns what `restored` needs: objects by kind, the last resourceVersion, the next number for names and uids, and the time.

    The cluster must be at rest, since what is about to happen in it is not kept. It must not be used after this.

    Args:
        cluster: The cluster to write down.
        pool: Receives the objects.
        without: Kinds that are left out.
    """
    found = {kind.kind: cluster.store.all(kind) for kind in cluster.store.objects if kind.kind not in without}
    return {
        "objects": {kind: [pool.index(each) for each in objects] for kind, objects in sorted(found.items()) if objects},
        "version": cluster.store.version,
        "number": next(cluster.store.numbers),
        "time": cluster.time.now(),
    }


def restored(state: Object, objects: Sequence[Object], pods_go: float = 0.5) -> MemoryCluster:
    """Returns a cluster with the objects of a snapshot, whose controllers have just been started.

    Args:
        state: What `snapshot` returned.
        objects: The objects of the pool.
        pods_go: Seconds until a pod is gone that was told to go.
    """
    cluster = MemoryCluster(pods_go)
    cluster.time.go_to(state["time"])
    store = cluster.store
    for name, indexes in state["objects"].items():
        kind = BY_KIND[name]
        found = [json.loads(json.dumps(objects[index])) for index in indexes]
        store.objects[kind] = {key_of(each): each for each in found}
    store.version, store.numbers = state["version"], itertools.count(state["number"])
    cluster.server.compacted = store.version
    for controller in cluster.controllers:
        controller.start()
    return cluster
