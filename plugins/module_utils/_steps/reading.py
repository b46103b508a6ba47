"""Reads the steps of a plan."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._objects.refusal import Refused
from .._objects.shown import echo
from .registry import STEPS
from .step import Step


def read_steps(raw: Any) -> tuple[Step, ...]:
    """Reads the list under `canary.steps`; messages name a step as `canary.steps[0]`, which is the first one. Raises Refused."""
    if raw is None:
        return ()
    if not isinstance(raw, Sequence) or isinstance(raw, (str, bytes)):
        raise Refused("canary.steps", "must be a list", "write for example [{set_weight: 20}, {pause: {}}]")
    steps: list[Step] = []
    for index, each in enumerate(raw):
        where = f"canary.steps[{index}]"
        step = _read(each, where)
        conflict = step.conflict(steps)
        if conflict:
            raise Refused(f"{where}.{step.key}", conflict, "end that first, with percent 0")
        steps.append(step)
    return tuple(steps)


def _read(raw: Any, where: str) -> Step:
    known = ", ".join(STEPS)
    if not isinstance(raw, Mapping) or len(raw) != 1:
        raise Refused(where, f"must be a mapping with one key, not {echo(raw)}", f"write one of {known}, for example set_weight: 20")
    kind, value = next(iter(raw.items()))
    if kind not in STEPS:
        raise Refused(where, f"has the unknown kind {echo(kind)}", f"use one of {known}")
    return STEPS[kind].parse(value, f"{where}.{kind}")
