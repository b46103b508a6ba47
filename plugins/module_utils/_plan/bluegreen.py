"""Reads the part `bluegreen` of a plan, and writes the steps that follow from it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._objects.durations import seconds
from .._objects.reading import keys, truth, whole
from .._objects.refusal import Refused
from .._steps.matches import read_mirror
from .._steps.pause import Pause
from .._steps.preview import Preview
from .._steps.set_mirror_route import SetMirrorRoute
from .._steps.step import Step
from .._steps.switch import Switch
from .labels import read_labels

KEYS = (
    "preview_replicas",
    "auto_promotion",
    "auto_promotion_after",
    "mirror",
    "active_labels",
    "preview_labels",
    "scale_down_delay",
    "abort_scale_down_delay",
)


@dataclass(frozen=True)
class BlueGreen:
    """preview_replicas: None for as many as the active version has.

    auto_promotion_after: in seconds; None: no pause with auto_promotion, else a pause until a user promotes.
    mirror: percent of the requests of which the preview gets a copy. active, preview: labels on the pods that are so.
    """

    preview_replicas: int | None
    auto_promotion: bool
    auto_promotion_after: float | None
    mirror: float
    active: Mapping[str, str]
    preview: Mapping[str, str]

    @property
    def labels(self) -> set[str]:
        """The keys of all of them."""
        return {*self.active, *self.preview}

    @property
    def steps(self) -> tuple[Step, ...]:
        """In the order of Argo Rollouts' strategy blueGreen; the mirror is ours."""
        mirror = (SetMirrorRoute("preview", self.mirror),) if self.mirror else ()
        waits = not self.auto_promotion or self.auto_promotion_after is not None
        return (Preview(self.preview_replicas), *mirror, *((Pause(self.auto_promotion_after),) if waits else ()), Switch())


def read_bluegreen(raw: Any, routers: bool, default_replicas: int | None) -> BlueGreen:
    """The part `bluegreen`. routers: whether the plan names any. default_replicas: of the preview. Raises Refused naming the option."""
    given = keys("bluegreen", raw, (), KEYS)
    after = seconds(given["auto_promotion_after"], "bluegreen.auto_promotion_after") if "auto_promotion_after" in given else None
    auto = truth("bluegreen.auto_promotion", given.get("auto_promotion", False))
    mirror = read_mirror(given.get("mirror", 0), "bluegreen.mirror")
    if mirror and not routers:
        raise Refused("bluegreen.mirror", "needs a router that copies requests", "name the router that carries the traffic in routers")
    if auto and mirror and after is None:
        raise Refused("bluegreen.mirror", "has no effect if auto_promotion switches at once", "set auto_promotion_after")
    replicas = given.get("preview_replicas", default_replicas)
    active, preview = (read_labels(f"bluegreen.{key}", given.get(key, {})) for key in ("active_labels", "preview_labels"))
    return BlueGreen(
        preview_replicas=None if replicas is None else whole("bluegreen.preview_replicas", replicas, 1, 100_000),
        auto_promotion=auto,
        auto_promotion_after=after,
        mirror=mirror,
        active=active,
        preview=preview,
    )
