"""The new version, as a plan names it: by images, by changes of the pod template, by a whole definition, by a restart, or not at all."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._objects.reading import keys
from .._objects.refusal import Refused
from .._objects.shown import names

_ROUNDS = 20_000
_FORMS = ("images", "template", "definition", "restart")


@dataclass(frozen=True)
class Revision:
    """One of these forms; with none of them the workload carries the new version already.

    images: by container name. template: merged into the pod template. definition: a pod template that takes its place.
    restart: a text; another one is another version. held: hash of a template that an object in the cluster holds.
    """

    images: dict[str, str] = field(default_factory=dict)
    template: dict[str, Any] | None = None
    definition: dict[str, Any] | None = None
    restart: str | None = None
    held: str | None = None

    @property
    def carried(self) -> bool:
        """Whether the workload has the new version's template already."""
        return not self.images and (self.template, self.definition, self.restart, self.held) == (None, None, None, None)

    @property
    def defaulted(self) -> bool:
        """Whether what the user gives needs the API server's defaults before it can be compared."""
        return self.template is not None or self.definition is not None

    def asked(self, salt: str) -> str:
        """A hash that differs when another version is asked for.

        salt: of the record, which makes it slow and of no use elsewhere to guess what the template holds; empty in records of 0.1.0.
        """
        # With the images of an old version alone, the version of those images that is wanted now would pass for it.
        held = [] if self.held is None else [self.held]
        given = [self.images, self.template, self.definition, self.restart, *held]
        text = json.dumps(given, sort_keys=True, default=str).encode()
        if not salt:
            return hashlib.sha256(text).hexdigest()[:10]
        return hashlib.pbkdf2_hmac("sha256", text, salt.encode(), _ROUNDS).hex()[:10]

    def kept(self, target: str) -> dict[str, Any]:
        """What the record keeps of it: environment values stay out of that. target: hash of the new version's template.

        The hash of a template that an object holds is kept as it is, since admission may make another one of it.
        """
        images = {"images": self.images} if self.images else {}
        if self.defaulted or self.held is not None:
            return {**images, "held": self.held or target}
        return images if self.restart is None else {"restart": self.restart}


def read_revision(raw: Any) -> Revision:
    """Reads the plan's `revision`. `held` is set by undo and by the record, not by users."""
    given = keys("revision", {} if raw is None else raw, (), (*_FORMS, "held"))
    forms = [form for form in _FORMS if form in given]
    if len(forms) > 1 and "held" not in given:
        raise Refused("revision", f"names the new version by {' and by '.join(forms)}", f"use only one of {', '.join(_FORMS)}")
    restart = given.get("restart")
    if isinstance(restart, bool) or restart == "":
        raise Refused("revision.restart", "must be a string that is not empty", "use one that differs for each restart, such as a date")
    return Revision(
        images=_images(given["images"]) if "images" in given else {},
        template=_mapping("template", given.get("template")),
        definition=_definition(given.get("definition")),
        restart=None if restart is None else str(restart),
        held=given.get("held"),
    )


def _images(raw: Any) -> dict[str, str]:
    if not isinstance(raw, Mapping) or not raw or not all(isinstance(image, str) and image for image in raw.values()):
        raise Refused("revision.images", "must map container names to images", "write for example {shop: 'example.org/shop:1.2'}")
    return {str(name): image for name, image in raw.items()}


def _mapping(key: str, raw: Any) -> dict[str, Any] | None:
    if raw is None:
        return None
    if not isinstance(raw, Mapping) or not raw:
        raise Refused(f"revision.{key}", "must be a pod template", "write for example {spec: {containers: [...]}}")
    unknown = sorted(str(name) for name in raw if name not in ("metadata", "spec"))
    if unknown:
        raise Refused(f"revision.{key}", f"does not take {names(unknown)}", "use metadata and spec, as in spec.template of a workload")
    return dict(raw)


def _definition(raw: Any) -> dict[str, Any] | None:
    """A pod template, or the one of a whole workload."""
    if isinstance(raw, Mapping) and isinstance(raw.get("spec"), Mapping) and "template" in raw["spec"]:
        raw = raw["spec"]["template"]
    template = _mapping("definition", raw)
    if template is not None and not (template.get("spec") or {}).get("containers"):
        raise Refused("revision.definition", "has no containers", "write a whole workload or a whole pod template")
    return template
