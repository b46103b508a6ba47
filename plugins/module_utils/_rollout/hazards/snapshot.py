"""What the hazards are looked for in: the plan, and the objects around it as they are before a start."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable, Optional

from ..._objects import edits
from ..._objects.resources import (
    HORIZONTAL_POD_AUTOSCALER,
    PERSISTENT_VOLUME_CLAIM,
    POD_DISRUPTION_BUDGET,
    RESOURCE_QUOTA,
    SCALED_OBJECT,
    Resource,
    labels,
    name_of,
    versioned,
)
from ..._plan.plan import Plan
from ..._routing.target import Target
from ..._steps.action import Action
from ..._steps.sequence import compile_steps
from ..._steps.step import MinimumPods
from ..._strategies.registry import strategy_of
from ..._workloads import budgets, in_place, scaling
from ..._workloads.deployments import not_complete, not_rolled_out, replicas_of, waits_for_surge
from ..._workloads.marks import MANAGED_BY, MANAGER
from ..._workloads.services import bystanders

Object = dict[str, Any]
RouterObjects = Mapping[str, Optional[Object]]

DESTINATION_RULE = versioned("DestinationRule")


@dataclass(frozen=True)
class ClusterSnapshot:
    """deployment: the user's workload; template: of its new version. services, deployments: all of the namespace.

    runs: what runs the stable version where that is not the workload itself. held: the workload is paused between releases.
    makes_service: the stable Service, and perhaps a router's object, are not there yet, and stand here as they will be made.

    routers: the objects of those that could be read. found: what else was read, by its kind; a kind that is not there could not be, or
    need not.
    """

    plan: Plan
    deployment: Object
    template: Object
    services: Sequence[Object] = ()
    deployments: Sequence[Object] = ()
    routers: Sequence[tuple[Target, RouterObjects]] = ()
    found: Mapping[Resource, Sequence[Object]] = field(default_factory=dict)
    runs: Object | None = None
    held: bool = False
    makes_service: bool = False

    @property
    def stable(self) -> Object:
        """What runs the stable version."""
        return self.runs or self.deployment

    @property
    def at_rest(self) -> str | None:
        """What its own update still lacks; None when it is fully rolled out."""
        if self.held:
            return not_complete(self.stable)
        return (not_rolled_out if self.plan.kind == "Deployment" else in_place.not_rolled_out)(self.stable)

    @property
    def title(self) -> str:
        """How the workload is called in messages."""
        return self.titled(self.plan.kind, name_of(self.stable))

    def titled(self, kind: str, name: str) -> str:
        """How an object of the namespace is called in messages."""
        return f"{kind} {self.plan.namespace}/{name}"

    @property
    def replicas(self) -> int:
        """The pods that the stable version has."""
        return replicas_of(self.stable) if self.plan.kind == "Deployment" else in_place.size_of(self.stable)

    @property
    def peak(self) -> int:
        """The pods that there are at once in the promotion: the workload's, the clone's, and one more where it must roll so."""
        clone = max(self.sizes, default=1) if self.plan.promotion == "rolling" else max([*self.sizes, self.replicas])
        return self.replicas + clone + waits_for_surge(self.deployment)

    @property
    def sizes(self) -> list[int]:
        """How many pods the canary has in the steps."""
        return [size for action in self._actions if (size := action.pods(self.replicas)) is not None]

    @property
    def sizes_under_traffic(self) -> list[int]:
        """The same in those in which it has a share of the traffic."""
        sizes, size = [], 1
        for action in self._actions:
            size = action.pods(self.replicas) or size
            sizes += [size] if action.weight_after else []
        return sizes

    @property
    def _actions(self) -> list[Action]:
        minimum = MinimumPods(self.min_replicas, self.min_replicas if self.plan.min_replicas is not None else 1)
        return [each.action for each in compile_steps(self.plan.steps, minimum=minimum)]

    @property
    def min_replicas(self) -> int:
        """Pods that a canary with traffic has at least: two where the user cares for evictions and load, and has two stable pods."""
        if self.plan.bluegreen is not None:
            return 1
        if self.plan.min_replicas is not None:
            return self.plan.min_replicas
        # With router type replicas the other pods take what an evicted one would have got, and a pod more is a share more.
        return 2 if self.is_protected and self.replicas > 1 and not self.plan.by_pods else 1

    @property
    def is_protected(self) -> bool:
        """Whether a disruption budget or an autoscaler is over the workload's pods."""
        budgets_over = [each for each in self.all(POD_DISRUPTION_BUDGET) if budgets.protects(each, self.present_labels)]
        return bool(self.guards or budgets_over)

    @property
    def present_labels(self) -> dict[str, str]:
        """Of the pods that run."""
        return labels(self.deployment["spec"]["template"])

    @property
    def new_labels(self) -> dict[str, str]:
        """Of the new version's pods."""
        return labels(self.template)

    @property
    def pods(self) -> Object:
        """What the new version's pods are made from."""
        return dict(self.template.get("spec") or {})

    def all(self, resource: Resource) -> Sequence[Object]:
        """The objects of a kind, none where they could not be read."""
        return self.found.get(resource, ())

    @property
    def guards(self) -> list[Object]:
        """What scales the workload by itself, and its disruption budgets, which are held for the time of a rollout."""
        names = {self.plan.workload, name_of(self.stable)}
        scalers = [each for each in self.all(HORIZONTAL_POD_AUTOSCALER) if not scaling.is_of_keda(each)]
        found = [
            each
            for each in [*scalers, *self.all(SCALED_OBJECT)]
            if any(scaling.scales(as_is, self.plan.kind, names) for as_is in (each, edits.base_of(each, self.plan.name)))
        ]
        if strategy_of(self.plan).replaces_in_place:
            return found  # There are no more pods than before.
        return found + [each for each in self.all(POD_DISRUPTION_BUDGET) if budgets.protects(each, self.present_labels)]

    @property
    def named_services(self) -> list[Object]:
        """The stable Service, and the canary Service where there is one."""
        return [each for each in self.services if name_of(each) in (self.plan.stable_service, self.plan.canary_service)]

    @property
    def foreign_services(self) -> list[Object]:
        """Those that no rollout created."""
        return [each for each in self.services if labels(each).get(MANAGED_BY) != MANAGER]

    @property
    def bystanders(self) -> list[str]:
        """The names of the Services that must move with the stable one."""
        return bystanders(self.foreign_services, self.new_labels, [self.plan.stable_service, self.plan.canary_service])


@dataclass(frozen=True)
class Look:
    """A kind that only hazards are looked for in. wanted: whether that makes sense. unknown: what is not known without it."""

    resource: Resource
    unknown: str
    wanted: Callable[[Plan, Object], bool] = lambda _plan, _template: True


def _mounts_claims(_plan: Plan, template: Object) -> bool:
    return any("persistentVolumeClaim" in each for each in (template.get("spec") or {}).get("volumes") or [])


def _over_istio(plan: Plan, _template: Object) -> bool:
    return any(target.router == "istio" for target in plan.routers)


LOOKS: tuple[Look, ...] = (
    Look(HORIZONTAL_POD_AUTOSCALER, "whether an autoscaler will get in the way"),
    Look(SCALED_OBJECT, "whether KEDA will get in the way"),
    Look(POD_DISRUPTION_BUDGET, "whether nodes can be drained meanwhile"),
    Look(RESOURCE_QUOTA, "whether there is room for a clone"),
    Look(PERSISTENT_VOLUME_CLAIM, "whether the clone's pods can have the volumes", _mounts_claims),
    Look(DESTINATION_RULE, "whether clients are kept on a pod", _over_istio),
)
