"""An Ingress and the canary Ingress beside it, before and after a call: what is copied, what is not, and that all of it goes again.

Cases that say a name and a number are of problems that users reported to that project.
"""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._routing.ingress_nginx import router as ingress_nginx
from ansible_collections.progressive.delivery.plugins.module_utils._routing.router import Backend
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import DesiredTraffic, Split, split_of

from .ingresses import CLASS, DEFAULT, PREFIX, Object, canary, header, ingress, nginx, pair, path, rule, target, weighted, wish
from .moves import carried_out, moved, plain

OLD_CLASS = {"kubernetes.io/ingress.class": "nginx-ext"}
SECRET = {"secretName": "shop-tls"}
WIDE = [
    rule("a.example.org", path("shop", "/", 80), path("other", "/api", 80), path("shop", "/v2", "http", "Exact")),
    rule("b.example.org", path("other")),
    rule("c.example.org", path("shop", "/(.*)", 8080, "ImplementationSpecific")),
    rule(None, path("shop")),
]
WIDE_CANARY = [
    rule("a.example.org", path("shop-canary", "/", 80), path("shop-canary", "/v2", "http", "Exact")),
    rule("c.example.org", path("shop-canary", "/(.*)", 8080, "ImplementationSpecific")),
    rule(None, path("shop-canary")),
]
RESOURCE: Object = {"resource": {"apiGroup": "k8s.example.org", "kind": "StorageBucket", "name": "assets"}}

