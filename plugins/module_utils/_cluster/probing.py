"""Asks a URL again and again until the answers show that the asked split is served."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import math
import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Union

from .._objects.durations import show
from .._objects.shown import names, shown
from .._plan.probes import Probe, link_local, read_answer
from .._routing.served import FAILED, RECENT, Answers, Measured, question
from .clock import Clock
from .matching import Matcher, TooSlow

if TYPE_CHECKING:
    import urllib3

# Requests a second at the most, and at once.
_RATE = 100.0
_AT_ONCE = 4
# One request: seconds without a sign of the server, and as much of the body as is looked at.
_PATIENCE = 3.0
_BODY = 65536
# An answer (status, headers, beginning of the body), or why there is none.
_Reply = Union[tuple[int, Mapping[str, str], str], str]
_DEFAULT_HEADERS = {"User-Agent": "progressive.delivery", "Connection": "close"}


class NotServed(Exception):
    """The answers do not show the asked split, and the time is up; or the probe cannot be used at all."""

    def __init__(self, message: str, measured: Measured) -> None:
        super().__init__(message)
        self.measured = measured


class AddressRefused(Exception):
    """The URL's host leads to an address that no probe may ask."""


def probe(clock: Clock, wanted: Probe, previous: float | None, asked: float, renew: Callable[[], None]) -> Measured:
    """What was measured once the answers show that the canary has the share `asked` (0 to 1).

    previous: its share before the move, None where that is unknown. renew: called at least once in a few seconds.
    When the time is up, this is still what was measured, with conclusive false, where the answers speak for the asked split and there were
    only too few of them to be sure; otherwise it is NotServed.
    """
    answers = Answers(question(previous, asked, most=math.ceil(wanted.timeout * _RATE)))
    began, last_failure = clock.monotonic(), ""
    if wanted.missing:
        why = f"probe.headers: the value of {names(wanted.missing)} is not stored: give this call the option probe with all of its headers"
        raise NotServed(why, answers.measured(0.0))
    ask = _asker(wanted)
    try:
        last_failure = _collect(clock, wanted, answers, began, ask, renew)
    except (AddressRefused, TooSlow) as problem:
        raise NotServed(str(problem), answers.measured(clock.monotonic() - began)) from None
    measured = answers.measured(clock.monotonic() - began)
    if answers.served or answers.likely:
        return measured
    raise NotServed(_message(wanted, asked, measured, last_failure), measured)


def _collect(clock: Clock, wanted: Probe, answers: Answers, began: float, ask: Callable[[], _Reply], renew: Callable[[], None]) -> str:
    """Asks until the answers show the split, or the time is up; why the last request failed, if one did."""
    last_failure = ""
    with Matcher(wanted.expect) as matcher, ThreadPoolExecutor(_AT_ONCE) as threads:
        while not answers.served:
            now = clock.monotonic()
            if now - began >= wanted.timeout:
                break
            renew()
            requests = [threads.submit(ask) for _request in range(_AT_ONCE)]
            # In the order in which they were sent: taken as they come, the quicker version would seem to have more of them.
            for request in requests:
                reply = request.result()
                version, why = (FAILED, reply) if isinstance(reply, str) else read_answer(wanted, *reply, matcher.search)
                answers.add(version)
                last_failure = why or last_failure
            clock.sleep(now + _AT_ONCE / _RATE - clock.monotonic())
    return last_failure


def _asker(wanted: Probe) -> Callable[[], _Reply]:
    """A function that sends one request and returns its answer, or why there is none. It raises AddressRefused."""
    import urllib3

    given = {name.lower() for name in wanted.headers}
    headers = {**{name: value for name, value in _DEFAULT_HEADERS.items() if name.lower() not in given}, **wanted.headers}
    tls, pools = _tls(wanted), _guarded_pools(wanted)

    def ask() -> _Reply:
        # A connection of its own for each request: one that is kept would always ask the same proxy.
        with urllib3.PoolManager(num_pools=1, **tls) as manager:
            manager.pool_classes_by_scheme = pools
            try:
                answer = manager.request(
                    "GET",
                    wanted.url,
                    headers=headers,
                    timeout=urllib3.Timeout(total=_PATIENCE),
                    retries=False,  # nor are redirects followed
                    preload_content=False,
                )
                return answer.status, answer.headers, _beginning(answer)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                return _reason(error)

    return ask


