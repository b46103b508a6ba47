"""Reads the options of bluegreen_switch."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._objects.durations import seconds
from .._objects.reading import MAX_OBJECT, MAX_SERVICE, keys, members, named
from .._objects.refusal import Refused
from .._objects.resources import WORKLOADS
from .._objects.shown import echo
from .._routing.registry import default_grace
from .._routing.target import Target
from .._workloads.starting import StartTolerance
from .probes import Probe, read_probe
from .routers import ALL_OPTIONS, REPLICAS, Between, read_router, refuse_twice
from .starts import read_start_tolerance


@dataclass(frozen=True)
class Switch:
    """What shall be active. preview: empty without one. target: empty to give everything back. Durations in seconds.

    min_ready: None for all pods that the target wants. by_subset: the routes move from one subset to the other, no Service does.
    """

    active: str
    preview: str
    kind: str
    target: str
    swap: bool
    min_ready: int | None
    scale_down: bool
    delay: float
    routers: tuple[Target, ...]
    grace: float
    probe: Probe | None
    start_tolerance: StartTolerance

    @property
    def key(self) -> str:
        """The target, as it is remembered."""
        return f"{self.kind}/{self.target}" if self.target else ""

    @property
    def by_subset(self) -> bool:
        """Whether the active Service keeps its selector."""
        return any(each.destination_rule for each in self.routers)

    @property
    def after(self) -> float:
        """How long a version lives on that was left, counted from when the move is proven: proxies converge, requests come to their end."""
        return self.grace + max(self.delay, self.grace)


def read_switch(options: Mapping[str, Any], namespace: str) -> Switch:
    """Reads and validates the options of the module."""
    present = options["state"] == "present"
    if present and not options["target"]:
        raise Refused("target", "is missing", "set it to the name of the workload to activate, or use state absent")
    active = named("active_service", options["active_service"], MAX_SERVICE, dots="")
    preview = named("preview_service", options["preview_service"], MAX_SERVICE, dots="") if options["preview_service"] else ""
    if active == preview:
        raise Refused(
            "preview_service", f"is {echo(active)}, the same Service as active_service", "name a Service of its own for the preview"
        )
    if options["swap_preview"] and not preview:
        raise Refused("swap_preview", "needs preview_service", "set preview_service, or remove swap_preview")
    least, most = int(present), options["min_ready"]
    if most is not None and most < least:
        raise Refused("min_ready", f"must be {least} or more, not {most}", "correct the number, or remove it")
    routers = _routers(options["routers"], namespace, active, preview)
    return Switch(
        active=active,
        preview=preview,
        kind=WORKLOADS[options["target_kind"]].kind,
        target=named("target", options["target"], MAX_OBJECT) if present else "",
        swap=options["swap_preview"],
        min_ready=most,
        scale_down=options["scale_down"],
        delay=seconds(options["scale_down_delay"], "scale_down_delay"),
        routers=routers,
        grace=default_grace(routers, None if options["grace"] is None else seconds(options["grace"], "grace")),
        probe=read_probe(options["probe"]),
        start_tolerance=read_start_tolerance(options.get("start_tolerance")),
    )


def _routers(raw: Any, namespace: str, active: str, preview: str) -> tuple[Target, ...]:
    found = [_router(each, where, namespace, active, preview) for where, each in members("routers", raw or [])]
    refuse_twice(found)
    subsets = [bool(each.destination_rule) for each in found]
    if any(subsets) and not all(subsets):
        raise Refused("routers", "has entries with subsets and entries without subsets", "use subsets in all entries or in none")
    return tuple(found)


def _router(raw: Any, where: str, namespace: str, active: str, preview: str) -> Target:
    value = keys(where, raw, ("type", "name"), ALL_OPTIONS)
    if value["type"] == REPLICAS:
        raise Refused(f"{where}.type", f"cannot be {REPLICAS}, which has no router", "remove the entry")
    options = {key: value[key] for key in ALL_OPTIONS if key in value}
    by_subset = bool(value.get("stable_subset") or value.get("canary_subset"))
    if not (by_subset or preview):
        raise Refused("preview_service", "is missing, but routers without subsets need it during the switch", "set preview_service")
    return read_router(str(value["type"]), value["name"], options, where, Between(namespace, active, active if by_subset else preview))
