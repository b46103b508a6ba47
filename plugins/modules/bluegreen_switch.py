#!/usr/bin/python
# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bluegreen_switch
short_description: Switch all traffic to another workload, and back
description:
  - Points the active Service at the workload that is named, one of two or more that the user keeps, and scales the one before it down.
  - The pods of the new version are ready before, the EndpointSlices are looked at after. When the call has waited, no request that is sent
    afterwards is answered by the old version, and none was lost.
  - Where routers carry the traffic, they lead to the preview Service while the active one moves, and are as they were afterwards.
  - What was there before the first switch is kept in annotations of the active Service, and O(state=absent) puts it back.
version_added: 0.1.0
author:
  - progressive.delivery contributors (@progressive-delivery)
extends_documentation_fragment:
  - progressive.delivery.auth
  - progressive.delivery.common
  - progressive.delivery.probe
  - progressive.delivery.records
  - progressive.delivery.records.writing
options:
  active_service:
    description:
      - Name of the Service that carries the traffic. Its selector becomes the C(matchLabels) of the O(target), just these.
      - Other Services are left as they are.
    type: str
    required: true
  preview_service:
    description: Name of a Service that leads to the new version before the active one does. Needed with O(routers), but for subsets.
    type: str
  target:
    description:
      - Name of the workload that shall be active. Required when O(state=present).
      - Its selector must not take pods of other workloads, nor must that of the active one take its pods.
    type: str
  target_kind: {description: Kind of the O(target)., type: str, choices: [Deployment, StatefulSet, DaemonSet], default: Deployment}
  swap_preview:
    description:
      - Whether the preview Service leads to the old version after the switch, which then is not scaled down.
      - With V(false) it leads to the new one.
    type: bool
    default: false
  min_ready:
    description:
      - Refuse a target with fewer ready pods. Without it, all pods that the target wants must be ready and of one version.
      - With O(state=absent), how many ready pods the active Service must get back, V(1) by default.
      - A target that was scaled down here is scaled up again first, and waited for.
    type: int
  scale_down:
    description: Whether the old version is scaled to 0 after the O(scale_down_delay). A DaemonSet never is.
    type: bool
    default: true
  scale_down_delay:
    description:
      - How long the old version runs on after the switch, counted from when proxies have converged, in seconds or as a duration.
      - A switch back meanwhile starts no pod. The O(grace) passes in any case, for requests that are under way.
      - The call waits for it with O(wait=true), and scales down. With O(wait=false) the next call after RV(scale_down_at) does.
      - To return when the switch is proven, and scale down in a later call, set O(scale_down=false) in the first of the two.
    type: str
    default: 30s
  routers:
    description:
      - The routers that carry the traffic to the active Service, each with its C(type) and C(name).
      - C(type) is what O(progressive.delivery.canary_weight#module:router) is there, and each takes the options of that module that say
        where the split stands, such as C(routes), C(kind), C(canary_ingress), C(allow_mirror_reload) or C(definition).
      - With C(stable_subset), C(canary_subset) and C(destination_rule) an Istio route leads to the one of the two that has the target's
        pods, whichever it is, and stays there. The active Service then keeps its selector.
    type: list
    elements: dict
    default: []
  grace:
    description:
      - How long proxies get to converge after each move of traffic, in seconds or as a duration such as V(5s).
      - Without it, the longest default of the routers, as O(progressive.delivery.canary_weight#module:grace) says; V(5s) without routers.
    type: str
  probe:
    description:
      - Requests that are sent until their answers show the new version, instead of waiting the O(grace) for that.
      - A mapping as in O(progressive.delivery.canary_weight#module:probe). Its C(expect.canary) tells an answer of the O(target).
    type: dict
  start_tolerance:
    description:
      - What pods of a version that is scaled up again may go through before the call gives up, while there is time.
      - As O(progressive.delivery.rollout_step#module:start_tolerance).
    type: dict
    suboptions:
      time: {description: "How long an image that cannot be pulled, or missing configuration, is tolerated; V(60s) by default.", type: str}
      restarts: {description: How many restarts of a container that crashes are tolerated; V(3) by default., type: int}
  state:
    description:
      - V(present) makes the target active.
      - V(absent) puts everything back as it was before the first switch, what was scaled down first. It needs the O(routers) that were
        moved from subset to subset.
    type: str
    choices: [present, absent]
    default: present
notes:
  - A HorizontalPodAutoscaler does nothing for a workload with 0 replicas, so it can stay with each of the versions. A ScaledObject of KEDA
    would start the one that rests, so pause it there.
  - Two calls at once do not harm each other. The one that comes last goes on, the other one fails and says so.
seealso:
  - module: progressive.delivery.service_selector
  - module: progressive.delivery.canary_weight
"""

EXAMPLES = r"""
- name: Make green the active version, and scale blue down five minutes later
  progressive.delivery.bluegreen_switch:
    active_service: shop
    preview_service: shop-preview
    target: shop-green
    namespace: shop
    scale_down_delay: 5m

- name: Switch behind an HTTPRoute and a VirtualService, and return as soon as no request can come to blue
  progressive.delivery.bluegreen_switch:
    active_service: shop
    preview_service: shop-preview
    target: shop-green
    namespace: shop
    scale_down: false
    routers:
      - {type: istio, name: shop, routes: [primary]}
      - {type: gateway_api, name: shop}

- name: Go back
  progressive.delivery.bluegreen_switch:
    active_service: shop
    preview_service: shop-preview
    target: shop-blue
    namespace: shop

- name: Leave everything as it was before the first switch
  progressive.delivery.bluegreen_switch:
    active_service: shop
    namespace: shop
    state: absent
"""

RETURN = r"""
active:
  description: The workload to which the traffic goes, or in check mode would go; null where that is none, or several.
  returned: success
  type: dict
  sample: {kind: Deployment, name: shop-green}
previous:
  description: The workload that had the traffic before the last switch, null without one.
  returned: success
  type: dict
  sample: {kind: Deployment, name: shop-blue}
scale_down_at:
  description:
    - From when on (seconds since the epoch) a call scales down what had the traffic before; the earliest where that is still to be proven.
    - Null where nothing waits for that, or where a Service leads to it.
  returned: success
  type: float
  sample: 1767225600.0
switch_seconds:
  description: Seconds from the start of the module until the EndpointSlices showed the new version, null where nothing was switched.
  returned: success
  type: float
  sample: 0.41
endpoints:
  description: How many pods stand in the active Service's EndpointSlices, and how many of them can take requests on all its ports.
  returned: success
  type: dict
  sample: {ready: 3, total: 3}
measured:
  description: What the O(probe) saw, as RV(progressive.delivery.canary_weight#module:measured).
  returned: when a probe was sent
  type: dict
msg: {description: What is still to be waited for., returned: when O(wait=false) and there is something, type: str}
drift:
  description: The fields of the active Service that somebody else had changed and that were repaired or accepted, as O(on_drift) says.
  returned: success
  type: list
  elements: str
problem: {description: As RV(progressive.delivery.rollout_step#module:problem)., returned: failure, type: dict}
"""

from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._module.options import PROBE_SPEC, START_TOLERANCE_SPEC, make_module
from ansible_collections.progressive.delivery.plugins.module_utils._module.switches import run

SPEC: dict[str, Any] = {
    "active_service": {"type": "str", "required": True},
    "preview_service": {"type": "str"},
    "target": {"type": "str"},
    "target_kind": {"type": "str", "choices": ["Deployment", "StatefulSet", "DaemonSet"], "default": "Deployment"},
    "swap_preview": {"type": "bool", "default": False},
    "min_ready": {"type": "int"},
    "scale_down": {"type": "bool", "default": True},
    "scale_down_delay": {"type": "str", "default": "30s"},
    "routers": {"type": "list", "elements": "dict", "default": []},
    "grace": {"type": "str"},
    **PROBE_SPEC,
    "start_tolerance": {"type": "dict", "options": START_TOLERANCE_SPEC},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Entry point."""
    run(make_module(SPEC, required_if=[("state", "present", ("target",))]))


if __name__ == "__main__":
    main()
