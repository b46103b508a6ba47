"""Who holds a Lease, and when its holder counts as gone."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.patches import merge_patch
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import lease as rules

NOW = 1763690000.25


def lease(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "shop.rollout"}, "spec": spec}


LATEST = rules.LEASE_SECONDS + rules.CLOCKS_DIFFER


@pytest.mark.parametrize(
    ("obj", "holder"),
    [
        (None, None),
        ({}, None),
        ({"spec": None}, None),
        (lease(), None),
        (lease(holderIdentity=""), None),
        (lease(holderIdentity=None), None),
        (lease(holderIdentity="ann"), "ann"),
    ],
)
def test_holder(obj: Any, holder: str | None) -> None:
    assert rules.holder_of(obj) == holder


@pytest.mark.parametrize(
    ("after", "expired"),
    [(0.0, False), (LATEST - 0.01, False), (LATEST + 0.01, True), (3600.0, True), (-5.0, False)],
)
def test_a_lease_expires_when_it_is_not_renewed(after: float, expired: bool) -> None:
    held = {"metadata": {}, **rules.held("ann", "p", NOW)}
    assert rules.expired(held, NOW + after) is expired


@pytest.mark.parametrize(
    ("spec", "expired"),
    [
        ({}, True),
        ({"renewTime": None}, True),
        ({"renewTime": "2026-01-01T00:00:00.000000Z", "leaseDurationSeconds": 3600}, False),
        ({"renewTime": "2026-01-01T00:00:00.000000Z", "leaseDurationSeconds": 539}, True),
        ({"renewTime": "2026-01-01T00:00:00.000000Z"}, True),
        ({"renewTime": "2026-01-01T00:09:59.000000Z", "leaseDurationSeconds": None}, False),
    ],
)
def test_expiry_by_what_the_lease_says(spec: dict[str, Any], expired: bool) -> None:
    assert rules.expired(lease(**spec), 1767226200.0) is expired  # 2026-01-01T00:10:00Z


def test_a_lease_that_is_taken_and_given_back() -> None:
    taken = rules.held("ann@host", "host/12/34", NOW)
    assert taken["spec"] == {"holderIdentity": "ann@host", "leaseDurationSeconds": 15, "renewTime": "2025-11-21T01:53:20.250000Z"}
    live = {"metadata": {"name": "x", **taken["metadata"]}, "spec": taken["spec"]}
    assert (rules.holder_of(live), rules.process_of(live)) == ("ann@host", "host/12/34")
    given_back = rules.held(None, "", NOW)
    assert given_back["spec"] == dict.fromkeys(("holderIdentity", "leaseDurationSeconds", "renewTime"))
    assert given_back["metadata"]["annotations"] == {rules.PROCESS: None}
    assert rules.process_of({"metadata": {}}) == rules.process_of({"metadata": {"annotations": None}}) == ""


def test_renewing_comes_well_before_expiry() -> None:
    assert 3 * rules.RENEW_SECONDS < rules.LEASE_SECONDS
    assert merge_patch(rules.held("ann", "p", NOW), rules.held("ann", "p", NOW)) == {}
