"""Two splits share a DestinationRule: a subset, and its labels, stay until the last one has left, and nobody's request is lost."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import traffic
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import DesiredTraffic, Target, split_of
from ansible_collections.progressive.delivery.tests.harness.memory.cluster import MemoryCluster
from ansible_collections.progressive.delivery.tests.harness.memory.judge import Judge
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE, MemoryServer
from ansible_collections.progressive.delivery.tests.unit.deaths.switches import BLUE, GREEN, SHOP, service, workload

Object = dict[str, Any]
GRACE = 5.0


def virtual_service(name: str, subset: str = "v1") -> Object:
    route = [{"destination": {"host": SHOP, "subset": subset}}]
    spec = {"hosts": [f"{name}.local"], "http": [{"name": "primary", "route": route}]}
    return {"apiVersion": "networking.istio.io/v1beta1", "kind": "VirtualService", "metadata": {"name": name}, "spec": spec}


def rule(*subsets: Object) -> Object:
    spec = {"host": SHOP, "subsets": list(subsets)}
    return {"apiVersion": "networking.istio.io/v1beta1", "kind": "DestinationRule", "metadata": {"name": SHOP}, "spec": spec}


STABLE = {"name": "v1", "labels": {"colour": "blue"}}
WIDE = {"name": "v2", "labels": {"app": "shop"}}


class Forbidding:
    """VirtualServices may not be listed."""

    def __init__(self, server: MemoryServer) -> None:
        self.server, self.namespace, self.stream = server, server.namespace, server.stream

    def request(self, method: str, path: str, *more: Any) -> Response:
        if method == "GET" and path.endswith("/virtualservices"):
            return Response(403, {}, {"message": "forbidden"})
        return self.server.request(method, path, *more)


class Shop:
    """Blue and green behind one Service, and the VirtualServices a and b that lead to blue by a subset."""

    def __init__(self, *subsets: Object) -> None:
        objects = [workload(BLUE), workload(GREEN), service(SHOP), rule(*subsets), virtual_service("a"), virtual_service("b")]
        self.cluster = MemoryCluster().apply(*objects)
        self.judge = Judge(self.cluster, ("a", "b"), (), 4.0, 4.5)

    def context(self, transport: Any = None, by: str = f"canary_weight/{SHOP}") -> Context:
        return Context(Client(transport or self.cluster.server, self.cluster.time), self.cluster.time, NAMESPACE, by)

    def move(self, name: str, weight: int | None, canary: str = "v2", **how: Any) -> list[str]:
        """weight: None puts it back. Returns the warnings."""
        labels = (("colour", "green"),)
        target = Target("istio", name, NAMESPACE, SHOP, SHOP, stable_subset="v1", canary_subset=canary, destination_rule=SHOP)
        ctx = self.context(**how)
        if weight is None:
            traffic.settle(ctx, traffic.restore_all(ctx, [target], lambda moves: traffic.settle(ctx, moves, GRACE)), GRACE)
        else:
            given = Target(**{**vars(target), "canary_labels": labels})
            moved = traffic.move(ctx, given, DesiredTraffic(split_of(weight)), converge=lambda: ctx.settle(GRACE, ctx.clock.now()))
            traffic.settle(ctx, [moved], GRACE)
        return ctx.journal.warnings

    def specs(self) -> Object:
        places = [("VirtualService", "a"), ("VirtualService", "b"), ("DestinationRule", SHOP)]
        return {f"{kind}/{name}": copy.deepcopy(self.cluster.get(kind, name)["spec"]) for kind, name in places}

    def subsets(self) -> list[str]:
        return [each["name"] for each in self.cluster.get("DestinationRule", SHOP)["spec"]["subsets"]]


@pytest.mark.parametrize("subsets", [(STABLE,), (STABLE, WIDE)], ids=["a subset that is added", "a subset that gets labels"])
@pytest.mark.parametrize("order", ["ab", "ba"])
def test_the_last_one_leaves(subsets: tuple[Object, ...], order: str) -> None:
    shop = Shop(*subsets)
    before = shop.specs()
    for name in "ab":
        assert not shop.move(name, 30)
    during = shop.cluster.get("DestinationRule", SHOP)["spec"]
    [warning] = shop.move(order[0], None)
    assert warning.startswith(f"DestinationRule test/{SHOP} keeps spec.subsets[name=v2]")
    assert shop.cluster.get("DestinationRule", SHOP)["spec"] == during
    assert shop.move(order[0], None) == [warning], "called again, it changes nothing"
    assert not shop.move(order[1], None)
    assert shop.specs() == before and not shop.judge.complaints


def test_another_subset_does_not_take_away_the_first_one() -> None:
    """Both calls have one owner, whose edits are computed anew each time."""
    shop = Shop(STABLE)
    before = shop.specs()
    shop.move("a", 30)
    shop.move("b", 30, "v3")
    assert shop.subsets() == ["v1", "v3", "v2"]
    shop.move("a", None)
    assert shop.subsets() == ["v1", "v3"]
    shop.move("b", None)
    assert shop.specs() == before and not shop.judge.complaints


def test_what_may_not_be_listed_may_need_it() -> None:
    shop = Shop(STABLE)
    before = shop.specs()
    shop.move("a", 30)
    assert shop.move("a", None, transport=Forbidding(shop.cluster.server)) and shop.subsets() == ["v1", "v2"]
    assert not shop.move("a", None) and shop.specs() == before


def test_a_route_of_the_users_keeps_it_too() -> None:
    shop = Shop(STABLE)
    shop.move("a", 30)
    path = f"/apis/networking.istio.io/v1beta1/namespaces/{NAMESPACE}/virtualservices/b"
    shop.cluster.server.request("PATCH", path, {}, {"spec": virtual_service("b", "v2")["spec"]}, "application/merge-patch+json")
    assert shop.move("a", None) and shop.subsets() == ["v1", "v2"] and not shop.judge.complaints
