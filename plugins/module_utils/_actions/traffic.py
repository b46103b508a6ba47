"""Moves traffic on one router: refuses what is not ready, writes, waits for the router's status, and lets proxies converge."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Callable

from .._cluster import probing
from .._objects import edits, paths
from .._objects.edits import Edit, changed_at, fields_of
from .._objects.plan_writes import Change, refuse_other_owners
from .._objects.refusal import Drifted, Refused
from .._objects.resources import Ref
from .._plan.probes import Probe
from .._routing.registry import router_of
from .._routing.router import NotSeen, Objects, Part, leads_to_canary
from .._routing.served import Measured
from .._routing.target import DesiredTraffic, Split, Target
from . import backends, neighbours, objects
from .context import Context, Failed, Journal

Object = dict[str, Any]

_NEW = 10.0  # seconds in which a controller says something of an object that was made just now


def no_wait() -> None:
    """Stands for a wait where nothing has to converge."""


class _NotIntroduced(Exception):
    """The canary does not stand in a router yet whose controller says which destinations it takes."""


@dataclass(frozen=True)
class Moved:
    """What the router said before and says now, its objects, the one that the user names first, and what users must know about it."""

    target: Target
    previous: Split
    weight: Split
    resources: list[Object]
    changed: bool
    drifted: list[str]
    warnings: list[str] = field(default_factory=list)


def move(
    ctx: Context,
    target: Target,
    wish: DesiredTraffic,
    require_ready: bool = True,
    converge: Callable[[], None] = no_wait,
    together: Sequence[Target] = (),
) -> Moved:
    """Splits the traffic. Requests: a GET of each object when nothing is to be done; else also the EndpointSlices, and a write each.

    A canary that does not stand in a router yet, whose controller says what it takes, gets a share only when the controller has taken it.

    converge: called where proxies must know one object before another one leads to it. together: the targets that the call moves alike.
    """
    try:
        moved = _edit(ctx, target, wish, require_ready, converge=converge, together=together)
    except _NotIntroduced:
        moved = _move_new(ctx, target, wish, require_ready, converge)
    ctx.journal.warn(*moved.warnings)
    return moved


def _move_new(ctx: Context, target: Target, wish: DesiredTraffic, require_ready: bool, converge: Callable[[], None]) -> Moved:
    """Adds the canary without a share, waits until the controller has taken it, and then splits the traffic.

    A controller that refuses a destination (another namespace without a ReferenceGrant) answers its share of the requests with errors.
    """
    _edit(replace(ctx, check=True, journal=Journal()), target, wish, require_ready)  # What is refused is refused before the first write.
    without = DesiredTraffic(Split(wish.split.total, 0))
    first = _edit(ctx, target, replace(without, introduce=uuid.uuid4().hex), require_ready)
    try:
        moved = _edit(ctx, target, wish, require_ready, converge=converge, introduced=True)
    except Failed:
        _edit(ctx, target, without, require_ready=False)
        raise
    return replace(moved, previous=first.previous, changed=first.changed or moved.changed, drifted=first.drifted + moved.drifted)


def move_all(
    ctx: Context, targets: Sequence[Target], wish: DesiredTraffic, require_ready: bool = True, converge: Callable[[], None] = no_wait
) -> list[Moved]:
    """Splits the traffic of several router objects alike; all are looked at before the first is written."""
    _refuse_one_for_several(targets)
    if len(targets) > 1:
        rehearsal = replace(ctx, check=True, journal=Journal())
        for target in targets:
            move(rehearsal, target, wish, require_ready, together=targets)
    return [move(ctx, target, wish, require_ready, converge, targets) for target in targets]


def restore_all(
    ctx: Context, targets: Sequence[Target], settle: Callable[[Sequence[Moved]], Any], require_ready: bool = True
) -> list[Moved]:
    """Puts routers back as they were before the first split.

    settle: called between the end of the canary's traffic and the removal of what carried it, where that must wait for the end.
    What the user deleted needs nothing back; its weight is told as 0 of 0 parts.
    """
    moves = _restore_all(ctx, targets, settle, require_ready)
    for moved in moves:
        ctx.journal.warn(*moved.warnings)
    return moves


def _restore_all(ctx: Context, targets: Sequence[Target], settle: Callable[[Sequence[Moved]], Any], require_ready: bool) -> list[Moved]:
    removing = [target for target in targets if router_of(target).drain_changes is not None and _made(ctx, target)]
    drained = {target: _edit(ctx, target, None, require_ready, router_of(target).drain_changes) for target in removing}
    if drained:
        settle(list(drained.values()))
    return [_after(drained.get(target), _edit(ctx, target, None, require_ready, together=targets)) for target in targets]


def _after(drained: Moved | None, gone: Moved) -> Moved:
    if drained is None:
        return gone
    changed, drifted = drained.changed or gone.changed, drained.drifted + gone.drifted
    return replace(gone, previous=drained.previous, changed=changed, drifted=drifted)


def _refuse_one_for_several(targets: Sequence[Target]) -> None:
    """Raises Refused where one object would have to be made for more than one router."""
    made = [str(part.name) for target in targets for part in router_of(target).parts(target).values() if not part.required]
    for name in sorted(set(made)):
        if made.count(name) > 1:
            names = ", ".join(target.name for target in targets)
            raise Refused(str(name), f"would be created for each of {names}", "give each a name of its own")


def _made(ctx: Context, target: Target) -> bool:
    """Whether any of the objects beside the first is there because of us, or changed by us."""
    return any(_ours(ctx, part) for part in list(router_of(target).parts(target).values())[1:])


def _ours(ctx: Context, part: Part) -> bool:
    found = ctx.client.find(ctx.ref(part.resource, part.name))
    return found is not None and (not part.required or any(field.by == ctx.by for field in fields_of(found)))


def main_object(ctx: Context, target: Target) -> Object | None:
    """The router's own object; one that the user deleted needs nothing back."""
    part = next(iter(router_of(target).parts(target).values()))
    return ctx.client.find(ctx.ref(part.resource, part.name))


