"""Documentation of the options of a probe that modules share."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Fragment progressive.delivery.probe."""

    DOCUMENTATION = r"""
options:
  probe_hosts:
    description:
      - The hosts that a probe may ask, each as C(host) or C(host:port), in which C(*) stands for any text, for example
        V(gateway.example) or V(*.shop.example:8443). Without it, the O(probe) may ask every host.
      - Link-local addresses and those of the metadata services of clouds are never asked.
    type: list
    elements: str
"""
