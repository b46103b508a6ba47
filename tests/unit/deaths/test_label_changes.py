"""A new version with other labels on its pods, behind routes that lead by subsets: refused at the start, or before a router is put back."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import preflight
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.tests.harness.memory.contract import Api
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Case, Object, Stage, bluegreen, stage, workload

OLD, NEW = {"app": NAME, "version": "v1"}, {"app": NAME, "version": "v2"}
CONTAINER = {"name": NAME, "image": "argoproj/rollouts-demo:yellow"}
REVISION = {"template": {"metadata": {"labels": NEW}, "spec": {"containers": [CONTAINER]}}}
SAME = {"template": {"spec": {"containers": [CONTAINER]}}}
ROUTERS = [{"type": "istio", "name": NAME, "routes": ["primary"]}]
STEPS = {"canary": {"steps": [{"set_weight": 50}, {"pause": {}}]}}
STYLES: dict[str, Object] = {
    "clone": STEPS,
    "revisions": {"workload": {"name": NAME, "style": "revisions"}, **STEPS},
    "blue-green with the router named": {**bluegreen(auto_promotion=False), "routers": ROUTERS},
    "blue-green": bluegreen(auto_promotion=False),
}


def rule(**labels: str) -> Object:
    spec = {"host": NAME, "subsets": [{"name": "v1", "labels": labels}]}
    return {"apiVersion": "networking.istio.io/v1beta1", "kind": "DestinationRule", "metadata": {"name": NAME}, "spec": spec}


def placed(options: Object, *more: Object) -> Stage:
    """The route leads to the stable Service by a subset."""
    live = workload("Deployment", replicas=2)
    live["spec"]["template"]["metadata"]["labels"] = OLD
    _first, *rest = copy.deepcopy(CASES["clone"].objects)
    for each in rest:
        if each["kind"] == "VirtualService":
            each["spec"]["http"][0]["route"] = [{"destination": {"host": NAME, "subset": "v1"}}]
    return stage(Case([], (live, *rest, *more), services=(), more=options))


@pytest.mark.parametrize("options", STYLES.values(), ids=STYLES)
def test_a_start_is_refused(options: Object) -> None:
    place = placed(options, rule(version="v1"))
    version = place.cluster.store.version
    message = f"VirtualService test/{NAME} leads to Service {NAME} by subset v1 (version=v1, in DestinationRule test/{NAME})"
    with pytest.raises(Refused) as refused:
        place.call(options={"revision": REVISION})
    assert str(refused.value).startswith(message) and place.cluster.store.version == version
    ctx = Context(Client(place.cluster.server, place.cluster.time), place.cluster.time, NAMESPACE, NAME)
    found = preflight.run(ctx, NAME, {**place.case.plan(), "revision": REVISION})
    assert not found["ok"] and any(f"{each['object']} {each['problem']}".startswith(message) for each in found["findings"])


@pytest.mark.parametrize("options", STYLES.values(), ids=STYLES)
@pytest.mark.parametrize("labels", [{"app": NAME}, {}], ids=["of both", "none"])
def test_a_subset_of_both_is_served(options: Object, labels: dict[str, str]) -> None:
    place = placed(options, rule(**labels))
    place.call(options={"revision": REVISION})
    place.call(options={"revision": REVISION}, promote={"full": True})
    place.cluster.time.sleep(30)
    assert place.phase() == "Healthy" and not place.judge.complaints, place.judge.complaints


@pytest.mark.parametrize("style", ["clone", "revisions", "blue-green with the router named"])
def test_a_router_is_not_put_back_where_nobody_would_answer(style: str) -> None:
    """The subset gets other labels in the middle of the release: all traffic stays where it is served."""
    place = placed(STYLES[style], rule(app=NAME))
    place.call(options={"revision": REVISION})
    api = Api(place.cluster.server, NAMESPACE, lambda: place.cluster.time.sleep(0.05))
    api.patch("DestinationRule", NAME, spec=rule(version="v1")["spec"])
    before = len(place.judge.complaints)
    with pytest.raises(Refused, match=r"subset v1,? (has no ready endpoints with the labels version=v1|\(version=v1, in)"):
        place.call(options={"revision": REVISION}, promote={"full": True})
    place.cluster.time.sleep(30)
    assert place.judge.complaints[before:] == []
    api.patch("DestinationRule", NAME, spec=rule(app=NAME)["spec"])
    place.call(options={"revision": REVISION}, promote={"full": True})
    assert place.phase() == "Healthy" and place.judge.complaints[before:] == []


@pytest.mark.parametrize("revision", [REVISION, SAME], ids=["other labels", "the same labels"])
def test_more_is_read_only_where_the_labels_change(revision: Object) -> None:
    place = placed(STEPS, rule(app=NAME))
    asked: list[str] = []

    class Listening:
        """Notes the kinds that are listed."""

        namespace, stream = place.cluster.server.namespace, place.cluster.server.stream

        def request(self, method: str, path: str, *more: Any) -> Any:
            if method == "GET":
                asked.append(path.rsplit("/", 1)[-1])
            return place.cluster.server.request(method, path, *more)

    place.call(Listening(), options={"revision": revision})  # type: ignore[arg-type]
    read = {"networkpolicies", "virtualservices", "podmonitors", "authorizationpolicies"} & set(asked)
    assert len(read) == (4 if revision is REVISION else 0)


def test_an_abort_goes_back_to_the_subset() -> None:
    place = placed(STEPS, rule(app=NAME))
    place.call(options={"revision": REVISION})
    Api(place.cluster.server, NAMESPACE, lambda: place.cluster.time.sleep(0.05)).patch(
        "DestinationRule", NAME, spec=rule(version="v1")["spec"]
    )
    place.call(state="aborted")
    place.cluster.time.sleep(30)
    assert place.phase() == "Aborted" and not place.judge.complaints