def look(ctx: Context, target: Target) -> Split:
    """The split that a router's objects say now; 0 of 0 parts where they lead to no stable version, or are not there."""
    return _split_in(target, {key: ctx.client.find(ref) for key, ref in _refs(ctx, target).items()}, None)


def settle(ctx: Context, moves: Sequence[Moved], grace: float, probe: Probe | None = None) -> Measured | None:
    """Lets proxies converge after moves, also after one that an earlier call made and did not live to wait for.

    With a probe it waits until that sees the split served, and returns what it saw; the grace too where the answers do not tell the
    split from the one before, or where the probe's URL stands for one of several routers.
    """
    measured = measure(ctx, moves[0], probe) if probe is not None and moves and moves[0].weight.total else None
    if measured is not None and measured.conclusive and len(moves) == 1:
        return measured
    times = [ctx.clock.now() if moved.changed else changed_at(obj) for moved in moves for obj in moved.resources]
    known = [at for at in times if at is not None]
    if known:
        ctx.settle(grace, max(known))
    return measured


def measure(ctx: Context, moved: Moved, probe: Probe) -> Measured:
    """Asks the probe's URL until the split is served as the router says; raises Failed when the time is up."""
    before = moved.previous if moved.changed and moved.previous.total else None
    previous = before.canary / before.total if before is not None else None
    return measure_share(ctx, previous, moved.weight.canary / moved.weight.total, probe)


def measure_share(ctx: Context, previous: float | None, share: float, probe: Probe) -> Measured:
    """The same for the canary's share of the answers (0 to 1), whatever moved it. previous: None where that is not known."""
    try:
        return probing.probe(ctx.clock, probe, previous, share, ctx.renew)
    except probing.NotServed as late:
        raise Failed(late.problem.object, late.problem.what, late.problem.remedy) from None


def objects_of(ctx: Context, target: Target, known: Objects | None = None) -> dict[str, Object | None]:
    """The router's objects as they are, but for those that are known; raises NotFound where one that it needs is not there."""
    parts, known = router_of(target).parts(target), known or {}
    return {
        key: known[key] if key in known else ctx.client.get(ref) if parts[key].required else ctx.client.find(ref)
        for key, ref in _refs(ctx, target).items()
    }


def wait_served(ctx: Context, target: Target) -> None:
    """Waits until a router that was made just now is served, where its controller says such things."""
    router, found = router_of(target), objects_of(ctx, target)

    def missing(found: Objects) -> str | None:
        try:
            return router.not_ready_reason(found, target)
        except NotSeen as nobody:
            return str(nobody)

    if missing(found) is not None:
        _until(ctx, _refs(ctx, target), found, missing)


