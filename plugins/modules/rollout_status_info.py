#!/usr/bin/python
# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_status_info
short_description: Print rollouts as a tree, and follow them
description:
  - Prints one rollout, or all rollouts of the namespace, as a tree, see RV(progressive.delivery.rollout_info#module:rollouts[].tree).
  - With O(watch) it follows them until a rollout is complete, aborted or stuck, or waits for a user. It prints a line for each change, with
    what the rollout waits for, since when, and how many pods are ready.
  - Only reads, and does not take the Lease. Ctrl-C ends the module, not the rollout.
  - Colours are used only at a terminal, see E(ANSIBLE_NOCOLOR), E(NO_COLOR) and E(ANSIBLE_FORCE_COLOR). Lines that are longer than the
    width of the terminal are cut. The returned values are complete and without colour.
version_added: 0.1.0
author:
  - progressive.delivery contributors (@progressive-delivery)
extends_documentation_fragment:
  - progressive.delivery.auth
  - progressive.delivery.records
  - progressive.delivery.ignored
options:
  name:
    description: Name of the rollout. Without it, all rollouts with a record in the namespace, which needs the right to list ConfigMaps.
    type: str
  watch:
    description:
      - Follow the rollouts.
      - Following a rollout at a pause without duration ends when no run has worked on it for 10 seconds, or for O(idle_timeout).
    type: bool
    default: false
  watch_timeout:
    description:
      - With O(watch), the time limit, in seconds or as a duration such as V(1h). Reaching it is not a failure.
      - Without it there is no limit.
    type: str
  idle_timeout:
    description:
      - With O(watch), how long a rollout that is neither paused nor complete is followed while no run works on it, in seconds or as a
        duration. Increase it if hooks between the steps take longer.
    type: str
    default: 1m
  every: {description: "With O(watch), how often a line is printed without a change, in seconds or as a duration.", type: str, default: 30s}
notes:
  - Cannot be used with C(async).
seealso:
  - module: progressive.delivery.rollout_info
"""

EXAMPLES = r"""
- name: Print all rollouts of the namespace
  progressive.delivery.rollout_status_info:
    namespace: shop

- name: Follow a rollout until it is complete or waits for a user
  progressive.delivery.rollout_status_info:
    name: shop
    namespace: shop
    watch: true
    watch_timeout: 1h
  register: status

- name: Continue only if it is complete
  ansible.builtin.assert:
    that: status.rollouts[0].phase == 'Healthy'
    fail_msg: "{{ status.rollouts[0].msg }}"
"""

RETURN = r"""
rollouts:
  description: The last state of the rollouts, see RV(progressive.delivery.rollout_info#module:rollouts).
  returned: success
  type: list
  elements: dict
ended:
  description: Why following each rollout ended, by name.
  returned: with O(watch)
  type: dict
  sample: {shop: it waits until somebody promotes or aborts it}
"""
