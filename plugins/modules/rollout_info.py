#!/usr/bin/python
# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_info
short_description: Get the state of rollouts
description:
  - Returns the state of one rollout, or of all rollouts with a record in the namespace, with their workloads, pods, Services and routers,
    also as a tree in text.
  - A broken rollout is returned with its problems (RV(rollouts[].problems)). It does not fail the call.
  - Only reads, and does not take the Lease.
version_added: 0.1.0
author:
  - progressive.delivery contributors (@progressive-delivery)
extends_documentation_fragment:
  - progressive.delivery.auth
  - progressive.delivery.records
  - progressive.delivery.ignored
options:
  name:
    description: Name of the rollout. Without it, all rollouts with a record in the namespace, which needs the right to list ConfigMaps.
    type: str
  changed_from:
    description:
      - The RV(mark) of a former call. The call then returns as soon as the state differs, or after O(wait_timeout).
      - M(progressive.delivery.rollout_status_info) uses this to follow rollouts.
    type: str
  wait_timeout:
    description: With O(changed_from), how long to wait for a change, in seconds or as a duration such as V(1m).
    type: str
    default: 30s
seealso:
  - module: progressive.delivery.rollout_status_info
  - module: progressive.delivery.rollout_step
"""

EXAMPLES = r"""
- name: Get the state of the rollout
  progressive.delivery.rollout_info:
    name: shop
    namespace: shop
  register: seen

- name: Print it as a tree
  ansible.builtin.debug:
    msg: "{{ (seen.rollouts | first).tree.splitlines() }}"
