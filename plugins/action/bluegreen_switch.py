"""The action of module bluegreen_switch: runs it in Ansible's own process where that is possible."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.progressive.delivery.plugins.modules import bluegreen_switch
from ansible_collections.progressive.delivery.plugins.plugin_utils.module_action import ModuleAction


class ActionModule(ModuleAction):
    """The action of the task."""

    module = bluegreen_switch
