"""Which fields this collection ever changes, and so may put back, whatever a memory says; a table by kind."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable

from . import names, paths
from .marks import CANARY_OF, MADE_ROUTE, MANAGED_BY, MANAGER
from .paths import MISSING, Path

# A pattern is a path with these in the place of steps.
_ELEMENT = "an element of a list"
_KEY = "any key"

Check = Callable[[Any], bool]
Object = Mapping[str, Any]

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


def _no_sign(_obj: Object, _path: Path) -> bool:
    """Stands for a sign where the kind and the path say enough."""
    return True


def _by_any(_step: Any) -> bool:
    """Stands for a check of the last step where any will do."""
    return True


@dataclass(frozen=True)
class _Row:
    """was: what the field can have been. sign: whether the object at hand shows that this collection can have written what is there now.

    by: how this collection selects what it adds, by the last step of the path.
    """

    was: Check
    sign: Callable[[Object, Path], bool] = _no_sign
    by: Check = _by_any

    def answers(self, path: Path, was: Any) -> bool:
        """By the path and the value alone."""
        return self.was(was) and self.by(path[-1])


def _added(is_ours: Callable[[Mapping[str, Any]], bool], after_another: bool = False) -> Callable[[Object, Path], bool]:
    """The sign of an element that was added to a list; nothing is wrong where it is gone already.

    after_another: it stands after another element. What is added to a route's destinations goes to their end, and is never the only one.
    """

    def sign(obj: Object, path: Path) -> bool:
        try:
            elements = paths.get(obj, path[:-1])
            found = paths.answering(elements, path[-1]) if isinstance(elements, list) else []
        except paths.AmbiguousPath:
            return True  # Whoever reads or removes it refuses that.
        return all(isinstance(elements[each], Mapping) and is_ours(elements[each]) and (each > 0 or not after_another) for each in found)

    return sign


def _selected_by(*allowed: Sequence[str]) -> Check:
    """The step selects an element by just these keys, or by just those."""
    return lambda step: isinstance(step, Mapping) and any(set(step) == set(keys) for keys in allowed)


def _has_weight(destination: Mapping[str, Any]) -> bool:
    """What this collection adds has a weight; somewhere in it, since users say where in definitions."""
    for key, value in destination.items():
        if isinstance(value, Mapping) and _has_weight(value):
            return True
        if isinstance(key, str) and is_weight_key(key) and isinstance(value, int) and not isinstance(value, bool):
            return True
    return False


_DESTINATION = _added(_has_weight, after_another=True)


def _is_made_route(step: Any) -> bool:
    return _selected_by(("name",))(step) and str(step["name"]).startswith(MADE_ROUTE)


def _is_made_rule(rule: Mapping[str, Any]) -> bool:
    """One for certain requests, without a name, all of whose traffic goes to one Service."""
    refs = rule.get("backendRefs")
    return (
        not rule.get("name") and isinstance(refs, list) and len(refs) == 1 and isinstance(refs[0], Mapping) and refs[0].get("weight") == 1
    )


def _is_mirror(entry: Mapping[str, Any]) -> bool:
    return entry.get("type") == "RequestMirror" and set(entry) == {"type", "requestMirror"}


def _is_made_subset(subset: Mapping[str, Any]) -> bool:
    return set(subset) == {"name", "labels"}


def _is_mirrored(obj: Object, path: Path) -> bool:
    """A copy of requests has its share beside it wherever this collection asks for one."""
    try:
        rule = paths.get(obj, path[:-1])
    except paths.AmbiguousPath:
        return True
    return not isinstance(rule, Mapping) or "mirror" not in rule or "mirrorPercentage" in rule


def _is_canary_ingress(obj: Object, _path: Path) -> bool:
    """It carries the marks with which this collection creates the canary Ingress."""
    metadata = obj.get("metadata") or {}
    return (metadata.get("labels") or {}).get(MANAGED_BY) == MANAGER and bool((metadata.get("annotations") or {}).get(CANARY_OF))


_UPDATE = ("spec", "updateStrategy")
_REFS = ("spec", "rules", _ELEMENT, "backendRefs", _ELEMENT)
_MIRRORED = ("requestMirror.backendRef.name", "requestMirror.backendRef.namespace")
_ROUTES = {
    (*_REFS, "weight"): _Row(_count),
    _REFS: _Row(_gone, _DESTINATION, _selected_by(("name",), ("name", "namespace", "kind", "group"))),
    ("spec", "rules", _ELEMENT): _Row(_gone, _added(_is_made_rule), _selected_by(("matches",))),
    ("spec", "rules", _ELEMENT, "filters", _ELEMENT): _Row(_gone, _added(_is_mirror), _selected_by(_MIRRORED)),
}
_ROUTE_KINDS = ("http", "tls", "tcp")
_HOST, _SUBSET = "destination.host", "destination.subset"
_CANARY_ANNOTATIONS = (
    *("canary", "canary-weight", "canary-weight-total", "controller"),
    *(f"canary-by-{key}" for key in ("header", "header-value", "header-pattern", "cookie")),
    *("load-balance", "upstream-hash-by", "upstream-hash-by-subset", "upstream-hash-by-subset-size"),
    *("service-upstream", "affinity-canary-behavior", "ingress.class"),
)
# By API group and kind. Never anything below a pod template: templates come from the objects that hold them.
_FIELDS: dict[tuple[str, str], Mapping[tuple[str, ...], _Row]] = {
    ("", "Service"): {("spec", "selector", _KEY): _Row(_label)},
    ("apps", "Deployment"): {("spec", "paused"): _Row(_flag), ("spec", "replicas"): _Row(_count)},
    ("apps", "StatefulSet"): {(*_UPDATE, "type"): _Row(_strategy), (*_UPDATE, "rollingUpdate", "partition"): _Row(_count)},
    ("apps", "DaemonSet"): {(*_UPDATE, "type"): _Row(_strategy)},
    ("autoscaling", "HorizontalPodAutoscaler"): {
        ("spec", "scaleTargetRef", "name"): _Row(_name),
        ("spec", "minReplicas"): _Row(_count),
    },
    ("keda.sh", "ScaledObject"): {("spec", "scaleTargetRef", "name"): _Row(_name), ("spec", "minReplicaCount"): _Row(_count)},
    ("policy", "PodDisruptionBudget"): {("spec", "minAvailable"): _Row(_count)},
    ("networking.istio.io", "VirtualService"): {
        **{("spec", kind, _ELEMENT, "route", _ELEMENT, "weight"): _Row(_count) for kind in _ROUTE_KINDS},
        **{
            ("spec", kind, _ELEMENT, "route", _ELEMENT): _Row(_gone, _DESTINATION, _selected_by((_HOST,), (_HOST, _SUBSET)))
            for kind in _ROUTE_KINDS
        },
        ("spec", "http", _ELEMENT): _Row(_gone, by=_is_made_route),
        ("spec", "http", _ELEMENT, "mirror"): _Row(_gone, _is_mirrored),
        ("spec", "http", _ELEMENT, "mirrorPercentage"): _Row(_gone),
    },
    ("networking.istio.io", "DestinationRule"): {
        ("spec", "subsets", _ELEMENT): _Row(_gone, _added(_is_made_subset), _selected_by(("name",))),
        ("spec", "subsets", _ELEMENT, "labels", _KEY): _Row(_label),
    },
    **{("gateway.networking.k8s.io", kind): _ROUTES for kind in ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute")},
    ("networking.k8s.io", "Ingress"): {
        # The user's Ingress.
        **{("metadata", "annotations", f"*/{key}"): _Row(_gone) for key in ("mirror-target", "mirror-host")},
        # The canary Ingress, which was created without any of these.
        **{("metadata", "annotations", f"*/{key}"): _Row(_gone, _is_canary_ingress) for key in _CANARY_ANNOTATIONS},
        ("metadata", "labels", _KEY): _Row(_text, _is_canary_ingress),
        **{("spec", key): _Row(_gone, _is_canary_ingress) for key in ("ingressClassName", "defaultBackend", "rules", "tls")},
    },
}
# The last word of a key that can hold the weight of a destination, of kinds that users describe to this collection.
WEIGHT_WORDS = ("weight", "share", "parts", "percent", "percentage", "ratio", "proportion")


def may_restore(obj: Object, path: Path, was: Any) -> bool:
    """Whether this collection can have changed the field at this path of an object of this kind, which had this value before."""
    group, kind = str(obj.get("apiVersion", "")).rpartition("/")[0], str(obj.get("kind", ""))
    if (group, kind) in _FIELDS:
        rows = [row for pattern, row in _FIELDS[group, kind].items() if _matches(path, pattern)]
        return any(row.answers(path, was) and row.sign(obj, path) for row in rows)
    return is_described(group) and _of_described_kind(path, was) and (isinstance(path[-1], str) or _DESTINATION(obj, path))


def may_restore_in(kind: str, path: Path, was: Any) -> bool:
    """The same by the kind alone, which is all that a record knows of an object."""
    known = [fields for (_group, each), fields in _FIELDS.items() if each == kind]
    if known:
        return any(_matches(path, pattern) and row.answers(path, was) for fields in known for pattern, row in fields.items())
    return _of_described_kind(path, was)


def is_weight_key(key: str) -> bool:
    """Whether a key says that it holds a weight: `weight`, `trafficWeight`, `share_percent`."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", key)
    return bool(words) and words[-1].lower() in WEIGHT_WORDS


def is_described(group: str) -> bool:
    """Whether users may describe a router of this API group: none of Kubernetes' own groups, which decide what runs and who may do what."""
    return group == "gateway.networking.k8s.io" or ("." in group and not group.endswith(".k8s.io") and group != "k8s.io")


def _of_described_kind(path: Path, was: Any) -> bool:
    """Of kinds that users describe to this collection: the weights of destinations, and destinations that it added."""
    if not path or path[0] in ("metadata", "status", "kind", "apiVersion") or not any(isinstance(step, Mapping) for step in path):
        return False
    last = path[-1]
    if isinstance(last, str):
        return is_weight_key(last) and _count(was)
    return isinstance(last, Mapping) and _gone(was)


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
