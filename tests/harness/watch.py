"""Records every state that one object goes through, with its time: as a library (Watch) and as a command."""

from __future__ import annotations

import argparse
import http.client
import json
import socket
import ssl
import sys
import threading
import time
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit


class State(NamedTuple):
    """What the object was from this time on (seconds since the epoch, when the news came)."""

    time: float
    event: str  # PRESENT (at the start), ADDED, MODIFIED or DELETED
    item: dict[str, Any]


class Watch:
    """A context manager; `path` is the object's on the API, as /apis/apps/v1/namespaces/test/deployments/shop.

    Starts from a list and goes on from exactly there, after a broken connection from the last state seen: nothing in between
    is missed. Where the API server no longer has what lies between, leaving the context raises.
    """

    def __init__(self, path: str, kubeconfig: str | None = None) -> None:
        self.collection, _slash, self.name = path.rpartition("/")
        self.server = _Server(kubeconfig)
        self.states: list[State] = []
        self.problem: Exception | None = None
        self._changed = threading.Condition()
        self._leaving = threading.Event()
        self._connection: http.client.HTTPConnection | None = None
        self._thread = threading.Thread(target=self._follow, name=f"watch {path}", daemon=True)
        self._version = ""

    def __enter__(self) -> Watch:
        with_name = {"fieldSelector": f"metadata.name={self.name}"}
        connection = self.server.connect(timeout=30)
        answer = json.loads(self.server.get(connection, f"{self.collection}?{urlencode(with_name)}").read())
        connection.close()
        self._version = answer["metadata"]["resourceVersion"]
        self._add("PRESENT", answer["items"])
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._leaving.set()
        connection = self._connection
        if connection is not None and connection.sock is not None:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._thread.join(10)
        if self.problem is not None and error is None:
            raise self.problem

    @property
    def items(self) -> list[dict[str, Any]]:
        return [state.item for state in self.states]

    def wait_until(self, holds: Any, timeout: float = 30) -> State:
        """The first state, past or to come, for which `holds(item)` is true."""
        deadline = time.monotonic() + timeout
        checked = 0
        with self._changed:
            while True:
                for state in self.states[checked:]:
                    checked += 1
                    if state.event != "DELETED" and holds(state.item):
                        return state
                if not self._changed.wait(deadline - time.monotonic()) and time.monotonic() > deadline:
                    raise TimeoutError(f"{self.collection}/{self.name}: not so within {timeout:g} s; {len(self.states)} states were seen")

    def _add(self, event: str, items: list[dict[str, Any]]) -> None:
        with self._changed:
            self.states += [State(time.time(), event, item) for item in items]
            self._changed.notify_all()

    def _follow(self) -> None:
        while not self._leaving.is_set():
            try:
                self._follow_once()
            except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
                # Closing the connection from another thread shows as any of these; otherwise the API server is away, and is asked again.
                if not self._leaving.is_set():
                    print(f"watch {self.collection}/{self.name}: {error}", file=sys.stderr)
                    time.sleep(0.2)
            except MissedStates as error:
                self.problem = error
                return

    def _follow_once(self) -> None:
        query = {"watch": "true", "fieldSelector": f"metadata.name={self.name}", "resourceVersion": self._version, "timeoutSeconds": 3000}
        self._connection = self.server.connect(timeout=None)
        try:
            response = self.server.get(self._connection, f"{self.collection}?{urlencode(query)}")
            for line in response:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    raise MissedStates(f"{self.collection}/{self.name}: the watch cannot go on: {event['object'].get('message')}")
                self._version = event["object"]["metadata"]["resourceVersion"]
                self._add(event["type"], [event["object"]])
        finally:
            self._connection.close()


class MissedStates(Exception):
    """States may have come and gone unseen."""


class _Server:
    """Where the API server is and how to log in, by a kubeconfig."""

    def __init__(self, kubeconfig: str | None) -> None:
        from kubernetes import client, config  # late: load.py and stats.py need none of it

        settings = client.Configuration()
        config.load_kube_config(config_file=kubeconfig, client_configuration=settings)
        self.url = urlsplit(settings.host)
        self.headers = {"Accept": "application/json"}
        token = settings.get_api_key_with_prefix("authorization") or settings.get_api_key_with_prefix("BearerToken")
        if token:
            self.headers["Authorization"] = token
        self.context = ssl.create_default_context(cafile=settings.ssl_ca_cert)
        if settings.cert_file:
            self.context.load_cert_chain(settings.cert_file, settings.key_file)

    def connect(self, timeout: float | None) -> http.client.HTTPConnection:
        assert self.url.hostname
        return http.client.HTTPSConnection(self.url.hostname, self.url.port or 443, context=self.context, timeout=timeout)

    def get(self, connection: http.client.HTTPConnection, path: str) -> http.client.HTTPResponse:
        connection.request("GET", self.url.path.rstrip("/") + path, headers=self.headers)
        response = connection.getresponse()
        if response.status == 410:
            raise MissedStates(f"GET {path}: 410 Gone")
        if response.status != 200:
            raise ConnectionError(f"GET {path}: {response.status} {response.read(500).decode(errors='replace')}")
        return response


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="watch.py", description="Write every state of one object as a line of JSON, until Ctrl-C.")
    parser.add_argument("path", help="as /apis/networking.istio.io/v1beta1/namespaces/test/virtualservices/shop")
    parser.add_argument("--query", default="@", help="a JMESPath expression: what of the object to write (default: all)")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after this time")
    options = parser.parse_args(arguments)
    import jmespath

    deadline = time.monotonic() + options.seconds
    written = 0
    try:
        with Watch(options.path) as watch:
            while time.monotonic() < deadline and watch.problem is None:
                for state in watch.states[written:]:
                    written += 1
                    shown = {"time": state.time, "event": state.event, "object": jmespath.search(options.query, state.item)}
                    print(json.dumps(shown), flush=True)
                time.sleep(0.05)
    except KeyboardInterrupt:
        pass
    except (MissedStates, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
