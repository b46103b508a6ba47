"""A line to the API server that can be cut, and be down for a while: what a restart of the server, or of a proxy before it, looks like."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of a socket whose other end sees a reset


class Line:
    """To be used as a context manager. cuts: how many connections were cut."""

    def __init__(self, kubeconfig: str) -> None:
        self.config: dict[str, Any] = yaml.safe_load(Path(kubeconfig).read_text())
        cluster = self.config["clusters"][0]["cluster"]
        url = urlsplit(cluster["server"])
        self.target = (str(url.hostname), url.port or 443)
        self.cuts = 0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = self._listen(0)
        self.port = int(self._listener.getsockname()[1])
        # The server's certificate is for its own name.
        cluster.update({"server": f"https://127.0.0.1:{self.port}", "tls-server-name": self.target[0]})

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_problem: object) -> None:
        self._listener.close()
        self.cut()

    def kubeconfig(self, folder: Path) -> str:
        """One that leads through the line."""
        path = folder / "line.kubeconfig"
        path.write_text(yaml.safe_dump(self.config))
        return str(path)

    def cut(self) -> None:
        """Resets all connections."""
        with self._lock:
            ends, self._open = self._open, set()
        self.cuts += len(ends) // 2
        for each in ends:
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                each.shutdown(socket.SHUT_RD)  # wakes whoever reads from it, who closes it
            each.close()

    def down(self, seconds: float) -> None:
        """Refuses connections for so long."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        time.sleep(seconds)
        self._listener = self._listen(self.port)

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                ours, _address = listener.accept()
                theirs = socket.create_connection(self.target)
                with self._lock:
                    self._open |= {ours, theirs}
                for source, sink in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self._pass_on, args=(source, sink), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with self._lock:
            self._open -= {source, sink}
        for each in (source, sink):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)  # just closed it would live on in the other direction's thread
            each.close()
