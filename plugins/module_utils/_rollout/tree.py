"""Draws a rollout as a picture in text, in the manner of `kubectl argo rollouts get rollout`: a head, and a table of its parts."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._objects.shown import shown

_WIDTH = 79  # of texts in the head; names stand in the table as they are
_INDENT = 17
_LONGEST_CELL = 500
SYMBOLS = {"Healthy": "✔", "Running": "✔", "Paused": "॥", "Progressing": "◌", "ScaledDown": "•", "Pending": "◌", "Terminating": "◌"}
BAD, WARNING = "✖", "⚠"
_ICONS = {"Rollout": "⟳", "Pod": "□"}
_TITLES = ("NAME", "KIND", "STATUS", "AGE", "INFO")
_REPLICAS = ("desired", "current", "updated", "ready", "available")

Row = Sequence[str]
Branch = tuple[Row, "Sequence[Branch]"]


def tree(info: Mapping[str, Any], width: int | None = None) -> str:
    """The picture. info: as _rollout/picture.py has it; without what was not looked at the picture has no such lines.

    width: of the terminal where it is to fit; what makes lines of the table too long is left out then, and in the end they are cut.
    """
    lines = [*_head(info)]
    if info.get("revisions"):
        lines += ["", *(_table(info) if width is None else _narrow(info, width))]
    return "\n".join(lines)


def symbol(status: str) -> str:
    """What stands before a phase, or the state of a workload or pod."""
    return SYMBOLS.get(status, BAD if status != "Unknown" else WARNING)


def age(seconds: float | None) -> str:
    """As kubectl shows ages: in the largest unit of which there is more than one or two."""
    if seconds is None:
        return ""
    for unit, size, least in (("d", 86400, 2), ("h", 3600, 2), ("m", 60, 2)):
        if seconds >= size * least:
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def _head(info: Mapping[str, Any]) -> Iterator[str]:
    status = f"{symbol(info['phase'])} {info['phase']}"
    reason = info.get("reason")
    yield from _said("Name:", info["name"])
    yield from _said("Namespace:", info.get("namespace"))
    yield from _said("Status:", f"{status}: {reason}" if reason else status)
    yield from _said("Message:", info.get("msg"))
    if info.get("revision"):
        yield from _said("Strategy:", {"bluegreen": "BlueGreen"}.get(info.get("strategy", ""), "Canary"))
        yield from _strategy(info)
    yield from _progress(info.get("progress"))
    for number, each in enumerate(info.get("images") or []):
        roles = f" ({', '.join(each['roles'])})" if each["roles"] else ""
        yield from _said("" if number else "Images:", f"{each['image']}{roles}")
    replicas = info.get("replicas")
    if replicas is not None:
        yield "Replicas:"
        for key in _REPLICAS:
            yield from _said(f"  {key.capitalize()}:", "?" if replicas[key] is None else str(replicas[key]))
    for number, problem in enumerate(info.get("problems") or []):
        yield from _said("" if number else "Problems:", f"{WARNING} {problem}")


def _strategy(info: Mapping[str, Any]) -> Iterator[str]:
    step = info.get("step")
    if step and step["total"]:
        number = min(step["index"] + (step["current"] is not None), step["total"])
        yield from _said("  Step:", f"{number}/{step['total']}" + (f" {step['current']}" if step["current"] else ""))
    if info.get("strategy") != "bluegreen" and info.get("progress"):
        for label, key in (("  SetWeight:", "set_weight"), ("  ActualWeight:", "actual_weight")):
            yield from _said(label, None if info.get(key) is None else str(info[key]))


def _progress(progress: Mapping[str, Any] | None) -> Iterator[str]:
    """What it is at, with a line for who works on it."""
    if progress is None:
        return
    since = f", for {age(progress['elapsed'])}" if progress["elapsed"] is not None else ""
    ready = f", {progress['ready']} ready" if progress["ready"] else ""
    yield from _said("Progress:", f"{progress['action']} ({progress['number']}/{progress['total']}){since}{ready}")
    yield from _said("  Waiting for:", progress["waiting_for"])
    yield from _said("  Run:", progress["holder"])


def _said(label: str, text: str | None) -> Iterator[str]:
    """A line of the head, and more where the text is long; none where there is no text."""
    if text:
        lines = textwrap.wrap(shown(" ".join(text.split())), _WIDTH - _INDENT, break_long_words=False, break_on_hyphens=False) or [""]
        for number, line in enumerate(lines):
            yield f"{'' if number else label:<{_INDENT}}{line}"


def _narrow(info: Mapping[str, Any], width: int) -> list[str]:
    """The table in lines that are no longer: the names of pods without those of their workloads, then no kinds."""
    lines: list[str] = []
    for short, columns in ((False, _TITLES), (True, _TITLES), (True, [title for title in _TITLES if title != "KIND"])):
        lines = _table(info, short, columns)
        if max(map(len, lines)) <= width:
            return lines
    return [line if len(line) <= width else f"{line[: width - 1]}…" for line in lines]


def _table(info: Mapping[str, Any], short: bool = False, columns: Sequence[str] = _TITLES) -> list[str]:
    created = max((each["age"] for each in info["workloads"] if each["age"] is not None), default=None)
    status = f"{symbol(info['phase'])} {info['phase']}"
    row = (f"{_ICONS['Rollout']} {info['name']}", "Rollout", status, age(created), "")
    whole = [_TITLES, row, *_drawn([_revision(each, short) for each in info["revisions"]])]
    rows = [[shown(cell, _LONGEST_CELL) for title, cell in zip(_TITLES, row) if title in columns] for row in whole]
    widths = [max(len(row[column]) for row in rows) for column in range(len(columns))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths)).rstrip() for row in rows]


def _revision(revision: Mapping[str, Any], short: bool) -> Branch:
    return ((f"# revision:{revision['revision']}", "", "", "", ""), [_workload(each, short) for each in revision["workloads"]])


def _workload(workload: Mapping[str, Any], short: bool) -> Branch:
    status, told = workload["status"], [",".join(workload["roles"])]
    if workload["replicas"] or workload["pods"]:
        told.append(f"ready:{workload['ready']}/{workload['replicas']}")
    if workload["delay"] is not None:
        told.append(f"delay:{age(workload['delay'])}" if workload["delay"] else "delay:passed")
    told += ["paused"] if workload["paused"] else []
    told += [f"waits:{image}" for image in sorted(set(workload["waiting"].values()))]
    told += [f"service:{name}" for name in workload["services"]]
    row = (f"⧉ {workload['name']}", workload["kind"], f"{symbol(status)} {status}", age(workload["age"]), ",".join(filter(None, told)))
    return row, [(_pod(each, workload["name"] if short else ""), ()) for each in workload["pods"]]


def _pod(pod: Mapping[str, Any], without: str) -> Row:
    bad = pod["status"] == "Running" and not pod["state"].startswith("is ready")
    sign = SYMBOLS["Pending"] if bad or pod["status"] == "ContainerCreating" else symbol(pod["status"])
    told = f"ready:{pod['ready']}" + (f",restarts:{pod['restarts']}" if pod["restarts"] else "")
    name = f"…{pod['name'][len(without) :]}" if without and pod["name"].startswith(without) else pod["name"]
    return (f"{_ICONS['Pod']} {name}", "Pod", f"{sign} {pod['status']}", age(pod["age"]), told)


def _drawn(branches: Sequence[Branch], before: str = "") -> Iterator[Row]:
    for number, (row, leaves) in enumerate(branches, 1):
        last = number == len(branches)
        yield (f"{before}{'└──' if last else '├──'}{row[0]}", *row[1:])
        yield from _drawn(leaves, f"{before}{'   ' if last else '│  '}")
