"""HTTP to one API server: raw JSON in and out, credentials that stay fresh, failures in one line."""

# Copyright: (c) 2026, progressive.delivery contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import re
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from .._objects.problem import ProblemError

if TYPE_CHECKING:
    import urllib3

# Connecting is quick or hopeless; only the answer may take long.
_CONNECT_TIMEOUT = 10.0


@dataclass(frozen=True)
class Response:
    """An answer, whatever its status. headers: by lower-case name; body: decoded JSON, or text where it is not JSON."""

    status: int
    headers: Mapping[str, str]
    body: Any


class TransportError(ProblemError):
    """No answer at all. retriable: trying again may help; sent: the server may have carried the request out."""

    def __init__(self, subject: str, what: str = "", remedy: str = "", retriable: bool = False, sent: bool = False) -> None:
        super().__init__(subject, what, remedy)
        self.retriable = retriable
        self.sent = sent


class StreamRefused(Exception):
    """The server answered a watch with an error."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"the watch was refused with HTTP status {response.status}")
        self.response = response


@dataclass(frozen=True)
class Login:
    """A way to one API server. headers: asked before every request, since tokens expire. warnings: what makes the connection unsafe."""

    host: str
    namespace: str
    proxy: str
    pool: urllib3.PoolManager
    headers: Callable[[], Sequence[tuple[str, str]]]
    warnings: Sequence[str] = ()


class Transport:
    """One API server. log_in reads the credentials; it is asked again when the server no longer accepts them."""

    def __init__(self, log_in: Callable[[], Login]) -> None:
        self._log_in = log_in
        self._login = log_in()

    @property
    def host(self) -> str:
        """The server's URL."""
        return self._login.host

    @property
    def namespace(self) -> str:
        """The namespace of the kubeconfig's context, or the pod's; `default` where none is named."""
        return self._login.namespace

    @property
    def warnings(self) -> Sequence[str]:
        """What makes the connection unsafe, one line each."""
        return self._login.warnings

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        timeout: float = 30.0,
    ) -> Response:
        """The answer, of any HTTP status. timeout: seconds without a sign of the server. Raises TransportError."""
        return self._read(self._send(method, path, query, body, content_type, timeout), timeout)

    def stream(self, path: str, query: Mapping[str, str] | None, timeout: float) -> Iterator[dict[str, Any]]:
        """The objects of a watch, one a line, until the server or the network ends it or `timeout` seconds have passed.

        Raises StreamRefused for an HTTP error, TransportError where no answer came.
        """
        from urllib3.exceptions import HTTPError

        deadline = time.monotonic() + timeout
        answer = self._send("GET", path, query, None, "", timeout)
        if answer.status >= 400:
            raise StreamRefused(self._read(answer, timeout))
        try:
            for line in answer:
                if line.strip():
                    yield json.loads(line)
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                _wait_at_most(answer, left)
        except (HTTPError, OSError, ValueError):
            return  # cut off, mid-line perhaps: whoever watches reads the objects anew
        finally:
            answer.close()
            answer.release_conn()

    def close(self) -> None:
        """Closes the connections."""
        self._login.pool.clear()

    def _send(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Any, content_type: str, timeout: float
    ) -> urllib3.BaseHTTPResponse:
        answer = self._send_once(method, path, query, body, content_type, timeout)
        if answer.status != 401:
            return answer
        # A token or certificate may have run out, or been replaced on disk. Nothing was done, so the request may be sent again.
        self._read(answer, timeout)
        self.close()
        self._login = self._log_in()
        return self._send_once(method, path, query, body, content_type, timeout)

    def _send_once(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Any, content_type: str, timeout: float
    ) -> urllib3.BaseHTTPResponse:
        import urllib3
        from urllib3._collections import HTTPHeaderDict  # the one place where 1.26 and 2.x both have it

        headers = HTTPHeaderDict()
        for name, value in self._login.headers():
            headers.add(name, value)
        if body is not None:
            headers.add("Content-Type", content_type)
        options: dict[str, Any] = {
            "body": None if body is None else json.dumps(body).encode(),
            "timeout": urllib3.Timeout(connect=min(timeout, _CONNECT_TIMEOUT), read=timeout),
            "retries": False,
            "redirect": False,
            "preload_content": False,
        }
        try:
            # Not plain `request`, which in 1.26 joins the repeated headers into one.
            return self._login.pool.request_encode_url(method, self.host + path, dict(query or {}), headers, **options)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _explained(error, self._login, timeout) from error

    def _read(self, answer: urllib3.BaseHTTPResponse, timeout: float) -> Response:
        from urllib3.exceptions import HTTPError

        headers = {name.lower(): value for name, value in answer.headers.items()}
        try:
            text = answer.data.decode(errors="replace")
        except (HTTPError, OSError) as error:
            answer.close()
            raise _explained(error, self._login, timeout) from error
        if "json" in headers.get("content-type", ""):
            try:
                return Response(answer.status, headers, json.loads(text))
            except ValueError:
                pass
        return Response(answer.status, headers, text)


