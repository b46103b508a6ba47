"""All that is told of a rollout, as data: from its record, its plan, and what was found of it in the cluster."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._objects.resources import name_of
from .._plan.plan import Plan
from .._workloads.services import endpoints_of, selector_of
from .observed import BLUEGREEN, Object, Observed, Subject, subject_of
from .problems import problems_of
from .progress import progress_of, reason_of, set_weight, waiting_version
from .record import Record
from .report import report
from .versions import RolloutView, images_with_roles, replicas_in_all, revisions_of, workloads_of

UNKNOWN = "Unknown"  # the phase of a rollout whose record cannot be read


def picture(
    name: str, namespace: str, record: Record | None, plan: Plan | None, observed: Observed, told: Mapping[str, Any] | None = None
) -> Object:
    """What rollout_info tells of a rollout, but for the tree.

    plan: None without a record, and where this release refuses the record's. told: what `report` says, where the caller has more to say.
    """
    subject = subject_of(name, namespace, record, plan)
    info: Object = {
        "name": name,
        "namespace": namespace,
        "reason": "",
        **(told or _told(name, record, plan, observed)),
        "set_weight": None,
        "actual_weight": None,
        "progress": None,
        "images": [],
        "replicas": None,
        "history": [],
        "services": [],
        "routers": [],
        "workloads": [],
        "revisions": [],
    }
    if record is not None:
        info.update(_of_record(subject, record, plan, observed))
    info["problems"] = problems_of(subject, record, plan, observed, info["actual_weight"])
    return info


def _told(name: str, record: Record | None, plan: Plan | None, observed: Observed) -> Object:
    """As `report` says it; without what takes a plan where that is refused, and without a phase where the record cannot be read."""
    told = report(record if plan is not None else None, plan, name)
    if record is not None and plan is None:
        why = f"rollout {name}, revision {record.revision}: {record.msg or 'its plan cannot be read'}"
        strategy = subject_of(name, "", record, None).strategy
        told.update(phase=record.phase, msg=why, strategy=strategy, revision=record.revision, steps_skipped=record.skips, weight=None)
    elif record is None and observed.problems:
        told.update(phase=UNKNOWN, msg=observed.problems[0], weight=None)
    return told


def _of_record(subject: Subject, record: Record, plan: Plan | None, observed: Observed) -> Object:
    view = RolloutView(subject, record, observed, waiting_version(record, plan))
    workloads, revisions = workloads_of(view), revisions_of(view)
    return {
        "reason": reason_of(record, plan),
        "set_weight": set_weight(record, plan),
        "actual_weight": _actual_weight(view, workloads),
        "progress": progress_of(view, plan),
        "images": images_with_roles(revisions),
        "replicas": replicas_in_all(view, workloads),
        "history": record.history,
        "services": [_service(each, observed) for each in observed.services or []],
        "routers": [{key: each[key] for key in ("type", "name", "weight")} for each in observed.routers or []],
        "workloads": workloads,
        "revisions": revisions,
    }


def _service(service: Object, observed: Observed) -> Object:
    told = {"name": name_of(service), "role": service["role"], "selector": selector_of(service)}
    if observed.slices is None:
        return {**told, "endpoints": None}
    endpoints = endpoints_of(name_of(service), observed.slices, (service.get("spec") or {}).get("ports") or [])
    return {**told, "endpoints": endpoints.counts}


def _actual_weight(view: RolloutView, workloads: Sequence[Mapping[str, Any]]) -> int | None:
    """The new version's share in percent as the first router that says one has it; without routers, its share of the ready pods."""
    if view.observed.routers is None:
        return None
    if view.subject.routers or view.subject.strategy == BLUEGREEN:
        weights = [each["weight"] for each in view.observed.routers if each["weight"] and sum(each["weight"].values())]
        return round(100 * weights[0]["canary"] / sum(weights[0].values())) if weights else None
    ready = {word: sum(each["ready"] for each in workloads if each["version"] == word) for word in view.subject.words}
    return round(100 * ready[view.subject.words[1]] / sum(ready.values())) if sum(ready.values()) else None
