"""A small API server with certificates of its own, a proxy in front of it, and an environment that names no cluster."""

from __future__ import annotations

import base64
import datetime
import http.server
import ipaddress
import json
import os
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.upper().endswith("_PROXY") or name.startswith(("K8S_AUTH_", "KUBE", "POD_NAMESPACE")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as PEM files."""

    cert: Path
    key: Path


class Authority:
    """A CA. Its certificates name 127.0.0.1 and api.test unless told otherwise."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.pem = self._certificate("authority", self._key, ca=True)
        self.cert = folder / "ca.crt"
        self.cert.write_bytes(self.pem)

    def issue(self, name: str, hosts: tuple[str, ...] = ("127.0.0.1", "api.test"), days: int = 1, password: bytes = b"") -> Pair:
        key = ec.generate_private_key(ec.SECP256R1())
        pair = Pair(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        pair.cert.write_bytes(self._certificate(name, key, hosts, days))
        lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        pair.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock))
        return pair

    def _certificate(self, name: str, key: Any, hosts: tuple[str, ...] = (), days: int = 1, ca: bool = False) -> bytes:
        now = datetime.datetime.now(datetime.timezone.utc)
        names = [x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host) for host in hosts]
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=3))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            # Python 3.13 wants these.
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if ca:
            usage = dict.fromkeys(
                ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
            )
            usage |= {"key_cert_sign": True, "crl_sign": True, "encipher_only": False, "decipher_only": False}
            builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@dataclass
class Request:
    """What the server was sent. headers: as they came, repeated ones and all."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    client: str
    port: int

    def header(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class Answer:
    """What the server sends. chunks: instead of a body, one by one as they come."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    chunks: Iterable[bytes] | None = None


class ApiServer(http.server.ThreadingHTTPServer):
    """Records requests and answers them by `respond`. hung_up: set when a client leaves before a stream has ended."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.context = context
        self.port = self.server_address[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self.requests: list[Request] = []
        self.respond: Callable[[Request], Answer] = lambda request: Answer()
        self.hung_up = threading.Event()
        in_the_background(self)

    @property
    def last(self) -> Request:
        return self.requests[-1]

    def asked_by(self, transport: Any) -> Request:
        """The request as it arrives when the transport sends one."""
        assert transport.request("GET", "/x").status == 200
        transport.close()
        return self.last

    def finish_request(self, request: Any, client_address: Any) -> None:
        # The handshake belongs to the connection's own thread: a client that fails it must not stop the others.
        super().finish_request(self.context.wrap_socket(request, server_side=True) if self.context else request, client_address)

    def handle_error(self, *args: Any) -> None:
        """A client that goes is no error here."""


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection to an ApiServer."""

    protocol_version = "HTTP/1.1"
    server: ApiServer

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        peer: Any = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
        client = dict(pair[0] for pair in peer["subject"])["commonName"] if peer else ""
        request = Request(self.command, self.path, self.headers.items(), body, client, self.client_address[1])
        self.server.requests.append(request)
        answer = self.server.respond(request)
        if answer.chunks is not None:
            self.send_stream(answer.status, answer.headers, answer.chunks)
            return
        data = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        self.send_head(answer.status, {**answer.headers, "Content-Length": str(len(data))})
        self.wfile.write(data)
        self.close_connection = "close" in answer.headers.get("X-Then", "")

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any

    def send_head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send_stream(self, status: int, headers: dict[str, str], chunks: Iterable[bytes]) -> None:
        self.send_head(status, {**headers, "Transfer-Encoding": "chunked"})
        try:
            for chunk in chunks:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            self.wfile.write(b"0\r\n\r\n")
        except ConnectionAbortedError:  # how a test breaks off
            self.close_connection = True
        except OSError:
            self.server.hung_up.set()

    def log_message(self, *args: Any) -> None:
        pass


class Proxy(socketserver.ThreadingTCPServer):
    """Tunnels every CONNECT to one server, whichever host it names. credentials: "user:password" that it asks for."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, target: int, credentials: str) -> None:
        super().__init__(("127.0.0.1", 0), Tunnel)
        self.target = target
        self.wanted = "Basic " + base64.b64encode(credentials.encode()).decode() if credentials else ""
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.url = f"http://{self.address}"
        self.seen: list[tuple[str, dict[str, str]]] = []
        in_the_background(self)


class Tunnel(socketserver.StreamRequestHandler):
    """One connection through a Proxy."""

    server: Proxy

    def handle(self) -> None:
        host = self.rfile.readline().decode().split(" ")[1]
        headers: dict[str, str] = {}
        while line := self.rfile.readline().decode().strip():
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        self.server.seen.append((host, headers))
        if self.server.wanted and headers.get("proxy-authorization") != self.server.wanted:
            self.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", self.server.target)) as server:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(server, self.connection), daemon=True)
            back.start()
            pump(self.connection, server)
            back.join()


def in_the_background(server: socketserver.BaseServer) -> None:
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


def stop(server: socketserver.BaseServer) -> None:
    server.shutdown()
    server.server_close()


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="session")
def other_ca(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("other-pki"))


@pytest.fixture(scope="session")
def client_pair(ca: Authority) -> Pair:
    return ca.issue("jane")


@pytest.fixture
def serve(ca: Authority) -> Iterator[Callable[..., ApiServer]]:
    """Starts an ApiServer: `serve()` with TLS, asking for client certificates but taking clients without, `serve(tls=False)`."""
    servers: list[ApiServer] = []

    def start(tls: bool = True, pair: Pair | None = None, tls_1_2: bool = False, client_cert_required: bool = False) -> ApiServer:
        context = None
        if tls:
            pair = pair or ca.issue("server")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pair.cert, pair.key)
            context.load_verify_locations(ca.cert)
            context.maximum_version = ssl.TLSVersion.TLSv1_2 if tls_1_2 else ssl.TLSVersion.MAXIMUM_SUPPORTED
            context.verify_mode = ssl.CERT_REQUIRED if client_cert_required else ssl.CERT_OPTIONAL
        servers.append(ApiServer(context))
        return servers[-1]

    yield start
    for server in servers:
        stop(server)


@pytest.fixture
def server(serve: Callable[..., ApiServer]) -> ApiServer:
    return serve()


@pytest.fixture
def proxy_to() -> Iterator[Callable[..., Proxy]]:
    proxies: list[Proxy] = []

    def start(server: ApiServer, credentials: str = "") -> Proxy:
        proxies.append(Proxy(server.port, credentials))
        return proxies[-1]

    yield start
    for proxy in proxies:
        stop(proxy)


@pytest.fixture
def kubeconfig(ca: Authority) -> Callable[..., dict[str, Any]]:
    """A kubeconfig of one context, `here`. cluster, user, context: what to change in each."""

    def make(url: str, user: dict[str, Any] | None = None, name: str = "here", **changes: dict[str, Any]) -> dict[str, Any]:
        cluster = {"server": url, "certificate-authority-data": base64.b64encode(ca.pem).decode(), **changes.get("cluster", {})}
        context = {"cluster": f"{name}-cluster", "user": f"{name}-user", **changes.get("context", {})}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "contexts": [{"name": name, "context": context}],
            "clusters": [{"name": f"{name}-cluster", "cluster": cluster}],
            "users": [{"name": f"{name}-user", "user": user if user is not None else {"token": "t0ken"}}],
        }

    return make


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., str]:
    """Writes a kubeconfig to a file and gives its path."""

    def write(document: Any, name: str = "kubeconfig") -> str:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
        return str(path)

    return write
