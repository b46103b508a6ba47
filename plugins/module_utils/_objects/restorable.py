"""Which fields this collection ever changes, and so may put back, whatever a memory says; a table by kind."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from . import names
from .paths import MISSING, Path

# A pattern is a path with these in the place of steps.
_ELEMENT = "an element of a list"
_KEY = "any key"

Check = Callable[[Any], bool]

_MOST = 1_000_000_000


def _gone(value: Any) -> bool:
    """The field was not there: this collection added it."""
    return value is MISSING


def _count(value: Any) -> bool:
    return value is MISSING or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST)


def _flag(value: Any) -> bool:
    return value is MISSING or isinstance(value, bool)


def _label(value: Any) -> bool:
    return value is MISSING or names.is_label_value(value)


def _name(value: Any) -> bool:
    return value is MISSING or names.is_name(value)


def _strategy(value: Any) -> bool:
    return value in (MISSING, "RollingUpdate", "OnDelete")


def _text(value: Any) -> bool:
    return value is MISSING or isinstance(value, str)


_UPDATE = ("spec", "updateStrategy")
_REFS = ("spec", "rules", _ELEMENT, "backendRefs", _ELEMENT)
_ROUTES = {
    (*_REFS, "weight"): _count,
    _REFS: _gone,
    ("spec", "rules", _ELEMENT): _gone,
    ("spec", "rules", _ELEMENT, "filters", _ELEMENT): _gone,
}
# By API group and kind. Never anything below a pod template: templates come from the objects that hold them.
_FIELDS: dict[tuple[str, str], Mapping[tuple[str, ...], Check]] = {
    ("", "Service"): {("spec", "selector", _KEY): _label},
    ("apps", "Deployment"): {("spec", "paused"): _flag, ("spec", "replicas"): _count},
    ("apps", "StatefulSet"): {(*_UPDATE, "type"): _strategy, (*_UPDATE, "rollingUpdate", "partition"): _count},
    ("apps", "DaemonSet"): {(*_UPDATE, "type"): _strategy},
    ("autoscaling", "HorizontalPodAutoscaler"): {("spec", "scaleTargetRef", "name"): _name, ("spec", "minReplicas"): _count},
    ("keda.sh", "ScaledObject"): {("spec", "scaleTargetRef", "name"): _name, ("spec", "minReplicaCount"): _count},
    ("policy", "PodDisruptionBudget"): {("spec", "minAvailable"): _count},
    ("networking.istio.io", "VirtualService"): {
        **{("spec", kind, _ELEMENT, "route", _ELEMENT, "weight"): _count for kind in ("http", "tls", "tcp")},
        **{("spec", kind, _ELEMENT, "route", _ELEMENT): _gone for kind in ("http", "tls", "tcp")},
        ("spec", "http", _ELEMENT): _gone,
        ("spec", "http", _ELEMENT, "mirror"): _gone,
        ("spec", "http", _ELEMENT, "mirrorPercentage"): _gone,
    },
    ("networking.istio.io", "DestinationRule"): {
        ("spec", "subsets", _ELEMENT): _gone,
        ("spec", "subsets", _ELEMENT, "labels", _KEY): _label,
    },
    **{("gateway.networking.k8s.io", kind): _ROUTES for kind in ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute")},
    ("networking.k8s.io", "Ingress"): {
        # The user's Ingress.
        ("metadata", "annotations", "*/mirror-target"): _gone,
        ("metadata", "annotations", "*/mirror-host"): _gone,
        # The canary Ingress, which was created without any of these.
        **{("metadata", "annotations", f"*/{key}"): _gone for key in ("canary", "canary-weight", "canary-weight-total", "controller")},
        **{("metadata", "annotations", f"*/canary-by-{key}"): _gone for key in ("header", "header-value", "header-pattern", "cookie")},
        **{
            ("metadata", "annotations", f"*/{key}"): _gone
            for key in ("load-balance", "upstream-hash-by", "upstream-hash-by-subset", "upstream-hash-by-subset-size")
        },
        **{("metadata", "annotations", f"*/{key}"): _gone for key in ("service-upstream", "affinity-canary-behavior", "ingress.class")},
        ("metadata", "labels", _KEY): _text,
        **{("spec", key): _gone for key in ("ingressClassName", "defaultBackend", "rules", "tls")},
    },
}
# Of kinds that users describe to this collection: weights, and destinations that it added.
_DESCRIBED: tuple[Check, Check] = (_count, _gone)


def may_restore(obj: Mapping[str, Any], path: Path, was: Any) -> bool:
    """Whether this collection can have changed the field at this path of an object of this kind, which had this value before."""
    group, kind = str(obj.get("apiVersion", "")).rpartition("/")[0], str(obj.get("kind", ""))
    if (group, kind) in _FIELDS:
        return any(_matches(path, pattern) and check(was) for pattern, check in _FIELDS[group, kind].items())
    return is_described(group) and _of_described_kind(path, was)


def may_restore_in(kind: str, path: Path, was: Any) -> bool:
    """The same by the kind alone, which is all that a record knows of an object."""
    known = [fields for (_group, each), fields in _FIELDS.items() if each == kind]
    if known:
        return any(_matches(path, pattern) and check(was) for fields in known for pattern, check in fields.items())
    return _of_described_kind(path, was)


def is_described(group: str) -> bool:
    """Whether users may describe a router of this API group: none of Kubernetes' own groups, which decide what runs and who may do what."""
    return group == "gateway.networking.k8s.io" or ("." in group and not group.endswith(".k8s.io") and group != "k8s.io")


def _of_described_kind(path: Path, was: Any) -> bool:
    if not path or path[0] in ("metadata", "status", "kind", "apiVersion") or all(isinstance(step, str) for step in path):
        return False
    weight, destination = _DESCRIBED
    return destination(was) if not isinstance(path[-1], str) else weight(was)


def _matches(path: Path, pattern: tuple[str, ...]) -> bool:
    return len(path) == len(pattern) and all(_step_matches(step, wanted) for step, wanted in zip(path, pattern))


def _step_matches(step: Any, wanted: str) -> bool:
    if wanted is _ELEMENT:
        return isinstance(step, (int, Mapping)) and not isinstance(step, bool)
    if not isinstance(step, str):
        return False
    if wanted is _KEY:
        return names.is_label_key(step)
    if wanted.startswith("*/"):
        prefix, slash, key = step.partition("/")
        return bool(slash) and key == wanted[2:] and names.is_name(prefix)
    return step == wanted
