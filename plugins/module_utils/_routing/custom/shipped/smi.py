"""The Service Mesh Interface's TrafficSplit, as a definition: the weights of its backends (pure)."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

# Source: https://github.com/servicemeshinterface/smi-spec/blob/main/apis/traffic-split/v1alpha2/traffic-split.md and the later versions:
# weights are whole numbers, relative to their sum. In v1alpha1 they were quantities ("500m"), which is why it is not among the versions.
DEFINITION = """\
apiVersion: split.smi-spec.io/v1alpha2
other_versions: [split.smi-spec.io/v1alpha3, split.smi-spec.io/v1alpha4]
kind: TrafficSplit
plural: trafficsplits
destinations: spec.backends[]
destination:
  service: service
weight:
  field: weight
  default: 0
"""
