"""The hash of a plan as release 0.1.0 of the collection made it, from sentences about its steps. Nothing here changes any more."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from typing import Any, Callable

from .._plan.plan import Plan
from .._strategies.registry import is_default


def plan_hash(plan: Plan) -> str:
    """The hash in a record of format 1."""
    where = [plan.workload, *([] if is_default(plan.style) else [plan.style, plan.kind, plan.canary_workload])]
    order = [
        *([plan.promotion] if plan.promotion != "full" else []),
        *(["hold"] if plan.hold else []),
        *(["track_configs"] if plan.track_configs else []),
        *([f"min_replicas {plan.min_replicas}"] if plan.min_replicas is not None else []),
    ]
    made = [plan.ports, list(plan.specs.values())] if plan.ports or plan.specs else []
    if plan.bluegreen is not None:
        order += ["bluegreen", str(plan.bluegreen.active), str(plan.bluegreen.preview)]
    routers = [_given(each) for each in plan.routers]
    steps = [_SENTENCES[each.key](each) for each in plan.steps]
    lasting = [*where, *order, plan.stable_service, plan.canary_service, routers, steps, *made]
    return hashlib.sha256(json.dumps(lasting, default=_part).encode()).hexdigest()[:10]


def _given(part: Any) -> dict[str, Any]:
    return {each.name: getattr(part, each.name) for each in fields(part) if getattr(part, each.name) != each.default}


def _part(part: Any) -> str:
    """A route by its port and hosts, or the definition of a router, of which only what is not as by default was written."""
    if type(part).__name__ == "Level4Route":
        return f"Level4Route(port={part.port!r}, sni_hosts={part.sni_hosts!r})"
    return str(_given(part))


def _pause(step: Any) -> str:
    if step.duration is not None:
        return f"pause {_time(step.duration)}"
    return "pause until promoted" + ("" if step.expires is None else f", for {_time(step.expires)} at most, then {step.then}")


def _set_canary_scale(step: Any) -> str:
    if step.replicas is None and step.percent is None:
        return "set_canary_scale by weight"
    return f"set_canary_scale {step.replicas}" if step.replicas is not None else f"set_canary_scale {step.percent} %"


def _set_header_route(step: Any) -> str:
    alternatives = " or ".join(" and ".join(map(_match, match)) for match in step.matches)
    return f"set_header_route {step.name}: {alternatives or 'none'}{'' if step.inherit else ', on top'}"


def _match(one: Any) -> str:
    return " ".join(part for part in (one.what, one.name, one.how, repr(one.value) if one.value else "") if part)


def _preview(step: Any) -> str:
    return "preview" if step.replicas is None else f"preview in {step.replicas} {'pod' if step.replicas == 1 else 'pods'}"


def _time(duration: float) -> str:
    duration = round(duration, 3)
    if duration < 60 or duration != int(duration):
        return f"{duration:g}s"
    text, rest = "", int(duration)
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        number, rest = divmod(rest, size)
        text += f"{number}{unit}" if number else ""
    return text


_SENTENCES: dict[str, Callable[[Any], str]] = {
    "set_weight": lambda step: f"set_weight {step.weight}",
    "pause": _pause,
    "set_canary_scale": _set_canary_scale,
    "set_header_route": _set_header_route,
    "set_mirror_route": lambda step: f"set_mirror_route {step.name}: {step.percent:g} %",
    "preview": _preview,
    "switch": lambda _step: "switch",
}
