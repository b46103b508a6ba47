"""Tells the cluster's users, by Kubernetes Events on the workload, what a rollout does."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from .._cluster.client import unique_name
from .._cluster.errors import ApiError
from .._objects.resources import EVENT
from .._objects.shown import shown
from .apply import create_unique
from .context import Context

_LONGEST_MESSAGE = 1024  # the API server's limit
_COMPONENT = "progressive.delivery"


def emit(ctx: Context, workload: dict[str, Any], reason: str, message: str, warning: bool = False) -> None:
    """Writes one Event on the workload, if it is there. One that is not allowed is left out with a warning: no rollout fails for it."""
    if not workload:
        return
    now = datetime.fromtimestamp(ctx.clock.now(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    ref = ctx.ref(EVENT, unique_name(workload["metadata"]["name"]))
    involved = {
        "apiVersion": workload["apiVersion"],
        "kind": workload["kind"],
        **{key: workload["metadata"].get(key) for key in ("name", "namespace", "uid")},
    }
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": ref.name, "namespace": ref.namespace},
        "involvedObject": involved,
        "reason": reason,
        "message": shown(message, _LONGEST_MESSAGE),
        "type": "Warning" if warning else "Normal",
        "source": {"component": _COMPONENT},
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
    try:
        create_unique(ctx.client, ref, event)
    except ApiError as refused:
        ctx.journal.warn(f"Events are left out: {refused}")
