"""Watches a cluster in memory and says when a request would be lost, with proxies that lag behind and pods that stop at once.

A proxy knows the cluster as it was at any moment of the last `lag` seconds: routes and endpoints of that moment together, as they are
pushed together. A request goes to any pod that any proxy knows, so each of them must be there, ready and not going, at every moment; and
none may go before the requests have ended that it got last, for which there are `drain` seconds. Graceful pods serve until they are gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .cluster import MemoryCluster
from .endpoints import SERVICE_NAME
from .ingress_nginx import Served, copies_to, of_class, paths_of, served
from .kinds import DESTINATION_RULE, ENDPOINT_SLICE, INGRESS, POD, SERVICE, VIRTUAL_SERVICE, Object
from .pods import is_going, is_ready
from .server import NAMESPACE
from .store import Change, labels_of


@dataclass
class View:
    """Where the requests of one entrance go, as it was for some time; until: infinity for the present one."""

    pods: frozenset[str]
    until: float = float("inf")


@dataclass
class Judge:
    """What users see of a cluster.

    virtual_services, services, ingresses: the names of the entrances: VirtualServices, Services that are asked without a router, and
    Ingresses as ingress-nginx serves them. complaints: what would have been lost.
    """

    cluster: MemoryCluster
    virtual_services: tuple[str, ...]
    services: tuple[str, ...]
    lag: float
    drain: float
    graceful: bool = False
    ingresses: tuple[str, ...] = ()
    complaints: list[str] = field(default_factory=list)
    _views: dict[str, list[View]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._look()
        self.cluster.store.listeners.append(self._told)

    def _told(self, change: Change) -> None:
        if change.kind in (VIRTUAL_SERVICE, DESTINATION_RULE, INGRESS, ENDPOINT_SLICE, SERVICE):
            self._look()
        elif change.kind is POD and self._serves(change.before) and (change.type == "DELETED" or not self._serves(change.after)):
            self._went(change.after)

    def _serves(self, pod: Object | None) -> bool:
        return serves(pod, self.graceful)

    def _say(self, text: str) -> None:
        self.complaints.append(f"{self.cluster.time.now():.2f}: {text}")

    def _look(self) -> None:
        for entrance, place, copies in self._places():
            self._see(entrance, self._served(entrance, place) | self._behind(copies))
        for entrance, services in self._entrances():
            pods = {(service, subset): self._behind(service, subset) for service, subset in services}
            for service, subset in sorted(each for each in pods if not pods[each]):
                where = f"Service {service}, subset {subset}," if subset else f"Service {service},"
                self._say(f"requests of {entrance} come to {where} which has no ready endpoints")
            self._see(entrance, frozenset().union(*pods.values()))

    def _see(self, entrance: str, pods: frozenset[str]) -> None:
        views = self._views.setdefault(entrance, [])
        if views and views[-1].pods == pods:
            return
        if views:
            views[-1].until = self.cluster.time.now()
        views.append(View(pods))
        alive = {identity(pod["metadata"]) for pod in self.cluster.store.all(POD, NAMESPACE) if self._serves(pod)}
        for name in sorted(pods - alive):
            self._say(f"requests of {entrance} come to pod {name}, which is going or gone")

    def _went(self, pod: Object) -> None:
        """A pod takes no requests any more."""
        name = identity(pod["metadata"])
        safe = self.cluster.time.now() - self.lag - self.drain
        for entrance, views in self._views.items():
            last = max((view.until for view in views if name in view.pods), default=0.0)
            if last > safe:
                ago = "gets" if last == float("inf") else f"got until {self.cluster.time.now() - last:.2f} s ago"
                self._say(f"pod {name} goes, which {ago} requests of {entrance}")

    def _entrances(self) -> Iterator[tuple[str, set[tuple[str, str]]]]:
        """Each with the Services, and their subsets, to which its requests go."""
        for name in self.virtual_services:
            found = self.cluster.store.find(VIRTUAL_SERVICE, NAMESPACE, name)
            yield f"VirtualService {name}", destinations(found) if found else set()
        for name in self.services:
            yield f"Service {name}", {(name, "")}

    def _places(self) -> Iterator[tuple[str, Served, str]]:
        """What is served at each place of the Ingresses, and the Service that gets copies; empty for none."""
        there = self.cluster.store.all(INGRESS, NAMESPACE)
        for name in self.ingresses:
            for named in [each for each in there if each["metadata"]["name"] == name]:
                found = served(each for each in there if of_class(each) == of_class(named))
                for place, _backend in paths_of(named):
                    yield f"Ingress {name} at {place.host}{place.path}", found[place], copies_to(named)

    def _served(self, entrance: str, place: Served) -> frozenset[str]:
        """The pods that get the requests; a canary without any leaves them to the main Service, which must never be empty."""
        if place.main is None:
            self._say(f"requests of {entrance} are answered 404")
            return frozenset()
        main, canary = self._behind(_service_of_pool(place.main)), self._behind(_service_of_pool(place.canary or ""))
        if not main:
            self._say(f"requests of {entrance} are answered 503: {place.main} has no ready endpoints")
        if not canary or not place.splits:
            return main
        return canary if place.all_to_canary else main | canary

    def _behind(self, service: str, subset: str = "") -> frozenset[str]:
        """The pods that the EndpointSlices call ready, of a subset those with its labels; a subset that nobody defines has none."""
        rules = self.cluster.store.all(DESTINATION_RULE, NAMESPACE) if subset else []
        defined = [each for rule in rules if _service(rule["spec"]["host"]) == service for each in rule["spec"].get("subsets") or []]
        labels = [each.get("labels") or {} for each in defined if each["name"] == subset] if subset else [{}]
        return frozenset(
            identity(endpoint["targetRef"])
            for each in self.cluster.store.all(ENDPOINT_SLICE, NAMESPACE)
            if labels_of(each).get(SERVICE_NAME) == service and self.cluster.store.find(SERVICE, NAMESPACE, service)
            for endpoint in each["endpoints"]
            if endpoint["conditions"]["ready"] and each["ports"] and any(self._has(endpoint, wanted) for wanted in labels)
        )

    def _has(self, endpoint: Object, wanted: dict[str, str]) -> bool:
        if not wanted:
            return True
        pod = self.cluster.store.find(POD, NAMESPACE, endpoint["targetRef"]["name"])
        return pod is not None and wanted.items() <= labels_of(pod).items()


def serves(pod: Object | None, graceful: bool) -> bool:
    """Whether a pod answers requests; graceful ones do until they are gone."""
    return pod is not None and is_ready(pod) and (graceful or not is_going(pod))


def identity(metadata: Object) -> str:
    """Pods of a StatefulSet have the names of those before them."""
    return f"{metadata['name']} ({metadata['uid']})"


def _service_of_pool(pool: str) -> str:
    """The Service's name in `namespace/service:port`."""
    return pool.partition("/")[2].partition(":")[0]


def _service(host: str) -> str:
    return host.partition(".")[0]


def destinations(virtual_service: Object) -> set[tuple[str, str]]:
    """The Services, with their subsets, that get any requests, or copies of some."""
    found = set()
    for rule in virtual_service["spec"].get("http") or []:
        routes = rule.get("route") or []
        weights = [route.get("weight", 0) for route in routes] if len(routes) > 1 else [100] * len(routes)
        reached = [route["destination"] for route, weight in zip(routes, weights, strict=True) if weight]
        reached += [rule["mirror"]] if rule.get("mirror") else []
        found |= {(_service(each["host"]), each.get("subset", "")) for each in reached}
    return found
