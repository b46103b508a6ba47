"""An API server in memory, and a clock that is moved by waiting, for faults that a real server does not have at hand."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response, TransportError
from ansible_collections.progressive.delivery.tests.harness.memory.kinds import BY_PLACE

Object = dict[str, Any]
NOT_FOUND = {"kind": "Status", "message": "not found"}


class FakeClock:
    """Time passes only where somebody waits; slept: how long each wait was."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 3))
        self.time += max(0.0, seconds)


def answer(status: int, body: Any = None, **headers: str) -> Response:
    return Response(
        status,
        {name.replace("_", "-"): value for name, value in headers.items()},
        {"kind": "Status", "message": "said so"} if body is None else body,
    )


def lost(sent: bool = True) -> TransportError:
    return TransportError("the API server closed the connection without an answer", retriable=True, sent=sent)


@dataclass
class MemoryServer:
    """Objects by path, with preconditions as the real one has them.

    faults: what happens instead of the next requests: an answer, an error, or None for nothing unusual.
    after: raised once the next write is carried out. streams: what the next watches bring.
    """

    clock: FakeClock
    namespace: str = "test"
    objects: dict[str, Object] = field(default_factory=dict)
    faults: list[Any] = field(default_factory=list)
    after: list[BaseException] = field(default_factory=list)
    streams: list[Callable[[], Iterator[Object]]] = field(default_factory=list)
    requests: list[tuple[str, str]] = field(default_factory=list)
    queries: list[Mapping[str, str]] = field(default_factory=list)
    version: int = 1

    def put(self, path: str, obj: Object) -> Object:
        self.version += 1
        metadata = {"uid": f"uid-{path}", **obj["metadata"], "resourceVersion": str(self.version)}
        self.objects[path] = {**_kind_at(path), **obj, "metadata": metadata}
        return self.objects[path]

    def request(self, method: str, path: str, query: Any = None, body: Any = None, content_type: str = "application/json") -> Response:
        self.requests.append((method, path))
        self.queries.append(query or {})
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, BaseException):
            _fail(fault)
        response = fault or self._carry_out(method, path, json.loads(json.dumps(body)), content_type)
        if method != "GET" and self.after:
            _fail(self.after.pop(0))
        return copy.deepcopy(response)

    def stream(self, path: str, query: Mapping[str, str], timeout: float) -> Iterator[Object]:
        self.requests.append(("WATCH", path))
        self.queries.append(query)
        if self.streams:
            return self.streams.pop(0)()
        self.clock.sleep(timeout)
        return iter(())

    def _carry_out(self, method: str, path: str, body: Any, content_type: str) -> Response:
        live = self.objects.get(path)
        if method == "GET":
            below = [obj for name, obj in self.objects.items() if name.rpartition("/")[0] == path]
            if live is None and (below or path.endswith("s")):
                return answer(200, {"metadata": {"resourceVersion": str(self.version)}, "items": below})
            return answer(200, live) if live else answer(404, NOT_FOUND)
        if method == "POST":
            name = f"{path}/{body['metadata']['name']}"
            return answer(409) if name in self.objects else answer(201, self.put(name, body))
        if live is None:
            return answer(404, NOT_FOUND)
        if method == "DELETE":
            if body["preconditions"]["uid"] != live["metadata"]["uid"]:
                return answer(409)
            return answer(200, self.objects.pop(path))
        assert (method, content_type) == ("PATCH", "application/merge-patch+json")
        seen = (body.get("metadata") or {}).pop("resourceVersion", None)
        assert seen is not None or (self.queries[-1] or {}).get("dryRun"), "a write must be of the object as it was seen"
        if seen not in (None, live["metadata"]["resourceVersion"]):
            return answer(409)
        return answer(200, self.put(path, _merged(live, body)))


def _kind_at(path: str) -> Object:
    """What the API server says of the kind of an object at a path."""
    _nothing, *prefix, version, _namespaces, _namespace, plural, _name = path.split("/")
    group = prefix[1] if len(prefix) > 1 else ""
    kind = BY_PLACE.get((group, version, plural))
    return {"apiVersion": f"{group}/{version}" if group else version, **({"kind": kind.kind} if kind else {})}


def _fail(error: BaseException) -> None:
    raise error


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        result.pop(key, None)
        if value is not None:
            result[key] = _merged((target or {}).get(key), value)
    return result


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def server(clock: FakeClock) -> MemoryServer:
    return MemoryServer(clock)


@pytest.fixture
def client(server: MemoryServer, clock: FakeClock) -> Client:
    made = Client(server, clock, patience=10.0)  # type: ignore[arg-type]
    server.put("/api/v1/namespaces/test/services/known", {"metadata": {"name": "known"}})
    return made
