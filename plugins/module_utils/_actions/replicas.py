"""Splits the traffic of one Service by the pods of two Deployments: what must come first comes, is ready and known, then the rest goes."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .._objects import paths, seals
from .._objects.refusal import Drifted, Refused
from .._objects.resources import DEPLOYMENT, POD, SERVICE, Ref, Resource, labels, name_of
from .._plan.probes import Probe
from .._routing import replicas
from .._routing.replicas import CANARY, ROLES, STABLE, Counts, Memory, Pair, Plan
from .._routing.served import Measured
from .._routing.target import Split, Target
from .._workloads.deployments import replicas_of
from .._workloads.in_place import with_replicas
from .._workloads.label_selectors import pod_selector, takes_pod
from .._workloads.pods import is_ready
from .._workloads.services import selector_of, selector_text, selects
from . import apply, objects, services, traffic, workload
from .context import Context, Failed
from .ownership import give_up
from .traffic import Moved

Object = dict[str, Any]

AUTOSCALER = Resource("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers")


@dataclass(frozen=True)
class _State:
    service: Object
    deployments: Mapping[str, Object | None]

    @property
    def live(self) -> Counts:
        return {role: None if found is None else replicas_of(found) for role, found in self.deployments.items()}

    @property
    def memory(self) -> Memory | None:
        return replicas.load(self.service)

    def same(self, other: _State) -> bool:
        """Whether a split could tell them apart."""
        return self.live == other.live and self.memory == other.memory

    @property
    def resources(self) -> list[Object]:
        return [each for each in (*self.deployments.values(), self.service) if each is not None]


def move(ctx: Context, pair: Pair, split: Split | None, grace: float) -> Moved:
    """Gives both Deployments the replicas that come nearest to the split, with None those that they had before the first one.

    Every turn reads, decides, and does the next thing, so that it goes on where another call left off. Never fewer pods are ready than
    before: those that come are ready, stand in the EndpointSlices, and had the grace to become known, before others go.
    """
    work = _Move(ctx, pair, split, grace)
    for _turn in range(apply.ATTEMPTS):
        moved = apply.retry(work.turn)
        if moved is not None:
            return moved
    raise apply.too_many_conflicts(_ref(ctx, pair))


class _Move:
    """One call's move, a write at a time."""

    def __init__(self, ctx: Context, pair: Pair, split: Split | None, grace: float) -> None:
        self.ctx, self.pair, self.split, self.grace = ctx, pair, split, grace
        self._first: _State | None = None
        self._drifted: list[str] = []
        self._mine: Memory | None = None  # what this call has written into the memory

    def turn(self) -> Moved | None:
        """Does the next thing; the result once nothing is left."""
        ctx, pair, split = self.ctx, self.pair, self.split
        state = _read(ctx, pair, split)
        if self._mine is not None and self._mine.overruled(state.memory):
            _make_way(ctx, pair, self._mine, state.memory)
            what = "is being given another split by another call, which took over"
            raise Failed(str(_ref(ctx, pair)), what, "find out which client does that, and run the call again that must win")
        plan = self._plan(state)
        first = self._first = self._first or state
        drifted = self._drifted = self._drifted or plan.drifted
        if plan.done:
            _give_up(ctx, plan, state)
            return _moved(ctx, pair, first, state, drifted)
        step = plan.step(state.memory, state.live)
        if split is not None and step == replicas.REMEMBER:
            _check(ctx, pair, state)
        if ctx.check:
            return _moved(ctx, pair, first, _preview(ctx, pair, state, plan), drifted)
        _do(ctx, pair, state, plan, step, self.grace)
        if step != replicas.FINISH:
            self._mine = plan.memory
            return None
        last = _read(ctx, pair, split)
        _give_up(ctx, plan, last)
        return _moved(ctx, pair, first, last, drifted)

    def _plan(self, state: _State) -> Plan:
        ref = _ref(self.ctx, self.pair)
        try:
            return replicas.plan(state.memory, state.live, self.pair.names, self.split, self.ctx.on_drift, str(ref))
        except Drifted as problem:
            if state.same(_read(self.ctx, self.pair, self.split)):
                raise _in_time(self.ctx, problem) from None
            raise apply.ReadAgain(ref, None) from None  # Another call wrote between the two readings.


