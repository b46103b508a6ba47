#!/usr/bin/python
# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_info
short_description: See where rollouts stand
description:
  - Tells of one rollout, or of all in the namespace that have a record, where it stands and what its workloads, pods, Services and routers
    are at, also as a picture in text.
  - Reads only, and takes no Lease.
version_added: 0.1.0
author:
  - progressive.delivery contributors (@progressive-delivery)
extends_documentation_fragment:
  - progressive.delivery.auth
options:
  name:
    description: Name of the rollout. Without it, all that have a record in the namespace, which needs the right to list ConfigMaps.
    type: str
  namespace:
    description: The namespace. Without it, the one of the kubeconfig's context.
    type: str
attributes:
  check_mode:
    description: Changes nothing in any case.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: N/A
seealso:
  - module: progressive.delivery.rollout_step
"""

EXAMPLES = r"""
- name: See where the rollout stands
  progressive.delivery.rollout_info:
    name: shop
    namespace: shop
  register: seen

- name: Draw it
  ansible.builtin.debug:
    msg: "{{ (seen.rollouts | first).tree.splitlines() }}"
"""

RETURN = r"""
rollouts:
  description:
    - The rollouts, by name. One that has no record, and was asked for by its name, is C(Healthy) at revision 0. Of all, one whose record
      cannot be read is left out with a warning.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the rollout.
      returned: always
      type: str
    phase:
      description: C(Progressing), C(Paused), C(Healthy), C(Aborted) or C(Degraded).
      returned: always
      type: str
    msg:
      description: Where it stands, and how to go on.
      returned: always
      type: str
    step:
      description: Where in its steps it is, as M(progressive.delivery.rollout_step) returns it.
      returned: always
      type: dict
    weight:
      description: The split of the traffic in percent that it has reached.
      returned: always
      type: dict
      sample: {stable: 80, canary: 20}
    revision:
      description: The number of the revision.
      returned: always
      type: int
    resume_at:
      description: When a timed pause is over, in seconds since the epoch.
      returned: always
      type: float
    expires_at:
      description: When the pause that it is at expires, in seconds since the epoch; null where it does not.
      returned: always
      type: float
    at_expiry:
      description: What the next call does then, V(abort) or V(promote).
      returned: always
      type: str
    steps_skipped:
      description: Whether the release skips its steps, since it goes back within its plan's C(rollback_window).
      returned: always
      type: bool
    history:
      description: The revisions that have ended, the last one first, with their images, phase, end and who began them.
      returned: always
      type: list
      elements: dict
    services:
      description: The Services (C(name), C(role), C(selector), and C(endpoints) as C(ready) and C(total)).
      returned: always
      type: list
      elements: dict
    routers:
      description: The routers (C(type), C(name), and the C(weight) that they say now).
      returned: always
      type: list
      elements: dict
    workloads:
      description:
        - The workloads (C(kind), C(name), C(version), C(replicas), C(ready), C(paused), C(images) that run, C(waiting) those of a
          paused one that do not yet, the C(services) that lead to it, and the C(pods), each with C(name) and C(state)).
      returned: always
      type: list
      elements: dict
    tree:
      description: All of it as a picture in text, of several lines.
      returned: always
      type: str
"""

from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._actions import info
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._module.options import make_info_module, make_reading_context
from ansible_collections.progressive.delivery.plugins.module_utils._module.results import finish
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.reading import MAX_SERVICE, named

SPEC: dict[str, Any] = {"name": {"type": "str"}}


def work(ctx: Context, name: str | None) -> dict[str, Any]:
    """Looks at the rollout of this name, or at all."""
    if name is not None:
        return {"rollouts": [info.look(ctx, named("name", name, MAX_SERVICE))]}
    rollouts = []
    for each in info.names(ctx):
        try:
            rollouts.append(info.look(ctx, each))
        except Refused as problem:
            ctx.journal.warnings.append(str(problem))
    return {"rollouts": rollouts}


def main() -> None:
    """Entry point."""
    module = make_info_module(SPEC)
    finish(module, make_reading_context, lambda ctx: work(ctx, module.params["name"]))


if __name__ == "__main__":
    main()
