"""Merges changes into a pod template as `kubectl patch` does: containers, volumes and the like by their names."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

# By what the elements of a list are the same one, as the API says it (x-kubernetes-patch-merge-key in PodTemplateSpec). All other lists
# are replaced whole.
_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "volumes": "name",
    "imagePullSecrets": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
}
# The value of an environment variable, and where it comes from, exclude each other.
_INSTEAD_OF = {"value": "valueFrom", "valueFrom": "value"}


def merged(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping with the changes; null takes a key away, as an element of a list `$patch: delete` beside its name takes that away."""
    result = copy.deepcopy(dict(base))
    for key, value in changes.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            present = result.get(key)
            result[key] = merged(present if isinstance(present, Mapping) else {}, value)
        elif isinstance(value, (list, tuple)) and key in _MERGE_KEYS and all(isinstance(each, Mapping) for each in value):
            result[key] = _merged_list(result.get(key) or [], value, _MERGE_KEYS[key])
        else:
            result[key] = copy.deepcopy(value)
    return result


def _merged_list(base: list[Any], changes: Any, by: str) -> list[Any]:
    result = list(base)
    for change in changes:
        places = [place for place, each in enumerate(result) if by in change and each.get(by) == change[by]]
        if change.get("$patch") == "delete":
            result = [each for place, each in enumerate(result) if place not in places]
        elif places:
            taken = {_INSTEAD_OF.get(key) for key in change}
            result[places[0]] = merged({key: each for key, each in result[places[0]].items() if key not in taken}, change)
        else:
            result.append(merged({}, change))
    return result
