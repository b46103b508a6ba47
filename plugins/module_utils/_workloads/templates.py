"""Merges changes into a pod template as `kubectl patch` does: containers, volumes and the like by their names."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from .._objects.refusal import Refused

Object = dict[str, Any]

# The lists of a pod template whose elements are merged, and the fields by which two elements are the same one.
# Source: x-kubernetes-patch-merge-key and x-kubernetes-list-map-keys of PodTemplateSpec in the API's OpenAPI document. Where the two
# differ, the latter holds: by containerPort alone, `kubectl patch` confuses 53/TCP and 53/UDP. All other lists are replaced whole.
MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "resourceClaims": ("name",),
    "schedulingGates": ("name",),
    "ports": ("containerPort", "protocol"),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "ownerReferences": ("uid",),
}
# Lists of plain values that are merged: what the changes name is added.
MERGED_SETS = ("finalizers",)
# What the API server takes for a key field that is not given.
_DEFAULTS = {"protocol": "TCP"}
# Fields of which an object may have just one: a change that names one of them replaces the others.
_EXCLUSIVE: tuple[frozenset[str], ...] = (
    frozenset({"value", "valueFrom"}),
    frozenset({"configMapKeyRef", "secretKeyRef", "fieldRef", "resourceFieldRef", "fileKeyRef"}),
    frozenset({"exec", "httpGet", "tcpSocket", "grpc", "sleep"}),
    frozenset({"resourceClaimName", "resourceClaimTemplateName"}),
)
# Lists whose elements have one field beside the name, the source of a volume.
_ONE_SOURCE = ("volumes",)
_PATCH, _DELETE, _REPLACE, _MERGE = "$patch", "delete", "replace", "merge"


def merged(base: Mapping[str, Any], changes: Mapping[str, Any], where: str = "template") -> Object:
    """The mapping with the changes.

    Args:
        base: A pod template, or a part of one.
        changes: What is different in it. None takes a key away; `$patch: delete` takes an element or a mapping away, and `$patch: replace`
            replaces a mapping or, as an element of its own, a list.
        where: The place of the changes in the template, for messages.

    Raises:
        Refused: A change names a directive that is not supported, or it is not clear which element of a list it means.
    """
    result = copy.deepcopy(dict(base))
    for key, value in changes.items():
        place = f"{where}.{key}"
        if key.startswith("$"):
            _refuse_directive(key, value, where)
        elif value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            _merge_mapping(result, key, value, place)
        elif isinstance(value, (list, tuple)) and key in MERGE_KEYS and all(isinstance(each, Mapping) for each in value):
            result[key] = _merged_list(result.get(key) or [], value, key, place)
        elif isinstance(value, (list, tuple)) and key in MERGED_SETS:
            present = list(result.get(key) or [])
            result[key] = present + [each for each in dict.fromkeys(value) if each not in present]
        else:
            _refuse_inside(value, place)
            result[key] = copy.deepcopy(value)
    return result


def _merge_mapping(result: Object, key: str, value: Mapping[str, Any], place: str) -> None:
    directive, plain = _directive(value, place)
    if directive == _DELETE:
        result.pop(key, None)
        return
    present = result.get(key)
    before = present if isinstance(present, Mapping) and directive != _REPLACE else {}
    result[key] = merged(_without_replaced(before, plain), plain, place)


def _merged_list(base: Sequence[Any], changes: Sequence[Mapping[str, Any]], name: str, where: str) -> list[Any]:
    result = list(base)
    if any(set(each) == {_PATCH} and each[_PATCH] == _REPLACE for each in changes):
        result, changes = [], [each for each in changes if set(each) != {_PATCH}]
    for change in changes:
        directive, plain = _directive(change, where)
        places = _places(result, plain, name, where)
        if directive == _DELETE:
            result = [each for place, each in enumerate(result) if place not in places]
            continue
        if not places:
            result.append(merged({}, plain, _title(where, plain, MERGE_KEYS[name])))
            continue
        place = _the_one(result, places, plain, name, where)
        before = {} if directive == _REPLACE else _without_replaced(result[place], plain, name in _ONE_SOURCE)
        result[place] = merged(before, plain, _title(where, plain, MERGE_KEYS[name]))
    return result


def _places(elements: Sequence[Any], change: Mapping[str, Any], name: str, where: str) -> list[int]:
    """Where the elements stand that a change means."""
    keys = MERGE_KEYS[name]
    if change.get(keys[0]) is None:
        found = _named(elements, change) if name == "ports" else []
        if not found:
            raise Refused(where, f"has an element without {keys[0]}, which identifies elements", "give it one")
        return found
    # A key field that is neither given nor has a default tells no elements apart.
    given = [key for key in keys if key in change or key in _DEFAULTS]
    found = [place for place, each in enumerate(elements) if all(_value(each, key) == _value(change, key) for key in given)]
    # The API allows a name just once among the ports of a container, so that the name alone says which one is meant.
    return found or (_named(elements, change) if name == "ports" else [])


def _the_one(elements: Sequence[Any], places: Sequence[int], change: Mapping[str, Any], name: str, where: str) -> int:
    """Which of several elements with the same key is changed: of environment variables the last, which is what the container sees."""
    if len(places) == 1 or name == "env":
        return places[-1]
    named = _named(elements, change)
    if len(named) == 1 and named[0] in places:
        return named[0]
    title = _title(where, change, MERGE_KEYS[name])
    raise Refused(
        title, f"matches {len(places)} elements of the workload's template", "leave one there, or replace the list with $patch: replace"
    )


def _named(elements: Sequence[Any], change: Mapping[str, Any]) -> list[int]:
    name = change.get("name")
    return [place for place, each in enumerate(elements) if name and each.get("name") == name]


def _value(element: Mapping[str, Any], key: str) -> Any:
    value = element.get(key)
    return _DEFAULTS.get(key) if value is None else value


def _without_replaced(element: Mapping[str, Any], change: Mapping[str, Any], one_source: bool = False) -> Object:
    """The element without the fields that a field of the change excludes."""
    given = {key for key, value in change.items() if value is not None}
    taken = {each for group in _EXCLUSIVE if group & given for each in group - given}
    if one_source and given - {"name"}:
        taken |= {key for key in element if key != "name"} - given
    return {key: value for key, value in element.items() if key not in taken}


def _directive(change: Mapping[str, Any], where: str) -> tuple[str, Object]:
    """What `$patch` says, and the change without it."""
    directive = change.get(_PATCH, _MERGE)
    if directive not in (_DELETE, _REPLACE, _MERGE):
        _refuse_directive(_PATCH, directive, where)
    return str(directive), {key: value for key, value in change.items() if key != _PATCH}


def _refuse_directive(key: str, value: Any, where: str) -> None:
    raise Refused(
        where,
        f"has the directive {key}: {value!r}, which is not supported",
        "use null, `$patch: delete` or `$patch: replace`, or give the whole template as revision.definition",
    )


def _refuse_inside(value: Any, where: str) -> None:
    """Raises Refused for a directive in what is not merged: the API server would drop it without a word."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if isinstance(key, str) and key.startswith("$"):
                _refuse_directive(key, each, where)
            _refuse_inside(each, f"{where}.{key}")
    elif isinstance(value, (list, tuple)):
        for each in value:
            _refuse_inside(each, where)


def _title(where: str, element: Mapping[str, Any], keys: Sequence[str]) -> str:
    said = [str(_value(element, key)) for key in keys if _value(element, key) is not None]
    return f"{where}[{'/'.join(said)}]"
