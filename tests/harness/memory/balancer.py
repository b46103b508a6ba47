"""A load balancer that learns endpoints late, judged as the proxies are in judge.py: cloud target groups, network endpoint groups.

It knows new weights within `lag` seconds, and what stands behind each Service only `slow` seconds after the EndpointSlices say so. A
request goes to any pod that any part of it may still know. So a Service that gets requests must have had endpoints for so long, and a pod
must live on for so long, and for as long as requests take (`drain`), after it has left.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .cluster import MemoryCluster
from .endpoints import SERVICE_NAME
from .judge import destinations, identity, serves
from .kinds import ENDPOINT_SLICE, POD, SERVICE, VIRTUAL_SERVICE, Object
from .server import NAMESPACE
from .store import Change, labels_of

_NEVER, _EVER = float("-inf"), float("inf")


@dataclass
class Span:
    """Services that an entrance leads to, or pods behind a Service, for some time."""

    names: frozenset[str]
    since: float
    until: float = _EVER


@dataclass
class SlowBalancer:
    """virtual_services, services: the entrances. graceful: pods serve until they are gone. complaints: what would have been lost."""

    cluster: MemoryCluster
    virtual_services: tuple[str, ...]
    services: tuple[str, ...]
    slow: float
    lag: float
    drain: float
    graceful: bool = False
    complaints: list[str] = field(default_factory=list)
    _routes: dict[str, list[Span]] = field(default_factory=dict)
    _pools: dict[str, list[Span]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._look(_NEVER)
        self.cluster.store.listeners.append(self._told)

    @property
    def _now(self) -> float:
        return self.cluster.time.now()

    def _told(self, change: Change) -> None:
        if change.kind in (VIRTUAL_SERVICE, ENDPOINT_SLICE, SERVICE):
            self._look(self._now)
        elif change.kind is POD and self._ends(change):
            self._went(identity(change.after["metadata"]))

    def _ends(self, change: Change) -> bool:
        gone = change.type == "DELETED" or not serves(change.after, self.graceful)
        return gone and serves(change.before, self.graceful)

    def _look(self, since: float) -> None:
        for service in self.cluster.store.all(SERVICE, NAMESPACE):
            self._pools.setdefault(service["metadata"]["name"], [Span(frozenset(), _NEVER)] if since != _NEVER else [])
        for name, spans in self._pools.items():
            _follow(spans, self._behind(name), since)
        for name in self.virtual_services:
            found = self.cluster.store.find(VIRTUAL_SERVICE, NAMESPACE, name)
            hosts = frozenset(service for service, _subset in destinations(found)) if found else frozenset[str]()
            _follow(self._routes.setdefault(f"VirtualService {name}", []), hosts, since)
        for name in self.services:
            _follow(self._routes.setdefault(f"Service {name}", []), frozenset({name}), since)
        self._require_known()

    def _require_known(self) -> None:
        for entrance, spans in self._routes.items():
            for service in sorted(spans[-1].names):
                if any(
                    not span.names and span.until + self.slow > self._now for span in self._pools.get(service, [Span(frozenset(), _NEVER)])
                ):
                    self._say(f"{entrance} leads to Service {service}, for which the load balancer knows no endpoints yet")

    def _went(self, pod: str) -> None:
        """A pod takes no requests any more."""
        for entrance, routes in self._routes.items():
            for route in routes:
                for service in route.names:
                    for pool in self._pools.get(service, []):
                        first, last = max(route.since, pool.since), min(route.until + self.lag, pool.until + self.slow)
                        if pod in pool.names and first < last and last + self.drain > self._now:
                            self._say(f"pod {pod} goes, to which the load balancer sends requests of {entrance}")

    def _say(self, text: str) -> None:
        if not self.complaints or not self.complaints[-1].endswith(text):
            self.complaints.append(f"{self._now:.2f}: {text}")

    def _behind(self, service: str) -> frozenset[str]:
        slices: list[Object] = [
            each for each in self.cluster.store.all(ENDPOINT_SLICE, NAMESPACE) if labels_of(each).get(SERVICE_NAME) == service
        ]
        found = [endpoint for each in slices if each["ports"] for endpoint in each["endpoints"] if endpoint["conditions"]["ready"]]
        return frozenset(identity(endpoint["targetRef"]) for endpoint in found)


def _follow(spans: list[Span], names: frozenset[str], now: float) -> None:
    if spans and spans[-1].names == names:
        return
    if spans:
        spans[-1].until = now
    spans.append(Span(names, now))
