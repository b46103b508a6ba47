"""A Deployment that is held between releases, with an edit of its template that waits: what becomes of that in every other call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Drifted, Refused
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Stage, stage

BLUE, YELLOW, GREEN = (f"argoproj/rollouts-demo:{tag}" for tag in ("blue", "yellow", "green"))
PAUSING = [{"set_weight": 50}, {"pause": {}}, {"set_weight": 20}]
HELD = CASES["clone, held"]  # blue runs, yellow waits


def images(place: Stage) -> tuple[str, set[str]]:
    """In the Deployment's template, and of the pods."""
    template = place.end_state()[f"Deployment/{NAME}"]["spec"]["template"]
    pods = {pod["spec"]["containers"][0]["image"] for pod in place.all("Pod")}
    return template["spec"]["containers"][0]["image"], pods


def test_who_ends_the_hold_gets_the_version_that_was_asked_for() -> None:
    place = stage(HELD)
    place.call(options={"hold": False, "revision": {"images": {NAME: BLUE}}})
    assert images(place) == (BLUE, {BLUE}) and not place.judge.complaints


@pytest.mark.parametrize("check", [True, False])
def test_a_hand_back_asks_first(check: bool) -> None:
    place = stage(HELD)
    version = place.cluster.store.version
    with pytest.raises(Drifted, match="has a version in its template that was not released"):
        place.call(state="absent", check=check)
    assert place.cluster.store.version == version
    place.call()  # One may change one's mind.
    assert images(place) == (YELLOW, {YELLOW})


@pytest.mark.parametrize(("on_drift", "image"), [("repair", BLUE), ("accept", YELLOW)])
def test_the_answers_to_that(on_drift: str, image: str) -> None:
    place = stage(replace(HELD, graceful=True))
    place.call(state="absent", on_drift=on_drift)
    assert images(place) == (image, {image}) and place.phase() is None


@pytest.mark.parametrize(
    "options",
    [
        {"workload": {"name": NAME, "style": "revisions"}, "hold": False},
        {"routers": [{"type": "replicas"}], "services": {"stable": NAME}, "hold": False, "revision": {"images": {NAME: GREEN}}},
    ],
    ids=["revisions", "replicas"],
)
def test_another_order_of_release_is_refused(options: dict[str, Any]) -> None:
    place = stage(HELD)
    with pytest.raises(Refused, match="was held by the releases before, and a version waits in its template"):
        place.call(options=options)


TEMPLATE = {"revision": {"template": {"spec": {"containers": [{"name": NAME, "image": YELLOW}]}}}}


PAUSED = {"hold": replace(HELD, steps=PAUSING), "template": replace(CASES["clone"], steps=PAUSING, more=TEMPLATE)}


@pytest.mark.parametrize("undo", ["previous", "7"])
@pytest.mark.parametrize("case", PAUSED)
def test_undo_does_not_go_on_with_the_release_under_way(case: str, undo: str) -> None:
    place = stage(PAUSED[case])
    place.call()
    with pytest.raises(Refused, match=r"is under way .*: abort it instead"):
        place.call(undo=undo)


def test_undo_goes_on_with_itself() -> None:
    place = stage(replace(CASES["clone"], steps=PAUSING))
    place.call()
    place.call(promote={"full": True})
    place.cluster.time.sleep(5)
    place.call(undo="previous")
    assert place.phase() == "Paused"
    place.call(undo="previous", promote={"full": True})
    assert images(place) == (BLUE, {BLUE})


def test_to_begin_to_hold_is_nothing_to_undo() -> None:
    place = stage(CASES["clone"])
    place.call()
    place.cluster.time.sleep(5)
    place.call(options={"hold": True})
    place.cluster.time.sleep(5)
    place.call(undo="previous")
    assert images(place)[1] == {BLUE}
