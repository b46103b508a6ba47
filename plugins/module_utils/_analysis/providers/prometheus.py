"""Metrics from Prometheus, and from what speaks its HTTP API (Thanos, Mimir, VictoriaMetrics): an instant query.

The API: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ..provider import MeasurementError, Request, Response, json_of, refuse_status

name = "prometheus"
reads_past = True


def request(options: Mapping[str, Any], moment: float) -> Request:
    """The query at a moment, sent in the body, since queries may be longer than a URL.

    Args:
        options: `address`, `query`, and optionally `headers`, `timeout` (seconds), `validate_certs`, `ca_cert`.
        moment: Seconds since 1970.
    """
    timeout = float(options.get("timeout", 30.0))
    fields = {"query": options["query"], "time": f"{moment:.3f}", "timeout": f"{timeout:g}s"}
    return Request(
        url=f"{str(options['address']).rstrip('/')}/api/v1/query",
        method="POST",
        headers={**options.get("headers", {}), "Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(fields).encode(),
        timeout=timeout,
        validate_certs=bool(options.get("validate_certs", True)),
        ca_cert=options.get("ca_cert"),
    )


def read(_options: Mapping[str, Any], response: Response) -> Any:
    """A list of numbers for a vector, a number for a scalar, a text for a string."""
    if response.status in (400, 422, 503):  # These carry an error of Prometheus' own.
        answer = json_of(response)
        said = answer.get("error") if isinstance(answer, Mapping) else None
        what = {400: "refuses the query", 422: "cannot execute the query", 503: "did not answer the query in time"}[response.status]
        raise MeasurementError(f"{what}: {str(said)[:300]}")
    refuse_status(response)
    answer = json_of(response)
    data = answer.get("data") if isinstance(answer, Mapping) and answer.get("status") == "success" else None
    if not isinstance(data, Mapping):
        raise MeasurementError("answered with JSON that is not that of a Prometheus query: check the address")
    kind: Any = data.get("resultType")
    found: Any = data.get("result")
    if kind == "matrix":
        raise MeasurementError("answered with a range of samples: the query must return an instant vector or a scalar, such as rate(x[5m])")
    try:
        if kind == "vector":
            return [float(each["value"][1]) for each in found]
        return str(found[1]) if kind == "string" else float(found[1])
    except (TypeError, ValueError, KeyError, IndexError):
        raise MeasurementError(f"answered with a {kind!r} that cannot be read: check the query for native histograms") from None
