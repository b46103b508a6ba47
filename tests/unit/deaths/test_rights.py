"""The Role that rollout_preflight returns is enough for the whole life of a rollout, and each verb in it is used."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import info, preflight
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.harness.rights import Bound, Right, rights_of, rules_of
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Stage, stage
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import Dead, Mortal, undisturbed

# Used only where something is slow or fails; the tests of those things show it.
ON_OCCASION = {
    Right("", "pods", "watch"),
    Right("discovery.k8s.io", "endpointslices", "watch"),
    Right("apps", "deployments", "patch", f"{NAME}-canary"),
    Right("networking.istio.io", "destinationrules", "list"),
    Right("networking.istio.io", "virtualservices", "list"),
}
CUTS = 3  # places in a release from which it goes back


def context(place: Stage, transport: Any) -> Context:
    return Context(Client(transport, place.cluster.time), place.cluster.time, NAMESPACE, "")


def rules_for(place: Stage, transport: Any) -> list[dict[str, Any]]:
    """Those of the Role that rollout_preflight returns."""
    told = preflight.run(context(place, transport), NAME, place.case.plan())
    role = told["role"]
    assert (role["kind"], role["metadata"]) == ("Role", {"name": f"progressive-delivery-{NAME}", "namespace": NAMESPACE})
    return list(role["rules"])


def way_back(place: Stage, bound: Bound, **wish: Any) -> None:
    """Goes back, looks, and hands back."""
    try:
        place.call(bound, **wish)  # type: ignore[arg-type]
    except Refused:
        place.call(bound)  # type: ignore[arg-type]  # Promoted, so that only tidying up is left.
    assert not info.read_status(context(place, bound), NAME)["problems"]
    place.call(bound, state="absent")  # type: ignore[arg-type]


def lives(case: str) -> Iterator[Bound]:
    """Releases under the Role: to the end and back by undo, and aborted or handed back from several places."""
    _end, writes = undisturbed(case)
    cuts = [cut + 3 for cut in range(0, writes - 3, max(1, writes // CUTS))]
    for cut, wish in [(writes, {"undo": "previous"}), *((cut, {"state": "aborted"}) for cut in cuts), *((cut, {}) for cut in cuts)]:
        place = stage(CASES[case])
        bound = Bound(place.cluster.server, rules_for(place, place.cluster.server))
        again = rules_for(place, bound)
        assert again == bound.rules, "the Role is enough to find it out"
        try:
            place.call(Mortal(bound, cut, True))  # type: ignore[arg-type]
        except Dead:
            pass
        under_way = rules_for(place, bound)
        assert case.startswith("revisions") or all(each in rights_of(bound.rules) for each in rights_of(under_way)), (
            "no more is needed than before"
        )
        way_back(place, bound, **wish)
        yield bound


@cache
def lived(case: str) -> tuple[set[Right], set[Right], set[Right]]:
    """What the Role grants, what was asked for, and what of that was refused."""
    bounds = [*lives(case)]
    granted = rights_of(bounds[0].rules)
    return granted, {right for each in bounds for right in each.used}, {right for each in bounds for right in each.refused}


@pytest.mark.parametrize("case", CASES)
def test_the_role_is_enough(case: str) -> None:
    _granted, _used, refused = lived(case)
    assert not refused


@pytest.mark.parametrize("case", CASES)
def test_each_verb_and_name_of_the_role_is_used(case: str) -> None:
    granted, used, _refused = lived(case)
    nameless = {Right(each.group, each.plural, each.verb) for each in used}
    known = {each for each in granted if each.verb == "create" and each.plural in ("configmaps", "leases") and CASES[case].edited}
    unused = {right for right in granted - ON_OCCASION - known if right not in (used if right.name else nameless)}
    assert not unused


OPTIONAL = (
    "events",
    "horizontalpodautoscalers",
    "scaledobjects",
    "poddisruptionbudgets",
    "resourcequotas",
    "destinationrules",
)
# Without Istio nobody has these rights, so that a finding about them would be noise.
SILENT = {each for each in ON_OCCASION if each.group == "networking.istio.io"}


@pytest.mark.parametrize("case", ["clone with a bystander, the canary Service made", "revisions", "StatefulSet", "blue-green, pair"])
def test_a_right_that_is_taken_away_is_missed_before_anything_is_written(case: str) -> None:
    place = stage(CASES[case])
    whole = rights_of(rules_for(place, place.cluster.server))
    version = place.cluster.store.version
    for right in whole:
        found = preflight.run(context(place, Bound(place.cluster.server, rules_of(whole - {right}))), NAME, place.case.plan())["findings"]
        full = f"{right.plural}.{right.group}" if right.group else right.plural
        denied = [each for each in found if each["severity"] == "fatal" and each["problem"].startswith("does not allow ")]
        if right.plural in OPTIONAL or right in SILENT:
            assert not denied and (right.verb != "list" or right in SILENT or any(f"list {full}" in each["problem"] for each in found))
        else:
            assert [each["problem"].split(",")[0].split()[3:5] for each in denied] == [[right.verb, full]], right
    assert place.cluster.store.version == version
