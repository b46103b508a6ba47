"""A load balancer before the pods that learns endpoints late, and lets go of old ones as late, as cloud target groups do.

It takes a Service by the weights of a VirtualService, which it knows at once, and then one of the pods that stood behind that Service `lag`
seconds ago. Each connection goes to one pod to its end. One that cannot be placed is closed, which Load counts as a failed request.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from types import TracebackType
from typing import Any

from ansible_collections.progressive.delivery.tests.harness.namespace import Namespace

_LOOKS_EVERY = 0.1  # seconds
_CHUNK = 65536

Address = tuple[str, int]


class SlowBalancer:
    """A context manager; `url` is where it listens. It balances to the named Service, or by the VirtualService of that name."""

    def __init__(self, place: Namespace, name: str, lag: float, by_route: bool) -> None:
        self.place, self.name, self.lag, self.by_route = place, name, lag, by_route
        self.weights: dict[str, int] = {name: 100}
        self._seen: list[tuple[float, dict[str, list[Address]]]] = []  # what stood behind each Service, and when that was seen
        self._loop = asyncio.new_event_loop()
        self._port = 0
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=each, daemon=True) for each in (self._serve, self._watch)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/"

    def __enter__(self) -> SlowBalancer:
        self._look()
        self._seen = [(time.monotonic() - self.lag, self._seen[-1][1])]  # it has been there for long
        for thread in self._threads:
            thread.start()
        while not self._port:
            time.sleep(0.01)
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._loop.call_soon_threadsafe(self._loop.stop)
        for thread in self._threads:
            thread.join()
        self._loop.close()

    # What it knows

    def _watch(self) -> None:
        while not self._ended.wait(_LOOKS_EVERY):
            self._look()

    def _look(self) -> None:
        if self.by_route:
            routes = self.place.get("VirtualService", self.name)["spec"]["http"][0]["route"]
            self.weights = {each["destination"]["host"]: each.get("weight", 100) for each in routes}
        behind: dict[str, list[Address]] = {}
        for each in self.place.request("GET", "EndpointSlice")["items"]:
            service = each["metadata"]["labels"]["kubernetes.io/service-name"]
            ready = [one for one in each.get("endpoints") or [] if one["conditions"].get("ready")]
            ports = [port["port"] for port in each.get("ports") or []]
            behind.setdefault(service, []).extend((address, ports[0]) for one in ready for address in one["addresses"] if ports)
        self._seen.append((time.monotonic(), behind))

    def known(self) -> dict[str, list[Address]]:
        """What stood behind each Service so long ago."""
        then = time.monotonic() - self.lag
        return next((behind for at, behind in reversed(self._seen) if at <= then), {})

    # What it does

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._connected, "127.0.0.1", 0))
        self._port = server.sockets[0].getsockname()[1]
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))

    async def _connected(self, client: asyncio.StreamReader, answer: asyncio.StreamWriter) -> None:
        [service] = random.choices([*self.weights], weights=[*self.weights.values()])
        pods = self.known().get(service) or []
        try:
            if pods:
                pod, request = await asyncio.open_connection(*random.choice(pods))
                await asyncio.gather(_copy(client, request), _copy(pod, answer))
        except OSError:
            pass
        finally:
            answer.close()


async def _copy(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> Any:
    try:
        while data := await source.read(_CHUNK):
            to.write(data)
            await to.drain()
    finally:
        to.close()
