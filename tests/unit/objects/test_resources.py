"""Where objects stand in the API, and how they are called."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects import resources
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Drifted, Refused
from ansible_collections.progressive.delivery.plugins.module_utils._objects.resources import Ref, Resource, versioned


@pytest.mark.parametrize(
    ("resource", "one", "all_of_them"),
    [
        (resources.SERVICE, "/api/v1/namespaces/test/services/shop", "/api/v1/namespaces/test/services"),
        (resources.DEPLOYMENT, "/apis/apps/v1/namespaces/test/deployments/shop", "/apis/apps/v1/namespaces/test/deployments"),
        (
            resources.LEASE,
            "/apis/coordination.k8s.io/v1/namespaces/test/leases/shop",
            "/apis/coordination.k8s.io/v1/namespaces/test/leases",
        ),
        (
            resources.ENDPOINT_SLICE,
            "/apis/discovery.k8s.io/v1/namespaces/test/endpointslices/shop",
            "/apis/discovery.k8s.io/v1/namespaces/test/endpointslices",
        ),
    ],
)
def test_paths(resource: Resource, one: str, all_of_them: str) -> None:
    assert Ref(resource, "test", "shop").path == resource.path("test", "shop") == one
    assert resource.path("test") == all_of_them


def test_a_ref_says_what_it_is() -> None:
    ref = Ref(resources.SERVICE, "test", "shop")
    assert (str(ref), ref.key) == ("Service test/shop", "Service/shop")


@pytest.mark.parametrize(
    ("asked", "version"),
    [
        (None, "v1beta1"),
        ("", "v1beta1"),
        ("v1", "v1"),
        ("v1alpha3", "v1alpha3"),
        ("networking.istio.io/v1", "v1"),
        ("networking.istio.io/v1alpha3", "v1alpha3"),
    ],
)
def test_versions_of_a_virtual_service(asked: Any, version: str) -> None:
    found = versioned("VirtualService", asked)
    assert (found.api_version, found.plural) == (f"networking.istio.io/{version}", "virtualservices")


@pytest.mark.parametrize("asked", ["v2", "networking.istio.io/v2", "apps/v1", "networking.istio.io/v1/v1", "networking.istio.io/"])
def test_a_version_that_is_not_served_is_refused(asked: str) -> None:
    with pytest.raises(Refused, match=r"does not serve VirtualService: use one of networking.istio.io/v1beta1, .*/v1, .*/v1alpha3$"):
        versioned("VirtualService", asked)


@pytest.mark.parametrize(
    ("obj", "labels"),
    [({}, {}), ({"metadata": None}, {}), ({"metadata": {"labels": None}}, {}), ({"metadata": {"labels": {"a": "b"}}}, {"a": "b"})],
)
def test_labels(obj: dict[str, Any], labels: dict[str, str]) -> None:
    assert resources.labels(obj) == labels


def test_drift_is_a_refusal_of_its_own_kind() -> None:
    assert issubclass(Drifted, Refused)
    assert resources.name_of({"metadata": {"name": "shop"}}) == "shop"
