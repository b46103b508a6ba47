#!/usr/bin/python
# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: service_selector
short_description: Point a Service at one version of the pods
description:
  - Changes the selector of a Service and waits until its EndpointSlices hold just the ready pods that the selector matches.
  - The selector as it was is kept in the annotation C(progressive.delivery/original) of the Service, and O(state=absent) puts it back.
  - A selector that too few ready pods match is refused, so that the Service never becomes empty.
version_added: 0.1.0
author:
  - progressive.delivery contributors (@progressive-delivery)
extends_documentation_fragment:
  - progressive.delivery.auth
  - progressive.delivery.common
  - progressive.delivery.records
  - progressive.delivery.records.writing
options:
  name:
    description: Name of the Service.
    type: str
    required: true
  selector:
    description:
      - Labels of the pods to point at. Required when O(state=present).
      - Merged over the selector that the Service had before the first call; a null value drops the key.
    type: dict
  merge:
    description: With V(false), O(selector) is the whole selector.
    type: bool
    default: true
  min_ready:
    description: Refuse a selector that fewer ready pods match.
    type: int
    default: 1
  state:
    description:
      - V(present) sets the selector.
      - V(absent) puts back the selector as it was before the first call, if there was one and the Service is still there.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: progressive.delivery.canary_weight
"""

EXAMPLES = r"""
- name: Point the Service at the blue pods
  progressive.delivery.service_selector:
    name: shop
    namespace: shop
    selector:
      version: blue

- name: Give the Service its own selector back
  progressive.delivery.service_selector:
    name: shop
    namespace: shop
    state: absent
"""

RETURN = r"""
selector:
  description: The selector now, or in check mode as it would be.
  returned: success
  type: dict
  sample: {app: shop, version: blue}
previous_selector:
  description: The selector before.
  returned: success
  type: dict
  sample: {app: shop}
endpoints:
  description: How many pods stand in the Service's EndpointSlices, and how many of them can take requests on all its ports.
  returned: success
  type: dict
  sample: {ready: 3, total: 3}
drift:
  description: The fields that another client had changed, and that the module repaired or accepted, as O(on_drift) says.
  returned: success
  type: list
  elements: str
problem: {description: As RV(progressive.delivery.rollout_step#module:problem)., returned: failure, type: dict}
"""

from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._actions import services
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._module.options import make_context, make_module
from ansible_collections.progressive.delivery.plugins.module_utils._module.results import finish
from ansible_collections.progressive.delivery.plugins.module_utils._objects.edits import Edit
from ansible_collections.progressive.delivery.plugins.module_utils._objects.reading import MAX_SERVICE, named
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._objects.resources import SERVICE
from ansible_collections.progressive.delivery.plugins.module_utils._plan.labels import read_selector
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.services import selector_of

SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "selector": {"type": "dict"},
    "merge": {"type": "bool", "default": True},
    "min_ready": {"type": "int", "default": 1},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def work(ctx: Context, params: dict[str, Any]) -> dict[str, Any]:
    """Points the Service, or gives it its own selector back.

    Args:
        ctx: The call.
        params: The options of the module.

    Returns:
        The result of the module but for `changed`, `diff` and warnings.

    Raises:
        Refused: An option, or the state of the cluster, does not allow it; nothing was written.
    """
    present = params["state"] == "present"
    if present and not params["selector"]:
        raise Refused("selector", "is missing or empty", "name the labels of the pods that the Service shall select, or use state absent")
    if params["min_ready"] < 0:
        raise Refused("min_ready", f"must be 0 or more, not {params['min_ready']}", "correct it")
    selector = read_selector("selector", params["selector"]) if present else {}

    def wanted(base: dict[str, Any]) -> list[Edit]:
        return services.selector_edits(base, selector, params["merge"]) if present else []

    name = named("name", params["name"], MAX_SERVICE, dots="")
    if not present and ctx.client.find(ctx.ref(SERVICE, name)) is None:
        ctx.journal.warnings.append(f"Service {ctx.namespace}/{name} does not exist: there is nothing to put back")
        return {"selector": {}, "previous_selector": {}, "endpoints": {"ready": 0, "total": 0}, "drift": []}
    outcome = services.point(ctx, name, wanted, params["min_ready"] if present else 0)
    # Nothing was written in check mode, so the endpoints are those of the selector as it is.
    proven = ctx.wait and not (ctx.check and outcome.changed) and services.has_selected_pods(outcome.after)
    endpoints = services.prove(ctx, outcome.after) if proven else services.endpoints(ctx, outcome.after)
    return {
        "selector": selector_of(outcome.after),
        "previous_selector": selector_of(outcome.before),
        "endpoints": endpoints.counts,
        "drift": outcome.drifted,
    }


def main() -> None:
    """Entry point."""
    module = make_module(SPEC, required_if=[("state", "present", ("selector",))])
    finish(module, lambda each: make_context(each, "service_selector"), lambda ctx: work(ctx, module.params))


if __name__ == "__main__":
    main()
