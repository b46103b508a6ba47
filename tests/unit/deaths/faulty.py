"""A transport on which one request goes wrong, in one of the ways in which they do between us and an API server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response, StreamRefused, TransportError
from ansible_collections.progressive.delivery.tests.harness.memory.server import MemoryServer

Send = Callable[[], Response]
RETRY_AFTER = 3.0
OUTAGE, LONG_OUTAGE = 20.0, 60.0  # seconds; shorter and longer than a call is patient


def _status(status: int, reason: str, message: str, **headers: str) -> Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message, "code": status}
    return Response(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


CONFLICT = _status(409, "Conflict", "Operation cannot be fulfilled: the object has been modified")
TOO_MANY = _status(429, "TooManyRequests", "the server has received too many requests", retry_after=f"{RETRY_AFTER:g}")
BROKEN = _status(500, "InternalError", "etcdserver: leader changed")
AWAY = _status(503, "ServiceUnavailable", "apiserver is shutting down")
GONE = _status(410, "Expired", "too old resource version")


def _closed() -> TransportError:
    return TransportError("the API server closed the connection without an answer: is it starting?", retriable=True, sent=True)


def _refused() -> TransportError:
    return TransportError("the API server refuses connections: is it running, and is this its address?", retriable=True)


def _instead(answer: Response) -> Callable[[Send], Response]:
    return lambda send: answer


def _after(answer: Response) -> Callable[[Send], Response]:
    return lambda send: send() and answer


def _reset_before(_send: Send) -> Response:
    raise _closed()


def _reset_after(send: Send) -> Response:
    send()
    raise _closed()


# What becomes of a request; the first group is for writes, which a server may have carried out or not.
OF_WRITES: dict[str, Callable[[Send], Response]] = {
    "409": _instead(CONFLICT),
    "500 after it was carried out": _after(BROKEN),
    "reset after it was carried out": _reset_after,
}
OF_ALL: dict[str, Callable[[Send], Response]] = {
    "429": _instead(TOO_MANY),
    "500": _instead(BROKEN),
    "503": _instead(AWAY),
    "reset before it was carried out": _reset_before,
}
OUTAGES = {"an outage": OUTAGE, "a long outage": LONG_OUTAGE}
OF_WATCHES = ("410", "410 within", "cut off")
FAULTS = (*OF_WRITES, *OF_ALL, *OUTAGES, *OF_WATCHES)


class Faulty:
    """The request of this number goes wrong; counted are just those that the fault is for. came: whether it has."""

    def __init__(self, server: MemoryServer, fault: str, number: int) -> None:
        self.server, self.fault, self.number = server, fault, number
        self.namespace = server.namespace
        self.count = 0
        self.away_until = float("-inf")

    @property
    def came(self) -> bool:
        return self.count >= self.number

    def request(self, method: str, *more: Any) -> Response:
        def send() -> Response:
            return self.server.request(method, *more)

        if self.fault in OUTAGES:
            self._go_away()
        elif self._is_for(method):
            self.count += 1
            if self.count == self.number:
                return {**OF_WRITES, **OF_ALL}[self.fault](send)
        return send()

    def _is_for(self, method: str) -> bool:
        """A DELETE meets a conflict only where another object has taken the name."""
        return self.fault in OF_ALL or (self.fault in OF_WRITES and method not in ("GET", *(["DELETE"] if self.fault == "409" else [])))

    def _go_away(self) -> None:
        """Raises while the server is away."""
        self.count += 1
        if self.count == self.number:
            self.away_until = self.server.time.now() + OUTAGES[self.fault]
        if self.server.time.now() < self.away_until:
            raise _refused()

    def stream(self, path: str, query: Mapping[str, str], timeout: float) -> Iterator[dict[str, Any]]:
        if self.fault in OUTAGES:
            self._go_away()
        if self.fault in OF_WATCHES:
            self.count += 1
            if self.count == self.number:
                if self.fault == "410":
                    raise StreamRefused(GONE)
                if self.fault == "410 within":
                    yield {"type": "ERROR", "object": GONE.body}
                return
        for event in self.server.stream(path, query, timeout):
            if self.server.time.now() < self.away_until:
                return
            yield event
