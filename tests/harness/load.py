"""Sends requests at a steady rate and records each one: as a library (Load) and as a command. Only to this machine's own addresses.

Open loop: requests are due at fixed times, whatever the answers do, so that a stall is seen as what it is. Nothing is ever sent twice: a
connection that is reset with a request under way is a failed request.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import ipaddress
import json
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

MOST_RATE, MOST_CONNECTIONS, MOST_SECONDS = 5000.0, 800, 3600.0  # 800: ordinary users often have 1,024 open files
CLUSTERS = ipaddress.ip_network("198.18.0.0/15")


class Request(NamedTuple):
    """One request: when it began (seconds since the epoch), how long it took, and what came of it."""

    start: float
    duration: float
    status: int  # 0 when there was no answer
    error: str  # why there was none
    version: str
    pod: str

    @property
    def failed(self) -> bool:
        return not 200 <= self.status < 400

    @property
    def end(self) -> float:
        return self.start + self.duration


class Target(NamedTuple):
    host: str
    port: int
    head: bytes  # the whole request
    server_name: str = ""  # for TLS: the name that the handshake asks for (SNI); certificates are not checked


def target_of(
    url: str,
    host_header: str | None = None,
    headers: dict[str, str] | None = None,
    method: str = "GET",
    query: dict[str, str] | None = None,
    cookies: dict[str, str] | None = None,
) -> Target:
    """Where to send what; refuses every address that is not this machine's loopback or a test cluster's."""
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url}: an http:// or https:// URL is needed")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = socket.getaddrinfo(parts.hostname, port, socket.AF_INET, socket.SOCK_STREAM)[0][4][0]
    _require_own(str(address))
    queries = "&".join(filter(None, [parts.query, urlencode(query or {})]))
    lines = [
        f"{method} {parts.path or '/'}{'?' if queries else ''}{queries} HTTP/1.1",
        f"Host: {host_header or parts.netloc}",
        *(f"{name}: {value}" for name, value in (headers or {}).items()),
    ]
    if cookies:
        lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in cookies.items()))
    server_name = (host_header or parts.hostname).partition(":")[0] if parts.scheme == "https" else ""
    return Target(str(address), port, "\r\n".join([*lines, "", ""]).encode(), server_name)


def _unchecked_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the library's default one reads hundreds of authorities, which costs each handshake
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _require_own(address: str) -> None:
    ip = ipaddress.ip_address(address)
    if ip.is_loopback:
        return
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((address, 0))  # works only where the address belongs to this network namespace
    except OSError:
        pass
    else:
        if ip in CLUSTERS:
            return
    raise ValueError(
        f"{address}: load goes to loopback, or to a test cluster's addresses from inside it (tests/cluster/exec), and to nothing else; "
        "forward a port of a remote gateway to loopback first"
    )


class _Connection(asyncio.Protocol):
    """One connection with at most one request under way; it stays for further ones, unless the load wants fresh ones."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.transport: asyncio.Transport | None = None
        self.began = 0.0  # of the request under way, by the monotonic clock; 0 for none
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def send(self) -> None:
        assert self.transport is not None
        self.buffer = b""
        self.began = time.perf_counter()
        self.transport.write(self.load.target.head)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        answer = parse(self.buffer)
        if answer is not None and self.began:
            status, version, pod, keep = answer
            self.load.last_answer = self.buffer
            self.load.record(self.began, status, "", version, pod)
            self.began = 0.0
            self.load.release(self, keep)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.began:
            self.load.record(self.began, 0, "reset" if exc else "closed", "", "")
            self.began = 0.0
        self.load.gone(self)

    def give_up(self) -> None:
        """The answer is overdue."""
        self.load.record(self.began, 0, "timeout", "", "")
        self.began = 0.0
        if self.transport:
            self.transport.abort()


def parse(data: bytes) -> tuple[int, str, str, bool] | None:
    """Status, version, pod and whether the connection stays, once the answer is complete; None before."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return None
    lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines[1:])}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        if not body.endswith(b"0\r\n\r\n"):
            return None
    elif len(body) < int(headers.get("content-length", 0)):
        return None
    version = headers.get("x-version") or _version_in(body)
    return int(lines[0].split()[1]), version, headers.get("x-pod", ""), headers.get("connection", "").lower() != "close"


def _version_in(body: bytes) -> str:
    """For applications other than the test cluster's pods: a body that is a word, as that of argoproj/rollouts-demo at /color."""
    text = body.strip().strip(b'"')
    return text.decode() if len(text) < 64 and text.isalnum() else ""


