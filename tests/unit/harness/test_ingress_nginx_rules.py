"""The rules of ingress-nginx's split in memory say what requests to the real controller (v1.15.1) showed, case by case."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.memory.ingress_nginx import Place, Served, served
from ansible_collections.progressive.delivery.tests.unit.routing.ingresses import (
    DEFAULT,
    Object,
    aged,
    canary,
    ingress,
    nginx,
    path,
    rule,
    weighted,
)

SHOP, CANARY, OTHER = "test/shop:80", "test/shop-canary:80", "test/other:80"
HOST, PREVIEW = "shop.example.org", "preview.example.org"
TO_CANARY: Object = {"defaultBackend": {"service": {"name": "shop-canary", "port": {"number": 80}}}}
HALF = canary(annotations=weighted(50))
MAIN = aged(0, ingress())
AFFINITY = nginx(affinity="cookie")
SPLIT, ALONE, NOTHING = Served(SHOP, CANARY, 0.5), Served(SHOP), Served(None)


def at(host: str = HOST, where: str = "/", kind: str = "Prefix") -> Place:
    return Place(host, where, kind)


def preview(age: int, port: Any = 80) -> Object:
    return aged(age, ingress(rule(PREVIEW, path("shop-canary", port=port)), name="preview"))


CASES: dict[str, tuple[list[Object], dict[Place, Served]]] = {
    "a split": ([MAIN, aged(1, HALF)], {at(): SPLIT}),
    "a canary Ingress alone is nothing": ([HALF], {at(""): NOTHING}),
    "paths of other types are other places": (
        [aged(0, ingress(rule(HOST, path("shop"), path("shop", "/", kind="Exact"), path("other", "/api")))), aged(1, HALF)],
        {at(): SPLIT, at(kind="Exact"): SPLIT, at(where="/api"): Served(OTHER)},
    ),
    "a: a default backend on the canary Ingress finds no place, and its pool is deleted": (
        [
            aged(0, ingress(rule(HOST, path("shop", "/a")), **DEFAULT)),
            aged(1, canary(rule(HOST, path("shop-canary", "/a")), annotations=weighted(50), **TO_CANARY)),
        ],
        {at(where="/a"): ALONE, at(): ALONE},
    ),
    "a: without it the path and the default path split": (
        [
            aged(0, ingress(rule(HOST, path("shop", "/a")), **DEFAULT)),
            aged(1, canary(rule(HOST, path("shop-canary", "/a")), annotations=weighted(50))),
        ],
        {at(where="/a"): SPLIT, at(): SPLIT},
    ),
    "b: an older Ingress to the canary Service": ([MAIN, preview(1), aged(2, HALF)], {at(): ALONE, at(PREVIEW): Served(CANARY)}),
    "b: a younger one": ([MAIN, aged(1, HALF), preview(2)], {at(): SPLIT, at(PREVIEW): NOTHING}),
    "b: one that names the port in the other way": (
        [MAIN, preview(1, "http"), aged(2, HALF)],
        {at(): SPLIT, at(PREVIEW): Served("test/shop-canary:http")},
    ),
    "c: an older canary Ingress for the same canary Service": (
        [MAIN, aged(1, canary(name="left", annotations=weighted(0))), aged(2, HALF)],
        {at(): Served(SHOP, CANARY, 0.0)},
    ),
    "c: an older one for another canary Service": (
        [MAIN, aged(1, canary(rule(HOST, path("other")), name="left", annotations=weighted(0))), aged(2, HALF)],
        {at(): Served(SHOP, OTHER, 0.0)},
    ),
    "c: a younger one": ([MAIN, aged(1, HALF), aged(2, canary(name="late", annotations=weighted(9)))], {at(): SPLIT}),
    "of the same second, the greater name is first": (
        [MAIN, aged(1, HALF), aged(1, canary(name="zzz", annotations=weighted(9)))],
        {at(): Served(SHOP, CANARY, 0.09)},
    ),
    "e: another host with the same Service and port": (
        [MAIN, aged(1, HALF), aged(2, ingress(rule("b.example.org", path("shop"), path("shop", "/x", "http")), name="b"))],
        {at(): SPLIT, at("b.example.org"): SPLIT, at("b.example.org", "/x"): Served("test/shop:http")},
    ),
    "f: a catch-all takes other Ingresses' paths without a host, and then all that lead to the same Service": (
        [
            aged(0, ingress(ingressClassName="nginx", **DEFAULT)),
            aged(1, ingress(rule(None, path("other", "/x")), rule(PREVIEW, path("other"), path("more", "/more")), name="other")),
            aged(2, canary(annotations=weighted(50), ingressClassName="nginx", **TO_CANARY)),
        ],
        {
            at(""): SPLIT,
            at("", "/x"): Served(OTHER, CANARY, 0.5),
            at(PREVIEW): Served(OTHER, CANARY, 0.5),
            at(PREVIEW, "/more"): Served("test/more:80"),
        },
    ),
    "h: clients keep the version that they got, at weight 0 too": (
        [aged(0, ingress(annotations=AFFINITY)), aged(1, canary(annotations=weighted(0)))],
        {at(): Served(SHOP, CANARY, 0.0, keeps=True, main_keeps=True)},
    ),
    "h: but for the old behaviour, in which just the main Service keeps them": (
        [aged(0, ingress(annotations=AFFINITY)), aged(1, canary(annotations=weighted(0, affinity_canary_behavior="legacy")))],
        {at(): Served(SHOP, CANARY, 0.0, main_keeps=True)},
    ),
    "a header": (
        [MAIN, aged(1, canary(annotations=weighted(0, canary_by_header="X-Canary")))],
        {at(): Served(SHOP, CANARY, 0.0, chosen=True)},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_where_requests_go(case: str) -> None:
    ingresses, wanted = CASES[case]
    found = served(ingresses)
    assert {place: found.get(place) for place in wanted} == wanted


def test_what_the_canary_gets() -> None:
    assert SPLIT.splits and not SPLIT.all_to_canary and not ALONE.splits and not Served(SHOP, CANARY).splits
    assert Served(SHOP, CANARY, 1.0).all_to_canary and not Served(SHOP, CANARY, 1.0, main_keeps=True).all_to_canary
    assert Served(SHOP, CANARY, keeps=True).splits and Served(SHOP, CANARY, chosen=True).splits
