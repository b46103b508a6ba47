"""The labels by which objects made here, and pods of a version, are known."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from .._objects.marks import MANAGED_BY, MANAGER, own_labels

__all__ = ["COPY_OF", "MANAGED_BY", "MANAGER", "POD_TEMPLATE_HASH", "REVISION", "ROLLOUT", "TRACK", "marks", "own_labels"]

ROLLOUT = "progressive.delivery/rollout"
REVISION = "progressive.delivery/revision"
POD_TEMPLATE_HASH = "pod-template-hash"
# Annotations: of a versioned copy, the name of its original; of a ConfigMap or Secret of the user's, "false" where it shall not be copied.
COPY_OF = "progressive.delivery/copy-of"
TRACK = "progressive.delivery/track"


def marks(rollout: str) -> dict[str, str]:
    """The labels of every object that is made here."""
    return {MANAGED_BY: MANAGER, ROLLOUT: rollout}
