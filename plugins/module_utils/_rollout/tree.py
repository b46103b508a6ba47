"""Draws a rollout as a picture in text: its workloads and their pods, what each version gets, what state all are in."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def tree(info: Mapping[str, Any]) -> str:
    """One line for the rollout, one for each workload below it, one for each of their pods.

    info: as _actions/info.py gathers it.
    """
    branches = [(_workload(each), [_pod(pod) for pod in each["pods"]]) for each in info["workloads"]]
    return "\n".join([_head(info), *_drawn(branches)])


def _head(info: Mapping[str, Any]) -> str:
    step = info.get("step") or {}
    at = f"step {min(step['index'] + 1, step['total'])} of {step['total']}: {step['current']}" if step.get("current") else ""
    parts = [info["name"], info["phase"], f"revision {info['revision']}" if info["revision"] else "", at]
    return "  ".join(part for part in (*parts, f"{info['weight']['canary']} % canary" if info["revision"] else "") if part)


def _workload(workload: Mapping[str, Any]) -> str:
    images = ", ".join(sorted(set(workload["images"].values())))
    services = ", ".join(f"Service {name}" for name in workload["services"])
    text = f"{workload['kind']} {workload['name']}  {workload['ready']}/{workload['replicas']} ready  {images}"
    paused = "  paused" if workload["paused"] else ""
    if workload["waiting"]:
        paused += f", {', '.join(sorted(set(workload['waiting'].values())))} waits"
    return f"{text}{paused}  <- {services}" if services else text + paused


def _pod(pod: Mapping[str, Any]) -> str:
    return f"Pod {pod['name']}  {pod['state']}"


def _drawn(branches: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    lines = []
    for number, (text, leaves) in enumerate(branches, 1):
        last = number == len(branches)
        lines.append(f"{'└' if last else '├'}─ {text}")
        for leaf_number, leaf in enumerate(leaves, 1):
            lines.append(f"{' ' if last else '│'}  {'└' if leaf_number == len(leaves) else '├'}─ {leaf}")
    return lines
