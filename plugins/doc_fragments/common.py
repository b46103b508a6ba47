"""Documentation of the options that all modules of this collection share."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Fragment progressive.delivery.common."""

    DOCUMENTATION = r"""
options:
  namespace:
    description:
      - The namespace of the application.
      - Without it, the namespace of the kubeconfig's context, C(default) where that names none.
    type: str
  wait:
    description:
      - Wait until the changes have taken effect.
      - With V(false) the module returns at once, and the next call waits instead.
    type: bool
    default: true
  wait_timeout:
    description:
      - How long each wait for the cluster may last, in seconds or as a duration such as V(30s), V(5m) or V(1h30m).
      - After this time the call fails. Its changes stay, and the same call, run again, continues from there.
    type: str
    default: 600s
  on_drift:
    description:
      - What to do if another client changed a field that this collection has set.
      - V(fail) reports the fields and writes nothing. An abort does not fail because of a changed pod template. It restores the template of
        the stable version and warns.
      - V(repair) sets the fields again.
      - V(accept) uses the values of the other client as the original values, which O(state=absent) restores. The values that this call
        requests are set anyway.
    type: str
    choices: [fail, repair, accept]
    default: fail
attributes:
  check_mode:
    description: Can run in check mode and report what it would change, without a change.
    support: full
  diff_mode:
    description: Returns, for each object that is changed, what it was before and is after, as a list.
    support: full
"""
