#!/usr/bin/python
# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_step
short_description: Advance a progressive rollout by its plan
description:
  - Takes a new version of an application step by step to all of the traffic, and all of it back when told to.
  - The options are the plan. Where the rollout stands is remembered in the cluster, in ConfigMap C(<name>.rollout) beside a Lease of that
    name, so that any call, from anywhere, goes on where the last one ended, however that one ended.
  - By default a clone of the workload, C(<workload>-canary), runs the new version while the steps give it more and more of the traffic. At
    the end the new version is rolled into the workload itself, while no traffic is on it, and the clone is removed. O(workload.style) has
    other ways.
version_added: 0.1.0
author:
  - progressive.delivery contributors (@progressive-delivery)
extends_documentation_fragment:
  - progressive.delivery.auth
  - progressive.delivery.common
  - progressive.delivery.records
  - progressive.delivery.records.writing
  - progressive.delivery.plan
options:
  name: {description: Name of the rollout., type: str, required: true}
  ensure_step:
    description:
      - The number of a step, counted from 1, that must be done; just that one is carried out, O(until) does not count.
      - A step that is done changes nothing; one that does not come next is an error. A timed pause is waited out, one until somebody
        promotes ends the call, unless that promotes it.
      - The last step is not followed by the promotion; a call without this option ends the release.
    type: int
  until:
    description:
      - V(pause) goes on to the next pause or to the end. A call that finds a timed pause waits it out first.
      - V(step) does one step.
      - V(end) goes on to the end and waits timed pauses out; a pause without duration still ends the call.
    type: str
    choices: [pause, step, end]
    default: pause
  promote:
    description:
      - Pass the pause that the rollout is at, with an empty mapping or naming it.
      - A pause that has been passed before changes nothing, another revision is an error, so that a relaunched job never passes two pauses.
    type: dict
    suboptions:
      revision: {description: "The revision to promote; without it, the present one.", type: int}
      step: {description: "The index of the pause, as RV(step.index) says it; without it, the present one.", type: int}
      full: {description: Pass all pauses that remain., type: bool, default: false}
  retry: {description: Release a version again that was aborted the last time., type: bool, default: false}
  undo:
    description:
      - Go back to a version that was released before, by the plan of the last release, steps and pauses included.
      - V(previous) is what ran before the version that runs now, so that asking twice goes there and back. The number of a revision, as
        M(progressive.delivery.rollout_info) lists them, is the same version however often it is asked for.
      - The whole pod template comes back, from the ReplicaSet that holds it.
      - Where the version before still runs without traffic, since the delay after the promotion is not over, just the traffic goes back to
        it, as with O(state=aborted). A revision that is under way otherwise is aborted instead.
    type: str
  reason: {description: "With O(state=aborted), why; it is kept in the record and told when the same version is released again.", type: str}
  state:
    description:
      - V(present) releases the version in O(revision).
      - V(aborted) sends all traffic back to the stable version and removes the new one, from wherever the rollout is, also while another
        call works on it.
      - V(absent) does the same with what is under way, and forgets the record. The application is then as it was before, with what was
        made because O(services) or O(routers) declare it.
    type: str
    choices: [present, aborted, absent]
    default: present
seealso:
  - module: progressive.delivery.canary_weight
  - module: progressive.delivery.service_selector
"""

EXAMPLES = r"""
- name: Release yellow, up to the first pause
  progressive.delivery.rollout_step:
    name: rollouts-demo
    namespace: test
    workload:
      name: rollouts-demo
    revision:
      images:
        rollouts-demo: argoproj/rollouts-demo:yellow
    services:
      stable: rollouts-demo
      canary: rollouts-demo-canary
    routers:
      - type: istio
        name: rollouts-demo
        routes: [primary]
    canary:
      steps:
        - set_weight: 5
        - pause: {duration: 30s}
        - set_weight: 50
        - pause: {}

- name: Pass the pause at step 3 of revision 7
  progressive.delivery.rollout_step:
    name: rollouts-demo
    namespace: test
    promote:
      revision: 7
      step: 3

- name: Go back
  progressive.delivery.rollout_step:
    name: rollouts-demo
    namespace: test
    state: aborted
"""

RETURN = r"""
phase:
  description: Where the rollout stands.
  returned: when the record could be read
  type: str
  choices: [Progressing, Paused, Healthy, Aborted, Degraded]
safe_to_abort:
  description:
    - Whether an abort is a sensible answer to the failure. V(false) when the call refused before it acted, for example for an invalid
      plan, a run that holds the rollout, or a missing permission.
  returned: failure
  type: bool
refused:
  description: Whether the call began nothing. The other values then may describe the release of another run - abort nothing by them.
  returned: failure
  type: bool
step:
  description: Where in its steps the rollout is.
  returned: when the rollout has a record
  type: dict
  sample: {index: 1, total: 7, current: "pause 30s"}
  contains:
    index:
      description: How many steps are done, which is also the index of the present one, counted from 0.
      returned: always
      type: int
    total: {description: How many steps there are., returned: always, type: int}
    current: {description: The present step; null when all are done., returned: always, type: str}
weight:
  description: The split of the traffic in percent that the rollout has reached; null where the plan in its record cannot be read.
  returned: when the record could be read
  type: dict
  sample: {stable: 80, canary: 20}
revision: {description: The number of the revision; each new version counts one up., returned: when the record could be read, type: int}
strategy: {description: V(canary) or V(bluegreen)., returned: when the rollout has a record, type: str}
scale_down_at:
  description: When the version that has no traffic any more goes, in seconds since the epoch.
  returned: while that is waited for
  type: float
