"""The ids of actions, which records keep: each names one action of a sequence, and a later release of the collection keeps them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import (
    abort_program,
    already_promoted,
    hand_back_program,
    release_program,
)
from ansible_collections.progressive.delivery.plugins.module_utils._steps import actions
from ansible_collections.progressive.delivery.plugins.module_utils._steps.action import Action
from ansible_collections.progressive.delivery.plugins.module_utils._steps.sequence import ScheduledAction, identified
from ansible_collections.progressive.delivery.plugins.module_utils._strategies.sequence import Facts
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import SEED, plan_of

BLUEGREEN: dict[str, Any] = {"services": {"active": "shop", "preview": "shop-preview"}, "canary": None}
HEADER = {"set_header_route": {"name": "testers", "matches": [{"headers": {"x-canary": "1"}}]}}
MIRROR = {"set_mirror_route": {"name": "copies", "percent": 10}}
SCALED: dict[str, Any] = {"guards": ("HorizontalPodAutoscaler/test/shop",), "labels": True, "tracks": True}
EVERYTHING = Facts(
    bystanders=("metrics",), canary_service_made=False, copies=(("ConfigMap", "a", "a-1"),), made=("Service/test/shop",), **SCALED
)


def plan(style: str = "clone", *steps: Any, kind: str = "Deployment", **more: Any) -> Any:
    return plan_of(*(steps or SEED), workload={"name": "shop", "style": style, "kind": kind}, **more)


def blue_green(style: str, kind: str = "Deployment", **options: Any) -> Any:
    return plan(style, kind=kind, **BLUEGREEN, bluegreen={"auto_promotion": False, **options})


CASES: dict[str, tuple[Any, Facts]] = {
    "clone": (plan(), Facts()),
    "clone, routes, mirror, scale": (
        plan("clone", {"set_canary_scale": {"replicas": 2}}, MIRROR, HEADER, {"set_weight": 60}, {"pause": {}}, {"set_weight": 0}),
        EVERYTHING,
    ),
    "clone, rolling": (plan(promotion="rolling"), Facts()),
    "clone, held": (plan(hold=True), Facts()),
    "clone, nothing new": (plan(), Facts(unchanged=True)),
    "pair": (plan("pair"), Facts()),
    "revisions": (plan("revisions"), Facts()),
    "revisions, later": (plan("revisions"), Facts(stable_made=True)),
    "in place": (plan("in_place", kind="StatefulSet"), Facts()),
    "in place, all options": (plan("in_place", kind="StatefulSet"), EVERYTHING),
    "shares of pods": (plan("clone", *SEED, routers=[{"type": "replicas"}], services={"stable": "shop"}), Facts(tracks=True)),
    "steps skipped": (plan(), Facts(skips=True)),
    "blue-green, clone": (blue_green("clone", mirror=10), EVERYTHING),
    "blue-green, pair": (blue_green("pair"), Facts(labels=True)),
    "blue-green, revisions": (blue_green("revisions"), Facts(labels=True)),
    "blue-green, in place": (blue_green("in_place", "StatefulSet"), Facts(labels=True)),
}
# Never change an id here: a release that is under way finds its place by it. New ones may come.
IDS: dict[str, tuple[str, str]] = {
    "clone": (
        (
            "pause-workload pin-services/workload ensure-canary create-canary-service ensure-canary:1 move-traffic:1 pause:2 "
            "ensure-canary:3 move-traffic:3 pause:4 ensure-canary:5 move-traffic:5 ensure-canary:6 move-traffic:6 ensure-canary#2 "
            "move-traffic pin-services/canary drain roll-workload/new pin-services/workload#2 restore-routers drain#2 "
            "remove-canary-service remove-canary unpin-services resume-workload"
        ),
        "",
    ),
    "clone, routes, mirror, scale": (
        (
            "create-object/Service/test/shop copy-configs pause-workload retarget-autoscaler/stable pin-services/workload "
            "label-pods ensure-canary pin-services/canary-without-traffic ensure-canary:1 label-pods:1 ensure-canary:2 "
            "move-traffic:2 ensure-canary:3 move-traffic:3 ensure-canary:4 move-traffic:4 pause:5 move-traffic:6 ensure-canary#2 "
            "retarget-autoscaler/canary move-traffic pin-services/canary label-pods#2 drain roll-workload/new "
            "retarget-autoscaler/workload pin-services/workload#2 label-pods#3 restore-routers drain#2 remove-canary unpin-services "
            "restore-limits/workload resume-workload remove-configs label-pods#4"
        ),
        "unlabel-pods remove-configs",
    ),
    "clone, rolling": (
        (
            "pause-workload pin-services/workload ensure-canary create-canary-service ensure-canary:1 move-traffic:1 pause:2 "
            "ensure-canary:3 move-traffic:3 pause:4 ensure-canary:5 move-traffic:5 ensure-canary:6 move-traffic:6 unpin-services "
            "roll-workload/new pin-services/workload#2 restore-routers drain remove-canary-service remove-canary unpin-services#2 "
            "resume-workload"
        ),
        "",
    ),
    "clone, held": (
        (
            "pause-workload pin-services/workload ensure-canary create-canary-service ensure-canary:1 move-traffic:1 pause:2 "
            "ensure-canary:3 move-traffic:3 pause:4 ensure-canary:5 move-traffic:5 ensure-canary:6 move-traffic:6 ensure-canary#2 "
            "move-traffic pin-services/canary drain roll-workload/new pin-services/workload#2 restore-routers drain#2 "
            "remove-canary-service remove-canary unpin-services"
        ),
        "roll-workload/stable resume-workload",
    ),
    "clone, nothing new": (
        "pause-workload roll-workload/stable resume-workload",
        "",
    ),
    "pair": (
        (
            "pin-services/workload ensure-canary create-canary-service ensure-canary:1 move-traffic:1 pause:2 ensure-canary:3 "
            "move-traffic:3 pause:4 ensure-canary:5 move-traffic:5 ensure-canary:6 move-traffic:6 ensure-canary#2 move-traffic "
            "pin-services/canary drain roll-workload/new pin-services/workload#2 restore-routers drain#2 remove-canary-service "
            "remove-canary unpin-services"
        ),
        "",
    ),
    "revisions": (
        (
            "pause-workload pin-services/stable ensure-canary create-canary-service ensure-canary:1 move-traffic:1 pause:2 "
            "ensure-canary:3 move-traffic:3 pause:4 ensure-canary:5 move-traffic:5 ensure-canary:6 move-traffic:6 ensure-canary#2 "
            "move-traffic pin-services/canary restore-routers drain remove-canary-service delay retire-stable"
        ),
        "remove-revisions",
    ),
    "revisions, later": (
        (
            "pin-services/stable ensure-canary create-canary-service ensure-canary:1 move-traffic:1 pause:2 ensure-canary:3 "
            "move-traffic:3 pause:4 ensure-canary:5 move-traffic:5 ensure-canary:6 move-traffic:6 ensure-canary#2 move-traffic "
            "pin-services/canary restore-routers drain remove-canary-service delay retire-stable"
        ),
        "roll-workload/stable pin-services/workload drain remove-revisions unpin-services resume-workload",
    ),
    "in place": (
        (
            "pin-services/stable hold-update ensure-canary create-canary-service ensure-canary:1 move-traffic:1 pause:2 "
            "ensure-canary:3 move-traffic:3 pause:4 ensure-canary:5 move-traffic:5 ensure-canary:6 move-traffic:6 ensure-canary#2 "
            "move-traffic unpin-services restore-routers drain remove-canary-service finish-update"
        ),
        "",
    ),
    "in place, all options": (
        (
            "create-object/Service/test/shop copy-configs retarget-autoscaler/workload pin-services/stable label-pods hold-update "
            "ensure-canary pin-services/canary-without-traffic ensure-canary:1 move-traffic:1 label-pods:1 pause:2 ensure-canary:3 "
            "move-traffic:3 pause:4 ensure-canary:5 move-traffic:5 ensure-canary:6 move-traffic:6 ensure-canary#2 move-traffic "
            "unpin-services restore-routers drain unpin-services#2 finish-update restore-limits/workload remove-configs "
            "label-pods#2"
        ),
        "unlabel-pods remove-configs",
    ),
    "shares of pods": (
        (
            "pause-workload share-pods:1 pause:2 share-pods:3 pause:4 share-pods:5 share-pods:6 ensure-canary pin-services/canary "
            "drain roll-workload/new pin-services/workload drain#2 remove-canary unpin-services resume-workload remove-configs"
        ),
        "remove-configs",
    ),
    "steps skipped": (
        (
            "pause-workload pin-services/workload ensure-canary create-canary-service ensure-canary#2 move-traffic "
            "pin-services/canary drain roll-workload/new pin-services/workload#2 restore-routers drain#2 remove-canary-service "
            "remove-canary unpin-services resume-workload"
        ),
        "",
    ),
    "blue-green, clone": (
        (
            "create-object/Service/test/shop copy-configs pause-workload retarget-autoscaler/stable pin-services/workload "
            "label-pods ensure-canary pin-services/canary-without-traffic ensure-canary:1 label-pods:1 ensure-canary:2 "
            "move-traffic:2 pause:3 ensure-canary:4 retarget-autoscaler/canary:4 restore-routers:4 pin-services/canary:4 "
            "label-pods:4 drain delay roll-workload/new retarget-autoscaler/workload pin-services/workload#2 label-pods#2 drain#2 "
            "remove-canary unpin-services restore-limits/workload resume-workload remove-configs label-pods#3"
        ),
        "unlabel-pods remove-configs",
    ),
    "blue-green, pair": (
        (
            "pin-services/workload label-pods ensure-canary create-canary-service ensure-canary:1 label-pods:1 pause:2 "
            "ensure-canary:3 pin-services/canary:3 label-pods:3 drain delay roll-workload/new pin-services/workload#2 label-pods#2 "
            "drain#2 remove-canary-service remove-canary unpin-services label-pods#3"
        ),
        "unlabel-pods",
    ),
    "blue-green, revisions": (
        (
            "pause-workload pin-services/stable label-pods ensure-canary create-canary-service ensure-canary:1 label-pods:1 pause:2 "
            "ensure-canary:3 pin-services/canary:3 label-pods:3 drain remove-canary-service delay retire-stable label-pods#2"
        ),
        "remove-revisions unlabel-pods",
    ),
    "blue-green, in place": (
        (
            "pin-services/stable label-pods hold-update ensure-canary create-canary-service ensure-canary:1 label-pods:1 pause:2 "
            "ensure-canary:3 pin-services/canary:3 label-pods:3 drain delay remove-canary-service finish-update unpin-services "
            "label-pods#2"
        ),
        "unlabel-pods",
    ),
}

KINDS = [each for each in Action.__subclasses__() if each.__module__ == actions.__name__]


def ids(sequence: list[ScheduledAction]) -> list[str]:
    return [each.id for each in sequence]


@pytest.mark.parametrize("case", CASES)
def test_the_ids_of_today(case: str) -> None:
    release, hand_back = IDS[case]
    assert ids(release_program(*CASES[case])) == release.split()
    assert ids(hand_back_program(*CASES[case])) == hand_back.split()


@pytest.mark.parametrize("case", CASES)
def test_each_id_stands_once_in_a_sequence(case: str) -> None:
    of_plan, facts = CASES[case]
    release = release_program(of_plan, facts)
    ends = [position for position in range(len(release)) if already_promoted(release, position, of_plan)]
    before = range(min(ends, default=len(release)))
    for sequence in (release, hand_back_program(of_plan, facts), *(abort_program(release, each, of_plan, facts) for each in before)):
        assert len(set(ids(sequence))) == len(sequence) and all(ids(sequence))


def test_an_id_does_not_depend_on_what_stands_before() -> None:
    release = release_program(*CASES["clone"])
    later = identified([ScheduledAction(actions.MakeDeclared("Service/test/shop")), *release])
    assert ids(later)[1:] == ids(release)


def test_kinds_are_unique() -> None:
    kinds = [each.kind for each in KINDS]
    assert len(kinds) > 20 and len(set(kinds)) == len(kinds)


def test_examples_have_every_kind() -> None:
    """So that each id is pinned; those that stand only in a way back are among the others of their style."""
    seen = {each.action.kind for of_plan, facts in CASES.values() for each in release_program(of_plan, facts)}
    for of_plan, facts in CASES.values():
        release = release_program(of_plan, facts)
        for sequence in (hand_back_program(of_plan, facts), abort_program(release, 0, of_plan, facts)):
            seen |= {each.action.kind for each in sequence}
    assert seen == {each.kind for each in KINDS}
