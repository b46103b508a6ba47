"""What a style of workload does in its own way: how Services know the pods of a version, and the actions on workloads."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

from ..stage import Stage


@dataclass(frozen=True)
class Pin:
    """The labels of just one version's pods. exact: they are the whole selector, else they come on top of a Service's own."""

    labels: Mapping[str, str | None]
    exact: bool = False


@dataclass(frozen=True)
class Style:
    """pin: the labels of `workload`, `stable` or `canary`. handlers: the actions of this style, by kind."""

    pin: Callable[[Stage, str], Pin]
    handlers: Mapping[type, Callable[[Stage, Any], None]]
