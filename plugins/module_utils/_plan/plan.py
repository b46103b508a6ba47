"""The plan of a rollout: what the options of rollout_step say, typed and validated before anything is touched."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Tuple

from .._objects.refusal import Refused
from .._routing.target import Target
from .durations import seconds
from .steps import Step, read_steps

# A name that also has room for what is derived from it (<name>-canary, <name>.rollout).
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_MAX_NAME = 63 - len("-canary")

# What each part of the plan may hold; the first names are required.
_PARTS: Dict[str, Tuple[Tuple[str, ...], Tuple[str, ...]]] = {
    "workload": (("name",), ("kind", "style")),
    "revision": (("images",), ()),
    "services": (("stable",), ("canary",)),
    "canary": ((), ("steps",)),
}
_ROUTER = (("type", "name"), ("routes", "api_version"))


@dataclass(frozen=True)
class Plan:
    """A canary over a Deployment by a clone. Durations in seconds; grace and drain None: the routers' defaults."""

    name: str
    namespace: str
    workload: str
    stable_service: str
    canary_service: str
    images: Dict[str, str]
    routers: Tuple[Target, ...]
    steps: Tuple[Step, ...]
    grace: Optional[float]
    drain: Optional[float]
    raw: Dict[str, Any]

    @property
    def hash(self) -> str:
        """Differs when what is done differs; a new revision under the same plan keeps it."""
        lasting = {key: self.raw[key] for key in ("workload", "services", "routers", "canary") if key in self.raw}
        return hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()[:10]


PLAN_KEYS = ("workload", "revision", "services", "routers", "canary", "grace", "drain")


def read_plan(name: str, namespace: str, options: Mapping[str, Any]) -> Plan:
    """Reads and validates a plan. options: the keys of PLAN_KEYS, None where not given. Raises Refused naming the part."""
    _check_name(name)
    raw = {key: _given(options[key]) for key in PLAN_KEYS if options.get(key) is not None}
    parts = {key: _part(raw, key) for key in _PARTS}
    workload, services = parts["workload"], parts["services"]
    _choice("workload.kind", workload.get("kind", "Deployment"), ("Deployment",))
    _choice("workload.style", workload.get("style", "clone"), ("clone",))
    stable = str(services["stable"])
    canary = str(services.get("canary") or f"{stable}-canary")
    if canary == stable:
        raise Refused(f"services: stable and canary are both {stable!r}: the canary needs a Service of its own")
    between = _Between(namespace, stable, canary)
    routers = tuple(_router(each, number, between) for number, each in enumerate(raw.get("routers") or [], 1))
    if not routers:
        raise Refused("routers: name at least one, for example [{type: istio, name: shop}]")
    return Plan(
        name=name,
        namespace=namespace,
        workload=str(workload["name"]),
        stable_service=stable,
        canary_service=canary,
        images=_images(parts["revision"]["images"]),
        routers=routers,
        steps=read_steps(parts["canary"].get("steps")),
        grace=_seconds(raw, "grace"),
        drain=_seconds(raw, "drain"),
        raw=raw,
    )


def _given(value: Any) -> Any:
    """The value without the options that Ansible fills in with None."""
    if isinstance(value, Mapping):
        return {str(key): _given(each) for key, each in value.items() if each is not None}
    return [_given(each) for each in value] if isinstance(value, (list, tuple)) else value


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME:
        raise Refused(f"name {name!r} is not a name for a rollout: use at most {_MAX_NAME} lower-case letters, digits, '-' and '.'")


def _part(raw: Mapping[str, Any], key: str) -> Dict[str, Any]:
    required, optional = _PARTS[key]
    value = raw.get(key)
    if value is None and required:
        raise Refused(f"{key} is missing: it needs {', '.join(required)}")
    return _keys(key, value or {}, required, optional)


def _keys(where: str, value: Any, required: Tuple[str, ...], optional: Tuple[str, ...]) -> Dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Refused(f"{where} must be a mapping with {', '.join(required + optional)}")
    unknown = sorted(set(value) - set(required) - set(optional))
    if unknown:
        raise Refused(f"{where}: unknown key {', '.join(unknown)}: it takes {', '.join(required + optional)}")
    missing = [key for key in required if value.get(key) in (None, "", {})]
    if missing:
        raise Refused(f"{where}: {', '.join(missing)} is missing")
    return {key: each for key, each in value.items() if each is not None}


def _choice(where: str, value: Any, choices: Tuple[str, ...]) -> None:
    if value not in choices:
        raise Refused(f"{where}: {value!r} is not supported: use {', '.join(choices)}")


@dataclass(frozen=True)
class _Between:
    """The two Services between which every router splits."""

    namespace: str
    stable_service: str
    canary_service: str


def _router(raw: Any, number: int, between: _Between) -> Target:
    value = _keys(f"routers, number {number}", raw, *_ROUTER)
    routes: List[Any] = value.get("routes") or []
    return Target(
        router=str(value["type"]),
        name=str(value["name"]),
        namespace=between.namespace,
        stable_service=between.stable_service,
        canary_service=between.canary_service,
        routes=tuple(str(each) for each in ([routes] if isinstance(routes, str) else routes)),
        api_version=value.get("api_version"),
    )


def _images(raw: Any) -> Dict[str, str]:
    if not isinstance(raw, Mapping) or not all(isinstance(image, str) and image for image in raw.values()):
        raise Refused("revision.images must map container names to images, for example {shop: 'example.org/shop:1.2'}")
    return {str(name): image for name, image in raw.items()}


def _seconds(raw: Mapping[str, Any], key: str) -> Optional[float]:
    return seconds(raw[key], key) if key in raw else None
