"""What a plan must be allowed to do, which of it is lacking by what the API server says that there is, and the smallest Role."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.resources import SERVICE, Resource, versioned
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan, read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.permissions import (
    Around,
    Grant,
    grants,
    lacking,
    of_router,
    role,
)
from ansible_collections.progressive.delivery.plugins.module_utils._routing.router import Part
from ansible_collections.progressive.delivery.tests.harness.rights import Right, rights_of


def plan_of(**options: Any) -> Plan:
    base = {
        "workload": {"name": "shop"},
        "revision": {"images": {"shop": "shop:2"}},
        "services": {"stable": "shop", "canary": "shop-canary"},
        "routers": [{"type": "istio", "name": "shop"}],
        "canary": {"steps": [{"set_weight": 5}]},
    }
    return read_plan("shop", "test", {**base, **options})


PLAN = plan_of()
ROUTE = Part(versioned("VirtualService"), "shop")
NEEDED = grants(PLAN, Around(parts=[([ROUTE], False)]))
ALL = role(PLAN, NEEDED)["rules"]
ANYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}


def rule(resource: Resource, *verbs: str, names: Any = None) -> dict[str, Any]:
    return {"verbs": [*verbs], "apiGroups": [resource.group], "resources": [resource.plural], **({"resourceNames": names} if names else {})}


def without(plural: str, *verbs: str) -> list[dict[str, Any]]:
    return [{**each, "verbs": [verb for verb in each["verbs"] if each["resources"] != [plural] or verb not in verbs]} for each in ALL]


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        pytest.param(ALL, [], id="all"),
        pytest.param([ANYTHING], [], id="everything"),
        pytest.param(without("services", "patch"), ["patch services"], id="one verb"),
        pytest.param(without("deployments", "create", "delete"), ["create deployments.apps", "delete deployments.apps"], id="two verbs"),
        pytest.param(
            without("virtualservices", "get", "patch"),
            ["get virtualservices.networking.istio.io", "patch virtualservices.networking.istio.io"],
            id="the router",
        ),
        pytest.param(
            [*without("services", "patch"), {**ANYTHING, "resources": ["services/status"]}],
            ["patch services"],
            id="a subresource is another",
        ),
        pytest.param([*without("services", "patch"), {**ANYTHING, "apiGroups": ["apps"]}], ["patch services"], id="another group"),
        pytest.param(
            [*without("services", "patch"), {"verbs": ["patch"], "nonResourceURLs": ["*"]}], ["patch services"], id="not for resources"
        ),
        pytest.param([*without("services", "patch"), rule(SERVICE, "*")], [], id="any verb"),
        pytest.param([*without("services", "patch"), rule(SERVICE, "patch", names=["shop", "x"])], [], id="for its name"),
        pytest.param([*without("services", "patch"), rule(SERVICE, "patch", names=["x"])], ["patch services shop"], id="for another name"),
        pytest.param(
            [*without("services", "create"), rule(SERVICE, "create", names=["shop-canary"])],
            ["create services"],
            id="to create what has that name grants nothing",
        ),
        pytest.param(
            [*without("services", "get"), rule(SERVICE, "get", names=["shop"]), rule(SERVICE, "get", names=["shop-canary"])],
            [],
            id="for its names, one by one",
        ),
        pytest.param(without("events", "create"), [], id="what is optional"),
    ],
)
def test_lacking(rules: list[dict[str, Any]], missing: list[str]) -> None:
    assert lacking(NEEDED, {"resourceRules": rules}) == missing


@pytest.mark.parametrize("status", [{}, {"resourceRules": None}, {"resourceRules": []}])
def test_no_rules_at_all(status: dict[str, Any]) -> None:
    verbs = {(grant.resource, verb) for grant in NEEDED if not grant.optional for verb in grant.verbs}
    assert len(lacking(NEEDED, status)) == len(verbs)


def test_an_incomplete_answer_proves_nothing() -> None:
    assert lacking(NEEDED, {"incomplete": True, "resourceRules": []}) == []


def test_two_routers_of_a_kind_are_named_once() -> None:
    twice = [*NEEDED, *of_router([ROUTE])]
    assert lacking(twice, {"resourceRules": without("virtualservices", "patch")}) == ["patch virtualservices.networking.istio.io"]


def test_a_router_that_is_made_needs_one_verb_more() -> None:
    made = of_router([ROUTE, Part(versioned("DestinationRule"), "shop")], made=True)
    both = [*ALL, rule(versioned("DestinationRule"), "get", "patch")]
    assert lacking(made, {"resourceRules": both}) == ["create virtualservices.networking.istio.io"]


SHOP, CANARY = ("shop",), ("shop-canary",)
WAITED_FOR = ("get", "list", "watch", "patch")


@pytest.mark.parametrize(
    ("options", "around", "some", "none_of"),
    [
        pytest.param(
            {},
            Around(),
            [("services", "get", "shop"), ("services", "delete", "shop-canary"), ("services", "create", ""), ("events", "create", "")],
            [("services", "patch", "shop-canary"), ("services", "delete", "shop"), ("pods", "delete", ""), ("pods", "patch", "")],
            id="clone",
        ),
        pytest.param(
            {},
            Around(keeps_canary_service=True),
            [("services", "patch", "shop-canary")],
            [("services", "create", ""), ("services", "delete", "shop-canary")],
            id="the canary Service is the user's",
        ),
        pytest.param(
            {"workload": {"name": "shop", "style": "revisions"}},
            Around(),
            [("deployments", verb, "") for verb in ("get", "list", "watch", "create", "patch", "delete")],
            [("deployments", "get", "shop")],
            id="revisions, whose names nobody knows",
        ),
        pytest.param(
            {"workload": {"name": "shop", "style": "pair"}},
            Around(),
            [("deployments", verb, name) for name in ("shop", "shop-canary") for verb in ("get", "watch", "patch")],
            [("deployments", "create", ""), ("deployments", "delete", "shop-canary")],
            id="pair makes no Deployment",
        ),
        pytest.param(
            {"workload": {"name": "shop", "kind": "StatefulSet"}},
            Around(),
            [("statefulsets", verb, "shop") for verb in WAITED_FOR] + [("pods", "delete", ""), ("controllerrevisions", "list", "")],
            [("deployments", "get", "shop"), ("statefulsets", "create", ""), ("replicasets", "list", "")],
            id="StatefulSet",
        ),
        pytest.param(
            {"routers": [{"type": "replicas"}], "services": {"stable": "shop"}},
            Around(),
            [("services", "patch", "shop")],
            [("services", "create", ""), ("services", "delete", "shop-canary")],
            id="shares of pods need no canary Service",
        ),
        pytest.param(
            {},
            Around(parts=[([Part(versioned("HTTPRoute"), "shop", has_status=True)], False)]),
            [("httproutes", verb, "shop") for verb in WAITED_FOR],
            [("httproutes", "create", ""), ("httproutes", "list", "")],
            id="a router with a status is listed and watched by its name",
        ),
        pytest.param(
            {},
            Around(parts=[([Part(versioned("Ingress"), "shop-canary", required=False, sibling=("a", "b"))], False)]),
            [("ingresses", "create", ""), ("ingresses", "list", ""), ("ingresses", "delete", "shop-canary")],
            [("ingresses", "delete", ""), ("ingresses", "watch", "shop-canary")],
            id="a canary Ingress is made",
        ),
        pytest.param(
            {},
            Around(bystanders=["other"], guards=["HorizontalPodAutoscaler/shop"], labels_pods=True, copies_secrets=True),
            [("services", "patch", "other"), ("horizontalpodautoscalers", "patch", "shop"), ("pods", "patch", ""), ("secrets", "get", "")],
            [("services", "delete", "other"), ("horizontalpodautoscalers", "patch", ""), ("configmaps", "get", "")],
            id="what is around it",
        ),
    ],
)
def test_the_role(options: dict[str, Any], around: Around, some: list[Any], none_of: list[Any]) -> None:
    plan = plan_of(**options)
    made = role(plan, grants(plan, around))
    assert {key: made[key] for key in ("apiVersion", "kind", "metadata")} == {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "progressive-delivery-shop", "namespace": "test"},
    }
    granted = {(each.plural, each.verb, each.name) for each in rights_of(made["rules"])}
    assert set(some) <= granted and not set(none_of) & granted
    assert not any(name and (plural, verb, "") in granted for plural, verb, name in granted), "a name says nothing beside all of them"
    assert all(each.verb != "create" for each in rights_of(made["rules"]) if each.name)
    assert lacking(grants(plan, around), {"resourceRules": made["rules"]}) == []


def test_names_with_the_same_verbs_share_a_rule() -> None:
    made = role(PLAN, [Grant(SERVICE, ("patch", "get"), ("b", "a")), Grant(SERVICE, ("get",), ("a",)), Grant(SERVICE, ("list",))])
    about = {"apiGroups": [""], "resources": ["services"]}
    assert made["rules"] == [{**about, "resourceNames": ["a", "b"], "verbs": ["get", "patch"]}, {**about, "verbs": ["list"]}]
    assert Right("", "services", "get", "a") in rights_of(made["rules"])
