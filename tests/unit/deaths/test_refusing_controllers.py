"""A router's controller refuses the canary: no request has come to it before, and all is as it was; a good one is served as ever."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import traffic
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context, Failed
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import (
    Condition,
    DesiredTraffic,
    ManagedRoute,
    Split,
    Target,
    split_of,
)
from ansible_collections.progressive.delivery.tests.harness.memory.cluster import MemoryCluster
from ansible_collections.progressive.delivery.tests.harness.memory.kinds import HTTP_ROUTE
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.harness.memory.store import Change
from ansible_collections.progressive.delivery.tests.unit.deaths.switches import BLUE, GREEN, PREVIEW, SHOP, service, workload

Object = dict[str, Any]
MINE = "x-progressive-delivery-introduction"
PARENT = {"name": "gateway", "namespace": "gateways"}


def http_route() -> Object:
    spec = {"parentRefs": [PARENT], "rules": [{"name": "main", "backendRefs": [{"name": SHOP, "port": 80}]}]}
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": SHOP}, "spec": spec}


class Gateway:
    """Gives its verdict on each generation of a route a moment later; until then requests go wherever the route says."""

    def __init__(self, refuses: str = "", strict: bool = False) -> None:
        self.cluster = MemoryCluster()
        self.refuses, self.strict = refuses, strict
        self.lost: list[Object] = []
        self.cluster.store.listeners.append(self._told)
        self.cluster.apply(workload(BLUE), workload(GREEN), service(SHOP, colour="blue"), service(PREVIEW, colour="green"), http_route())

    def _told(self, change: Change) -> None:
        if change.kind is not HTTP_ROUTE or change.type == "DELETED":
            return
        if change.before is None or change.before["spec"] != change.after["spec"]:
            self._look(change.after)
            self.cluster.time.after(0.2, self._judge)

    def _refs(self, route: Object) -> list[Object]:
        mirrors = [each["requestMirror"]["backendRef"] for rule in route["spec"]["rules"] for each in rule.get("filters") or []]
        return [ref for rule in route["spec"]["rules"] for ref in rule.get("backendRefs") or []] + mirrors

    def _look(self, route: Object) -> None:
        """A rule with a destination that is not taken answers nobody, also those whom another destination would serve."""
        for rule in route["spec"]["rules"]:
            mine = self._refs({"spec": {"rules": [rule]}})
            sent = any(MINE not in str(match) for match in rule.get("matches") or [{}])
            self.lost += [ref for ref in mine if sent and ref["name"] == self.refuses and (self.strict or ref.get("weight", 1))]

    def _judge(self) -> None:
        route = self.cluster.store.find(HTTP_ROUTE, NAMESPACE, SHOP)
        if route is None:
            return
        good = all(ref["name"] != self.refuses for ref in self._refs(route))
        how = {"reason": "Fine" if good else "RefNotPermitted", "message": "", "observedGeneration": route["metadata"]["generation"]}
        conditions = [{"type": "Accepted", "status": "True", **how}, {"type": "ResolvedRefs", "status": "True" if good else "False", **how}]
        parent = {"parentRef": PARENT, "controllerName": "example.org/controller", "conditions": conditions}
        self.cluster.store.set_status(HTTP_ROUTE, route, {"parents": [parent]})

    def move(self, wish: DesiredTraffic, check: bool = False) -> tuple[traffic.Moved, Context]:
        ctx = Context(Client(self.cluster.server, self.cluster.time), self.cluster.time, NAMESPACE, f"canary_weight/{SHOP}", check=check)
        target = Target("gateway_api", SHOP, NAMESPACE, SHOP, PREVIEW)
        return traffic.move(ctx, target, wish), ctx

    def spec(self) -> Object:
        return copy.deepcopy(self.cluster.get("HTTPRoute", SHOP)["spec"])


HEADER = ManagedRoute("qa", ((Condition("header", "x-qa", "exact", "1"),),))
WISHES = {
    "a share": DesiredTraffic(split_of(20)),
    "all": DesiredTraffic(split_of(100)),
    "matches": DesiredTraffic(split_of(0), (HEADER,)),
    "copies": DesiredTraffic(split_of(0), mirror=100),
    "a share and matches": DesiredTraffic(split_of(5), (HEADER,)),
}


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)
def test_a_canary_that_is_refused_gets_nothing(wish: DesiredTraffic, strict: bool) -> None:
    gateway = Gateway(PREVIEW, strict)
    before = gateway.cluster.get("HTTPRoute", SHOP)
    with pytest.raises(Failed, match=r"ResolvedRefs=False, RefNotPermitted.*was put back as it was before this call"):
        gateway.move(wish)
    after = gateway.cluster.get("HTTPRoute", SHOP)
    assert not gateway.lost and after["spec"] == before["spec"]
    assert after["metadata"].get("annotations") == before["metadata"].get("annotations")


@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)
def test_a_canary_that_is_taken(wish: DesiredTraffic) -> None:
    gateway = Gateway()
    seen = gateway.move(wish, check=True)[0]
    moved, ctx = gateway.move(wish)
    assert moved.changed and moved.previous == Split(1, 0) and moved.weight == seen.weight
    generation = gateway.cluster.get("HTTPRoute", SHOP)["metadata"]["generation"]
    assert generation == 3, "one write to introduce it, one for its share"
    again, _ctx = gateway.move(wish)
    assert not again.changed and gateway.cluster.get("HTTPRoute", SHOP)["metadata"]["generation"] == generation
    assert ctx.journal.changed


def test_a_wish_that_cannot_be_written_is_refused_before_anything_is_written() -> None:
    gateway = Gateway()
    before = gateway.spec()
    with pytest.raises(Refused, match=r"^weight_total must be at most 1000000, not 2000000"):
        gateway.move(DesiredTraffic(split_of(1, 2_000_000)))
    assert gateway.spec() == before
