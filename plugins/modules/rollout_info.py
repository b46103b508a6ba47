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
  - A rollout that is broken is told of, too, with what is broken about it (RV(rollouts[].problems)); it fails no call, and hides no other.
  - Reads only, and takes no Lease.
version_added: 0.1.0
author:
  - progressive.delivery contributors (@progressive-delivery)
extends_documentation_fragment:
  - progressive.delivery.auth
  - progressive.delivery.records
  - progressive.delivery.ignored
options:
  name:
    description: Name of the rollout. Without it, all that have a record in the namespace, which needs the right to list ConfigMaps.
    type: str
  namespace:
    description: The namespace. Without it, the one of the kubeconfig's context.
    type: str
  changed_from:
    description:
      - The RV(mark) of a former call. The call then ends as soon as something else is seen, or after O(wait_timeout).
      - So M(progressive.delivery.rollout_status_info) follows rollouts.
    type: str
  wait_timeout:
    description: With O(changed_from), how long to wait for a change, in seconds or as a duration such as V(1m).
    type: str
    default: 30s
attributes:
  check_mode:
    description: Changes nothing in any case.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: N/A
seealso:
  - module: progressive.delivery.rollout_status_info
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
mark:
  description: Stands for what was seen; it differs when the line of a rollout does.
  returned: success
  type: str
