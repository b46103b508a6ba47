"""Exec plugins are asked once by the forks of one process, as long as their token is valid."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import shared_tokens
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.auth import connect
from ansible_collections.progressive.delivery.tests.unit.cluster.conftest import Answer
from ansible_collections.progressive.delivery.tests.unit.cluster.test_credentials import credential, plugin

__all__ = ["plugin"]  # a fixture

forks = multiprocessing.get_context("fork")


@pytest.fixture(autouse=True)
def shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_tokens, "_shared", [])
    shared_tokens.share()


def in_forks(work: Callable[[], Any], number: int = 1) -> None:
    """Does it in so many processes at once."""
    processes = [forks.Process(target=work) for _number in range(number)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0


def calls(folder: Path) -> int:
    return len((folder / "calls").read_text().splitlines())


@pytest.mark.parametrize(("lasts", "asked"), [(3600, 1), (30, 4), (None, 4)], ids=["valid", "about to expire", "it does not say"])
def test_forks_ask_once(server: Any, kubeconfig: Any, plugin: Any, tmp_path: Path, lasts: float | None, asked: int) -> None:
    auth = {"kubeconfig": kubeconfig(server.url, plugin(credential(lasts, token="one")))}
    in_forks(lambda: connect(auth), 3)
    in_forks(lambda: connect(auth))
    assert calls(tmp_path) == asked
    assert server.asked_by(connect(auth)).header("Authorization") == ["Bearer one"]


def test_a_token_that_is_refused_is_asked_for_anew(server: Any, kubeconfig: Any, plugin: Any, tmp_path: Path) -> None:
    auth = {"kubeconfig": kubeconfig(server.url, plugin(credential(3600, token="one"), credential(3600, token="two")))}
    in_forks(lambda: connect(auth))
    server.respond = lambda request: Answer(200 if request.header("Authorization") == ["Bearer two"] else 401)
    for _time in range(3):
        transport = connect(auth)
        assert transport.request("GET", "/x").status == 200
        transport.close()
    assert calls(tmp_path) == 2


def test_another_identity_is_asked_for(server: Any, kubeconfig: Any, plugin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = plugin(credential(3600, token="one"))
    connect({"kubeconfig": kubeconfig(server.url, user)})
    user["exec"]["args"] = ["get", "token", "--role", "other"]
    connect({"kubeconfig": kubeconfig(server.url, user)})
    monkeypatch.setenv("AWS_PROFILE", "other")
    connect({"kubeconfig": kubeconfig(server.url, user)})
    assert calls(tmp_path) == 3


def test_a_kubeconfig_in_a_file_is_left_as_it_is(server: Any, kubeconfig: Any, plugin: Any, written: Any, tmp_path: Path) -> None:
    path = written(kubeconfig(server.url, plugin(credential(3600, token="one"))))
    before = Path(path).read_text()
    for _time in range(2):
        assert server.asked_by(connect({"kubeconfig": path, "persist_config": True})).header("Authorization") == ["Bearer one"]
    assert (Path(path).read_text(), calls(tmp_path)) == (before, 1)


def test_a_process_that_is_killed_in_its_turn_blocks_no_other() -> None:
    key = shared_tokens.key_of("me")
    began = forks.Event()

    def hold() -> None:
        with shared_tokens.turn(key, anew=False):
            began.set()
            time.sleep(60)

    process = forks.Process(target=hold)
    process.start()
    assert began.wait(30) and process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    with shared_tokens.turn(key, anew=False) as token:
        assert token == ""


def test_more_than_the_memory_holds_is_not_kept() -> None:
    shared = shared_tokens.SharedTokens()
    keys = [shared_tokens.key_of(number) for number in range(10)]
    for key in keys:
        shared.keep(key, "x" * 60_000, time.time() + 600)
    found = [bool(shared.find(key)) for key in keys]
    assert found[0] and not found[-1]


def test_without_forks_nothing_is_kept(server: Any, kubeconfig: Any, plugin: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_tokens, "_shared", [])
    auth = {"kubeconfig": kubeconfig(server.url, plugin(credential(3600, token="one")))}
    connect(auth)
    connect(auth)
    assert calls(tmp_path) == 2
