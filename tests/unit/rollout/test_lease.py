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
        (lease(holderIdentity=7), None),
        (lease(holderIdentity={"a": 1}), None),
        (lease(holderIdentity="x" * 100_000), "x" * 1024),
        ({"spec": "text"}, None),
        ("text", None),
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
        ({"renewTime": "2026-01-01T00:00:00.000000Z", "leaseDurationSeconds": 3600}, True),  # counts as 60 s
        ({"renewTime": "2026-01-01T00:00:00.000000Z", "leaseDurationSeconds": 539}, True),
        ({"renewTime": "2026-01-01T00:00:00.000000Z"}, True),
        ({"renewTime": "2026-01-01T00:09:59.000000Z", "leaseDurationSeconds": None}, False),
        ({"renewTime": "2026-01-01T00:08:01.000000Z", "leaseDurationSeconds": 10**12}, False),
        ({"renewTime": "2026-01-01T00:07:59.000000Z", "leaseDurationSeconds": 10**12}, True),
        ({"renewTime": "2026-01-01T00:00:00Z"}, True),
        ({"renewTime": "9999-12-31T23:59:59.999999Z"}, False),
        ({"renewTime": "2026-13-01T00:00:00.000000Z"}, False),
        ({"renewTime": "²026-01-01T00:00:00.000000Z"}, False),
        ({"renewTime": "yesterday"}, False),
        ({"renewTime": 5}, False),
    ],
)
def test_expiry_by_what_the_lease_says(spec: dict[str, Any], expired: bool) -> None:
    assert rules.expired(lease(**spec), 1767226200.0) is expired  # 2026-01-01T00:10:00Z


@pytest.mark.parametrize(
    ("seconds", "counted"),
    [(None, 15), (0, 15), (-1, 15), (True, 15), ("20", 15), (1.5, 15), (1, 1), (15, 15), (60, 60), (61, 60), (2**31 - 1, 60)],
)
def test_duration_is_bounded(seconds: Any, counted: int) -> None:
    assert rules.duration(lease(leaseDurationSeconds=seconds)) == counted


@pytest.mark.parametrize(
    ("renewed", "believed"),
    [
        ("2025-11-21T01:53:20.250000Z", True),
        ("2025-11-21T01:54:20.000000Z", True),
        ("2025-11-21T01:54:20.500000Z", False),
        ("9999-12-31T23:59:59.999999Z", False),
        ("2025-11-21T01:53:20.25+00:00", False),
        (None, False),
        ([], False),
    ],
)
def test_a_time_that_no_run_wrote_is_not_believed(renewed: Any, believed: bool) -> None:
    assert rules.believable(lease(renewTime=renewed), NOW) is believed


@pytest.mark.parametrize(
    ("holder", "said"),
    [
        ("run-3f2a91bc0d11", "run-3f2a91bc0d11"),
        ("ann@host pid 7 (0123abcd)", "ann@host pid 7 (0123abcd)"),
        ("a\nb\x1b[2J\u202ec", "a\\x0ab\\x1b[2J\\u202ec"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 59 + "…"),
        ("x" * 100_000, "x" * 59 + "…"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_holder_in_messages(holder: str | None, said: str) -> None:
    assert rules.title_of(lease(holderIdentity=holder)) == said


@pytest.mark.parametrize("annotations", [None, [], "x", {rules.PROCESS: None}, {rules.PROCESS: ["a"]}, {rules.PROCESS: "x" * 257}])
def test_a_fingerprint_that_cannot_be_read_is_none(annotations: Any) -> None:
    assert rules.process_of({"metadata": {"annotations": annotations}}) == ""


def test_a_lease_that_is_taken_and_given_back() -> None:
    taken = rules.held("run-3f2a91bc0d11", "host/12/34", NOW)
    assert taken["spec"] == {"holderIdentity": "run-3f2a91bc0d11", "leaseDurationSeconds": 15, "renewTime": "2025-11-21T01:53:20.250000Z"}
    live = {"metadata": {"name": "x", **taken["metadata"]}, "spec": taken["spec"]}
    assert (rules.holder_of(live), rules.process_of(live)) == ("run-3f2a91bc0d11", "host/12/34")
    given_back = rules.held(None, "", NOW)
    assert given_back["spec"] == dict.fromkeys(("holderIdentity", "leaseDurationSeconds", "renewTime"))
    assert given_back["metadata"]["annotations"] == {rules.PROCESS: None}
    assert rules.process_of({"metadata": {}}) == rules.process_of({"metadata": {"annotations": None}}) == ""


def test_renewing_comes_well_before_expiry() -> None:
    assert 3 * rules.RENEW_SECONDS < rules.LEASE_SECONDS
    assert merge_patch(rules.held("ann", "p", NOW), rules.held("ann", "p", NOW)) == {}
