"""Switches the active Service, or the routers before it, to another workload, and back; what is done already is not done again."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .._objects import edits, seals
from .._objects.edits import fields_of
from .._objects.refusal import Refused
from .._objects.resources import SERVICE, labels
from .._plan.routers import title_of
from .._plan.switch import Switch
from .._routing.registry import router_of
from .._routing.served import Measured
from .._routing.target import DesiredTraffic, Target, split_of
from .._workloads.label_selectors import match_labels
from .._workloads.services import Endpoints, is_headless, selector_of
from .._workloads.switches import Memory, behind, can_be_scaled, key_of, lacking_port, refuse_unclear, takes
from . import backends, services, switch_workloads, traffic
from .apply import retry
from .context import Context, Journal, NotYet
from .ownership import give_up
from .switch_hold import Hold, Overruled

Object = dict[str, Any]

_TO_PREVIEW, _TO_ACTIVE = DesiredTraffic(split_of(100)), DesiredTraffic(split_of(0))


@dataclass
class Work:
    """One call of bluegreen_switch.

    Attributes:
        hold: The active Service and what is remembered on it.
        began: When the call began, by the monotonic clock.
        target: The workload to switch to.
        switch_seconds: Seconds from the beginning until the endpoints showed the new version, None where nothing was switched.
        measured: What a probe saw.
        endpoints: Of the active Service, once they were seen.
        waits: What is left to the next call.
    """

    hold: Hold
    began: float
    target: Object = field(default_factory=dict)
    switch_seconds: float | None = None
    measured: Measured | None = None
    endpoints: Endpoints | None = None
    waits: str = ""

    @property
    def ctx(self) -> Context:
        return self.hold.ctx

    @property
    def wish(self) -> Switch:
        return self.hold.wish


def carry_out(ctx: Context, wish: Switch, began: float) -> Work:
    """Does all that is to be done; Work.waits says what a call that may not wait has left to the next one."""
    work = Work(Hold(ctx, wish), began)
    ctx.ensure_lock_held = work.hold.ensure_held
    try:
        retry(lambda: (_switch if wish.target else _give_back)(work))
    except Overruled:
        if work.hold.memory is None:
            # Everything was given back, perhaps before this call's last write came.
            work.hold.held = False
            _give_rest_back(work, wish.preview)
        raise
    except NotYet as later:
        work.waits = str(later)
    return work


# There


def _switch(work: Work) -> None:
    hold, wish = work.hold, work.wish
    hold.look()
    work.target = work.ctx.client.get(switch_workloads.ref_of(work.ctx, wish.key))
    memory = hold.memory
    away = _is_away(work)
    if away or (memory is not None and (memory.active != wish.key or memory.at is None)):
        _move(work, away)
    else:
        _refuse_forgotten(wish, memory)
    if hold.memory is not None and hold.known.at is not None:
        _settle(work, hold.known.at)
    _lead_preview(work, _version_of_preview(work))
    if hold.memory is not None and wish.scale_down:
        switch_workloads.retire(hold)


def _is_away(work: Work) -> bool:
    """Whether the traffic, or a part of it, still goes elsewhere."""
    if work.wish.by_subset:
        return any(_share_elsewhere(work, router) for router in work.wish.routers)
    return selector_of(work.hold.service) != match_labels(work.target)


def _share_elsewhere(work: Work, router: Target) -> int:
    split = traffic.look(work.ctx, router)
    return split.stable if _to_target(work, router) is _TO_PREVIEW else split.canary


def _to_target(work: Work, router: Target) -> DesiredTraffic:
    """What brings all requests to the subset that has the target's pods."""
    fits = [wish for wish in (_TO_ACTIVE, _TO_PREVIEW) if takes(_subset(work, router, wish), work.target)]
    if len(fits) != 1:
        names = f"{router.stable_subset!r} and {router.canary_subset!r}"
        raise Refused(
            f"DestinationRule {work.ctx.namespace}/{router.destination_rule}",
            f"has {'two subsets' if fits else 'no subset'} with the pods of {work.wish.key} among {names}",
            "name subsets, or give them labels, of which exactly one has these pods",
        )
    return fits[0]


def _subset(work: Work, router: Target, wish: DesiredTraffic) -> dict[str, str]:
    """The labels of the subset that gets all requests by that wish."""
    [backend] = router_of(router).backends(traffic.objects_of(work.ctx, router), router, wish.split, None)
    return {**dict(backend.labels), **dict(router.canary_labels if wish is _TO_PREVIEW else router.stable_labels)}


