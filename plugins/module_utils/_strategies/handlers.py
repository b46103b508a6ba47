"""What a strategy does in the cluster: how it finds the pods of a version, and the actions that it carries out in its own way."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from .._actions.context import Context
from .._actions.stage import Stage
from .._plan.plan import Plan
from .._rollout.findings import Finding

if TYPE_CHECKING:
    from .._actions.gather import PreflightInputs


@dataclass(frozen=True)
class Pin:
    """The labels of just one version's pods. exact: they are the whole selector, else they come on top of a Service's own."""

    labels: Mapping[str, str | None]
    exact: bool = False


@dataclass(frozen=True)
class StableVersion:
    """How the stable version is known.

    Attributes:
        hash: The value of the label by which its pods are pinned.
        pods: The labels that distinguish its pods from others.
        other: The template of the second Deployment of a pair.
    """

    hash: str
    pods: Mapping[str, str]
    other: Mapping[str, Any] = field(default_factory=dict)


def _nothing_to_check(_inputs: PreflightInputs) -> list[Finding]:
    return []


@dataclass(frozen=True)
class Handlers:
    """What a strategy does in the cluster in its own way.

    Attributes:
        pin: The labels of the pods of one version: `workload`, `stable` or `canary`.
        stable_version: How the stable version of a workload is known; raises Refused or Failed where the strategy cannot release the
            workload as it is. The last argument says whether the workload is paused between releases.
        actions: By kind of action, those that other strategies carry out differently or not at all.
        check: What else must be true before a start.
    """

    pin: Callable[[Stage, str], Pin]
    stable_version: Callable[[Context, Plan, dict[str, Any], bool], StableVersion]
    actions: Mapping[type, Callable[[Stage, Any], None]]
    check: Callable[[PreflightInputs], Iterable[Finding]] = _nothing_to_check