# the user's Ingress, what differs in the target, the weight (or weight and total), the canary Ingress
COPIES = [
    pytest.param(ingress(), {}, 20, canary(annotations=weighted(20)), id="one rule"),
    pytest.param(ingress(), {}, 100, canary(annotations=weighted(100)), id="weight 100"),
    pytest.param(ingress(), {}, (200, 1000), canary(annotations=weighted(20)), id="a total of which percent say the share"),
    pytest.param(
        ingress(),
        {},
        (5, 1000),
        canary(annotations=weighted(5, canary_weight_total="1000")),
        id="ingress-nginx 9745: a total for finer shares",
    ),
    pytest.param(ingress(), {}, (10, 50), canary(annotations=weighted(20)), id="a total below 100, which controllers ignore, in percent"),
    pytest.param(
        ingress(),
        {},
        (1, 30),
        canary(annotations=weighted(4, canary_weight_total="120")),
        id="a total below 100 that percent cannot say, above 100",
    ),
    pytest.param(
        ingress(*WIDE, **CLASS),
        {},
        20,
        canary(*WIDE_CANARY, **CLASS, annotations=weighted(20)),
        id="Argo 3541: only paths to the stable Service",
    ),
    pytest.param(
        ingress(**CLASS, **DEFAULT),
        {},
        20,
        canary(**CLASS, defaultBackend={"service": {"name": "shop-canary", "port": {"number": 80}}}, annotations=weighted(20)),
        id="the default backend",
    ),
    pytest.param(
        ingress(rule("a.example.org", path("shop", "/a")), **CLASS, **DEFAULT),
        {},
        20,
        canary(rule("a.example.org", path("shop-canary", "/a")), **CLASS, annotations=weighted(20)),
        id="the default backend beside a rule, which is split with the rule",
    ),
    pytest.param(
        ingress(rule("a.example.org", path("shop")), defaultBackend={"service": {"name": "other", "port": {"number": 80}}}),
        {},
        20,
        canary(rule("a.example.org", path("shop-canary")), annotations=weighted(20)),
        id="the default backend of another Service is left out",
    ),
    pytest.param(
        ingress({"host": "bare.example.org"}, rule("a.example.org", path("shop"))),
        {},
        20,
        canary(rule("a.example.org", path("shop-canary")), annotations=weighted(20)),
        id="a host without paths is left out",
    ),
    pytest.param(
        ingress(rule("a.example.org", path("shop"), {"path": "/img", "pathType": "Exact", "backend": RESOURCE})),
        {},
        20,
        canary(rule("a.example.org", path("shop-canary")), annotations=weighted(20)),
        id="a backend that is no Service is left out",
    ),
    pytest.param(
        ingress(rule("a.example.org", path("shop")), annotations=OLD_CLASS),
        {},
        20,
        canary(rule("a.example.org", path("shop-canary")), annotations={**OLD_CLASS, **weighted(20)}),
        id="Argo 1425: the class by the old annotation",
    ),
    pytest.param(
        ingress(annotations=OLD_CLASS), {}, 20, canary(annotations=weighted(20)), id="a class in both ways, which no new Ingress may have"
    ),
    pytest.param(
        ingress(*WIDE[:2], tls=[{**SECRET, "hosts": ["b.example.org", "a.example.org"]}, {"hosts": ["b.example.org"], "secretName": "b"}]),
        {},
        20,
        canary(*WIDE_CANARY[:1], tls=[{**SECRET, "hosts": ["a.example.org"]}], annotations=weighted(20)),
        id="Argo 1134: TLS of the hosts that are copied",
    ),
    pytest.param(
        ingress(*WIDE[:1], tls=[{**SECRET, "hosts": ["*.org", "*.example.org", "*.a.example.org"]}]),
        {},
        20,
        canary(*WIDE_CANARY[:1], tls=[{**SECRET, "hosts": ["*.example.org"]}], annotations=weighted(20)),
        id="TLS by a wildcard",
    ),
    pytest.param(
        ingress(*WIDE[:1], tls=[SECRET]), {}, 20, canary(*WIDE_CANARY[:1], tls=[SECRET], annotations=weighted(20)), id="TLS for all hosts"
    ),
    pytest.param(
        ingress(
            annotations={
                "cert-manager.io/cluster-issuer": "letsencrypt",
                "kubernetes.io/tls-acme": "true",
                "acme.cert-manager.io/http01": "x",
            }
        ),
        {},
        20,
        canary(annotations=weighted(20)),
        id="Flagger, Kruise: nothing of cert-manager's, which would make certificates in turns",
    ),
    pytest.param(
        ingress(annotations=nginx(rewrite_target="/$1", use_regex="true", ssl_redirect="true", auth_url="https://a", proxy_body_size="8m")),
        {},
        20,
        canary(annotations=weighted(20)),
        id="what the controller takes from the stable Ingress: rewrites, ssl-redirect, auth",
    ),
    pytest.param(
        ingress(
            annotations=nginx(load_balance="ewma", upstream_hash_by="$host", service_upstream="true", affinity_canary_behavior="legacy")
        ),
        {},
        20,
        canary(
            annotations=weighted(
                20, load_balance="ewma", upstream_hash_by="$host", service_upstream="true", affinity_canary_behavior="legacy"
            )
        ),
        id="what the controller reads on the canary Ingress",
    ),
    pytest.param(
        ingress(annotations={"external-dns.alpha.kubernetes.io/target": "203.0.113.1"}),
        {},
        20,
        canary(annotations={**weighted(20), "external-dns.alpha.kubernetes.io/controller": "progressive.delivery"}),
        id="Argo 3574: external-dns leaves the canary Ingress alone where the stable one says a target",
    ),
    pytest.param(
        ingress(
            annotations={
                "meta.helm.sh/release-name": "shop",
                "argocd.argoproj.io/tracking-id": "shop:networking.k8s.io/Ingress:test/shop",
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "field.cattle.io/publicEndpoints": "[]",
            },
            labels={
                "team": "shop",
                "app.kubernetes.io/managed-by": "Helm",
                "app.kubernetes.io/instance": "shop",
                "kustomize.toolkit.fluxcd.io/name": "shop",
            },
        ),
        {},
        20,
        canary(annotations=weighted(20), labels={"team": "shop"}),
        id="labels, but nothing by which Helm, Argo CD or Flux would take it for theirs",
    ),
    pytest.param(ingress(), {"canary_ingress": "new"}, 20, canary(name="new", annotations=weighted(20)), id="another name"),
    pytest.param(
        ingress(annotations={"nginx.example.org/load-balance": "ewma", f"{PREFIX}/load-balance": "round_robin"}),
        {"annotation_prefix": "nginx.example.org"},
        (5, 1000),
        canary(
            annotations={
                "nginx.example.org/load-balance": "ewma",
                "nginx.example.org/canary": "true",
                "nginx.example.org/canary-weight": "5",
                "nginx.example.org/canary-weight-total": "1000",
            }
        ),
        id="Flagger 291: another annotation prefix",
    ),
    pytest.param(
        ingress(),
        {"stable_service": "shop.test", "canary_service": "shop-canary.test.svc.cluster.local"},
        20,
        canary(annotations=weighted(20)),
        id="Services named in full",
    ),
]


