"""Carries out a router's changes on plain objects, as the actions do on the cluster, and checks what must hold of every move."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._objects import edits
from ansible_collections.progressive.delivery.plugins.module_utils._routing.registry import router_of
from ansible_collections.progressive.delivery.plugins.module_utils._routing.router import Change
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import DesiredTraffic, Target

Object = dict[str, Any]
Objects = dict[str, Any]
BY = "canary_weight/shop"


def carried_out(live: Objects, target: Target, wish: DesiredTraffic | None, at: float = 1.0, on_drift: str = "fail") -> Objects:
    """The objects (by the keys of the router's parts, None: not there) after a call, memory and all."""
    router, seen = router_of(target), copy.deepcopy(live)
    bases = {key: obj and edits.base_of(obj, BY, on_drift) for key, obj in live.items()}
    after = dict(live)
    for change in router.changes(bases, target, wish):
        obj = live[change.part]
        if change.remove or (obj is None and change.make is None):
            after[change.part] = None
            continue

        def edits_of(base: Object, change: Change = change) -> list[edits.Edit]:
            if live[change.part] is None:
                return change.edits
            return next(each.edits for each in router.changes({**bases, change.part: base}, target, wish) if each.part == change.part)

        result = edits.edited(obj or change.make or {}, BY, edits_of, on_drift)
        wanted = edits.stored(result, at)
        after[change.part] = obj if obj and edits.same(obj, wanted) else wanted
    assert live == seen, "a router changed its input"
    return after


def plain(objects: Objects) -> Objects:
    """The objects without our memory."""
    return {key: obj and edits._without_annotation(obj) for key, obj in objects.items()}


def moved(live: Objects, target: Target, wish: DesiredTraffic) -> Objects:
    """The objects after the wish, without memory; asserts that a second call writes nothing and that they can be put back."""
    after = carried_out(live, target, wish)
    again = carried_out(after, target, wish, at=2.0)
    assert again == after, "the second call writes"
    assert carried_out(after, target, None, at=3.0) == live, "absent leaves a trace"
    return plain(after)
