"""The actions of which every rollout is made; _actions/perform.py carries them out."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from .._plan.durations import show
from .._routing.target import ManagedRoute
from .._workloads.clones import canary_replicas

# Each is idempotent: carried out twice, the second time finds its work done. str() is what users read.


@dataclass(frozen=True)
class CopyConfigs:
    """Make the copies of ConfigMaps and Secrets that the new version names: kind, name of the original, name of the copy."""

    copies: tuple[tuple[str, str, str], ...]

    def __str__(self) -> str:
        return "copy " + ", ".join(f"{kind} {original} as {name}" for kind, original, name in self.copies)


@dataclass(frozen=True)
class RemoveConfigs:
    """Remove the copies that neither the workload nor a version to which one can go back names. history: whether one can go back."""

    history: bool = True

    def __str__(self) -> str:
        return "remove the copies of ConfigMaps and Secrets that no version needs any more"


@dataclass(frozen=True)
class MakeDeclared:
    """Make an object that the plan declares and the user has none of; from then on it is the user's."""

    key: str  # Ref.key

    def __str__(self) -> str:
        return f"make {self.key.replace('/', ' ')}"


@dataclass(frozen=True)
class PauseWorkload:
    """Stop the workload's own rolling, so that its pods can be pinned by their hash."""

    def __str__(self) -> str:
        return "pause the workload"


@dataclass(frozen=True)
class PinServices:
    """Point Services at the pods of just one version: of the workload, of what runs the stable version, or of the canary.

    The workload is what runs the stable version, unless the style keeps a Deployment per revision.
    """

    services: tuple[str, ...]
    to: str  # workload | stable | canary
    carries_traffic: bool = True

    def __str__(self) -> str:
        return f"point {_services(self.services)} at the {_version(self.to)}"


@dataclass(frozen=True)
class ScaleFollows:
    """Let the workload's autoscaler scale just what has, or is about to get, most of the traffic, and not below its present size.

    What it scales then has at least as many pods as what it scaled before.
    """

    to: str  # workload | stable | canary

    def __str__(self) -> str:
        return f"hold the autoscaler on the {_version(self.to)}"


@dataclass(frozen=True)
class EnsureCanary:
    """Run the new version, and wait until it is ready.

    weight: the percent of the workload's pods that it needs. replicas: so many instead. shrink: it may get fewer than it has, since it has
    no traffic. least: so many pods in any case.
    """

    weight: int
    replicas: int | None = None
    shrink: bool = False
    least: int = 1

    def pods(self, live: int) -> int:
        """How many pods that is. live: those of the stable version."""
        wanted = canary_replicas(self.weight, live) if self.replicas is None else self.replicas
        return max(wanted, self.least) if self.least > 1 else wanted

    def __str__(self) -> str:
        if self.replicas is not None:
            count = max(self.replicas, self.least) if self.least > 1 else self.replicas
            return f"run {count} {'pod' if count == 1 else 'pods'} of the canary"
        return f"run the canary for {self.weight} % of the traffic" + (f", with {self.least} pods or more" if self.least > 1 else "")


@dataclass(frozen=True)
class SharePods:
    """Let the canary have its share of all pods behind the stable Service, and with it of the traffic.

    least: so many pods where it has a share.
    """

    weight: int
    least: int = 1

    def __str__(self) -> str:
        return f"give the canary {self.weight} % of the pods" + (f", {self.least} or more" if self.least > 1 else "")


@dataclass(frozen=True)
class MakeCanaryService:
    """Make the canary Service, where the user has none."""

    def __str__(self) -> str:
        return "make the canary Service"


@dataclass(frozen=True)
class MoveTraffic:
    """Give the canary a share of the traffic, on every router; the requests of the routes whatever the share; mirror percent of copies."""

    weight: int
    routes: tuple[ManagedRoute, ...] = ()
    mirror: float = 0.0

    def __str__(self) -> str:
        names = f", requests by {', '.join(route.name for route in self.routes)}" if self.routes else ""
        copies = f", copies of {self.mirror:g} %" if self.mirror else ""
        return f"move the traffic: {self.weight} % to the canary{names}{copies}"


@dataclass(frozen=True)
class RestoreRouters:
    """Put every router back as it was."""

    def __str__(self) -> str:
        return "put the routers back"


@dataclass(frozen=True)
class Drain:
    """Let requests end that are still under way on pods that get no new ones."""

    def __str__(self) -> str:
        return "drain"


