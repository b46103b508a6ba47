"""Seals what this collection keeps in the cluster, so that a later call knows whether somebody else has written it."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

# What a seal says first, so that a later release of the collection may seal in another way.
_SCHEME = "1"
SHORTEST_KEY = 16  # characters


@dataclass(frozen=True)
class Seal:
    """A key that only the users of this collection have. The seal is an HMAC (RFC 2104) with SHA-256 over the place and the content.

    The place (namespace, kind, name, and what it is there) is part of it: a seal from one object says nothing on another one.
    """

    key: str

    def of(self, place: str, content: Any) -> str:
        """The seal of JSON data at a place."""
        text = json.dumps([_SCHEME, place, content], sort_keys=True, separators=(",", ":"))
        return f"{_SCHEME}:{hmac.new(self.key.encode(), text.encode(), hashlib.sha256).hexdigest()}"

    def fits(self, place: str, content: Any, seal: Any) -> bool:
        """Whether this is the seal of these data at this place."""
        return isinstance(seal, str) and hmac.compare_digest(self.of(place, content).encode(), seal.encode(errors="replace"))


def place_of(namespace: str, kind: str, name: str, what: str) -> str:
    """Where sealed data stand: an object, and what of it."""
    return f"{namespace}/{kind}/{name}/{what}"
