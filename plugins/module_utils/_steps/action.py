"""What an action of a rollout is, whatever its kind."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import ClassVar

from .._routing.target import DesiredTraffic


class Action:
    """One thing that a rollout does to the cluster. Idempotent: the second time it finds its work done. str() is what users read.

    What others need to know of an action is an attribute or a method here; no other file asks for its class.

    Attributes:
        kind: Part of the ids that records keep, so it never changes, whatever the class is called.
        sentence: What users read, where that is the same for all actions of the kind.
        is_pause: Whether it is a pause of the plan, which can be promoted.
        is_delay: Whether it lets a version without traffic run on.
        concerns: Whose pods it changes: `canary`, `workload`, or empty for none.
        waits_for: What it waits for in the end, as an object of `waiting for`; None where that is not known.
        evidence: By what the cluster shows that it was done: `split`, `selector`, `template`, `size`, `share`, or empty for nothing.
        canary_after: Whether what runs the new version exists after it; None where it changes nothing of that.
        canary_service_after: The same for the canary Service.
        restores_routers: Whether it puts the routers back.
    """

    kind: ClassVar[str]
    sentence: ClassVar[str]
    is_pause: ClassVar[bool] = False
    is_delay: ClassVar[bool] = False
    concerns: ClassVar[str] = ""
    waits_for: ClassVar[str | None] = None
    evidence: ClassVar[str] = ""
    canary_after: ClassVar[bool | None] = None
    canary_service_after: ClassVar[bool | None] = None
    restores_routers: ClassVar[bool] = False

    def __str__(self) -> str:
        return self.sentence

    @property
    def seconds(self) -> float | None:
        """How long it waits before the next action; None where it does not wait, or waits for a promotion."""
        return None

    @property
    def weight_after(self) -> int | None:
        """The canary's share of the traffic after it, in percent; None where it does not set it."""
        return None

    @property
    def traffic(self) -> DesiredTraffic | None:
        """What it asks of the routers; None where it asks nothing, or to put them back."""
        return None

    def pods(self, _live: int) -> int | None:
        """How many pods it gives the canary; None where it does not. Takes the number of the stable version."""
        return None

    def pins(self, _services: tuple[str, ...]) -> str | None:
        """The version that it points just these Services at; None where it does not."""
        return None

    @property
    def proves_promotion(self) -> bool:
        """Whether, after a pause, the cluster shows by it that the pause was promoted; changes of the weight show that too."""
        return False

    @property
    def variant(self) -> str:
        """What tells two actions of one kind apart in one sequence, for their ids; empty where nothing does."""
        return str(getattr(self, "to", ""))


_OF_BLUEGREEN = {"the canary Service": "the preview Service", "the canary": "the preview", "the stable version": "the old version"}


def describe(action: Action, strategy: str) -> str:
    """The action in the words of the strategy. strategy: canary or bluegreen."""
    text = str(action)
    for word, other in _OF_BLUEGREEN.items() if strategy == "bluegreen" else ():
        text = text.replace(word, other)
    return text