def _is_left(work: Work, other: Object) -> bool:
    """Whether another workload behind the active Service is one that the traffic leaves."""
    for router in work.wish.routers if work.wish.by_subset else ():
        wish = _TO_ACTIVE if _to_target(work, router) is _TO_PREVIEW else _TO_PREVIEW
        if not takes(_subset(work, router, wish), other):
            return False
    return True


def _move(work: Work, away: bool) -> None:
    ctx, hold, wish = work.ctx, work.hold, work.wish
    memory = hold.memory or Memory("", "")
    leaving = _check(work, memory, away)
    hold.left = [key_of(each) for each in leaving]
    hold.note(_begun(wish, memory, [key_of(each) for each in leaving]))
    switch_workloads.bring_back(hold, wish.key, wish.min_ready)
    if away:
        through_preview = bool(wish.routers) and not wish.by_subset
        if through_preview or not wish.swap:
            _lead_preview(work, work.target)
        if through_preview:
            _routers_to_preview(work)
        _point(work)
    _prove(work)
    _put_routers_back(work)
    now = round(ctx.clock.now(), 3)
    waiting: dict[str, float | None] = {key: now if since is None else since for key, since in hold.known.waiting.items()}
    routers = hold.known.routers if wish.by_subset else ()
    hold.note(replace(hold.known.running(wish.key), at=now, waiting=waiting, routers=routers))


def _begun(wish: Switch, memory: Memory, leaving: Sequence[str]) -> Memory:
    """What is remembered from the first write on.

    What an earlier call has moved to, and this one leaves, may have traffic, too; and so may what a hand-back that died has scaled up.
    """
    scaled_up = () if memory.active else (*memory.waiting, *memory.replicas)
    left = [key for key in dict.fromkeys((*leaving, memory.active, *scaled_up)) if key not in ("", wish.key)]
    waiting = {**memory.waiting, **{key: None for key in left if can_be_scaled(key)}}
    return replace(
        memory,
        active=wish.key,
        previous=left[0] if left else memory.previous if memory.active == wish.key else "",
        at=None,
        waiting={key: since for key, since in waiting.items() if key != wish.key},
        preview=wish.preview or memory.preview,
        routers=tuple(title_of(each) for each in wish.routers),
    )


def _check(work: Work, memory: Memory, away: bool) -> list[Object]:
    """Raises Refused for whatever would go wrong; returns the workloads that have the traffic now."""
    ctx, hold, wish = work.ctx, work.hold, work.wish
    _refuse_forgotten(wish, memory)
    workloads = switch_workloads.every(ctx, wish.kind)
    selector = selector_of(hold.service)
    if wish.by_subset and not takes(selector, work.target):
        raise Refused(str(hold.ref), f"does not select the pods of {wish.key}, so that no subset of it can have them", "widen its selector")
    leaving = [each for each in behind(selector, workloads) if key_of(each) != wish.key and _is_left(work, each)]
    refuse_unclear(work.target, workloads, leaving)
    _refuse_unusable(work, hold.service)
    if wish.preview:
        _refuse_unusable(work, ctx.client.get(ctx.ref(SERVICE, wish.preview)))
    for router in wish.routers:
        _check_router(work, router)
    if away and not wish.by_subset:
        backends.require_subsets(ctx, [wish.active], lambda: [labels(work.target["spec"]["template"])])
    if away and wish.key not in memory.replicas:
        switch_workloads.require_ready(ctx, work.target, wish.min_ready)
    if is_headless(hold.service):
        ctx.journal.warnings.append(f"{hold.ref} is headless: clients keep the addresses of pods that they have got, whatever it leads to")
    return leaving


def _rehearsal(ctx: Context) -> Context:
    return replace(ctx, check=True, journal=Journal())


def _refuse_unusable(work: Work, service: Object) -> None:
    """Raises Refused for a Service that cannot be pointed at the target's pods, or would be without ports then."""
    _refuse_drifted(work, service, work.target)
    lacking = lacking_port(service, work.target)
    if lacking:
        raise Refused(lacking.object, lacking.what, lacking.remedy)


def _refuse_drifted(work: Work, service: Object, workload: Object) -> None:
    """Raises what would be raised when the Service is pointed at the workload's pods."""
    own, others = match_labels(workload), sorted({each.by for each in edits.fields_of(service)} - {work.ctx.by})
    if others:
        raise Refused(f"Service {service['metadata']['name']}", f"is managed by {', '.join(others)}", "end that first")
    services.selector_edits(service, own, merge=False)
    if selector_of(service) != own:
        edits.edited(service, work.ctx.by, lambda base: services.selector_edits(base, own, merge=False), work.ctx.on_drift)


