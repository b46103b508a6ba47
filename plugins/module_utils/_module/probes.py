"""The probe that a caller gives: whether it may be sent, and whether its patterns can be searched for."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._cluster import matching
from .._plan.probes import Probe, read_hosts, read_probe, refuse_missing_headers, refuse_other_hosts


def callers_probe(params: Mapping[str, Any]) -> Probe | None:
    """Reads the options probe and probe_hosts.

    Args:
        params: The options of a module.

    Returns:
        The probe, None without one.

    Raises:
        Refused: The probe cannot be sent, or `probe_hosts` does not allow it.
    """
    hosts, probe = read_hosts(params.get("probe_hosts")), read_probe(params.get("probe"))
    refuse_other_hosts(probe, hosts)
    refuse_missing_headers(probe)
    if probe is not None:
        matching.check(probe.expect)
    return probe
