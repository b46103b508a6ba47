"""Which permissions are lacking, by what the API server says that there are."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.resources import Resource, versioned
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.permissions import NEEDED, OF_KIND, lacking, of_router
from ansible_collections.progressive.delivery.plugins.module_utils._routing.router import Part

ROUTERS = of_router([Part(versioned("VirtualService"), "shop")])


def rule(resource: Resource, verbs: Any) -> dict[str, Any]:
    return {"verbs": list(verbs), "apiGroups": [resource.group], "resources": [resource.plural]}


KIND = "Deployment"
BASE = [*NEEDED, *OF_KIND[KIND]]
ALL = [*(rule(resource, verbs) for resource, verbs in BASE), *(rule(*each) for each in ROUTERS)]
ANYTHING = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}


def without(plural: str, *verbs: str) -> list[dict[str, Any]]:
    return [{**each, "verbs": [verb for verb in each["verbs"] if each["resources"] != [plural] or verb not in verbs]} for each in ALL]


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        pytest.param(ALL, [], id="all"),
        pytest.param([ANYTHING], [], id="everything"),
        pytest.param([{**each, "resourceNames": ["shop"]} for each in ALL], [], id="for certain names"),
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
        pytest.param([*without("services", "patch"), {**rule(NEEDED[2][0], ["*"])}], [], id="any verb"),
    ],
)
def test_lacking(rules: list[dict[str, Any]], missing: list[str]) -> None:
    assert lacking(KIND, ROUTERS, {"resourceRules": rules}) == missing


@pytest.mark.parametrize("status", [{}, {"resourceRules": None}, {"resourceRules": []}])
def test_no_rules_at_all(status: dict[str, Any]) -> None:
    assert len(lacking(KIND, ROUTERS, status)) == sum(len(verbs) for _resource, verbs in BASE) + sum(
        len(verbs) for _resource, verbs in ROUTERS
    )


def test_an_incomplete_answer_proves_nothing() -> None:
    assert lacking(KIND, ROUTERS, {"incomplete": True, "resourceRules": []}) == []


def test_two_routers_of_a_kind_are_named_once() -> None:
    assert lacking(KIND, ROUTERS * 2, {"resourceRules": without("virtualservices", "patch")}) == [
        "patch virtualservices.networking.istio.io"
    ]


def test_a_router_that_is_made_needs_one_verb_more() -> None:
    made = of_router([Part(versioned("VirtualService"), "shop"), Part(versioned("DestinationRule"), "shop")], made=True)
    both = [*ALL, rule(versioned("DestinationRule"), ["get", "patch"])]
    assert lacking(KIND, made, {"resourceRules": both}) == ["create virtualservices.networking.istio.io"]
