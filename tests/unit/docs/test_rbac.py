"""The shipped Role grants just what plans of all styles and routers need."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.hazards import pod_labels
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.hazards.registry import LOOKS
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.permissions import Around, Grant, full_name, grants, lacking
from ansible_collections.progressive.delivery.plugins.module_utils._routing.registry import router_of
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Target
from ansible_collections.progressive.delivery.plugins.module_utils._strategies.registry import styles
from ansible_collections.progressive.delivery.tests.harness.users import shipped_rules, without
from ansible_collections.progressive.delivery.tests.unit.rollout.test_permissions import plan_of

TARGETS = [
    Target("istio", "shop", "test", "shop", "shop", stable_subset="a", canary_subset="b", destination_rule="shop"),
    *(
        Target("gateway_api", "shop", "test", "shop", "shop-canary", kind=kind)
        for kind in ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute")
    ),
    Target("ingress_nginx", "shop", "test", "shop", "shop-canary"),
]
GUARDS = ["HorizontalPodAutoscaler/shop", "ScaledObject/shop", "PodDisruptionBudget/shop"]
AROUND: dict[str, Any] = {
    # The first object is made where the plan declares it; a DestinationRule is of canary_weight alone, which makes none.
    "parts": [([*router_of(target).parts(target).values()], True) for target in TARGETS],
    "bystanders": ["other"],
    "guards": GUARDS,
    "labels_pods": True,
    "copies_configs": True,
    "looks": [*{*(look.resource for look in LOOKS), *pod_labels.RESOURCES}],  # where the new version's pods have other labels
}
RULES = shipped_rules()
SECRETS = shipped_rules("rbac-track-configs.yml")
WORKLOADS = [(style, kind) for style, kinds in styles().items() for kind in kinds]


def needed(style: str, kind: str, **around: Any) -> list[Grant]:
    """What a plan of this style needs at most."""
    plan = plan_of(workload={"name": "shop", "style": style, "kind": kind})
    both = [grants(plan, Around(**{**AROUND, **around, "keeps_canary_service": keeps})) for keeps in (False, True)]
    return [grant for found in both for grant in found]


def all_of_it(grants: list[Grant]) -> list[Grant]:
    """What is optional, too."""
    return [Grant(each.resource, each.verbs, each.names) for each in grants]


@pytest.mark.parametrize(("style", "kind"), WORKLOADS)
def test_it_is_enough(style: str, kind: str) -> None:
    assert lacking(all_of_it(needed(style, kind)), {"resourceRules": RULES}) == []


def test_track_configs_needs_a_role_beside_it() -> None:
    secrets = needed("clone", "Deployment", copies_secrets=True)
    assert lacking(secrets, {"resourceRules": RULES}) == ["get secrets", "create secrets", "delete secrets"]
    assert lacking(secrets, {"resourceRules": [*RULES, *SECRETS]}) == []
    assert SECRETS == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create", "delete"]}]


@pytest.mark.parametrize(("style", "kind"), WORKLOADS)
def test_each_verb_that_is_taken_from_it_is_named(style: str, kind: str) -> None:
    for grant in needed(style, kind):
        for verb in () if grant.optional else grant.verbs:
            named = lacking(needed(style, kind), {"resourceRules": without(RULES, verb, grant.resource.plural)})
            assert f"{verb} {full_name(grant.resource)}" in named and {each.split()[0] for each in named} == {verb}


def test_it_is_no_more_than_that_and_a_look_at_all_rollouts() -> None:
    granted = {
        (group, resource, verb) for rule in RULES for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]
    }
    wanted = [grant for style, kind in WORKLOADS for grant in needed(style, kind)]
    assert granted - {(grant.resource.group, grant.resource.plural, verb) for grant in wanted for verb in grant.verbs} == {
        ("", "configmaps", "list")
    }
