"""Apache APISIX's ApisixRoute, as a definition: the weights of the backends of an HTTP route (pure)."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Source: https://apisix.apache.org/docs/ingress-controller/concepts/apisix_route/ (weight-based traffic split: the weight is 100 where none
# is given; upstreams share a route's traffic with its backends), and what the ingress controllers write into the status: ResourcesAvailable
# up to 1.8, unless they are told to write none, Accepted since 2.0. A subset is one of the ApisixUpstream of that Service alone.
DEFINITION = """\
apiVersion: apisix.apache.org/v2
kind: ApisixRoute
plural: apisixroutes
destinations: spec.http[].backends[]
destination:
  service: serviceName
  port: servicePort
  not_copied: [subset]
weight:
  field: weight
  default: 100
routes:
  name: name
  refuse_with: [upstreams]
status:
  wanted: [{Accepted: "True"}, {ResourcesAvailable: "True"}]
  required: false
"""
