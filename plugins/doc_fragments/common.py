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
      - Wait until what was written has taken effect.
      - With V(false) the module returns at once; what has to be waited for is then up to the next call.
    type: bool
    default: true
  wait_timeout:
    description:
      - How long each wait for the cluster may last, in seconds or as a duration such as V(30s), V(5m) or V(1h30m).
      - When it is over the call fails; what was written stays, and the same call goes on from there.
    type: str
    default: 600s
  on_drift:
    description:
      - What to do when somebody else changed a field that was set here before.
      - V(fail) says which fields, and writes nothing. An abort is not refused because of another pod template, it puts the stable version's
        back and warns.
      - V(repair) sets them again.
      - V(accept) takes the other's values for those that were there from the start, to which O(state=absent) puts them back; what this call
        asks for is set all the same.
    type: str
    choices: [fail, repair, accept]
    default: fail
attributes:
  check_mode:
    description: Can run in check mode and say what it would change, without changing anything.
    support: full
  diff_mode:
    description: Returns, for each object that is changed, what it was before and is after, as a list.
    support: full
"""
