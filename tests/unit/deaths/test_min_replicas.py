"""How many canary pods there are under traffic, in memory, in every style; one of them is evicted, and requests find another one."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.memory.kinds import CONFIG_MAP
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Case, Object, Stage, stage, workload
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import live_until, wrong

YELLOW = "yellow"
PAUSE: Object = {"pause": {}}
BUDGET: Object = {
    "apiVersion": "policy/v1",
    "kind": "PodDisruptionBudget",
    "metadata": {"name": NAME},
    "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": NAME}}},
}
BESIDE = ("clone", "revisions", "pair")
STYLES = (*BESIDE, "StatefulSet")


def case(style: str, steps: list[Any], **canary: Any) -> Case:
    """The style's case with three stable pods."""
    found = CASES[style]
    objects = [each for each in found.objects if each["metadata"]["name"] != NAME or each["kind"] not in ("Deployment", "StatefulSet")]
    labels = {"track": "stable"} if style == "pair" else None
    more = {"serviceName": NAME} if style == "StatefulSet" else {}
    kind = "StatefulSet" if style == "StatefulSet" else "Deployment"
    objects = [workload(kind, labels=labels, replicas=3, **more), *objects]
    return replace(found, objects=tuple(objects), more={**found.more, "canary": {"steps": steps, **canary}})


def pods(place: Stage) -> list[Object]:
    """Those of the new version."""
    found = [each for each in place.all("Pod") if each["spec"]["containers"][0]["image"].endswith(f":{YELLOW}")]
    return [each for each in found if not each["metadata"].get("deletionTimestamp")]


@pytest.mark.parametrize(
    ("protected", "canary", "steps", "count"),
    [
        (False, {}, [{"set_weight": 20}], 1),
        (True, {}, [{"set_weight": 20}], 2),
        (True, {"min_replicas": 1}, [{"set_weight": 20}], 1),
        (False, {"min_replicas": 2}, [{"set_weight": 20}], 2),
        (True, {}, [{"set_weight": 0}], 1),
        (True, {}, [{"set_weight": 20}, {"set_weight": 100}, {"set_weight": 0}, {"set_weight": 10}], 2),
    ],
)
@pytest.mark.parametrize("style", STYLES)
def test_how_many(style: str, protected: bool, canary: Object, steps: list[Any], count: int) -> None:
    place = stage(case(style, [*steps, PAUSE], **canary), *([BUDGET] if protected else []))
    place.call()
    # In place pods do not go back to the old version while the release goes on.
    least, most = (count, 3) if style == "StatefulSet" and len(steps) > 1 else (count, count)
    assert least <= len(pods(place)) <= most and not place.judge.complaints
    place.call(promote={"full": True})
    assert place.phase() == "Healthy" and not place.judge.complaints


@pytest.mark.parametrize(
    ("canary", "scale", "count"), [({}, {"replicas": 1}, 1), ({"min_replicas": 2}, {"replicas": 1}, 2), ({}, {"percent": 10}, 2)]
)
@pytest.mark.parametrize("style", BESIDE)
def test_a_number_in_the_steps_is_stronger_than_the_default(style: str, canary: Object, scale: Object, count: int) -> None:
    place = stage(case(style, [{"set_canary_scale": scale}, {"set_weight": 20}, PAUSE], **canary), BUDGET)
    place.call()
    assert len(pods(place)) == count


@pytest.mark.parametrize(("canary", "count"), [({}, 1), ({"min_replicas": 2}, 2), ({"min_replicas": 9}, 3)])
def test_shares_of_pods(canary: Object, count: int) -> None:
    found = CASES["clone, shares of pods"]
    steps = [{"set_weight": 20}, PAUSE]
    place = stage(replace(found, more={**found.more, "canary": {"steps": steps, **canary}}), BUDGET)
    run = place.call()
    assert len(pods(place)) == count and not place.judge.complaints
    warnings = [each for each in run.ctx.journal.warnings if "asked 20 %" in each]
    assert warnings[0].endswith(
        f"the nearest with 4 pods{' and at least ' if canary else ''}{canary.get('min_replicas', '')}"
        + (f" of the canary is {count * 25} %" if canary else f" is {count * 25} %")
    )


@pytest.mark.parametrize(("canary", "lost"), [({}, False), ({"min_replicas": 1}, True)])
@pytest.mark.parametrize("style", BESIDE)
def test_a_canary_pod_is_evicted(style: str, canary: Object, lost: bool) -> None:
    """The judge knows when requests come to a Service without pods."""
    place = stage(case(style, [{"set_weight": 20}, PAUSE], **canary), BUDGET)
    place.call()
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pods(place)[0]['metadata']['name']}"
    place.cluster.server.request("DELETE", path, None, None)
    place.cluster.time.sleep(30.0)
    assert any("which has no ready endpoints" in each for each in place.judge.complaints) is lost


@pytest.mark.parametrize("style", STYLES)
def test_a_release_that_a_former_version_has_begun_goes_on_unchanged(style: str) -> None:
    """Its record knows no such number, and a budget is there."""
    place = stage(case(style, [{"set_weight": 20}, PAUSE, {"set_weight": 30}, PAUSE]), BUDGET)
    before = {**place.end_state(), "phase": "Aborted"}
    write = 0
    while not place.record():
        write += 1
        live_until(place, write)
    [found] = [each for each in place.all("ConfigMap") if each["metadata"]["name"] == f"{NAME}.rollout"]
    record = {key: value for key, value in place.record().items() if key != "min_replicas"}
    place.cluster.store.change(CONFIG_MAP, found, {**found, "data": {"record": json.dumps(record)}})
    place.call()
    place.call(promote={})
    assert len(pods(place)) == 1 and not place.judge.complaints
    place.call(state="aborted")
    assert not wrong(place, before)
