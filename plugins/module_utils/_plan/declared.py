"""Reads what a plan declares of objects that are made where the user has none: specs of routers, ports of the stable Service."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._objects.reading import keys, members, whole
from .._objects.refusal import Refused

Object = dict[str, Any]


def read_spec(where: str, raw: Any) -> Object:
    """The spec of an object, as the API server will judge it."""
    if not isinstance(raw, Mapping) or not raw:
        raise Refused(where, "must be a mapping", "write the spec of the object, or leave it out if the object exists")
    return dict(raw)


def read_ports(raw: Any) -> tuple[Object, ...]:
    """The ports of a Service, as in its spec.ports; none where none are given."""
    if raw is None:
        return ()
    if not isinstance(raw, list) or not raw:
        example = "[{name: http, port: 80, targetPort: 8080}]"
        raise Refused(
            "services.ports", "must be a list with at least one port", f"write it as in the spec of a Service, for example {example}"
        )
    return tuple(_port(where, each) for where, each in members("services.ports", raw))


def _port(where: str, raw: Any) -> Object:
    port = keys(where, raw, ("port",), ("name", "targetPort", "protocol", "appProtocol"))
    port["port"] = whole(f"{where}.port", port["port"], 1, 65535)
    if str(port.get("targetPort", "")).isdecimal():
        port["targetPort"] = whole(f"{where}.targetPort", port["targetPort"], 1, 65535)  # a number that Jinja made a text
    return port
