"""What a provider over HTTP is: a request as a value, and the reading of its response. Sending is done elsewhere."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

MOST_BYTES = 1_000_000  # of a response


@dataclass(frozen=True)
class Request:
    """One HTTP request.

    Attributes:
        url: With its query.
        method: GET or POST.
        headers: Their values may be secret.
        body: The bytes to send, None where there are none.
        timeout: Seconds for the whole exchange.
        validate_certs: Whether the server's certificate is verified.
        ca_cert: Path of the authorities' certificates, None: those of the system.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    timeout: float = 30.0
    validate_certs: bool = True
    ca_cert: str | None = None


@dataclass(frozen=True)
class Response:
    """The answer to a request, redirects not followed. headers: by lower-case name."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode(errors="replace")


class MeasurementError(Exception):
    """A measurement that gave no result: the answer `error`, with the reason."""


class Provider(Protocol):
    """Where measurements come from.

    Attributes:
        name: The key in a metric, such as `prometheus`.
        reads_past: Whether it can answer for a moment of the past.
    """

    name: str
    reads_past: bool

    def request(self, options: Mapping[str, Any], moment: float) -> Request:
        """The request for the result at a moment (seconds since 1970)."""

    def read(self, options: Mapping[str, Any], response: Response) -> Any:
        """The result, as conditions take it. Raises MeasurementError."""


def json_of(response: Response) -> Any:
    """The decoded body. Raises MeasurementError where it is not JSON."""
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        raise MeasurementError(f"answered with HTTP status {response.status} and something that is not JSON") from None


def refuse_status(response: Response, said: str = "") -> None:
    """Raises MeasurementError for a status other than 2xx, in words that say what to do. said: what the server said, shortened."""
    status = response.status
    tail = f" ({said[:300]})" if said else ""
    if 300 <= status < 400:
        where = response.headers.get("location", "")[:200]
        raise MeasurementError(f"redirects to {where or 'another address'} (HTTP status {status}), which is not followed: use that address")
    if status in (401, 403):
        raise MeasurementError(f"refuses the credentials (HTTP status {status}): check the headers and secrets of the metric{tail}")
    if status == 404:
        raise MeasurementError(f"knows no such path (HTTP status 404): check the address{tail}")
    if status == 429:
        raise MeasurementError(f"limits the number of requests (HTTP status 429): measure less often{tail}")
    if not 200 <= status < 300:
        raise MeasurementError(f"answered with HTTP status {status}{tail}")