"""

RETURN = r"""
mark: {description: Identifies the returned state. It differs when the line of a rollout differs., returned: success, type: str}
rollouts:
  description:
    - The rollouts, sorted by name. A rollout without a record that is requested by its name is C(Healthy) at revision 0.
    - Without a name, rollouts with a record, and rollouts without a record that left a Deployment.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: The name of the rollout., returned: always, type: str}
    namespace: {description: Its namespace., returned: always, type: str}
    phase:
      description: C(Progressing), C(Paused), C(Healthy), C(Aborted) or C(Degraded); C(Unknown) if its record cannot be read.
      returned: always
      type: str
    reason: {description: "The reason for the phase in a few words, or empty.", returned: always, type: str, sample: waiting for promotion}
    msg: {description: "The state, and how to continue.", returned: always, type: str}
    line: {description: "The state in one line, as M(progressive.delivery.rollout_status_info) prints it.", returned: always, type: str}
    problems:
      description:
        - The problems, one line each with its remedy. For example a record or plan that cannot be read, a missing workload, Service or
          router, a Service that receives traffic without endpoints, a Lease whose holder is gone, objects of a rollout without a record,
          and objects that the user may not read.
        - Values that come from objects that the user may not read are null or empty.
      returned: always
      type: list
      elements: str
    sealed:
      description: Whether the seal of the record fits O(record_key). Null without that option, and without a record.
      returned: always
      type: bool
    strategy: {description: V(canary) or V(bluegreen)., returned: always, type: str}
    step: {description: "The progress in its steps, see RV(progressive.delivery.rollout_step#module:step).", returned: always, type: dict}
    weight:
      description: The split of the traffic in percent, null if the record cannot be read.
      returned: always
      type: dict
      sample: {stable: 80, canary: 20}
    set_weight:
      description: The share of the canary that the steps have set. Null before the first weight, and after the last step.
      returned: always
      type: int
    actual_weight:
      description: The share of the canary on the first router. With router type C(replicas), its share of the ready pods.
      returned: always
      type: int
    progress:
      description: The action in progress, null without one.
      returned: always
      type: dict
      contains:
        action: {description: "The action, as in RV(progressive.delivery.rollout_step#module:actions).", returned: always, type: str}
        number: {description: "Its number in the release or the abort, counted from 1.", returned: always, type: int}
        total: {description: The number of actions., returned: always, type: int}
        since: {description: "When it started, in seconds since the epoch, null before.", returned: always, type: float}
        elapsed: {description: The seconds since then., returned: always, type: float}
        ready:
          description: The number of ready pods and of all pods that the action waits for, null without pods.
          returned: always
          type: str
          sample: 3/5
        waiting_for: {description: "What it waits for, if that is known.", returned: always, type: str}
        holder:
          description:
            - The run that works on it, and where that run is, if that is known. Null without one.
          returned: always
          type: str
          sample: run-3f2a91bc0d11, on this machine, process 4711
    images:
      description: The images. Each C(image) has C(roles), which are C(stable), C(canary), C(active), C(preview), or none.
      returned: always
      type: list
      elements: dict
      sample:
        - {image: "shop:1", roles: [stable]}
        - {image: "shop:2", roles: [canary]}
    replicas:
      description:
        - The numbers of pods that are C(desired), C(current), of the new version (C(updated)), C(ready) and C(available).
        - Null without a workload.
      returned: always
      type: dict
    revision: {description: The number of the revision., returned: always, type: int}
    resume_at: {description: "The end of the timed pause, in seconds since the epoch.", returned: always, type: float}
    expires_at:
      description: When the current pause expires, in seconds since the epoch, null if it does not.
      returned: always
      type: float
    at_expiry: {description: "What the first call after that does, V(abort) or V(promote).", returned: always, type: str}
    steps_skipped:
      description: Whether the release skips its steps because its version is within the C(rollback_window) of the plan.
      returned: always
      type: bool
    history:
      description: The former revisions, the last one first, with their images, phase, end and the user who started them.
      returned: always
      type: list
      elements: dict
    services:
      description: The Services (C(name), C(role), C(selector), and C(endpoints) as C(ready) and C(total)).
      returned: always
      type: list
      elements: dict
    routers: {description: "The routers (C(type), C(name), and their current C(weight)).", returned: always, type: list, elements: dict}
    workloads:
      description: The workloads.
      returned: always
      type: list
      elements: dict
      contains:
        kind: {description: Its kind., returned: always, type: str}
        name: {description: Its name., returned: always, type: str}
        version:
          description: C(canary) (C(preview)) if it runs the new version, else C(stable) (C(active)).
          returned: always
          type: str
        revision: {description: "The revision that it runs, 0 if this rollout did not release it.", returned: always, type: int}
        roles:
          description: "The roles of that version. None for a version that is only kept, or is being removed."
          returned: always
          type: list
          elements: str
        status: {description: "C(Healthy), C(Progressing), C(Degraded) or C(ScaledDown).", returned: always, type: str}
        replicas: {description: The desired number of pods., returned: always, type: int}
        ready: {description: The number of ready pods., returned: always, type: int}
        paused: {description: Whether it is paused., returned: always, type: bool}
        images: {description: "The running images, by container.", returned: always, type: dict}
        waiting: {description: The images of a paused workload that do not run yet., returned: always, type: dict}
        services: {description: The Services that select its pods., returned: always, type: list, elements: str}
        delay: {description: "The seconds until it is scaled down, null if it is not.", returned: always, type: float}
        created: {description: When it was created., returned: always, type: str}
        age: {description: The seconds since then., returned: always, type: float}
        pods:
          description: Its pods (C(name), C(state) in words, C(status), containers C(ready), C(restarts), C(created), C(age)).
          returned: always
          type: list
          elements: dict
    revisions:
      description: The workloads by revision, the newest first.
      returned: always
      type: list
      elements: dict
      contains:
        revision: {description: "Its number, 0 for workloads that this rollout did not release.", returned: always, type: int}
        workloads:
          description: Its workloads, as RV(rollouts[].workloads), each with only the pods of this revision.
          returned: always
          type: list
          elements: dict
    tree: {description: "All of it as a tree in text, of several lines, without colour.", returned: always, type: str}
problem: {description: As RV(progressive.delivery.rollout_step#module:problem)., returned: failure, type: dict}
"""

from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._actions import info
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._module.options import make_info_module, make_reading_context
from ansible_collections.progressive.delivery.plugins.module_utils._module.results import finish
from ansible_collections.progressive.delivery.plugins.module_utils._objects.durations import seconds
from ansible_collections.progressive.delivery.plugins.module_utils._objects.reading import MAX_SERVICE, named
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.picture import UNKNOWN
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.watching import line, mark

SPEC: dict[str, Any] = {
    "name": {"type": "str"},
    "changed_from": {"type": "str"},
    "wait_timeout": {"type": "str", "default": "30s"},
}


def work(ctx: Context, name: str | None, changed_from: str | None, wait_timeout: str) -> dict[str, Any]:
    """Reads the rollout of this name, or all rollouts."""
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
