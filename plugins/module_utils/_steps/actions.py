"""The kinds of actions that a rollout consists of; _actions/perform.py performs them."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .._objects.durations import show
from .._routing.target import DesiredTraffic, ManagedRoute, split_of
from .._workloads.clones import canary_replicas
from .action import Action


@dataclass(frozen=True)
class CopyConfigs(Action):
    """Make the copies of ConfigMaps and Secrets that the new version names: kind, name of the original, name of the copy."""

    kind: ClassVar[str] = "copy-configs"
    copies: tuple[tuple[str, str, str], ...]

    def __str__(self) -> str:
        return "copy " + ", ".join(f"{kind} {original} as {name}" for kind, original, name in self.copies)


@dataclass(frozen=True)
class RemoveConfigs(Action):
    """Remove the copies that neither the workload nor a version to which one can go back names. history: whether one can go back."""

    kind: ClassVar[str] = "remove-configs"
    sentence: ClassVar[str] = "remove the copies of ConfigMaps and Secrets that no version needs any more"
    history: bool = True


@dataclass(frozen=True)
class MakeDeclared(Action):
    """Make an object that the plan declares and the user has none of; from then on it is the user's."""

    kind: ClassVar[str] = "create-object"
    key: str  # Ref.key

    @property
    def variant(self) -> str:
        return self.key

    def __str__(self) -> str:
        return f"make {self.key.replace('/', ' ')}"


@dataclass(frozen=True)
class PauseWorkload(Action):
    """Stop the workload's own rolling, so that its pods can be pinned by their hash."""

    kind: ClassVar[str] = "pause-workload"
    sentence: ClassVar[str] = "pause the workload"
    concerns: ClassVar[str] = "workload"


@dataclass(frozen=True)
class PinServices(Action):
    """Point Services at the pods of just one version: of the workload, of what runs the stable version, or of the canary.

    The workload is what runs the stable version, unless the style keeps a Deployment per revision.
    """

    kind: ClassVar[str] = "pin-services"
    waits_for: ClassVar[str | None] = "the endpoints of the Services, and proxies to know it"
    evidence: ClassVar[str] = "selector"
    services: tuple[str, ...]
    to: str  # workload | stable | canary
    carries_traffic: bool = True

    @property
    def variant(self) -> str:
        return self.to if self.carries_traffic else f"{self.to}-without-traffic"

    def pins(self, services: tuple[str, ...]) -> str | None:
        return self.to if self.services == services else None

    @property
    def proves_promotion(self) -> bool:
        return self.to == "canary" and self.carries_traffic

    def __str__(self) -> str:
        return f"point {_services(self.services)} at the {_version(self.to)}"


@dataclass(frozen=True)
class ScaleFollows(Action):
    """Let the workload's autoscaler scale just what has, or is about to get, most of the traffic, and not below its present size.

    What it scales then has at least as many pods as what it scaled before.
    """

    kind: ClassVar[str] = "retarget-autoscaler"
    to: str  # workload | stable | canary

    def __str__(self) -> str:
        return f"hold the autoscaler on the {_version(self.to)}"


@dataclass(frozen=True)
class EnsureCanary(Action):
    """Run the new version, and wait until it is ready.

    weight: the percent of the workload's pods that it needs. replicas: so many instead. shrink: it may get fewer than it has, since it has
    no traffic. least: so many pods in any case.
    """

    kind: ClassVar[str] = "ensure-canary"
    proves_promotion: ClassVar[bool] = True
    concerns: ClassVar[str] = "canary"
    canary_after: ClassVar[bool | None] = True
    evidence: ClassVar[str] = "size"
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
class SharePods(Action):
    """Let the canary have its share of all pods behind the stable Service, and with it of the traffic.

    least: so many pods where it has a share.
    """

    kind: ClassVar[str] = "share-pods"
    concerns: ClassVar[str] = "canary"
    canary_after: ClassVar[bool | None] = True
    evidence: ClassVar[str] = "share"
    weight: int
    least: int = 1

    @property
    def weight_after(self) -> int:
        return self.weight

    def __str__(self) -> str:
        return f"give the canary {self.weight} % of the pods" + (f", {self.least} or more" if self.least > 1 else "")


@dataclass(frozen=True)
class MakeCanaryService(Action):
    """Make the canary Service, where the user has none."""

    kind: ClassVar[str] = "create-canary-service"
    sentence: ClassVar[str] = "make the canary Service"
    waits_for: ClassVar[str | None] = "the endpoints of the Services, and proxies to know it"
    canary_service_after: ClassVar[bool | None] = True


@dataclass(frozen=True)
class MoveTraffic(Action):
    """Give the canary a share of the traffic, on every router; the requests of the routes whatever the share; mirror percent of copies."""

    kind: ClassVar[str] = "move-traffic"
    waits_for: ClassVar[str | None] = "the routers, and proxies to know it"
    evidence: ClassVar[str] = "split"
    weight: int
    routes: tuple[ManagedRoute, ...] = ()
    mirror: float = 0.0

    @property
    def weight_after(self) -> int:
        return self.weight

    @property
    def traffic(self) -> DesiredTraffic:
        return DesiredTraffic(split_of(self.weight), self.routes, self.mirror)

    def __str__(self) -> str:
        names = f", requests by {', '.join(route.name for route in self.routes)}" if self.routes else ""
        copies = f", copies of {self.mirror:g} %" if self.mirror else ""
        return f"move the traffic: {self.weight} % to the canary{names}{copies}"


