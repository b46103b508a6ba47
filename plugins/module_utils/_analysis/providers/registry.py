"""The providers over HTTP, by name. A new one is a file in this folder and a line here."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from . import prometheus, web

PROVIDERS = {each.name: each for each in (prometheus, web)}
