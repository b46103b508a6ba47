"""The workloads of a switch: which there are, brought up and ready before they get traffic, and scaled down when nothing leads to them."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from .._cluster.errors import ApiError
from .._objects.edits import base_of, fields_of
from .._objects.patches import merged
from .._objects.refusal import Refused
from .._objects.resources import POD, SERVICE, WORKLOADS, Ref, labels, name_of
from .._workloads.in_place import size_of
from .._workloads.label_selectors import match_labels, pod_selector
from .._workloads.pods import ready_uids, troubles
from .._workloads.services import bystanders, selector_of, selects
from .._workloads.switches import key_of, looks_like_version, not_at_rest
from .apply import send_unnoted, update
from .context import Context, Failed
from .ownership import give_up
from .switch_hold import Hold, Overruled
from .workload import set_replicas, wait_ready_pods

Object = dict[str, Any]

_FENCE = "progressive.delivery/switch"
_FORBIDDEN = 403
_MOMENT = 5.0  # seconds
_LOOKS_EVERY = 5.0  # seconds, at the active Service, while the delay lasts


def ref_of(ctx: Context, key: str) -> Ref:
    """A workload as it is remembered."""
    kind, _slash, name = key.partition("/")
    return ctx.ref(WORKLOADS[kind], name)


def every(ctx: Context, needed: str) -> list[Object]:
    """All workloads of the namespace. Kinds other than the needed one may be out of the user's sight, who then has none of them."""
    found: list[Object] = []
    for kind, resource in WORKLOADS.items():
        try:
            found += ctx.client.list(resource, ctx.namespace)[0]
        except ApiError as problem:
            if problem.status != _FORBIDDEN or kind == needed:
                raise
    return found


def require_ready(ctx: Context, workload: Object, least: int | None) -> None:
    """Raises Refused unless so many of its pods are ready; None: all, and of one version."""
    pods = _pods(ctx, workload)
    ready, needed = len(ready_uids(pods)), max(1, size_of(workload)) if least is None else least
    where = ref_of(ctx, key_of(workload))
    if not size_of(workload):
        raise Refused(str(where), "has no pods (0 replicas, or no node that takes any)", "scale it up first")
    if ready < needed:
        why = "; ".join(troubles(pods)[:3]) or f"there are {len(pods)} in all"
        problem = f"has {ready} ready pods, {needed} are needed ({why})"
        raise Refused(str(where), problem, "make them ready, or set a smaller min_ready")
    if least is None and not_at_rest(workload):
        _require_rest(ctx, where, workload)


def _require_rest(ctx: Context, where: Ref, workload: Object) -> None:
    """Raises Refused for one that is being rolled out. Its controller gets a moment to take up a change that was made just now."""

    def missing(found: list[Object]) -> str | None:
        return not_at_rest(found[0]) if found else "it was deleted"

    moment = min(ctx.wait_timeout, _MOMENT) if ctx.wait and not ctx.check else 0.0
    try:
        replace(ctx, wait_timeout=moment, wait=True).until(str(where), where.resource, missing, name=where.name, known=workload)
    except Failed:
        problem = not_at_rest(ctx.client.get(where))
        raise Refused(str(where), f"is not fully rolled out ({problem})", "wait for its own rollout, or set min_ready") from None


def bring_back(hold: Hold, key: str, least: int | None = None) -> None:
    """Gives the workload the pods that it had before it was scaled to 0 here, unless somebody did, and waits until they are ready."""
    ctx, ref, memory = hold.ctx, ref_of(hold.ctx, key), hold.known
    live = ctx.client.find(ref)
    if live is None:
        return  # The user deleted it meanwhile.
    if memory.retiring == key and not ctx.check:
        _fence(hold, ref)
    if key not in memory.replicas:
        return
    wanted = size_of(ctx.client.get(ref)) or memory.replicas[key]
    scaled = _scale(hold, ref, wanted)
    if scaled is not None:
        give_up(ctx, ref, scaled)
    if not ctx.check:
        _until_ready(ctx, live, wanted if least is None else min(least, wanted))


def _fence(hold: Hold, ref: Ref) -> None:
    """Changes the workload, so that a write of the call that this one has overruled cannot come late and scale it to 0.

    A label: the Deployment controller copies annotations to ReplicaSets.
    """
    for value in (hold.name, None):
        update(hold.ctx, ref, partial(_with_fence, value), writer=send_unnoted)


def _with_fence(value: str | None, live: Object) -> Object:
    return dict(merged(live, {"metadata": {"labels": {_FENCE: value}}}))


def _scale(hold: Hold, ref: Ref, wanted: int) -> Object | None:
    """Returns the workload, None where it is gone. Guarded by the workload as it was before the look at who has the hold, see _fence."""
    outcome = set_replicas(hold.ctx, ref, lambda _live: wanted)
    if outcome is None:
        return None
    if hold.ctx.check and outcome.changed:
        hold.foreseen[ref.key] = outcome.after
    return outcome.after


def _until_ready(ctx: Context, workload: Object, needed: int) -> None:
    where = str(ref_of(ctx, key_of(workload)))
    chosen = pod_selector(workload)
    wait_ready_pods(ctx, f"{needed} ready pods of {where}", chosen, needed, where, "mend it, and run again")


