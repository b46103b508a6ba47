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
  - Sends it certain requests whatever the share, or copies of requests, where the router can.
  - Changes only the fields that it must. What these were before is kept in the annotation C(progressive.delivery/original) of the object,
    and O(state=absent) puts exactly these back.
  - Traffic is only sent to Services that have ready endpoints, and the module returns when proxies have had time to converge.
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
  router:
    description:
      - The kind of router.
      - V(istio) is an Istio VirtualService.
      - V(gateway_api) is a route of the Gateway API, see O(kind).
      - V(ingress_nginx) is an Ingress whose controller reads the canary annotations of ingress-nginx. A canary Ingress is created for it,
        and removed with O(state=absent).
      - V(replicas) needs no router, and splits by the numbers of pods behind one Service.
      - Any other name is that of a router definition, one that is shipped (V(traefik), V(contour), V(smi), V(apisix)) or the one in
        O(definition).
    type: str
    required: true
  name:
    description:
      - Name of the router object, that is the VirtualService, the route, the stable Ingress, or for V(replicas) the stable Deployment.
      - Several names stand for several objects of the same kind which are split alike. All are checked before the first is written.
    type: list
    elements: str
    required: true
  stable_service:
    description:
      - Name of the Service of the stable version.
      - For V(istio) the destination's host may be its short name, or its full name in this cluster. For V(gateway_api) a Service in another
        namespace is written as C(name.namespace).
    type: str
    required: true
  canary_service:
    description:
      - Name of the Service of the canary version.
      - Without it, O(stable_service) with C(-canary) behind it.
    type: str
  weight:
    description:
      - The canary's share of the traffic, in parts of O(weight_total), of what O(additional_destinations) leave.
      - Required when O(state=present), unless O(matches) or O(mirror) are given, with which it is V(0) by default.
    type: int
  weight_total:
    description: How many parts all of the traffic is, V(100) for percent.
    type: int
    default: 100
  routes:
    description:
      - Names of the HTTP routes (Istio) or rules (Gateway API) to move.
      - Needed only when more than one leads to O(stable_service). V(["*"]) moves all that do.
      - Name all of them in each call; routes that an earlier call moved and this one does not name are put back.
    type: list
    elements: str
    default: []
  api_version:
    description:
      - The API version in which to read and write the router object, for example V(networking.istio.io/v1).
      - Without it, the one that most releases of the router serve.
    type: str
  kind:
    description: The kind of the route, for V(gateway_api). Without it V(HTTPRoute).
    type: str
    choices: [HTTPRoute, GRPCRoute, TCPRoute, TLSRoute]
  stable_subset:
    description:
      - For V(istio), the subset of the host O(stable_service) that is the stable version. The split is then between two subsets of one
        host.
    type: str
  canary_subset:
    description: For V(istio), the subset that is the canary version.
    type: str
  destination_rule:
    description: For V(istio), the name of the DestinationRule that defines the subsets.
    type: str
  stable_labels:
    description: For V(istio), labels that pods must have to be in O(stable_subset); they are merged into those that the subset has.
    type: dict
  canary_labels:
    description: For V(istio), labels that pods must have to be in O(canary_subset); a subset that is not there is added with them.
    type: dict
  tls_routes:
    description: For V(istio), the C(tls) routes to move instead of HTTP routes, by port, SNI hosts, or both.
    type: list
    elements: dict
    suboptions:
      port:
        description: The port that the route matches.
        type: int
      sni_hosts:
        description: The SNI hosts that the route matches, all of them.
        type: list
        elements: str
  tcp_routes:
    description: For V(istio), the C(tcp) routes to move instead of HTTP routes, by port.
    type: list
    elements: dict
    suboptions:
      port:
        description: The port that the route matches.
        type: int
      sni_hosts:
        description: Not for TCP routes.
        type: list
        elements: str
  additional_destinations:
    description:
      - Further Services in the route, which keep their share. The split is of what they leave.
      - A route with a further destination that is not named here is refused.
    type: list
    elements: str
  canary_ingress:
    description: For V(ingress_nginx), the name of the canary Ingress. Without it, O(name) with C(-canary) behind it.
    type: str
  annotation_prefix:
    description: For V(ingress_nginx), the prefix of the controller's annotations. Without it V(nginx.ingress.kubernetes.io).
    type: str
  allow_mirror_reload:
    description:
      - For V(ingress_nginx), whether O(mirror) may write its annotations on the Ingress. Without it such a mirror is refused.
      - The controller ingress-nginx reloads when the mirror begins and when it ends, which closes idle keep-alive connections, and it holds
        a client's connection until the copy is answered, so that a slow canary slows users.
    type: bool
  definition:
    description:
      - The definition of a router that this collection does not know, as a mapping, or as the path of a YAML file.
      - The keys of a definition stand in L(the guide to routers,https://github.com/progressive-delivery/progressive.delivery/blob/main/docs/routers.md).
    type: raw
  canary_workload:
    description:
      - For V(replicas), the name of the Deployment of the canary version. Without it, O(name) with C(-canary) behind it.
    type: str
  matches:
    description:
      - Requests that go to the canary whatever the O(weight), as a list of alternatives.
      - Each is a mapping with C(headers), C(cookies) and C(query), which map names to conditions, and C(path) and C(method), which are
        conditions. All of them must hold.
      - A condition is a mapping with one of C(exact), C(prefix), C(regex), C(present) or C(switch). A bare text is C(exact). With
        C(switch) the value C(always) takes a request to the canary and C(never) keeps it away.
      - What a router cannot do is refused by name. V(ingress_nginx) can do one header, and one cookie with C(switch).
      - Name all of them in each call, as the ones before are replaced.
    type: list
    elements: dict
    default: []
  inherit:
    description:
      - Whether O(matches) take only requests that the route which is split would have got, and treat them as that one does, with its
        rewrites, timeouts and retries.
      - With V(false) they stand above all routes, and take every request that has what they ask for, to where the first of the routes
        that are split leads.
    type: bool
    default: true
  mirror:
    description:
      - Percent of the requests that are copied to the canary, whose answers are dropped.
      - What a router cannot do is refused by name.
    type: float
    default: 0
  require_ready:
    description:
      - Refuse to send traffic to a Service without ready endpoints, and to a canary Service without the ports that the routes use.
    type: bool
    default: true
  grace:
    description:
      - How long proxies get to converge after a change, in seconds or as a duration such as V(5s).
      - Without it V(6s) for V(ingress_nginx), and V(5s) for all others unless a O(definition) says otherwise.
      - A call that finds nothing to change waits for the rest of the grace of the call before it.
    type: str
  probe:
    description:
      - Requests that are sent until their answers show that the split is served, which replaces the O(grace) and is mostly quicker.
      - What was seen is returned as RV(measured). When the time is up without the split, the call fails.
      - The O(grace) is waited all the same where the answers cannot tell the split from the one before, as with V(50) and V(51) percent,
        and where O(name) lists several objects.
    type: dict
    suboptions:
      url:
        description: Where requests are sent, such as V(http://gateway.example/version).
        type: str
        required: true
      headers:
        description:
          - Headers to send, such as C(Host), which with C(https) is the name that TLS asks for, too.
          - Their values are not printed.
        type: dict
      expect:
        description:
          - What tells an answer of a version, by C(canary) and C(stable), each a regular expression that is searched in the lines
            C(name:) C(value) of the answer's headers and in its body.
          - The first 64 KiB of the body are looked at, in any case of letters; C(^) and C($) match the ends of each line.
          - An expression has at most 1000 characters. The call fails when the search of one answer takes longer than a second.
          - With just one of them, every other answer below status 300 counts as the other version's.
        type: dict
        required: true
      timeout:
        description: How long to look for the split.
        type: str
        default: 30s
      validate_certs:
        description: Whether the certificate of an C(https) URL must be valid. The variable C(SSL_CERT_FILE) names a CA of your own.
        type: bool
        default: true
  state:
    description:
      - V(present) splits the traffic.
      - V(absent) puts the router back exactly as it was before the first split. It needs the O(router), O(name) and O(stable_service) of
        that split, and its O(canary_ingress) or O(destination_rule) with the subsets where it had any. What was deleted meanwhile needs
        nothing back.
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

- name: Send testers to the canary through an Ingress, and two percent of all others
  progressive.delivery.canary_weight:
    router: ingress_nginx
    name: shop
    namespace: shop
    stable_service: shop
    weight: 2
    matches:
      - headers: {x-canary: {exact: tester}}

- name: Split an HTTPRoute, and return as soon as the split is served
  progressive.delivery.canary_weight:
    router: gateway_api
    name: shop
    namespace: shop
    stable_service: shop
    weight: 20
    probe:
      url: http://gateway.example/version
      headers: {Host: shop.example}
      expect: {canary: '"version": "2'}

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
  description:
    - The shares now, or in check mode as they would be; in parts of their sum.
    - Both are 0 when a router that was put back does not lead to O(stable_service), or is not there.
  returned: success
  type: dict
  sample: {stable: 80, canary: 20}
previous_weight:
  description: The shares before.
  returned: success
  type: dict
  sample: {stable: 95, canary: 5}
resource:
  description: The router object (the first of them) as it is now.
  returned: success
  type: dict
resources:
  description: All objects of the routers as they are now, those that were made or changed with them too.
  returned: success
  type: list
  elements: dict
measured:
  description:
    - What the O(probe) saw. The counts are of all requests; C(share) is the canary's percent of the answers that decided.
    - C(conclusive) says whether these tell the split from the one before.
  returned: when a probe was sent
  type: dict
  sample: {requests: 180, canary: 33, stable: 147, failed: 0, share: 21.3, seconds: 1.9, conclusive: true}
drift:
  description: The fields that another client had changed, and that the module repaired or accepted, as O(on_drift) says.
  returned: success
  type: list
  elements: str
problem: {description: As RV(progressive.delivery.rollout_step#module:problem)., returned: failure, type: dict}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.progressive.delivery.plugins.module_utils._module.options import PROBE_SPEC, make_context, make_module
from ansible_collections.progressive.delivery.plugins.module_utils._module.results import finish
from ansible_collections.progressive.delivery.plugins.module_utils._module.splits import split

LEVEL_4: dict[str, Any] = {"port": {"type": "int"}, "sni_hosts": {"type": "list", "elements": "str"}}
PROBE: dict[str, Any] = {
    "url": {"type": "str", "required": True},
    "headers": {"type": "dict"},
    "expect": {"type": "dict", "required": True},
    "timeout": {"type": "str", "default": "30s"},
    "validate_certs": {"type": "bool", "default": True},
}
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
    "allow_mirror_reload": {"type": "bool"},
    "definition": {"type": "raw"},
    "canary_workload": {"type": "str"},
    "matches": {"type": "list", "elements": "dict", "default": []},
    "inherit": {"type": "bool", "default": True},
    "mirror": {"type": "float", "default": 0},
    "require_ready": {"type": "bool", "default": True},
    "grace": {"type": "str"},
    **PROBE_SPEC,
    "probe": {"type": "dict", "options": PROBE, "no_log": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Entry point."""
    module: AnsibleModule = make_module(SPEC)
    finish(module, lambda each: make_context(each, "canary_weight"), lambda ctx: split(ctx, module.params))


if __name__ == "__main__":
    main()