@pytest.mark.parametrize(("stable", "asked", "weight", "made"), COPIES)
def test_the_canary_ingress_that_is_made(stable: Object, asked: Object, weight: Any, made: Object) -> None:
    split = split_of(*weight) if isinstance(weight, tuple) else split_of(weight)
    place = target(**asked)
    result = moved(pair(stable), place, DesiredTraffic(split))
    assert result == pair(stable, made)
    served = ingress_nginx.weight(result, place)
    assert served.canary * split.total == split.canary * served.total


def test_nothing_is_made_for_weight_0_and_what_is_there_goes() -> None:
    """At weight 0 a canary Ingress would keep the clients that have its cookie."""
    assert moved(pair(ingress()), target(), wish(0)) == pair(ingress())
    live = carried_out(pair(ingress()), target(), wish(20))
    assert plain(carried_out(live, target(), wish(0))) == pair(ingress())


def test_going_back_and_forth_leaves_only_the_last_wish() -> None:
    live = pair(ingress())
    for each in (wish(5, total=1000), wish(20, header("exact", "1")), wish(0, header("regex", "a|b")), wish(30)):
        live = carried_out(live, target(), each)
    assert plain(live) == pair(ingress(), canary(annotations=weighted(30)))


def test_argo_4751_rules_that_the_user_changes_come_over_with_the_next_call() -> None:
    live = carried_out(pair(ingress(annotations=nginx(load_balance="ewma"), labels={"team": "a"})), target(), wish(20))
    live = {**live, "ingress": ingress(*WIDE, labels={"team": "b"}, ingressClassName="other", tls=[SECRET])}
    wanted = canary(*WIDE_CANARY, annotations=weighted(20), labels={"team": "b"}, ingressClassName="other", tls=[SECRET])
    assert plain(carried_out(live, target(), wish(20))) == {**live, "canary_ingress": wanted}


def test_argo_1070_what_others_put_on_the_canary_ingress_stays_and_is_no_drift() -> None:
    live = carried_out(pair(ingress()), target(), wish(20))
    live["canary_ingress"]["metadata"]["annotations"]["field.cattle.io/publicEndpoints"] = "[]"
    live["canary_ingress"]["status"] = status = {"loadBalancer": {"ingress": [{"ip": "203.0.113.1"}]}}
    assert carried_out(live, target(), wish(20)) == live
    after = carried_out(live, target(), wish(30))["canary_ingress"]
    assert after["metadata"]["annotations"]["field.cattle.io/publicEndpoints"] == "[]" and after["status"] == status


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("canary-weight", "80", f'metadata.annotations.{PREFIX}/canary-weight is "80", was set to "20"'),
        ("canary-weight", "lots", 'is "lots", was set to "20"'),
        ("canary", "false", 'is "false", was set to "true"'),
    ],
)
def test_flagger_787_what_somebody_else_changes_on_it_is_told(field: str, value: str, said: str) -> None:
    live = carried_out(pair(ingress()), target(), wish(20))
    live["canary_ingress"]["metadata"]["annotations"][f"{PREFIX}/{field}"] = value
    with pytest.raises(Refused) as refused:
        carried_out(live, target(), wish(30))
    assert said in str(refused.value) and str(refused.value).startswith("Ingress test/shop-canary was changed by another client: ")
    repaired = carried_out(live, target(), wish(30), on_drift="repair")
    assert plain(repaired) == pair(ingress(), canary(annotations=weighted(30)))
    assert carried_out(repaired, target(), None) == pair(ingress())


