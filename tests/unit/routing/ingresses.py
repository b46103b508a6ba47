"""Ingresses for the tests of the router ingress_nginx, as the API server gives them back."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import (
    Condition,
    DesiredTraffic,
    ManagedRoute,
    Target,
    split_of,
)

Object = dict[str, Any]

PREFIX = "nginx.ingress.kubernetes.io"
CLASS: Object = {"ingressClassName": "nginx"}
DEFAULT: Object = {"defaultBackend": {"service": {"name": "shop", "port": {"number": 80}}}}


def path(service: str, at: str = "/", port: Any = 80, kind: str = "Prefix") -> Object:
    number = {"name": port} if isinstance(port, str) else {"number": port}
    return {"path": at, "pathType": kind, "backend": {"service": {"name": service, "port": number}}}


def rule(host: str | None, *paths: Object) -> Object:
    return {**({"host": host} if host else {}), "http": {"paths": list(paths)}}


def nginx(**annotations: str) -> dict[str, str]:
    """canary_weight="5" for `nginx.ingress.kubernetes.io/canary-weight: "5"`."""
    return {f"{PREFIX}/{key.replace('_', '-')}": value for key, value in annotations.items()}


def ingress(*rules: Object, name: str = "shop", annotations: Object | None = None, labels: Object | None = None, **spec: Any) -> Object:
    """The user's. Without rules and spec: one rule for shop.example.org, to the Service shop."""
    given = {**spec, **({"rules": list(rules)} if rules else {})} or {**CLASS, "rules": [rule("shop.example.org", path("shop"))]}
    metadata: Object = {"name": name, "namespace": "test", "uid": f"uid-{name}"}
    if annotations:
        metadata["annotations"] = annotations
    if labels:
        metadata["labels"] = labels
    return dict(json.loads(json.dumps({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": given})))


def canary(
    *rules: Object, name: str = "shop-canary", of: str = "shop", annotations: Object, labels: Object | None = None, **spec: Any
) -> Object:
    """Ours, with all that makes it ours. Without rules and spec: for the user's without these."""
    given = {**spec, **({"rules": list(rules)} if rules else {})} or {**CLASS, "rules": [rule("shop.example.org", path("shop-canary"))]}
    metadata = {
        "name": name,
        "namespace": "test",
        "labels": {"app.kubernetes.io/managed-by": "progressive.delivery", **(labels or {})},
        "annotations": {"progressive.delivery/canary-of": of, **annotations},
    }
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": given}


def aged(second: int, obj: Object) -> Object:
    """The object as it is when it was made in that second."""
    return {**obj, "metadata": {**obj["metadata"], "creationTimestamp": f"2026-01-01T00:00:{second:02}Z"}}


def weighted(weight: int, **more: str) -> dict[str, str]:
    return nginx(canary="true", canary_weight=str(weight), **more)


def pair(stable: Object, canary_one: Object | None = None) -> Object:
    return {"ingress": stable, "canary_ingress": canary_one}


def target(**more: Any) -> Target:
    given = {"router": "ingress_nginx", "name": "shop", "namespace": "test", "stable_service": "shop", "canary_service": "shop-canary"}
    return Target(**{**given, **more})


def wish(weight: int = 0, *matches: Condition | tuple[Condition, ...], total: int = 100, mirror: float = 0.0) -> DesiredTraffic:
    """Matches are alternatives; several conditions that must hold together come as a tuple."""
    alternatives = tuple(match if isinstance(match, tuple) else (match,) for match in matches)
    return DesiredTraffic(split_of(weight, total), (ManagedRoute("canary", alternatives),) if alternatives else (), mirror)


def header(how: str, value: str = "", name: str = "X-Canary") -> Condition:
    return Condition("header", name, how, value)


def cookie(how: str, value: str = "", name: str = "canary") -> Condition:
    return Condition("cookie", name, how, value)