def validate(
    ctx: Context,
    target: Target,
    wishes: Mapping[str, DesiredTraffic],
    found: Objects,
    seen: bool = True,
    together: Sequence[Target] = (),
    splits: bool = True,
) -> list[str]:
    """Raises Refused unless a rollout can split traffic on the router, beginning with none on the canary; writes nothing.

    wishes: what it will ask for, by what messages call the step that does. found: the router's objects. seen: their controller must know
    of them, which it cannot before they are made. together: all routers of the rollout. splits: it gives the
    canary a share, and not just copies. Returns what users must know.
    """
    router, refs = router_of(target), _refs(ctx, target)
    parts = router.parts(target)
    for step, wish in {"": DesiredTraffic(Split(0, 1)), **wishes}.items():
        try:
            router.changes(found, target, wish)
        except Refused as refused:
            raise refused.at_step(step) from None
    warnings = neighbours.look(ctx, target, found, DesiredTraffic(Split(0, 1) if splits else Split(1, 0)), together)
    if seen:
        _require_served(ctx, target, refs, found)
    for key, obj in found.items():
        if obj is not None and not parts[key].required:
            refuse_other_owners(obj, ctx.by)
    present = router.weight(found, target)
    if present.canary:
        # The new version would get this share as soon as the canary Service points at it, whatever the first step says.
        raise Refused(
            str(next(iter(refs.values()))),
            f"sends {present.canary} of {present.total} parts to Service {target.canary_service} already",
            "give the canary weight 0 first",
        )
    return warnings


def _edit(
    ctx: Context,
    target: Target,
    wish: DesiredTraffic | None,
    require_ready: bool,
    drained: Callable[[Objects, Target], list[Change]] | None = None,
    converge: Callable[[], None] = no_wait,
    introduced: bool = False,
    together: Sequence[Target] = (),
) -> Moved:
    """wish: None puts everything back, or with `drained` just what that says.

    Raises _NotIntroduced unless `introduced` where the controller has not had a look at the canary yet.
    """
    router, refs = router_of(target), _refs(ctx, target)
    parts = router.parts(target)
    required = {key for key, part in parts.items() if part.required and wish is not None}
    warnings: list[str] = []
    kept: dict[str, list[Edit]] = {}

    def look_at(live: Objects) -> None:
        if not (ctx.check or introduced) and _is_new(target, live, wish):
            raise _NotIntroduced
        neighbours.refuse_foreign(ctx, target, next(iter(refs.values())), _first(live), wish is None)
        kept.clear()
        kept.update(neighbours.still_needed(ctx, target, refs, live))

    def changes(bases: Objects) -> list[Change]:
        found = drained(bases, target) if drained is not None else router.changes(bases, target, wish)
        return [neighbours.keeping(each, kept.get(each.part, [])) for each in found]

    def check(before: Objects, after: Objects) -> None:
        router.check_ownership(before, target, ctx.by)
        _refuse_lost(ctx, target, refs, before)
        warnings[:] = _look_around(ctx, target, refs, before, wish, together)
        if require_ready and _first(after) is not None:
            _require_ready(ctx, target, before, after, wish)

    def between(key: str, before: Object | None, after: Object | None) -> None:
        if router.first(key, before, after):
            converge()

    outcome = objects.edit_all(ctx, refs, required, changes, check, between_writes=between, after_read=look_at)
    if wish is None:
        neighbours.refuse_siblings(ctx, target, outcome.before)
        neighbours.warn_of_kept(ctx, refs, kept)
    warnings += _left_behind(ctx, target, outcome, wish, together)
    if not ctx.check and _first(outcome.after) is not None:
        _prove(ctx, target, refs, outcome, wish)
    return _moved(target, outcome, wish, warnings)


def _left_behind(
    ctx: Context, target: Target, outcome: objects.Outcomes, wish: DesiredTraffic | None, together: Sequence[Target]
) -> list[str]:
    """What other objects still do once the canary gets no requests of this router."""
    if not outcome.changed or (wish is not None and wish.reaches_canary):
        return []
    return neighbours.left_behind(ctx, target, outcome.before, wish, together)


def _look_around(
    ctx: Context, target: Target, refs: dict[str, Ref], before: Objects, wish: DesiredTraffic | None, together: Sequence[Target]
) -> list[str]:
    """What users must know of other objects; raises Refused where these, or the router's controller, stand against the split."""
    if wish is None:
        return []
    found = neighbours.look(ctx, target, before, wish, together)
    _require_served(ctx, target, refs, before)
    return found


def _moved(target: Target, outcome: objects.Outcomes, wish: DesiredTraffic | None, warnings: Sequence[str]) -> Moved:
    return Moved(
        target,
        _split_in(target, outcome.before, wish),
        _split_in(target, outcome.after, wish),
        [obj for obj in outcome.after.values() if obj is not None],
        outcome.changed,
        outcome.drifted,
        [*warnings, *(router_of(target).warnings(outcome.after, target, wish) if wish is not None else [])],
    )


