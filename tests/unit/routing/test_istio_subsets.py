"""A split by subset: the DestinationRule before and after, which pods must be ready, and what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.istio import router as istio
from ansible_collections.progressive.delivery.plugins.module_utils._routing.router import Backend
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import DesiredTraffic, Split, split_of

from .moves import carried_out, moved
from .virtual_services import ALL, FULL, PORT, SUBSETS, Object, destination_rule, objects, route, subset, target, to, virtual_service

V1, V2 = subset("v1", version="v1"), subset("v2", version="v2")
V3 = {**subset("v3", version="v3"), "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}}
HASHES: Object = {"stable_labels": (("hash", "aaa"),), "canary_labels": (("hash", "bbb"),)}


def sub(name: str, weight: int | None = None, host: str = "shop", **more: Any) -> Object:
    return to(host, weight, destination={"subset": name, **more})


BOTH = route(sub("v1", 100), sub("v2", 0))
AFTER_20 = route(sub("v1", 80), sub("v2", 20))

# subsets and http before, what differs in the target, subsets and http after a weight of 20
SPLITS = [
    pytest.param([V1, V2], [BOTH], {}, [V1, V2], [AFTER_20], id="argo-rollouts#617 two subsets of one host"),
    pytest.param([V1, V2], [route(sub("v1"))], {}, [V1, V2], [AFTER_20], id="a canary destination that is added"),
    pytest.param(
        [V1, V2],
        [route(sub("v1", **PORT["destination"]))],
        {},
        [V1, V2],
        [route(sub("v1", 80, **PORT["destination"]), sub("v2", 20, **PORT["destination"]))],
        id="with the port of stable",
    ),
    pytest.param(
        [V1, V2],
        [route(sub("v1", 100, FULL), sub("v2", 0, FULL))],
        {},
        [V1, V2],
        [route(sub("v1", 80, FULL), sub("v2", 20, FULL))],
        id="hosts in full",
    ),
    pytest.param(
        [V1, V2],
        [route(sub("v1"), name="ours"), route(sub("v1", host="shop.other.svc.cluster.local"), name="look-alike")],
        {},
        [V1, V2],
        [route(sub("v1", 80), sub("v2", 20), name="ours"), route(sub("v1", host="shop.other.svc.cluster.local"), name="look-alike")],
        id="a look-alike in another namespace",
    ),
    pytest.param(
        [V1, V2, V3],
        [BOTH],
        HASHES,
        [subset("v1", version="v1", hash="aaa"), subset("v2", version="v2", hash="bbb"), V3],
        [AFTER_20],
        id="labels are merged, foreign subsets and policies stay",
    ),
    pytest.param(
        [{**V1, "trafficPolicy": {"connectionPool": {}}}, V3],
        [route(sub("v1"))],
        HASHES,
        [{**subset("v1", version="v1", hash="aaa"), "trafficPolicy": {"connectionPool": {}}}, V3, subset("v2", hash="bbb")],
        [AFTER_20],
        id="a missing subset is added with its labels",
    ),
    pytest.param(
        [V3],
        [route(sub("v1"))],
        HASHES,
        [V3, subset("v1", hash="aaa"), subset("v2", hash="bbb")],
        [AFTER_20],
        id="both subsets are added",
    ),
    pytest.param(
        [{"name": "v1"}, {"name": "v2"}],
        [BOTH],
        HASHES,
        [subset("v1", hash="aaa"), subset("v2", hash="bbb")],
        [AFTER_20],
        id="subsets without labels get them",
    ),
    pytest.param(
        [subset("v1", hash="old", app="shop"), V2],
        [BOTH],
        {**HASHES, "canary_labels": ()},
        [subset("v1", hash="aaa", app="shop"), V2],
        [AFTER_20],
        id="a label of another value is replaced",
    ),
    pytest.param(
        [V1, V2, V3],
        [route(sub("v1", 50), sub("v3", 50))],
        {"additional_destinations": ("shop",)},
        [V1, V2, V3],
        [route(sub("v1", 40), sub("v3", 50), sub("v2", 10))],
        id="argo-rollouts#2010 a third subset of the host keeps its share",
    ),
    pytest.param(
        [V1, V2],
        [route(sub("v1", 50), to("alpha", 50))],
        {"additional_destinations": ("alpha",)},
        [V1, V2],
        [route(sub("v1", 40), to("alpha", 50), sub("v2", 10))],
        id="argo-rollouts#3125 another host beside subsets",
    ),
    pytest.param(
        [V1, V2],
        [route(to("shop"), match=[{"port": 81}]), BOTH],
        ALL,
        [V1, V2],
        [route(to("shop"), match=[{"port": 81}]), AFTER_20],
        id="a route to the host without a subset is another",
    ),
    pytest.param(
        [V1, V2], [BOTH], {"canary_service": "shop-canary"}, [V1, V2], [AFTER_20], id="subsets of one host, whatever the canary Service"
    ),
]


@pytest.mark.parametrize(("subsets", "http", "asked", "subsets_after", "http_after"), SPLITS)
@pytest.mark.parametrize("host", ["shop", FULL, "*.test.svc.cluster.local"])
def test_splits(
    host: str, subsets: list[Object], http: list[Object], asked: Object, subsets_after: list[Object], http_after: list[Object]
) -> None:
    place = target(**{"canary_service": "shop", **SUBSETS, **asked})
    before = objects(virtual_service(*http), destination_rule(*subsets, host=host))
    after = moved(before, place, DesiredTraffic(split_of(20)))
    assert after == objects(virtual_service(*http_after), destination_rule(*subsets_after, host=host))


def test_subsets_are_there_before_a_route_leads_to_them_and_go_after_none_does() -> None:
    place = target(**SUBSETS, **HASHES)
    live = objects(virtual_service(BOTH), destination_rule(V1, V2))
    assert [change.part for change in istio.changes(live, place, DesiredTraffic(split_of(20)))] == ["destination_rule", "virtual_service"]
    assert [change.part for change in istio.changes(live, place, None)] == ["virtual_service", "destination_rule"]


# subsets, host of the rule, http, what differs in the target, what the message says
REFUSALS = [
    pytest.param([V1, V2], "other", [BOTH], {}, "is for host 'other', not for Service 'shop': correct destination_rule", id="another host"),
    pytest.param([V1, V2], "shop.other.svc.cluster.local", [BOTH], {}, "not for Service 'shop'", id="a look-alike host"),
    pytest.param([V1, V2], "*.other.svc.cluster.local", [BOTH], {}, "not for Service 'shop'", id="hosts of another namespace"),
    pytest.param([V1], "shop", [BOTH], {}, "has no subset 'v2' (it has: v1): correct the name, or give", id="no canary subset"),
    pytest.param([], "shop", [BOTH], {}, "has no subset 'v1' (it has: none)", id="no subset at all"),
    pytest.param([V1, V2, V2], "shop", [BOTH], {}, "has 2 subsets named 'v2': leave one", id="a subset twice"),
    pytest.param([V1, subset("v2", version="v1")], "shop", [BOTH], {}, "has the pods of both versions (version=v1)", id="the same labels"),
    pytest.param(
        [subset("v1", app="shop"), subset("v2", app="shop", version="v2")],
        "shop",
        [BOTH],
        {},
        "has the pods of both versions (app=shop)",
        id="stable takes the canary's pods too",
    ),
    pytest.param([V1, {"name": "v2"}], "shop", [BOTH], {}, "has the pods of both versions (without labels)", id="canary takes all pods"),
    pytest.param(
        [V1, V2],
        "shop",
        [route(sub("v1", 100), sub("v2", 0), sub("v2", 0, port={"number": 81}))],
        {},
        "leads to Service 'shop' with subset 'v2' more than once: leave one destination for it",
        id="a subset twice in a route",
    ),
    pytest.param(
        [V1, V2, V3],
        "shop",
        [route(sub("v1", 50), sub("v3", 50))],
        {},
        "also leads to shop with subset v3, whose share is not defined",
        id="a third subset that is not named",
    ),
    pytest.param(
        [V1, V2],
        "shop",
        [route(to("shop"))],
        {},
        "has no HTTP route to Service 'shop' with subset 'v1' (its destinations: shop)",
        id="a route without subset",
    ),
]


@pytest.mark.parametrize(("subsets", "host", "http", "asked", "said"), REFUSALS)
def test_refusals(subsets: list[Object], host: str, http: list[Object], asked: Object, said: str) -> None:
    live = objects(virtual_service(*http, hosts=["shop"]), destination_rule(*subsets, host=host))
    with pytest.raises(Refused) as refused:
        istio.changes(live, target(**SUBSETS, **asked), DesiredTraffic(split_of(20)))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"stable_subset": "v1"}, "stable_subset needs canary_subset, destination_rule for a split by subset"),
        ({"stable_subset": "v1", "canary_subset": "v2"}, "stable_subset, canary_subset needs destination_rule for a split by subset"),
        ({"destination_rule": "shop"}, "destination_rule needs stable_subset, canary_subset for a split by subset"),
        ({"canary_labels": (("a", "b"),)}, "canary_labels needs stable_subset, canary_subset, destination_rule for a split by subset"),
        ({**SUBSETS, "canary_subset": "v1"}, "is 'v1' as stable_subset is: give the canary a subset of its own"),
    ],
)
def test_half_of_what_subsets_need_is_refused_before_anything_is_read(asked: Object, said: str) -> None:
    with pytest.raises(Refused, match=re.escape(said)):
        istio.parts(target(**asked))


@pytest.mark.parametrize(
    ("split", "wish", "backends"),
    [
        (
            Split(80, 20),
            DesiredTraffic(Split(80, 20)),
            [
                Backend("shop", "test", "80 of 100 parts of the traffic", (("hash", "aaa"), ("version", "v1"))),
                Backend("shop", "test", "20 of 100 parts of the traffic", (("hash", "bbb"), ("version", "v2"))),
            ],
        ),
        (
            Split(100, 0),
            DesiredTraffic(Split(100, 0), mirror=5.0),
            [
                Backend("shop", "test", "100 of 100 parts of the traffic", (("hash", "aaa"), ("version", "v1"))),
                Backend("shop", "test", "matching or mirrored requests", (("hash", "bbb"), ("version", "v2"))),
            ],
        ),
        (Split(0, 100), None, [Backend("shop", "test", "100 of 100 parts of the traffic", (("hash", "bbb"), ("version", "v2")))]),
    ],
)
def test_the_pods_of_each_subset_must_be_ready(split: Split, wish: DesiredTraffic | None, backends: list[Backend]) -> None:
    rule = destination_rule(subset("v1", version="v1", hash="aaa"), subset("v2", version="v2", hash="bbb"))
    place = target(**SUBSETS, **HASHES)
    assert istio.backends(objects(virtual_service(BOTH), rule), place, split, wish) == backends


def test_a_rule_that_the_user_deleted_does_not_keep_the_routes_from_going_back() -> None:
    place, before = target(**SUBSETS, **HASHES), virtual_service(BOTH)
    after = carried_out(objects(before, destination_rule(V1, V2)), place, DesiredTraffic(split_of(20)))
    assert after["virtual_service"] != before
    assert carried_out({**after, "destination_rule": None}, place, None) == {"virtual_service": before, "destination_rule": None}
