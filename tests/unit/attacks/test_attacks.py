"""Whoever may write one kind of object in the namespace gains nothing by it from the operator's next call."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import rollout
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Failed, NotYet
from ansible_collections.progressive.delivery.plugins.module_utils._actions.lease import Lost
from ansible_collections.progressive.delivery.plugins.module_utils._actions.run import Run
from ansible_collections.progressive.delivery.plugins.module_utils._cluster import probing
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.errors import ApiError
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response
from ansible_collections.progressive.delivery.plugins.module_utils._module.outcome import result_of, tree_of
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.tests.harness.memory.server import MemoryServer
from ansible_collections.progressive.delivery.tests.unit.attacks.table import ATTACKS, CASE, EVIL, OTHER, Attack, scene
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import NAME, Object, Stage

PROBLEMS = (Refused, Failed, NotYet, Lost, ApiError)
_OURS = re.compile(
    rf"/namespaces/test/(?:events|(?:\w+)/{NAME}(?:-canary|-[0-9a-f]{{10}}|\.rollout)?$|configmaps$|leases$|deployments$|services$)"
)
_LONGEST = 2 * 86400.0


class Witness:
    """Passes requests on, and writes down what was asked."""

    def __init__(self, server: MemoryServer) -> None:
        self.server, self.namespace = server, server.namespace
        self.paths: list[str] = []
        self.writes: list[tuple[str, str, Any]] = []

    def request(self, method: str, path: str, query: Any = None, body: Any = None, *more: Any) -> Response:
        self.paths.append(path)
        if method != "GET" and not path.endswith("reviews"):
            self.writes.append((method, path, body))
        return self.server.request(method, path, query, body, *more)

    def stream(self, path: str, *more: Any) -> Any:
        self.paths.append(path)
        return self.server.stream(path, *more)


def others(place: Stage) -> Object:
    """All objects of the application that this rollout is none of."""
    kinds = ("Deployment", "Service", "VirtualService", "HorizontalPodAutoscaler", "PodDisruptionBudget", "Secret")
    return {
        f"{kind}/{obj['metadata']['name']}": {key: value for key, value in obj.items() if key != "status"}
        for kind in kinds
        for obj in place.all(kind)
        if obj["metadata"]["name"].startswith(OTHER)
    }


def weight(place: Stage) -> int:
    """What the canary gets, in percent."""
    [route] = [each["spec"]["http"][0]["route"] for each in place.all("VirtualService") if each["metadata"]["name"] == NAME]
    return sum(each.get("weight", 0) for each in route if each["destination"]["host"].startswith(f"{NAME}-canary"))


def attacked(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> tuple[Stage, Witness, Exception | None]:
    asked: list[str] = []
    monkeypatch.setattr(probing, "probe", lambda _clock, wanted, *_more: asked.append(wanted.url))
    place = scene(paused=attack.paused)
    before, held, began = others(place), weight(place), place.cluster.time.now()
    attack.act(place)
    marked = others(place)
    witness = Witness(place.cluster.server)
    problem: Exception | None = None
    runs: list[Run] = []
    open_run = rollout.open_run

    def opened(*given: Any) -> Run:
        runs.append(open_run(*given))
        return runs[-1]

    monkeypatch.setattr(rollout, "open_run", opened)
    try:
        place.call(witness, **attack.call)  # type: ignore[arg-type]
    except PROBLEMS as raised:
        problem = raised
    for run in runs:
        if run.read:
            assert result_of(run)["phase"] and tree_of(run), "it cannot be told how the call ended"
    after = others(place)
    assert after == marked, "objects of another application were changed"
    assert set(before) <= set(after)
    assert place.cluster.time.now() - began < _LONGEST, "it waited for ever"
    assert not asked, f"{asked} was asked"
    assert not (attack.holds and weight(place) > held), "a pause was passed that nobody approved"
    return place, witness, problem


@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_is_gained(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place, witness, problem = attacked(ATTACKS[name], monkeypatch)
    bad = [path for path in witness.paths if re.search(r"\.\.|[?#%]|//", path)]
    assert not bad, f"{bad} left the client"
    foreign = [(method, path) for method, path, _body in witness.writes if not _OURS.search(path)]
    assert not foreign, f"{foreign} was written"
    written = json.dumps([body for _method, path, body in witness.writes if "/configmaps" not in path and "/events" not in path])
    assert EVIL not in written and "serviceAccountName" not in written and "hostPID" not in written
    templates = [each["spec"]["template"]["spec"] for each in place.all("Deployment")]
    assert all("hostPID" not in each and EVIL not in json.dumps(each) for each in templates)
    assert len({obj["metadata"]["name"] for obj in place.all("Service")} & {NAME, f"{NAME}-canary"}) == 2, "a Service of the user's is gone"
    assert problem is None or ("\n" not in str(problem) and len(str(problem)) < 1500)


def test_the_table_is_long_enough_and_what_is_honest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(ATTACKS) >= 60
    place, _witness, problem = attacked(Attack("nothing", lambda _place: None, {"recorded": True, "promote": {"full": True}}), monkeypatch)
    assert problem is None and place.phase() == "Healthy"
    assert CASE.steps
