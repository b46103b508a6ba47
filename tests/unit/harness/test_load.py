"""The load generator: what it takes for an answer, what it refuses, and what it records of a server that misbehaves."""

from __future__ import annotations

import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.cluster.embedded import certificates
from ansible_collections.progressive.delivery.tests.harness.load import Load, parse, target_of

OK = b"HTTP/1.1 200 OK\r\nx-version: blue\r\nx-pod: p1\r\ncontent-length: 2\r\n\r\nhi"


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        (b"", None),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n", None),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nh", None),
        (OK, (200, "blue", "p1", True)),
        (b"HTTP/1.1 503 x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", (503, "", "", False)),
        (b'HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n"blue"', (200, "blue", "", True)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", (200, "", "", True)),
    ],
    ids=["nothing", "half a head", "half a body", "whole", "failure that closes", "version in the body", "half of chunks", "all chunks"],
)
def test_parse(data: bytes, answer: tuple[int, str, str, bool] | None) -> None:
    assert parse(data) == answer


@pytest.mark.parametrize("url", ["http://10.1.2.3/", "http://192.0.2.1:80", "198.18.0.4:80", "0.0.0.0"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="to nothing else"):
        target_of(url)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http:///x"])
def test_other_protocols_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="http://"):
        target_of(url)


@pytest.mark.parametrize(
    ("url", "options", "head"),
    [
        ("127.0.0.1:81", {}, b"GET / HTTP/1.1\r\nHost: 127.0.0.1:81\r\n\r\n"),
        ("http://localhost/a?b=c", {"host_header": "shop.example"}, b"GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\n\r\n"),
        ("127.0.0.1:81/a?b=c", {"query": {"d": "e f", "g": ""}}, b"GET /a?b=c&d=e+f&g= HTTP/1.1\r\nHost: 127.0.0.1:81\r\n\r\n"),
        ("127.0.0.1", {"query": {"d": "1"}, "method": "PUT"}, b"PUT /?d=1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
        (
            "127.0.0.1",
            {"headers": {"X-Qa": "1"}, "cookies": {"a": "1", "b": "2"}},
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Qa: 1\r\nCookie: a=1; b=2\r\n\r\n",
        ),
    ],
    ids=["address only", "host", "query", "method", "header and cookies"],
)
def test_request(url: str, options: dict[str, Any], head: bytes) -> None:
    assert target_of(url, **options).head == head


@pytest.mark.parametrize(
    ("url", "host_header", "port", "server_name"),
    [
        ("http://localhost", "shop.example", 80, ""),
        ("https://localhost", "shop.example", 443, "shop.example"),
        ("https://localhost:8443", "shop.example:8443", 8443, "shop.example"),
        ("https://localhost:8443", None, 8443, "localhost"),
    ],
)
def test_where_to_and_by_which_name(url: str, host_header: str | None, port: int, server_name: str) -> None:
    target = target_of(url, host_header)
    assert (target.host, target.port, target.server_name) == ("127.0.0.1", port, server_name)


@pytest.mark.parametrize("limit", [{"rate": 0}, {"rate": 10_000}, {"connections": 900}, {"duration": 0}, {"duration": 1e9}])
def test_bounds(limit: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(limit))):
        Load("127.0.0.1:1", **limit)  # type: ignore[arg-type]


class Server(socketserver.ThreadingTCPServer):
    """Answers each request with what its test wants; counts connections and requests."""

    daemon_threads = True
    allow_reuse_address = True
    behaviour = "answer"
    connections = requests = 0
    tls: ssl.SSLContext | None = None


class Handler(socketserver.BaseRequestHandler):
    server: Server

    def handle(self) -> None:
        self.server.connections += 1
        if self.server.tls:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        while request := self.request.recv(4096):
            self.server.requests += 1
            if self.server.behaviour == "reset":
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.request.close()
                return
            if self.server.behaviour == "silent":
                time.sleep(5)
                return
            self.request.sendall(OK)
            if self.server.behaviour == "closes after each" or b"Connection: close" in request:
                return


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as listening:
        listening.behaviour = request.param
        threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True).start()
        yield listening
        listening.shutdown()


def load_on(server: Server, **options: float) -> Load:
    return Load(f"127.0.0.1:{server.server_address[1]}", **{"rate": 200, "duration": 5, "max_requests": 40, **options})  # type: ignore[arg-type]


@pytest.mark.parametrize("server", ["answer"], indirect=True)
def test_keeps_connections_and_records_every_request(server: Server) -> None:
    load = load_on(server).start()
    results = load.wait()
    assert (len(results.requests), server.requests, load.skipped) == (40, 40, 0)
    assert results.versions == {"blue": 40}
    assert server.connections < 10
    assert results.requests[-1].start - results.requests[0].start == pytest.approx(39 / 200, abs=0.1)


@pytest.mark.parametrize("server", ["reset"], indirect=True)
def test_a_reset_is_a_failure_and_nothing_is_sent_twice(server: Server) -> None:
    results = load_on(server).start().wait()
    assert {(request.status, request.error) for request in results.requests} == {(0, "reset")}
    assert server.requests == len(results.failures) == 40


@pytest.mark.parametrize("server", ["closes after each"], indirect=True)
def test_a_connection_closed_between_requests_is_none(server: Server) -> None:
    results = load_on(server, rate=50, max_requests=10).start().wait()
    assert not results.failures
    assert server.connections == 10


@pytest.mark.parametrize("server", ["answer"], indirect=True)
def test_fresh_connections(server: Server) -> None:
    load = load_on(server, fresh=True).start()
    results = load.wait()
    assert results.versions == {"blue": 40}
    assert server.connections == 40
    assert load.last_body == b"hi"


@pytest.mark.parametrize("server", ["answer"], indirect=True)
def test_tls_names_the_host_and_trusts_any_certificate(server: Server, tmp_path: Path) -> None:
    certificates.make_authority(tmp_path)
    certificates.issue(tmp_path, "server", "nobody", [], ["nobody.example"])
    names: list[str | None] = []
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.tls.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    server.tls.sni_callback = lambda _socket, name, _context: names.append(name)
    url = f"https://127.0.0.1:{server.server_address[1]}"
    results = Load(url, host_header="shop.example", rate=100, max_requests=5, fresh=True).start().wait()
    assert results.versions == {"blue": 5}
    assert names == ["shop.example"] * 5


@pytest.mark.parametrize("server", ["silent"], indirect=True)
def test_overdue_answers_fail_and_requests_without_a_connection_are_counted(server: Server) -> None:
    load = load_on(server, connections=5, timeout=0.3, max_requests=15)
    results = load.start().wait()
    assert [request.error for request in results.requests] == ["timeout"] * 15
    assert load.skipped > 15


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    results = Load(f"127.0.0.1:{port}", rate=100, max_requests=5).start().wait()
    assert [request.error for request in results.failures] == ["refused"] * 5


@pytest.mark.parametrize("server", ["answer"], indirect=True)
def test_stop_ends_at_once_and_results_can_be_cut_by_time(server: Server) -> None:
    with load_on(server, max_requests=100_000) as load:
        time.sleep(0.3)
        middle = time.time()
        time.sleep(0.3)
    everything = load.results()
    assert len(load.results(until=middle).requests) + len(load.results(since=middle).requests) == len(everything.requests)
    assert 80 <= len(everything.requests) <= 140
    assert everything.summary()["failed"] == 0
