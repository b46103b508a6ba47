"""Seals what this collection keeps in the cluster, so that a later call knows whether somebody else has written it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import paths
from .refusal import Refused
from .resources import title_of
from .untrusted import read_json

Object = dict[str, Any]

# The annotations in which this collection remembers what a later call obeys.
MEMORIES = ("progressive.delivery/original", "progressive.delivery/bluegreen", "progressive.delivery/replicas")
_SEAL = "seal"

# What a seal says first, so that a later release of the collection may seal in another way.
_SCHEME = "1"
SHORTEST_KEY = 16  # characters


@dataclass(frozen=True)
class Seal:
    """A key that only the users of this collection have. The seal is an HMAC (RFC 2104) with SHA-256 over the place and the content.

    The place (namespace, kind, name, and what it is there) is part of it: a seal from one object says nothing on another one.
    """

    key: str

    def of(self, place: str, content: Any) -> str:
        """The seal of JSON data at a place."""
        text = json.dumps([_SCHEME, place, content], sort_keys=True, separators=(",", ":"))
        return f"{_SCHEME}:{hmac.new(self.key.encode(), text.encode(), hashlib.sha256).hexdigest()}"

    def fits(self, place: str, content: Any, seal: Any) -> bool:
        """Whether this is the seal of these data at this place."""
        return isinstance(seal, str) and hmac.compare_digest(self.of(place, content).encode(), seal.encode(errors="replace"))


def place_of(namespace: str, kind: str, name: str, what: str) -> str:
    """Where sealed data stand: an object, and what of it."""
    return f"{namespace}/{kind}/{name}/{what}"


def read_key(text: Any) -> Seal | None:
    """The seal that the option record_key stands for, None without one; raises Refused for a key that could be guessed."""
    if text in (None, ""):
        return None
    if not isinstance(text, str) or len(text) < SHORTEST_KEY:
        remedy = "use a long random text, for example of `openssl rand -hex 32`"
        raise Refused("record_key", f"is shorter than {SHORTEST_KEY} characters", remedy)
    return Seal(text)


def sealed(obj: Object, seal: Seal | None) -> Object:
    """The object with a seal in each of our memories on it; as it is without a key."""
    if seal is None:
        return obj
    for annotation, memory in _memories(obj):
        content = _content(memory)
        text = json.dumps({**content, _SEAL: seal.of(_place(obj, annotation), content)}, separators=(",", ":"), sort_keys=True)
        obj = dict(paths.replace(obj, ("metadata", "annotations", annotation), text))
    return obj


def sealed_alike(one: Object, other: Object) -> bool:
    """Whether the same memories on two states of an object have seals."""
    return {key for key, memory in _memories(one) if _SEAL in memory} == {key for key, memory in _memories(other) if _SEAL in memory}


def fits_all(obj: Object, seal: Seal) -> bool:
    """Whether holders of the key wrote all our memories on an object."""
    return all(
        _SEAL in memory and seal.fits(_place(obj, annotation), _content(memory), memory[_SEAL]) for annotation, memory in _memories(obj)
    )


def seal_for(obj: Object | None, seal: Seal | None, way_back: bool, accept_unsealed: bool) -> Seal | None:
    """The seal for what is written on an object: on the way back none where others may have written a memory, of any owner."""
    forged = way_back and not accept_unsealed and seal is not None and obj is not None and not fits_all(obj, seal)
    return None if forged else seal


def _content(memory: Object) -> Object:
    return {key: value for key, value in memory.items() if key != _SEAL}


def refuse_forged(obj: Object, seal: Seal | None, accept_unsealed: bool = False, vouched: bool = False) -> None:
    """Raises Refused for a memory on an object that the holders of the key did not write.

    Without a key: for one that is sealed, since this call could neither check nor renew the seal.
    accept_unsealed: with a key, take a memory that has no seal, as releases before the key was introduced have left them, or another's.
    vouched: a sealed record remembers the same, so that a memory without a seal will do.
    """
    for annotation, memory in _memories(obj):
        content = _content(memory)
        where, undo = title_of(obj), "put the object back by hand and remove the annotation"
        if _SEAL in memory and seal is None:
            raise Refused(where, f"has the sealed annotation {annotation}", "give the record_key with which it was sealed")
        if seal is None or accept_unsealed:
            continue
        if _SEAL in memory and not seal.fits(_place(obj, annotation), content, memory[_SEAL]):
            problem = f"has the annotation {annotation}, which does not fit its seal (another client or another record_key)"
            raise Refused(where, problem, f"{undo}, or give the right record_key")
        if _SEAL not in memory and not vouched:
            problem = f"has the annotation {annotation}, which has no seal"
            raise Refused(where, problem, f"set record_unsealed to accept once if it is older than record_key; else {undo}")


def _memories(obj: Object) -> Iterator[tuple[str, Object]]:
    """Our memories on an object that can be read; whoever reads one that cannot refuses it."""
    annotations = (obj.get("metadata") or {}).get("annotations") or {}
    for annotation in MEMORIES:
        if annotation in annotations:
            try:
                memory = read_json(annotations[annotation])
            except ValueError:
                continue
            if isinstance(memory, dict):
                yield annotation, memory


def _place(obj: Object, annotation: str) -> str:
    metadata = obj["metadata"]
    return place_of(str(metadata.get("namespace", "")), str(obj.get("kind", "")), str(metadata.get("name", "")), annotation)
