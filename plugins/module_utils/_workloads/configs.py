"""The ConfigMaps and Secrets that a pod template names, and the versioned copies that take their place in it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .._objects.resources import name_of
from .marks import COPY_OF, MANAGED_BY, MANAGER, TRACK, marks

Object = dict[str, Any]
# What a template names (`ConfigMap/shop`, as Ref.key) -> the original's name, and the name that the new version's template has instead.
Configs = Mapping[str, Sequence[str]]

_LONGEST_NAME = 253
_DIGITS = 10
_CONTENT = ("data", "binaryData", "type")
# The API server makes these for a ServiceAccount, and takes no copy of one.
_TOKEN = "kubernetes.io/service-account-token"

# Where a template names a ConfigMap or a Secret, and by which key of the mapping there. Not the Secrets of volume drivers and of image
# pulls, which are no configuration of the application.
_VOLUMES = (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName"))
_SOURCES = (("configMap", "ConfigMap", "name"), ("secret", "Secret", "name"))
_ENV_FROM = (("configMapRef", "ConfigMap", "name"), ("secretRef", "Secret", "name"))
_VALUES = (("configMapKeyRef", "ConfigMap", "name"), ("secretKeyRef", "Secret", "name"))


def named_in(template: Mapping[str, Any]) -> dict[str, bool]:
    """What a template names, by `ConfigMap/shop`, and whether the pods need it to start."""
    needed: dict[str, bool] = {}
    for kind, place, key in _places(template):
        named = f"{kind}/{place[key]}"
        needed[named] = needed.get(named, False) or not place.get("optional")
    return needed


def renamed(template: Mapping[str, Any], configs: Configs) -> Object:
    """The template with the names that the new version shall have."""
    changed = copy.deepcopy(dict(template))
    for kind, place, key in _places(changed):
        place[key] = configs.get(f"{kind}/{place[key]}", (None, place[key]))[1]
    return changed


def copies_in(configs: Configs) -> list[tuple[str, str, str]]:
    """The copies that the new version names: kind, name of the original, name of the copy."""
    found = {(named.partition("/")[0], original, name) for named, (original, name) in configs.items()}
    return sorted(each for each in found if each[1] != each[2])


def changed_since(before: Configs, now: Configs) -> bool:
    """Whether the same ConfigMaps and Secrets hold something else by now; those that only one of the two has do not count."""
    return any(list(before[named]) != list(names) for named, names in now.items() if named in before)


def copy_name(original: Mapping[str, Any], rollout: str) -> str:
    """The name of the copy of what the object holds now. Each rollout has copies of its own, which it alone removes.

    The original's uid, which only those learn who may read the object, keeps others from guessing a short content by trying.
    """
    return _named_by(original, [rollout, original["metadata"].get("uid", "")])


def guessable_name(original: Mapping[str, Any], rollout: str) -> str:
    """The name that release 0.1.0 gave to such a copy."""
    return _named_by(original, [rollout])


def is_copy(obj: Mapping[str, Any]) -> bool:
    """Whether an object looks as copies do: more than a label, which anybody may put on an object of their own."""
    original, (stem, _dash, digest) = original_of(obj), name_of(obj).rpartition("-")
    return bool(original is not None and obj.get("immutable") is True and stem and original.startswith(stem) and len(digest) == _DIGITS)


def _named_by(original: Mapping[str, Any], salt: Sequence[str]) -> str:
    content = [*salt, original["kind"], *(original.get(key) for key in _CONTENT)]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:_DIGITS]
    stem = name_of(original)[: _LONGEST_NAME - len(digest) - 1].rstrip(".-")
    return f"{stem}-{digest}"


def copy_of(original: Mapping[str, Any], rollout: str, name: str = "") -> Object:
    """An object that holds the same for ever, without what would make another tool, or the garbage collection, take it away."""
    return {
        "apiVersion": "v1",
        "kind": original["kind"],
        "metadata": {
            "name": name or copy_name(original, rollout),
            "namespace": original["metadata"]["namespace"],
            "labels": marks(rollout),
            "annotations": {COPY_OF: name_of(original)},
        },
        "immutable": True,
        **{key: copy.deepcopy(original[key]) for key in _CONTENT if original.get(key)},
    }


def original_of(obj: Mapping[str, Any]) -> str | None:
    """The name of the original that this is a copy of; None for an original."""
    metadata = obj["metadata"]
    made = (metadata.get("labels") or {}).get(MANAGED_BY) == MANAGER
    return (metadata.get("annotations") or {}).get(COPY_OF) if made else None


def is_tracked(original: Mapping[str, Any]) -> bool:
    """Whether it is to be copied: its user may have said that it is not."""
    return original.get("type") != _TOKEN and (original["metadata"].get("annotations") or {}).get(TRACK) != "false"


def _places(template: Mapping[str, Any]) -> Iterator[tuple[str, Object, str]]:
    """Where a name stands: its kind, the mapping that holds it, and the key there."""
    spec = template.get("spec") or {}
    for volume in spec.get("volumes") or []:
        yield from _named(volume, _VOLUMES)
        for source in (volume.get("projected") or {}).get("sources") or []:
            yield from _named(source, _SOURCES)
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        for source in container.get("envFrom") or []:
            yield from _named(source, _ENV_FROM)
        for variable in container.get("env") or []:
            yield from _named(variable.get("valueFrom") or {}, _VALUES)


def _named(holder: Mapping[str, Any], places: Sequence[tuple[str, str, str]]) -> Iterator[tuple[str, Object, str]]:
    for field, kind, key in places:
        if (holder.get(field) or {}).get(key):
            yield kind, holder[field], key
