"""Waiting for objects: list, watch, list again, whatever becomes of the watch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.errors import ApiError
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import StreamRefused, TransportError
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.waiting import TimeIsUp, wait_until
from ansible_collections.progressive.delivery.plugins.module_utils._objects.resources import POD
from ansible_collections.progressive.delivery.tests.unit.api.conftest import FakeClock, MemoryServer, answer, lost

Object = dict[str, Any]
PODS = "/api/v1/namespaces/test/pods"
GONE = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old resource version"}}


def pod(name: str, ready: bool) -> Object:
    return {"metadata": {"name": name, "uid": f"uid-{PODS}/{name}"}, "ready": ready}


def event(kind: str, name: str, ready: bool = True) -> Object:
    return {"type": kind, "object": pod(name, ready)}


def wait(client: Client, clock: FakeClock, wanted: int, seconds: float = 60.0, beats: list[float] | None = None) -> list[str]:
    """Waits until so many pods are ready and none is not; their names."""

    def missing(pods: list[Object]) -> str | None:
        ready = sum(each["ready"] for each in pods)
        return None if ready == wanted == len(pods) else f"{ready} of {wanted} ready"

    beat = (lambda: None) if beats is None else (lambda: beats.append(clock.time))
    found = wait_until(client, clock, POD, "test", missing, clock.time + seconds, beat)  # type: ignore[arg-type]
    return sorted(each["metadata"]["name"] for each in found)


def brings(*events: Object) -> Any:
    return lambda: iter(events)


def fails(error: Exception, *before: Object) -> Any:
    def stream() -> Iterator[Object]:
        yield from before
        raise error

    return stream


def kinds(server: MemoryServer) -> str:
    return " ".join(method for method, _path in server.requests)


def test_what_is_so_already_needs_one_list(client: Client, server: MemoryServer, clock: FakeClock) -> None:
    server.put(f"{PODS}/a", pod("a", True))
    assert wait(client, clock, 1) == ["a"]
    assert (kinds(server), clock.slept) == ("GET", [])


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([event("MODIFIED", "a")], id="changed"),
        pytest.param([event("ADDED", "b", False), event("MODIFIED", "a"), event("DELETED", "b", False)], id="another came and went"),
        pytest.param([event("BOOKMARK", ""), event("MODIFIED", "a", False), event("MODIFIED", "a")], id="in steps"),
    ],
)
def test_the_watch_brings_what_is_missing(client: Client, server: MemoryServer, clock: FakeClock, events: list[Object]) -> None:
    server.put(f"{PODS}/a", pod("a", False))
    server.streams = [brings(*events)]
    assert wait(client, clock, 1) == ["a"]
    assert (kinds(server), clock.slept) == ("GET WATCH", [])
    assert server.queries[-1]["resourceVersion"] == str(server.version)


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param(brings(GONE), id="ended by ERROR 410"),
        pytest.param(brings(event("MODIFIED", "a", False), GONE, event("MODIFIED", "a")), id="ended by ERROR 410 after an event"),
        pytest.param(fails(StreamRefused(answer(410))), id="refused with 410"),
        pytest.param(fails(StreamRefused(answer(429))), id="refused with 429"),
        pytest.param(fails(StreamRefused(answer(503))), id="refused with 503"),
        pytest.param(fails(lost()), id="cut off"),
        pytest.param(brings(), id="ended by the server"),
    ],
)
def test_a_watch_that_ends_is_followed_by_a_list(client: Client, server: MemoryServer, clock: FakeClock, stream: Any) -> None:
    server.put(f"{PODS}/a", pod("a", False))

    def then() -> Iterator[Object]:
        server.put(f"{PODS}/a", pod("a", True))
        return stream()

    server.streams = [then]
    assert wait(client, clock, 1) == ["a"]
    assert kinds(server) == "GET WATCH GET"


@pytest.mark.parametrize(
    ("error", "kind"), [(StreamRefused(answer(403)), ApiError), (TransportError("the certificate is not trusted"), TransportError)]
)
def test_what_no_waiting_mends_ends_the_wait(
    client: Client, server: MemoryServer, clock: FakeClock, error: Exception, kind: type[Exception]
) -> None:
    server.streams = [fails(error)]
    with pytest.raises(kind):
        wait(client, clock, 1)
    assert kinds(server) == "GET WATCH"


def test_a_lost_event_costs_some_seconds_and_no_more(client: Client, server: MemoryServer, clock: FakeClock) -> None:
    server.put(f"{PODS}/a", pod("a", False))

    def silent() -> Iterator[Object]:
        server.put(f"{PODS}/a", pod("a", True))
        clock.sleep(5.0)
        return iter(())

    server.streams = [silent]
    assert wait(client, clock, 1) == ["a"]
    assert clock.time <= 1006.0


def test_time_is_up_with_the_last_word_on_what_is_missing(client: Client, server: MemoryServer, clock: FakeClock) -> None:
    beats: list[float] = []
    server.put(f"{PODS}/a", pod("a", False))
    with pytest.raises(TimeIsUp, match=r"^0 of 2 ready$"):
        wait(client, clock, 2, 30.0, beats)
    assert 1030.0 <= clock.time <= 1031.0
    assert max(later - earlier for earlier, later in pairwise(beats)) <= 6.0


def test_without_time_there_is_one_look(client: Client, server: MemoryServer, clock: FakeClock) -> None:
    with pytest.raises(TimeIsUp):
        wait(client, clock, 1, 0.0)
    assert kinds(server) == "GET"


def test_a_watch_that_is_refused_at_once_is_no_busy_loop(client: Client, server: MemoryServer, clock: FakeClock) -> None:
    server.put(f"{PODS}/a", pod("a", False))

    def stream() -> Iterator[Object]:
        clock.time += 0.001  # what a request takes
        if clock.time > 1030.0:
            server.put(f"{PODS}/a", pod("a", True))
        raise StreamRefused(answer(429))

    server.streams = [stream] * 100_000
    assert wait(client, clock, 1) == ["a"]
    assert len(server.requests) <= 25 * 30


def test_a_short_wait_is_no_busy_loop_either(client: Client, server: MemoryServer, clock: FakeClock) -> None:
    server.put(f"{PODS}/a", pod("a", False))
    server.streams = [fails(StreamRefused(answer(429)))] * 1000
    with pytest.raises(TimeIsUp):
        wait(client, clock, 1, seconds=3.0)
    assert len(server.requests) <= 2 * 35


def test_an_error_of_the_condition_ends_the_wait(client: Client, clock: FakeClock) -> None:
    def missing(_pods: list[Object]) -> str | None:
        raise RuntimeError("a pod cannot start")

    with pytest.raises(RuntimeError, match="cannot start"):
        wait_until(client, clock, POD, "test", missing, clock.time + 60, lambda: None)  # type: ignore[arg-type]
