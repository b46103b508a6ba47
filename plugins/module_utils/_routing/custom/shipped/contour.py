"""Contour's HTTPProxy, as a definition: the weights of the services of a route (pure)."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Source: https://projectcontour.io/docs/1.33/config/request-routing/ (multiple upstreams, upstream weighting: without any weights all get
# the same, else those without one get nothing; mirrors), and the definition of the kind itself (conditions, its one type Valid).
DEFINITION = """\
apiVersion: projectcontour.io/v1
kind: HTTPProxy
plural: httpproxies
destinations: spec.routes[].services[]
destination:
  service: name
  port: port
  ignore: {mirror: true}
weight:
  field: weight
  default: 0
  even_when_all_zero: true
routes:
  told_apart_by: [conditions]
status:
  wanted: {Valid: "True"}
  details: errors
"""