def _is_new(target: Target, live: Objects, wish: DesiredTraffic | None) -> bool:
    """Whether requests would come to a canary on which the router's controller has given no verdict yet."""
    obj, part = _first(live), next(iter(router_of(target).parts(target).values()))
    return wish is not None and wish.reaches_canary and part.has_status and obj is not None and not leads_to_canary(obj, target)


def _first(found: Objects) -> Object | None:
    """The object that the user names."""
    return next(iter(found.values()))


def _split_in(target: Target, found: Objects, wish: DesiredTraffic | None) -> Split:
    """The split that a router's objects say. To put them back nobody needs to say which routes were split, or to have left them."""
    router = router_of(target)
    if wish is not None:
        return router.weight(found, target)
    for asked in (target, replace(target, routes=("*",), tls_routes=(), tcp_routes=())):
        try:
            if _first(found) is not None:
                return router.weight(found, asked)
        except Refused:
            continue
    return Split(0, 0)


def _require_ready(ctx: Context, target: Target, before: Objects, after: Objects, wish: DesiredTraffic | None) -> None:
    router = router_of(target)
    wanted = router.backends(after, target, _split_in(target, after, wish), wish)
    if wish is None:
        backends.require_ready(ctx, wanted)
        return
    had = {each.pods for each in router.backends(before, target, router.weight(before, target), None)}
    backends.require_ready(ctx, wanted, [each for each in wanted if each.pods not in had])


def _refuse_lost(ctx: Context, target: Target, refs: dict[str, Ref], before: Objects) -> None:
    """Raises Drifted where what was changed cannot be found again, and the canary stands in what is left."""
    key, ref = next(iter(refs.items()))
    live = before[key]
    if live is None or ctx.on_drift == "accept":
        return
    memory = ctx.recall(ref.key)
    gone = [paths.show(path) for path in edits.lost(live, ctx.by, memory)]
    if gone and leads_to_canary(edits.base_of(live, ctx.by, "repair", memory), target):
        canary = target.canary_subset or target.canary_service
        raise Drifted(
            str(ref),
            f"was changed by another client: {'; '.join(gone)} cannot be found any more, and it still names {canary}",
            "remove that by hand, or set on_drift to accept the object as it is now",
        )


def _require_served(ctx: Context, target: Target, refs: dict[str, Ref], found: Objects) -> None:
    """Raises Refused for objects that their controller refuses, or that none has seen; new ones get a moment to be seen."""
    router = router_of(target)
    reasons: list[NotSeen] = []

    def unseen(found: Objects) -> str | None:
        try:
            router.not_ready_reason(found, target)
        except NotSeen as reason:
            reasons.append(reason)
            return str(reason)
        return None

    if unseen(found) is None:
        return
    seconds = min(ctx.wait_timeout, _NEW) if ctx.wait and not ctx.check else 0.0
    try:
        _until(replace(ctx, wait=True, wait_timeout=seconds), refs, found, unseen)
    except Failed:
        raise reasons[0] from None


def _prove(ctx: Context, target: Target, refs: dict[str, Ref], outcome: objects.Outcomes, wish: DesiredTraffic | None) -> None:
    """Waits until the router's controller says that it serves the objects, where it says such things."""
    router = router_of(target)
    try:
        if router.not_ready_reason(outcome.after, target) is not None:
            _until(ctx, refs, outcome.after, lambda found: router.not_ready_reason(found, target))
    except Refused as refused:
        if wish is None and isinstance(refused, NotSeen):
            return  # Nobody serves what was put back.
        if not outcome.changed:
            raise
        if wish is None:
            raise _after_write(refused, "was put back already") from None
        objects.put_back(ctx, refs, outcome)
        raise _after_write(refused, "was put back as it was before this call") from None


def _after_write(refused: Refused, what: str) -> Failed:
    """The error for an object that its controller rejects after the write."""
    problem = refused.problem
    return Failed(problem.object, f"{problem.what}; the object {what}", problem.remedy)


def _until(ctx: Context, refs: dict[str, Ref], found: Objects, missing: Callable[[Objects], str | None]) -> None:
    key, ref = next(iter(refs.items()))

    def still_missing(items: list[Object]) -> str | None:
        if not items:
            raise Failed(str(ref), "was deleted during the wait for its status", "create it again, and run the playbook again")
        return missing({**found, key: items[0]})

    ctx.until(f"the status of {ref}", ref.resource, still_missing, name=ref.name, known=found[key])


def _refs(ctx: Context, target: Target) -> dict[str, Ref]:
    return {key: ctx.ref(part.resource, part.name) for key, part in router_of(target).parts(target).items()}
