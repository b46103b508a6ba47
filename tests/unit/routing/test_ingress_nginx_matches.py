"""Matches and mirrors in the dialect of ingress-nginx: the annotations that say them, and what it has no words for."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.ingress_nginx import router as ingress_nginx
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Condition, DesiredTraffic

from .ingresses import CLASS, DEFAULT, PREFIX, Object, canary, cookie, header, ingress, nginx, pair, path, rule, target, weighted, wish
from .moves import carried_out, moved, plain

# the matches, the annotations besides canary and canary-weight
MATCHES = [
    pytest.param([header("switch")], {"canary_by_header": "X-Canary"}, id="header switch"),
    pytest.param([header("exact", "1")], {"canary_by_header": "X-Canary", "canary_by_header_value": "1"}, id="header exact"),
    pytest.param(
        [header("exact", "Mozilla/5.0 a:b~c_d")],
        {"canary_by_header": "X-Canary", "canary_by_header_value": "Mozilla/5.0 a:b~c_d"},
        id="header exact, with all that a value may hold",
    ),
    pytest.param(
        [header("exact", "ann@example.org")],
        {"canary_by_header": "X-Canary", "canary_by_header_pattern": r"^ann\x40example\.org$"},
        id="header exact, with what a value must not hold",
    ),
    pytest.param(
        [header("exact", "a ")],
        {"canary_by_header": "X-Canary", "canary_by_header_pattern": r"^a\x20$"},
        id="header exact, with a space at the end, which the controller would take off",
    ),
    pytest.param([header("exact", "")], {"canary_by_header": "X-Canary", "canary_by_header_pattern": "^$"}, id="header exact, empty"),
    pytest.param(
        [header("prefix", "v1.2+")], {"canary_by_header": "X-Canary", "canary_by_header_pattern": r"^v1\.2\+"}, id="header prefix"
    ),
    pytest.param(
        [header("regex", "^Do[A-Z][a-z]+y$")],
        {"canary_by_header": "X-Canary", "canary_by_header_pattern": "^Do[A-Z][a-z]+y$"},
        id="header regex, as the documentation has it",
    ),
    pytest.param([header("regex", "")], {"canary_by_header": "X-Canary", "canary_by_header_pattern": ".*"}, id="header regex, empty"),
    pytest.param([header("present")], {"canary_by_header": "X-Canary", "canary_by_header_pattern": ".*"}, id="header present"),
    pytest.param([cookie("switch")], {"canary_by_cookie": "canary"}, id="cookie switch"),
    pytest.param(
        [header("exact", "1"), cookie("switch")],
        {"canary_by_header": "X-Canary", "canary_by_header_value": "1", "canary_by_cookie": "canary"},
        id="a header or a cookie",
    ),
    pytest.param(
        [header("exact", "ann"), header("prefix", "b.", "x-canary"), header("exact", "ann"), header("regex", "c+$")],
        {"canary_by_header": "X-Canary", "canary_by_header_pattern": r"^ann$|^b\.|c+$"},
        id="one header, several values",
    ),
]


@pytest.mark.parametrize("weight", [0, 20])
@pytest.mark.parametrize(("matches", "annotations"), MATCHES)
def test_matches(matches: list[Condition], annotations: dict[str, str], weight: int) -> None:
    """Flagger 1514: the weight counts beside them, also while it changes."""
    result = moved(pair(ingress()), target(), wish(weight, *matches))
    assert result == pair(ingress(), canary(annotations=weighted(weight, **annotations)))


def test_matches_go_without_a_trace() -> None:
    live = carried_out(pair(ingress()), target(), wish(20, header("exact", "1"), cookie("switch")))
    assert plain(carried_out(live, target(), wish(20))) == pair(ingress(), canary(annotations=weighted(20)))


REFUSED_MATCHES = [
    pytest.param([Condition("path", "", "prefix", "/x")], "cannot carry path prefix '/x' with router ingress_nginx", id="path"),
    pytest.param([Condition("query", "q", "exact", "1")], "cannot carry query q exact '1' with router ingress_nginx", id="query"),
    pytest.param([Condition("method", "", "exact", "GET")], "cannot carry method exact 'GET' with router ingress_nginx", id="method"),
    pytest.param([cookie("exact", "1")], "cannot carry cookie canary exact '1' with router ingress_nginx", id="cookie exact"),
    pytest.param([cookie("present")], "cannot carry cookie canary present with router ingress_nginx", id="cookie present"),
    pytest.param(
        [cookie("switch"), cookie("exact", "1")],
        "cannot carry cookie canary exact '1' with router ingress_nginx",
        id="cookie switch and exact",
    ),
    pytest.param(
        [header("exact", "1", "a"), header("exact", "1", "b")],
        "cannot carry two headers (a, b) with router ingress_nginx",
        id="two headers",
    ),
    pytest.param(
        [cookie("switch", name="a"), cookie("switch", name="b")],
        "cannot carry two cookies (a, b) with router ingress_nginx",
        id="two cookies",
    ),
    pytest.param(
        [(header("exact", "1"), cookie("switch"))],
        "cannot carry header X-Canary exact '1' and cookie canary switch at once with router ingress_nginx",
        id="a header and a cookie",
    ),
    pytest.param(
        [header("switch"), header("exact", "1")], "header X-Canary switch beside another condition on that header", id="switch and value"
    ),
    pytest.param(
        [header("exact", "1", "X Canary")],
        "cannot carry header 'X Canary' with router ingress_nginx: use letters, digits and '-' in the name",
        id="name of a header",
    ),
    pytest.param(
        [header("exact", "1", "X_Canary_A")],
        "cannot carry header 'X_Canary_A' (nginx drops headers with '_' in their names unless enable-underscores-in-hea",
        id="a header that nginx drops",
    ),
    pytest.param([header("switch", name="x_b")], "unless enable-underscores-in-headers is set, and then", id="a switch that nginx drops"),
    pytest.param(
        [cookie("switch", name="a b")],
        "cannot carry cookie 'a b' with router ingress_nginx: use letters, digits and '-._~' in the name",
        id="name of a cookie",
    ),
    pytest.param(
        [header("exact", "größe")],
        "cannot carry header X-Canary exact 'größe' with router ingress_nginx: use ASCII characters in the value",
        id="a value that is not ASCII",
    ),
    pytest.param([header("prefix", "a\nb")], "use ASCII characters in the value", id="a value of two lines"),
    pytest.param(
        [header("regex", "a{1,3}@b")],
        "cannot carry header X-Canary regex 'a{1,3}@b', since its patterns cannot hold ',' '@' with router ingress_nginx",
        id="characters of a pattern that the controller takes for none at all",
    ),
]


@pytest.mark.parametrize(("matches", "said"), REFUSED_MATCHES)
def test_refused_matches(matches: list[Condition], said: str) -> None:
    with pytest.raises(Refused) as refused:
        ingress_nginx.changes(pair(ingress()), target(), wish(20, *matches))
    assert refused.value.problem.object == "Ingress test/shop"
    assert refused.value.problem.what.startswith("cannot carry ")
    assert said in str(refused.value) and "\n" not in str(refused.value)


COPY = "http://shop-canary.test.svc.cluster.local:80$request_uri"

# the user's Ingress, what differs in the target, where the copies go
CONSENT = {"allow_mirror_reload": True}
MIRRORS = [
    pytest.param(ingress(), {}, COPY, id="one rule"),
    pytest.param(
        ingress(rule("a.example.org", path("shop", "/"), path("shop", "/v2")), rule("b.example.org", path("shop"))), {}, COPY, id="several"
    ),
    pytest.param(ingress(**CLASS, **DEFAULT), {}, COPY, id="the default backend"),
    pytest.param(
        ingress(rule("a.example.org", path("shop", port=8443)), annotations=nginx(backend_protocol="https", mirror_request_body="off")),
        {"cluster_domain": "example.internal"},
        "https://shop-canary.test.svc.example.internal:8443$request_uri",
        id="HTTPS, another port and cluster domain; the user's choice of bodies stays",
    ),
]


@pytest.mark.parametrize(("stable", "asked", "address"), MIRRORS)
def test_mirrors(stable: Object, asked: Object, address: str) -> None:
    result = moved(pair(stable), target(**asked, **CONSENT), wish(0, mirror=100))
    given = stable["metadata"].get("annotations", {})
    annotations = {**given, **nginx(mirror_target=address, mirror_host="$host")}
    assert result == pair({**stable, "metadata": {**stable["metadata"], "annotations": annotations}})


def test_a_mirror_beside_a_weight_and_alone_again() -> None:
    both = carried_out(pair(ingress()), target(**CONSENT), wish(20, mirror=100))
    assert plain(both)["canary_ingress"] == canary(annotations=weighted(20))
    assert plain(both)["ingress"]["metadata"]["annotations"] == nginx(mirror_target=COPY, mirror_host="$host")
    assert plain(carried_out(both, target(), wish(20))) == pair(ingress(), canary(annotations=weighted(20)))


def test_what_a_mirror_costs_is_refused_without_consent_and_told_with_it() -> None:
    with pytest.raises(Refused, match=r"^Ingress test/shop would get annotations for a mirror, .*: set allow_mirror_reload to true"):
        ingress_nginx.changes(pair(ingress()), target(), wish(0, mirror=100))
    assert ingress_nginx.changes(pair(ingress()), target(), wish(20)) and ingress_nginx.changes(pair(ingress()), target(), None)
    alone, beside = (
        ingress_nginx.warnings(pair(ingress()), target(**CONSENT), each) for each in (wish(0, mirror=100), wish(9, mirror=100))
    )
    assert len(alone) == 1 and "slow canary slows users" in alone[0]
    assert beside[0] == alone[0] and "the canary gets those requests twice" in beside[1]


def test_cookies_are_one_whatever_their_case() -> None:
    """As nginx takes them."""
    made = moved(pair(ingress()), target(), wish(5, cookie("switch", name="Beta"), cookie("switch", name="beta")))["canary_ingress"]
    assert made == canary(annotations=weighted(5, canary_by_cookie="Beta"))


REFUSED_MIRRORS = [
    pytest.param(ingress(), 10, "cannot mirror 10 percent, only all requests or none: set mirror to 100, or to 0", id="a share"),
    pytest.param(
        ingress(annotations=nginx(mirror_target="https://test.example.org$request_uri")),
        100,
        "has a mirror already (mirror-target), and can have only one: remove it first",
        id="a mirror of the user's",
    ),
    pytest.param(ingress(annotations=nginx(mirror_host="a")), 100, "has a mirror already (mirror-host)", id="a mirror's host"),
    pytest.param(
        ingress(rule("a.example.org", path("shop"), path("other", "/api"))),
        100,
        "also leads to other, whose requests would be copied too",
        id="other Services on the Ingress",
    ),
    pytest.param(
        ingress(rule("a.example.org", path("shop", "/"), path("shop", "/admin", 8080))), 100, "several ports of shop", id="several ports"
    ),
    pytest.param(ingress(rule("a.example.org", path("shop", port="http"))), 100, "a port of shop by name", id="a port by name"),
    pytest.param(ingress(annotations=nginx(backend_protocol="GRPC")), 100, "speaks GRPC with its Service", id="gRPC"),
    pytest.param(ingress(annotations=nginx(rewrite_target="/$1")), 100, "rewrites paths (rewrite-target)", id="rewritten paths"),
]


@pytest.mark.parametrize(("stable", "percent", "said"), REFUSED_MIRRORS)
def test_refused_mirrors(stable: Object, percent: float, said: str) -> None:
    with pytest.raises(Refused) as refused:
        ingress_nginx.changes(pair(stable), target(), wish(20, mirror=percent))
    assert str(refused.value).startswith("Ingress test/shop ") and said in str(refused.value)


# The manifests of the seed nginx-manual-canary: the Ingress, and the canary Ingress that users wrote by hand.
SEED = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "canary-ingress", "namespace": "test", "annotations": {"kubernetes.io/ingress.class": "nginx"}},
    "spec": {"rules": [rule("canary.demo", path("prod-service"))]},
}
SEED_CANARY = {
    "annotations": {
        "kubernetes.io/ingress.class": "nginx",
        f"{PREFIX}/canary": "true",
        f"{PREFIX}/canary-weight": "20",
        f"{PREFIX}/canary-by-header": "X-Canary",
    },
    "spec": {"rules": [rule("canary.demo", path("canary-service"))]},
}
SEED_TARGET = {"name": "canary-ingress", "stable_service": "prod-service", "canary_service": "canary-service"}
# The Ingress of the seed argo-nginx-canary, whose rollout has canary-by-header: X-Canary and begins with 20 percent.
ARGO = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {
        "name": "canary-demo",
        "namespace": "test",
        "labels": {"app": "canary-demo"},
        "annotations": {"kubernetes.io/ingress.class": "nginx"},
    },
    "spec": {"rules": [rule("canary.auto", path("canary-demo", port="http"))]},
}
ARGO_TARGET = {"name": "canary-demo", "stable_service": "canary-demo", "canary_service": "canary-demo-canary"}
ARGO_CANARY = {"annotations": SEED_CANARY["annotations"], "spec": {"rules": [rule("canary.auto", path("canary-demo-canary", port="http"))]}}


@pytest.mark.parametrize(
    ("stable", "asked", "by_hand"), [(SEED, SEED_TARGET, SEED_CANARY), (ARGO, ARGO_TARGET, ARGO_CANARY)], ids=["by hand", "Argo Rollouts"]
)
def test_one_call_makes_the_canary_ingress_of_the_seed(stable: Object, asked: Object, by_hand: Object) -> None:
    made = moved(pair(stable), target(**asked), wish(20, header("switch")))["canary_ingress"]
    assert made["spec"] == by_hand["spec"]
    own = {"progressive.delivery/canary-of": asked["name"]}
    assert made["metadata"]["annotations"] == {**by_hand["annotations"], **own}
    assert made["metadata"]["name"] == f"{asked['name']}-canary"


def test_every_wish_is_said_for_each_of_several_managed_routes() -> None:
    routes = wish(5, header("exact", "1")).routes + wish(5, cookie("switch")).routes
    made = moved(pair(ingress()), target(), DesiredTraffic(wish(5).split, routes))["canary_ingress"]
    said = weighted(5, canary_by_header="X-Canary", canary_by_header_value="1", canary_by_cookie="canary")
    assert made == canary(annotations=said)