def _pods(ctx: Context, workload: Object) -> list[Object]:
    return ctx.client.list(POD, ctx.namespace, pod_selector(workload))[0]


def due(hold: Hold) -> dict[str, float]:
    """When each workload that waits for it may be scaled down, the first one first; without those to which a Service leads."""
    times = {key: since + hold.wish.after for key, since in hold.known.waiting.items() if since is not None}
    return dict(sorted(((key, at) for key, at in times.items() if not _led_to(hold, key)), key=lambda each: each[1]))


def _led_to(hold: Hold, key: str) -> list[str]:
    """The Services that lead to its pods; where a route decides between subsets, the active Service has the pods of both."""
    ctx = hold.ctx
    live = ctx.client.find(ref_of(ctx, key))
    if live is None:
        return []
    services = [hold.foreseen.get(ctx.ref(SERVICE, name_of(each)).key, each) for each in ctx.client.list(SERVICE, ctx.namespace)[0]]
    names = bystanders(services, labels(live["spec"]["template"]), [hold.wish.active] if hold.wish.by_subset else [])
    others = [name for name in names if not (hold.wish.swap and name == hold.wish.preview)]
    if others:
        text = f"{key} is not scaled down: Service {', '.join(others)} leads to its pods"
        hold.ctx.journal.warn(text)
    return names


def is_known(hold: Hold, key: str) -> bool:
    """Whether a workload that the memory names is one of this switch.

    Whoever may edit the active Service can have written a memory without a seal. It is believed of what this call has found behind the
    Service itself, and of workloads whose pods look like another version of those to which the Service leads, and which no Service of
    another application takes.
    """
    if hold.ctx.seal is not None or key in (hold.wish.key, *hold.left):
        return True
    live = hold.ctx.client.find(ref_of(hold.ctx, key))
    if live is None:
        return True  # There is nothing to scale.
    if _looks_like_version(hold, labels(live["spec"]["template"])):
        return True
    text = (
        f"{ref_of(hold.ctx, key)} is not scaled: the annotation on Service {hold.wish.active}, which has no seal, says that it belongs to "
        "this switch, and the labels of its pods do not: scale it yourself, or set record_key"
    )
    hold.ctx.journal.warn(text)
    return False


def _looks_like_version(hold: Hold, pods: dict[str, str]) -> bool:
    selector = selector_of(hold.service)
    # The second one is what the Service had before the first switch.
    before = selector_of(base_of(hold.service, hold.ctx.by, "repair"))
    if (selects(selector, pods) or selects(before, pods)) and not hold.wish.by_subset:
        return True
    edited = [each for each in fields_of(hold.service) if each.by == hold.ctx.by and each.was != each.now]
    switched = {str(each.path[2]) for each in edited if len(each.path) == 3 and each.path[:2] == ("spec", "selector")}
    target = hold.ctx.client.find(ref_of(hold.ctx, hold.wish.key)) if hold.wish.by_subset and hold.wish.target else None
    if target is not None:
        # Subsets tell the versions apart, by labels that the Service does not select by.
        own = match_labels(target)
        selector, switched = {**own, **selector}, own.keys() - selector.keys()
    return looks_like_version(pods, selector, switched) and not _taken_by_others(hold, pods)


def _taken_by_others(hold: Hold, pods: dict[str, str]) -> list[str]:
    """The Services that take these pods where the active one does not, but for the preview Service."""
    if selects(selector_of(hold.service), pods):
        return []
    services = hold.ctx.client.list(SERVICE, hold.ctx.namespace)[0]
    moved = [name_of(each) for each in services if any(field.by == hold.ctx.by for field in fields_of(each))]
    return bystanders(services, pods, [hold.wish.active, hold.wish.preview or "", *moved])


def retire(hold: Hold) -> None:
    """Scales down what is due, where the call waits also what will be."""
    for key, at in due(hold).items():
        if not is_known(hold, key):
            continue
        if hold.ctx.clock.now() < at:
            if not hold.ctx.wait:
                return
            _wait_out(hold, at)
        _retire_one(hold, key)


def _wait_out(hold: Hold, at: float) -> None:
    """Other calls may come meanwhile; one that asks for something else ends this one."""
    if hold.ctx.check:
        return
    mine, hold.held = hold.known, False
    while True:
        left = at - hold.ctx.clock.now()
        if left <= 0:
            return
        hold.ctx.renew()
        hold.ctx.clock.sleep(min(left, _LOOKS_EVERY))
        hold.look()
        found = hold.memory
        if found is None or (found.active, found.at) != (mine.active, mine.at):
            raise Overruled(*hold.overruled())


def _retire_one(hold: Hold, key: str) -> None:
    ctx, memory = hold.ctx, hold.known
    live = ctx.client.find(ref_of(ctx, key))
    if key not in memory.waiting or (not ctx.check and key not in due(hold)):
        return  # Another call was quicker, or a Service leads to it by now.
    if live is not None and size_of(live):
        hold.note(replace(memory, retiring=key, replicas={**memory.replicas, key: size_of(live)}))
        _scale(hold, ref_of(ctx, key), 0)
    hold.note(hold.known.retired(key))
