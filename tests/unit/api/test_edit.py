"""Changing one object when writes conflict, or when their answers get lost."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import objects
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context, Failed
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import TransportError
from ansible_collections.progressive.delivery.plugins.module_utils._objects.edits import Edit
from ansible_collections.progressive.delivery.plugins.module_utils._objects.problem import Problem
from ansible_collections.progressive.delivery.plugins.module_utils._objects.resources import SERVICE, Ref
from ansible_collections.progressive.delivery.tests.unit.api.conftest import FakeClock, MemoryServer, answer, lost

SHOP = Ref(SERVICE, "test", "shop")
WANTED = [Edit(("spec", "selector", "version"), "blue")]


@pytest.fixture
def ctx(client: Client, server: MemoryServer, clock: FakeClock) -> Context:
    server.put(SHOP.path, {"metadata": {"name": "shop"}, "spec": {"selector": {"app": "shop"}}})
    client.get(SHOP)
    server.requests.clear()
    return Context(client, clock, "test", "me")  # type: ignore[arg-type]


@pytest.mark.parametrize(("answers_lost", "conflicts"), [(0, 0), (1, 0), (0, 1), (0, 3)])
def test_a_change_is_made_once_and_told_as_made(ctx: Context, server: MemoryServer, answers_lost: int, conflicts: int) -> None:
    """A lost answer makes the repeated write a conflict with itself: had it been told as `nothing to do`, no grace would be waited."""
    server.after = [lost()] * answers_lost
    server.faults = [None, answer(409)] * conflicts
    outcome = objects.edit(ctx, SHOP, lambda _base: WANTED)
    assert outcome.changed and ctx.journal.changed and len(ctx.journal.diff) == 1
    assert server.objects[SHOP.path]["spec"]["selector"] == {"app": "shop", "version": "blue"}
    assert not objects.edit(ctx, SHOP, lambda _base: WANTED).changed


@pytest.mark.parametrize("conflicts", [0, 1, 2])
@pytest.mark.parametrize("dies", [False, True])
def test_what_only_the_owner_remembers_is_put_back_whatever_comes_between(
    ctx: Context, server: MemoryServer, conflicts: int, dies: bool
) -> None:
    """Were it forgotten before the write, a conflict, or a death just then, would leave the change for ever."""
    memory: dict[str, Any] = {}
    ctx.recall, ctx.remember = lambda key: list(memory.get(key, [])), memory.__setitem__
    objects.edit(ctx, SHOP, lambda _base: WANTED, annotate=False)
    if dies:
        server.faults = [None] + [lost(sent=False)] * 100
        with pytest.raises(TransportError):
            objects.edit(ctx, SHOP, lambda _base: [], annotate=False)
        server.faults = []
    server.faults = [None, answer(409)] * conflicts
    objects.edit(ctx, SHOP, lambda _base: [], annotate=False)
    assert server.objects[SHOP.path]["spec"]["selector"] == {"app": "shop"}
    assert memory == {SHOP.key: []}


class Dead(BaseException):
    """Stands for SIGKILL."""


@pytest.mark.parametrize("fault", ["conflict", "death before the write", "death after the write"])
def test_another_value_of_what_only_the_owner_remembers_is_no_drift_whatever_comes_between(
    ctx: Context, server: MemoryServer, fault: str
) -> None:
    memory: dict[str, Any] = {}
    ctx.recall, ctx.remember = lambda key: list(memory.get(key, [])), memory.__setitem__
    objects.edit(ctx, SHOP, lambda _base: WANTED, annotate=False)
    faults: dict[str, list[Any]] = {"conflict": [None, answer(409)], "death before the write": [None, Dead()]}
    server.faults = faults.get(fault, [])
    server.after = [Dead()] if fault == "death after the write" else []
    for _run in range(2):
        try:
            objects.edit(ctx, SHOP, lambda _base: [Edit(WANTED[0].path, "green")], annotate=False)
        except Dead:
            pass
    assert server.objects[SHOP.path]["spec"]["selector"] == {"app": "shop", "version": "green"}
    objects.edit(ctx, SHOP, lambda _base: [], annotate=False)
    assert server.objects[SHOP.path]["spec"]["selector"] == {"app": "shop"} and memory == {SHOP.key: []}


def test_an_object_that_never_stops_changing(ctx: Context, server: MemoryServer) -> None:
    server.faults = [None, answer(409)] * 40
    with pytest.raises(Failed) as failed:
        objects.edit(ctx, SHOP, lambda _base: WANTED)
    assert failed.value.problem == Problem(
        "Service test/shop",
        "could not be updated after 30 write conflicts",
        "find out which client keeps changing it (metadata.managedFields), and run again",
    )
    assert not ctx.journal.changed
