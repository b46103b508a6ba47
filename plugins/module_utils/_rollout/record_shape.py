"""What a record may hold, field by field: whoever may edit ConfigMaps may have written it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Callable

from .._objects import names
from .._objects.resources import CONFIGS, HORIZONTAL_POD_AUTOSCALER, POD_DISRUPTION_BUDGET, SCALED_OBJECT
from .._strategies.registry import strategy_named

Check = Callable[[Any], bool]

_LATEST = 250_000_000_000.0  # the last seconds since the epoch that dates can show
_MOST_ITEMS = 1000
_LONGEST_TEXT = 8192
_MOST_ACTIONS = 10_000
_LONGEST_ID = 400
_ID = re.compile(r"[a-z][A-Za-z0-9./:-]*(#[0-9]{1,4})?")
PHASES = ("Progressing", "Paused", "Healthy", "Aborted", "Degraded")
PROGRAMS = ("", "release", "abort", "hand back")
# What a record says of the new version. A pod template never stands in it: one that does was written by somebody else.
_REVISION_KEYS = ("images", "held", "restart")


def text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_TEXT


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_ACTIONS


def position(value: Any) -> bool:
    """The id of an action, or empty."""
    return isinstance(value, str) and len(value) <= _LONGEST_ID and (not value or _ID.fullmatch(value) is not None)


def number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def time(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < _LATEST


def scalar(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float)) or text(value)


def one_of(*values: Any) -> Check:
    return lambda value: isinstance(value, str) and value in values


def maybe(check: Check) -> Check:
    return lambda value: value is None or check(value)


def listed(check: Check) -> Check:
    return lambda value: isinstance(value, list) and len(value) <= _MOST_ITEMS and all(map(check, value))


def mapped(key: Check, check: Check) -> Check:
    return lambda value: isinstance(value, dict) and len(value) <= _MOST_ITEMS and all(key(each) and check(value[each]) for each in value)


def of_kinds(*kinds: str) -> Check:
    """The key of an object, `Service/shop`; without kinds, of an object of any kind."""

    def is_key(value: Any) -> bool:
        kind, slash, name = value.partition("/") if isinstance(value, str) else ("", "", "")
        return bool(slash) and names.is_name(name) and (kind in kinds if kinds else kind.isalnum() and kind.isascii())

    return is_key


def fields(required: Mapping[str, Check], optional: Mapping[str, Check]) -> Check:
    """A mapping with these keys; others, of a later release of the collection, may hold anything that is bounded."""

    def fits(value: Any) -> bool:
        if not isinstance(value, dict) or not required.keys() <= value.keys() or not all(map(text, value)):
            return False
        known = {**required, **optional}
        return all(known[key](each) for key, each in value.items() if key in known)

    return fits


_IMAGES = mapped(text, text)
_VERSION = {"template": names.is_label_value, "images": _IMAGES}
_CONFIG = of_kinds(*CONFIGS)
_SCALING = of_kinds(*(each.kind for each in (HORIZONTAL_POD_AUTOSCALER, SCALED_OBJECT, POD_DISRUPTION_BUDGET)))
_ORIGINAL = {"workload": names.is_name, "hash": names.is_label_value, "source": names.is_label_value, "canary": names.is_label_value}
_PLAIN = mapped(text, scalar)


def _plan(value: Any) -> bool:
    revision = value.get("revision") if isinstance(value, dict) else None
    return isinstance(value, dict) and (revision is None or (isinstance(revision, dict) and set(revision) <= set(_REVISION_KEYS)))


def _step(value: Any) -> bool:
    return isinstance(value, dict) and all(key in ("began", "ended") and time(each) for key, each in value.items())


def _config_names(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(names.is_name, value))


SHAPE: dict[str, Check] = {
    "name": names.is_namespace,
    "plan": _plan,
    "plan_hash": names.is_label_value,
    "revision": number,
    "target": names.is_label_value,
    "phase": one_of(*PHASES),
    "msg": text,
    "program": one_of(*PROGRAMS),
    "position": position,
    "began": maybe(time),
    "moved": maybe(time),
    "moved_before": maybe(time),
    "aborted_at": position,
    "forget": flag,
    "resume_at": maybe(time),
    "promoted": mapped(text, _PLAIN),
    "steps": listed(_step),
    "stable": fields({}, {**_ORIGINAL, **_VERSION, "made": flag}),
    "images": _IMAGES,
    "bystanders": listed(names.is_namespace),
    "canary_service_made": flag,
    "made": listed(of_kinds()),
    "guards": listed(_SCALING),
    "asked": names.is_label_value,
    "undo": text,
    "skips": flag,
    "originals": mapped(of_kinds(), listed(lambda value: isinstance(value, dict))),
    "tracks": flag,
    "configs": mapped(_CONFIG, _config_names),
    "copies": mapped(_CONFIG, names.is_name),
    "labels": mapped(names.is_label_key, listed(names.is_label_value)),
    "history": listed(
        fields(
            {"revision": number, "target": names.is_label_value, "phase": one_of(*PHASES), "images": _IMAGES},
            {"before": fields({}, _VERSION), "ended": time, "by": _PLAIN, "msg": text},
        )
    ),
    "by": _PLAIN,
    "salt": names.is_label_value,
    "uids": mapped(of_kinds(), text),
    "stored": mapped(names.is_label_value, names.is_label_value),
    "min_replicas": count,
}


def misshapen(raw: Mapping[str, Any], shape: Mapping[str, Check]) -> list[str]:
    """The fields of a record that are not of this shape, as this collection writes them."""
    wrong = sorted(key for key, value in raw.items() if key in shape and not shape[key](value))
    # Which keys `stable` needs is known of other fields only where these are right.
    return wrong or ([] if _needed_of_stable(raw) <= raw.get("stable", {}).keys() else ["stable"])


def _needed_of_stable(raw: Mapping[str, Any]) -> set[str]:
    """The keys of `stable` with which the actions work. A hand-back may begin from what a finished release has left, which has fewer."""
    program = raw.get("program", "")
    if not program:
        return {"workload", "template"} if raw.get("stable", {}).get("made") else set()
    if program == "hand back":
        return {"workload", "template"}
    return {"workload", "template", "hash", *(["canary"] if _is_pair(raw.get("plan", {})) else [])}


def _is_pair(plan: Mapping[str, Any]) -> bool:
    workload = plan.get("workload")
    return isinstance(workload, Mapping) and strategy_named(str(workload.get("style"))).keeps_second_workload
