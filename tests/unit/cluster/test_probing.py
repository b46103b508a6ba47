"""Asking a real server that serves a split: when a probe is content, when it gives up, and what it says then."""

from __future__ import annotations

import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import probing
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.clock import Clock
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.probing import NotServed, probe
from ansible_collections.progressive.delivery.plugins.module_utils._plan.probes import Probe, read_probe
from ansible_collections.progressive.delivery.plugins.module_utils._routing.served import Measured

EXPECT = {"canary": "^x-version: 2$", "stable": "^x-version: 1$"}


@dataclass
class Split:
    """Answers of an ApiServer. changes: from which second (after the first request) on the canary has which share."""

    changes: dict[float, float]
    failing: float = 0.0
    dice: random.Random = field(default_factory=lambda: random.Random(4))
    began: float = 0.0
    lock: Any = field(default_factory=threading.Lock)

    def share(self) -> float:
        self.began = self.began or time.monotonic()
        return [share for since, share in self.changes.items() if time.monotonic() - self.began >= since][-1]

    def serve_on(self, server: Any) -> None:
        kind = type(server.respond(None))

        def respond(_request: Any) -> Any:
            with self.lock:
                if self.dice.random() < self.failing:
                    return kind(status=503, body=b"no endpoints", headers={})
                version = "2" if self.dice.random() < self.share() else "1"
            return kind(headers={"X-Version": version}, body=b"hello")

        server.respond = respond


def probe_of(url: str, **changes: Any) -> Probe:
    made = read_probe({"url": url, "expect": EXPECT, **changes})
    assert made is not None
    return made


def ask(wanted: Probe, previous: float | None, asked: float, beat: Callable[[], None] = lambda: None) -> Measured:
    return probe(Clock(), wanted, previous, asked, beat)


@pytest.fixture
def plain(serve: Callable[..., Any]) -> Any:
    return serve(tls=False)


@pytest.mark.parametrize(
    ("previous", "asked", "takes_effect", "most", "near"),
    [
        (0.0, 1.0, 0.0, 200, 0.0),
        (1.0, 0.0, 0.4, 300, 0.0),
        (0.0, 0.2, 0.0, 600, 14.0),
        (0.0, 0.2, 0.5, 700, 14.0),
        (0.5, 1.0, 0.5, 350, 0.0),
        (0.2, 0.8, 0.3, 400, 16.0),
    ],
    ids=str,
)
def test_it_returns_as_soon_as_the_split_is_served(
    plain: Any, previous: float, asked: float, takes_effect: float, most: int, near: float
) -> None:
    """Soon is after so many requests, however many a second the machine can answer."""
    Split({0.0: previous, takes_effect: asked}).serve_on(plain)
    measured = ask(probe_of(plain.url), previous, asked)
    assert takes_effect < measured.seconds
    assert measured.requests < most
    assert measured.share == pytest.approx(100 * asked, abs=near)
    assert measured.conclusive
    assert measured.requests == measured.canary + measured.stable + measured.failed
    # At most four at once every 40 ms, and each on a connection of its own.
    assert measured.requests <= 100 * measured.seconds + 4
    assert len({request.port for request in plain.requests}) == len(plain.requests)


def test_requests_are_as_asked_for(plain: Any) -> None:
    Split({0.0: 1.0}).serve_on(plain)
    ask(probe_of(f"{plain.url}/version?full=1", headers={"Host": "shop.example", "user-agent": "mine", "X-Name": "Zoë"}), 0.0, 1.0)
    assert {(request.method, request.path, request.body) for request in plain.requests} == {("GET", "/version?full=1", b"")}
    assert plain.last.header("Host") == ["shop.example"]
    assert plain.last.header("User-Agent") == ["mine"]
    assert plain.last.header("X-Name") == ["Zoë"]
    assert plain.last.header("Connection") == ["close"]


def test_they_say_who_asks(plain: Any) -> None:
    Split({0.0: 1.0}).serve_on(plain)
    ask(probe_of(plain.url), 0.0, 1.0)
    assert plain.last.header("User-Agent") == ["progressive.delivery"]