@pytest.mark.parametrize(
    "stable",
    [
        ingress(rule("shop.example.org", path("other"))),
        ingress(rule("shop.example.org", path("shop"), path("shop-canary", "/new"))),
        ingress(annotations=nginx(canary="true")),
    ],
    ids=["it leads elsewhere", "it leads to the canary by itself", "it became a canary"],
)
def test_whatever_became_of_the_stable_ingress_the_canary_one_can_be_emptied_and_goes(stable: Object) -> None:
    live = {**carried_out(pair(ingress()), target(), wish(20)), "ingress": stable}
    with pytest.raises(Refused):
        carried_out(live, target(), wish(30))
    emptied = carried_out(live, target(), wish(0))
    assert ingress_nginx.weight(emptied, target()) == Split(100, 0)
    assert carried_out(emptied, target(), None) == pair(stable)


# the user's Ingress, another one by the canary's name, what differs in the target, the wish, what the message says
REFUSALS = [
    pytest.param(
        ingress(rule("a.example.org", path("other"), path("third", "/3"))),
        None,
        {},
        "Ingress test/shop has no rule that leads to Service 'shop' (its Services: other, third): correct stable_service or name",
        id="no rule leads to the stable Service",
    ),
    pytest.param(ingress({"host": "bare.example.org"}), None, {}, "(its Services: none)", id="no rule leads anywhere"),
    pytest.param(ingress(), None, {"stable_service": "nope"}, "leads to Service 'nope' (its Services: shop)", id="another stable Service"),
    pytest.param(
        ingress(annotations=nginx(canary="true")),
        None,
        {},
        f"Ingress test/shop is itself a canary ({PREFIX}/canary): name the stable Ingress",
        id="the stable Ingress is a canary",
    ),
    pytest.param(
        ingress(),
        None,
        {"canary_service": "shop"},
        "is 'shop' as stable_service is: give the canary a Service of its own",
        id="one Service",
    ),
    pytest.param(
        ingress(rule("a.example.org", path("shop")), rule("new.example.org", path("shop-canary"))),
        None,
        {},
        "leads to Service 'shop-canary' by a rule of its own, and ingress-nginx splits no traffic with such a Service",
        id="ingress-nginx 9458: it leads to the canary by itself",
    ),
    pytest.param(
        ingress(),
        None,
        {"canary_service": "shop.other"},
        "cannot lead to Services of another namespace: name stable_service and canary_service without a namespace",
        id="another namespace",
    ),
    pytest.param(
        ingress(),
        None,
        {"canary_ingress": "shop"},
        "canary_ingress is 'shop', the stable Ingress itself: give the canary Ingress another name",
        id="one Ingress",
    ),
    pytest.param(
        ingress(),
        ingress(name="shop-canary", annotations=weighted(20)),
        {},
        "Ingress test/shop-canary was not created by this collection",
        id="somebody else made it",
    ),
    pytest.param(
        ingress(),
        {**canary(annotations=weighted(20)), "metadata": {**canary(annotations={})["metadata"], "annotations": None}},
        {},
        "was not created by this collection: delete it, or give the canary Ingress another name with canary_ingress",
        id="somebody took our annotations away",
    ),
    pytest.param(
        ingress(),
        canary(of="other", annotations=weighted(20)),
        {},
        "Ingress test/shop-canary is the canary of Ingress 'other': give this canary Ingress another name with canary_ingress",
        id="ours, for another stable Ingress",
    ),
]


@pytest.mark.parametrize(("stable", "there", "asked", "said"), REFUSALS)
def test_refusals(stable: Object, there: Object | None, asked: Object, said: str) -> None:
    for each in (wish(0), wish(20), wish(0, header("present"))):
        with pytest.raises(Refused) as refused:
            ingress_nginx.changes(pair(stable, there), target(**asked), each)
        assert said in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("there", [ingress(name="shop-canary"), canary(of="other", annotations=weighted(20))])
