"""A small model of a cluster: carries out the actions of a rollout and objects as soon as one of them could lose a request.

It knows which pods there are, where each Service points, what the routers say, and which pods had traffic since the last drain. The
stable Service and the bystanders always have traffic of their own, beside what the routers send.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._steps import actions
from ansible_collections.progressive.delivery.plugins.module_utils._steps.action import Action

LIVE, GROWN = 4, 5
OLD, NEW = "old", "new"
STABLE, CANARY = "shop", "shop-canary"
OWN = "its own selector"
CLONE = "the clone"


class Lost(AssertionError):
    """A request would be lost, or could be."""


@dataclass
class World:
    """services: where each points: OWN, CLONE, or a version of the workload.

    weights: the canary's share on each router. besides: whether other requests, or copies, come to it there.
    sized_by_hand: the plan says how many pods the clone has, which may be too few.
    The autoscaler is misled while there are two versions, since it sees the pods of both: nothing but `least` keeps it from scaling down
    then. The load grows while it scales the clone, and it makes that bigger; what takes over must be as big.
    """

    bystanders: tuple[str, ...]
    canary_given: bool
    version: str = OLD
    rolling: bool = False
    paused: bool = False
    clone: int = 0  # replicas asked for; 0: there is none
    ready: int = 0  # of these
    services: dict[str, str] = field(default_factory=dict)
    weights: list[int] = field(default_factory=lambda: [0, 0])
    besides: list[bool] = field(default_factory=lambda: [False, False])
    sized_by_hand: bool = False
    scaled: bool = False  # there is an autoscaler, and disruption budgets
    scales: str = "workload"  # what the autoscaler scales
    least: int = 1  # the fewest pods that it leaves
    size: int = LIVE  # of the workload
    load: int = LIVE  # the pods that all the traffic needs
    warm: set[str] = field(default_factory=set)  # pods that had traffic since the last drain

    def __post_init__(self) -> None:
        self.services = dict.fromkeys((STABLE, *self.bystanders, *((CANARY,) if self.canary_given else ())), OWN)
        self.look()

    def pods_behind(self, service: str) -> set[str]:
        """The kinds of pods that the Service leads to."""
        points_at = self.services.get(service)
        clone = {"clone"} if self.ready else set()
        if points_at == OWN:
            return {"workload"} | clone
        if points_at == CLONE:
            return clone
        return {"workload"} if points_at == self.version and not self.rolling else set()

    @property
    def busy_services(self) -> list[str]:
        return [STABLE, *self.bystanders, *([CANARY] if self.canary_busy else [])]

    @property
    def canary_busy(self) -> bool:
        return max(self.weights) > 0 or any(self.besides)

    @property
    def busy(self) -> set[str]:
        """The kinds of pods that get requests."""
        return set().union(*(self.pods_behind(service) for service in self.busy_services))

    def look(self) -> None:
        """Objects to a state in which requests are lost."""
        self.warm |= self.busy
        for service in self.busy_services:
            need(bool(self.pods_behind(service)), f"Service {service} has requests and no pods")
            need(self.services[service] != OWN or not self.clone, f"Service {service} takes old and new pods")
            need(self.services[service] in (OWN, CLONE) or self.paused, f"Service {service} is pinned to a workload that may roll")
            need(
                self.services[service] != CLONE or self.ready >= ceil(self.load * self.share(service) / 100),
                f"the clone is too small for {service}",
            )
        need(not (self.scaled and self.clone) or self.least >= LIVE, f"the autoscaler may scale the {self.scales} to {self.least}")
        need(not (self.rolling and "workload" in self.busy), "the workload rolls under traffic")

    def share(self, service: str) -> int:
        return (0 if self.sized_by_hand else max(self.weights)) if service == CANARY else 100


def need(fine: bool, what: str) -> None:
    if not fine:
        raise Lost(what)


def carry_out(world: World, action: Action) -> None:
    """Carries out an action to its end."""
    for _moment in moments(world, action):
        world.look()
    world.look()


def begin(world: World, action: Action) -> None:
    """Carries out an action up to its first write."""
    next(moments(world, action), None)
    world.look()


def moments(world: World, action: Action) -> Iterator[None]:
    """The action write by write; what comes after the last moment waits for what was written."""
    yield from HANDLERS[type(action)](world, action)


def _pause_workload(world: World, _action: actions.PauseWorkload) -> Iterator[None]:
    world.paused = True
    yield


def _pin_services(world: World, action: actions.PinServices) -> Iterator[None]:
    for name in action.services:
        need(name in world.services, f"there is no Service {name}")
        need(action.to == "workload" or world.ready > 0, "the clone is not ready")
        if action.carries_traffic:
            _look_at_scale(world, action.to)
        world.services[name] = CLONE if action.to == "canary" else world.version
        yield


def _look_at_scale(world: World, to: str) -> None:
    """Objects to moving most of the traffic to what nothing scales, or to what is too small for it."""
    need(not world.scaled or world.sized_by_hand or world.scales == to, f"nothing scales the {to}, which gets most of the traffic")
    need(to == "canary" or world.size >= world.load, "the workload is too small for all the traffic")


def _scale_follows(world: World, action: actions.ScaleFollows) -> Iterator[None]:
    to = "canary" if action.to == "canary" else "workload"
    sizes = {"workload": world.size, "canary": world.clone}
    world.least = max(world.least, sizes[world.scales], sizes[to])
    world.scales = to
    yield
    if to == "workload":
        world.size = max(world.size, world.least)
        return
    world.clone = world.ready = max(world.clone, world.least)


def _release_guards(world: World, _action: actions.ReleaseGuards) -> Iterator[None]:
    need(not world.clone, "the disruption budgets let all pods of one version go")
    need(world.scales == "workload", "nothing scales the workload any more")
    world.least = 1
    yield


def _ensure_canary(world: World, action: actions.EnsureCanary) -> Iterator[None]:
    replicas = action.replicas or max(1, ceil(world.size * action.weight / 100))
    if replicas < world.clone:
        need(not action.shrink or "clone" not in world.warm, "pods of the clone go while they have requests")
        replicas = replicas if action.shrink else world.clone
        world.ready = min(world.ready, replicas)
    world.clone = replicas
    yield
    world.ready = replicas


def _make_canary_service(world: World, _action: actions.MakeCanaryService) -> Iterator[None]:
    need(world.ready > 0, "the clone is not ready")
    world.services.setdefault(CANARY, CLONE)
    yield


def _move_traffic(world: World, action: actions.MoveTraffic) -> Iterator[None]:
    need(world.services.get(CANARY) == CLONE, "the canary Service does not lead to the clone")
    yield from _set_weights(world, action.weight, bool(action.routes or action.mirror))
    if world.scaled and world.scales == "canary":
        world.clone = world.ready = world.load = GROWN


def _restore_routers(world: World, _action: actions.RestoreRouters) -> Iterator[None]:
    yield from _set_weights(world, 0, False)


def _set_weights(world: World, weight: int, besides: bool) -> Iterator[None]:
    for router in range(len(world.weights)):
        _look_at_scale(world, "canary" if weight > 50 else "workload")
        world.weights[router], world.besides[router] = weight, besides
        yield


def _drain(world: World, _action: actions.Drain) -> Iterator[None]:
    yield
    world.warm = world.busy


def _wait_pause(_world: World, _action: actions.WaitPause) -> Iterator[None]:
    yield


def _roll_workload(world: World, action: actions.RollWorkload) -> Iterator[None]:
    wanted = NEW if action.to == "new" else OLD
    if (world.version, world.rolling) != (wanted, False):
        need("workload" not in world.warm, "the workload rolls before its requests have ended")
        world.rolling, world.paused, world.version = True, False, wanted
        yield
        world.rolling = False
    world.paused = True


def _remove_canary_service(world: World, _action: actions.RemoveCanaryService) -> Iterator[None]:
    need(not world.canary_busy, "the canary Service goes while it has requests")
    world.services.pop(CANARY, None)
    yield


def _remove_canary(world: World, _action: actions.RemoveCanary) -> Iterator[None]:
    need("clone" not in world.warm, "the clone goes before its requests have ended")
    world.clone = world.ready = 0
    yield


def _unpin_services(world: World, action: actions.UnpinServices) -> Iterator[None]:
    for name in action.services:
        world.services[name] = OWN
        yield


def _resume_workload(world: World, _action: actions.ResumeWorkload) -> Iterator[None]:
    world.paused = False
    yield


HANDLERS: dict[type, Callable[[World, Any], Iterator[None]]] = {
    actions.PauseWorkload: _pause_workload,
    actions.PinServices: _pin_services,
    actions.ScaleFollows: _scale_follows,
    actions.ReleaseGuards: _release_guards,
    actions.EnsureCanary: _ensure_canary,
    actions.MakeCanaryService: _make_canary_service,
    actions.MoveTraffic: _move_traffic,
    actions.RestoreRouters: _restore_routers,
    actions.Drain: _drain,
    actions.WaitPause: _wait_pause,
    actions.RollWorkload: _roll_workload,
    actions.RemoveCanaryService: _remove_canary_service,
    actions.RemoveCanary: _remove_canary,
    actions.UnpinServices: _unpin_services,
    actions.ResumeWorkload: _resume_workload,
}
