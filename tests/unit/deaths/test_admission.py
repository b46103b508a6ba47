"""Admission that changes what is written: a release ends, the same call has nothing to do, undo works, and no abort is refused."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Failed
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import process
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.errors import ApiError
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.tests.harness.memory.admission import (
    Webhook,
    counted,
    defaulted,
    denying,
    injected,
    marked,
    mirror,
)
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Object, Stage, stage
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import NEVER, different, live_until

MIRROR = mirror("argoproj/", "mirror.test/")
WEBHOOKS: dict[str, Webhook] = {"mirror": MIRROR, "injected": injected("sidecar")}
# A held Deployment's new version is what waits in its template, which admission has seen.
STYLES = [name for name, case in CASES.items() if not case.edited]
SOME = ["clone", "clone under a share of the traffic", "clone, shares of pods", "revisions", "pair", "StatefulSet", "DaemonSet"]
SOME += ["blue-green, clone", "blue-green, revisions", "blue-green, pair", "blue-green, StatefulSet"]
EXTENT = [pytest.param(17, id="some"), pytest.param(1, id="all", marks=pytest.mark.full)]
CRASHING = "crash-red"


@pytest.fixture(autouse=True)
def _dead_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dead run's Lease names this very process, which lives on."""
    monkeypatch.setattr(process, "is_gone", lambda _mark: True)


def images(place: Stage) -> set[str]:
    """Of the workload's template and of all pods."""
    [live] = [each for kind in ("Deployment", "StatefulSet", "DaemonSet") for each in place.all(kind) if each["metadata"]["name"] == NAME]
    pods = [pod["spec"]["containers"][0]["image"] for pod in place.all("Pod")]
    return {live["spec"]["template"]["spec"]["containers"][0]["image"], *pods}


@cache
def at_first(case: str, webhook: str) -> Object:
    return stage(CASES[case], *CASES[case].declared, webhooks=[WEBHOOKS[webhook]]).end_state()


def with_what_is_declared(place: Stage, end: Object, wanted: Object) -> Object:
    """A call that ended very early may not have come to make what is declared."""
    if place.case.declared and f"VirtualService/{NAME}" not in end:
        return {**end, **{key: wanted[key] for key in (f"VirtualService/{NAME}", f"Service/{NAME}", "behind")}}
    return end


def comparable(state: Object) -> Object:
    """Whatever the registry is, which an object keeps until its next write, and so whatever its pods' hash is."""
    text = json.dumps({**state, "pods": len(state["pods"])}, sort_keys=True)
    return dict(json.loads(text.replace("mirror.test/", "argoproj/")))


@pytest.mark.parametrize("webhook", WEBHOOKS)
@pytest.mark.parametrize("case", STYLES)
def test_a_release_and_the_same_call_again(case: str, webhook: str) -> None:
    place = stage(CASES[case], webhooks=[WEBHOOKS[webhook]])
    place.call()
    place.cluster.time.sleep(60)
    version, record = place.cluster.store.version, place.record()
    again = place.call()
    assert (place.phase(), place.record()["revision"]) == ("Healthy", 1)
    assert not place.judge.complaints
    assert place.cluster.store.version == version and place.record() == record and not again.ctx.journal.changed


@pytest.mark.parametrize("webhook", WEBHOOKS)
@pytest.mark.parametrize("case", STYLES)
def test_undo(case: str, webhook: str) -> None:
    place = stage(CASES[case], webhooks=[WEBHOOKS[webhook]])
    before = images(place)
    place.call()
    place.cluster.time.sleep(10)
    place.call(undo="previous")
    place.cluster.time.sleep(60)
    assert place.phase() == "Healthy" and not place.judge.complaints
    if place.case.workload.get("style") != "revisions":
        assert images(place) == before


@pytest.mark.parametrize("step", EXTENT)
@pytest.mark.parametrize("webhook", ["mirror"])
@pytest.mark.parametrize("case", SOME)
def test_an_abort_at_any_place_of_a_release(case: str, webhook: str, step: int) -> None:
    found = {}
    for write in range(5, NEVER, step):
        place = stage(CASES[case], webhooks=[WEBHOOKS[webhook]])
        if live_until(place, write) < write:
            break
        found[write] = aborted(place, at_first(case, webhook))
    assert found and not {write: problem for write, problem in found.items() if problem}


def aborted(place: Stage, wanted: Object, **wish: Any) -> object:
    """What is wrong after an abort; there is none once the new version has been promoted."""
    try:
        place.call(state="aborted", **wish)
    except Refused as refused:
        return None if "only tidying up is left" in str(refused) else repr(refused)
    except Failed as failed:
        return repr(failed)
    if place.phase() == "Healthy":
        return None
    end = with_what_is_declared(place, place.end_state(), wanted)
    return place.judge.complaints or different(comparable({**end, "phase": ""}), comparable({**wanted, "phase": ""}))


@pytest.mark.parametrize("on_drift", ["fail", "repair", "accept"])
@pytest.mark.parametrize("webhook", WEBHOOKS)
@pytest.mark.parametrize("case", STYLES)
def test_no_crashing_template_is_left(case: str, webhook: str, on_drift: str) -> None:
    place = stage(replace(CASES[case], image=CRASHING), webhooks=[WEBHOOKS[webhook]])
    with pytest.raises(Failed):
        place.call(on_drift=on_drift)
    assert not aborted(place, at_first(case, webhook), on_drift=on_drift)
    assert not any(CRASHING in image for image in images(place))