def test_the_beat_goes_on(plain: Any) -> None:
    Split({0.0: 0.0}).serve_on(plain)
    beats: list[float] = []
    with pytest.raises(NotServed):
        ask(probe_of(plain.url, timeout=1), 0.0, 1.0, lambda: beats.append(time.monotonic()))
    assert len(beats) > 3


def test_what_the_beat_raises_ends_it(plain: Any) -> None:
    def lost() -> None:
        raise KeyError("lost the Lease")

    with pytest.raises(KeyError):
        ask(probe_of(plain.url), 0.0, 1.0, lost)


def test_what_cannot_be_told_apart_is_measured_all_the_same(plain: Any) -> None:
    Split({0.0: 1.0}).serve_on(plain)
    measured = ask(probe_of(plain.url), 0.99, 1.0)
    assert (measured.share, measured.conclusive) == (100.0, False)
    assert measured.requests > 100


def test_an_application_that_is_too_slow_to_be_sure_is_given_credit(plain: Any) -> None:
    Split({0.0: 1.0}).serve_on(plain)
    at_once = plain.respond

    def respond(request: Any) -> Any:
        time.sleep(0.5)
        return at_once(request)

    plain.respond = respond
    measured = ask(probe_of(plain.url, timeout=1.2), 0.9, 1.0)
    assert (measured.share, measured.conclusive, measured.stable) == (100.0, False, 0)
    assert measured.requests <= 16


LATE = "the split was not served within 1s: asked"
SEE = "see in the router's status and its controller's log whether proxies take it, or set a longer timeout of probe"

CHECK = "check url, headers and expect of probe"


@pytest.mark.parametrize(
    ("split", "asked", "said"),
    [
        (Split({0.0: 0.0}), 0.2, rf"{LATE} 20 %, measured 0 % of the last \d+ answers: {SEE}"),
        (Split({0.0: 0.4}), 1.0, rf"{LATE} 100 %, measured [345]\d(\.\d+)? % of the last \d+ answers: {SEE}"),
        (Split({0.0: 0.6}), 0.1, rf"{LATE} 10 %, measured [567]\d(\.\d+)? % of the last \d+ answers: {SEE}"),
        (
            Split({0.0: 1.0}, failing=0.3),
            1.0,
            rf"{LATE} 100 %, measured 100 % of the last (\d+) answers, \d+ of \1 requests failed \(last: HTTP status 503\): {SEE}",
        ),
        (
            Split({0.0: 1.0}, failing=1.0),
            1.0,
            rf"{LATE} 100 %, measured nothing, (\d+) of \1 requests failed \(last: HTTP status 503\): {CHECK}",
        ),
    ],
    ids=["the old split", "half", "too much", "some fail", "all fail"],
)
def test_when_the_time_is_up_it_says_what_was_measured(plain: Any, split: Split, asked: float, said: str) -> None:
    split.serve_on(plain)
    began = time.monotonic()
    with pytest.raises(NotServed) as late:
        ask(probe_of(plain.url, timeout=1), 0.0, asked)
    assert 1.0 <= time.monotonic() - began < 3.0
    assert re.fullmatch(said, str(late.value))
    measured = late.value.measured
    assert measured.requests == measured.canary + measured.stable + measured.failed == len(plain.requests)


def test_a_connection_that_is_refused_is_a_failed_request() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(
            NotServed, match=r"measured nothing, (\d+) of \1 requests failed \(last: Connection refused\): check url"
        ) as late:
            ask(probe_of(url, timeout=1), 0.0, 1.0)
    assert late.value.measured.failed == late.value.measured.requests > 10
    assert late.value.measured.share is None


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "_PATIENCE", 0.4)


@pytest.mark.usefixtures("impatient")
def test_a_server_that_does_not_answer_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        began = time.monotonic()
        with pytest.raises(NotServed, match=r"requests failed \(last: timed out\)"):
            ask(probe_of(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=1), 0.0, 1.0)
        assert time.monotonic() - began < 60  # a silent one could be waited for for ever


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("piece", "pause"), [(b"version 2 " * 1000, 0.0), (b"version 2 ", 0.1)], ids=["fast", "slow"])
def test_an_endless_answer_is_read_as_far_as_it_tells(plain: Any, piece: bytes, pause: float) -> None:
    kind = type(plain.respond(None))

    def forever() -> Iterator[bytes]:
        for _piece in range(100_000 if not pause else 1000):
            time.sleep(pause)
            yield piece

    plain.respond = lambda request: kind(headers={"Content-Type": "text/plain"}, chunks=forever())
    measured = ask(probe_of(plain.url, timeout=1 if pause else 9, expect={"canary": "version 2"}), 0.0, 1.0)
    assert measured.share == 100
    assert measured.seconds < 60  # the slow one would go on for longer


