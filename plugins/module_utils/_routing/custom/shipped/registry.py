"""The routers that come as definitions. A new one is a file here with its YAML, and a line in SHIPPED (pure)."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from functools import cache

from ..definition import Definition, read_definition
from . import apisix, contour, smi, traefik

# As text, since Ansible sends modules no files but Python's.
SHIPPED: dict[str, str] = {
    "apisix": apisix.DEFINITION,
    "contour": contour.DEFINITION,
    "smi": smi.DEFINITION,
    "traefik": traefik.DEFINITION,
}


@cache
def shipped(name: str) -> Definition:
    """One of SHIPPED."""
    import yaml  # late: most calls read none

    return read_definition(yaml.safe_load(SHIPPED[name]), f"definition of {name}")
