"""Who may work on a rollout: what a Lease says of its holder."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

# Source: https://kubernetes.io/docs/concepts/architecture/leases/ and LeaseSpec (coordination.k8s.io/v1).
LEASE_SECONDS = 15
RENEW_SECONDS = 4
CLOCKS_DIFFER = 60
PROCESS = "progressive.delivery/process"


def holder_of(lease: Mapping[str, Any] | None) -> str | None:
    """Who holds the Lease, None when nobody does."""
    return ((lease or {}).get("spec") or {}).get("holderIdentity") or None


def process_of(lease: Mapping[str, Any]) -> str:
    """The fingerprint of the holder's process."""
    return str((lease["metadata"].get("annotations") or {}).get(PROCESS, ""))


def expired(lease: Mapping[str, Any], now: float) -> bool:
    """Whether the holder has not renewed it for its whole duration, even if its clock is slower than ours by a minute.

    Whoever finds one that is not expired so far watches it for its duration (`duration`) by a clock of its own.
    """
    renewed = lease["spec"].get("renewTime")
    return renewed is None or _epoch(renewed) + duration(lease) + CLOCKS_DIFFER < now


def duration(lease: Mapping[str, Any]) -> int:
    """Seconds without renewal after which its holder is taken to be gone."""
    return int(lease["spec"].get("leaseDurationSeconds") or LEASE_SECONDS)


def held(holder: str | None, process: str, now: float) -> dict[str, Any]:
    """The parts of a Lease that say who holds it since when; no holder: released."""
    time = datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": holder, "leaseDurationSeconds": LEASE_SECONDS if holder else None, "renewTime": time if holder else None}
    return {"metadata": {"annotations": {PROCESS: process or None}}, "spec": spec}


def _epoch(text: str) -> float:
    return datetime.strptime(text.replace("Z", "+0000"), "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
