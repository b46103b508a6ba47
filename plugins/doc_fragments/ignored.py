"""Documentation that all modules share that only read (fragment progressive.delivery.ignored)."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  namespace: {description: "The namespace. Without it, the one of the kubeconfig's context.", type: str}
  wait:
    description: Ignored. This module takes it so that C(module_defaults) of the group C(progressive.delivery.own) serve all its modules.
    type: bool
  wait_timeout: {description: "Ignored, as O(wait).", type: str}
  on_drift: {description: "Ignored, as O(wait).", type: str, choices: [fail, repair, accept]}
  record_unsealed: {description: "Ignored, as O(wait).", type: str, choices: [refuse, accept]}
attributes:
  check_mode:
    description: Changes nothing in any case.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: N/A
"""