def settle(ctx: Context, moved: Moved, grace: float, probe: Probe | None) -> Measured | None:
    """Lets what balances the traffic converge, also after a move that an earlier call made and did not live to wait for."""
    measured = traffic.settle(ctx, [moved], grace, probe if moved.previous.total and moved.weight.total else None)
    memory = replicas.load(moved.resources[-1])
    if not moved.changed and measured is None and memory is not None and memory.at is not None:
        ctx.settle(grace, memory.at)
    return measured


def _read(ctx: Context, pair: Pair, split: Split | None) -> _State:
    read = ctx.client.find if split is None else ctx.client.get  # one that the user deleted needs nothing back
    found = {role: read(ctx.ref(DEPLOYMENT, name)) for role, name in pair.names.items()}
    service = ctx.client.get(_ref(ctx, pair))
    if not ctx.way_back:
        seals.refuse_forged(service, ctx.seal, ctx.accept_unsealed)
    return _State(service, found)


def _ref(ctx: Context, pair: Pair) -> Ref:
    return ctx.ref(SERVICE, pair.service)


def _in_time(ctx: Context, problem: Drifted) -> Exception:
    """A refusal comes before the first write of a call."""
    return (
        Failed(f"{problem}. It happened while this call worked: state absent puts back what was changed")
        if ctx.journal.changed
        else problem
    )


def _do(ctx: Context, pair: Pair, state: _State, plan: Plan, step: str, grace: float) -> None:
    if step == replicas.REMEMBER:
        _remember(ctx, pair, state, plan.memory)
    elif step == replicas.GROW:
        _scale(ctx, state, plan.growing(state.live))
    elif step == replicas.PROVE:
        _prove(ctx, pair, state, plan)
        _remember(ctx, pair, state, replace(plan.memory, grown=round(ctx.clock.now(), 3)))
    elif step == replicas.SHRINK:
        ctx.settle(grace, plan.memory.grown or 0.0)
        _prove(ctx, pair, state, plan)  # they must still be there
        _scale(ctx, state, plan.shrinking(state.live))
    else:
        _prove(ctx, pair, state, plan)
        _remember(ctx, pair, state, replicas.finished(plan, ctx.clock.now()))


def _prove(ctx: Context, pair: Pair, state: _State, plan: Plan) -> None:
    """Waits until the pods that came are ready, and the EndpointSlices hold just the pods that are."""
    for role in plan.grew():
        workload.wait_rolled_out(ctx, pair.names[role])
    if selector_of(state.service):
        services.prove(ctx, state.service)


def _remember(ctx: Context, pair: Pair, state: _State, memory: Memory | None) -> None:
    wanted = seals.sealed(_with_memory(state.service, memory), objects.seal_for(ctx, state.service))
    apply.write(ctx, _ref(ctx, pair), state.service, wanted)


def _with_memory(service: Object, memory: Memory | None) -> Object:
    path = ("metadata", "annotations", replicas.ANNOTATION)
    if memory is not None:
        return dict(paths.replace(service, path, replicas.dump(memory)))
    return dict(paths.prune(paths.replace(service, path, paths.MISSING), path, 1))


def _scale(ctx: Context, state: _State, wanted: Mapping[str, int]) -> None:
    for role, count in wanted.items():
        live = state.deployments[role] or {}
        apply.write(ctx, ctx.ref(DEPLOYMENT, name_of(live)), live, with_replicas(live, count))


def _give_up(ctx: Context, plan: Plan, state: _State) -> None:
    """Once everything is back."""
    if plan.forget:
        give_up(ctx, ctx.ref(SERVICE, name_of(state.service)), state.service)
        for live in filter(None, state.deployments.values()):
            give_up(ctx, ctx.ref(DEPLOYMENT, name_of(live)), live)


