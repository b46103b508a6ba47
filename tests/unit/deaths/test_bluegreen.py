"""Blue-green in memory: what users see at each moment, previews that fail, undo and newer versions in every phase. No request is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Failed, NoProgress
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import (
    CASES,
    NAME,
    Case,
    Stage,
    service,
    stage,
    virtual_service,
    workload,
)
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


@pytest.mark.parametrize("style", STYLES)
def test_an_undo_in_the_delay_that_dies_is_gone_on_with_and_done_once(style: str) -> None:
    for write in range(1, 40, 5):
        place = switched(style)
        live_until(place, write, undo="previous")
        for _time in range(2):
            place.call(undo="previous")
            assert not wrong(place, back(f"blue-green, {style}", "aborted")), f"write {write}"
        assert len(place.record()["history"]) == 1


@pytest.mark.parametrize("style", STYLES)
def test_an_undo_later_that_dies_or_goes_by_steps_is_not_undone_in_its_turn(style: str) -> None:
    """The same call again and again, until the old version has all the traffic, and nothing more is left."""
    by_steps, dying = (stage(CASES[f"blue-green, {style}"]) for _way in range(2))
    for place in (by_steps, dying):
        place.call()
    while by_steps.record()["program"] or by_steps.record()["undo"] != "previous":
        by_steps.call(undo="previous", until="step")
    for write in range(3, 60, 7):
        if dying.phase() == "Healthy" and dying.record()["undo"]:
            break
        live_until(dying, write, undo="previous")
    if dying.record()["program"]:
        dying.call(undo="previous")
    for place in (by_steps, dying):
        assert (place.phase(), images_behind(place)) == ("Healthy", {BLUE}) and not place.judge.complaints


@pytest.mark.parametrize("style", STYLES)
def test_the_old_version_asked_for_in_the_delay_is_the_one_that_still_runs(style: str) -> None:
    """As whoever takes a commit back does."""
    place = switched(style, scale_down_delay=3600)
    pods = {pod["metadata"]["name"] for pod in place.all("Pod")}
    place.call(options={"revision": {"images": {NAME: "argoproj/rollouts-demo:blue"}}})
    assert images_behind(place) == {BLUE} and not place.judge.complaints and place.phase() == "Aborted"
    if style in ("clone", "revisions"):
        assert {pod["metadata"]["name"] for pod in place.all("Pod")} <= pods


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


def test_labels_of_others_stay_theirs() -> None:
    """Pods of another workload with the same label, and one of ours by the same key."""
    case = CASES["blue-green, clone"]
    others = workload("Deployment", "batch", {"tier": "batch", "role": "active"})
    narrow = [service(NAME, {"tier": "web"}), workload("Deployment", labels={"tier": "web"}), virtual_service(canary=False)]
    more = {**case.more, "bluegreen": {**case.more["bluegreen"], **LABELS}}
    place = stage(replace(case, objects=(*narrow, others), services=(NAME,), more=more))
    place.call()
    place.call(state="absent")
    found = {pod["metadata"]["labels"]["tier"]: pod["metadata"]["labels"].get("role") for pod in place.all("Pod")}
    assert found == {"web": None, "batch": "active"}


@pytest.mark.parametrize("style", STYLES)
def test_labels_that_a_later_plan_has_no_more_go(style: str) -> None:
    place = paused(style, **LABELS)
    place.call(state="aborted")
    plain = {key: value for key, value in asking(style).more["bluegreen"].items() if not key.endswith("_labels")}
    place.call(options={"bluegreen": {**plain, "auto_promotion": True}}, retry=True)
    assert place.phase() == "Healthy"
    assert {role for found in roles(place).values() for role in found} == {(None, None)}


def test_in_place_the_active_version_keeps_half_of_the_pods() -> None:
    place = paused("StatefulSet", preview_replicas=4)
    versions = [pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in place.all("Pod")]
    assert sorted(versions) == [BLUE, BLUE, YELLOW, YELLOW]


@pytest.mark.parametrize("style", ["revisions"])
def test_a_preview_service_of_the_users_has_pods_at_every_moment(style: str) -> None:
    """Also on the way back of a release after the first."""
    case = CASES[f"blue-green, {style}"]
    place = stage(case)
    place.call()
    empty: list[str] = []

    def look(change: Any) -> None:
        if change.kind.kind == "EndpointSlice" and not any(end["conditions"]["ready"] for end in change.after["endpoints"]):
            empty.append(change.after["metadata"]["name"])

    place.cluster.store.listeners.append(look)
    green = {"revision": {"images": {NAME: "argoproj/rollouts-demo:green"}}, "bluegreen": asking(style).more["bluegreen"]}
    place.call(options=green)
    place.call(state="aborted")
    assert not empty and images_behind(place, f"{NAME}-canary") == {YELLOW}


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
