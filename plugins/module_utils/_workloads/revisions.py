"""Versions of a pod template: what a revision makes of it, its hash, and the ReplicaSet that runs it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from .._objects.refusal import Refused
from .marks import POD_TEMPLATE_HASH, REVISION

Template = dict[str, Any]

RESTARTED = "progressive.delivery/restarted"


def template_hash(template: Mapping[str, Any]) -> str:
    """Ten characters that differ when the template does."""
    text = json.dumps(_without_hash(template), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def with_images(template: Template, images: Mapping[str, str], title: str) -> Template:
    """The template with other images, by container name; init containers count too."""
    changed = copy.deepcopy(template)
    containers = _containers(changed)
    unknown = sorted(set(images) - set(containers))
    if unknown:
        raise Refused(
            title, f"has no container {', '.join(map(repr, unknown))} (it has: {', '.join(containers)})", "correct revision.images"
        )
    for name, image in images.items():
        containers[name]["image"] = image
    return changed


def restarted(template: Template, token: str) -> Template:
    """The same template as another version."""
    changed = copy.deepcopy(template)
    metadata = changed.setdefault("metadata", {})
    metadata["annotations"] = {**(metadata.get("annotations") or {}), RESTARTED: token}
    return changed


def images_of(template: Template) -> dict[str, str]:
    """Container name to image."""
    return {name: container.get("image", "") for name, container in _containers(template).items()}


def running(replica_sets: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ReplicaSets that have pods or want some."""
    return [each for each in replica_sets if each["spec"].get("replicas") or (each.get("status") or {}).get("replicas")]


def owned(objects: Sequence[dict[str, Any]], owner: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Those that this one owns: the ReplicaSets of a Deployment, the pods of a ReplicaSet."""
    uid = owner["metadata"]["uid"]
    return [each for each in objects if any(reference["uid"] == uid for reference in each["metadata"].get("ownerReferences") or [])]


def matching(replica_sets: Sequence[dict[str, Any]], template: Template) -> dict[str, Any] | None:
    """The ReplicaSet whose template is this one (the hash label aside, as the Deployment controller compares them)."""
    wanted = _without_hash(template)
    found = [each for each in replica_sets if _without_hash(each["spec"]["template"]) == wanted]
    # The controller takes the oldest of equals, of those of the same second the first by name.
    return min(found, key=lambda each: (each["metadata"].get("creationTimestamp") or "", each["metadata"]["name"]), default=None)


def by_hash(replica_sets: Sequence[dict[str, Any]], pod_hash: str) -> dict[str, Any] | None:
    """The ReplicaSet with this pod-template-hash."""
    return next((each for each in replica_sets if hash_of(each) == pod_hash), None)


def holding(replica_sets: Sequence[dict[str, Any]], hash_of_template: str) -> Template | None:
    """The template with this hash, from the ReplicaSet that holds it; None where it is gone."""
    templates = (template_of(each) for each in replica_sets)
    return next((each for each in templates if template_hash(each) == hash_of_template), None)


def hash_of(replica_set: Mapping[str, Any]) -> str:
    """The pod-template-hash of a ReplicaSet."""
    return str((replica_set["metadata"].get("labels") or {}).get(POD_TEMPLATE_HASH, ""))


def template_of(replica_set: Mapping[str, Any]) -> Template:
    """The pod template as the Deployment had it."""
    return _without_hash(replica_set["spec"]["template"])


def _without_hash(template: Mapping[str, Any]) -> Template:
    plain = copy.deepcopy(dict(template))
    metadata = plain.get("metadata") or {}
    for label in (POD_TEMPLATE_HASH, REVISION):  # not the user's
        (metadata.get("labels") or {}).pop(label, None)
    # The API server writes creationTimestamp: null into templates, or not, by its age.
    plain["metadata"] = {key: value for key, value in metadata.items() if value not in (None, {})}
    return plain


def _containers(template: Template) -> dict[str, dict[str, Any]]:
    spec = template.get("spec") or {}
    return {each["name"]: each for each in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]}