def _make_way(ctx: Context, pair: Pair, mine: Memory, theirs: Memory | None) -> None:
    """Reverts what this call may have written after the other one had read the Deployments for the last time."""
    for role, name in pair.names.items():
        wanted = theirs.of(role).now if theirs is not None else mine.of(role).was

        def count_of(live: Object, own: int = mine.of(role).now, other: int = wanted) -> int:
            found = replicas_of(live)
            return other if found == own else found

        workload.set_replicas(ctx, ctx.ref(DEPLOYMENT, name), count_of)


def _preview(ctx: Context, pair: Pair, state: _State, plan: Plan) -> _State:
    """What would be written."""
    after = dict(state.deployments)
    for role, wanted in {**plan.growing(state.live), **plan.shrinking(state.live)}.items():
        after[role] = with_replicas(state.deployments[role] or {}, wanted)
        ctx.journal.wrote(ctx.ref(DEPLOYMENT, pair.names[role]), state.deployments[role], after[role])
    service = _with_memory(state.service, replicas.finished(plan, ctx.clock.now()))
    ctx.journal.wrote(_ref(ctx, pair), state.service, service)
    return _State(service, after)


def _moved(ctx: Context, pair: Pair, first: _State, last: _State, drifted: list[str]) -> Moved:
    target = Target("replicas", pair.stable, ctx.namespace, pair.service, pair.service)
    return Moved(target, replicas.counts(first.live), replicas.counts(last.live), last.resources, ctx.journal.changed, drifted)


def _check(ctx: Context, pair: Pair, state: _State) -> None:
    """Raises Refused where the split would not be that of the pods, or would not stay."""
    title, selector = str(_ref(ctx, pair)), selector_of(state.service)
    if not selector or state.service["spec"].get("type") == "ExternalName":
        raise Refused(title, "has no selector, so its endpoints are not the pods of these Deployments", "name a Service that has one")
    pods = {role: _pod_labels(found) for role, found in state.deployments.items()}
    for role, name in pair.names.items():
        if not selects(selector, pods[role]):
            problem = f"(selector {selector_text(selector)}) does not select the pods of Deployment {name}"
            raise Refused(title, problem, "give it a selector that takes the pods of both")
    for role, other in ((STABLE, CANARY), (CANARY, STABLE)):
        if takes_pod(state.deployments[role] or {}, pods[other]):
            problem = f"(selector {pod_selector(state.deployments[role] or {})}) selects the pods of Deployment {pair.names[other]} too"
            raise Refused(f"Deployment {pair.names[role]}", problem, "give each a label of its own in selector and template")
    _no_others(ctx, title, state)
    _no_autoscaler(ctx, pair)
    if state.service["spec"].get("sessionAffinity") == "ClientIP":
        ctx.journal.warnings.append(f"{title} has session affinity: clients stay with the pod that they got first, whatever the weight")


def _no_others(ctx: Context, title: str, state: _State) -> None:
    pods, _version = ctx.client.list(POD, ctx.namespace, selector_text(selector_of(state.service)))
    own = [state.deployments[role] or {} for role in ROLES]
    others = [name_of(pod) for pod in pods if is_ready(pod) and not any(takes_pod(each, labels(pod)) for each in own)]
    if others:
        problem = f"leads to other pods than those of the two Deployments ({', '.join(others[:3])}), which have a share too"
        raise Refused(title, problem, "give it a selector that matches only these")


def _no_autoscaler(ctx: Context, pair: Pair) -> None:
    found, _version = ctx.client.list(AUTOSCALER, ctx.namespace)
    for each in found:
        scaled = each["spec"].get("scaleTargetRef") or {}
        if scaled.get("kind") == "Deployment" and scaled.get("name") in pair.names.values():
            raise Refused(
                f"HorizontalPodAutoscaler {ctx.namespace}/{name_of(each)}",
                f"scales Deployment {scaled['name']} and would undo the split",
                "delete it (for a KEDA ScaledObject, pause that) and scale by hand, or split with a router",
            )


def _pod_labels(deployment: Object | None) -> dict[str, str]:
    return dict(((deployment or {})["spec"]["template"].get("metadata") or {}).get("labels") or {})
