"""Decides what to write: from objects as they are, what they must have, what is remembered of them, and the drift policy."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

from . import edits, seals
from .edits import Edit
from .patches import merge_patch, merged
from .refusal import Refused
from .relocation import Field
from .resources import title_of
from .seals import Seal

Object = dict[str, Any]
# Objects by key; None where one does not exist.
Objects = Mapping[str, Optional[Object]]


@dataclass(frozen=True)
class Change:
    """What one object must have.

    Attributes:
        part: The key of the object.
        edits: Relative to the object as it was before this owner's first edit.
        make: The object to begin with where there is none.
        remove: Delete the object, which was created here.
    """

    part: str
    edits: list[Edit] = field(default_factory=list)
    make: Object | None = None
    remove: bool = False


@dataclass(frozen=True)
class Policy:
    """For whom objects are written, and how.

    Attributes:
        by: The owner of the edits.
        on_drift: `fail`, `repair` or `accept`, where another client has changed a field that was set here.
        at: Epoch seconds, for the memory.
        annotate: Keep the memory of the edits in an annotation, too.
        seal: Seals the memory in the annotation; None without a key.
    """

    by: str
    on_drift: str = "fail"
    at: float = 0.0
    annotate: bool = True
    seal: Callable[[Object | None], Seal | None] = lambda _live: None


@dataclass(frozen=True)
class Write:
    """One object as it is and as it must be. None: it does not exist, or must not."""

    key: str
    live: Object | None
    wanted: Object | None
    edited: edits.Edited | None = None

    @property
    def due(self) -> bool:
        """Whether anything must be written."""
        if self.live is None or self.wanted is None:
            return self.live is not self.wanted
        return not (edits.same(self.live, self.wanted) and seals.sealed_alike(self.live, self.wanted))


def _nothing(_key: str) -> Sequence[Field]:
    return ()


def plan_writes(
    live: Objects,
    policy: Policy,
    changes: Callable[[Objects], Sequence[Change]],
    remembered: Callable[[str], Sequence[Field]] = _nothing,
) -> list[Write]:
    """Decides the writes of several objects, in the order of the changes; those that are not due are among them.

    Args:
        live: The objects as they are.
        changes: Given the objects without this owner's edits, what they must have.
        remembered: The fields that the owner remembers of an object apart from its annotation.

    Raises:
        Drifted: Another client has changed a field that was set here, and on_drift is `fail`.
        Refused: An object to be created or removed belongs to another owner.
    """
    bases = {key: obj and edits.base_of(obj, policy.by, policy.on_drift, remembered(key)) for key, obj in live.items()}
    return [_plan_write(live[each.part], bases, each, policy, changes, remembered(each.part)) for each in changes(bases)]


def _plan_write(
    live: Object | None,
    bases: Objects,
    change: Change,
    policy: Policy,
    changes: Callable[[Objects], Sequence[Change]],
    remembered: Sequence[Field],
) -> Write:
    key = change.part
    if live is not None and (change.remove or change.make is not None):
        refuse_other_owners(live, policy.by)
    if change.remove or (live is None and change.make is None):
        return Write(key, live, None)

    def edits_of(base: Object) -> Sequence[Edit]:
        if live is None:
            return change.edits
        return next((each.edits for each in changes({**bases, key: base}) if each.part == key), [])

    result = edits.edited(live or change.make or {}, policy.by, edits_of, policy.on_drift, remembered)
    return Write(key, live, seals.sealed(edits.stored(result, policy.at), policy.seal(live)) if policy.annotate else result.obj, result)


def refuse_other_owners(obj: Object, by: str) -> None:
    """Raises Refused for an object that was created for another owner, who alone may change or remove it."""
    others = sorted({field.by for field in edits.fields_of(obj)} - {by})
    if others:
        raise Refused(title_of(obj), f"was created for {', '.join(others)}", "end that first, or give this one another name")


def is_written(live: Object | None, wanted: Object | None, found: Object | None) -> bool:
    """Whether a write was carried out although the API server reported a conflict: its first answer was lost, and it was repeated.

    Args:
        live: The object before the write; None: it was to be created.
        wanted: The object that was to be written; None: it was to be deleted.
        found: The object as it is after the conflict.
    """
    if found is None or wanted is None:
        return found is wanted
    if live is None:
        return _contains(found, wanted)
    return bool(found["metadata"].get("uid") == live["metadata"].get("uid")) and merged(found, merge_patch(live, wanted)) == found


def _contains(found: Any, wanted: Any) -> bool:
    """Whether an object has all that was sent; the API server adds defaults."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(key in found and _contains(found[key], value) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(found) == len(wanted) and all(map(_contains, found, wanted))
    return bool(found == wanted)
