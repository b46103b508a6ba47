"""Gathers what can be seen of a rollout: its record, its workloads and their pods, its Services, its routers. Only reads."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Callable, TypeVar

from .._cluster import process
from .._cluster.errors import ApiError
from .._objects.refusal import Refused
from .._objects.resources import CONFIG_MAP, DEPLOYMENT, ENDPOINT_SLICE, LEASE, POD, SERVICE, WORKLOADS, Ref, Resource, labels, name_of
from .._plan.plan import Plan, read_plan
from .._rollout import lease as leases
from .._rollout.decide import refuse_contradiction
from .._rollout.observed import Observed, Subject, subject_of
from .._rollout.picture import picture
from .._rollout.record import Record, record_name
from .._rollout.report import report
from .._rollout.tree import tree
from .._rollout.trust import bounded
from .._rollout.watching import mark
from .._routing.registry import router_of
from .._routing.target import Target
from .._strategies.registry import strategy_named
from .._workloads.label_selectors import pod_selector, selector_in
from .._workloads.marks import MANAGED_BY, MANAGER, ROLLOUT
from . import made, traffic
from .context import Context, Failed
from .store import Store

Object = dict[str, Any]
Found = TypeVar("Found")

_NOBODY_IS_KNOWN = 401
# What reading an object of an unexpected shape raises. Here, where nothing is written, such an object hides no other one.
MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_READ_EVERY = 1.0


def names(ctx: Context) -> list[str]:
    """All rollouts of the namespace that have a record, or of which a Deployment is left."""
    found, _version = ctx.client.list(CONFIG_MAP, ctx.namespace, f"{MANAGED_BY}={MANAGER}")
    rollouts = {labels(each).get(ROLLOUT, "") for each in found if name_of(each) == record_name(labels(each).get(ROLLOUT, ""))}
    left = _try([], lambda: ctx.client.list(DEPLOYMENT, ctx.namespace, f"{MANAGED_BY}={MANAGER}")[0]) or []
    return sorted(filter(None, rollouts | {labels(each).get(ROLLOUT, "") for each in left}))


def read_status(ctx: Context, name: str) -> Object:
    """The status of one rollout and its problems; without a record, the objects that are left of the rollout."""
    observed = Observed(now=ctx.clock.now())
    store = Store(ctx.client, ctx.ref(CONFIG_MAP, record_name(name)), name, ctx.seal)
    record = _try(observed.problems, store.look)
    if record is not None and ctx.seal is not None and not store.sealed:
        observed.problems.append(f"the record of rollout {name} has no seal of this record_key: other clients may have written it")
    plan = _plan(ctx, observed, name, record)
    observed.lease = _find(ctx, observed, ctx.ref(LEASE, record_name(name)))
    _judge_lease(observed, f"{ctx.namespace}/{record_name(name)}")
    if record is not None:
        subject = subject_of(name, ctx.namespace, record, plan)
        _read(ctx, observed, subject, record)
        _read_slices(ctx, observed)
        observed.routers = [_router(ctx, target) for target in subject.routers]
    elif not observed.problems:
        observed.left = _left(ctx, observed, name)
    info = picture(name, ctx.namespace, record, plan, observed)
    return {**info, "sealed": store.sealed if record is not None and ctx.seal is not None else None, "tree": tree(info)}


def wait_for_status(ctx: Context, name: str | None, changed_from: str, seconds: float) -> list[Object]:
    """The same of one rollout, or of all, as soon as it differs from the status with that mark, or the time is over."""
    over = ctx.clock.monotonic() + seconds
    while True:
        found = [read_status(ctx, each) for each in (names(ctx) if name is None else [name])]
        left = over - ctx.clock.monotonic()
        if left <= 0 or not changed_from or mark(found) != changed_from:
            return found
        ctx.clock.sleep(min(_READ_EVERY, left))


def render(ctx: Context, plan: Plan, record: Record, result: Object) -> str:
    """The tree of a rollout whose record has been read. result: what `report` returns for it. Costs four requests, or three."""
    observed = Observed(now=ctx.clock.now())
    _read(ctx, observed, subject_of(plan.name, ctx.namespace, record, plan), record)
    return tree(picture(plan.name, ctx.namespace, record, plan, observed, result))


def render_without_reading(name: str, namespace: str, plan: Plan | None, record: Record | None, result: Object) -> str:
    """As much of the tree as needs no request."""
    return tree(picture(name, namespace, record, plan, Observed(), result))


def _try(problems: list[str], read: Callable[[], Found]) -> Found | None:
    """What was read; what is missing or forbidden is a problem of this rollout, and hides nothing else."""
    try:
        return read()
    except ApiError as problem:
        if problem.status == _NOBODY_IS_KNOWN:
            raise
        problems.append(" ".join(str(problem).split()))
    except (Refused, Failed) as problem:
        problems.append(" ".join(str(problem).split()))
    except MALFORMED as problem:
        problems.append(f"an object of it is not as the API server writes such objects ({type(problem).__name__}): look at it with kubectl")
    return None


def _find(ctx: Context, observed: Observed, ref: Ref) -> Object | None:
    return _try(observed.problems, lambda: ctx.client.find(ref))


def _list(ctx: Context, observed: Observed, resource: Resource, chosen: str) -> list[Object] | None:
    return _try(observed.problems, lambda: ctx.client.list(resource, ctx.namespace, chosen)[0])


def _plan(ctx: Context, observed: Observed, name: str, record: Record | None) -> Plan | None:
    if record is None:
        return None
    remedy = f"use the release that wrote it, or restore ConfigMap {record_name(name)}"
    try:
        plan = read_plan(name, ctx.namespace, bounded(record.plan))
    except Refused as problem:
        observed.problems.append(f"the plan in the record of rollout {name} is none that this release reads ({problem}): {remedy}")
        return None
    try:
        report(record, plan, name)
        refuse_contradiction(record, plan)
    except Refused as problem:
        observed.problems.append(f"the record of rollout {name} contradicts itself ({problem}): {remedy}")
        return None
    return plan


def _judge_lease(observed: Observed, title: str) -> None:
    """Finds out whether the holder of the Lease works on the rollout now, or is gone."""
    holder = leases.holder_of(observed.lease)
    if observed.lease is None or holder is None:
        return
    now, mark = observed.now or 0.0, leases.process_of(observed.lease)
    observed.lease_is_stale = leases.expired(observed.lease, now) or process.is_gone(mark)
    if observed.lease_is_stale:
        return
    holder = ", ".join(filter(None, (leases.title_of(observed.lease), process.whereabouts(mark))))
    if leases.believable(observed.lease, now):
        observed.holder = holder
    else:
        observed.problems.append(
            f"Lease {title} is held by {holder}, but the time of its last renewal cannot be right: compare the clocks of the machines, or "
            "run the rollout again, which takes it over unless its holder renews it"
        )


def _read(ctx: Context, observed: Observed, subject: Subject, record: Record) -> None:
    """The workloads, their pods, and the Services."""
    observed.services = _try(observed.problems, lambda: _services(ctx, subject, record))
    observed.workloads = _workloads(ctx, observed, subject)
    observed.pods = _try(observed.problems, lambda: _pods(ctx, observed.workloads or []))


def _services(ctx: Context, subject: Subject, record: Record) -> list[Object]:
    """Those of the rollout that are there: stable, canary, then the bystanders."""
    first, second = subject.words
    roles = {subject.stable_service: first, subject.canary_service: second, **dict.fromkeys(record.bystanders, "bystander")}
    found = {name_of(each): each for each in ctx.client.list(SERVICE, ctx.namespace)[0]}
    return [{**found[name], "role": role} for name, role in roles.items() if name in found]


def _read_slices(ctx: Context, observed: Observed) -> None:
    names_there = ",".join(name_of(each) for each in observed.services or [])
    chosen = f"kubernetes.io/service-name in ({names_there})"
    observed.slices = _list(ctx, observed, ENDPOINT_SLICE, chosen) if names_there else None


def _router(ctx: Context, target: Target) -> Object:
    """The split of a router; what is missing becomes its problem, in the words of the API server."""
    found: Object = {"type": target.router, "name": target.name, "weight": {"stable": 0, "canary": 0}}
    problems: list[str] = []
    split = _try(problems, lambda: traffic.look(ctx, target))
    if split is not None:
        found["weight"] = asdict(split)
    if split is not None and not split.total:
        first = next(iter(router_of(target).parts(target).values()))
        _try(problems, lambda: ctx.client.get(ctx.ref(first.resource, first.name)))
    return {**found, "problem": problems[0] if problems else None}


def _workloads(ctx: Context, observed: Observed, subject: Subject) -> list[Object] | None:
    """The user's, and what runs the new version, or kept old ones, beside it."""
    if not subject.workload:
        return None
    refs = [ctx.ref(WORKLOADS[subject.kind], subject.workload)]
    refs += [ctx.ref(DEPLOYMENT, subject.beside)] if subject.beside else []
    before = len(observed.problems)
    there = [each for each in (_find(ctx, observed, ref) for ref in refs) if each is not None]
    if strategy_named(subject.style).keeps_versions:
        there += sorted(_try(observed.problems, lambda: made.deployments(ctx, subject.name)) or [], key=name_of)
    return there if there or len(observed.problems) == before else None


