"""Records that fit together in all their parts, as an attacker who has read the code would write them, gain nothing either."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import decide
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import record as records
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import program_of
from ansible_collections.progressive.delivery.plugins.module_utils._workloads.revisions import template_hash
from ansible_collections.progressive.delivery.tests.unit.attacks.table import (
    ABORT,
    ABSENT,
    EVIL,
    OLD_OTHER,
    OTHER,
    PROMOTE,
    ROUTER_PATH,
    STEPS,
    UNDO,
    WORKER,
    Act,
    Attack,
    new_record,
    patch,
    record,
    scene,
)
from ansible_collections.progressive.delivery.tests.unit.attacks.test_attacks import attacked
from ansible_collections.progressive.delivery.tests.unit.attacks.test_seals import KEY, data, sealed_scene, write
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import NAME, Object, Stage

RECORDS = "ConfigMaps"
ENDED: Object = {"program": "", "phase": "Healthy", "steps": []}


def field(path: list[Any], now: Any, was: Any) -> Object:
    """What a record remembers of a field."""
    return {"by": NAME, "depth": 2, "path": path, "now": now, "was": was}


def placed(raw: Object) -> Object:
    """The record with the first position that its plan, its steps and its phase do not contradict."""
    whole = records.load({"record": json.dumps(raw)}, NAME)
    plan = read_plan(NAME, "test", whole.plan)
    for number, entry in enumerate(program_of(whole, plan)):
        try:
            decide.refuse_contradiction(replace(whole, position=entry.id), plan)
        except Refused:
            continue
        return {**raw, "position": number if raw["format"] == 1 else entry.id}
    raise AssertionError("no position fits")


def changed(**changes: Any) -> Act:
    return lambda place: record(**placed({**place.record(), **changes}))(place)


def about_other(workload: Object | None = None, services: Object | None = None, routers: list[Object] | None = None, **more: Any) -> Act:
    """A whole record of this rollout about the other application, with a version that a ReplicaSet of that one holds."""

    def act(place: Stage) -> None:
        [other] = [each for each in place.all("Deployment") if each["metadata"]["name"] == OTHER]
        live, now = template_hash(other["spec"]["template"]), place.cluster.time.now()
        held = [each for each in place.all("ReplicaSet") if OTHER in each["metadata"]["name"]]
        [before] = [each for each in held if each["spec"]["template"]["spec"]["containers"][0]["image"] == OLD_OTHER]
        old = template_hash(before["spec"]["template"])
        plan = {
            "workload": workload or {"name": OTHER},
            "services": services or {"stable": OTHER},
            "routers": routers or [{"type": "istio", "name": OTHER}],
            "canary": {"steps": STEPS},
            "revision": {"held": live},
        }
        released = {"revision": 7, "target": live, "phase": "Healthy", "images": {OTHER: "argoproj/rollouts-demo:blue"}}
        raw: Object = {
            "format": 1,
            "name": NAME,
            "plan": plan,
            "plan_hash": read_plan(NAME, "test", dict(plan)).hash,
            "revision": 1,
            "target": live,
            "phase": "Paused",
            "program": "release",
            "position": 0,
            "began": now,
            "steps": [{"began": now, "ended": now}, {"began": now}],
            "stable": {
                "workload": OTHER,
                "template": old,
                "hash": before["metadata"]["labels"]["pod-template-hash"],
                "images": {},
                "canary": old,
            },
            "history": [{**released, "before": {"template": old, "images": {OTHER: OLD_OTHER}}}],
            **more,
        }
        new_record(**(placed(raw) if raw["program"] == "release" else raw))(place)

    return act


PAIR: Object = {"workload": {"name": WORKER, "style": "pair", "canary": OTHER}, "services": {"stable": OTHER, "canary": f"{NAME}-canary"}}
SCALED_TO_NOTHING = {f"Deployment/{OTHER}": [field(["spec", "replicas"], 3, 0)]}


def guard(kind: str, path: list[Any], now: Any, was: Any) -> Act:
    return changed(guards=[f"{kind}/{OTHER}"], originals={f"{kind}/{OTHER}": [field(path, now, was)]})


def pointed(number: int) -> Act:
    """In the middle of an abort, with another selector as that of the stable Service."""
    originals = {f"Service/{NAME}": [field(["spec", "selector", "app"], NAME, OTHER)]}

    def act(place: Stage) -> None:
        turned = records.load({"record": json.dumps({**place.record(), "program": "abort"})}, NAME)
        back = program_of(turned, read_plan(NAME, "test", turned.plan))
        at = back[number].id if number < len(back) else "end"
        record(program="abort", phase="Progressing", position=at, originals=originals)(place)

    return act


WHOLE: dict[str, Attack] = {
    "abort of another application": Attack(RECORDS, about_other(), ABORT, paused=False),
    "hand-back of another application": Attack(RECORDS, about_other(), ABSENT, paused=False),
    "hand-back of another application that was released": Attack(RECORDS, about_other(**ENDED), ABSENT, paused=False),
    "undo of another application": Attack(RECORDS, about_other(**ENDED), UNDO, paused=False),
    "promotion of another application": Attack(RECORDS, about_other(), PROMOTE, paused=False),
    "abort by shares of pods": Attack(RECORDS, about_other(routers=[{"type": "replicas"}]), ABORT, paused=False),
    "abort of revisions": Attack(RECORDS, about_other(workload={"name": OTHER, "style": "revisions"}), ABORT, paused=False),
    "abort of a pair": Attack(RECORDS, about_other(**PAIR), ABORT, paused=False),
    "hand-back of a pair": Attack(RECORDS, about_other(**PAIR, **ENDED), ABSENT, paused=False),
    "no pods for another application": Attack(RECORDS, about_other(originals=SCALED_TO_NOTHING), ABORT, paused=False),
    "another application's budget": Attack(RECORDS, guard("PodDisruptionBudget", ["spec", "minAvailable"], 1, 0), ABORT),
    "another application's autoscaler": Attack(
        RECORDS, guard("HorizontalPodAutoscaler", ["spec", "scaleTargetRef", "name"], OTHER, NAME), ABORT
    ),
    "another application's minimum": Attack(RECORDS, guard("HorizontalPodAutoscaler", ["spec", "minReplicas"], 1, 9), ABORT),
    "another application's Service": Attack(
        RECORDS,
        changed(bystanders=[OTHER], originals={f"Service/{OTHER}": [field(["spec", "selector", "app"], OTHER, NAME)]}),
        ABORT,
    ),
    **{f"the Service led elsewhere, abort at {position}": Attack(RECORDS, pointed(position), ABORT) for position in range(1, 5)},
}


@pytest.mark.parametrize("name", WHOLE)
def test_nothing_is_gained(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, _witness, problem = attacked(WHOLE[name], monkeypatch)
    [service] = [each for each in place.all("Service") if each["metadata"]["name"] == NAME]
    assert service["spec"]["selector"]["app"] == NAME
    assert problem is None or "\n" not in str(problem)


def without_seal(place: Stage) -> None:
    raw = json.loads(data(place)["record"])
    plan = {**raw["plan"], "revision": {"images": {NAME: EVIL}}}
    write(place, record=json.dumps({**raw, "plan": plan}), seal=None)


def with_wrong_seal(place: Stage) -> None:
    without_seal(place)
    write(place, seal="1:00")


@pytest.mark.parametrize("forge", [without_seal, with_wrong_seal])
@pytest.mark.parametrize("key", [KEY, "", "a key that was never used"])
@pytest.mark.parametrize("state", ["aborted", "absent"])
def test_the_way_back_is_open_and_seals_nothing(forge: Callable[[Stage], None], key: str, state: str) -> None:
    place = sealed_scene()
    forge(place)
    place.call(key=key, state=state)
    if state == "absent":
        assert not [each for each in place.all("ConfigMap") if each["metadata"]["name"] == f"{NAME}.rollout"]
        return
    assert place.phase() == "Aborted" and "seal" not in data(place)
    with pytest.raises(Refused, match="has no seal"):
        place.call(key=KEY, recorded=True, retry=True)
    assert EVIL not in json.dumps(place.all("Deployment"))


def test_a_wrong_seal_on_a_router_does_not_close_the_way_back() -> None:
    place = sealed_scene()
    live = place.cluster.server.request("GET", ROUTER_PATH).body
    annotations = {key: text.replace('"seal":"1:', '"seal":"1:00') for key, text in live["metadata"]["annotations"].items()}
    patch(place, ROUTER_PATH, {"metadata": {"annotations": annotations}})
    place.call(key=KEY, state="aborted")
    assert place.phase() == "Aborted"


def test_a_key_is_changed_by_accepting_until_the_release_ends() -> None:
    place = sealed_scene()
    before, other = data(place)["seal"], "the key from today on"
    place.call(key=other, accept=True, recorded=True, promote={"full": True})
    assert place.phase() == "Healthy" and data(place)["seal"] not in ("", before)
    place.call(key=other)


def test_undo_names_the_workload_where_only_a_record_without_a_seal_would() -> None:
    place = scene(paused=False)
    about_other(**ENDED)(place)
    with pytest.raises(Refused, match=f"is about Deployment test/{OTHER}, as only its record says, which has no seal"):
        place.call(undo="previous")


def test_a_workload_without_the_rest_of_a_plan_only_says_which_one_is_meant() -> None:
    """Then the record's plan is taken, and where that is about another workload nothing is written."""
    place = scene(paused=True)
    before = data(place)
    with pytest.raises(Refused, match=f"is about Deployment test/{NAME} by its record, and workload.name is 'other'"):
        place.call(**PROMOTE, options={"workload": {"name": "other"}})
    assert data(place) == before
    place.call(recorded=True, promote={"full": True}, options={"workload": {"name": NAME}})
    assert place.phase() == "Healthy"
