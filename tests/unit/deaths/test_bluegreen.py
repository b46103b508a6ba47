"""Blue-green in memory: what users see at each moment, previews that fail, undo and newer versions in every phase. No request is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Failed, NoProgress
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Case, Stage, stage
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import back, live_until, undisturbed, wrong

STYLES = ["clone", "revisions", "pair", "StatefulSet"]
LABELS = {"active_labels": {"role": "active"}, "preview_labels": {"role": "preview", "stage": "qa"}}
BLUE, YELLOW = "blue", "yellow"


def paused(style: str, **options: Any) -> Stage:
    """The preview is ready and waits."""
    place = stage(asking(style, **options))
    place.call()
    assert place.phase() == "Paused"
    return place


def asking(style: str, **options: Any) -> Case:
    """The case with a pause until somebody promotes."""
    case = CASES[f"blue-green, {style}"]
    part = {**case.more["bluegreen"], "auto_promotion": False, **options}
    return replace(case, more={**case.more, "bluegreen": part})


def switched(style: str, **options: Any) -> Stage:
    """All the traffic is on the new version, and the old one still runs."""
    place = paused(style, **options)
    for _step in ("the pause", "the switch"):
        place.call(promote={"full": True}, until="step")
    assert place.record()["program"] == "release" and images_behind(place) == {YELLOW}
    return place


def images_behind(place: Stage, name: str = NAME) -> set[str]:
    """The tags of the ready pods behind a Service."""
    names = {
        end["targetRef"]["name"]
        for each in place.all("EndpointSlice")
        if each["metadata"]["labels"]["kubernetes.io/service-name"] == name
        for end in each["endpoints"]
        if end["conditions"]["ready"]
    }
    found = [pod for pod in place.all("Pod") if pod["metadata"]["name"] in names]
    return {pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in found}


def roles(place: Stage) -> dict[str, set[tuple[str | None, str | None]]]:
    """By image, the labels of its pods, when those that go are gone."""
    place.cluster.time.sleep(60.0)
    found: dict[str, set[tuple[str | None, str | None]]] = {}
    for pod in place.all("Pod"):
        image, labels = pod["spec"]["containers"][0]["image"].rpartition(":")[2], pod["metadata"]["labels"]
        found.setdefault(image, set()).add((labels.get("role"), labels.get("stage")))
    return found


@pytest.mark.parametrize("style", STYLES)
def test_moment_by_moment(style: str) -> None:
    place = paused(style)
    assert (images_behind(place), images_behind(place, f"{NAME}-canary")) == ({BLUE}, {YELLOW})
    place = switched(style)
    place.call(until="end")
    assert not wrong(place, undisturbed(f"blue-green, {style}")[0])


@pytest.mark.parametrize("style", STYLES)
def test_undo_before_the_switch_is_an_abort(style: str) -> None:
    place = paused(style)
    with pytest.raises(Refused, match=r"is under way \(Paused\): abort it instead"):
        place.call(undo="previous")
    place.call(state="aborted")
    assert not wrong(place, back(f"blue-green, {style}", "aborted"))


@pytest.mark.parametrize("style", STYLES)
def test_undo_in_the_delay_moves_just_the_service(style: str) -> None:
    """And what a check after the switch does, with an abort."""
    wishes: list[dict[str, Any]] = [{"undo": "previous"}, {"state": "aborted"}]
    for wish in wishes:
        place = switched(style)
        pods = {pod["metadata"]["name"] for pod in place.all("Pod")}
        before = place.cluster.time.now()
        place.call(**wish)
        assert not wrong(place, back(f"blue-green, {style}", "aborted"))
        if style in ("clone", "revisions"):
            assert {pod["metadata"]["name"] for pod in place.all("Pod")} <= pods
        assert place.cluster.time.now() > before
    with pytest.raises(Refused, match=r"revision 1 was aborted \(undone by|aborted by"):
        place.call()


def test_an_undo_that_dies_is_gone_on_with() -> None:
    place = switched("revisions")
    live_until(place, 4, undo="previous")
    assert place.record()["program"] == "abort"
    place.call(undo="previous")
    assert not wrong(place, back("blue-green, revisions", "aborted"))


@pytest.mark.parametrize("style", STYLES)
def test_undo_later_starts_the_old_version_first(style: str) -> None:
    place = stage(CASES[f"blue-green, {style}"])
    place.call()
    place.call(undo="previous")
    assert place.phase() == "Healthy" and images_behind(place) == {BLUE} and not place.judge.complaints


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(("place_of", "aborted"), [(paused, 1), (switched, 0)])
def test_a_newer_version(style: str, place_of: Any, aborted: int) -> None:
    """In the pause the preview makes room for it; after the switch what has been switched stays, and the old version goes at once."""
    place = place_of(style, scale_down_delay=3600)
    began = place.cluster.time.now()
    green = {"revision": {"images": {NAME: "argoproj/rollouts-demo:green"}}}
    place.call(options=green)
    assert place.phase() == "Paused" and images_behind(place) == {YELLOW if place_of is switched else BLUE}
    assert images_behind(place, f"{NAME}-canary") == {"green"}
    assert [each["phase"] for each in place.record()["history"]] == ["Aborted" if aborted else "Healthy"]
    assert place.cluster.time.now() - began < 600
    place.call(options=green, promote={"full": True})
    assert place.phase() == "Healthy" and images_behind(place) == {"green"} and not place.judge.complaints


@pytest.mark.parametrize("image", ["crash-1", "missing-1", "unready-1"])
def test_a_preview_that_never_gets_ready(image: str) -> None:
    case = replace(CASES["blue-green, clone"], image=image)
    plain = stage(replace(case, more={**case.more, "progress_deadline": 60}))
    plain.call()
    assert images_behind(plain) == {BLUE} and not wrong(plain, back("blue-green, clone", "aborted"))
    waiting = stage(case)
    with pytest.raises((Failed, NoProgress)):
        waiting.call()
    assert images_behind(waiting) == {BLUE}
    waiting.call(state="aborted")
    assert not wrong(waiting, back("blue-green, clone", "aborted"))


@pytest.mark.parametrize("style", STYLES)
def test_pods_are_labelled_by_where_the_services_lead(style: str) -> None:
    place = paused(style, **LABELS)
    active, preview, neither = ("active", None), ("preview", "qa"), (None, None)
    assert roles(place) == {BLUE: {active}, YELLOW: {preview}}
    place = switched(style, **LABELS)
    assert roles(place) == {BLUE: {neither}, YELLOW: {active}}
    uids = {pod["metadata"]["uid"] for pod in place.all("Pod")}
    place.call(undo="previous")
    ended = {active, neither} if style == "pair" else {active}  # the second Deployment's own pods
    assert roles(place)[BLUE] == ended
    if style in ("clone", "revisions"):
        assert {pod["metadata"]["uid"] for pod in place.all("Pod")} <= uids  # no pod was restarted for a label
    place.call(state="absent")
    assert roles(place)[BLUE] == {neither}
    place = stage(replace(asking(style, **LABELS, auto_promotion=True)))
    place.call()
    assert roles(place)[YELLOW] == ended
    place.call(state="absent")
    assert all(found == {neither} for found in roles(place).values()) and not place.judge.complaints


def test_labels_that_select_pods_are_refused() -> None:
    case = asking("clone", active_labels={"app": "other"})
    place = stage(case)
    with pytest.raises(Refused, match=r"has label app on its pods already, which bluegreen.active_labels and preview_labels would change"):
        place.call()


def test_two_versions_again_and_again() -> None:
    """Style revisions, each release beginning with what the last one left."""
    case = CASES["blue-green, revisions"]
    place = stage(replace(case, more={**case.more, "history_limit": 2}))
    for image in ("yellow", "green", "red", "yellow"):
        place.call(options={"revision": {"images": {NAME: f"argoproj/rollouts-demo:{image}"}}})
        assert images_behind(place) == {image} and images_behind(place, f"{NAME}-canary") == {image}
    made = [each for each in place.all("Deployment") if each["metadata"]["name"] != NAME]
    assert len(made) <= 4 and not place.judge.complaints
    place.call(state="absent")
    assert images_behind(place) == {"yellow"} and place.all("Deployment")[0]["metadata"]["name"] == NAME and not place.judge.complaints