rollouts:
  description:
    - The rollouts, by name. One that has no record, and was asked for by its name, is C(Healthy) at revision 0.
    - Of all, those that have a record, and those of which a Deployment is left without one.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the rollout.
      returned: always
      type: str
    namespace:
      description: Its namespace.
      returned: always
      type: str
    phase:
      description: C(Progressing), C(Paused), C(Healthy), C(Aborted) or C(Degraded); C(Unknown) where its record cannot be read.
      returned: always
      type: str
    reason:
      description: Why it is in that phase, in a few words; empty where there is nothing to say.
      returned: always
      type: str
      sample: waiting for promotion
    msg:
      description: Where it stands, and how to go on.
      returned: always
      type: str
    line:
      description: Both in one line, as M(progressive.delivery.rollout_status_info) prints it when it changes.
      returned: always
      type: str
    problems:
      description:
        - What is broken, one line each with its remedy. Such as a record or a plan in it that cannot be read, a workload, Service or router
          that is missing, a Service without endpoints that gets traffic, a Lease whose holder is gone, what is left of a rollout without
          a record, and what may not be read.
        - What may not be read is left out of the rest, which is then null or empty.
      returned: always
      type: list
      elements: str
    sealed:
      description: Whether the seal in the record fits O(record_key); null without that option, and without a record.
      returned: always
      type: bool
    strategy:
      description: V(canary) or V(bluegreen).
      returned: always
      type: str
    step:
      description: Where in its steps it is, as M(progressive.delivery.rollout_step) returns it.
      returned: always
      type: dict
    weight:
      description: The split of the traffic in percent that it has reached; null where its record cannot be read.
      returned: always
      type: dict
      sample: {stable: 80, canary: 20}
    set_weight:
      description: The canary's share that the steps have come to; null before the first weight, and after the last step.
      returned: always
      type: int
    actual_weight:
      description: The canary's share as the first router says now; with router type C(replicas), its share of the ready pods.
      returned: always
      type: int
    progress:
      description: What it is at; null where nothing is under way.
      returned: always
      type: dict
      contains:
        action:
          description: The action, as RV(progressive.delivery.rollout_step#module:actions) has it.
          returned: always
          type: str
        number:
          description: Its number in the course of the release, or of the way back, counted from 1.
          returned: always
          type: int
        total:
          description: How many there are.
          returned: always
          type: int
        since:
          description: When it began, in seconds since the epoch; null before.
          returned: always
          type: float
        elapsed:
          description: How many seconds ago that was.
          returned: always
          type: float
        ready:
          description: How many of the pods that it is about are ready, of how many; null where it is about none.
          returned: always
          type: str
          sample: 3/5
        waiting_for:
          description: What it waits for, as far as that can be seen.
          returned: always
          type: str
        holder:
          description:
            - The run that works on it, and where that runs, as far as it can be told; null where none does.
          returned: always
          type: str
          sample: run-3f2a91bc0d11, on this machine, process 4711
    images:
      description: What runs. Each C(image) with its C(roles), which are C(stable), C(canary), C(active), C(preview), or none.
      returned: always
      type: list
      elements: dict
      sample:
        - {image: "shop:1", roles: [stable]}
        - {image: "shop:2", roles: [canary]}
    replicas:
      description:
        - How many pods there are to be (C(desired)), are there (C(current)), are of the new version (C(updated)), and are C(ready) and
          C(available).
        - Null without a workload.
      returned: always
      type: dict
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
      description: The workloads.
      returned: always
      type: list
      elements: dict
      contains:
        kind:
          description: Its kind.
          returned: always
          type: str
        name:
          description: Its name.
          returned: always
          type: str
        version:
          description: C(canary) (C(preview)) where it runs the new version beside the other, else C(stable) (C(active)).
          returned: always
          type: str
        revision:
          description: The revision that it runs; 0 where that was not released by this rollout.
          returned: always
          type: int
        roles:
          description: Of that version; none for one that is kept, or is going.
          returned: always
          type: list
          elements: str
        status:
          description: C(Healthy), C(Progressing), C(Degraded) or C(ScaledDown).
          returned: always
          type: str
        replicas:
          description: How many pods it wants.
          returned: always
          type: int
        ready:
          description: How many of its pods are ready.
          returned: always
          type: int
        paused:
          description: Whether it is paused.
          returned: always
          type: bool
        images:
          description: The images that run, by container.
          returned: always
          type: dict
        waiting:
          description: Those of a paused one that do not yet.
          returned: always
          type: dict
        services:
          description: The Services that lead to it.
          returned: always
          type: list
          elements: str
        delay:
          description: In how many seconds it is scaled down; null where it is not.
          returned: always
          type: float
        created:
          description: When it was made.
          returned: always
          type: str
        age:
          description: How many seconds ago that was.
          returned: always
          type: float
        pods:
          description: Its pods (C(name), C(state) in words, C(status), containers C(ready), C(restarts), C(created), C(age)).
          returned: always
          type: list
          elements: dict
    revisions:
      description: The same by revisions, the newest first.
      returned: always
      type: list
      elements: dict
      contains:
        revision:
          description: Its number; 0 stands for what was not released by this rollout.
          returned: always
          type: int
        workloads:
          description: What runs it, as RV(rollouts[].workloads), each with just the pods of this revision.
          returned: always
          type: list
          elements: dict
    tree:
      description: All of it as a picture in text, of several lines, without colour.
      returned: always
      type: str
"""

from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._actions import info
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._module.options import make_info_module, make_reading_context
from ansible_collections.progressive.delivery.plugins.module_utils._module.results import finish
from ansible_collections.progressive.delivery.plugins.module_utils._plan.durations import seconds
from ansible_collections.progressive.delivery.plugins.module_utils._plan.reading import MAX_SERVICE, named
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.picture import UNKNOWN
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.watching import line, mark

SPEC: dict[str, Any] = {
    "name": {"type": "str"},
    "changed_from": {"type": "str"},
    "wait_timeout": {"type": "str", "default": "30s"},
}


def work(ctx: Context, name: str | None, changed_from: str | None, wait_timeout: str) -> dict[str, Any]:
    """Looks at the rollout of this name, or at all."""
    one = None if name is None else named("name", name, MAX_SERVICE)
    rollouts = info.wait_for_status(ctx, one, changed_from or "", seconds(wait_timeout, "wait_timeout"))
    if one is None:
        ctx.journal.warnings += [each["msg"] for each in rollouts if each["phase"] == UNKNOWN]
    return {"rollouts": [{**each, "line": line(each)} for each in rollouts], "mark": mark(rollouts)}


def main() -> None:
    """Entry point."""
    module = make_info_module(SPEC)
    finish(module, make_reading_context, lambda ctx: work(ctx, *(module.params[key] for key in SPEC)))


if __name__ == "__main__":
    main()
