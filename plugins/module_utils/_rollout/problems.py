"""What is broken about a rollout, as far as it can be seen, each with its remedy."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._objects import pages
from .._objects.resources import DEPLOYMENT, SERVICE, name_of
from .._plan.plan import Plan
from .._strategies.registry import strategy_named
from .._workloads.services import endpoints_of
from .decide import walked
from .lease import title_of
from .observed import BLUEGREEN, Object, Observed, Subject
from .progress import action_at
from .record import Record, record_name

_AGAIN = "apply its manifest again, and run the rollout again"
_BACK = "abort the rollout (state: aborted), and release again"


def problems_of(subject: Subject, record: Record | None, plan: Plan | None, observed: Observed, weight: int | None) -> list[str]:
    """One line each. weight: the canary's share as the routers say, None where that is not known."""
    found = [*observed.problems]
    if observed.lease is not None and observed.lease_is_stale:
        found.append(_stale(subject, record, observed.lease))
    if record is None:
        return [*found, *(_left(subject, each) for each in observed.left)]
    made = _made(record, plan)
    found += [*_workloads(subject, observed, made), *_services(subject, record, observed, made), *_routers(subject, observed)]
    return [*found, *_endpoints(subject, observed, weight)]


def _stale(subject: Subject, record: Record | None, lease: Mapping[str, Any]) -> str:
    name = f"Lease {subject.namespace}/{record_name(subject.name)}"
    remedy = "run the rollout again, which takes it over" if record is not None and record.under_way else "the next run takes it over"
    return f"{name} is held by {title_of(lease)}, which is gone: {remedy}"


def _left(subject: Subject, obj: Object) -> str:
    return (
        f"{obj['kind']} {subject.namespace}/{name_of(obj)} is left of rollout {subject.name}, which has no record any more: "
        f"put the application back by hand as {pages.LOST_RECORD} says"
    )


def _made(record: Record, plan: Plan | None) -> Mapping[str, bool]:
    """Whether what runs the new version, and its Service, must be there by what has been done of the rollout, or begun."""
    made = {"workload": False, "service": not record.canary_service_made}
    at = action_at(record, plan)
    ending = [at] if at is not None and False in (at.canary_after, at.canary_service_after) else []
    for action in [*([entry.action for entry in walked(record, plan)] if plan is not None else []), *ending]:
        made["workload"] = made["workload"] if action.canary_after is None else action.canary_after
        made["service"] = made["service"] if action.canary_service_after is None else action.canary_service_after
    return made


def _workloads(subject: Subject, observed: Observed, made: Mapping[str, bool]) -> Iterator[str]:
    if observed.workloads is None or not subject.workload:
        return
    names = [name_of(each) for each in observed.workloads]
    if subject.workload not in names:
        yield f"{subject.title} does not exist: {_AGAIN}, or hand it back (state: absent)"
    beside = f"{DEPLOYMENT.kind} {subject.namespace}/{subject.beside}"
    strategy = strategy_named(subject.style)
    if strategy.keeps_second_workload and subject.beside not in names:
        yield f"{beside} does not exist: {_AGAIN}"
    if not (strategy.creates_second_workload and made["workload"]):
        return
    if subject.beside and subject.beside not in names:
        yield f"{beside}, which runs the new version, does not exist: {_BACK}"
    elif not subject.beside and not any(name != subject.workload for name in names):
        yield f"the {DEPLOYMENT.kind} of the new version, {subject.namespace}/{subject.workload}-<hash>, does not exist: {_BACK}"


def _services(subject: Subject, record: Record, observed: Observed, made: Mapping[str, bool]) -> Iterator[str]:
    if observed.services is None:
        return
    names = [name_of(each) for each in observed.services]
    first, second = subject.words
    if subject.stable_service and subject.stable_service not in names:
        yield f"{SERVICE.kind} {subject.namespace}/{subject.stable_service} ({first}) does not exist: {_AGAIN}"
    expected = made["service"] and (record.under_way or not record.canary_service_made)
    if subject.canary_service and expected and subject.canary_service not in names:
        remedy = _BACK if record.canary_service_made else _AGAIN
        yield f"{SERVICE.kind} {subject.namespace}/{subject.canary_service} ({second}) does not exist: {remedy}"


def _routers(subject: Subject, observed: Observed) -> Iterator[str]:
    for router in observed.routers or []:
        if router.get("problem"):
            yield str(router["problem"])
        elif router["weight"] is not None and not sum(router["weight"].values()):
            title = f"router {router['type']} {subject.namespace}/{router['name']}"
            yield f"{title} sends nothing to Service {subject.stable_service}: put that route back, or correct the plan's routers"


def _endpoints(subject: Subject, observed: Observed, weight: int | None) -> Iterator[str]:
    """Services that get traffic and have no pod for it."""
    if observed.slices is None or not any((each.get("spec") or {}).get("replicas") != 0 for each in observed.workloads or []):
        return
    first, second = subject.words
    shares = {first: 100, second: None} if subject.strategy == BLUEGREEN else {first: 100 - (weight or 0), second: weight}
    for service in observed.services or []:
        share = shares.get(service["role"])
        if share and not endpoints_of(name_of(service), observed.slices, (service.get("spec") or {}).get("ports") or []).ready:
            title = f"{SERVICE.kind} {subject.namespace}/{name_of(service)}"
            yield f"{title} has no ready endpoints and gets {share} % of the traffic: see the pods for the reason, or abort the rollout"