def _pods(ctx: Context, workloads: Sequence[Object]) -> list[Object]:
    """The pods of the workloads. Deployments of the rollout select by the user's labels, too, and need no list of their own."""
    widest = [each for each in workloads if not any(_is_wider(other, each) for other in workloads)]
    lists = [ctx.client.list(POD, ctx.namespace, text)[0] for text in dict.fromkeys(map(pod_selector, widest))]
    return sorted({name_of(pod): pod for pods in lists for pod in pods}.values(), key=name_of)


def _is_wider(other: Object, workload: Object) -> bool:
    """Whether another workload's selector takes the pods of this one, and more."""
    wide, narrow = selector_in(other), selector_in(workload)
    labels, expressions = wide.get("matchLabels") or {}, wide.get("matchExpressions") or []
    less = labels.items() < (narrow.get("matchLabels") or {}).items()
    return bool(labels or expressions) and less and expressions == (narrow.get("matchExpressions") or [])


def _left(ctx: Context, observed: Observed, name: str) -> list[Object]:
    """What was made for a rollout that has no record."""
    found = [each for kind in (DEPLOYMENT, SERVICE) for each in _list(ctx, observed, kind, f"{ROLLOUT}={name}") or []]
    return [each for each in found if not each["metadata"].get("deletionTimestamp")]
