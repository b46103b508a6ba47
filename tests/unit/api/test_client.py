"""Requests that are answered "not now", or not at all: what is repeated, for how long, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.errors import ApiError, Conflict, NotFound
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response, TransportError
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._objects.resources import SERVICE, Ref
from ansible_collections.progressive.delivery.tests.unit.api.conftest import FakeClock, MemoryServer, answer, lost

SHOP = Ref(SERVICE, "test", "shop")
BODY = {"metadata": {"name": "shop"}, "spec": {"selector": {"app": "shop"}}}
PATCH = {"spec": {"selector": {"track": "new"}}}


@pytest.mark.parametrize(
    ("faults", "slept"),
    [
        pytest.param([], [], id="none"),
        pytest.param([answer(429)], [0.2], id="429"),
        pytest.param([answer(429, retry_after="1")], [1.0], id="429 with a time"),
        pytest.param([answer(429, retry_after="0")], [0.2], id="429 at once"),
        pytest.param([answer(429, retry_after="3600")], [5.0], id="429 with too long a time"),
        pytest.param([answer(429, retry_after="Wed, 21 Oct 2026 07:28:00 GMT")], [0.2], id="429 with a date"),
        pytest.param([answer(503, "starting"), answer(500), answer(502), answer(504)], [0.2, 0.4, 0.8, 1.6], id="longer each time"),
        pytest.param([answer(503)] * 6, [0.2, 0.4, 0.8, 1.6, 2.0, 2.0], id="but not too long"),
        pytest.param([answer(503, retry_after="2"), answer(503)], [2.0, 0.4], id="as the server asks"),
    ],
)
@pytest.mark.parametrize("call", ["get", "create", "patch", "list", "delete"])
def test_not_now_is_asked_again(
    client: Client, server: MemoryServer, clock: FakeClock, call: str, faults: list[Any], slept: list[float]
) -> None:
    if call != "create":
        server.put(SHOP.path, BODY)
    seen = {"metadata": dict(server.objects.get(SHOP.path, BODY)["metadata"])}
    server.faults = list(faults)
    calls = {
        "get": lambda: client.get(SHOP),
        "create": lambda: client.create(SHOP, BODY),
        "patch": lambda: client.patch(SHOP, PATCH, seen),
        "list": lambda: client.list(SERVICE, "test"),
        "delete": lambda: client.delete(SHOP, seen),
    }
    calls[call]()
    assert clock.slept == slept
    assert len(server.requests) == len(faults) + 1
    assert (SHOP.path in server.objects) == (call != "delete")


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [(503, "overloaded", " (it says: overloaded)"), (429, "", ""), (500, {"message": "etcd\nis away"}, " (it says: etcd is away)")],
)
def test_not_now_for_too_long_is_an_error(
    client: Client, server: MemoryServer, clock: FakeClock, status: int, body: Any, said: str
) -> None:
    server.faults = [answer(status, body)] * 100
    with pytest.raises(ApiError) as refused:
        client.get(SHOP)
    assert (
        str(refused.value)
        == f"Service test/shop cannot be read because the API server answered {status}{said}: " + refused.value.problem.remedy
    )
    assert refused.value.status == status
    assert 10.0 <= clock.time - 1000.0 <= 12.0


@pytest.mark.parametrize("status", [400, 401, 403, 405, 415, 422])
def test_other_answers_are_final(client: Client, server: MemoryServer, clock: FakeClock, status: int) -> None:
    server.faults = [answer(status)]
    with pytest.raises(ApiError):
        client.patch(SHOP, PATCH, server.put(SHOP.path, BODY))
    assert (len(server.requests), clock.slept) == (1, [])


def test_a_server_that_never_answered_is_not_asked_again(client: Client, server: MemoryServer, clock: FakeClock) -> None:
    server.faults = [lost()]
    with pytest.raises(TransportError, match="closed the connection"):
        client.get(SHOP)
    assert (len(server.requests), clock.slept) == (1, [])


@pytest.fixture
def reached(client: Client, server: MemoryServer) -> Client:
    """A client whose server has answered before."""
    client.get(Ref(SERVICE, "test", "known"))
    server.requests.clear()
    return client


@pytest.mark.parametrize("error", [lost(), lost(sent=False)])
def test_a_server_that_is_away_for_a_moment_is_asked_again(
    reached: Client, server: MemoryServer, clock: FakeClock, error: TransportError
) -> None:
    server.put(SHOP.path, BODY)
    server.faults = [error, error, answer(503), error]
    assert reached.get(SHOP)["spec"] == BODY["spec"]
    assert clock.slept == [0.2, 0.4, 0.8, 1.6]


def test_a_server_that_is_away_for_long_is_given_up(reached: Client, server: MemoryServer, clock: FakeClock) -> None:
    server.faults = [lost()] * 100
    with pytest.raises(TransportError, match="closed the connection"):
        reached.get(SHOP)
    assert 10.0 <= clock.time - 1000.0 <= 12.0


def test_what_no_waiting_mends_is_an_error_at_once(reached: Client, server: MemoryServer, clock: FakeClock) -> None:
    server.faults = [TransportError("the certificate is not trusted")]
    with pytest.raises(TransportError, match="certificate"):
        reached.get(SHOP)
    assert clock.slept == []


def test_a_patch_whose_answer_is_lost_is_not_carried_out_twice(reached: Client, server: MemoryServer) -> None:
    seen = server.put(SHOP.path, BODY)
    server.after = [lost()]
    with pytest.raises(Conflict, match=r"^Service test/shop was changed at the same time"):
        reached.patch(SHOP, PATCH, seen)
    assert server.requests == [("PATCH", SHOP.path)] * 2
    live = reached.get(SHOP)
    assert live["spec"]["selector"] == {"app": "shop", "track": "new"}
    assert int(live["metadata"]["resourceVersion"]) == int(seen["metadata"]["resourceVersion"]) + 1


def test_a_field_that_the_server_does_not_know_shall_be_an_error(reached: Client, server: MemoryServer) -> None:
    reached.patch(SHOP, PATCH, server.put(SHOP.path, BODY))
    assert server.queries[-1] == {"fieldValidation": "Strict"}


def test_an_object_whose_creation_is_not_answered_is_there_once(reached: Client, server: MemoryServer) -> None:
    server.after = [lost()]
    with pytest.raises(Conflict):
        reached.create(SHOP, BODY)
    assert reached.get(SHOP)["spec"] == BODY["spec"]


def test_a_deletion_whose_answer_is_lost_is_done(reached: Client, server: MemoryServer) -> None:
    seen = server.put(SHOP.path, BODY)
    server.after = [lost()]
    reached.delete(SHOP, seen)
    assert server.requests == [("DELETE", SHOP.path)] * 2
    assert reached.find(SHOP) is None


def test_another_object_of_the_same_name_is_not_deleted(reached: Client, server: MemoryServer) -> None:
    seen = server.put(SHOP.path, BODY)
    server.put(SHOP.path, {**BODY, "metadata": {"name": "shop", "uid": "another"}})
    with pytest.raises(Conflict):
        reached.delete(SHOP, seen)
    assert SHOP.path in server.objects


def test_a_patch_of_what_has_changed_is_a_conflict(reached: Client, server: MemoryServer) -> None:
    seen = dict(server.put(SHOP.path, BODY))
    server.put(SHOP.path, BODY)
    with pytest.raises(Conflict):
        reached.patch(SHOP, PATCH, seen)
    assert len(server.requests) == 1


def test_what_is_not_there(reached: Client) -> None:
    assert reached.find(SHOP) is None
    with pytest.raises(NotFound, match=r"^Service test/shop does not exist: check its name and the namespace$"):
        reached.get(SHOP)


def test_a_list_names_kinds_and_the_version_to_watch_from(reached: Client, server: MemoryServer) -> None:
    items, version = reached.list(SERVICE, "test", "app=shop", "metadata.name=x")
    assert [(item["apiVersion"], item["kind"], item["metadata"]["name"]) for item in items] == [("v1", "Service", "known")]
    assert version == str(server.version)
    assert server.queries[-1] == {"labelSelector": "app=shop", "fieldSelector": "metadata.name=x", "limit": "500"}


@pytest.mark.parametrize(
    ("faults", "lag"),
    [
        pytest.param([answer(503)], 0.0, id="for a moment"),
        pytest.param([answer(429, retry_after="5")], 0.0, id="it was just busy"),
        pytest.param([lost(), lost(), answer(503), answer(503)], 10.0 + 2 * 3.0, id="for some seconds"),
        pytest.param([lost(), lost(), answer(403), answer(403), answer(403)], 10.0 + 2 * 5.0, id="and it knows nobody's rights yet"),
        pytest.param([answer(503, retry_after="5")] * 10, 10.0 + 2 * 10.0, id="longer than anybody is patient"),
    ],
)
def test_how_long_others_may_not_know_what_happened_while_the_server_was_away(
    client: Client, server: MemoryServer, clock: FakeClock, faults: list[Any], lag: float
) -> None:
    server.put(SHOP.path, BODY)
    client.get(SHOP)
    server.faults = list(faults)
    try:
        client.get(SHOP)
    except ApiError:
        assert len(faults) == 10
    server.faults = []
    assert client.others_lag() == pytest.approx(lag)
    clock.sleep(lag)
    assert client.others_lag() == 0.0


def test_a_missing_right_is_told_at_once_where_the_server_was_not_away(client: Client, server: MemoryServer, clock: FakeClock) -> None:
    client.get(Ref(SERVICE, "test", "known"))
    server.faults = [answer(403)]
    with pytest.raises(ApiError):
        client.get(SHOP)
    assert clock.slept == []


def many(count: int, version: int = 7, then: str = "") -> Response:
    """A page of a list."""
    items = [{"metadata": {"name": f"shop-{number}"}} for number in range(count)]
    return answer(200, {"metadata": {"resourceVersion": str(version), **({"continue": then} if then else {})}, "items": items})


@pytest.mark.parametrize(
    ("pages", "asked", "found"),
    [
        pytest.param([many(3)], [{"limit": "500"}], 3, id="a small list is one request"),
        pytest.param([many(500)], [{"limit": "500"}], 500, id="just one page"),
        pytest.param(
            [many(500, then="a"), many(500, then="b"), many(1)],
            [{"limit": "500"}, {"limit": "500", "continue": "a"}, {"limit": "500", "continue": "b"}],
            1001,
            id="three pages",
        ),
        pytest.param(
            [many(500, then="a"), answer(410), many(700, 9)], [{"limit": "500"}, {"limit": "500", "continue": "a"}, {}], 700, id="410"
        ),
        pytest.param(
            [many(500, then="a"), answer(503), many(1)], [{"limit": "500"}] + [{"limit": "500", "continue": "a"}] * 2, 501, id="503"
        ),
    ],
)
def test_a_list_is_read_in_pages(client: Client, server: MemoryServer, pages: list[Response], asked: list[Any], found: int) -> None:
    server.faults = [*pages]
    items, version = client.list(SERVICE, "test", "app=shop")
    assert [dict(each) for each in server.queries] == [{"labelSelector": "app=shop", **each} for each in asked]
    assert len(items) == found and {each["kind"] for each in items} == {"Service"}
    assert version == ("9" if found == 700 else "7")


@pytest.mark.parametrize("pages", [[many(500, then="a")] * 200, [many(500, then="a"), answer(410), many(60_000)]], ids=["pages", "at once"])
def test_a_list_has_an_end(client: Client, server: MemoryServer, pages: list[Response]) -> None:
    server.faults = [*pages]
    with pytest.raises(Refused, match=r"^namespace test has more than 50000 services to list: remove"):
        client.list(SERVICE, "test")
    assert len(server.requests) <= 101


def test_a_list_that_expires_twice_is_an_error(client: Client, server: MemoryServer) -> None:
    server.faults = [many(500, then="a"), answer(410), answer(410), many(1)]
    with pytest.raises(ApiError, match="services in namespace test cannot be listed because the API server answered 410"):
        client.list(SERVICE, "test")
    assert len(server.requests) == 3
