"""Metrics from any HTTP endpoint that answers with JSON or text."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..provider import MeasurementError, Request, Response, refuse_status

name = "web"
reads_past = False


def request(options: Mapping[str, Any], _moment: float) -> Request:
    """The request.

    Args:
        options: `url`, and optionally `method` (GET or POST), `headers`, `body` (a text), `json` (any data, sent as JSON), `timeout`
            (seconds), `validate_certs`, `ca_cert`, `jmespath`.
    """
    headers, body = dict(options.get("headers", {})), options.get("body")
    if options.get("json") is not None:
        headers.setdefault("Content-Type", "application/json")
        body = json.dumps(options["json"])
    return Request(
        url=str(options["url"]),
        method=str(options.get("method", "GET")),
        headers=headers,
        body=None if body is None else str(body).encode(),
        timeout=float(options.get("timeout", 30.0)),
        validate_certs=bool(options.get("validate_certs", True)),
        ca_cert=options.get("ca_cert"),
    )


def read(options: Mapping[str, Any], response: Response) -> Any:
    """The decoded JSON, or what `jmespath` selects of it; the text of a body that is no JSON."""
    refuse_status(response)
    try:
        found = json.loads(response.body)
    except (ValueError, RecursionError):
        if options.get("jmespath"):
            raise MeasurementError("answered with something that is not JSON, from which jmespath cannot select") from None
        return response.text.strip()
    if not options.get("jmespath"):
        return found
    try:
        import jmespath
        import jmespath.exceptions
    except ImportError:
        raise MeasurementError(
            "needs the Python package jmespath on the machine that runs Ansible: install it, or leave jmespath out"
        ) from None
    try:
        return jmespath.search(options["jmespath"], found)
    except jmespath.exceptions.JMESPathError as error:
        raise MeasurementError(f"answered with JSON to which jmespath cannot be applied: {' '.join(str(error).split())[:200]}") from None
