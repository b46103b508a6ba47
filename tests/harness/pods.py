"""Asks the pods of a test cluster themselves, past every router."""

from __future__ import annotations

import http.client
import re
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Transport

_COUNT = re.compile(r'^http_requests_total\{[^}]*version="([^"]*)"[^}]*\} (\d+)$', re.MULTILINE)


def received(transport: Transport, namespace: str, version: str) -> int:
    """How many requests the namespace's pods of a version have got so far, mirrored copies among them."""
    pods = transport.request("GET", f"/api/v1/namespaces/{namespace}/pods").body["items"]
    texts = [_metrics(pod) for pod in pods if pod.get("status", {}).get("podIP")]
    return sum(int(count) for text in texts for found, count in _COUNT.findall(text) if found == version)


def _metrics(pod: dict[str, Any]) -> str:
    ports = [port for container in pod["spec"]["containers"] for port in container.get("ports", [])]
    plain = next(port["containerPort"] for port in ports if port.get("name") not in ("tls", "https"))
    connection = http.client.HTTPConnection(pod["status"]["podIP"], plain, timeout=10)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode()
    finally:
        connection.close()