def _check_router(work: Work, router: Target) -> None:
    """Raises Refused for one that cannot be moved; one that an earlier call has moved was looked at by that, but for drift."""
    ctx, found = work.ctx, traffic.objects_of(work.ctx, router)
    ours = any(each.by == ctx.by for obj in found.values() if obj is not None for each in fields_of(obj))
    if work.wish.by_subset or ours:
        wish = _to_target(work, router) if work.wish.by_subset else _TO_PREVIEW
        traffic.move(_rehearsal(ctx), router, wish, require_ready=False, together=work.wish.routers)
        return
    traffic.validate(ctx, router, {"": _TO_PREVIEW}, found, together=work.wish.routers)
    wanted = router_of(router).backends(found, router, _TO_PREVIEW.split, _TO_PREVIEW)
    backends.require_ports(ctx, [each for each in wanted if each.service == work.wish.preview])


def _refuse_forgotten(wish: Switch, memory: Memory | None) -> None:
    """Raises Refused where something is under the hands of earlier calls that this one would leave so."""
    if memory is None:
        return
    named = [title_of(each) for each in wish.routers]
    left = [each for each in memory.routers if each not in named]
    if left:
        raise Refused("routers", f"must name {', '.join(left)}, which an earlier call moved", "add it")
    if wish.preview and memory.preview not in ("", wish.preview):
        raise Refused(
            "preview_service", f"must be {memory.preview}, which earlier calls moved", "name that Service, or use state absent first"
        )


def _lead_preview(work: Work, workload: Object | None) -> None:
    """Points the preview Service at a version; None: leaves it where it is."""
    ctx, wish = work.ctx, work.wish
    if not wish.preview or workload is None:
        return
    own = match_labels(workload)
    preview = ctx.client.get(ctx.ref(SERVICE, wish.preview))
    if selector_of(preview) == own:
        return
    _refuse_drifted(work, preview, workload)
    if work.hold.memory is None or not work.hold.held:
        work.hold.note(replace(work.hold.memory or Memory(wish.key, "", at=round(ctx.clock.now(), 3)), preview=wish.preview))
    outcome = services.point(ctx, wish.preview, lambda base: services.selector_edits(base, own, merge=False), 0 if ctx.check else 1)
    if ctx.check:
        work.hold.foreseen[ctx.ref(SERVICE, wish.preview).key] = outcome.after
        return
    services.prove(ctx, outcome.after)


def _version_of_preview(work: Work) -> Object | None:
    """The new version; or, swapped, the one before it as long as that runs."""
    if not work.wish.swap:
        return work.target
    memory = work.hold.memory
    if memory is None or not memory.previous or memory.previous in memory.replicas:
        return None
    return work.ctx.client.find(switch_workloads.ref_of(work.ctx, memory.previous))


def _routers_to_preview(work: Work) -> None:
    if work.ctx.check:
        return  # They end as they were.
    moves = traffic.move_all(work.ctx, work.wish.routers, _TO_PREVIEW, converge=lambda: _pause(work))
    work.measured = traffic.settle(work.ctx, moves, work.wish.grace, work.wish.probe)


def _pause(work: Work) -> None:
    work.ctx.settle(work.wish.grace, work.ctx.clock.now())


def _point(work: Work) -> None:
    hold, wish = work.hold, work.wish
    memory = hold.known.running(wish.key)
    if not wish.by_subset:
        hold.note(memory, lambda base: services.selector_edits(base, match_labels(work.target), merge=False))
        return
    hold.note(memory)
    if not work.ctx.check:
        services.prove(work.ctx, hold.service)  # The router's own check looks for the pods there.
    for router in wish.routers:
        traffic.move(work.ctx, router, _to_target(work, router), not work.ctx.check, converge=lambda: _pause(work))


def _prove(work: Work) -> None:
    if work.ctx.check:
        return
    work.endpoints = services.prove(work.ctx, work.hold.service)
    work.switch_seconds = round(work.ctx.clock.monotonic() - work.began, 3)


def _put_routers_back(work: Work) -> None:
    if work.wish.by_subset or work.ctx.check:
        return
    traffic.restore_all(work.ctx, work.wish.routers, lambda moves: traffic.settle(work.ctx, moves, work.wish.grace))


