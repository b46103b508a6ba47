#!/usr/bin/python
# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_preflight_info
short_description: Check what would stop or endanger a rollout
description:
  - Checks a plan for M(progressive.delivery.rollout_step) and returns all problems with their remedies. These are missing objects and
    permissions, a workload that is not fully rolled out, other Services that select the same pods, autoscalers, PodDisruptionBudgets,
    quotas, nodes and volumes without room for a second set of pods, sticky sessions, and GitOps tools that would revert what the rollout
    sets.
  - Only reads, and does not take the Lease. It reports what the user may not read, and continues.
  - Findings do not fail the call. An invalid plan does.
  - Returns the smallest Role that allows the plan.
  - M(progressive.delivery.rollout_step) makes the same checks at the start of a revision, stops at the first fatal finding, and warns of
    the others.
version_added: 0.1.0
author:
  - progressive.delivery contributors (@progressive-delivery)
extends_documentation_fragment:
  - progressive.delivery.auth
  - progressive.delivery.records
  - progressive.delivery.ignored
  - progressive.delivery.plan
options:
  name: {description: Name of the rollout., type: str, required: true}
  workload: {required: true}
  services: {required: true}
seealso:
  - module: progressive.delivery.rollout_step
  - module: progressive.delivery.rollout_info
"""

EXAMPLES = r"""
- name: Check the release of yellow
  progressive.delivery.rollout_preflight_info:
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
        - pause: {}
  register: seen

- name: Save the smallest Role that allows this plan
  ansible.builtin.copy:
    content: "{{ seen.role | to_nice_yaml }}"
    dest: role.yml
    mode: "0644"

- name: Stop if the release would be refused
  ansible.builtin.assert:
    that: seen.ok
    fail_msg: "{{ seen.msg }}"
"""

RETURN = r"""
ok:
  description: "Whether there is no fatal finding, so that M(progressive.delivery.rollout_step) would start."
  returned: success
  type: bool
findings:
  description: The findings, the fatal ones first.
  returned: success
  type: list
  elements: dict
  contains:
    severity:
      description:
        - V(fatal) stops the rollout before it writes anything. V(warning) does not stop it.
        - V(info) describes a limit of the release. It is not part of RV(msg).
      returned: always
      type: str
      choices: [fatal, warning, info]
    object: {description: The object or option., returned: always, type: str, sample: Deployment test/rollouts-demo}
    problem: {description: What is wrong with it., returned: always, type: str, sample: is paused}
    remedy:
      description: What to do.
      returned: always
      type: str
      sample: resume it first (kubectl rollout resume deployment/rollouts-demo)
role:
  description:
    - The smallest Role (C(rbac.authorization.k8s.io/v1)) that allows this plan, from the first release to the hand-back, with
      C(resourceNames) where the API server can restrict a verb to names. It contains the objects that exist now. Run the module again after
      another Service, autoscaler or disruption budget selects the pods.
    - Objects that the user may not read are missing in it. Grant the missing rights and run the module again.
  returned: success
  type: dict
  sample:
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata: {name: progressive-delivery-rollouts-demo, namespace: test}
    rules:
      - {apiGroups: [""], resources: [configmaps], resourceNames: [rollouts-demo.rollout], verbs: [get, patch, delete]}
      - {apiGroups: [""], resources: [configmaps], verbs: [create]}
msg: {description: "The first fatal finding or warning, or that there is none, in one line.", returned: always, type: str}
problem: {description: As RV(progressive.delivery.rollout_step#module:problem)., returned: failure, type: dict}
"""

from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._actions import preflight
from ansible_collections.progressive.delivery.plugins.module_utils._module.definitions import with_definitions
from ansible_collections.progressive.delivery.plugins.module_utils._module.options import make_info_module, make_reading_context
from ansible_collections.progressive.delivery.plugins.module_utils._module.plan_options import PLAN_SPEC
from ansible_collections.progressive.delivery.plugins.module_utils._module.probes import callers_probe
from ansible_collections.progressive.delivery.plugins.module_utils._module.results import finish
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import PLAN_KEYS

SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    **PLAN_SPEC,
    **{option: {**PLAN_SPEC[option], "required": True} for option in ("workload", "services")},
}


def plan_of(params: dict[str, Any]) -> dict[str, Any]:
    """The options that are the plan."""
    callers_probe(params)
    return {**{key: params[key] for key in PLAN_KEYS}, "routers": with_definitions(params["routers"])}


def main() -> None:
    """Entry point."""
    module = make_info_module(SPEC)
    finish(module, make_reading_context, lambda ctx: preflight.run(ctx, module.params["name"], plan_of(module.params)))


if __name__ == "__main__":
    main()
