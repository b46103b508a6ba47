"""What is told of a rollout while somebody watches it: one line for each change, and why there will be no more of them."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from .._objects.shown import shown
from .picture import UNKNOWN
from .record import ABORTED, DEGRADED, HEALTHY, PAUSED, PROGRESSING
from .tree import BAD, WARNING, age

# Between two calls of one play nobody holds the Lease: to approve takes less than this, to run hooks may take up to the watcher's patience.
_A_MOMENT = 10.0
_LONGEST_LINE = 2000


def line(info: Mapping[str, Any]) -> str:
    """How it stands, without times that change by themselves. info: as _rollout/picture.py has it."""
    reason = info.get("reason")
    said = [f"{info['phase']}: {reason}" if reason else str(info["phase"])]
    said += _progress(info["progress"]) if info.get("progress") and info["phase"] != PAUSED else []
    problems = info.get("problems") or []
    said += [f"problem: {problems[0]}"] if problems else []
    said += [f"and {len(problems) - 1} more"] if len(problems) > 1 else []
    return shown(f"{info['name']}: {_step(info)}{', '.join(filter(None, said))}", _LONGEST_LINE)


def told(info: Mapping[str, Any], at: str) -> str:
    """The line as it is printed at a time, with what the last one did not say: for how long that has been so."""
    progress = info.get("progress") or {}
    elapsed = progress.get("elapsed")
    return f"{at} {shown(info['line'], _LONGEST_LINE)}" + (f" (for {age(elapsed)})" if elapsed is not None else "")


def fitted(text: str, width: int | None) -> list[str]:
    """The text in lines of a terminal of that width; None: as it is."""
    return [text] if width is None or len(text) <= width else textwrap.wrap(text, width, subsequent_indent="    ")


def status_in(drawn: str) -> str:
    """The phase that a line of a tree tells of, `problem` for one that tells of what is broken; empty for any other."""
    if WARNING in drawn:
        return "problem"
    found = next((phase for phase in (HEALTHY, PROGRESSING, PAUSED, DEGRADED, ABORTED) if f" {phase}" in drawn), "")
    return found if found or BAD not in drawn else DEGRADED


def mark(infos: Sequence[Mapping[str, Any]]) -> str:
    """Differs when any of the lines does."""
    return hashlib.sha256(json.dumps([line(each) for each in infos]).encode()).hexdigest()[:16]


def ended(info: Mapping[str, Any], idle: float, patience: float, now: float) -> str | None:
    """Why nothing moves by itself any more; None while something does, or may.

    idle: for how many seconds no run has held the Lease. patience: for how many of them a run may still be about to go on.
    """
    phase, progress = info["phase"], info.get("progress")
    if phase == UNKNOWN:
        return "its record cannot be read"
    if progress is None:
        return {HEALTHY: "it is complete" if info["revision"] else "nothing is under way", ABORTED: "it was aborted"}.get(
            phase, "nothing is known of what it is at"
        )
    if progress["holder"] is not None:
        return None
    if phase == DEGRADED:
        return "it is stuck until somebody mends the cause"
    if phase == PAUSED and info["resume_at"] is None:
        return "it waits until somebody promotes or aborts it" if idle >= min(_A_MOMENT, patience) else None
    if info["resume_at"] is not None and now < info["resume_at"]:
        return None  # Whoever waits for the end of a timed pause holds no Lease.
    return f"no run has worked on it for {idle:.0f} s" if idle >= patience else None


def _step(info: Mapping[str, Any]) -> str:
    step = info.get("step")
    if not step or not step["total"] or info.get("progress") is None:
        return ""
    return f"step {min(step['index'] + 1, step['total'])} of {step['total']}: "


def _progress(progress: Mapping[str, Any]) -> list[str]:
    waits = progress["waiting_for"]
    ready = f"{progress['ready']} ready" if progress["ready"] else ""
    return [ready, f"waiting for {waits}" if waits else ""]
