"""Documentation of the options by which a call knows that what it reads in the cluster was written by this collection's users."""

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
        rollout and what is remembered in annotations carry a seal (HMAC with SHA-256), which each call checks before it believes them.
      - Without it, whoever may edit ConfigMaps in the namespace may write a record, and a call takes only what can do no harm from it.
      - Without this option, the environment variable E(PROGRESSIVE_DELIVERY_RECORD_KEY) counts.
    type: str
"""

    WRITING = r"""
options:
  record_unsealed:
    description:
      - What to do, with a O(record_key), with a record or an annotation that has no seal.
      - V(refuse) writes nothing. V(accept) takes it as it is and seals it; meant for the first call after the key was introduced.
      - The way back (C(state=aborted), C(state=absent)) is open in both cases.
    type: str
    choices: [refuse, accept]
    default: refuse
"""
