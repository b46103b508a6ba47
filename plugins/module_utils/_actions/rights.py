"""Finds out what a plan must be allowed to do, from the objects around it. Only reads."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable, TypeVar

from .._cluster.errors import ApiError
from .._objects.refusal import Refused
from .._objects.resources import Resource, labels, name_of
from .._rollout.hazards import pod_labels
from .._rollout.hazards.registry import LOOKS
from .._rollout.permissions import Around, Grant, grants
from .._routing.registry import router_of
from .._routing.router import Part
from .._routing.target import Target
from .._workloads.marks import ROLLOUT
from . import declared, guards
from .context import Failed
from .gather import PreflightInputs

Found = TypeVar("Found")

_OF_AN_OBJECT = (403, 404)


def needed(inputs: PreflightInputs) -> list[Grant]:
    """What the plan needs. What cannot be read is left out: `lacking` then says that it may not be read."""
    plan, record = inputs.plan, inputs.record
    none: list[str] = []
    nothing: list[dict[str, Any]] = []
    services = _read(lambda: inputs.services, nothing)
    canary = [each for each in services if name_of(each) == plan.canary_service]
    around = Around(
        parts=[_parts(inputs, target) for target in plan.routers],
        bystanders=sorted({*_read(lambda: inputs.snapshot.bystanders, none), *(record.bystanders if record else [])}),
        guards=sorted({*_read(lambda: guards.keys_of(inputs.snapshot.guards), none), *(record.guards if record else [])}),
        makes_stable_service=_read(lambda: inputs.made_service, None) is not None,
        keeps_canary_service=any(labels(each).get(ROLLOUT) != plan.name for each in canary),
        looks=_looks(inputs),
        labels_pods=plan.bluegreen is not None and bool(plan.bluegreen.labels),
        copies_configs=plan.track_configs,
        copies_secrets=_read(lambda: inputs.copies_secrets, False),
    )
    return grants(plan, around)


def _looks(inputs: PreflightInputs) -> list[Resource]:
    """The kinds that only the checks look at; those that know pods by their labels where the new version has other labels."""
    template: dict[str, Any] = _read(lambda: inputs.template_or_present, {})
    other_labels = _read(lambda: pod_labels.change(inputs.workload, template), False) if template else False
    found = [look.resource for look in LOOKS if look.wanted(inputs.plan, template)]
    return [*found, *(each for each in pod_labels.RESOURCES if other_labels and each not in found)]


def _parts(inputs: PreflightInputs, target: Target) -> tuple[Sequence[Part], bool]:
    """The objects of a router, and whether the first is made for the release."""
    parts = [*router_of(target).parts(target).values()]
    if target not in inputs.plan.specs:
        return parts, False
    return parts, _read(lambda: inputs.ctx.client.find(declared.routers_object(inputs.ctx, target)[0]) is None, False)


def _read(read: Callable[[], Found], otherwise: Found) -> Found:
    try:
        return read()
    except ApiError as problem:
        if problem.status not in _OF_AN_OBJECT:
            raise
    except (Refused, Failed):
        pass  # A check of its own says so.
    return otherwise
