#!/usr/bin/python
# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollout_status_info
short_description: Draw rollouts, and follow them
description:
  - Prints the picture of one rollout, or of all of the namespace, as M(progressive.delivery.rollout_info) draws it.
  - With O(watch) it follows them until nothing moves by itself any more - a rollout is complete, aborted or stuck, or waits for somebody -
    and prints a line whenever something changes, with what it waits for, since when, and how many pods are ready.
  - Reads only, and takes no Lease. Ctrl-C ends it, and nothing else.
  - Colours are used at a terminal only, as E(ANSIBLE_NOCOLOR), E(NO_COLOR) and E(ANSIBLE_FORCE_COLOR) say; a line of the picture that is
    longer than the terminal is wide is cut there. What is returned is whole and plain.
version_added: 0.1.0
author:
  - progressive.delivery contributors (@progressive-delivery)
extends_documentation_fragment:
  - progressive.delivery.auth
  - progressive.delivery.records
  - progressive.delivery.ignored
options:
  name:
    description: Name of the rollout. Without it, all that have a record in the namespace, which needs the right to list ConfigMaps.
    type: str
  watch:
    description:
      - Follow the rollouts.
      - A rollout at an open pause is followed no further once no run has been at work for 10 seconds, or for O(idle_timeout).
    type: bool
    default: false
  watch_timeout:
    description:
      - With O(watch), after how long to stop at the latest, in seconds or as a duration such as V(1h). That is no failure.
      - Without it there is no such limit.
    type: str
  idle_timeout:
    description:
      - With O(watch), for how long a rollout that is neither paused nor at its end is followed while no run works on it, in seconds or as a
        duration. Give more where hooks between the steps take longer.
    type: str
    default: 1m
  every:
    description: With O(watch), after how long without a change a line is printed all the same, in seconds or as a duration.
    type: str
    default: 30s
notes:
  - Cannot be used with C(async).
seealso:
  - module: progressive.delivery.rollout_info
"""

EXAMPLES = r"""
- name: Draw all rollouts of the namespace
  progressive.delivery.rollout_status_info:
    namespace: shop

- name: Follow one until it is through, or waits for somebody
  progressive.delivery.rollout_status_info:
    name: shop
    namespace: shop
    watch: true
    watch_timeout: 1h
  register: status

- name: Go on only where it is complete
  ansible.builtin.assert:
    that: status.rollouts[0].phase == 'Healthy'
    fail_msg: "{{ status.rollouts[0].msg }}"
"""

RETURN = r"""
rollouts:
  description: The rollouts as they were seen last, as RV(progressive.delivery.rollout_info#module:rollouts).
  returned: success
  type: list
  elements: dict
ended:
  description: Why each rollout, by its name, was not followed any further.
  returned: with O(watch)
  type: dict
  sample: {shop: it waits until somebody promotes or aborts it}
"""
