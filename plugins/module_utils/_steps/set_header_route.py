"""Step set_header_route: requests that go to the canary whatever its share of the traffic."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from .._objects.reading import MAX_SERVICE, keys, named
from .._objects.refusal import Refused
from .._objects.shown import echo
from .._routing.target import ManagedRoute, Match
from .matches import read_matches
from .step import CanaryState, Option, TrafficStep


@dataclass(frozen=True)
class SetHeaderRoute(TrafficStep):
    """Sends requests to the canary whatever its weight; without matches it removes the route."""

    key: ClassVar[str] = "set_header_route"
    description: ClassVar[str] = (
        "C(set_header_route) sends requests that match one of its C(matches) to the canary, independent of its share. See "
        "O(progressive.delivery.canary_weight#module:matches) and O(progressive.delivery.canary_weight#module:inherit). Without "
        "C(matches) the route of that C(name) is removed."
    )
    options: ClassVar[tuple[Option, ...]] = (
        Option("name", "str", required=True),
        Option("matches", "list"),
        Option("inherit", "bool"),
    )

    name: str
    matches: tuple[Match, ...]
    inherit: bool = True

    def __str__(self) -> str:
        alternatives = " or ".join(" and ".join(map(str, match)) for match in self.matches)
        return f"set_header_route {self.name}: {alternatives or 'none'}{'' if self.inherit else ', on top'}"

    @classmethod
    def parse(cls, value: Any, where: str) -> SetHeaderRoute:
        """A mapping of the options."""
        given = keys(where, value, ("name",), ("matches", "inherit"))
        inherit = given.get("inherit", True)
        if not isinstance(inherit, bool):
            raise Refused(f"{where}.inherit", f"must be true or false, not {echo(inherit)}", "use one of the two")
        matches = read_matches(given.get("matches", ()), f"{where}.matches")
        return cls(named(f"{where}.name", given["name"], MAX_SERVICE), matches, inherit)

    def apply(self, canary: CanaryState) -> None:
        if self.matches:
            canary.routes[self.name] = ManagedRoute(self.name, self.matches, self.inherit)
        else:
            canary.routes.pop(self.name, None)
