#!/usr/bin/python
# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: canary_weight
short_description: Split the traffic of a router between the stable and the canary version
description:
  - Gives the canary version a share of the traffic, on the router object that carries it, and puts the router back as it was.
  - Changes just the fields that it must. What these were before is kept in the annotation C(progressive.delivery/original) of the object,
    and O(state=absent) puts them back to the letter.
  - Traffic is only sent to Services that have ready endpoints, and the module returns when proxies have had time to converge.
version_added: 0.1.0
author:
  - progressive.delivery contributors (@progressive-delivery)
extends_documentation_fragment:
  - progressive.delivery.auth
  - progressive.delivery.common
options:
  router:
    description:
      - The kind of router.
      - V(istio) is an Istio VirtualService whose HTTP routes are split between two hosts.
    type: str
    choices: [istio]
    required: true
  name:
    description: Name of the router object, for V(istio) of the VirtualService.
    type: str
    required: true
  stable_service:
    description:
      - Name of the Service of the stable version.
      - For V(istio) the destination's host may be its short name, or its full name in this cluster.
    type: str
    required: true
  canary_service:
    description:
      - Name of the Service of the canary version.
      - Without it, O(stable_service) with C(-canary) behind it.
    type: str
  weight:
    description: The canary's share of the traffic in percent, V(0) to V(100). Required when O(state=present).
    type: int
  routes:
    description:
      - Names of the HTTP routes to move.
      - Needed only when more than one leads to O(stable_service). V(["*"]) moves all that do.
      - Name all of them in each call; routes that an earlier call moved and this one does not name are put back.
    type: list
    elements: str
    default: []
  api_version:
    description:
      - The API version in which to read and write the router object, for example V(networking.istio.io/v1).
      - Without it, the one that most releases of the router serve, for V(istio) C(networking.istio.io/v1beta1).
    type: str
  require_ready:
    description: Refuse to send traffic to a Service without ready endpoints.
    type: bool
    default: true
  grace:
    description:
      - How long proxies get to converge after a change, in seconds or as a duration such as V(5s).
      - Without it V(5s) for V(istio).
      - A call that finds nothing to change waits for the rest of the grace of the call before it.
    type: str
  state:
    description:
      - V(present) splits the traffic.
      - V(absent) puts the router back exactly as it was before the first split.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: progressive.delivery.service_selector
  - module: progressive.delivery.rollout_step
"""

EXAMPLES = r"""
- name: Send a fifth of the traffic to the canary
  progressive.delivery.canary_weight:
    router: istio
    name: shop
    namespace: shop
    stable_service: shop
    canary_service: shop-canary
    weight: 20

- name: Put the VirtualService back as it was
  progressive.delivery.canary_weight:
    router: istio
    name: shop
    namespace: shop
    stable_service: shop
    canary_service: shop-canary
    state: absent
"""

RETURN = r"""
weight:
  description: The shares now, or in check mode as they would be; in parts of their sum.
  returned: success
  type: dict
  sample: {stable: 80, canary: 20}
previous_weight:
  description: The shares before.
  returned: success
  type: dict
  sample: {stable: 95, canary: 5}
resource:
  description: The router object as it is now.
  returned: success
  type: dict
drift:
  description: The fields that somebody else had changed and that were repaired or accepted, as O(on_drift) says.
  returned: success
  type: list
  elements: str
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.progressive.delivery.plugins.module_utils._actions import traffic
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._module.options import make_context, make_module
from ansible_collections.progressive.delivery.plugins.module_utils._module.results import finish
from ansible_collections.progressive.delivery.plugins.module_utils._objects.edits import fields_of
from ansible_collections.progressive.delivery.plugins.module_utils._objects.patches import without_managed_fields
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.durations import seconds
from ansible_collections.progressive.delivery.plugins.module_utils._routing import ROUTERS, default_grace
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Target, split_of

SPEC: dict[str, Any] = {
    "router": {"type": "str", "choices": sorted(ROUTERS), "required": True},
    "name": {"type": "str", "required": True},
    "stable_service": {"type": "str", "required": True},
    "canary_service": {"type": "str"},
    "weight": {"type": "int"},
    "routes": {"type": "list", "elements": "str", "default": []},
    "api_version": {"type": "str"},
    "require_ready": {"type": "bool", "default": True},
    "grace": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def target_of(params: dict[str, Any], namespace: str) -> Target:
    """The place of the split that the options name."""
    stable, canary = params["stable_service"], params["canary_service"] or f"{params['stable_service']}-canary"
    if stable == canary:
        raise Refused(f"stable_service and canary_service are both {stable!r}: the canary needs a Service of its own")
    return Target(params["router"], params["name"], namespace, stable, canary, tuple(params["routes"]), params["api_version"])


def work(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Moves the traffic, or puts the router back."""
    target = target_of(params, ctx.namespace)
    asked = None if params["grace"] is None else seconds(params["grace"], "grace")
    if params["state"] == "present":
        if params["weight"] is None:  # given as null, which Ansible's own check lets pass
            raise Refused("weight is missing: state: present needs it")
        moved = traffic.move(ctx, target, split_of(params["weight"]), params["require_ready"])
    else:
        moved = traffic.restore(ctx, target, params["require_ready"])
    others = sorted({field.by for field in fields_of(moved.resource)} - {ctx.by})
    if others and moved.changed:
        ctx.journal.warnings.append(f"{params['name']} is under {', '.join(others)} too, which will find it changed by somebody else")
    if ctx.wait and not ctx.check:
        traffic.settle(ctx, moved, default_grace([target.router], asked))
    return {
        "weight": asdict(moved.weight),
        "previous_weight": asdict(moved.previous),
        "resource": without_managed_fields(moved.resource),
        "drift": moved.drifted,
    }


def main() -> None:
    """Entry point."""
    module: AnsibleModule = make_module(SPEC, required_if=[("state", "present", ("weight",))])
    params = module.params
    finish(module, lambda each: make_context(each, f"canary_weight/{params['stable_service']}"), lambda ctx: work(ctx, params))


if __name__ == "__main__":
    main()
