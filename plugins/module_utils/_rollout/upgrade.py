"""Turns a record of format 1 into one that this release of the collection could have written."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .._objects.refusal import Refused
from .._plan.plan import read_plan
from .._steps.sequence import ScheduledAction
from .._strategies.sequence import facts_of
from . import format1, sentences1
from .program import ABORT, program_of, release_program
from .record import BEGINNING, END, Record


def upgraded(record: Record, namespace: str) -> Record:
    """The record with the ids of the actions that it counts, and the hash of its plan as it is made now.

    One whose plan cannot be read, or that counts more actions than its plan has, stays as it is: its position is the id of no action, so
    that each call which needs the place refuses it.
    """
    if format1.place_of(record.position) is None and format1.place_of(record.aborted_at) is None:
        return record
    if not record.under_way:
        return replace(record, position=BEGINNING, aborted_at=BEGINNING)
    try:
        plan = read_plan(record.name, namespace, record.plan)
        release = release_program(plan, facts_of(record))
        turned = replace(record, aborted_at=_id(release, record.aborted_at) if record.program == ABORT else BEGINNING)
        found = replace(turned, position=_id(program_of(turned, plan), record.position))
    except Refused:
        return record
    return replace(found, plan_hash=plan.hash) if record.plan_hash == sentences1.plan_hash(plan) else found


def _id(sequence: Sequence[ScheduledAction], position: str) -> str:
    """The id of the action at a place that format 1 counts. The sequences are those that 0.1.0 had; a test holds them."""
    place = format1.place_of(position)
    if place is None or place > len(sequence):
        return position
    return sequence[place].id if place < len(sequence) else END