@pytest.mark.parametrize("webhook", WEBHOOKS)
@pytest.mark.parametrize("case", ["clone", "clone, shares of pods", "revisions", "pair", "StatefulSet", "DaemonSet"])
def test_a_promotion_by_a_record_without_a_seal(case: str, webhook: str) -> None:
    """Nothing runs the images that the record names; what runs is known by its hash. A record of another version is refused as before."""
    place = stage(replace(CASES[case], steps=[{"set_weight": 50}, {"pause": {}}]), webhooks=[WEBHOOKS[webhook]])
    place.call()
    assert place.phase() == "Paused"
    place.call(recorded=True, promote={"full": True})
    assert place.phase() == "Healthy" and not place.judge.complaints
    place.cluster.time.sleep(60)
    version = place.cluster.store.version
    place.call(recorded=True)
    assert place.cluster.store.version == version and place.record()["revision"] == 1


# The application was there before the webhook, which sees it with the first write of the release, or in its middle.
@pytest.mark.parametrize("step", EXTENT)
@pytest.mark.parametrize("case", [each for each in SOME if each != "clone, shares of pods"])
def test_a_webhook_that_comes_in_the_middle(case: str, step: int) -> None:
    """The release ends, or says why it does not, and can be aborted wherever it is.

    The next write of the workload changes its template, so that the Deployment rolls by itself; its pods serve until they are gone.
    """
    found: dict[Any, object] = {}
    for write in range(1, NEVER, step):
        for forwards in (True, False):
            place = stage(replace(CASES[case], graceful=True))
            if live_until(place, write) < write:
                break
            place.cluster.store.webhooks.append(MIRROR)
            if forwards:
                with contextlib.suppress(Failed, Refused):
                    place.call()
            if place.phase() != "Healthy":
                found[write, forwards] = aborted(place, at_first(case, "mirror"))
        else:
            continue
        break
    assert not {write: problem for write, problem in found.items() if problem}


@pytest.mark.parametrize("case", SOME)
def test_admission_that_never_comes_to_rest_is_refused_before_anything_is_written(case: str) -> None:
    place = stage(CASES[case], webhooks=[counted()])
    version = place.cluster.store.version
    with pytest.raises(
        Refused, match=r"pod template that admission changes at each write .*annotations.*: make the mutating webhook or policy idempot"
    ):
        place.call()
    assert place.cluster.store.version == version


def _retries(spec: Object) -> None:
    for route in spec["http"]:
        route.setdefault("retries", {"attempts": 2})


def _traffic_policy(spec: Object) -> None:
    spec.setdefault("internalTrafficPolicy", "Cluster")
    spec["sessionAffinity"] = "ClientIP"


BESIDE: dict[str, Webhook] = {
    "labels and annotations": marked(
        ["Service", "VirtualService", "Ingress", "ConfigMap", "Lease", "Deployment", "StatefulSet", "DaemonSet"]
    ),
    "defaults of routers": defaulted("VirtualService", _retries),
    "defaults of Services": defaulted("Service", _traffic_policy),
}


@pytest.mark.parametrize("from_the_start", [True, False])
@pytest.mark.parametrize("webhook", BESIDE)
@pytest.mark.parametrize("case", STYLES)
def test_admission_that_changes_other_fields(case: str, webhook: str, from_the_start: bool) -> None:
    """What is compared and put back are the fields that the rollout set."""
    place = stage(CASES[case], webhooks=[BESIDE[webhook]] if from_the_start else [])
    first = place.end_state()
    place.cluster.store.webhooks[:] = [BESIDE[webhook]]
    place.call()
    place.cluster.time.sleep(60)
    assert place.phase() == "Healthy" and not place.judge.complaints
    version = place.cluster.store.version
    place.call()
    assert place.cluster.store.version == version
    place.case = replace(place.case, image=CRASHING)
    with pytest.raises(Failed):
        place.call()
    place.call(state="aborted")
    assert place.phase() == "Aborted" and not place.judge.complaints
    place.call(state="absent")
    assert place.phase() is None and not place.judge.complaints
    if from_the_start and not place.case.declared:
        end = with_what_is_declared(place, place.end_state(), first)
        changed = {
            key
            for key in different(comparable(end), comparable(first))
            if not key.startswith(("Deployment/", "StatefulSet/", "DaemonSet/"))
        }
        assert changed <= {"behind", "pods"} and len(end["pods"]) == len(first["pods"])


DENIED: dict[str, tuple[str, Any]] = {
    "the new version beside the workload": ("Deployment", lambda before, _obj: before is None),
    "the router": ("VirtualService", lambda before, _obj: before is not None),
    "the promotion": ("Deployment", lambda before, obj: before is not None and "yellow" in json.dumps(obj["spec"]["template"])),
}


@pytest.mark.parametrize("what", DENIED)
def test_admission_that_refuses_in_the_middle(what: str) -> None:
    """The message names the object, and the webhook's; an abort is possible while the webhook is there."""
    kind_name, refused = DENIED[what]
    place = stage(replace(CASES["clone"], steps=[{"set_weight": 0}, {"pause": {}}, {"set_weight": 50}]))
    first = place.end_state()
    if what != "the new version beside the workload":
        place.call()
        assert place.phase() == "Paused"
    refusing = denying(lambda kind, before, obj: kind.kind == kind_name and refused(before, obj), "not in this namespace")
    place.cluster.store.webhooks.append(refusing)
    wish: dict[str, Any] = {"promote": {"full": True}} if place.record() else {}
    with pytest.raises(ApiError, match=f"{kind_name} test/{NAME}.*not in this namespace"):
        place.call(**wish)
    if what == "the router":
        place.cluster.store.webhooks.clear()
    assert not aborted(place, first)
