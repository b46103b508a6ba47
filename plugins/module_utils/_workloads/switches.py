"""A switch between two workloads that the user keeps: whose pods are whose, and what the active Service remembers of it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from .._objects.names import is_name, is_namespace
from .._objects.problem import Problem
from .._objects.refusal import Refused
from .._objects.resources import WORKLOADS, labels
from .._objects.shapes import fits
from .._objects.untrusted import read_json
from . import deployments, in_place
from .in_place import size_of
from .label_selectors import match_labels
from .services import Selector, missing_port, selector_text, selects

Object = dict[str, Any]

ANNOTATION = "progressive.delivery/bluegreen"
_DEPLOYMENT, _DAEMON_SET = "Deployment", "DaemonSet"
_MOST = 100_000  # replicas of a workload


@dataclass(frozen=True)
class Memory:
    """What is remembered on the active Service, with workloads as `Deployment/shop-green`.

    Attributes:
        active: To which it leads, or shall; empty while everything is given back.
        previous: Which had the traffic before.
        run: The call that wrote it last, which is the only one that may continue.
        at: Since when the move is complete (epoch seconds), None while it is under way.
        waiting: What is to be scaled down, and since when it has no traffic; None where it may have some still.
        replicas: What this collection scaled to 0, and the replicas before.
        retiring: The workload whose scaling down may be under way.
        preview: The preview Service that was changed.
        routers: Those that lead elsewhere than before.
    """

    active: str
    run: str
    previous: str = ""
    at: float | None = None
    waiting: dict[str, float | None] = field(default_factory=dict)
    replicas: dict[str, int] = field(default_factory=dict)
    retiring: str = ""
    preview: str = ""
    routers: tuple[str, ...] = ()

    def retired(self, workload: str) -> Memory:
        """Once the workload is scaled down."""
        return replace(self, waiting={key: since for key, since in self.waiting.items() if key != workload}, retiring="")

    def running(self, workload: str) -> Memory:
        """Once it runs again."""
        replicas = {key: count for key, count in self.replicas.items() if key != workload}
        return replace(self, replicas=replicas, retiring="" if self.retiring == workload else self.retiring)


def load(service: Mapping[str, Any]) -> Memory | None:
    """Reads what is remembered on a Service.

    Returns:
        The memory, None without one.

    Raises:
        Refused: The annotation cannot be read.
    """
    metadata = service["metadata"]
    text = (metadata.get("annotations") or {}).get(ANNOTATION)
    if text is None:
        return None
    try:
        found = _memory({key: value for key, value in dict(read_json(text)).items() if key != "seal"})
    except (TypeError, ValueError):
        found = None
    if found is None:
        raise Refused(
            f"Service {metadata.get('namespace', '')}/{metadata['name']}",
            f"has an annotation {ANNOTATION} that cannot be read",
            "scale its workloads as you want them by hand and remove the annotation",
        )
    return found


def _memory(raw: Mapping[str, Any]) -> Memory | None:
    """None where it is not as it was written."""
    types = {each.name: str(each.type) for each in fields(Memory)} | {"routers": "list[str]"}
    if not {"active", "run"} <= set(raw) <= set(types) or not all(fits(value, types[key]) for key, value in raw.items()):
        return None
    memory = Memory(**{**raw, "routers": tuple(raw.get("routers", ()))})
    named = [memory.active, memory.previous, memory.retiring, *memory.waiting, *memory.replicas]
    workloads = [each.partition("/") for each in named if each]
    if not all(kind in WORKLOADS and is_name(name) for kind, _slash, name in workloads):
        return None
    sizes = [*memory.replicas.values(), len(memory.waiting), len(memory.routers)]
    return memory if (memory.preview == "" or is_namespace(memory.preview)) and max(sizes) <= _MOST else None


def dump(memory: Memory) -> str:
    """The annotation's text."""
    raw = {key: value for key, value in asdict(memory).items() if key == "active" or value not in (None, "", {}, ())}
    return json.dumps(raw, separators=(",", ":"), sort_keys=True)


def key_of(workload: Mapping[str, Any]) -> str:
    """The workload as it is remembered."""
    return f"{workload['kind']}/{workload['metadata']['name']}"


def can_be_scaled(key: str) -> bool:
    """A DaemonSet has a pod on every node that takes it."""
    return not key.startswith(f"{_DAEMON_SET}/")


def not_at_rest(workload: Mapping[str, Any]) -> str | None:
    """What is missing until all its pods are of one version and ready; a paused Deployment may have a template that waits."""
    if workload["kind"] != _DEPLOYMENT:
        return in_place.not_rolled_out(workload)
    paused = bool(workload["spec"].get("paused"))
    return deployments.not_complete(workload) if paused else deployments.not_rolled_out(workload)


def takes(selector: Mapping[str, str], workload: Mapping[str, Any]) -> bool:
    """Whether the selector takes its pods."""
    return selects(selector, labels(workload["spec"]["template"]))


def behind(selector: Mapping[str, str], workloads: Sequence[Object]) -> list[Object]:
    """The workloads with pods that the selector takes."""
    return [each for each in workloads if takes(selector, each) and size_of(each)]


def refuse_unclear(target: Object, workloads: Sequence[Object], leaving: Sequence[Object]) -> None:
    """Checks that a Service's selector can distinguish the versions by their labels.

    Args:
        target: The workload to switch to.
        workloads: Those of the namespace.
        leaving: Those that have the traffic now.

    Raises:
        Refused: It cannot.
    """
    own, where = match_labels(target), _title(target)
    if not own:
        raise Refused(where, "has no matchLabels in its selector, by which a Service could select its pods", "give it some")
    for other in workloads:
        if key_of(other) == key_of(target):
            continue
        if takes(own, other) and (size_of(other) or other in leaving):
            raise Refused(*_mixed(own, target, other))
        if other in leaving and takes(match_labels(other), target):
            raise Refused(*_mixed(match_labels(other), other, target))
    if len(leaving) > 1:
        names = ", ".join(key_of(each) for each in leaving)
        raise Refused(
            names, "all have pods behind the active Service, so that it is not clear which one it must leave", "narrow its selector"
        )


def _mixed(selector: Selector, owner: Object, other: Object) -> tuple[str, str, str]:
    return (
        _title(owner),
        f"has the selector {selector_text(selector)}, which selects the pods of {key_of(other)}, too",
        "give the two different values of a label, in selector and template",
    )


def looks_like_version(pods: Mapping[str, str], selector: Mapping[str, str], switched: Collection[str]) -> bool:
    """Whether pods with these labels may be those of another version of what the selector takes.

    They have all of its keys, and at least one with the same value. Values differ only in the keys that switches have changed; where none
    is known (switched is empty), in one key.
    """
    if not selector.keys() <= pods.keys():
        return False
    other = {key for key, value in selector.items() if pods[key] != value}
    return len(other) < len(selector) and (other <= set(switched) if switched else len(other) <= 1)


def lacking_port(service: Mapping[str, Any], workload: Mapping[str, Any]) -> Problem | None:
    """A port of the Service that leads nowhere in the workload's pods, which are then ready and answer no request."""
    lacking = missing_port(service, workload["spec"]["template"])
    if lacking is None:
        return None
    what = f"leads to {lacking.wanted} of its pods, which those of {_title(workload)} do not have (they have: {lacking.there})"
    return Problem(f"Service {service['metadata']['name']}", what, "give a container port that name")


def _title(workload: Mapping[str, Any]) -> str:
    return f"{workload['kind']} {workload['metadata'].get('namespace', '')}/{workload['metadata']['name']}"
