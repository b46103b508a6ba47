"""Whoever looks at a rollout is told where it stands and what is broken, in whatever state it is, and writes nothing."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions import info
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.client import Client
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import Response
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.watching import mark
from ansible_collections.progressive.delivery.tests.harness.memory.server import NAMESPACE, MemoryServer
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, Object, Stage, stage, workload
from ansible_collections.progressive.delivery.tests.unit.deaths.mortal import live_until, undisturbed

PAUSED = {"canary": {"steps": [{"set_weight": 20}, {"pause": {}}]}}
PROMOTE = {"auto_promotion": False, "scale_down_delay": 60}


class Forbidding:
    """Lets everything be read but these kinds."""

    def __init__(self, server: MemoryServer, *plurals: str) -> None:
        self.server, self.plurals = server, plurals
        self.namespace, self.stream = server.namespace, server.stream

    def request(self, method: str, path: str, *more: Any) -> Response:
        assert method == "GET", f"{method} {path}"
        if path.partition(NAMESPACE)[2].split("/")[1] in self.plurals:
            return Response(403, {}, {"message": "forbidden"})
        return self.server.request(method, path, *more)


def context(place: Stage, *forbidden: str) -> Context:
    transport: Any = Forbidding(place.cluster.server, *forbidden)
    return Context(Client(transport, place.cluster.time), place.cluster.time, NAMESPACE, "")


def look(place: Stage, *forbidden: str) -> Object:
    names = [NAME] if forbidden else info.names(context(place)) or [NAME]
    [found] = [info.read_status(context(place, *forbidden), name) for name in names]
    return found


def paused(case: str = "clone") -> Stage:
    place = stage(CASES[case])
    place.call(options=PAUSED)
    return place


@pytest.mark.parametrize("case", CASES)
def test_wherever_a_run_has_died_there_is_a_picture_and_nothing_is_said_to_be_broken(case: str) -> None:
    writes = undisturbed(case)[1]
    for write in sorted({*range(1, writes, max(1, writes // 6)), writes}):
        place = stage(CASES[case])
        live_until(place, write)
        seen = look(place)
        assert seen["problems"] == [], f"{case}, write {write}: {seen['tree']}"
        assert seen["phase"] in seen["tree"] and (seen["progress"] is None) == (seen["phase"] == "Healthy")


def test_a_canary_is_told_by_versions() -> None:
    seen = look(paused())
    assert (seen["phase"], seen["reason"], seen["set_weight"], seen["actual_weight"]) == ("Paused", "waiting for promotion", 20, 20)
    assert seen["images"] == [
        {"image": "argoproj/rollouts-demo:blue", "roles": ["stable"]},
        {"image": "argoproj/rollouts-demo:yellow", "roles": ["canary"]},
    ]
    assert seen["replicas"] == {"desired": 1, "current": 2, "updated": 1, "ready": 2, "available": 2}
    assert [(each["revision"], [part["name"] for part in each["workloads"]]) for each in seen["revisions"]] == [
        (1, [f"{NAME}-canary"]),
        (0, [NAME]),
    ]


@pytest.mark.parametrize("case", ["clone", "revisions", "StatefulSet", "DaemonSet"])
@pytest.mark.parametrize("values", [[NAME], [NAME, "other"]], ids=["one value", "two values"])
def test_a_selector_of_expressions_alone(case: str, values: list[str]) -> None:
    """Its pods are told, and no others of the namespace, during a release and after it."""
    own, stranger = copy.deepcopy(CASES[case].objects[0]), workload("Deployment", "stranger", {"app": "stranger"})
    own["spec"]["selector"] = {"matchExpressions": [{"key": "app", "operator": "In", "values": values}]}
    place = stage(replace(CASES[case], objects=(own, *CASES[case].objects[1:])), stranger)
    count = len([pod for pod in place.all("Pod") if pod["metadata"]["labels"]["app"] == NAME])
    place.call(options=PAUSED)
    seen = look(place)
    assert seen["problems"] == [] and seen["replicas"]["updated"] >= 1 and "stranger" not in seen["tree"]
    place.call(options=PAUSED, promote={"full": True})
    told = look(place)["replicas"]
    assert (place.phase(), told["current"], told["updated"], told["ready"]) == ("Healthy", count, count, count)
    assert not place.judge.complaints


def test_the_sentence_of_a_pair_without_labels_is_true() -> None:
    first, second, *rest = copy.deepcopy(CASES["pair"].objects)
    second["spec"]["selector"] = {"matchExpressions": [{"key": "track", "operator": "In", "values": ["canary", "b"]}]}
    with pytest.raises(Refused, match=f"Deployment test/{NAME}-canary has no matchLabels in its selector, so that no Service"):
        stage(replace(CASES["pair"], objects=(first, second, *rest))).call()
    second["spec"]["selector"] = {"matchExpressions": [{"key": "track", "operator": "In", "values": ["canary"]}]}
    place = stage(replace(CASES["pair"], objects=(first, second, *rest)))
    place.call()
    assert place.phase() == "Healthy" and not place.judge.complaints


def test_blue_green_is_told_by_where_the_services_lead() -> None:
    place = stage(CASES["blue-green, revisions"])
    plan = {"bluegreen": {**CASES["blue-green, revisions"].more["bluegreen"], **PROMOTE}}
    place.call(options=plan)
    seen = look(place)
    assert (seen["strategy"], seen["phase"], [each["roles"] for each in seen["images"]]) == (
        "bluegreen",
        "Paused",
        [["active"], ["preview"]],
    )
    live_until(place, 14, options=plan, promote={})
    seen = look(place)
    assert "delay" in seen["tree"] or seen["phase"] == "Progressing"


def test_a_delay_counts_down() -> None:
    place = stage(CASES["revisions"])
    plan = {"canary": {"steps": [], "scale_down_delay": 60}}
    writes = live_until(stage(CASES["revisions"]), 10_000, options=plan)
    for write in range(writes, 0, -1):
        place = stage(CASES["revisions"])
        live_until(place, write, options=plan)
        if (place.record().get("resume_at") or 0) > place.cluster.time.now():
            break
    place.cluster.time.go_to(place.record()["resume_at"] - 8.5)
    seen = look(place)
    assert [part["delay"] for each in seen["revisions"] for part in each["workloads"]] == [None, pytest.approx(8.5, abs=0.1)]
    assert "stable,ready:2/2,delay:8s" in seen["tree"] and "the end of the delay at" in seen["tree"]


def gone(kind: str, name: str) -> Callable[[Stage], None]:
    def act(place: Stage) -> None:
        [found] = [each for each in place.all(kind) if each["metadata"]["name"] == name]
        [where] = [each for each in place.cluster.store.objects if each.kind == kind]
        place.cluster.store.remove(where, found)
        place.cluster.time.sleep(5)

    return act


def recorded(change: Callable[[Object], Any]) -> Callable[[Stage], None]:
    """Somebody writes into the record."""

    def act(place: Stage) -> None:
        raw = place.record()
        after = change(raw)
        body = {"data": {"record": after if isinstance(after, str) else json.dumps(raw)}}
        path = f"/api/v1/namespaces/{NAMESPACE}/configmaps/{NAME}.rollout"
        assert place.cluster.server.request("PATCH", path, {}, body, "application/merge-patch+json").status == 200

    return act


def held_by_the_dead(place: Stage) -> None:
    body = {"spec": {"holderIdentity": "ann@host pid 7", "leaseDurationSeconds": 15, "renewTime": "2020-01-01T00:00:00.000000Z"}}
    path = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{NAME}.rollout"
    assert place.cluster.server.request("PATCH", path, {}, body, "application/merge-patch+json").status == 200


BROKEN = [
    pytest.param("clone", recorded(lambda _raw: "{"), "Unknown", "cannot be read: restore ConfigMap", id="a record that is no JSON"),
    pytest.param("clone", recorded(lambda raw: raw.update(format=9)), "Unknown", "has format 9", id="a record of another format"),
    pytest.param("clone", recorded(lambda raw: raw.update(steps="x")), "Unknown", "cannot be read", id="a record of other types"),
    pytest.param(
        "clone",
        recorded(lambda raw: raw["plan"].update(hold="x")),
        "Paused",
        "is none that this release reads (hold",
        id="a plan that is refused",
    ),
    pytest.param(
        "clone", recorded(lambda raw: raw.update(program="abort", aborted_at=99)), "Paused", "contradicts itself", id="no such place"
    ),
    pytest.param("clone", gone("ConfigMap", f"{NAME}.rollout"), "Healthy", "is left of rollout", id="no record"),
    pytest.param("clone", gone("Deployment", NAME), "Paused", f"Deployment test/{NAME} does not exist: apply", id="no workload"),
    pytest.param("clone", gone("Deployment", f"{NAME}-canary"), "Paused", "which runs the new version, does not exist: abort", id="clone"),
    pytest.param("clone", gone("Deployment", f"{NAME}-canary"), "Paused", "has no ready endpoints and gets 20 %", id="nothing behind it"),
    pytest.param("clone", gone("Service", NAME), "Paused", f"Service test/{NAME} (stable) does not exist: apply", id="no stable Service"),
    pytest.param("clone", gone("Service", f"{NAME}-canary"), "Paused", "(canary) does not exist: apply", id="no canary Service"),
    pytest.param("clone", gone("VirtualService", NAME), "Paused", f"VirtualService test/{NAME} does not exist", id="no router"),
    pytest.param("pair", gone("Deployment", f"{NAME}-canary"), "Paused", f"{NAME}-canary does not exist: apply", id="half a pair"),
    pytest.param("clone", held_by_the_dead, "Paused", "is held by ann@host pid 7, which is gone: run", id="a dead holder"),
]


@pytest.mark.parametrize(("case", "happens", "phase", "said"), BROKEN)
def test_what_is_broken_is_told_with_its_remedy(case: str, happens: Callable[[Stage], None], phase: str, said: str) -> None:
    place = paused(case)
    happens(place)
    seen = look(place)
    assert seen["phase"] == phase, seen["tree"]
    assert [each for each in seen["problems"] if said in each and "\n" not in each], seen["problems"]
    assert "Problems:" in seen["tree"] and "⚠" in seen["tree"]


@pytest.mark.parametrize("plural", ["services", "endpointslices", "pods", "deployments", "virtualservices", "leases", "configmaps"])
def test_what_may_not_be_read_hides_nothing_else(plural: str) -> None:
    seen = look(paused(), plural)
    verb = "get" if plural in ("deployments", "virtualservices", "leases", "configmaps") else "list"
    assert seen["problems"] and all(f"the verb '{verb}' on {plural}" in each for each in seen["problems"]), seen["problems"]
    assert seen["phase"] == ("Unknown" if plural == "configmaps" else "Paused") and "Problems:" in seen["tree"]


def test_one_that_is_broken_hides_no_other() -> None:
    place = paused()
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other.rollout", "labels": {}}, "data": {"record": "{"}}
    body["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "progressive.delivery", "progressive.delivery/rollout": "other"}  # type: ignore[index]
    place.cluster.server.request("POST", f"/api/v1/namespaces/{NAMESPACE}/configmaps", None, body)
    ctx = context(place)
    assert [info.read_status(ctx, name)["phase"] for name in info.names(ctx)] == ["Unknown", "Paused"]


def test_a_second_look_waits_for_a_change() -> None:
    place = paused()
    first = info.wait_for_status(context(place), None, "", 30.0)
    began = place.cluster.time.now()
    again = info.wait_for_status(context(place), NAME, mark(first), 7.0)
    assert mark(again) == mark(first) and place.cluster.time.now() == pytest.approx(began + 7.0, abs=0.5)
    gone("Service", NAME)(place)
    began = place.cluster.time.now()
    assert mark(info.wait_for_status(context(place), NAME, mark(first), 7.0)) != mark(first)
    assert place.cluster.time.now() == pytest.approx(began, abs=0.5)


@pytest.mark.parametrize("case", ["clone with a bystander, the canary Service made", "blue-green, clone"])
def test_a_made_service_is_spoken_to_as_the_stable_one(case: str) -> None:
    objects = copy.deepcopy(CASES[case].objects)
    spoken, left = {"konghq.com/protocol": "grpc"}, {"external-dns.alpha.kubernetes.io/hostname": "shop.example.org"}
    for each in objects:
        if (each["kind"], each["metadata"]["name"]) == ("Service", NAME):
            each["metadata"]["annotations"] = {**spoken, **left, "example.org/x": "y"}
    place = stage(replace(CASES[case], objects=objects))
    bluegreen = case.startswith("blue-green")
    paused = {"bluegreen": {**CASES[case].more["bluegreen"], "auto_promotion": False}} if bluegreen else PAUSED
    told = place.call(options=paused).ctx.journal.warnings
    assert place.cluster.get("Service", f"{NAME}-canary")["metadata"]["annotations"] == spoken
    assert [text for text in told if "(example.org/x)" in text]