@dataclass(frozen=True)
class WaitPause:
    """A pause of the plan; None: until promoted."""

    duration: float | None

    def __str__(self) -> str:
        return "pause"


@dataclass(frozen=True)
class WaitDelay:
    """Let the version that has no traffic any more run on for a while, so that going back needs no start."""

    duration: float

    def __str__(self) -> str:
        return f"wait {show(self.duration)}"


@dataclass(frozen=True)
class RollWorkload:
    """Roll the workload to the new or to the stable template; one that can be paused is paused again.

    It has no traffic, unless the plan's promotion is rolling.
    """

    to: str  # new | stable

    def __str__(self) -> str:
        return f"roll the workload to the {self.to} version"


@dataclass(frozen=True)
class RemoveCanaryService:
    """Remove the canary Service that was made here."""

    def __str__(self) -> str:
        return "remove the canary Service"


@dataclass(frozen=True)
class RemoveCanary:
    """Remove what runs the new version, and wait until none of its pods takes requests any more."""

    def __str__(self) -> str:
        return "remove the canary"


@dataclass(frozen=True)
class RetireStable:
    """Scale the old version, which has no traffic, to 0; the workload has the new version's template from here on."""

    def __str__(self) -> str:
        return "scale the old version to 0"


@dataclass(frozen=True)
class RetireCanary:
    """Scale the new version, which has no traffic, to 0."""

    def __str__(self) -> str:
        return "scale the new version to 0"


@dataclass(frozen=True)
class RemoveRevisions:
    """Remove the Deployments of all revisions."""

    def __str__(self) -> str:
        return "remove the revisions"


@dataclass(frozen=True)
class HoldUpdate:
    """Give the workload the new template, and let none of its pods be replaced yet."""

    def __str__(self) -> str:
        return "give the workload the new template"


@dataclass(frozen=True)
class FinishUpdate:
    """Let all pods of the workload be replaced, and by its own update strategy again from here on."""

    def __str__(self) -> str:
        return "replace the last pods"


@dataclass(frozen=True)
class UnpinServices:
    """Give Services their own selectors back. canary_gone: what runs the new version is to have no pods by then."""

    services: tuple[str, ...]
    canary_gone: bool = True

    def __str__(self) -> str:
        return f"give {_services(self.services)} back {'its selector' if len(self.services) == 1 else 'their selectors'}"


@dataclass(frozen=True)
class ReleaseGuards:
    """Give the autoscaler and the disruption budgets their own limits back."""

    to: str  # what the autoscaler goes on scaling: workload | stable | canary

    def __str__(self) -> str:
        return "give the autoscaler and the disruption budgets their own limits back"


@dataclass(frozen=True)
class ResumeWorkload:
    """Let the workload roll by itself again."""

    def __str__(self) -> str:
        return "unpause the workload"


@dataclass(frozen=True)
class LabelPods:
    """Of blue-green: label the pods by where the active and the preview Service lead."""

    def __str__(self) -> str:
        return "label the pods"


@dataclass(frozen=True)
class UnlabelPods:
    """Take these labels off again."""

    def __str__(self) -> str:
        return "take the labels off the pods"


Action = Union[
    CopyConfigs,
    RemoveConfigs,
    MakeDeclared,
    PauseWorkload,
    PinServices,
    ScaleFollows,
    EnsureCanary,
    SharePods,
    MakeCanaryService,
    MoveTraffic,
    RestoreRouters,
    Drain,
    WaitPause,
    WaitDelay,
    RollWorkload,
    RetireStable,
    RetireCanary,
    RemoveRevisions,
    HoldUpdate,
    FinishUpdate,
    RemoveCanaryService,
    RemoveCanary,
    UnpinServices,
    ReleaseGuards,
    ResumeWorkload,
    LabelPods,
    UnlabelPods,
]


_OF_BLUEGREEN = {"the canary Service": "the preview Service", "the canary": "the preview", "the stable version": "the old version"}


def told(action: Action, strategy: str) -> str:
    """The action in the words of the strategy."""
    text = str(action)
    for word, other in _OF_BLUEGREEN.items() if strategy == "bluegreen" else ():
        text = text.replace(word, other)
    return text


def _version(to: str) -> str:
    return "stable version" if to == "stable" else to


def _services(names: tuple[str, ...]) -> str:
    return ("Service " if len(names) == 1 else "Services ") + ", ".join(names)
