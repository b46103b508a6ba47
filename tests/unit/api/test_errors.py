"""What the API server refuses, in one line that names the object and the remedy."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.errors import ApiError, Conflict, NotFound, api_error
from ansible_collections.progressive.delivery.plugins.module_utils._objects.resources import DEPLOYMENT, SERVICE, Ref, versioned

SHOP = Ref(SERVICE, "test", "shop")
ALL_OF_THEM = Ref(DEPLOYMENT, "test", "")
ROUTER = Ref(versioned("VirtualService"), "test", "shop")


def status(message: str) -> dict[str, Any]:
    return {"kind": "Status", "status": "Failure", "message": message}


FORBIDDEN = status('services "shop" is forbidden: User "ann" cannot patch resource')
CASES = [
    (
        "GET",
        SHOP,
        401,
        status("Unauthorized"),
        False,
        ApiError,
        "Service test/shop cannot be read with these credentials (401): renew the credentials",
    ),
    (
        "PATCH",
        SHOP,
        403,
        FORBIDDEN,
        False,
        ApiError,
        "Service test/shop cannot be changed because the user is not allowed to patch services (it says: ",
    ),
    (
        "GET",
        ALL_OF_THEM,
        403,
        "",
        True,
        ApiError,
        "deployments in namespace test cannot be listed because the user is not allowed to list deployments",
    ),
    (
        "PATCH",
        SHOP,
        403,
        status("services \"shop\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: not ann"),
        False,
        ApiError,
        "Service test/shop cannot be changed because an admission policy refuses it (it says: services",
    ),
    (
        "POST",
        SHOP,
        403,
        FORBIDDEN,
        False,
        ApiError,
        "Service test/shop cannot be created because the user is not allowed to create",
    ),
    (
        "DELETE",
        SHOP,
        403,
        FORBIDDEN,
        False,
        ApiError,
        "Service test/shop cannot be deleted because the user is not allowed to delete services (it says: ",
    ),
    (
        "GET",
        SHOP,
        404,
        status('services "shop" not found'),
        False,
        NotFound,
        "Service test/shop does not exist: check its name and the namespace",
    ),
    (
        "GET",
        ROUTER,
        404,
        status('virtualservices "shop" not found'),
        False,
        NotFound,
        "VirtualService test/shop does not exist: check its name",
    ),
    (
        "GET",
        ROUTER,
        404,
        status("the server could not find the requested resource"),
        False,
        NotFound,
        "VirtualService test/shop cannot be read because the cluster does not serve virtualservices as networking.istio.io/v1beta1",
    ),
    (
        "GET",
        ROUTER,
        404,
        "404 page not found",
        False,
        NotFound,
        "VirtualService test/shop cannot be read because the cluster does not serve virtualservices as networking.istio.io/v1beta1",
    ),
    (
        "GET",
        ALL_OF_THEM,
        404,
        "404 page not found",
        True,
        NotFound,
        "deployments in namespace test cannot be listed because the cluster does not serve",
    ),
    (
        "PATCH",
        SHOP,
        409,
        status("the object has been modified"),
        False,
        Conflict,
        "Service test/shop was changed at the same time by another client (it says: the object",
    ),
    (
        "PATCH",
        SHOP,
        422,
        status("spec.x:\n  Invalid value"),
        False,
        ApiError,
        "Service test/shop was refused by the API server as invalid (it says: spec.x: Invalid value)",
    ),
    (
        "PATCH",
        SHOP,
        422,
        status('is invalid: patch: Invalid value: "{all of it}": strict decoding error: unknown field "spec.x"'),
        False,
        ApiError,
        'Service test/shop was refused by the API server as invalid (it says: unknown field "spec.x")',
    ),
    ("GET", SHOP, 418, None, False, ApiError, "Service test/shop cannot be read because the API server answered 418"),
    ("PUT", SHOP, 418, "x", False, ApiError, "Service test/shop cannot be changed because the API server answered 418 (it says: x)"),
]


@pytest.mark.parametrize(("method", "ref", "code", "body", "listing", "kind", "said"), CASES)
def test_messages(method: str, ref: Ref, code: int, body: Any, listing: bool, kind: type[ApiError], said: str) -> None:
    error = api_error(method, ref, code, body, listing)
    assert error.__class__ is kind
    assert (error.status, error.ref) == (code, ref)
    assert str(error).startswith(said)
    assert "\n" not in str(error)


def test_a_long_story_is_cut() -> None:
    assert len(str(api_error("GET", SHOP, 500, status("x" * 5000)))) < 700