def _guarded_pools(wanted: Probe) -> dict[str, Any]:
    """Pools whose connections look, once connected and before anything is sent, which address the host's name has led to."""
    from urllib3 import connection, connectionpool

    def guarded(sock: Any) -> Any:
        address = str(sock.getpeername()[0])
        if link_local(address):
            sock.close()
            raise AddressRefused(
                f"probe.url: host {shown(wanted.host, 253)} leads to {address}, a link-local or metadata address, which no probe may ask: "
                "use a host that leads to the gateway"
            )
        return sock

    class Plain(connection.HTTPConnection):
        """HTTP."""

        def _new_conn(self) -> Any:
            return guarded(super()._new_conn())

    class Tls(connection.HTTPSConnection):
        """HTTPS."""

        def _new_conn(self) -> Any:
            return guarded(super()._new_conn())

    class PlainPool(connectionpool.HTTPConnectionPool):
        """HTTP."""

        ConnectionCls = Plain

    class TlsPool(connectionpool.HTTPSConnectionPool):
        """HTTPS."""

        ConnectionCls = Tls

    return {"http": PlainPool, "https": TlsPool}


def _tls(wanted: Probe) -> dict[str, Any]:
    """How connections are made. Made once, since reading the trusted certificates takes longer than a request."""
    import urllib3
    from urllib3.util.ssl_ import create_urllib3_context  # leaves to 1.26 the names and addresses that it checks by itself

    if not _is_tls(wanted):
        return {}
    verify = ssl.CERT_REQUIRED if wanted.validate_certs else ssl.CERT_NONE
    context = create_urllib3_context(cert_reqs=verify)
    options: dict[str, Any] = {"ssl_context": context, "cert_reqs": verify}
    if wanted.validate_certs:
        context.load_default_certs()
    else:
        options["assert_hostname"] = False
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    host = next((value for name, value in wanted.headers.items() if name.lower() == "host"), "")
    if host:
        # A gateway chooses the certificate, and often the route, by the name in the handshake.
        options["server_hostname"] = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    return options


def _is_tls(wanted: Probe) -> bool:
    return wanted.url.lower().startswith("https:")


def _beginning(answer: urllib3.BaseHTTPResponse) -> str:
    """What is looked at of a body: a stream may never end."""
    text, deadline = b"", time.monotonic() + _PATIENCE
    try:
        for piece in answer.stream(1024):
            text += piece
            if len(text) >= _BODY or time.monotonic() > deadline:
                break
    finally:
        answer.close()
    return text.decode(errors="replace")


def _reason(error: BaseException) -> str:
    """What went wrong at the bottom of urllib3's errors."""
    below: BaseException | None = error
    while below is not None:
        error, below = below, below.__cause__ or (None if below.__suppress_context__ else below.__context__)
    said = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error) or type(error).__name__
    return shown(" ".join(str(said).split()), 200)  # some of it may be what the server said


def _message(wanted: Probe, asked: float, measured: Measured, last_failure: str) -> str:
    saw = "measured nothing"
    if measured.share is not None:
        saw = f"measured {measured.share:g} % of the last {min(RECENT, measured.requests)} answers"
    failed = f", {measured.failed} of {measured.requests} requests failed (last: {last_failure})" if measured.failed else ""
    advice = "see in the router's status and its controller's log whether proxies take it, or set a longer timeout of probe"
    if measured.failed > measured.requests / 2:
        advice = f"check url, headers{', validate_certs' if _is_tls(wanted) else ''} and expect of probe"
    return f"the split was not served within {show(wanted.timeout)}: asked {100 * asked:g} %, {saw}{failed}: {advice}"
