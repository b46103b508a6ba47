#!/usr/bin/python
# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_step
short_description: Advance a progressive rollout by its plan
description:
  - Gives a new version of an application all of the traffic step by step, and aborts or rolls back a release on request.
  - The options are the plan. The state of the rollout is stored in the cluster, in the ConfigMap C(<name>.rollout) and a Lease of the same
    name. A call from any machine continues where the last call ended, even if that call was killed.
  - By default a clone of the workload, C(<workload>-canary), runs the new version while the steps increase its share of the traffic. At the
    end the workload itself is rolled to the new version while it has no traffic, and the clone is deleted. See O(workload.style) for other
    ways.
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
      - The number of a step, counted from 1. The call carries out this step only, independent of O(until).
      - If the step is already done, nothing changes. A step that is not the next one is an error. The call waits for the end of a timed
        pause. A pause without duration ends the call, unless the call promotes it.
      - The call does not promote the version after the last step. A call without this option completes the release.
    type: int
  until:
    description:
      - V(pause) continues to the next pause or the end of the release. If the rollout is in a timed pause, the call waits for its end
        first.
      - V(step) carries out one step.
      - V(end) continues to the end of the release and waits for the end of timed pauses. A pause without duration still ends the call.
    type: str
    choices: [pause, step, end]
    default: pause
  promote:
    description:
      - Continue after the current pause, with an empty mapping, or with the revision and the step of the pause.
      - If the named pause is already over, nothing changes. Another revision is an error. A job that is run again therefore never promotes
        two pauses.
    type: dict
    suboptions:
      revision: {description: "The revision to promote. The default is the current one.", type: int}
      step: {description: "The index of the pause, as in RV(step.index). The default is the current one.", type: int}
      full: {description: Skip all remaining pauses., type: bool, default: false}
  retry: {description: Release a version that was aborted before., type: bool, default: false}
  undo:
    description:
      - Release a former version again, with the plan of the last release, including its steps and pauses.
      - V(previous) is the version before the current one. A second call with it returns to the current version. The number of a revision
        (see M(progressive.delivery.rollout_info)) always means the same version.
      - The whole pod template is restored from the ReplicaSet that has it.
      - If the former version still runs without traffic because the delay after the promotion is not over, only the traffic moves back, as
        with O(state=aborted). Any other revision in progress is aborted instead.
    type: str
  reason:
    description: "The reason for O(state=aborted). It is stored in the record, and shown when the version is released again."
    type: str
  state:
    description:
      - V(present) releases the version in O(revision).
      - V(aborted) sends all traffic back to the stable version and removes the new version, in every state of the rollout, also while
        another call works on it.
      - V(absent) does the same with a revision in progress and deletes the record. The application is then as it was before, except for
        objects that were created because O(services) or O(routers) declare them.
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
  description: The state of the rollout.
  returned: when the record could be read
  type: str
  choices: [Progressing, Paused, Healthy, Aborted, Degraded]
safe_to_abort:
  description:
    - Whether it makes sense to abort the release after the failure. V(false) if the call failed before it changed anything, for example
      because of an invalid plan, another run that holds the rollout, or a missing permission.
  returned: failure
  type: bool
refused:
  description:
    - Whether the call did not start anything. The other values may then describe the release of another run, so do not abort because of
      them.
  returned: failure
  type: bool
step:
  description: The progress in the steps of the rollout.
  returned: when the rollout has a record
  type: dict
  sample: {index: 1, total: 7, current: "pause 30s"}
  contains:
    index:
      description: The number of steps that are done, which is the index of the current step, counted from 0.
      returned: always
      type: int
    total: {description: The number of steps., returned: always, type: int}
    current: {description: "The current step, null when all are done.", returned: always, type: str}
weight:
  description: The split of the traffic in percent, null if the plan in the record cannot be read.
  returned: when the record could be read
  type: dict
  sample: {stable: 80, canary: 20}
revision: {description: The number of the revision. Each new version increments it., returned: when the record could be read, type: int}
strategy: {description: V(canary) or V(bluegreen)., returned: when the rollout has a record, type: str}
scale_down_at:
  description: When the version without traffic is scaled down, in seconds since the epoch.
  returned: while the rollout waits for that
  type: float
resume_at: {description: "The end of the timed pause, in seconds since the epoch.", returned: when paused with a duration, type: float}
expires_at: {description: "When the pause expires, in seconds since the epoch.", returned: when paused with C(expires), type: float}
at_expiry: {description: "What the first call after that does, V(abort) or V(promote).", returned: when paused with C(expires), type: str}
steps_skipped:
  description: Whether the release skips its steps because its version is within O(rollback_window).
  returned: when the record could be read
  type: bool
begins:
  description: Whether the call would start a revision, which means that a revision in progress is another version.
  returned: in check mode
  type: bool
measured:
  description: What the O(probe) measured after the last change of traffic, see RV(progressive.delivery.canary_weight#module:measured).
  returned: when a probe was sent
  type: dict
actions:
  description: The actions that were done, in order, or in check mode would be done.
  returned: when the record could be read
  type: list
  elements: str
tree:
  description:
    - The rollout as a tree in text, of several lines, see M(progressive.delivery.rollout_info).
    - Without workloads and pods if the call had nothing to do, and in check mode.
  returned: when the record could be read
  type: str
problem:
  description: "Why the call failed, as data. C(msg) is the same in one sentence, C(object what: remedy)."
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
