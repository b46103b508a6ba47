"""With a record_key a call believes just what the holders of the key have written, and an honest release goes on as without one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions.run import UNSEALED
from ansible_collections.progressive.delivery.plugins.module_utils._objects.edits import ANNOTATION
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._objects.seals import Seal, read_key, refuse_forged, sealed
from ansible_collections.progressive.delivery.tests.unit.attacks.table import RECORD, ROUTER_PATH, SERVICE_PATH, STEPS, create, patch, scene
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Object, Stage, stage
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import at_first

_NGINX = "/apis/networking.k8s.io/v1"
KEY, OTHER_KEY = "a long enough secret", "another long enough secret"


def sealed_scene() -> Stage:
    """The application of the attacks, paused by calls with a key."""
    place = scene(paused=False)
    place.call(key=KEY)
    return place


def data(place: Stage) -> Object:
    [found] = [each for each in place.all("ConfigMap") if each["metadata"]["name"] == f"{NAME}.rollout"]
    return dict(found["data"])


def write(place: Stage, **changes: Any) -> None:
    patch(place, RECORD, {"data": changes})


def reworded(place: Stage) -> None:
    """One field of the record is changed, the seal is left."""
    record = json.loads(data(place)["record"])
    write(place, record=json.dumps({**record, "promoted": {"1": {"user": "ann"}}}))


def with_seal_of_another_place(place: Stage) -> None:
    text = data(place)["record"]
    write(place, seal=Seal(KEY).of("test/ConfigMap/other.rollout/record", text))


def reworded_annotation(path: str) -> Callable[[Stage], None]:
    def act(place: Stage) -> None:
        live = place.cluster.server.request("GET", path).body
        memory = json.loads(live["metadata"]["annotations"][ANNOTATION])
        memory["at"] = 1.0
        patch(place, path, {"metadata": {"annotations": {ANNOTATION: json.dumps(memory)}}})

    return act


def unsealed_annotation(place: Stage) -> None:
    live = place.cluster.server.request("GET", SERVICE_PATH).body
    memory = {key: value for key, value in json.loads(live["metadata"]["annotations"][ANNOTATION]).items() if key != "seal"}
    memory["fields"][0]["was"] = "x"
    patch(place, SERVICE_PATH, {"metadata": {"annotations": {ANNOTATION: json.dumps(memory)}}})


FORGED: dict[str, tuple[Callable[[Stage], None], str, str]] = {
    "the record is changed": (reworded, KEY, "does not fit its seal"),
    "the seal is that of another place": (with_seal_of_another_place, KEY, "does not fit its seal"),
    "the seal is no text of ours": (lambda place: write(place, seal="x\u202e"), KEY, "does not fit its seal"),
    "the seal is gone": (lambda place: write(place, seal=None), KEY, "has no seal: set record_unsealed to accept once"),
    "the key is another one": (lambda _place: None, OTHER_KEY, "does not fit its seal"),
    "the call has no key": (lambda _place: None, "", "is sealed: give the record_key"),
    "a router's memory is changed": (
        reworded_annotation(ROUTER_PATH),
        KEY,
        f"VirtualService test/{NAME} has the annotation {ANNOTATION}, which does not fit its seal",
    ),
    "a Service's memory is changed": (
        reworded_annotation(SERVICE_PATH),
        KEY,
        f"Service test/{NAME} has the annotation {ANNOTATION}, which does not fit its seal",
    ),
    "a Service's memory has no seal, and says something else": (unsealed_annotation, KEY, "must not move it"),
}


@pytest.mark.parametrize(("act", "key", "said"), FORGED.values(), ids=FORGED)
def test_what_others_wrote_is_refused(act: Callable[[Stage], None], key: str, said: str) -> None:
    place = sealed_scene()
    act(place)
    with pytest.raises(Refused) as refused:
        place.call(key=key, recorded=True, promote={"full": True})
    assert said in str(refused.value) and "\n" not in str(refused.value)


@pytest.mark.parametrize("case", CASES)
def test_a_release_ends_with_a_key_as_without_one(case: str) -> None:
    place = stage(CASES[case])
    options: Object = {"key": KEY}
    place.call(**options, accept=bool(CASES[case].edited))  # Such a case begins with a call that has no key.
    assert place.phase() == "Healthy" and place.judge.complaints == []
    assert place.record() and data(place)["seal"].startswith("1:")
    place.call(state="absent", **options)
    seen = {key: value for key, value in place.end_state().items() if key not in ("pods", "phase")}
    before = {key: value for key, value in at_first(case).items() if key not in ("pods", "phase")}
    assert seen.keys() == before.keys()


def test_a_sealed_record_is_believed_what_an_unsealed_one_is_not() -> None:
    """A pause that another call of ours has promoted, and did not live to pass."""
    place = sealed_scene()
    record = {**json.loads(data(place)["record"]), "promoted": {"1": {"user": "ann"}}}
    text = json.dumps(record)
    write(place, record=text, seal=Seal(KEY).of(f"test/ConfigMap/{NAME}.rollout/record", text))
    place.call(key=KEY, recorded=True)
    assert (place.phase(), place.record()["steps"][-1].get("ended")) == ("Paused", None) and len(place.record()["steps"]) == 4


def test_the_way_into_a_key() -> None:
    """What was written before is taken once, by a call that says so, and sealed from then on."""
    place = scene()
    with pytest.raises(Refused, match="has no seal"):
        place.call(key=KEY, recorded=True, promote={})
    place.call(key=KEY, accept=True, recorded=True, promote={})
    assert place.phase() == "Paused" and "seal" in data(place)
    place.call(key=KEY, recorded=True, promote={})
    assert place.phase() == "Healthy"


def paused_case(case: str) -> Stage:
    """The application of a case, with pauses that somebody has to promote."""
    found = CASES[case]
    if found.steps:
        return stage(replace(found, steps=STEPS))
    more = {**found.more, "bluegreen": {**found.more["bluegreen"], "auto_promotion": False}}
    return stage(replace(found, more=more))


@pytest.mark.parametrize("case", [name for name in CASES if not CASES[name].edited])
def test_a_key_comes_in_the_middle(case: str) -> None:
    """One call accepts what was written before the key; all later ones need no more than the key."""
    place = paused_case(case)
    place.call()
    place.call(key=KEY, accept=True, recorded=True)
    while place.phase() == "Paused":
        place.call(key=KEY, recorded=True, promote={})
    assert place.phase() == "Healthy" and place.judge.complaints == []
    place.call(key=KEY, state="absent")


def test_only_the_very_object_that_was_created_is_vouched_for() -> None:
    """Somebody puts another canary Ingress, with a memory of their own, in the place of the one that the record knows."""
    place = paused_case("clone, ingress-nginx")
    place.call()
    place.call(key=KEY, accept=True, recorded=True)
    path = f"/apis/networking.k8s.io/v1/namespaces/test/ingresses/{NAME}-canary"
    made = place.cluster.server.request("GET", path).body
    place.cluster.server.request("DELETE", path)
    create(
        place,
        "ingresses",
        {**made, "metadata": {k: v for k, v in made["metadata"].items() if k in ("name", "labels", "annotations")}},
        _NGINX,
    )
    with pytest.raises(Refused, match="has no seal"):
        place.call(key=KEY, recorded=True, promote={})


@pytest.mark.parametrize("state", ["aborted", "absent"])
def test_the_way_back_is_open_without_a_seal(state: str) -> None:
    place = scene()
    place.call(key=KEY, state=state)
    assert place.phase() == ("Aborted" if state == "aborted" else None)


def test_a_call_without_a_key_says_so_once() -> None:
    place = scene(paused=False)
    run = place.call()
    assert UNSEALED not in run.ctx.journal.warnings  # There was no record yet.
    run = place.call(recorded=True, promote={})
    assert run.ctx.journal.warnings.count(UNSEALED) == 1 and NAME not in UNSEALED
    assert UNSEALED not in sealed_scene().call(key=KEY, recorded=True, promote={}).ctx.journal.warnings


@pytest.mark.parametrize(
    ("key", "said"), [("short", "record_key is shorter than 16 characters"), (7, "record_key is shorter than 16 characters")]
)
def test_a_key_that_can_be_guessed(key: Any, said: str) -> None:
    with pytest.raises(Refused, match=said):
        read_key(key)


def test_a_seal_is_of_its_object_and_annotation() -> None:
    seal = Seal(KEY)
    live: Object = {
        "kind": "Service",
        "metadata": {"name": "a", "namespace": "test", "annotations": {ANNOTATION: '{"at":1.0,"fields":[]}'}},
    }
    marked = sealed(live, seal)
    refuse_forged(marked, seal)
    for changes in ({"name": "b"}, {"namespace": "other"}):
        with pytest.raises(Refused, match="does not fit its seal"):
            refuse_forged({**marked, "metadata": {**marked["metadata"], **changes}}, seal)
    assert sealed(marked, seal) == marked and sealed(live, None) is live
