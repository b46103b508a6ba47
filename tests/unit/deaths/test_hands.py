"""Other hands in the middle of a rollout, for every style: a second call, another plan, a user's edits. Nobody's request is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import process
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Drifted, Refused
from ansible_collections.progressive.delivery.tests.harness.memory.contract import MERGE_PATCH, Api
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE, MemoryServer
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Case, Stage, stage, virtual_service
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import at_first, back, undisturbed, wrong

STYLES = ["clone", "revisions", "pair", "StatefulSet", "DaemonSet"]
PAUSING = [{"set_weight": 50}, {"pause": {}}, {"set_weight": 20}]


class Crowded:
    """Sends requests on; before the write of that number another call comes."""

    def __init__(self, server: MemoryServer, write: int, other: Callable[[], object]) -> None:
        self.server, self.write, self.other, self.writes = server, write, other, 0
        self.namespace, self.stream = server.namespace, server.stream

    def request(self, method: str, *more: Any) -> Response:
        self.writes += method != "GET"
        if self.writes == self.write and method != "GET":
            self.write = 0
            self.other()
        return self.server.request(method, *more)


@pytest.mark.parametrize("style", [*STYLES, "blue-green, clone", "blue-green, revisions"])
def test_two_calls_at_once(style: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One works, the other says who does, wherever the first one is, and changes nothing."""
    monkeypatch.setattr(process, "is_gone", lambda _mark: False)
    wanted, writes = undisturbed(style)
    for write in range(5, writes - 2, 29):
        place = stage(CASES[style])
        told: list[str] = []
        place.call(Crowded(place.cluster.server, write, partial(_other, place, told)))  # type: ignore[arg-type]
        assert not wrong(place, wanted) and len(told) == 1 and "is working on it right now: wait until that run ends" in told[0], told


def _other(place: Stage, told: list[str]) -> None:
    """A call that comes while the first one lives: that renews its Lease."""
    lease = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{NAME}.rollout"
    renewed = {"spec": {"renewTime": "2026-01-01T00:00:00.000000Z"}}

    def renew() -> None:
        place.cluster.server.request("PATCH", lease, {}, renewed, MERGE_PATCH)

    place.cluster.time.after(1.0, renew)
    with pytest.raises(Refused) as refused:
        place.call()
    told.append(str(refused.value))


def _paused(style: str) -> Stage:
    """In the middle, at half of the traffic."""
    case = CASES[style]
    place = stage(Case(PAUSING, case.objects, case.workload, case.services, case.graceful))
    place.call()
    assert place.phase() == "Paused"
    return place


@pytest.mark.parametrize("style", STYLES)
def test_another_plan(style: str) -> None:
    place = _paused(style)
    version = place.cluster.store.version
    with pytest.raises(Refused, match="by another plan than this one: finish it with the same options, or abort it first"):
        place.call(options={"canary": {"steps": [{"set_weight": 10}]}})
    assert place.cluster.store.version == version
    place.call(promote={"full": True})
    assert not wrong(place, undisturbed(style)[0])


def test_a_hand_back_of_another_revision_is_refused() -> None:
    place = _paused("clone")
    version = place.cluster.store.version
    with pytest.raises(Refused, match="is at revision 1, and this call goes on with revision 2"):
        place.call(state="absent", revision=2)
    assert place.cluster.store.version == version
    place.call(state="absent", revision=1)
    assert not wrong(place, back("clone", "absent"))


def _weights(api: Api) -> None:
    route = virtual_service()["spec"]["http"][0]["route"]
    route[0]["weight"], route[1]["weight"] = 70, 30
    api.patch("VirtualService", NAME, spec={"http": [{"name": "primary", "route": route}]})


def _selector(api: Api) -> None:
    """Back to the application's own, as an apply of its manifests does."""
    pinned = api.get("Service", NAME)["spec"]["selector"]
    api.patch("Service", NAME, spec={"selector": dict.fromkeys({*pinned} - {"app", "track"})})


def _replicas(api: Api) -> None:
    api.patch("Deployment", NAME, spec={"replicas": 4})


EDITS: dict[str, Callable[[Api], None]] = {"the router": _weights, "the selector": _selector}


def _edited(style: str, edit: Callable[[Api], None]) -> Stage:
    place = _paused(style)
    edit(Api(place.cluster.server, NAMESPACE, lambda: place.cluster.time.sleep(0.05)))
    place.cluster.time.sleep(10)
    return place


# A pair's Service is pinned by its own selector; and what is left of a release in place is to give that very selector back.
CONTENT = {(style, "the selector") for style in ("pair", "StatefulSet", "DaemonSet")}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("style", STYLES)
def test_an_edit_stops_the_rollout_and_can_be_repaired(style: str, edit: str) -> None:
    place = _edited(style, EDITS[edit])
    if (style, edit) not in CONTENT:
        with pytest.raises(Drifted, match="changed by another client"):
            place.call(promote={"full": True})
    place.call(promote={"full": True}, on_drift="repair")
    assert not wrong(place, undisturbed(style)[0])


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("style", STYLES)
def test_after_an_edit_there_is_a_way_back(style: str, edit: str) -> None:
    place = _edited(style, EDITS[edit])
    place.call(state="aborted", on_drift="repair")
    assert not wrong(place, back(style, "aborted"))


@pytest.mark.parametrize("on_drift", ["fail", "repair", "accept"])
@pytest.mark.parametrize("style", ["clone", "clone under a share of the traffic", "clone, shares of pods", "revisions"])
def test_after_another_image_there_is_a_way_back(style: str, on_drift: str) -> None:
    """An abort is never refused because of that image, which waits while the Deployment is paused: it goes, unless it is accepted."""
    case = CASES[style]
    place = stage(replace(case, steps=PAUSING))
    place.call()
    place.edit("argoproj/rollouts-demo:green")
    place.call(state="aborted", on_drift=on_drift)
    [told] = [
        each for each in place.warnings if "changed its template during the rollout (rollouts-demo=argoproj/rollouts-demo:green)" in each
    ]
    if on_drift == "accept":
        assert "it stays, as on_drift says" in told
        assert place.end_state()["Deployment/rollouts-demo"]["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":green")
    else:
        assert "make that change again if it is still wanted" in told
        assert not wrong(place, back(style, "aborted"))


def test_who_scales_what_shares_pods_is_followed_on_the_way_back() -> None:
    place = stage(replace(CASES["clone, shares of pods"], steps=PAUSING))
    place.call()
    Api(place.cluster.server, NAMESPACE, lambda: place.cluster.time.sleep(0.05)).patch("Deployment", NAME, spec={"replicas": 5})
    place.cluster.time.sleep(10)
    with pytest.raises(Drifted, match=r"spec\.replicas is 5"):
        place.call(promote={"full": True})
    place.call(state="aborted")
    assert len(place.end_state()["pods"]) == 5 and not place.judge.complaints


@pytest.mark.parametrize("state", ["present", "aborted"])
@pytest.mark.parametrize("style", ["clone", "pair", "revisions"])
def test_replicas_are_the_users(style: str, state: str) -> None:
    """Who scales in the middle is followed, forwards and back."""
    place = _edited(style, _replicas)
    forwards = state == "present"
    place.call(**({"promote": {"full": True}} if forwards else {"state": state}))
    had = next(each["spec"].get("replicas", 1) for each in CASES[style].objects if each["kind"] == "Deployment")
    pods = len(place.end_state()["pods"])
    assert not place.judge.complaints and place.phase() == ("Healthy" if forwards else "Aborted")
    assert pods == len(at_first(style)["pods"]) + 4 - had
