"""Where objects of any kind stand on the API."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.delivery.tests.harness.namespace import place, plural


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("Service", "services"),
        ("Ingress", "ingresses"),
        ("Gateway", "gateways"),
        ("HTTPProxy", "httpproxies"),
        ("NetworkPolicy", "networkpolicies"),
        ("ApisixRoute", "apisixroutes"),
        ("TrafficSplit", "trafficsplits"),
        ("IngressClass", "ingressclasses"),
    ],
)
def test_plural(kind: str, name: str) -> None:
    assert plural(kind) == name


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        (("v1", "Pod", "test"), "/api/v1/namespaces/test/pods"),
        (("v1", "Pod", "test", "a"), "/api/v1/namespaces/test/pods/a"),
        (("apps/v1", "Deployment", "test", "shop"), "/apis/apps/v1/namespaces/test/deployments/shop"),
    ],
    ids=["all", "one", "in a group"],
)
def test_place(arguments: tuple[str, ...], path: str) -> None:
    assert place(*arguments) == path
