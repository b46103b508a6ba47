"""What belongs to a rollout, and which of its objects a status call could read."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._objects.resources import DEPLOYMENT, WORKLOADS
from .._plan.plan import STRATEGIES, Plan
from .._routing.target import Target
from .._strategies.registry import default_style, strategy_named, strategy_of
from .record import Record

Object = dict[str, Any]

CANARY, BLUEGREEN = "canary", "bluegreen"


@dataclass(frozen=True)
class Subject:
    """What belongs to a rollout, by its plan. Names are empty where there is no such thing, or it is not known.

    beside: the Deployment that runs the new version beside the workload. routers: what can be asked for its split.
    """

    name: str
    namespace: str
    kind: str = DEPLOYMENT.kind
    workload: str = ""
    style: str = ""
    strategy: str = CANARY
    beside: str = ""
    stable_service: str = ""
    canary_service: str = ""
    routers: tuple[Target, ...] = ()

    @property
    def words(self) -> tuple[str, str]:
        """Of the version that has the traffic, and of the one that is to have it."""
        return STRATEGIES[self.strategy]

    @property
    def title(self) -> str:
        """The workload, as messages name it."""
        return f"{self.kind} {self.namespace}/{self.workload}"


def subject_of(name: str, namespace: str, record: Record | None, plan: Plan | None) -> Subject:
    """By the plan, or by what of the record's plan can be read where this release refuses it."""
    if plan is None:
        return Subject(name, namespace) if record is None else _guessed(name, namespace, record.plan)
    beside = strategy_of(plan).second_workload_name(plan.workload, plan.canary_workload)
    services = (plan.stable_service, plan.canary_service)
    return Subject(name, namespace, plan.kind, plan.workload, plan.style, plan.strategy, beside, *services, plan.routers)


def _guessed(name: str, namespace: str, raw: Mapping[str, Any]) -> Subject:
    workload, services = _part(raw, "workload"), _part(raw, "services")
    style, kind, at = (_text(workload, key) for key in ("style", "kind", "name"))
    beside = strategy_named(style or default_style()).second_workload_name(at, _text(workload, "canary"))
    strategy = BLUEGREEN if BLUEGREEN in raw else CANARY
    stable, canary = (_text(services, word) or _text(services, other) for word, other in zip(*STRATEGIES.values()))
    return Subject(name, namespace, kind if kind in WORKLOADS else DEPLOYMENT.kind, at, style, strategy, beside, stable, canary)


def _part(raw: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = raw.get(key)
    return part if isinstance(part, Mapping) else {}


def _text(part: Mapping[str, Any], key: str) -> str:
    value = part.get(key)
    return value if isinstance(value, str) else ""


@dataclass
class Observed:
    """The objects as the API server has them; None: not looked at, or not allowed to.

    workloads: the user's first, then those beside it. services: each with its role. routers: type, name, weight. lease: of the rollout.
    holder: who works on it now. lease_is_stale: its holder is gone. left: Deployments and Services of a rollout that has no record.
    problems: what could not be read, and why. now: epoch seconds.
    """

    workloads: list[Object] | None = None
    pods: list[Object] | None = None
    services: list[Object] | None = None
    slices: list[Object] | None = None
    routers: list[Object] | None = None
    lease: Object | None = None
    holder: str | None = None
    lease_is_stale: bool = False
    left: list[Object] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    now: float | None = None
