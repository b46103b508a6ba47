"""The canary Ingress: what it is made of, and what it has from the stable one."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._objects.edits import Edit
from ..._objects.marks import CANARY_OF, MANAGED_BY, MANAGER, own_labels
from ..._objects.resources import labels
from ..router import Object, service_and_namespace
from ..target import Target
from .rules import default_to, hosts_of, rules_to

# Names the stable Ingress of a canary one.
OF = CANARY_OF

_OLD_CLASS = "kubernetes.io/ingress.class"
# The controller takes all but these from the stable Ingress; these it reads on the canary one, for the canary's pods.
_READ_THERE = (
    "load-balance",
    "upstream-hash-by",
    "upstream-hash-by-subset",
    "upstream-hash-by-subset-size",
    "service-upstream",
    "affinity-canary-behavior",
)


def skeleton(stable: Mapping[str, Any], target: Target, name: str) -> Object:
    """The canary Ingress without what it has from the stable one: no owners, finalizers or other tools' metadata."""
    return {
        "apiVersion": stable["apiVersion"],
        "kind": stable["kind"],
        "metadata": {"name": name, "namespace": target.namespace, "labels": {MANAGED_BY: MANAGER}, "annotations": {OF: target.name}},
        "spec": {},
    }


def canary_edits(stable: Mapping[str, Any], target: Target, wanted: Mapping[str, str]) -> list[Edit]:
    """Returns what the canary Ingress must have.

    Args:
        stable: The user's Ingress.
        target: The place of the split.
        wanted: The annotations that share the traffic, without their prefix.
    """
    (service, _here), (canary, _also) = (service_and_namespace(each, target) for each in (target.stable_service, target.canary_service))
    spec, rules = stable["spec"], rules_to(stable, service, canary)
    annotations = {**_class_annotation(stable), **_not_for_dns(stable), **_read_there(stable, target, wanted)}
    fields = {
        "ingressClassName": spec.get("ingressClassName"),
        # Beside rules it would find no place, and the controller would drop the canary.
        "defaultBackend": None if rules else default_to(stable, service, canary),
        "rules": rules,
        "tls": _tls(spec.get("tls") or [], hosts_of(rules)),
    }
    return [
        *(Edit(("metadata", "labels", key), value) for key, value in own_labels(labels(stable)).items()),
        *(Edit(("metadata", "annotations", key), value) for key, value in annotations.items()),
        *(Edit(("spec", key), value) for key, value in fields.items() if value),
    ]


def annotations_of(ingress: Mapping[str, Any], target: Target) -> dict[str, str]:
    """The annotations with the controller's prefix, without it."""
    prefix = target.annotation_prefix + "/"
    given = (ingress.get("metadata") or {}).get("annotations") or {}
    return {key[len(prefix) :]: value for key, value in given.items() if key.startswith(prefix)}


def _read_there(stable: Mapping[str, Any], target: Target, wanted: Mapping[str, str]) -> dict[str, str]:
    given = annotations_of(stable, target)
    kept = {key: given[key] for key in _READ_THERE if key in given}
    return {f"{target.annotation_prefix}/{key}": value for key, value in {**kept, **wanted}.items()}


def _class_annotation(stable: Mapping[str, Any]) -> dict[str, str]:
    """The old way to name the class. An Ingress may have got both in time; the API server lets no new one have both."""
    given = stable["metadata"].get("annotations") or {}
    return {_OLD_CLASS: given[_OLD_CLASS]} if _OLD_CLASS in given and not stable["spec"].get("ingressClassName") else {}


def _not_for_dns(stable: Mapping[str, Any]) -> dict[str, str]:
    """Keeps external-dns, where the stable Ingress has annotations for it, from managing the same hosts twice.

    Its annotation `controller` with any value but its own makes it leave an object alone.
    """
    given = stable["metadata"].get("annotations") or {}
    prefixes = {key.split("/")[0] for key in given if key.startswith("external-dns.")}
    return {f"{prefix}/controller": MANAGER for prefix in sorted(prefixes)}


def _tls(entries: list[Object], hosts: list[str]) -> list[Object]:
    """The entries for these hosts, without other hosts; one without hosts is for all."""
    found = []
    for entry in entries:
        named = [name for name in entry.get("hosts") or [] if any(_covers(name, host) for host in hosts)]
        if named or not entry.get("hosts"):
            found.append({**entry, "hosts": named} if named else entry)
    return found


def _covers(name: str, host: str) -> bool:
    """Whether a certificate's name is good for the host: a `*` stands for one label."""
    return name == host or (name.startswith("*.") and name[1:] == host[host.find(".") :])
