"""VirtualServices and DestinationRules for tests of the router istio, as the API server would answer with them."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Target

Object = dict[str, Any]

FULL = "shop.test.svc.cluster.local"
FULL_CANARY = "shop-canary.test.svc.cluster.local"
MANNERS: Object = {
    "match": [{"uri": {"prefix": "/"}, "headers": {"x-a": {"exact": "1"}}, "withoutHeaders": {"x-b": {"regex": ".*"}}}],
    "rewrite": {"uri": "/v1"},
    "timeout": "3s",
    "retries": {"attempts": 3, "perTryTimeout": "1s", "retryOn": "5xx"},
    "fault": {"delay": {"fixedDelay": "1s", "percentage": {"value": 0.1}}},
    "mirror": {"host": "shadow"},
    "mirrorPercentage": {"value": 12.5},
    "corsPolicy": {"allowOrigins": [{"exact": "*"}], "maxAge": "24h"},
    "headers": {"request": {"set": {"a": "b"}}},
    "unknownToUs": [None, {"x": []}],
}
ELSEWHERE: Object = {
    "hosts": ["shop.example.org"],
    "gateways": ["mesh", "shop"],
    "exportTo": ["."],
    "tls": [{"match": [{"sniHosts": ["shop"]}], "route": [{"destination": {"host": "shop"}}]}],
    "tcp": [{"route": [{"destination": {"host": "shop"}, "weight": 7}]}],
}


def to(host: Any, weight: int | None = None, **more: Any) -> Object:
    destination = {**more, "destination": {"host": host, **more.get("destination", {})}}
    return destination if weight is None else {**destination, "weight": weight}


def route(*destinations: Object, name: str | None = None, **more: Any) -> Object:
    return {**({"name": name} if name else {}), **more, "route": list(destinations)}


def virtual_service(*http: Object, version: str = "v1beta1", **spec: Any) -> Object:
    """spec: what stands in it beside the HTTP routes, ELSEWHERE where nothing is said."""
    obj = {
        "apiVersion": f"networking.istio.io/{version}",
        "kind": "VirtualService",
        "metadata": {"name": "shop", "namespace": "test", "labels": {"team": "shop"}},
        "spec": {**(spec or ELSEWHERE), **({"http": http} if http else {})},
    }
    return stored(obj)


def destination_rule(*subsets: Object, host: Any = "shop") -> Object:
    spec = {"host": host, "trafficPolicy": {"loadBalancer": {"simple": "LEAST_REQUEST"}}, "exportTo": ["."], "subsets": subsets}
    return stored(
        {
            "apiVersion": "networking.istio.io/v1beta1",
            "kind": "DestinationRule",
            "metadata": {"name": "shop", "namespace": "test"},
            "spec": spec,
        }
    )


def subset(name: str, **labels: str) -> Object:
    return {"name": name, "labels": labels}


def stored(obj: Object) -> Object:
    """As from the API server: no two parts of it are the same object."""
    return dict(json.loads(json.dumps(obj)))


def objects(obj: Object, rule: Object | None = None) -> Object:
    return {"virtual_service": obj, **({"destination_rule": rule} if rule else {})}


def target(**more: Any) -> Target:
    given = {"router": "istio", "name": "shop", "namespace": "test", "stable_service": "shop", "canary_service": "shop-canary", **more}
    return Target(**{**given, "routes": tuple(given.get("routes", ()))})


REDIRECT: Object = {"match": [{"uri": {"exact": "/old"}}], "redirect": {"uri": "/new"}}
DELEGATE: Object = {"name": "delegated", "delegate": {"name": "other", "namespace": "test"}}
ANSWER: Object = {"directResponse": {"status": 503}}
ELSE: Object = route(to("other", 60), to("third", 40), name="else")
BOTH = (to("shop", 100), to("shop-canary", 0))
PORT: Object = {"destination": {"port": {"number": 8080}}}
HEADERS: Object = {"headers": {"response": {"add": {"x-v": "1"}}}}
AFTER_20 = (to("shop", 80), to("shop-canary", 20))
ALL: Object = {"routes": ["*"]}
SUBSETS: Object = {"stable_subset": "v1", "canary_subset": "v2", "destination_rule": "shop"}
