"""Routes of the Gateway API as the API server stores them, all defaults written out."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import DesiredTraffic, ManagedRoute, Target, split_of
from ansible_collections.progressive.delivery.plugins.module_utils._steps.matches import read_matches

Object = dict[str, Any]

ALL: Object = {"routes": ["*"]}
REGEX = "RegularExpression"
VERSIONS = {"HTTPRoute": "v1", "GRPCRoute": "v1", "TLSRoute": "v1", "TCPRoute": "v1alpha2"}
GROUP = "gateway.networking.k8s.io"
PARENT: Object = {"group": GROUP, "kind": "Gateway", "name": "shared", "namespace": "infra", "sectionName": "http"}


def to(name: str, weight: int = 1, port: int = 80, **more: Any) -> Object:
    return {"group": "", "kind": "Service", "name": name, "port": port, "weight": weight, **more}


def path(value: str = "/", how: str = "PathPrefix") -> Object:
    return {"type": how, "value": value}


def header(name: str, value: str, how: str = "Exact") -> Object:
    return {"name": name, "type": how, "value": value}


def match(prefix: str = "/", **more: Any) -> Object:
    return {"path": path(prefix), **more}


def rule(*refs: Object, matches: list[Object] | None = None, **more: Any) -> Object:
    """By default for all paths."""
    return {**more, "matches": [match()] if matches is None else matches, "backendRefs": list(refs)}


def plain_rule(*refs: Object, **more: Any) -> Object:
    """Without matches, as all but HTTPRoutes may have it."""
    return {**more, "backendRefs": list(refs)}


def route(*rules: Object, kind: str = "HTTPRoute", status: Any = None, **spec: Any) -> Object:
    obj = {
        "apiVersion": f"{GROUP}/{VERSIONS[kind]}",
        "kind": kind,
        "metadata": {"name": "shop", "namespace": "test", "generation": 3, "labels": {"team": "shop"}},
        "spec": {"parentRefs": [PARENT], "hostnames": ["shop.example.org"], "rules": list(rules), **spec},
        "status": {"parents": status or []},
    }
    return dict(json.loads(json.dumps(obj)))  # as from the API server: no two parts of it are the same object


def objects(obj: Object) -> Object:
    return {"route": obj}


def target(**more: Any) -> Target:
    given = {
        "router": "gateway_api",
        "name": "shop",
        "namespace": "test",
        "stable_service": "shop",
        "canary_service": "shop-canary",
        **more,
    }
    for key in ("routes", "additional_destinations"):
        given[key] = tuple(given.get(key, ()))
    return Target(**given)


BOTH = (to("shop", 100), to("shop-canary", 0))
QA: Object = {"headers": {"x-qa": {"exact": "1"}}}  # a match as users write it, and what becomes of it
HEADER_QA = header("x-qa", "1")


def wish(*matches: Object, inherit: bool = True, mirror: float = 0.0, canary: int = 0) -> DesiredTraffic:
    return DesiredTraffic(split_of(canary), (ManagedRoute("qa", read_matches(list(matches)), inherit),) if matches else (), mirror)