def _wait_at_most(answer: urllib3.BaseHTTPResponse, seconds: float) -> None:
    """A stream that falls silent must not outlast its time: its socket still has the timeout of when it began."""
    sock = getattr(answer.connection, "sock", None)
    if sock is not None:
        sock.settimeout(seconds)


def _explained(error: Exception, login: Login, timeout: float) -> TransportError:
    """The error of urllib3 as a problem whose remedy names the options that matter."""
    from urllib3 import exceptions

    causes = list(_causes(error))
    server = f"API server {login.host}" + (f" (through proxy {login.proxy})" if login.proxy else "")
    reason = _one_line(next((cause for cause in causes if isinstance(cause, OSError)), error))
    check = "check host, kubeconfig, context and firewalls"
    closed = (server, "closed the connection without an answer", "check that it has started, proxies in between, and client_cert")
    refused = (server, "refuses connections", "check that it runs, and host, kubeconfig and context")
    late = (server, f"did not answer within {timeout:g} s", "check its load, and firewalls that drop connections")
    away = (server, f"cannot be reached within {min(timeout, _CONNECT_TIMEOUT):g} s", check)
    proxy = (f"proxy {login.proxy}", f"does not lead to {login.host} ({reason})", "check proxy, proxy_headers and no_proxy")
    unknown = (server, "has a name that cannot be resolved", "check host, or the server in the kubeconfig, and DNS")
    # Problem, retriable, sent; the first that is among the causes counts.
    table: list[tuple[tuple[type[BaseException], ...], tuple[str, str, str], bool, bool]] = [
        ((ssl.SSLEOFError, ssl.SSLZeroReturnError), closed, True, True),
        ((ssl.SSLError, exceptions.SSLError), _tls_trouble(causes, server), False, False),
        ((exceptions.ProxyError,), proxy, not re.search(r"\b40[37]\b", reason), False),
        ((socket.gaierror,), unknown, True, False),
        ((exceptions.ReadTimeoutError,), late, True, True),
        ((ConnectionRefusedError,), refused, True, False),
        ((socket.timeout, TimeoutError), away, True, False),
        ((exceptions.NewConnectionError,), (server, f"cannot be reached ({reason})", check), True, False),
        ((exceptions.ProtocolError,), closed, True, True),
        ((BaseException,), (server, f"cannot be used ({reason})", check), False, False),
    ]
    for kinds, problem, retriable, sent in table:
        if any(isinstance(cause, kinds) for cause in causes):
            return TransportError(*problem, retriable=retriable, sent=sent)
    raise AssertionError("the last row is of every error")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it, outermost first: urllib3 wraps them in different ways in 1.26 and 2.x.

    Not what an earlier request failed of, which is there, too, when somebody tries again while handling it.
    """
    found = [error]
    for each in found:
        yield each
        below = [item for item in (each.__cause__, each.__context__, *each.args) if isinstance(item, BaseException)]
        found.extend(item for item in below if not isinstance(item, TransportError) and not any(item is known for known in found))


def _tls_trouble(causes: Sequence[BaseException], server: str) -> tuple[str, str, str]:
    """Object, what is wrong with it, and the remedy."""
    error = next((cause for cause in causes if isinstance(cause, ssl.SSLError)), causes[0])
    reason = _one_line(getattr(error, "verify_message", "") or getattr(error, "reason", None) or error)
    if re.search(r"mismatch|doesn't match", reason):
        return server, f"has a certificate for another name ({reason})", "use a host that it names, or tls-server-name in the kubeconfig"
    if "has expired" in reason or "not yet valid" in reason:
        return server, f"has a certificate that is not valid now ({reason})", "renew it, or check the clock of this machine"
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = "set ca_cert to the certificate of its CA (validate_certs=false would accept any certificate)"
        return server, f"has a certificate that is not trusted ({reason})", remedy
    if re.search(r"WRONG_VERSION|HTTP_REQUEST|RECORD_LAYER", reason):
        return server, "does not use TLS", "check the port, or use http://"
    if "ALERT" in reason.upper():
        return server, f"refuses the TLS connection ({reason})", "check client_cert and client_key, or the user in the kubeconfig"
    return server, f"cannot be reached with TLS ({reason})", "check host, ca_cert, client_cert and validate_certs"


def _one_line(error: Any) -> str:
    """The error's own words, without object addresses and line breaks."""
    text = getattr(error, "strerror", None) or str(error)
    return " ".join(re.sub(r"<[^<>]* object at 0x[0-9a-f]+>:?", "", text).split())
