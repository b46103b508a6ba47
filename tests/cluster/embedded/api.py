"""The few requests that starting a cluster needs, with nothing but the standard library: the first process stays small."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLURALS = {"EnvoyFilter": "envoyfilters", "GatewayClass": "gatewayclasses", "IngressClass": "ingressclasses"}


class ApiError(Exception):
    """The API server refused a request."""


@dataclass
class Api:
    host: str
    port: int
    token: str
    ca: Path

    def __post_init__(self) -> None:
        context = ssl.create_default_context(cafile=str(self.ca))
        self.connection = http.client.HTTPSConnection(self.host, self.port, context=context, timeout=30)

    def request(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type}
        try:
            self.connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = self.connection.getresponse()
            text = response.read()
        except BaseException:
            self.connection.close()  # the next request opens it anew
            raise
        is_json = response.headers.get_content_type() == "application/json"
        return response.status, json.loads(text) if is_json else text.decode()

    def create(self, item: dict[str, Any]) -> None:
        self._make("POST", collection_of(item), item, "application/json")

    def apply(self, item: dict[str, Any]) -> None:
        """For kinds that were defined just now: a plain create of those is held back for two seconds."""
        path = f"{collection_of(item)}/{item['metadata']['name']}?fieldManager=test-cluster"
        self._make("PATCH", path, item, "application/apply-patch+yaml")

    def _make(self, method: str, path: str, item: dict[str, Any], content_type: str) -> None:
        status, answer = self.request(method, path, item, content_type)
        if status >= 300:
            raise ApiError(f"making {item['kind']} {item['metadata']['name']} ({method} {path}): {status} {answer}")


def collection_of(item: dict[str, Any]) -> str:
    version, metadata = item["apiVersion"], item["metadata"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    namespace = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    plural = PLURALS.get(item["kind"], f"{item['kind'].lower()}s")
    return f"{root}{namespace}/{plural}"


def has_condition(item: dict[str, Any], condition: str) -> bool:
    conditions = item.get("status", {}).get("conditions") or []  # null while a CRD is new
    return any(found["type"] == condition and found["status"] == "True" for found in conditions)
