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
from ansible_collections.progressive.delivery.plugins.module_utils._plan.matches import read_matches, read_mirror
from ansible_collections.progressive.delivery.plugins.module_utils._plan.routers import ALL_OPTIONS, Between, read_router
from ansible_collections.progressive.delivery.plugins.module_utils._routing import default_grace
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import ManagedRoute, Target, Wish, split_of

LEVEL_4: dict[str, Any] = {"port": {"type": "int"}, "sni_hosts": {"type": "list", "elements": "str"}}
SPEC: dict[str, Any] = {
    "router": {"type": "str", "required": True},
    "name": {"type": "list", "elements": "str", "required": True},
    "stable_service": {"type": "str", "required": True},
    "canary_service": {"type": "str"},
    "weight": {"type": "int"},
    "weight_total": {"type": "int", "default": 100},
    "routes": {"type": "list", "elements": "str", "default": []},
    "api_version": {"type": "str"},
    "kind": {"type": "str", "choices": ["HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"]},
    "stable_subset": {"type": "str"},
    "canary_subset": {"type": "str"},
    "destination_rule": {"type": "str"},
    "stable_labels": {"type": "dict"},
    "canary_labels": {"type": "dict"},
    "tls_routes": {"type": "list", "elements": "dict", "options": LEVEL_4},
    "tcp_routes": {"type": "list", "elements": "dict", "options": LEVEL_4},
    "additional_destinations": {"type": "list", "elements": "str"},
    "canary_ingress": {"type": "str"},
    "annotation_prefix": {"type": "str"},
    "definition": {"type": "raw"},
    "matches": {"type": "list", "elements": "dict", "default": []},
    "inherit": {"type": "bool", "default": True},
    "mirror": {"type": "float", "default": 0},
    "require_ready": {"type": "bool", "default": True},
    "grace": {"type": "str"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def targets_of(params: dict[str, Any], namespace: str) -> list[Target]:
    """The places of the split that the options name."""
    stable, canary = params["stable_service"], params["canary_service"] or f"{params['stable_service']}-canary"
    if params["stable_subset"] or params["canary_subset"]:
        canary = params["canary_service"] or stable
    elif stable == canary:
        raise Refused(f"stable_service and canary_service are both {stable!r}: the canary needs a Service of its own")
    options = {key: params[key] for key in ALL_OPTIONS}
    names = list(dict.fromkeys(params["name"]))
    if not names:
        raise Refused("name is empty: name the router object")
    return [read_router(params["router"], name, options, "", Between(namespace, stable, canary)) for name in names]


def wish_of(params: dict[str, Any]) -> Wish:
    """How the traffic shall be shared."""
    weight = params["weight"]
    matches = read_matches(params["matches"])
    if weight is None and not matches and not params["mirror"]:
        raise Refused("weight is missing: state present needs it, or matches, or mirror")
    routes = (ManagedRoute("canary", matches, params["inherit"]),) if matches else ()
    return Wish(split_of(weight or 0, params["weight_total"]), routes, read_mirror(params["mirror"]))


def work(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Moves the traffic, or puts the router back."""
    targets = targets_of(params, ctx.namespace)
    grace = default_grace(targets, None if params["grace"] is None else seconds(params["grace"], "grace"))

    def settle(*moves: traffic.Moved) -> None:
        if ctx.wait and not ctx.check:
            traffic.settle(ctx, moves, grace)

    if params["state"] == "present":
        moves = traffic.move_all(ctx, targets, wish_of(params), params["require_ready"])
    else:
        moves = [traffic.restore(ctx, target, settle, params["require_ready"]) for target in targets]
    _warn_of_others(ctx, moves)
    settle(*moves)
    resources = [without_managed_fields(obj) for moved in moves for obj in moved.resources]
    return {
        "weight": asdict(moves[0].weight),
        "previous_weight": asdict(moves[0].previous),
        "resource": resources[0],
        "resources": resources,
        "drift": [path for moved in moves for path in moved.drifted],
    }


def _warn_of_others(ctx: Context, moves: list[traffic.Moved]) -> None:
    for moved in moves:
        others = sorted({field.by for obj in moved.resources for field in fields_of(obj)} - {ctx.by})
        if others and moved.changed:
            ctx.journal.warnings.append(
                f"{moved.target.name} is under {', '.join(others)} too, which will find it changed by somebody else"
            )


def main() -> None:
    """Entry point."""
    module: AnsibleModule = make_module(SPEC)
    params = module.params
    finish(module, lambda each: make_context(each, f"canary_weight/{params['stable_service']}"), lambda ctx: work(ctx, params))


if __name__ == "__main__":
    main()