def _settle(work: Work, since: float) -> None:
    """Proxies have converged; a probe sees it sooner where no router has done so with the target before."""
    ctx, wish = work.ctx, work.wish
    if ctx.check:
        return
    if wish.probe is not None and ctx.wait and work.switch_seconds is not None and (wish.by_subset or not wish.routers):
        work.measured = traffic.measure_share(ctx, 0.0, 1.0, wish.probe)
        if work.measured.conclusive and len(wish.routers) < 2:
            return
    ctx.settle(wish.grace, since)


# And back


def _give_back(work: Work) -> None:
    """As it was before the first switch; the memory goes last of all."""
    ctx, hold, wish = work.ctx, work.hold, work.wish
    found = ctx.client.find(hold.ref)
    if found is None:
        ctx.journal.warnings.append(f"{hold.ref} is not there, and with it what its workloads had: scale them yourself")
        return
    seals.refuse_forged(found, ctx.seal, ctx.accept_unsealed)
    hold.service = found
    memory = hold.memory
    if memory is None:
        _give_rest_back(work, wish.preview)
        give_up(ctx, hold.ref, found)
        return
    _refuse_forgotten(wish, memory)
    own = selector_of(edits.edited(found, ctx.by, lambda _base: [], ctx.on_drift).obj)
    _rehearse_back(work, memory.preview)
    if not memory.replicas:
        _require_some(work, own)
    if memory.active:
        memory = replace(memory, active="", previous=memory.active, at=None)
    hold.note(memory)
    for key in memory.replicas:
        if switch_workloads.is_known(hold, key):
            switch_workloads.bring_back(hold, key)
    _require_some(work, own)
    hold.note(hold.known, lambda _base: [])
    if not ctx.check and services.has_selected_pods(hold.service):
        work.endpoints = services.prove(ctx, hold.service)
    _give_routers_back(work)
    if hold.known.at is None:
        hold.note(replace(hold.known, at=round(ctx.clock.now(), 3)))
    if not ctx.check:
        ctx.settle(wish.grace, hold.known.at or 0.0)
    _give_preview_back(work, memory.preview)
    hold.note(None)
    hold.held = False
    give_up(ctx, hold.ref, hold.service)


def _require_some(work: Work, selector: dict[str, str]) -> None:
    least = 1 if work.wish.min_ready is None else work.wish.min_ready
    if work.ctx.check or not selector or selector == selector_of(work.hold.service):
        return
    services.require_ready(work.ctx, work.wish.active, selector, least)


def _rehearse_back(work: Work, preview: str) -> None:
    """Raises what would be raised once something is back already."""
    rehearsal = _rehearsal(work.ctx)
    there = [router for router in work.wish.routers if traffic.main_object(work.ctx, router)]
    traffic.restore_all(rehearsal, there, lambda _emptied: None, require_ready=False)
    if preview and work.ctx.client.find(work.ctx.ref(SERVICE, preview)) is not None:
        services.point(rehearsal, preview, lambda _base: [], 0)


def _give_rest_back(work: Work, preview: str) -> None:
    """What is left where the active Service remembers nothing any more."""
    if _give_routers_back(work) and not work.ctx.check:
        work.ctx.settle(work.wish.grace, work.ctx.clock.now())
    _give_preview_back(work, preview)


def _give_routers_back(work: Work) -> bool:
    """Whether any had been moved."""
    ctx, grace = work.ctx, work.wish.grace
    there = [router for router in work.wish.routers if traffic.main_object(ctx, router)]
    moves = traffic.restore_all(ctx, there, lambda drained: None if ctx.check else traffic.settle(ctx, drained, grace))
    return any(moved.changed for moved in moves)


def _give_preview_back(work: Work, name: str) -> None:
    ctx = work.ctx
    if not name or ctx.client.find(ctx.ref(SERVICE, name)) is None:
        return
    outcome = services.point(ctx, name, lambda _base: [], 0)
    if outcome.changed and not ctx.check and services.has_selected_pods(outcome.after):
        services.prove(ctx, outcome.after)


# What came of it


def active_of(work: Work) -> str:
    """The workload that the traffic goes to, empty where that is none, or several."""
    hold, wish = work.hold, work.wish
    if not hold.service:
        return ""
    if wish.target and wish.by_subset:
        return wish.key if work.ctx.check or not _is_away(work) else hold.known.previous
    if work.target and selector_of(hold.service) == match_labels(work.target):
        return wish.key
    workloads = [hold.foreseen.get(key_of(each), each) for each in switch_workloads.every(work.ctx, wish.kind)]
    found = behind(selector_of(hold.service), workloads)
    return key_of(found[0]) if len(found) == 1 else ""
