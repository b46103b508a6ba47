"""Carries out a router's changes on plain objects, as the actions do on the cluster, and checks what must hold of every move."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._objects import edits
from ansible_collections.progressive.delivery.plugins.module_utils._objects.plan_writes import Policy, plan_writes
from ansible_collections.progressive.delivery.plugins.module_utils._routing.registry import router_of
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import DesiredTraffic, Target

Object = dict[str, Any]
Objects = dict[str, Any]
BY = "canary_weight/shop"


def carried_out(live: Objects, target: Target, wish: DesiredTraffic | None, at: float = 1.0, on_drift: str = "fail") -> Objects:
    """The objects (by the keys of the router's parts, None: not there) after a call, memory and all."""
    router, seen = router_of(target), copy.deepcopy(live)
    writes = plan_writes(live, Policy(BY, on_drift, at), lambda bases: router.changes(bases, target, wish))
    assert live == seen, "a router changed its input"
    return {**live, **{write.key: write.wanted for write in writes if write.due}}


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
