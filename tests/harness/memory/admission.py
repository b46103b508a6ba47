"""Admission that changes or refuses what is written, as mutating and validating webhooks do; dry runs pass it, too."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from .kinds import DAEMON_SET, DEPLOYMENT, REPLICA_SET, STATEFUL_SET, Kind

Object = dict[str, Any]
# Given the kind, the object before (None: it is created) and after the write: the object to keep. Raises Denied to refuse it.
Webhook = Callable[[Kind, Object | None, Object], Object]

TEMPLATED = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, REPLICA_SET)


class Denied(Exception):
    """The webhook refuses the write."""


def containers_of(template: Object) -> list[Object]:
    """The containers of a pod template, those that run first too."""
    spec = template.get("spec") or {}
    return [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]


def on_templates(change: Callable[[Object], None]) -> Webhook:
    """Changes the pod template of whatever has one."""

    def webhook(kind: Kind, _before: Object | None, obj: Object) -> Object:
        changed = copy.deepcopy(obj)
        if kind in TEMPLATED:
            change(changed["spec"]["template"])
        return changed

    return webhook


def mirror(source: str, target: str) -> Webhook:
    """Images of one registry are pulled from another one."""

    def change(template: Object) -> None:
        for container in containers_of(template):
            if container["image"].startswith(source):
                container["image"] = target + container["image"].removeprefix(source)

    return on_templates(change)


def counted(key: str = "example.org/admitted") -> Webhook:
    """Each write gets an annotation of its own in the pod template, so that admission never comes to rest.

    Not in ReplicaSets: the Deployment controller would make one after the other.
    """
    numbers = itertools.count(1)

    def change(template: Object) -> None:
        metadata = template.setdefault("metadata", {})
        metadata["annotations"] = {**(metadata.get("annotations") or {}), key: str(next(numbers))}

    def webhook(kind: Kind, before: Object | None, obj: Object) -> Object:
        return obj if kind is REPLICA_SET else on_templates(change)(kind, before, obj)

    return webhook


def injected(sidecar: str) -> Webhook:
    """A sidecar and a limit, where the pod template has none."""

    def change(template: Object) -> None:
        containers = template["spec"]["containers"]
        if sidecar not in [each["name"] for each in containers]:
            containers.append({"name": sidecar, "image": f"example.org/{sidecar}:1"})
        for container in containers:
            container["resources"] = container.get("resources") or {"limits": {"memory": "64Mi"}}

    return on_templates(change)


def marked(kinds: Sequence[str]) -> Webhook:
    """A label and an annotation on objects of these kinds."""

    def webhook(kind: Kind, _before: Object | None, obj: Object) -> Object:
        if kind.kind not in kinds:
            return obj
        metadata = obj["metadata"]
        labels = {**(metadata.get("labels") or {}), "example.org/team": "shop"}
        annotations = {**(metadata.get("annotations") or {}), "example.org/checked": "yes"}
        return {**obj, "metadata": {**metadata, "labels": labels, "annotations": annotations}}

    return webhook


def denying(refused: Callable[[Kind, Object | None, Object], bool], why: str) -> Webhook:
    """Refuses some writes."""

    def webhook(kind: Kind, before: Object | None, obj: Object) -> Object:
        if refused(kind, before, obj):
            raise Denied(why)
        return obj

    return webhook


def defaulted(kind_name: str, change: Callable[[Object], None]) -> Webhook:
    """Changes the spec of each object of a kind, as policies do that fill in what a manifest leaves open."""

    def webhook(kind: Kind, _before: Object | None, obj: Object) -> Object:
        if kind.kind != kind_name:
            return obj
        changed = copy.deepcopy(obj)
        change(changed["spec"])
        return changed

    return webhook
