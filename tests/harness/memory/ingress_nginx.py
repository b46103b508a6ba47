"""Where ingress-nginx sends the requests of Ingresses: which Service is asked at each host and path, and what a canary Ingress takes of it.

The rules are those of the controller v1.15.1 (internal/ingress/controller: createUpstreams, createServers, mergeAlternativeBackends, and
rootfs/etc/nginx/lua/balancer.lua), in words of this project; a run of the real controller confirmed each of them with requests.

- The controller reads the Ingresses of its class from the oldest to the newest; of two with the same time, the greater name goes first.
- A pool of endpoints (here: Pool) belongs to a Service and a port *as the Ingress writes it*: 80 and its name `http` are two pools.
- The first Ingress that leads to a pool decides whether the pool is a canary's, and with which share; a default backend decides it again.
- At a host and path whose pool is a canary's, nothing is served.
- A canary Ingress adds its pool to the pool of each place that has its host, path and path type; a default backend adds it to all places
  without a host. A pool that finds no place is deleted, also for the other rules of its Ingress.
- Only the first canary of a pool counts, at every place that has this pool.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]

PREFIX = "nginx.ingress.kubernetes.io/"
_CLASS = "kubernetes.io/ingress.class"
ANY_HOST = ""


@dataclass(frozen=True, order=True)
class Place:
    """A host, a path and its type, at which the controller listens."""

    host: str
    path: str
    kind: str


@dataclass(frozen=True)
class Served:
    """What is asked at a place. main, canary: `namespace/service:port`; None: nothing is served, and nothing split.

    share: of the canary by weight, 0 to 1. chosen: a header or a cookie takes requests to it. keeps, main_keeps: clients that came to the
    canary or to the main Service stay there, whatever the share is by now.
    """

    main: str | None
    canary: str | None = None
    share: float = 0.0
    chosen: bool = False
    keeps: bool = False
    main_keeps: bool = False

    @property
    def splits(self) -> bool:
        """Whether the canary gets any requests."""
        return self.canary is not None and bool(self.share or self.chosen or self.keeps)

    @property
    def all_to_canary(self) -> bool:
        """Whether the main Service gets none."""
        return self.canary is not None and self.share >= 1 and not self.main_keeps and not self.chosen


@dataclass
class Pool:
    """The endpoints of a Service's port. annotations: of the canary Ingress whose it is. behind: the canaries that were added to it."""

    name: str
    canary: bool = False
    annotations: Mapping[str, str] = field(default_factory=dict)
    behind: list[str] = field(default_factory=list)
    sticky: bool = False


def served(ingresses: Iterable[Object]) -> dict[Place, Served]:
    """What is asked at each place, by the Ingresses of one class."""
    ordered = in_order(ingresses)
    mains = [each for each in ordered if not is_canary(each)]
    pools = _pools(ordered)
    places = _hosts(mains)
    for each in mains:
        _listen(each, pools, places)
    for each in ordered if mains else ():
        if is_canary(each):
            _add(each, pools, places)
    return {place: _at(pools, pool) for place, (pool, _default) in places.items()}


def in_order(ingresses: Iterable[Object]) -> list[Object]:
    """From the oldest to the newest."""
    by_name = sorted(ingresses, key=lambda each: f"{each['metadata'].get('namespace', '')}/{each['metadata']['name']}", reverse=True)
    return sorted(by_name, key=lambda each: str(each["metadata"].get("creationTimestamp", "")))


def of_class(ingress: Object) -> str:
    """The name of the class, empty for none."""
    old = (ingress["metadata"].get("annotations") or {}).get(_CLASS, "")
    return str(ingress["spec"].get("ingressClassName") or old)


def is_canary(ingress: Object) -> bool:
    """Whether the annotation says so."""
    return _said(ingress).get("canary", "").lower() in ("true", "t", "1")


def pool_of(ingress: Object, backend: Object | None) -> str | None:
    """The name of the pool to which a backend leads."""
    service = (backend or {}).get("service")
    if not service:
        return None
    port = service["port"].get("number") or service["port"].get("name")
    return f"{ingress['metadata'].get('namespace', '')}/{service['name']}:{port}"


def copies_to(ingress: Object) -> str:
    """The Service that gets a copy of each request, by its name in the cluster's DNS; empty for none."""
    return _said(ingress).get("mirror-target", "").partition("://")[2].partition(".")[0]


