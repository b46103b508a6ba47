#!/usr/bin/python
# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_preflight_info
short_description: See what would stop or endanger a rollout
description:
  - Takes the plan that M(progressive.delivery.rollout_step) would carry out and lists all that stands in its way, each with its remedy -
    missing objects and permissions, a workload that is not at rest, Services that move along, autoscalers, PodDisruptionBudgets, quotas,
    nodes and volumes that leave no room for a second set of pods, sessions that weights do not move, and GitOps tools that would put back
    what the rollout sets.
  - Reads only, and takes no Lease. What it may not read it says, and goes on.
  - Findings are no failure; an invalid plan is.
  - Returns the smallest Role that allows the plan.
  - M(progressive.delivery.rollout_step) makes the same checks at the start of a revision, stops at the first that is fatal, and warns of
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
  name:
    description: Name of the rollout.
    type: str
    required: true
  namespace:
    description: The namespace. Without it, the one of the kubeconfig's context.
    type: str
  workload:
    description: As O(progressive.delivery.rollout_step#module:workload).
    type: dict
    required: true
  revision:
    description: As O(progressive.delivery.rollout_step#module:revision).
    type: dict
  services:
    description: As O(progressive.delivery.rollout_step#module:services).
    type: dict
    required: true
  routers:
    description: As O(progressive.delivery.rollout_step#module:routers).
    type: list
    elements: dict
  canary:
    description: As O(progressive.delivery.rollout_step#module:canary).
    type: dict
attributes:
  check_mode:
    description: Changes nothing in any case.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: N/A
seealso:
  - module: progressive.delivery.rollout_step
  - module: progressive.delivery.rollout_info
"""

EXAMPLES = r"""
- name: See what stands in the way of yellow
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

- name: Write down the smallest Role that allows this plan, for whoever grants it
  ansible.builtin.copy:
    content: "{{ seen.role | to_nice_yaml }}"
    dest: role.yml
    mode: "0644"

- name: Stop where it would be refused
  ansible.builtin.assert:
    that: seen.ok
    fail_msg: "{{ seen.msg }}"
"""

RETURN = r"""
ok:
  description: Whether nothing is fatal, so that M(progressive.delivery.rollout_step) would begin.
  returned: success
  type: bool
findings:
  description: What was found, the fatal first.
  returned: success
  type: list
  elements: dict
  contains:
    severity:
      description:
        - V(fatal) stops the rollout before it writes anything. V(warning) does not stop it and names a danger.
        - V(info) says what the release cannot see or spare its users; it is no part of RV(msg).
      returned: always
      type: str
      choices: [fatal, warning, info]
    object:
      description: What it is about.
      returned: always
      type: str
      sample: Deployment test/rollouts-demo
    problem:
      description: What is wrong with it.
      returned: always
      type: str
      sample: is paused
    remedy:
      description: What to do.
      returned: always
      type: str
      sample: resume it first (kubectl rollout resume deployment/rollouts-demo)
role:
  description:
    - The smallest Role (C(rbac.authorization.k8s.io/v1)) that allows this plan, from the first release to the hand-back, with
      C(resourceNames) where the API server can restrict a verb to names. It names what is there now - after another Service, autoscaler or
      disruption budget has come to select the pods, ask again.
    - What may not be read, such as other Services that select the pods, cannot be named. Grant what is lacking and ask again.
  returned: success
  type: dict
  sample:
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata: {name: progressive-delivery-rollouts-demo, namespace: test}
    rules:
      - {apiGroups: [""], resources: [configmaps], resourceNames: [rollouts-demo.rollout], verbs: [get, patch, delete]}
      - {apiGroups: [""], resources: [configmaps], verbs: [create]}
msg:
  description: The first of the findings that are fatal or warnings, or that there is none, on one line.
  returned: always
  type: str
"""

from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._actions import preflight
from ansible_collections.progressive.delivery.plugins.module_utils._module.definitions import with_definitions
from ansible_collections.progressive.delivery.plugins.module_utils._module.options import make_info_module, make_reading_context
from ansible_collections.progressive.delivery.plugins.module_utils._module.plan_options import PLAN_SPEC
from ansible_collections.progressive.delivery.plugins.module_utils._module.probes import callers_probe
from ansible_collections.progressive.delivery.plugins.module_utils._module.results import finish
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import PLAN_KEYS

# What the parts of a plan hold is read where rollout_step has it read, so that both take the same.
SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "workload": {"type": "dict", "required": True},
    "revision": {"type": "dict", "no_log": True},
    "services": {"type": "dict", "required": True},
    "routers": {"type": "list", "elements": "dict"},
    "canary": {"type": "dict"},
    **PLAN_SPEC,
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