def test_redirects_are_not_followed(plain: Any) -> None:
    kind = type(plain.respond(None))
    plain.respond = lambda request: kind(status=302, headers={"Location": "/elsewhere", "X-Version": "2"})
    assert ask(probe_of(plain.url), 0.0, 1.0).conclusive
    assert {request.path for request in plain.requests} == {"/"}


def test_a_connection_closed_without_an_answer_is_a_failed_request(plain: Any) -> None:
    def fall(_request: Any) -> Any:
        raise ConnectionAbortedError

    plain.respond = fall
    with pytest.raises(NotServed, match=r"\(last: Remote end closed connection without response\)"):
        ask(probe_of(plain.url, timeout=1), 0.0, 1.0)


@pytest.mark.parametrize(
    ("trusted", "options", "trouble"),
    [
        (False, {"validate_certs": False}, None),
        (False, {"validate_certs": False, "headers": {"Host": "other.test"}}, None),
        (True, {}, None),
        (True, {"headers": {"Host": "api.test"}}, None),
        (True, {"headers": {"host": "api.test:8443"}}, None),
        (False, {}, "self.signed certificate in certificate chain"),
        (True, {"headers": {"Host": "other.test"}}, ".* 'other.test'.*"),
    ],
    ids=["unchecked", "unchecked, another name", "trusted", "by its name", "by name and port", "not trusted", "another name"],
)
def test_tls(server: Any, ca: Any, monkeypatch: pytest.MonkeyPatch, trusted: bool, options: dict[str, Any], trouble: str | None) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(ca.cert))
    Split({0.0: 1.0}).serve_on(server)
    if trouble is None:
        assert ask(probe_of(server.url, timeout=60, **options), 0.0, 1.0).conclusive
        return
    with pytest.raises(NotServed) as late:
        ask(probe_of(server.url, timeout=1, **options), 0.0, 1.0)
    assert re.search(rf"\(last: {trouble}\): check url, headers, validate_certs and expect", str(late.value))
    assert not server.requests


def test_a_pattern_that_takes_too_long_ends_the_probe(plain: Any) -> None:
    kind = type(plain.respond(None))
    plain.respond = lambda request: kind(body=b"x" * 60)
    began = time.monotonic()
    with pytest.raises(NotServed, match=r"^probe\.expect\.canary took longer than 1 s for \d+ characters: simplify the pattern"):
        ask(probe_of(plain.url, timeout=600, expect={"canary": "^(x|xx)+y$"}), 0.0, 1.0)
    assert time.monotonic() - began < 60  # the search alone would last for hours, the probe ten minutes


def test_without_the_values_of_its_headers_nothing_is_sent(plain: Any) -> None:
    said = r"^probe\.headers has values that are not stored \(Authorization\): give this call the option probe with all of its headers$"
    with pytest.raises(NotServed, match=said):
        ask(probe_of(plain.url, headers={"Host": "shop.example", "Authorization": None}), 0.0, 1.0)
    assert not plain.requests


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_where_a_name_leads_is_looked_at_before_anything_is_sent(
    serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tls: bool
) -> None:
    """A link-local address cannot be had on every machine: the address of the test's server counts as one."""
    server = serve(tls=tls)
    monkeypatch.setattr(probing, "link_local", lambda address: address == "127.0.0.1")
    url = server.url.replace("127.0.0.1", "localhost")
    with pytest.raises(NotServed) as refused:
        ask(probe_of(url, timeout=600, validate_certs=False), 0.0, 1.0)
    assert str(refused.value) == (
        "probe.url has the host localhost, which leads to 127.0.0.1, a link-local or metadata address: use a host that leads to the gateway"
    )
    assert not server.requests