resume_at: {description: "When a timed pause is over, in seconds since the epoch.", returned: when paused with a duration, type: float}
expires_at: {description: "When the pause expires, in seconds since the epoch.", returned: when paused with C(expires), type: float}
at_expiry: {description: "What the next call after that does, V(abort) or V(promote).", returned: when paused with C(expires), type: str}
steps_skipped:
  description: Whether the release skips its steps, since it goes back within the O(rollback_window).
  returned: when the record could be read
  type: bool
begins:
  description: Whether the call would begin a revision, so that what is under way is another version.
  returned: in check mode
  type: bool
measured:
  description: What the O(probe) saw of the last move, as module M(progressive.delivery.canary_weight) returns it.
  returned: when a probe was sent
  type: dict
actions:
  description: What was done, in order; in check mode what would be.
  returned: when the record could be read
  type: list
  elements: str
tree:
  description:
    - The rollout as a picture in text, of several lines, as M(progressive.delivery.rollout_info) draws it.
    - Just its head, without workloads and pods, from a call that had nothing to do, and in check mode.
  returned: when the record could be read
  type: str
problem:
  description: Why the call failed, as data. RV(msg) is the same in one sentence, C(object what: remedy).
  returned: failure, unless the reason is not about one object or option
  type: dict
  sample: {object: "canary.steps[1].set_weight", what: "must be a whole number from 0 to 100, not 120", remedy: correct the number}
  contains:
    object: {description: "The object (C(Service shop/web)), the rollout (C(rollout shop)), or the option.", returned: always, type: str}
    what: {description: What is wrong with it., returned: always, type: str}
    remedy: {description: What to do about it., returned: always, type: str}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.progressive.delivery.plugins.module_utils._actions import rollout
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import NotYet
from ansible_collections.progressive.delivery.plugins.module_utils._actions.lease import Held, Lost
from ansible_collections.progressive.delivery.plugins.module_utils._module import plan_options
from ansible_collections.progressive.delivery.plugins.module_utils._module.definitions import with_definitions
from ansible_collections.progressive.delivery.plugins.module_utils._module.options import make_context, make_module
from ansible_collections.progressive.delivery.plugins.module_utils._module.outcome import not_as_asked, refused, result_of, state_of
from ansible_collections.progressive.delivery.plugins.module_utils._module.probes import callers_probe
from ansible_collections.progressive.delivery.plugins.module_utils._module.results import EXPECTED_ERRORS, failure_of, journal_of, one_line
from ansible_collections.progressive.delivery.plugins.module_utils._objects.reading import MAX_SERVICE, named
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Drifted, Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import PLAN_KEYS
from ansible_collections.progressive.delivery.plugins.module_utils._plan.probes import read_hosts

SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    **plan_options.PLAN_SPEC,
    "ensure_step": {"type": "int"},
    "until": {"type": "str", "choices": ["pause", "step", "end"], "default": "pause"},
    "promote": {"type": "dict", "options": plan_options.PROMOTE_SPEC},
    "retry": {"type": "bool", "default": False},
    "undo": {"type": "str"},
    "reason": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "aborted", "absent"], "default": "present"},
}


def wish_of(params: dict[str, Any]) -> rollout.Wish:
    """What the options ask for."""
    for option in ("undo", "ensure_step"):
        if params[option] is not None and params["state"] != "present":
            raise Refused(option, f"cannot be used with state {params['state']}", "remove it, or use state present")
    callers_probe(params)
    revision = {key: value for key, value in (params["revision"] or {}).items() if value is not None}
    number = revision.pop("number", None)
    return rollout.Wish(
        name=named("name", params["name"], MAX_SERVICE),
        probe_hosts=read_hosts(params["probe_hosts"]),
        plan={**{key: params[key] for key in PLAN_KEYS}, "revision": revision or None, "routers": with_definitions(params["routers"])},
        until=params["until"] if params["ensure_step"] is None else "step",
        ensure_step=params["ensure_step"],
        promote=params["promote"],
        state=params["state"],
        revision=number,
        retry=params["retry"],
        undo=params["undo"],
        reason=params["reason"],
    )


def main() -> None:
    """Entry point."""
    module: AnsibleModule = make_module(SPEC)
    try:
        this = rollout.open_run(make_context(module, module.params["name"]), wish_of(module.params))
    except EXPECTED_ERRORS as problem:
        module.fail_json(**failure_of(problem), changed=False, safe_to_abort=False, refused=True)
    else:
        _carry_out(module, this)


def _carry_out(module: AnsibleModule, this: rollout.Run) -> None:
    try:
        rollout.carry_out(this)
    except NotYet as waiting:
        module.exit_json(**_told(module, this), msg=one_line(waiting))
    except EXPECTED_ERRORS as problem:
        safe = this.ctx.journal.acting and not isinstance(problem, (Drifted, Held, Lost))
        module.fail_json(**_told(module, this), **failure_of(problem), safe_to_abort=safe, refused=refused(this))
    else:
        why = not_as_asked(this)
        if why:
            module.fail_json(**_told(module, this), msg=why, safe_to_abort=False, refused=refused(this))
        module.exit_json(**_told(module, this), msg=result_of(this)["msg"])


def _told(module: AnsibleModule, this: rollout.Run) -> dict[str, Any]:
    """The result but for its message."""
    return {**journal_of(module, this.ctx.journal), **state_of(this)}


if __name__ == "__main__":
    main()