def test_putting_back_never_takes_away_what_is_not_ours(there: Object) -> None:
    with pytest.raises(Refused):
        ingress_nginx.changes(pair(ingress(), there), target(), None)


@pytest.mark.parametrize(
    ("annotations", "split"),
    [
        (weighted(20), Split(80, 20)),
        (weighted(1, canary_weight_total="1000"), Split(999, 1)),
        (weighted(20, canary_weight_total="50"), Split(80, 20)),
        (weighted(120), Split(0, 100)),
        (nginx(canary="true"), Split(100, 0)),
        (nginx(canary="true", canary_weight="lots", canary_weight_total="many"), Split(100, 0)),
        (nginx(canary="false", canary_weight="20"), Split(100, 0)),
        ({}, Split(100, 0)),
    ],
)
def test_the_weight_is_what_controllers_read(annotations: dict[str, str], split: Split) -> None:
    assert ingress_nginx.weight(pair(ingress(), canary(annotations=annotations)), target()) == split


def test_without_a_canary_ingress_the_weight_is_0() -> None:
    assert ingress_nginx.weight(pair(ingress()), target()) == Split(100, 0)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("shop", "", "shop-canary"),
        ("shop", "other", "other"),
        ("a" * 246, "", "a" * 246 + "-canary"),
        ("a" * 247, "", "a" * 237 + "-d1c97f05-canary"),
        ("b" * 236 + "." + "b" * 16, "", "b" * 236 + "-fdc80c3b-canary"),
    ],
)
def test_names_of_canary_ingresses(name: str, given: str, expected: str) -> None:
    made = ingress_nginx.parts(target(name=name, canary_ingress=given))
    assert [(part.name, part.required) for part in made.values()] == [(name, True), (expected, False)]
    assert {part.resource.path("test") for part in made.values()} == {"/apis/networking.k8s.io/v1/namespaces/test/ingresses"}
    assert len(expected) <= 253


def test_two_long_names_alike_at_the_beginning_have_two_canaries() -> None:
    names = {ingress_nginx.parts(target(name="a" * 250 + end))["canary_ingress"].name for end in "xyz"}
    assert len(names) == 3


@pytest.mark.parametrize(
    ("wished", "services"),
    [
        (wish(0), ["shop"]),
        (wish(20), ["shop", "shop-canary"]),
        (wish(100), ["shop", "shop-canary"]),
        (wish(0, header("present")), ["shop", "shop-canary"]),
        (wish(0, mirror=100), ["shop", "shop-canary"]),
        (None, ["shop"]),
    ],
)
def test_argo_1820_the_stable_service_must_be_ready_at_any_weight(wished: DesiredTraffic | None, services: list[str]) -> None:
    live = carried_out(pair(ingress()), target(allow_mirror_reload=True), wished)
    found = ingress_nginx.backends(live, target(), ingress_nginx.weight(live, target()), wished)
    assert sorted(each.service for each in found) == services
    if wished == wish(100):
        assert found[0] == Backend("shop", "test", found[0].share) and "503" in found[0].share


@pytest.mark.parametrize(
    ("annotations", "warned"),
    [
        (nginx(affinity="cookie"), True),
        (nginx(affinity="cookie", affinity_canary_behavior="sticky"), True),
        (nginx(affinity="cookie", affinity_canary_behavior="legacy"), True),
        (nginx(upstream_hash_by="$remote_addr"), False),
        ({"nginx.example.org/affinity": "cookie"}, False),
        ({}, False),
    ],
    ids=["affinity", "sticky", "ingress-nginx 8246: legacy keeps clients of stable, too", "hashing", "another prefix", "none"],
)
def test_session_affinity_is_warned_of(annotations: dict[str, str], warned: bool) -> None:
    stable = ingress(annotations=annotations)
    said = ingress_nginx.ROUTER.warnings(pair(stable, canary(annotations=weighted(20))), target(), wish(20))
    assert bool(said) == warned
    assert all(text.startswith(f"Ingress test/shop has session affinity ({PREFIX}/affinity: cookie): ") for text in said)
