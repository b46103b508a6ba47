# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Says what of a result of rollout_step goes into the statistics of a run (filter progressive.delivery.statistics)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Callable

DOCUMENTATION = r"""
name: statistics
short_description: Take the statistics of a run from a result of rollout_step
description:
  - Returns what the roles and playbooks of this collection hand to M(ansible.builtin.set_stats).
  - Statistics become extra variables of later jobs, for example in an AWX workflow, and Ansible renders extra variables as templates. So
    numbers and fixed words are all that is taken from a result, and no text that was read from the cluster.
  - A call that was refused says nothing about the rollout, because the revision that the cluster shows may belong to another release.
version_added: 0.1.0
author:
  - progressive.delivery contributors (@progressive-delivery)
options:
  _input: {description: What M(progressive.delivery.rollout_step) returned; empty when it was not called., type: dict, required: true}
"""

EXAMPLES = r"""
- name: Hand on where the rollout stands
  ansible.builtin.set_stats:
    data:
      progressive_delivery: "{{ {'shop/shop@localhost': result | progressive.delivery.statistics} }}"
"""

RETURN = r"""
_value:
  description: The statistics.
  type: dict
  sample: {phase: Paused, revision: 7, step: {index: 1, total: 4}, weight: {stable: 80, canary: 20}, resume_at: null, refused: false}
  contains:
    refused:
      description: Whether nothing was begun. The other keys are missing when this is true, and when the module ended without a result.
      type: bool
      returned: always
    phase:
      description: The phase; V(Unknown) for a word that is none of the phases.
      type: str
      returned: unless refused
      choices: [Progressing, Paused, Healthy, Aborted, Degraded, Unknown]
    revision: {description: The number of the revision., type: int, returned: unless refused}
    step:
      description: How many steps are done (C(index)), and how many there are (C(total)); null when the rollout has no record.
      type: dict
      returned: unless refused
    weight: {description: "The split in percent, C(stable) and C(canary).", type: dict, returned: unless refused}
    resume_at:
      description: The end of a timed pause, in seconds since the epoch; null in any other phase.
      type: float
      returned: unless refused
"""

_CRASHED = {"module_stdout", "module_stderr", "rc"}
_PHASES = ("Progressing", "Paused", "Healthy", "Aborted", "Degraded")


def statistics(result: Mapping[str, Any]) -> dict[str, Any]:
    """The statistics of one release."""
    if result.get("refused"):
        return {"refused": True}
    if "phase" not in result:  # not called, refused before the module looked at its options, or ended by an unforeseen error
        return {"refused": not _CRASHED & set(result)}
    step, weight = result.get("step"), result.get("weight")
    return {
        "refused": False,
        "phase": next((phase for phase in _PHASES if phase == result["phase"]), "Unknown"),
        "revision": _whole(result.get("revision")),
        "step": {key: _whole(step.get(key)) for key in ("index", "total")} if isinstance(step, Mapping) else None,
        "weight": {key: _whole(weight.get(key)) for key in ("stable", "canary")} if isinstance(weight, Mapping) else None,
        "resume_at": _number(result.get("resume_at")),
    }


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return float(value)


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Those of this file, by name."""
        return {"statistics": statistics}
