"""Moves on routers that make an object beside the user's: whose it is, in which order it goes, and what users are warned of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import traffic
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import DesiredTraffic, Split, Target
from ansible_collections.progressive.delivery.tests.unit.api.conftest import FakeClock, MemoryServer

ROOT = "/apis/networking.k8s.io/v1/namespaces/test/ingresses"
AFFINITY = {"nginx.ingress.kubernetes.io/affinity": "cookie"}
NONE = DesiredTraffic(Split(100, 0))
HALF = DesiredTraffic(Split(50, 50))


def target(name: str, **more: Any) -> Target:
    return Target("ingress_nginx", name, "test", "shop", "shop-canary", **more)


@pytest.fixture
def ctx(client: Client, server: MemoryServer, clock: FakeClock) -> Context:
    """Two Ingresses of the user's, a and b; a has session affinity."""
    for name, given in (("a", AFFINITY), ("b", {})):
        backend = {"service": {"name": "shop", "port": {"number": 80}}}
        rule = {"host": f"{name}.example.org", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
        metadata = {"name": name, "namespace": "test", "annotations": given}
        obj = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": {"rules": [rule]}}
        server.put(f"{ROOT}/{name}", obj)
    server.requests.clear()
    return Context(client, clock, "test", "me")  # type: ignore[arg-type]


def writes(server: MemoryServer) -> list[tuple[str, str]]:
    return [(method, path.rpartition("/")[2]) for method, path in server.requests if method != "GET"]


def test_each_ingress_gets_a_canary_which_goes_at_once_in_the_end(ctx: Context, server: MemoryServer) -> None:
    before = {path: obj for path, obj in server.objects.items() if path.startswith(ROOT)}
    targets = [target("a"), target("b")]
    moves = traffic.move_all(ctx, targets, HALF, require_ready=False)
    assert [moved.weight for moved in moves] == [Split(50, 50)] * 2
    assert writes(server) == [("POST", "ingresses"), ("POST", "ingresses")] and f"{ROOT}/b-canary" in server.objects
    server.requests.clear()
    settled: list[Sequence[traffic.Moved]] = []
    gone = traffic.restore_all(ctx, targets, settled.append, require_ready=False)
    assert not settled and writes(server) == [("DELETE", "a-canary"), ("DELETE", "b-canary")]
    assert [(each.changed, each.previous, each.weight) for each in gone] == [(True, Split(50, 50), Split(100, 0))] * 2
    assert {path: obj for path, obj in server.objects.items() if path.startswith(ROOT)} == before
    assert not any(each.changed for each in traffic.restore_all(ctx, targets, settled.append, require_ready=False))


def test_one_of_two_canaries_that_goes_alone_leaves_the_split_to_the_other(ctx: Context, server: MemoryServer) -> None:
    """Which a warning says; what is put back together needs none."""
    targets = [target("a"), target("b")]
    for alone in (
        lambda: traffic.restore_all(ctx, targets[:1], list, require_ready=False),
        lambda: traffic.move(ctx, targets[0], NONE, False),
    ):
        traffic.move_all(ctx, targets, HALF, require_ready=False)
        ctx.journal.warnings.clear()
        alone()
        assert [text[:55] for text in ctx.journal.warnings if "b-canary" in text] == [
            "Ingress test/b-canary is a canary Ingress for Service s"
        ]
        assert f"{ROOT}/a-canary" not in server.objects
    traffic.move_all(ctx, targets, HALF, require_ready=False)
    ctx.journal.warnings.clear()
    traffic.restore_all(ctx, targets, list, require_ready=False)
    assert ctx.journal.warnings == []


def test_a_warning_is_given_once_and_none_while_putting_back(ctx: Context) -> None:
    for _number in range(2):
        traffic.move_all(ctx, [target("a"), target("b")], HALF, require_ready=False)
    assert [text.partition(":")[0] for text in ctx.journal.warnings] == [
        "Ingress test/a has session affinity (nginx.ingress.kubernetes.io/affinity"
    ]
    ctx.journal.warnings.clear()
    traffic.restore_all(ctx, [target("a"), target("b")], lambda _moves: None, require_ready=False)
    assert ctx.journal.warnings == []


def test_what_was_made_for_another_owner_is_neither_changed_nor_removed(ctx: Context, server: MemoryServer) -> None:
    traffic.move(replace(ctx, by="rollout/shop"), target("b"), HALF, require_ready=False)
    there = server.objects[f"{ROOT}/b-canary"]
    calls = [
        lambda: traffic.move(ctx, target("b"), DesiredTraffic(Split(80, 20)), require_ready=False),
        lambda: traffic.move(ctx, target("b"), HALF, require_ready=False),
        lambda: traffic.restore_all(ctx, [target("b")], lambda _moves: None, require_ready=False),
        lambda: traffic.validate(ctx, target("b"), {}, traffic.objects_of(ctx, target("b"))),
    ]
    for call in calls:
        with pytest.raises(Refused, match=r"^Ingress test/b-canary was created for rollout/shop: end that first"):
            call()
    assert server.objects[f"{ROOT}/b-canary"] is there


def test_several_ingresses_cannot_have_one_canary(ctx: Context, server: MemoryServer) -> None:
    with pytest.raises(Refused, match=r"^new would be created for each of a, b: give each a name"):
        traffic.move_all(ctx, [target("a", canary_ingress="new"), target("b", canary_ingress="new")], HALF, require_ready=False)
    assert writes(server) == []
