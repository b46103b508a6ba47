"""A call that was refused says so, so that nobody aborts the release that it found; one that began something does not say so."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import rollout
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import TransportError
from ansible_collections.progressive.delivery.plugins.module_utils._module.outcome import refused, result_of
from ansible_collections.progressive.delivery.plugins.module_utils._module.results import EXPECTED_ERRORS
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Stage, stage
from ansible_collections.progressive.delivery.tests.unit.deaths.test_hands import Crowded

PAUSED = {"canary": {"steps": [{"set_weight": 20}, {"pause": {}}]}}
OTHER = {"revision": {"images": {NAME: "argoproj/rollouts-demo:green"}}}
CRASHING = {"revision": {"images": {NAME: "argoproj/rollouts-demo:crash-red"}}}


def paused(case: str = "clone") -> Stage:
    place = stage(CASES[case])
    place.call(options=PAUSED)
    return place


def opened(place: Stage, options: dict[str, Any] | None, transport: Any = None, **wish: Any) -> rollout.Run:
    """A call by the case's plan with these options, or without options by the plan in the record."""
    plan = {} if options is None else {**place.case.plan(), **PAUSED, **options}
    ctx = Context(Client(transport or place.cluster.server, place.cluster.time), place.cluster.time, NAMESPACE, NAME)
    return rollout.open_run(ctx, rollout.Wish(NAME, plan, **{"until": "end", **wish}))


REFUSED: dict[str, tuple[dict[str, Any] | None, dict[str, Any]]] = {
    "promote another revision": (None, {"promote": {"revision": 7}}),
    "promote a pause that is not there": (None, {"promote": {"step": 5}}),
    "promote another version": (OTHER, {"promote": {}}),
    "abort another revision": (None, {"state": "aborted", "revision": 7}),
    "hand another revision back": (None, {"state": "absent", "revision": 7}),
    "go on with another revision": ({}, {"revision": 7}),
    "a step out of order": ({}, {"until": "step", "ensure_step": 9}),
    "undo to a revision that is not there": (None, {"undo": "7"}),
    "another plan that cannot be read": ({"canary": {"steps": [{"set_wait": 1}]}}, {}),
    "another plan with a router that is not there": ({**OTHER, "routers": [{"type": "istio", "name": "nowhere"}]}, {}),
}


@pytest.mark.parametrize("case", ["clone", "revisions", "StatefulSet"])
@pytest.mark.parametrize("name", REFUSED)
def test_a_refused_call_says_so(case: str, name: str) -> None:
    place = paused(case)
    before = place.record()
    options, wish = REFUSED[name]
    run = opened(place, options, **wish)
    with pytest.raises(EXPECTED_ERRORS):
        rollout.carry_out(run)
    assert refused(run) and place.record() == before


def test_a_call_that_began_a_release_does_not_say_so() -> None:
    place = stage(CASES["clone"])
    run = opened(place, CRASHING)
    with pytest.raises(EXPECTED_ERRORS):
        rollout.carry_out(run)
    assert not refused(run) and result_of(run)["revision"] == 1


def test_a_call_that_goes_on_with_a_release_does_not_say_so() -> None:
    place = paused()
    path = f"/apis/networking.istio.io/v1beta1/namespaces/{NAMESPACE}/virtualservices/{NAME}"
    route = [{"destination": {"host": NAME}, "weight": 50}, {"destination": {"host": f"{NAME}-canary"}, "weight": 50}]
    body = {"spec": {"http": [{"name": "primary", "route": route}]}}
    place.cluster.server.request("PATCH", path, {}, body, "application/merge-patch+json")
    run = opened(place, None, promote={"revision": 1})
    with pytest.raises(EXPECTED_ERRORS, match="was changed by another client"):
        rollout.carry_out(run)
    assert not refused(run) and result_of(run)["revision"] == 1


def test_where_the_record_cannot_be_read_nothing_is_said_of_the_rollout() -> None:
    class Down:
        namespace = NAMESPACE

        def request(self, *_what: Any) -> Any:
            raise TransportError("nobody answers")

    run = opened(paused(), None, Down(), promote={})
    with pytest.raises(TransportError):
        rollout.carry_out(run)
    assert refused(run) and not run.read


def test_a_release_that_took_the_place_of_the_calls_own_is_not_reported_as_its() -> None:
    place = paused()
    run = opened(place, None, promote={})
    run.found = run.store.load()
    run.working = 1
    place.call(options={**PAUSED, **OTHER})
    run.found = run.store.load()
    assert run.record.revision == 2 and result_of(run)["revision"] == 1


@pytest.mark.parametrize("state", ["aborted", "absent"])
def test_an_abort_holds_to_its_revision_when_another_begins_meanwhile(state: str) -> None:
    """Just before the call takes the Lease."""
    place = paused()
    crowd = Crowded(place.cluster.server, 1, lambda: place.call(options={**PAUSED, **OTHER}))
    run = opened(place, None, crowd, state=state, revision=1)
    with pytest.raises(EXPECTED_ERRORS, match="is at revision 2, and this call goes on with revision 1"):
        rollout.carry_out(run)
    assert refused(run) and (place.record()["revision"], place.phase()) == (2, "Paused")
