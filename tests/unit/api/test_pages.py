"""Lists in pages against the API server in memory: the same objects as without pages, whatever happens between two pages."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response
from ansible_collections.progressive.delivery.plugins.module_utils._objects.resources import CONFIG_MAP
from ansible_collections.progressive.delivery.tests.harness.memory.clock import FakeTime
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE, MemoryServer


class Between:
    """Sends requests on; somebody makes an object after the first page, and with `forgets` the server forgets the first page's state."""

    def __init__(self, forgets: bool) -> None:
        self.server, self.forgets, self.queries = MemoryServer(FakeTime()), forgets, list[dict[str, str]]()
        self.namespace = NAMESPACE

    def make(self, name: str) -> None:
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": {"a": "1"}}}
        assert self.server.request("POST", CONFIG_MAP.path(NAMESPACE), {}, body).status == 201

    def request(self, method: str, path: str, query: Any = None, *more: Any) -> Response:
        self.queries.append(dict(query or {}))
        answer = self.server.request(method, path, query, *more)
        if len(self.queries) == 1:
            self.make("zz-new")
            self.server.compacted = self.server.store.version if self.forgets else 0
        return answer


@pytest.mark.parametrize(
    ("count", "forgets", "requests", "found"),
    [(0, False, 1, 0), (500, False, 1, 500), (501, False, 2, 501), (1200, False, 3, 1200), (1200, True, 3, 1201)],
)
def test_a_list_in_pages(count: int, forgets: bool, requests: int, found: int) -> None:
    place = Between(forgets)
    for number in range(count):
        place.make(f"shop-{number:05d}")
    items, version = Client(place, place.server.time).list(CONFIG_MAP, NAMESPACE, "a=1")  # type: ignore[arg-type]
    assert (len(place.queries), len(items)) == (requests, found)
    assert len({each["metadata"]["name"] for each in items}) == found
    assert int(version) == place.server.store.version - (not forgets)  # A watch from there brings what was made meanwhile.
