"""Where users find a page of the documentation: messages name its address, since an installed collection is not at hand as files (pure)."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

_PAGES = "https://github.com/progressive-delivery/progressive.delivery/blob/main/docs"  # galaxy.yml: documentation

LOST_RECORD = f"{_PAGES}/troubleshooting.md#the-record-is-lost"
RBAC = f"{_PAGES}/rbac.yml"
RBAC_TRACK_CONFIGS = f"{_PAGES}/rbac-track-configs.yml"
ROUTERS = f"{_PAGES}/routers.md"
SECURITY = f"{_PAGES}/security.md"
STYLES = f"{_PAGES}/styles.md"
