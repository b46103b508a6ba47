"""The shipped Role grants just what the code says it needs."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.permissions import (
    FOR_CHECKS,
    FOR_GUARDS,
    FOR_LABELS,
    FOR_SECRETS,
    NEEDED,
    OF_KIND,
    full_name,
    lacking,
    of_router,
)
from ansible_collections.progressive.delivery.plugins.module_utils._routing.registry import router_of
from ansible_collections.progressive.delivery.plugins.module_utils._routing.target import Target
from ansible_collections.progressive.delivery.tests.harness.users import shipped_rules, without

TARGETS = [
    Target("istio", "shop", "test", "shop", "shop", stable_subset="a", canary_subset="b", destination_rule="shop"),
    *(
        Target("gateway_api", "shop", "test", "shop", "shop-canary", kind=kind)
        for kind in ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute")
    ),
    Target("ingress_nginx", "shop", "test", "shop", "shop-canary"),
]
ROUTERS = [needed for target in TARGETS for needed in of_router(router_of(target).parts(target).values(), made=True)]
RULES = shipped_rules()
SECRETS = shipped_rules("rbac-track-configs.yml")


@pytest.mark.parametrize("kind", OF_KIND)
def test_it_is_enough(kind: str) -> None:
    assert lacking(kind, [*FOR_CHECKS, *FOR_GUARDS, *FOR_LABELS, *ROUTERS], {"resourceRules": RULES}) == []


def test_track_configs_needs_a_role_beside_it() -> None:
    assert lacking("Deployment", FOR_SECRETS, {"resourceRules": RULES}) == ["get secrets", "create secrets", "delete secrets"]
    assert lacking("Deployment", FOR_SECRETS, {"resourceRules": [*RULES, *SECRETS]}) == []
    assert [{"apiGroups": [each.group], "resources": [each.plural], "verbs": [*verbs]} for each, verbs in FOR_SECRETS] == SECRETS


@pytest.mark.parametrize("kind", OF_KIND)
def test_each_verb_that_is_taken_from_it_is_named(kind: str) -> None:
    for resource, verbs in [*NEEDED, *OF_KIND[kind], *ROUTERS]:
        for verb in verbs:
            named = lacking(kind, ROUTERS, {"resourceRules": without(RULES, verb, resource.plural)})
            assert f"{verb} {full_name(resource)}" in named and {each.split()[0] for each in named} == {verb}


def test_it_is_no_more_than_that_and_events_and_a_look_at_all_rollouts() -> None:
    granted = {
        (group, resource, verb) for rule in RULES for group in rule["apiGroups"] for resource in rule["resources"] for verb in rule["verbs"]
    }
    wanted = [*NEEDED, *(each for needed in OF_KIND.values() for each in needed), *FOR_CHECKS, *FOR_GUARDS, *FOR_LABELS, *ROUTERS]
    needed = {(resource.group, resource.plural, verb) for resource, verbs in wanted for verb in verbs}
    assert granted - needed == {("", "events", "create"), ("", "configmaps", "list")}
