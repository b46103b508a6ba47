"""HTTP to a real server on this machine: requests, watches, and what is said when no answer comes."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.auth import connect
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import (
    Response,
    StreamRefused,
    Transport,
    TransportError,
)

JSON = {"Content-Type": "application/json"}


@pytest.fixture
def transport(server: Any, ca: Any) -> Iterator[Transport]:
    made = connect({"host": server.url, "api_key": "t0ken", "ca_cert": str(ca.cert)})
    yield made
    made.close()


def answer_with(server: Any, **fields: Any) -> None:
    kind = type(server.respond(None))
    server.respond = lambda request: kind(**fields)


@pytest.mark.parametrize(
    ("method", "body", "content_type"),
    [
        ("GET", None, "application/json"),
        ("POST", {"a": [1, None, "ä"]}, "application/json"),
        ("PUT", {"a": {}}, "application/json"),
        ("PATCH", {"a": None}, "application/merge-patch+json"),
        ("PATCH", [{"op": "test", "path": "/a", "value": 1}], "application/json-patch+json"),
        ("DELETE", {"propagationPolicy": "Foreground"}, "application/json"),
    ],
)
def test_a_request_arrives_as_it_was_meant(transport: Transport, server: Any, method: str, body: Any, content_type: str) -> None:
    response = transport.request(method, "/api/v1/x", {"labelSelector": "a=b,c!=d", "q": "ä &"}, body, content_type)
    assert response.status == 200
    assert (server.last.method, server.last.path) == (method, "/api/v1/x?labelSelector=a%3Db%2Cc%21%3Dd&q=%C3%A4+%26")
    assert (json.loads(server.last.body) if server.last.body else None) == body
    assert server.last.header("Content-Type") == ([content_type] if body is not None else [])
    assert server.last.header("Accept") == ["application/json"]
    assert server.last.header("Authorization") == ["Bearer t0ken"]


@pytest.mark.parametrize(
    ("status", "headers", "sent", "body"),
    [
        (200, JSON, b'{"a": 1}', {"a": 1}),
        (200, {"Content-Type": "application/json;charset=utf-8"}, b"[1]", [1]),
        (201, JSON, b'"text"', "text"),
        (200, {"Content-Type": "text/plain"}, b"ok", "ok"),
        (200, JSON, b'{"a": ', '{"a": '),
        (200, JSON, b"", ""),
        (302, {"Location": "http://127.0.0.1:1/"}, b"", ""),
        (400, {"Content-Type": "text/plain"}, b"Client sent an HTTP request", "Client sent an HTTP request"),
        (403, JSON, b'{"kind": "Status"}', {"kind": "Status"}),
        (409, JSON, b"{}", {}),
        (429, {**JSON, "Retry-After": "1"}, b"{}", {}),
        (500, {"Content-Type": "text/html"}, b"\xff", "\ufffd"),
        (503, {}, b"upstream", "upstream"),
    ],
)
def test_every_answer_is_a_response(
    transport: Transport, server: Any, status: int, headers: dict[str, str], sent: bytes, body: Any
) -> None:
    answer_with(server, status=status, headers=headers, body=sent)
    response = transport.request("GET", "/x")
    assert (response.status, response.body) == (status, body)
    assert response.headers.items() >= {name.lower(): value for name, value in headers.items()}.items()
    assert len(server.requests) == 1


def test_a_host_may_have_a_path(server: Any, ca: Any) -> None:
    connect({"host": f"{server.url}/k8s/clusters/c-1/", "api_key": "t", "ca_cert": str(ca.cert)}).request("GET", "/api/v1/pods")
    assert server.last.path == "/k8s/clusters/c-1/api/v1/pods"


def test_requests_share_a_connection(transport: Transport, server: Any) -> None:
    for _time in range(3):
        transport.request("GET", "/x")
    assert len({request.port for request in server.requests}) == 1


def test_a_connection_that_the_server_has_closed_is_replaced(transport: Transport, server: Any) -> None:
    answer_with(server, headers={**JSON, "X-Then": "close"})
    for _time in range(3):
        assert transport.request("GET", "/x").status == 200
        time.sleep(0.05)  # until the end of the connection has arrived here
    assert len({request.port for request in server.requests}) == 3


class Places:
    """Servers and proxies that give no answer, each in its own way; `dead` is host:port where nothing listens."""

    def __init__(
        self, ca: Any, other_ca: Any, serve: Callable[..., Any], proxy_to: Callable[..., Any], silent: int, hanging_up: int
    ) -> None:
        self.ca, self.other_ca, self.proxy_to = ca, other_ca, proxy_to
        self.silent, self.hanging_up = f"127.0.0.1:{silent}", f"127.0.0.1:{hanging_up}"
        self.dead = f"127.0.0.1:{free_port()}"
        self.serve = serve

    def https(self, **how: Any) -> str:
        return str(self.serve(**how).url)

    def of(self, pair: Any) -> dict[str, str]:
        return {"client_cert": str(pair.cert), "client_key": str(pair.key)}


@pytest.fixture
def places(ca: Any, other_ca: Any, serve: Any, proxy_to: Any) -> Iterator[Places]:
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as hanging_up:
        threading.Thread(target=hang_up, args=(hanging_up,), daemon=True).start()
        yield Places(ca, other_ca, serve, proxy_to, silent.getsockname()[1], hanging_up.getsockname()[1])


def hang_up(listener: socket.socket) -> None:
    """Closes each connection as soon as something was sent."""
    while True:
        try:
            connection = listener.accept()[0]
        except OSError:
            return
        connection.recv(1)
        connection.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# The auth options, what the message says, retriable, sent (None: either). With TLS 1.3 the refusal of a client races with its request,
# and may get lost: hence 1.2.
NO_ANSWER: dict[str, tuple[Callable[[Places], dict[str, str]], str, bool, bool | None]] = {
    "refused": (lambda at: {"host": f"https://{at.dead}"}, "refuses connections.*host, kubeconfig and context", True, False),
    "no such name": (lambda at: {"host": "https://kubernetes.invalid:6443"}, "cannot be resolved.*DNS", True, False),
    "silent": (lambda at: {"host": f"http://{at.silent}"}, r"did not answer within 0\.3 s", True, True),
    "silent, TLS": (lambda at: {"host": f"https://{at.silent}"}, r"within 0\.3 s", True, None),
    "hanging up": (lambda at: {"host": f"http://{at.hanging_up}"}, "closed the connection without an answer", True, True),
    "hanging up, TLS": (lambda at: {"host": f"https://{at.hanging_up}"}, "closed the connection without an answer", True, None),
    "unknown CA": (lambda at: {"host": at.https(), "ca_cert": str(at.other_ca.cert)}, "not trusted.*ca_cert.*validate_certs", False, False),
    "expired": (lambda at: {"host": at.https(pair=at.ca.issue("old", days=-1))}, "not valid now.*expired.*renew", False, False),
    "another name": (lambda at: {"host": at.https(pair=at.ca.issue("x", ("x.test",)))}, "another name.*tls-server-name", False, False),
    "no client certificate": (
        lambda at: {"host": at.https(tls_1_2=True, client_cert_required=True)},
        "refuses the TLS connection.*client_cert",
        False,
        False,
    ),
    "client certificate of another CA": (
        lambda at: {"host": at.https(tls_1_2=True), **at.of(at.other_ca.issue("stranger"))},
        "refuses the TLS connection.*client_cert",
        False,
        False,
    ),
    "no TLS there": (lambda at: {"host": at.https(tls=False).replace("http:", "https:")}, "does not use TLS.*http://", False, False),
    "proxy refused": (lambda at: {"proxy": f"http://{at.dead}"}, "does not lead to https://api.test.*proxy_headers", True, False),
    "no such proxy": (
        lambda at: {"proxy": "http://proxy.invalid:3128"},
        "does not lead to https://api.test.*proxy_headers",
        True,
        False,
    ),
    "proxy wants credentials": (
        lambda at: {"proxy": at.proxy_to(at.serve(), credentials="user:pw").url.replace("//", "//user:wr0ng@")},
        "does not lead to https://api.test:6443.*407.*proxy_headers",
        False,
        False,
    ),
}


@pytest.mark.parametrize("case", NO_ANSWER)
def test_no_answer_is_told_in_one_line(places: Places, case: str) -> None:
    options, says, retriable, sent = NO_ANSWER[case]
    auth = {"host": "https://api.test:6443", "api_key": "t0ken", "ca_cert": str(places.ca.cert), **options(places)}
    with pytest.raises(TransportError, match=says) as caught:
        connect(auth).request("PATCH", "/x", body={}, timeout=0.3)
    message = str(caught.value)
    assert caught.value.problem.object and caught.value.problem.remedy
    assert auth.get("proxy", auth["host"]).replace("user:wr0ng@", "") in message
    for noise in ("\n", "0x", "urllib3", "HTTPSConnection", "HTTPConnection", "Errno", "_ssl.c", "wr0ng", "t0ken"):
        assert noise not in message
    assert caught.value.retriable is retriable
    assert sent is None or caught.value.sent is sent


def test_an_earlier_failure_does_not_colour_a_later_one(places: Places) -> None:
    try:
        connect({"host": f"http://{places.dead}"}).request("GET", "/x")
    except TransportError:
        with pytest.raises(TransportError, match="closed the connection"):
            connect({"host": f"http://{places.hanging_up}"}).request("GET", "/x")


def broken_off(*chunks: bytes) -> Iterator[bytes]:
    yield from chunks
    raise ConnectionAbortedError


def test_an_answer_that_breaks_off_is_no_answer(server: Any, transport: Transport) -> None:
    answer_with(server, chunks=broken_off(b'{"a":'))
    with pytest.raises(TransportError, match="closed the connection") as caught:
        transport.request("GET", "/x", timeout=5)
    assert caught.value.retriable and caught.value.sent


def event(name: str) -> bytes:
    return json.dumps({"type": "ADDED", "object": {"metadata": {"name": name}}}).encode() + b"\n"


def names(events: Any) -> list[str]:
    return [event["object"]["metadata"]["name"] for event in events]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([event("a"), event("b")], ["a", "b"]),
        ([event("a") + event("b") + event("c")], ["a", "b", "c"]),
        ([event("a")[:20], event("a")[20:], b"\n", event("b")], ["a", "b"]),
        ([event("a"), event("b").rstrip()], ["a", "b"]),
        ([event("a"), event("b")[:20]], ["a"]),
        (broken_off(event("a")), ["a"]),
        (broken_off(event("a"), event("b")[:20]), ["a"]),
        ([event("a" * 200_000)], ["a" * 200_000]),
        ([], []),
    ],
    ids=["a line each", "together", "split", "no last line break", "half a line", "broken off", "broken off in a line", "long", "nothing"],
)
def test_a_watch_gives_its_lines(transport: Transport, server: Any, chunks: Iterable[bytes], expected: list[str]) -> None:
    answer_with(server, chunks=iter(chunks))
    assert names(transport.stream("/api/v1/pods", {"watch": "1"}, 5)) == expected
    assert server.last.path == "/api/v1/pods?watch=1"
    answer_with(server)
    assert transport.request("GET", "/x").status == 200


def test_events_come_at_once(transport: Transport, server: Any) -> None:
    go_on = threading.Event()

    def chunks() -> Iterator[bytes]:
        yield event("a")
        assert go_on.wait(5)
        yield event("b")

    answer_with(server, chunks=chunks())
    stream = transport.stream("/x", {}, 10)
    assert names([next(stream)]) == ["a"]
    go_on.set()
    assert names(stream) == ["b"]


def keep_on(pause: float, first: int = 0) -> Iterator[bytes]:
    """So many events at once, then one after each pause (an empty line would be none)."""
    for number in range(10_000):
        if number >= first:
            time.sleep(pause)
        yield event(str(number))


@pytest.mark.parametrize(("pause", "first", "least"), [(0.02, 0, 5), (30.0, 0, 0), (30.0, 2, 2)], ids=["busy", "silent", "falls silent"])
def test_a_watch_ends_quietly_when_its_time_is_over(transport: Transport, server: Any, pause: float, first: int, least: int) -> None:
    answer_with(server, chunks=keep_on(pause, first))
    start = time.monotonic()
    events = list(transport.stream("/x", {}, 0.5))
    assert 0.4 < time.monotonic() - start < 1.5
    assert len(events) >= least


def test_whoever_leaves_a_watch_early_closes_its_connection(transport: Transport, server: Any) -> None:
    answer_with(server, chunks=keep_on(0.01))
    for _event in transport.stream("/x", {}, 30):
        break
    assert server.hung_up.wait(5)
    answer_with(server)
    assert transport.request("GET", "/x").status == 200


@pytest.mark.parametrize("status", [403, 410, 500])
def test_a_refused_watch_says_why(transport: Transport, server: Any, status: int) -> None:
    answer_with(server, status=status, body={"reason": "Because"})
    with pytest.raises(StreamRefused) as caught:
        list(transport.stream("/x", {}, 5))
    assert isinstance(caught.value.response, Response)
    assert (caught.value.response.status, caught.value.response.body) == (status, {"reason": "Because"})


def test_a_watch_without_an_answer(ca: Any) -> None:
    transport = connect({"host": f"https://127.0.0.1:{free_port()}", "api_key": "t", "ca_cert": str(ca.cert)})
    with pytest.raises(TransportError, match="refuses connections"):
        list(transport.stream("/x", {}, 5))


@pytest.fixture
def strict(server: Any) -> Any:
    """The server accepts one token only, `server.token`."""
    kind = type(server.respond(None))
    server.token = "first"
    server.respond = lambda request: kind(status=200 if request.header("Authorization") == [f"Bearer {server.token}"] else 401)
    return server


@pytest.mark.parametrize("how", ["request", "stream"])
def test_a_token_replaced_on_disk_is_read_again(strict: Any, kubeconfig: Any, written: Any, tmp_path: Path, how: str) -> None:
    (tmp_path / "token").write_text("first\n")
    transport = connect({"kubeconfig": written(kubeconfig(strict.url, {"tokenFile": "token"}))})
    assert transport.request("GET", "/x").status == 200
    (tmp_path / "token").write_text("second\n")
    strict.token = "second"
    if how == "request":
        assert transport.request("POST", "/x", body={"a": 1}).status == 200
        assert json.loads(strict.last.body) == {"a": 1}
    else:
        assert list(transport.stream("/x", {}, 5)) == [{}]
    assert len(strict.requests) == 3


def test_a_wrong_token_is_tried_twice_and_no_more(strict: Any, transport: Transport) -> None:
    assert transport.request("GET", "/x").status == 401
    assert len(strict.requests) == 2


def test_threads_may_share_a_transport(transport: Transport) -> None:
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(transport.request("GET", "/x").status)) for _time in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8
