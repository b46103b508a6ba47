"""The record of a rollout: what the cluster remembers of it between calls, as text in one ConfigMap."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from .._objects.refusal import Refused
from .._objects.untrusted import read_json
from . import format1
from .record_shape import SHAPE, misshapen

FORMAT = 2
# Positions in a sequence where no action comes next, or none has been begun; all others are ids of actions.
BEGINNING, END = "", "end"

PROGRESSING = "Progressing"
PAUSED = "Paused"
HEALTHY = "Healthy"
ABORTED = "Aborted"
DEGRADED = "Degraded"


@dataclass(frozen=True)
class Record:
    """Times are epoch seconds. Holds hashes of templates and images, never environment values."""

    name: str
    plan: dict[str, Any]
    plan_hash: str
    revision: int
    target: str  # hash of the template that is being released
    phase: str
    msg: str = ""
    program: str = ""  # release, abort or hand back; empty when nothing is under way
    position: str = BEGINNING  # the id of the action of the program that comes next
    began: float | None = None  # when that action began
    moved: float | None = None  # when that action wrote its last move of traffic
    moved_before: float | None = None  # of a way back: when the action that it cut off may have moved traffic
    aborted_at: str = BEGINNING  # the position in the release from which the abort goes back
    forget: bool = False  # the record goes when the program ends
    resume_at: float | None = None  # end of the timed pause that is under way
    promoted: dict[str, Any] = field(default_factory=dict)  # step index -> who passed that pause, and when
    steps: list[dict[str, Any]] = field(default_factory=list)  # began, ended of each step
    # The version before: workload (what runs it), hash (its pods' own), template, images; made: its Deployment was made here.
    stable: dict[str, Any] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    bystanders: list[str] = field(default_factory=list)
    canary_service_made: bool = False
    made: list[str] = field(default_factory=list)  # keys (Ref.key) of what the plan declares, and was not there at the start
    guards: list[str] = field(default_factory=list)  # keys (Ref.key) of what scales the workload, and of its disruption budgets
    asked: str = ""  # hash of the plan's revision, as it was asked for
    undo: str = ""  # what a call that began this revision asked to go back to
    skips: bool = False  # the steps are skipped
    originals: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # object -> its remembered fields
    tracks: bool = False  # there are, or were at the start, copies of ConfigMaps and Secrets
    # What the template names (Ref.key) -> its original, and the name that the new version's template has instead.
    configs: dict[str, list[str]] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)  # copies of them that may be there (Ref.key) -> the original
    labels: dict[str, list[str]] = field(default_factory=dict)  # that pods may have from this release, or one before it: key -> values
    history: list[dict[str, Any]] = field(default_factory=list)
    by: dict[str, str] = field(default_factory=dict)  # who started this revision
    salt: str = ""  # of `asked`, so that what a template holds cannot be guessed from that; empty: it has none
    uids: dict[str, str] = field(default_factory=dict)  # key (Ref.key) of what was created for the rollout -> its uid
    stored: dict[str, str] = field(default_factory=dict)  # hash of a template -> of what admission made of it when a rollout wrote it
    min_replicas: int = 1  # pods that a canary with traffic has at least, as decided at the start; 1 as in records of 0.1.0

    @property
    def under_way(self) -> bool:
        """Whether a program is being carried out (pauses included)."""
        return bool(self.program)

    def also_stored(self, template: str) -> list[str]:
        """The hashes of what admission made of the template with this hash, and of that in turn."""
        found = [template]
        while found[-1] in self.stored and self.stored[found[-1]] not in found:
            found.append(self.stored[found[-1]])
        return found[1:]

    @property
    def steps_done(self) -> int:
        """How many steps of the plan are finished; also the index of the present one."""
        return len([each for each in self.steps if each.get("ended")])


def record_name(rollout: str) -> str:
    """The name of the record's ConfigMap and of its Lease."""
    return f"{rollout}.rollout"


def dump(record: Record) -> dict[str, str]:
    """The record as the data of a ConfigMap."""
    return {"record": json.dumps({"format": FORMAT, **asdict(record)}, sort_keys=True, indent=1)}


def load(data: Any, name: str) -> Record:
    """The record out of the data of a ConfigMap; raises Refused where it cannot be read.

    Every client that may edit ConfigMaps in the namespace may have written it, so that every field is checked (record_shape.py).
    """
    remedy = f"restore ConfigMap {record_name(name)}, or delete it once the application is as it should be"
    unreadable = Refused(f"rollout {name}", "has a record that cannot be read", remedy)
    try:
        raw = dict(read_json(data["record"]))
    except (KeyError, TypeError, ValueError):
        raise unreadable from None
    version = raw.pop("format", None)
    if isinstance(version, int) and version > FORMAT:
        raise Refused(
            f"rollout {name}",
            f"has a record of format {repr(version)[:20]}, which a newer release of the collection wrote; this one reads up to {FORMAT}",
            f"use that release, or {remedy}",
        )
    if version not in (format1.FORMAT, FORMAT) or isinstance(version, bool):
        raise unreadable
    known = {key: value for key, value in raw.items() if key in {each.name for each in fields(Record)}}
    wrong = misshapen(known, {**SHAPE, **format1.SHAPE} if version == format1.FORMAT else SHAPE)
    if wrong:
        raise Refused(f"rollout {name}", f"has a record that cannot be read ({', '.join(wrong)} not as this collection writes it)", remedy)
    if version == format1.FORMAT:
        known = format1.marked(known)
    try:
        record = Record(**known)
    except TypeError:
        raise unreadable from None
    if name and record.name != name:
        raise Refused(f"rollout {name}", f"has a record that cannot be read (it is that of rollout {record.name})", remedy)
    return record


def with_history(record: Record, at: float, limit: int) -> list[dict[str, Any]]:
    """The history with the revision that just ended on top: so many that were released, and of others as many."""
    entry = {
        "revision": record.revision,
        "target": record.target,
        "images": record.images,
        "before": {key: record.stable[key] for key in ("template", "images") if key in record.stable},
        "phase": record.phase,
        "ended": at,
        "by": record.by,
        "msg": record.msg,
    }
    entries = [entry, *record.history]
    released = [each for each in entries if each["phase"] == HEALTHY][:limit]
    others = [each for each in entries if each["phase"] != HEALTHY][:limit]
    return [each for each in entries if each in released or each in others]