@dataclass(frozen=True)
class RestoreRouters(Action):
    """Put every router back as it was."""

    kind: ClassVar[str] = "restore-routers"
    sentence: ClassVar[str] = "put the routers back"
    waits_for: ClassVar[str | None] = "the routers, and proxies to know it"
    restores_routers: ClassVar[bool] = True


@dataclass(frozen=True)
class Drain(Action):
    """Let requests end that are still under way on pods that get no new ones."""

    kind: ClassVar[str] = "drain"
    sentence: ClassVar[str] = "drain"
    waits_for: ClassVar[str | None] = "requests that are under way to end"


@dataclass(frozen=True)
class WaitPause(Action):
    """A pause of the plan; None: until promoted."""

    kind: ClassVar[str] = "pause"
    sentence: ClassVar[str] = "pause"
    is_pause: ClassVar[bool] = True
    duration: float | None

    @property
    def seconds(self) -> float | None:
        return self.duration


@dataclass(frozen=True)
class WaitDelay(Action):
    """Let the version that has no traffic any more run on for a while, so that going back needs no start."""

    kind: ClassVar[str] = "delay"
    is_delay: ClassVar[bool] = True
    duration: float

    @property
    def seconds(self) -> float:
        return self.duration

    def __str__(self) -> str:
        return f"wait {show(self.duration)}"


@dataclass(frozen=True)
class RollWorkload(Action):
    """Roll the workload to the new or to the stable template; one that can be paused is paused again.

    It has no traffic, unless the plan's promotion is rolling.
    """

    kind: ClassVar[str] = "roll-workload"
    concerns: ClassVar[str] = "workload"
    evidence: ClassVar[str] = "template"
    to: str  # new | stable

    @property
    def proves_promotion(self) -> bool:
        return self.to == "new"

    def __str__(self) -> str:
        return f"roll the workload to the {self.to} version"


@dataclass(frozen=True)
class RemoveCanaryService(Action):
    """Remove the canary Service that was made here."""

    kind: ClassVar[str] = "remove-canary-service"
    sentence: ClassVar[str] = "remove the canary Service"
    canary_service_after: ClassVar[bool | None] = False


@dataclass(frozen=True)
class RemoveCanary(Action):
    """Remove what runs the new version, and wait until none of its pods takes requests any more."""

    kind: ClassVar[str] = "remove-canary"
    sentence: ClassVar[str] = "remove the canary"
    concerns: ClassVar[str] = "canary"
    canary_after: ClassVar[bool | None] = False


@dataclass(frozen=True)
class RetireStable(Action):
    """Scale the old version, which has no traffic, to 0; the workload has the new version's template from here on."""

    kind: ClassVar[str] = "retire-stable"
    proves_promotion: ClassVar[bool] = True
    sentence: ClassVar[str] = "scale the old version to 0"
    evidence: ClassVar[str] = "template"


@dataclass(frozen=True)
class RetireCanary(Action):
    """Scale the new version, which has no traffic, to 0."""

    kind: ClassVar[str] = "retire-canary"
    sentence: ClassVar[str] = "scale the new version to 0"
    concerns: ClassVar[str] = "canary"
    canary_after: ClassVar[bool | None] = False


@dataclass(frozen=True)
class RemoveRevisions(Action):
    """Remove the Deployments of all revisions."""

    kind: ClassVar[str] = "remove-revisions"
    sentence: ClassVar[str] = "remove the revisions"


@dataclass(frozen=True)
class HoldUpdate(Action):
    """Give the workload the new template, and let none of its pods be replaced yet."""

    kind: ClassVar[str] = "hold-update"
    sentence: ClassVar[str] = "give the workload the new template"
    concerns: ClassVar[str] = "workload"


@dataclass(frozen=True)
class FinishUpdate(Action):
    """Let all pods of the workload be replaced, and by its own update strategy again from here on."""

    kind: ClassVar[str] = "finish-update"
    sentence: ClassVar[str] = "replace the last pods"
    concerns: ClassVar[str] = "workload"


@dataclass(frozen=True)
class UnpinServices(Action):
    """Give Services their own selectors back. canary_gone: what runs the new version is to have no pods by then."""

    kind: ClassVar[str] = "unpin-services"
    waits_for: ClassVar[str | None] = "the endpoints of the Services, and proxies to know it"
    services: tuple[str, ...]
    canary_gone: bool = True

    def __str__(self) -> str:
        return f"give {_services(self.services)} back {'its selector' if len(self.services) == 1 else 'their selectors'}"


@dataclass(frozen=True)
class ReleaseGuards(Action):
    """Give the autoscaler and the disruption budgets their own limits back."""

    kind: ClassVar[str] = "restore-limits"
    sentence: ClassVar[str] = "give the autoscaler and the disruption budgets their own limits back"
    to: str  # what the autoscaler goes on scaling: workload | stable | canary


@dataclass(frozen=True)
class ResumeWorkload(Action):
    """Let the workload roll by itself again."""

    kind: ClassVar[str] = "resume-workload"
    sentence: ClassVar[str] = "unpause the workload"


@dataclass(frozen=True)
class LabelPods(Action):
    """Of blue-green: label the pods by where the active and the preview Service lead."""

    kind: ClassVar[str] = "label-pods"
    sentence: ClassVar[str] = "label the pods"


@dataclass(frozen=True)
class UnlabelPods(Action):
    """Take these labels off again."""

    kind: ClassVar[str] = "unlabel-pods"
    sentence: ClassVar[str] = "take the labels off the pods"


def _version(to: str) -> str:
    return "stable version" if to == "stable" else to


def _services(names: tuple[str, ...]) -> str:
    return ("Service " if len(names) == 1 else "Services ") + ", ".join(names)