class Load:
    """A load on one URL, in a thread of its own; a context manager, or start() and stop().

    fresh: a new connection for each request, as where a router decides by connection (TCP, TLS passthrough).
    """

    def __init__(
        self,
        url: str,
        host_header: str | None = None,
        rate: float = 100,
        connections: int = 100,
        duration: float = 600,
        max_requests: int = 1_000_000,
        headers: dict[str, str] | None = None,
        timeout: float = 10,
        method: str = "GET",
        query: dict[str, str] | None = None,
        cookies: dict[str, str] | None = None,
        fresh: bool = False,
    ) -> None:
        for name, value, most in (
            ("rate", rate, MOST_RATE),
            ("connections", connections, MOST_CONNECTIONS),
            ("duration", duration, MOST_SECONDS),
        ):
            if not 0 < value <= most:
                raise ValueError(f"{name} {value}: more than 0 and at most {most:g}")
        closing = {"Connection": "close"} if fresh else {}
        self.target = target_of(url, host_header, {**(headers or {}), **closing}, method, query, cookies)
        self.tls = _unchecked_tls() if self.target.server_name else None
        self.fresh = fresh
        self.last_answer = b""
        self.rate, self.connections, self.duration, self.max_requests, self.timeout = rate, connections, duration, max_requests, timeout
        self.requests: list[Request] = []
        self.sent = 0
        self.skipped = 0  # requests that were due while every connection was busy
        self._clock = time.time() - time.perf_counter()
        self._idle: collections.deque[_Connection] = collections.deque()
        self._open: set[_Connection] = set()
        self._opening = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), name="load", daemon=True)

    def start(self) -> Load:
        self._thread.start()
        return self

    def stop(self) -> Results:
        """No new requests; waits for the answers to those under way."""
        self._stop.set()
        return self.wait()

    def wait(self) -> Results:
        """Until the duration or the number of requests is reached."""
        self._thread.join()
        return self.results()

    def results(self, since: float = 0, until: float = float("inf")) -> Results:
        """What is known so far of requests that began in this time (seconds since the epoch)."""
        return Results([request for request in self.requests[:] if since <= request.start < until])

    @property
    def last_body(self) -> bytes:
        """Of the last answer that was complete."""
        return self.last_answer.partition(b"\r\n\r\n")[2]

    def __enter__(self) -> Load:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    # Below: in the load's own thread.

    def record(self, began: float, status: int, error: str, version: str, pod: str) -> None:
        self.requests.append(Request(began + self._clock, time.perf_counter() - began, status, error, version, pod))

    def release(self, connection: _Connection, keep: bool) -> None:
        if self.fresh and not keep:
            return  # the other side closes it: of thousands that this side closed, each would keep a port for a minute
        if keep and not self.fresh:
            self._idle.append(connection)
        elif connection.transport:
            connection.transport.close()

    def gone(self, connection: _Connection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    async def _main(self) -> None:
        began = time.perf_counter()
        pending: set[asyncio.Task[None]] = set()
        while not self._stop.is_set():
            elapsed = time.perf_counter() - began
            if elapsed > self.duration or self.sent >= self.max_requests:
                break
            due = int(elapsed * self.rate) + 1 - self.sent - self.skipped
            for _number in range(due):
                self._send_one(pending)
            self._expire()
            next_due = began + (self.sent + self.skipped) / self.rate
            await asyncio.sleep(min(max(next_due - time.perf_counter(), 0.002), 0.05))
        deadline = time.perf_counter() + self.timeout
        while (pending or any(connection.began for connection in self._open)) and time.perf_counter() < deadline + 1:
            self._expire()
            await asyncio.sleep(0.01)
        for connection in list(self._open):
            if connection.transport:
                connection.transport.abort()

    def _send_one(self, pending: set[asyncio.Task[None]]) -> None:
        if self.sent >= self.max_requests:
            return
        if self._idle:
            self.sent += 1
            self._idle.popleft().send()
        elif len(self._open) + self._opening < self.connections:
            self.sent += 1
            self._opening += 1
            task = asyncio.get_running_loop().create_task(self._connect_and_send())
            pending.add(task)
            task.add_done_callback(pending.discard)
        else:
            self.skipped += 1

    async def _connect_and_send(self) -> None:
        began = time.perf_counter()
        loop = asyncio.get_running_loop()
        try:
            name = self.target.server_name or None
            opening = loop.create_connection(
                lambda: _Connection(self), self.target.host, self.target.port, ssl=self.tls, server_hostname=name
            )
            _transport, connection = await asyncio.wait_for(opening, self.timeout)
        except (OSError, asyncio.TimeoutError) as error:
            self.record(began, 0, "refused" if isinstance(error, ConnectionRefusedError) else f"connect: {error or 'timeout'}", "", "")
        else:
            self._open.add(connection)
            if connection.transport is None or connection.transport.is_closing():
                self.record(began, 0, "reset", "", "")
                self._open.discard(connection)
            else:
                connection.send()
        finally:
            self._opening -= 1

    def _expire(self) -> None:
        overdue = time.perf_counter() - self.timeout
        for connection in [one for one in self._open if 0 < one.began < overdue]:
            connection.give_up()


class Results:
    """What came of a number of requests."""

    def __init__(self, requests: list[Request]) -> None:
        self.requests = requests

    @property
    def failures(self) -> list[Request]:
        return [request for request in self.requests if request.failed]

    @property
    def versions(self) -> collections.Counter[str]:
        """How many successful answers each version gave."""
        return collections.Counter(request.version for request in self.requests if not request.failed)

    def summary(self) -> dict[str, object]:
        durations = sorted(request.duration for request in self.requests)
        span = max((request.end for request in self.requests), default=0) - min((request.start for request in self.requests), default=0)
        kinds = collections.Counter(str(request.status or request.error) for request in self.failures)
        return {
            "requests": len(self.requests),
            "failed": len(self.failures),
            "failures": dict(kinds),
            "versions": dict(self.versions.most_common()),
            "per_second": round(len(self.requests) / span, 1) if span else 0,
            "milliseconds": {f"p{part}": round(1000 * _part(durations, part / 100), 1) for part in (50, 99, 100)} if durations else {},
        }


def _part(ordered: list[float], part: float) -> float:
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def write_lines(requests: Iterable[Request], path: Path) -> None:
    """One JSON object a line."""
    with path.open("w") as file:
        file.writelines(json.dumps(request._asdict()) + "\n" for request in requests)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="load.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="http[s]://HOST:PORT/PATH, or HOST:PORT")
    parser.add_argument("--host-header", help="the Host to ask for")
    parser.add_argument("--header", action="append", default=[], metavar="NAME=VALUE", help="a further header (repeatable)")
    parser.add_argument("--method", default="GET")
    parser.add_argument("--fresh", action="store_true", help="a new connection for each request")
    parser.add_argument("--rate", type=float, default=100, help="requests a second (default 100)")
    parser.add_argument("--connections", type=int, default=100, help="most connections at once (default 100)")
    parser.add_argument("--duration", type=float, default=10, help="seconds (default 10)")
    parser.add_argument("--max-requests", type=int, default=1_000_000, help="stop after so many were sent")
    parser.add_argument("--timeout", type=float, default=10, help="seconds for one request (default 10)")
    parser.add_argument("--out", type=Path, help="write every request here, as lines of JSON")
    options = parser.parse_args(arguments)
    headers = dict(header.split("=", 1) for header in options.header)
    try:
        load = Load(
            options.url,
            options.host_header,
            options.rate,
            options.connections,
            options.duration,
            options.max_requests,
            headers,
            options.timeout,
            options.method,
            fresh=options.fresh,
        )
    except ValueError as error:
        parser.error(str(error))
    load.start()
    try:
        results = load.wait()
    except KeyboardInterrupt:
        results = load.stop()
    if options.out:
        write_lines(results.requests, options.out)
    print(json.dumps({**results.summary(), "skipped": load.skipped}))
    return 1 if results.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
