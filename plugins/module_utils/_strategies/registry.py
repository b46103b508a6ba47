"""All strategies. A new one is a folder beside this file, and its line here."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import TYPE_CHECKING

from .clone.strategy import Clone
from .in_place.strategy import InPlace
from .pair.strategy import Pair
from .pods.strategy import Pods
from .revisions.strategy import Revisions
from .strategy import Strategy

if TYPE_CHECKING:
    from .._plan.plan import Plan

# By Plan.order. The first that releases a kind of workload is the default for that kind.
STRATEGIES: dict[str, Strategy] = {
    "clone": Clone(),
    "revisions": Revisions(),
    "pair": Pair(),
    "in_place": InPlace(),
    "replicas": Pods(),
}
_UNKNOWN = Strategy()


def strategy_of(plan: Plan) -> Strategy:
    """The strategy that carries out a plan."""
    return STRATEGIES[plan.order]


def strategy_named(style: str) -> Strategy:
    """The strategy of that name; a bare description for a name that this release does not know, as other records may have one."""
    return STRATEGIES.get(style, _UNKNOWN)


def styles() -> dict[str, tuple[str, ...]]:
    """What option workload.style can name, and the kinds of workload that each releases."""
    return {name: each.kinds for name, each in STRATEGIES.items() if each.kinds}


def kinds() -> list[str]:
    """The kinds of workload that some style releases."""
    return list(dict.fromkeys(kind for each in styles().values() for kind in each))


def default_style() -> str:
    """The style of a plan that names neither a style nor a kind."""
    return next(iter(STRATEGIES))


def is_default(style: str) -> bool:
    """Whether it is the style of such a plan."""
    return style == default_style()


def styles_accepting(option: str) -> str:
    """The styles that accept an option which only some do, as messages list them."""
    return " or ".join(name for name in styles() if option in STRATEGIES[name].options)
