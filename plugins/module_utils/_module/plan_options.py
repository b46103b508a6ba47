"""The options that a plan is made of, and those that are the same wherever a plan is given."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

from .._plan.plan import ON_DEADLINE, PROMOTION
from .._strategies.registry import kinds, styles
from .options import PROBE_SPEC, START_TOLERANCE_SPEC

WORKLOAD_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "kind": {"type": "str", "choices": kinds()},
    "style": {"type": "str", "choices": list(styles())},
    "canary": {"type": "str"},
}
SERVICES_SPEC: dict[str, Any] = {
    "stable": {"type": "str"},
    "canary": {"type": "str"},
    "active": {"type": "str"},
    "preview": {"type": "str"},
    "ports": {"type": "list", "elements": "dict"},
}
PROMOTE_SPEC: dict[str, Any] = {"revision": {"type": "int"}, "step": {"type": "int"}, "full": {"type": "bool", "default": False}}
BLUEGREEN_SPEC: dict[str, Any] = {
    "preview_replicas": {"type": "int"},
    "auto_promotion": {"type": "bool", "default": False},
    "auto_promotion_after": {"type": "str"},
    "mirror": {"type": "float"},
    "active_labels": {"type": "dict"},
    "preview_labels": {"type": "dict"},
    "scale_down_delay": {"type": "str"},
    "abort_scale_down_delay": {"type": "str"},
}
REVISION_SPEC: dict[str, Any] = {
    "images": {"type": "dict"},
    "template": {"type": "dict"},
    "definition": {"type": "dict"},
    "restart": {"type": "str"},
    "number": {"type": "int"},
}
CANARY_SPEC: dict[str, Any] = {
    "steps": {"type": "list", "elements": "raw"},
    "min_replicas": {"type": "int"},
    "scale_down_delay": {"type": "str"},
    "abort_scale_down_delay": {"type": "str"},
}
PLAN_SPEC: dict[str, Any] = {
    "workload": {"type": "dict", "options": WORKLOAD_SPEC},
    "revision": {"type": "dict", "options": REVISION_SPEC, "no_log": True},
    "services": {"type": "dict", "options": SERVICES_SPEC},
    "routers": {"type": "list", "elements": "dict"},
    "canary": {"type": "dict", "options": CANARY_SPEC},
    "bluegreen": {"type": "dict", "options": BLUEGREEN_SPEC},
    "grace": {"type": "str"},
    "drain": {"type": "str"},
    **PROBE_SPEC,
    "progress_deadline": {"type": "str"},
    "on_deadline": {"type": "str", "choices": list(ON_DEADLINE)},
    "start_tolerance": {"type": "dict", "options": START_TOLERANCE_SPEC},
    "promotion": {"type": "str", "choices": list(PROMOTION)},
    "hold": {"type": "bool"},
    "history_limit": {"type": "int"},
    "rollback_window": {"type": "int"},
    "track_configs": {"type": "bool"},
}