def paths_of(ingress: Object) -> Iterator[tuple[Place, Object]]:
    """The places of the rules, and their backends."""
    for rule in ingress["spec"].get("rules") or []:
        for path in (rule.get("http") or {}).get("paths") or []:
            kind = path.get("pathType") or "Prefix"
            yield (
                Place(rule.get("host") or ANY_HOST, path.get("path") or "/", "Prefix" if kind == "ImplementationSpecific" else kind),
                path.get("backend") or {},
            )


def _said(ingress: Object) -> dict[str, str]:
    given = ingress["metadata"].get("annotations") or {}
    return {key[len(PREFIX) :]: value for key, value in given.items() if key.startswith(PREFIX)}


def _pools(ordered: list[Object]) -> dict[str, Pool]:
    pools: dict[str, Pool] = {}
    for each in ordered:
        default = pool_of(each, each["spec"].get("defaultBackend"))
        if default is not None:
            pools[default] = Pool(default, is_canary(each), _said(each))
        for _place, backend in paths_of(each):
            name = pool_of(each, backend)
            if name is not None:
                pools.setdefault(name, Pool(name, is_canary(each), _said(each)))
    return pools


# The pool of each place, and whether just a default backend leads there, which the first path may replace.
_Places = dict[Place, tuple[str, bool]]


def _hosts(mains: list[Object]) -> _Places:
    """The roots of all hosts, which lead to the default backend of the first Ingress that names the host, if that has one."""
    places: _Places = {Place(ANY_HOST, "/", "Prefix"): ("", True)}
    for each in mains:
        default, rules = pool_of(each, each["spec"].get("defaultBackend")), each["spec"].get("rules") or []
        if default is not None and not rules and places[Place(ANY_HOST, "/", "Prefix")][1]:
            places[Place(ANY_HOST, "/", "Prefix")] = (default, False)
        for host in [rule["host"] for rule in rules if rule.get("host")]:
            places.setdefault(Place(host, "/", "Prefix"), (default or "", True))
    return places


def _listen(ingress: Object, pools: dict[str, Pool], places: _Places) -> None:
    for place, backend in paths_of(ingress):
        name = pool_of(ingress, backend)
        if name is None or pools[name].canary:
            continue
        if places.get(place, ("", True))[1]:
            places[place] = (name, False)
        if _said(ingress).get("affinity") == "cookie":
            pools[name].sticky = True


def _add(canary: Object, pools: dict[str, Pool], places: _Places) -> None:
    default = pool_of(canary, canary["spec"].get("defaultBackend"))
    if default is not None:
        without_host = [place for place in places if place.host == ANY_HOST]
        _add_at(without_host, without_host, pools.get(default), canary, pools, places)
    for place, backend in paths_of(canary):
        name = pool_of(canary, backend)
        of_host = [each for each in places if each.host == place.host]
        if name is not None and of_host:
            _add_at([each for each in of_host if each == place], of_host, pools.get(name), canary, pools, places)


def _add_at(
    wanted: list[Place], looked_at: list[Place], pool: Pool | None, canary: Object, pools: dict[str, Pool], places: _Places
) -> None:
    """Adds the pool to those of the wanted places. The controller stops looking where it meets the pool itself."""
    if pool is None:
        return
    added = own = False
    for place in looked_at:
        main = pools.get(places[place][0])
        if main is None:
            continue
        own = main is pool
        if own:
            break
        if place in wanted and not main.canary:
            added = True
            if pool.name not in main.behind:
                main.behind.append(pool.name)
                if _said(canary).get("affinity-canary-behavior") != "legacy":
                    pool.sticky = main.sticky
    if not own and not added:
        del pools[pool.name]


def _at(pools: dict[str, Pool], name: str) -> Served:
    main = pools.get(name)
    if main is None:
        return Served(None)
    canary = pools.get(main.behind[0]) if main.behind else None
    if canary is None or not canary.canary:
        return Served(main.name)  # A pool that is no canary's has no share.
    said = canary.annotations
    total = max(_number(said.get("canary-weight-total"), 100), 100)
    share = min(_number(said.get("canary-weight"), 0) / total, 1.0)
    chosen = bool(said.get("canary-by-header") or said.get("canary-by-cookie"))
    return Served(main.name, canary.name, share, chosen, canary.sticky, main.sticky)


def _number(text: str | None, otherwise: int) -> int:
    try:
        return int(str(text))
    except ValueError:
        return otherwise
