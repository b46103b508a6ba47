"""Documentation of the options that protect what this collection stores in the cluster against forgery."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """Fragments progressive.delivery.records, and progressive.delivery.records.writing for modules that write."""

    DOCUMENTATION = r"""
options:
  record_key:
    description:
      - A secret of at least 16 characters that all calls for an application share, for example from a vault. With it, the record of a
        rollout and the annotations of this collection have a seal (HMAC with SHA-256), which each call verifies before it uses them.
      - Without it, every user who may edit ConfigMaps in the namespace can write a record, and a call uses only values that can do no harm.
      - The default is the value of the environment variable E(PROGRESSIVE_DELIVERY_RECORD_KEY).
    type: str
"""

    WRITING = r"""
options:
  record_unsealed:
    description:
      - What to do with a record or an annotation without a seal if O(record_key) is set.
      - V(refuse) fails and writes nothing. V(accept) uses it and adds a seal. Use it for the first call after you introduced the key.
      - C(state=aborted) and C(state=absent) are possible in both cases.
    type: str
    choices: [refuse, accept]
    default: refuse
"""
