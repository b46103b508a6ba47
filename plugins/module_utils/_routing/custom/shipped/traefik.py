"""Traefik's TraefikService, as a definition: the weights of a weighted one (pure)."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Source: https://doc.traefik.io/traefik/reference/routing-configuration/kubernetes/crd/http/traefikservice/ (weighted round robin; the
# weight is 1 where none is given), and the definition of the kind itself, which is served by the old group too.
DEFINITION = """\
apiVersion: traefik.io/v1alpha1
other_versions: [traefik.containo.us/v1alpha1]
kind: TraefikService
plural: traefikservices
destinations: spec.weighted.services[]
destination:
  service: name
  namespace: namespace
  port: port
  where: {kind: Service}
weight:
  field: weight
  default: 1
sticky: [spec.weighted.sticky]
"""
