"""Long-lived traffic: pods that answer with streams (WebSocket, HTTP/2 as gRPC uses it), and clients that count those that are cut off.

The server here answers for all pods of the cluster, on a port that their own program does not use, and tells them apart by the address that
was asked. It breaks a pod's streams off as soon as the pod is being deleted, as pods of a hostile cluster do.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, NamedTuple

from ansible_collections.progressive.delivery.tests.harness import grpc
from ansible_collections.progressive.delivery.tests.harness.namespace import Namespace

PORT = 9300  # of the pods
_EVERY, _LOOKS_EVERY = 0.1, 0.05  # seconds: between two messages of a stream, and between two looks at the pods
_SILENT = 5.0  # seconds without a message, after which a client takes its stream for dead
_DONE = b"done"
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # of RFC 6455
_PING, _WINDOW_UPDATE = 6, 8


class Stream(NamedTuple):
    """complete: it came to the end that the server had for it. started: there was an answer at all."""

    began: float
    ended: float
    started: bool
    complete: bool


class _Loop:
    """Something that runs in a loop of its own, in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._ready, self.ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._main()), daemon=True)

    async def _main(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Any:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.ended.set()
        self._thread.join()


class Server(_Loop):
    """seconds: how long each stream takes."""

    def __init__(self, place: Namespace, seconds: float) -> None:
        super().__init__()
        self.place, self.seconds = place, seconds
        self._open: dict[str, set[asyncio.StreamWriter]] = {}  # by the pod's address

    async def _main(self) -> None:
        server = await asyncio.start_server(self._connected, "0.0.0.0", PORT)  # the pods' addresses come and go
        self._ready.set()
        while not self.ended.is_set():
            pods = await asyncio.to_thread(lambda: self.place.request("GET", "Pod")["items"])
            alive = {pod["status"].get("podIP") for pod in pods if not pod["metadata"].get("deletionTimestamp")}
            for address in [each for each in self._open if each not in alive]:
                for writer in self._open.pop(address):
                    writer.transport.abort()
            await asyncio.sleep(_LOOKS_EVERY)
        server.close()
        for writer in [each for some in self._open.values() for each in some]:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("sockname")[0]
        self._open.setdefault(address, set()).add(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await (self._http2(reader, writer) if head.startswith(b"PRI ") else self._websocket(head, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._open.get(address, set()).discard(writer)
            writer.close()

    async def _messages(self, send: Callable[[bytes], None], writer: asyncio.StreamWriter) -> None:
        ends = time.monotonic() + self.seconds
        while time.monotonic() < ends and not writer.is_closing():
            send(b"more")
            await writer.drain()
            await asyncio.sleep(_EVERY)
        send(_DONE)

    async def _websocket(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        headers = {name.strip().lower(): value.strip() for name, _colon, value in (line.partition(b":") for line in head.split(b"\r\n"))}
        accept = base64.b64encode(hashlib.sha1(headers[b"sec-websocket-key"] + _MAGIC, usedforsecurity=False).digest())
        upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
        writer.write(upgrade + accept + b"\r\n\r\n")
        await self._messages(lambda text: writer.write(bytes([0x81, len(text)]) + text), writer)
        writer.write(b"\x88\x00")

    async def _http2(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Many streams at once; what they ask for is not looked at."""
        await reader.readexactly(len(grpc.PREFACE) - len(b"PRI * HTTP/2.0\r\n\r\n"))
        writer.write(grpc.frame(grpc.SETTINGS, 0, 0, b""))
        tasks = set()
        while True:
            kind, flags, stream, payload = await _frame_of(reader)
            _acknowledge(writer, kind, flags, payload)
            if kind == grpc.HEADERS:
                task = asyncio.ensure_future(self._stream(stream, writer))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

    async def _stream(self, stream: int, writer: asyncio.StreamWriter) -> None:
        head = b"\x88" + b"\0" + grpc.text("content-type") + grpc.text("application/grpc")
        writer.write(grpc.frame(grpc.HEADERS, grpc.END_HEADERS, stream, head))
        try:
            await self._messages(
                lambda text: writer.write(grpc.frame(grpc.DATA, 0, stream, b"\0" + len(text).to_bytes(4, "big") + text)), writer
            )
            trailers = b"\0" + grpc.text("grpc-status") + grpc.text("0")
            writer.write(grpc.frame(grpc.HEADERS, grpc.END_HEADERS | grpc.END_STREAM, stream, trailers))
        except OSError:
            pass


class Clients(_Loop):
    """Opens so many streams a second at a gateway, each on a connection of its own, and waits at the end for those that are open then."""

    def __init__(self, address: tuple[str, int], host: str, protocol: str, rate: float) -> None:
        super().__init__()
        self.address, self.host, self.rate = address, host, rate
        self._talk = {"websocket": self._websocket, "http2": self._http2}[protocol]
        self.streams: list[Stream] = []

    @property
    def cut(self) -> list[Stream]:
        return [each for each in self.streams if not each.complete]

    async def _main(self) -> None:
        self._ready.set()
        tasks: set[asyncio.Task[None]] = set()
        while not self.ended.is_set():
            tasks.add(asyncio.ensure_future(self._one(self._talk)))
            await asyncio.sleep(1 / self.rate)
        await asyncio.gather(*tasks)

    async def _one(self, talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, bytes]]) -> None:
        began, found = time.time(), b""
        try:
            reader, writer = await asyncio.open_connection(*self.address)
            try:
                found = await talk(reader, writer)
            finally:
                writer.close()
        except OSError:
            pass
        self.streams.append(Stream(began, time.time(), b"more" in found, found.endswith(_DONE)))

    async def _websocket(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        key = base64.b64encode(bytes(16)).decode()
        lines = ["GET / HTTP/1.1", f"Host: {self.host}", "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        writer.write("\r\n".join([*lines, f"Sec-WebSocket-Key: {key}", "", ""]).encode())
        found = b""
        while data := await _or_nothing(asyncio.wait_for(reader.read(4096), _SILENT)):
            found = (found + data)[-256:]
            if found.endswith((b"\x88\x00", _DONE)):
                break
        return found.removesuffix(b"\x88\x00")

    async def _http2(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        head = grpc.head(self.host, "/shop.Shop/Watch", {})
        writer.write(grpc.PREFACE + grpc.frame(grpc.SETTINGS, 0, 0, b""))
        writer.write(grpc.frame(grpc.HEADERS, grpc.END_HEADERS, 1, head) + grpc.frame(grpc.DATA, grpc.END_STREAM, 1, grpc.NO_MESSAGE))
        found = b""
        while True:
            try:
                kind, flags, stream, payload = await asyncio.wait_for(_frame_of(reader), _SILENT)
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
                return found
            _acknowledge(writer, kind, flags, payload)
            if kind == grpc.DATA:
                found = (found + payload)[-256:]
            if kind in (grpc.RST_STREAM, grpc.GOAWAY) or (stream == 1 and kind in (grpc.HEADERS, grpc.DATA) and flags & grpc.END_STREAM):
                return found


async def _or_nothing(read: Awaitable[bytes]) -> bytes:
    try:
        return await read
    except (OSError, asyncio.TimeoutError):
        return b""


async def _frame_of(reader: asyncio.StreamReader) -> tuple[int, int, int, bytes]:
    head = await reader.readexactly(9)
    payload = await reader.readexactly(int.from_bytes(head[:3], "big"))
    return head[3], head[4], int.from_bytes(head[5:], "big") & 0x7FFFFFFF, payload


def _acknowledge(writer: asyncio.StreamWriter, kind: int, flags: int, payload: bytes) -> None:
    if kind in (grpc.SETTINGS, _PING) and not flags & grpc.ACK:
        writer.write(grpc.frame(kind, grpc.ACK, 0, payload if kind == _PING else b""))
    if kind == grpc.DATA and payload:
        writer.write(grpc.frame(_WINDOW_UPDATE, 0, 0, len(payload).to_bytes(4, "big")))
