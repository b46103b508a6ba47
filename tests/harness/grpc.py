"""One gRPC call over HTTP/2 without TLS, as a client sends it: enough to see that a router takes it and who answers."""

from __future__ import annotations

import json
import socket
from typing import Any, BinaryIO

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
ACK, END_STREAM, END_HEADERS = 0x1, 0x1, 0x4
NO_MESSAGE = bytes(5)


def call(host: str, port: int, authority: str, path: str, metadata: dict[str, str] | None = None) -> dict[str, Any]:
    """What the pod's message says, which is JSON. Raises ConnectionError when the call ends without a message."""
    with socket.create_connection((host, port), timeout=10) as connection, connection.makefile("rb") as answer:
        connection.sendall(PREFACE + frame(SETTINGS, 0, 0, b""))
        connection.sendall(frame(HEADERS, END_HEADERS, 1, head(authority, path, metadata or {})) + frame(DATA, END_STREAM, 1, NO_MESSAGE))
        message = _answer(connection, answer)
    if len(message) <= len(NO_MESSAGE):
        raise ConnectionError(f"{authority}{path}: the call ended without a message")
    return dict(json.loads(message[len(NO_MESSAGE) :]))


def head(authority: str, path: str, metadata: dict[str, str]) -> bytes:
    """The header fields of a call."""
    fields = {":method": "POST", ":scheme": "http", ":path": path, ":authority": authority}
    fields |= {"content-type": "application/grpc", "te": "trailers", **metadata}
    return b"".join(b"\0" + text(name) + text(value) for name, value in fields.items())


def text(plain: str) -> bytes:
    """A string of HPACK as it is, not of Huffman's code; longer ones need more than one byte for the length."""
    assert len(plain) < 127, plain
    return bytes([len(plain)]) + plain.encode()


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame of HTTP/2."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _answer(connection: socket.socket, answer: BinaryIO) -> bytes:
    """The data of the only stream, up to its end."""
    data = b""
    while True:
        start = answer.read(9)
        if len(start) < 9:
            raise ConnectionError("closed before the end of the answer")
        size, kind, flags = int.from_bytes(start[:3], "big"), start[3], start[4]
        payload = answer.read(size)
        if kind == SETTINGS and not flags & ACK:
            connection.sendall(frame(SETTINGS, ACK, 0, b""))
        elif kind in (RST_STREAM, GOAWAY):
            raise ConnectionError(f"{'stream' if kind == RST_STREAM else 'connection'} refused: {payload!r}")
        elif kind == DATA:
            data += payload
        if kind in (DATA, HEADERS) and flags & END_STREAM:
            return data
