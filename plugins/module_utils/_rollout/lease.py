"""Who may work on a rollout: what a Lease says of its holder."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from .._objects.shown import shown

# Source: https://kubernetes.io/docs/concepts/architecture/leases/ and LeaseSpec (coordination.k8s.io/v1).
LEASE_SECONDS = 15
RENEW_SECONDS = 4
CLOCKS_DIFFER = 60
LONGEST = 60  # seconds that a Lease is believed to last, whatever it says
PROCESS = "progressive.delivery/process"

# A Lease is input: whoever may write Leases decides what it says. Longer texts than these were not written by a run.
_LONGEST_HOLDER, _LONGEST_MARK, _SHOWN = 1024, 256, 60  # characters
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)


def holder_of(lease: Any) -> str | None:
    """The identity of the holder, None when nobody holds the Lease.

    Args:
        lease: the Lease as the API server returned it, or None.
    """
    holder = _part(lease, "spec").get("holderIdentity")
    return holder[:_LONGEST_HOLDER] or None if isinstance(holder, str) else None


def process_of(lease: Any) -> str:
    """The fingerprint of the holder's process, empty where the Lease has none that can be read."""
    annotations = _part(lease, "metadata").get("annotations")
    mark = annotations.get(PROCESS) if isinstance(annotations, Mapping) else None
    return mark if isinstance(mark, str) and len(mark) <= _LONGEST_MARK else ""


def title_of(lease: Any) -> str:
    """The identity of the holder for a message, in one short line; `unknown` where there is none."""
    return shown(holder_of(lease) or "unknown", _SHOWN)


def expired(lease: Any, now: float) -> bool:
    """Whether the holder has not renewed the Lease for its whole duration, even if its clock is slower than ours by a minute.

    A time that cannot be read, or that is later than the clocks may differ, is not believed: the answer is False, and a run that needs the
    Lease watches it for its duration (`duration`) by its own clock.

    Args:
        lease: the Lease as the API server returned it.
        now: epoch seconds.
    """
    renewed = _part(lease, "spec").get("renewTime")
    if renewed is None:
        return True
    at = _epoch(renewed)
    return at is not None and at + duration(lease) + CLOCKS_DIFFER < now


def believable(lease: Any, now: float) -> bool:
    """Whether the Lease says a time of its last renewal that a run can have written."""
    at = _epoch(_part(lease, "spec").get("renewTime"))
    return at is not None and at <= now + CLOCKS_DIFFER


def renewed(lease: Any) -> Any:
    """What the Lease says of its last renewal: only to be compared with what it said before."""
    return _part(lease, "spec").get("renewTime")


def duration(lease: Any) -> int:
    """Seconds without renewal after which the holder counts as gone: 1 to 60, 15 where the Lease says nothing that can be used."""
    seconds = _part(lease, "spec").get("leaseDurationSeconds")
    if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 1:
        return LEASE_SECONDS
    return min(seconds, LONGEST)


def held(holder: str | None, process: str, now: float) -> dict[str, Any]:
    """The parts of a Lease that say who holds it since when; no holder: released."""
    time = datetime.fromtimestamp(now, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": holder, "leaseDurationSeconds": LEASE_SECONDS if holder else None, "renewTime": time if holder else None}
    return {"metadata": {"annotations": {PROCESS: process or None}}, "spec": spec}


def _part(lease: Any, key: str) -> Mapping[str, Any]:
    part = lease.get(key) if isinstance(lease, Mapping) else None
    return part if isinstance(part, Mapping) else {}


def _epoch(text: Any) -> float | None:
    """Epoch seconds of a MicroTime, None for anything else."""
    found = _TIME.fullmatch(text) if isinstance(text, str) and len(text) <= _LONGEST_MARK else None
    try:
        whole = datetime.strptime(found[1] + "+0000", "%Y-%m-%dT%H:%M:%S%z").timestamp() if found else None
    except (ValueError, OverflowError):
        return None
    return None if found is None or whole is None else whole + float(f"0.{found[2] or 0}")
