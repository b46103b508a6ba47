"""The kinds of steps that users write; a new kind is a file beside this and a line here."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from .action import Action
from .pause import Pause
from .set_canary_scale import SetCanaryScale
from .set_header_route import SetHeaderRoute
from .set_mirror_route import SetMirrorRoute
from .set_weight import SetWeight
from .step import Handler, Step

_KINDS: tuple[type[Step], ...] = (
    SetWeight,
    Pause,
    SetCanaryScale,
    SetHeaderRoute,
    SetMirrorRoute,
)
STEPS: dict[str, type[Step]] = {each.key: each for each in _KINDS}


def handler_of(action: Action) -> Handler:
    """How an action is performed that a step brought with it."""
    return {kind: handler for step in STEPS.values() for kind, handler in step.handlers.items()}[type(action)]
