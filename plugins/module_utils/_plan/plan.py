"""The plan of a rollout: what the options of rollout_step say, typed and validated before anything is touched."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._objects.refusal import Refused
from .._routing.target import Target, given_of
from .durations import seconds
from .probes import Probe, read_probe
from .reading import MAX_OBJECT, MAX_SERVICE, choice, keys, named
from .routers import ALL_OPTIONS, Between, read_router
from .steps import Step, read_steps

# The rollout's name stands in labels, which hold 63 characters, and has room for what is derived from it (<name>-canary, <name>.rollout).
_MAX_NAME = 63 - len("-canary")

# What each part of the plan may hold; the first names are required.
_PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "workload": (("name",), ("kind", "style")),
    "revision": (("images",), ("held",)),  # held: set by undo, not by users
    "services": (("stable",), ("canary",)),
    "canary": ((), ("steps",)),
}
_ROUTER = (("type", "name"), ALL_OPTIONS)


@dataclass(frozen=True)
class Plan:
    """A canary over a Deployment by a clone. Durations in seconds; grace and drain None: the routers' defaults.

    progress_deadline: for each action of the release; None: none. on_deadline: abort or stop.
    The new version is the present template with these images, or the template with the hash `held`, which a ReplicaSet holds.
    """

    name: str
    namespace: str
    workload: str
    stable_service: str
    canary_service: str
    images: dict[str, str]
    held: str | None
    routers: tuple[Target, ...]
    steps: tuple[Step, ...]
    grace: float | None
    drain: float | None
    probe: Probe | None
    progress_deadline: float | None
    on_deadline: str
    raw: dict[str, Any]

    @property
    def hash(self) -> str:
        """Differs when what is done differs; a new revision under the same plan keeps it."""
        routers = [given_of(each) for each in self.routers]
        lasting = [self.workload, self.stable_service, self.canary_service, routers, [str(step) for step in self.steps]]
        return hashlib.sha256(json.dumps(lasting, default=str).encode()).hexdigest()[:10]


PLAN_KEYS = ("workload", "revision", "services", "routers", "canary", "grace", "drain", "probe", "progress_deadline", "on_deadline")
ON_DEADLINE = ("abort", "stop")


def read_plan(name: str, namespace: str, options: Mapping[str, Any]) -> Plan:
    """Reads and validates a plan. options: the keys of PLAN_KEYS, None where not given. Raises Refused naming the part."""
    named("name", name, _MAX_NAME)
    raw = {key: _given(options[key]) for key in PLAN_KEYS if options.get(key) is not None}
    parts = {key: _part(raw, key) for key in _PARTS}
    workload, services = parts["workload"], parts["services"]
    choice("workload.kind", workload.get("kind", "Deployment"), ("Deployment",))
    choice("workload.style", workload.get("style", "clone"), ("clone",))
    stable = named("services.stable", services["stable"], MAX_SERVICE, dots="")
    canary = named("services.canary", services.get("canary") or f"{stable}-canary", MAX_SERVICE, dots="")
    if canary == stable:
        raise Refused(f"services: stable and canary are both {stable!r}: the canary needs a Service of its own")
    choice("on_deadline", raw.get("on_deadline", ON_DEADLINE[0]), ON_DEADLINE)
    between = Between(namespace, stable, canary)
    routers = _routers(raw.get("routers"), between)
    return Plan(
        name=name,
        namespace=namespace,
        workload=named("workload.name", workload["name"], MAX_OBJECT),
        stable_service=stable,
        canary_service=canary,
        images=_images(parts["revision"]["images"]),
        held=parts["revision"].get("held"),
        routers=routers,
        steps=read_steps(parts["canary"].get("steps")),
        grace=_seconds(raw, "grace"),
        drain=_seconds(raw, "drain"),
        probe=read_probe(raw.get("probe")),
        progress_deadline=_seconds(raw, "progress_deadline"),
        on_deadline=str(raw.get("on_deadline", ON_DEADLINE[0])),
        raw=raw,
    )


def _given(value: Any) -> Any:
    """The value without the options that Ansible fills in with None."""
    if isinstance(value, Mapping):
        # Steps are as the user wrote them, and one of them may be a bare `pause:`.
        return {str(key): each if key == "steps" else _given(each) for key, each in value.items() if each is not None}
    return [_given(each) for each in value] if isinstance(value, (list, tuple)) else value


def _part(raw: Mapping[str, Any], key: str) -> dict[str, Any]:
    required, optional = _PARTS[key]
    value = raw.get(key)
    if value is None and required:
        raise Refused(f"{key} is missing: it needs {', '.join(required)}")
    return keys(key, {} if value is None else value, required, optional)


def _routers(raw: Any, between: Between) -> tuple[Target, ...]:
    if not isinstance(raw, list) or not raw:
        raise Refused("routers: name at least one in a list, for example [{type: istio, name: shop}]")
    routers = tuple(_router(each, f"routers, number {number}", between) for number, each in enumerate(raw, 1))
    objects = [(each.router, each.name) for each in routers]
    twice = next((each for each in objects if objects.count(each) > 1), None)
    if twice:
        # The split of each entry is computed from the object without any of ours, so the second would undo the first.
        raise Refused(f"routers: {twice[0]} {twice[1]} stands there more than once: write one entry with all its routes")
    return routers


def _router(raw: Any, where: str, between: Between) -> Target:
    value = keys(where, raw, *_ROUTER)
    options = {key: value[key] for key in ALL_OPTIONS if key in value}
    target = read_router(str(value["type"]), value["name"], options, where, between)
    if target.stable_subset or target.canary_subset:
        raise Refused(f"{where}: a rollout splits between two Services: leave the subsets out, or move them with module canary_weight")
    return target


def _images(raw: Any) -> dict[str, str]:
    if not isinstance(raw, Mapping) or not all(isinstance(image, str) and image for image in raw.values()):
        raise Refused("revision.images must map container names to images, for example {shop: 'example.org/shop:1.2'}")
    return {str(name): image for name, image in raw.items()}


def _seconds(raw: Mapping[str, Any], key: str) -> float | None:
    return seconds(raw[key], key) if key in raw else None
