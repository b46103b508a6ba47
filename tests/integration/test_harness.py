"""The watcher and the audit log against the real API server: no state is missed, and every request is counted."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterator

import pytest
from ansible_collections.progressive.delivery.tests.harness.audit import AuditLog, count
from ansible_collections.progressive.delivery.tests.harness.watch import Watch
from kubernetes import client, config

CHANGES = 40


@pytest.fixture
def core() -> client.CoreV1Api:
    return client.CoreV1Api(config.new_client_from_config())


@pytest.fixture
def name(core: client.CoreV1Api) -> Iterator[str]:
    """A ConfigMap whose n counts up."""
    made = f"watched-{uuid.uuid4().hex[:6]}"
    core.create_namespaced_config_map("default", {"metadata": {"name": made}, "data": {"n": "0"}})
    yield made
    if made in [item.metadata.name for item in core.list_namespaced_config_map("default").items]:
        core.delete_namespaced_config_map(made, "default")


def count_up(core: client.CoreV1Api, name: str, numbers: range) -> None:
    for number in numbers:
        core.patch_namespaced_config_map(name, "default", {"data": {"n": str(number)}})


def test_every_state_is_seen(core: client.CoreV1Api, name: str) -> None:
    with Watch(f"/api/v1/namespaces/default/configmaps/{name}") as watch:
        count_up(core, name, range(1, CHANGES))
        core.delete_namespaced_config_map(name, "default")
        watch.wait_until(lambda item: item["data"]["n"] == str(CHANGES - 1))
        for _number in range(500):
            if watch.states[-1].event == "DELETED":
                break
            time.sleep(0.02)
    assert [state.item["data"]["n"] for state in watch.states[:-1]] == [str(number) for number in range(CHANGES)]
    assert [state.event for state in watch.states] == ["PRESENT"] + ["MODIFIED"] * (CHANGES - 1) + ["DELETED"]
    assert [state.time for state in watch.states] == sorted(state.time for state in watch.states)


def test_a_broken_connection_misses_nothing(core: client.CoreV1Api, name: str, capfd: pytest.CaptureFixture[str]) -> None:
    with Watch(f"/api/v1/namespaces/default/configmaps/{name}") as watch:
        for first in range(1, CHANGES, 10):
            count_up(core, name, range(first, first + 10))
            connection = watch._connection
            if connection is not None and connection.sock is not None:
                connection.sock.shutdown(socket.SHUT_RDWR)
        last = first + 9
        watch.wait_until(lambda item: item["data"]["n"] == str(last))
    assert [state.item["data"]["n"] for state in watch.states] == [str(number) for number in range(last + 1)]
    capfd.readouterr()


def test_an_object_that_comes_later(core: client.CoreV1Api) -> None:
    name = f"later-{uuid.uuid4().hex[:6]}"
    with Watch(f"/api/v1/namespaces/default/configmaps/{name}") as watch:
        core.create_namespaced_config_map("default", {"metadata": {"name": name}, "data": {"n": "0"}})
        watch.wait_until(lambda item: item["data"]["n"] == "0")
    core.delete_namespaced_config_map(name, "default")
    assert [state.event for state in watch.states] == ["ADDED"]


def test_waiting_for_what_never_comes(name: str) -> None:
    with Watch(f"/api/v1/namespaces/default/configmaps/{name}") as watch, pytest.raises(TimeoutError, match="1 states were seen"):
        watch.wait_until(lambda item: item["data"]["n"] == "7", timeout=0.3)


def test_what_cannot_be_watched_is_an_error() -> None:
    with pytest.raises(ConnectionError, match="404"), Watch("/api/v1/namespaces/default/nonsense/x"):
        pass


def test_requests_are_counted(core: client.CoreV1Api, name: str) -> None:
    log = AuditLog()
    mark = log.mark()
    count_up(core, name, range(1, 6))
    core.read_namespaced_config_map(name, "default")
    mine = [entry for entry in log.since(mark) if entry.name == name]
    assert count(mine) == {("patch", "configmaps"): 5, ("get", "configmaps"): 1}
    assert [entry.body for entry in mine if entry.verb == "patch"] == [{"data": {"n": str(number)}} for number in range(1, 6)]
