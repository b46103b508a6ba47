"""Whoever may edit the active Service of a switch scales nothing else by what he writes on it; what is honest goes on without a seal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.edits import ANNOTATION as ORIGINAL
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.switches import ANNOTATION
from ansible_collections.progressive.delivery.tests.unit.deaths.switches import (
    BLUE,
    CASES,
    GREEN,
    PLAIN,
    PREVIEWED,
    SHOP,
    Case,
    Object,
    Stage,
    service,
    stage,
    workload,
)

VICTIM = "victim"
MERGE = "application/merge-patch+json"


def victim(**labels: str) -> Object:
    """A Deployment with pods of these labels and no others."""
    found = workload(VICTIM)
    found["spec"]["selector"] = {"matchLabels": labels}
    found["spec"]["template"]["metadata"]["labels"] = labels
    return found


def patch(place: Stage, plural: str, name: str, body: Object, group: str = "/api/v1") -> None:
    answer = place.cluster.server.request("PATCH", f"{group}/namespaces/test/{plural}/{name}", {}, body, MERGE)
    assert answer.status == 200, answer.body


def remember(place: Stage, text: str, **more: str) -> None:
    patch(place, "services", SHOP, {"metadata": {"annotations": {ANNOTATION: text, **more}}})


def size(place: Stage, name: str) -> int:
    [found] = [each for each in place.all("Deployment") if each["metadata"]["name"] == name]
    return int(found["spec"]["replicas"])


FORGED = json.dumps({"at": 1.0, "fields": [{"by": "", "depth": 3, "path": ["spec", "selector", "app"], "was": "payments", "now": SHOP}]})
# The labels of the pods that somebody wants scaled, and what else there is, or is written.
VICTIMS: dict[str, tuple[Object, tuple[Object, ...], Object]] = {
    "one label in common": ({"app": SHOP, "tier": "db"}, PLAIN, {}),
    "one label in common, of a selector that takes all": ({"app": SHOP, "tier": "db"}, CASES["a selector that takes all"].objects, {}),
    "nothing in common": ({"app": "payments"}, PLAIN, {}),
    "the label that tells versions apart": ({"app": "payments", "colour": "blue"}, PLAIN, {}),
    "neither value": ({"app": "payments", "colour": "red"}, PLAIN, {}),
    "another Service": (
        {"app": SHOP, "colour": "db"},
        (*PLAIN, service("db", colour="db")),
        {},
    ),
    "another Service, and a forged original": (
        {"app": "payments", "colour": "green"},
        (*PLAIN, {**service("payments"), "spec": {**service("payments")["spec"], "selector": {"app": "payments"}}}),
        {ORIGINAL: FORGED},
    ),
    "another Service, with a preview": ({"app": SHOP, "colour": "db"}, (*PREVIEWED, service("db", colour="db")), {}),
}


# Without a switch the Service itself takes its pods in the first case; in the second it is taken for a version with another app.
ONLY_DOWN = ("one label in common, of a selector that takes all", "the label that tells versions apart")


@pytest.mark.parametrize(("name", "replicas"), [(name, size) for name in VICTIMS for size in (2, 0) if size or name not in ONLY_DOWN])
def test_no_other_workload_is_scaled(name: str, replicas: int) -> None:
    """Down by a switch, or up by the way back."""
    labels, objects, written = VICTIMS[name]
    place = stage(Case({}, (*objects, victim(**labels))))
    key = f"Deployment/{VICTIM}"
    memory: Object = {"waiting": {key: 1.0}} if replicas else {"replicas": {key: 50}}
    remember(place, json.dumps({"active": f"Deployment/{BLUE}", "run": "x", "at": 1.0, **memory}), **written)
    if not replicas:
        patch(place, "deployments", VICTIM, {"spec": {"replicas": 0}}, "/apis/apps/v1")
    try:
        options: Object = {} if replicas else {"state": "absent", "target": None}
        place.call(**options)
    except Refused:
        pass
    assert size(place, VICTIM) == replicas


# Where the preview Service swaps, it leads to what was left, which then stays up.
LEAVING = [name for name, case in CASES.items() if not {"target_kind", "swap_preview"} & case.options.keys()]


@pytest.mark.parametrize("name", LEAVING)
def test_a_later_call_scales_down_what_an_earlier_one_left(name: str) -> None:
    place = stage(CASES[name])
    for target, left in ((GREEN, BLUE), (BLUE, GREEN)):
        if not size(place, target):
            patch(place, "deployments", target, {"spec": {"replicas": 2}}, "/apis/apps/v1")
            place.cluster.time.sleep(60)
        for _call in range(6):
            place.call(target=target, scale_down_delay="1h", wait=False)
            place.cluster.time.sleep(3700)
        assert (size(place, target), size(place, left)) == (2, 0), place.warnings
    place.call(state="absent", target=None)
    assert size(place, BLUE) and not [each for each in place.warnings if "is not scaled:" in each]


@pytest.mark.parametrize("digits", [310, 400, 4300])
@pytest.mark.parametrize("where", ["at", "replicas", "waiting"])
def test_a_number_of_many_digits(where: str, digits: int) -> None:
    place = stage(Case({}))
    huge: Any = 10 ** (digits - 1)
    memory = {"at": huge, "replicas": {f"Deployment/{BLUE}": huge}, "waiting": {f"Deployment/{BLUE}": huge}}[where]
    remember(place, json.dumps({"active": f"Deployment/{GREEN}", "run": "x", where: memory}))
    with pytest.raises(Refused) as refused:
        place.call()
    assert "\n" not in str(refused.value) and ANNOTATION in str(refused.value)
