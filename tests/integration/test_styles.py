"""Every style of workload: releases, aborts and the hand-back lose no request, and the hand-back leaves the application as it was."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application, until
from ansible_collections.progressive.delivery.tests.harness.mortal import PHASES, through_deaths

REPLICAS = 3
NAME = "rollouts-demo"


def _kept(app: Application) -> None:
    app.scale(REPLICAS)


def _graceful(app: Application) -> None:
    """Pods with traffic are ended: they end gracefully."""
    app.scale(REPLICAS)
    app.change_container(lifecycle={"preStop": {"sleep": {"seconds": 4}}})
    app.wait_for_pods(REPLICAS)
    until("its new pods alone answer", lambda: {request.pod for request in app.sent(60)} == set(app.names("Pod")))


def _with_a_second_deployment(app: Application) -> None:
    """As its user keeps it: with a version of its own, and no pods."""
    app.scale(REPLICAS)
    other = copy.deepcopy(app.get("Deployment"))
    other["metadata"] = {"name": f"{app.name}-canary"}
    other["spec"]["selector"]["matchLabels"] = {"app": f"{app.name}-canary"}
    other["spec"]["template"]["metadata"]["labels"] = {"app": f"{app.name}-canary"}
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "argoproj/rollouts-demo:red"
    other["spec"]["replicas"] = 0
    app.request("POST", "Deployment", body=other)
    app.patch("Service", f"{app.name}-canary", {"spec": {"selector": {"app": f"{app.name}-canary"}}})


def _as(kind: str, **more: Any) -> Callable[[Application], None]:
    def change(app: Application) -> None:
        """The Deployment's pods, run by another kind of workload. Pods with traffic are ended in this style: they end gracefully."""
        spec = copy.deepcopy(app.get("Deployment")["spec"])
        spec["template"]["spec"]["containers"][0]["lifecycle"] = {"preStop": {"sleep": {"seconds": 4}}}
        own = {"selector": spec["selector"], "template": spec["template"], **more}
        app.make({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": app.name}, "spec": own})
        count = more.get("replicas", 2)
        ready = {"StatefulSet": "readyReplicas", "DaemonSet": "numberReady"}[kind]
        until(f"{kind} is ready", lambda: app.get(kind).get("status", {}).get(ready) == count)
        app.delete("Deployment")
        app.wait_for("blue")
        until("its pods are alone", lambda: len(app.names("Pod")) == count)

    return change


# What the plan says, and what the application is like.
STYLES: dict[str, tuple[dict[str, Any], Callable[[Application], None]]] = {
    "rolling": ({"workload": {"name": NAME}, "promotion": "rolling"}, _graceful),
    "replicas": ({"workload": {"name": NAME}, "routers": [{"type": "replicas"}], "services": {"stable": NAME}}, _graceful),
    "revisions": ({"workload": {"name": NAME, "style": "revisions"}}, _kept),
    "pair": ({"workload": {"name": NAME, "style": "pair"}}, _with_a_second_deployment),
    "StatefulSet": ({"workload": {"name": NAME, "kind": "StatefulSet"}}, _as("StatefulSet", serviceName="", replicas=REPLICAS)),
    "DaemonSet": ({"workload": {"name": NAME, "kind": "DaemonSet"}}, _as("DaemonSet")),
}


class Styled:
    """The application, released in one style."""

    def __init__(self, app: Application, options: dict[str, Any]) -> None:
        self.app, self.options = app, options
        self.workload = options["workload"]
        self.kind = self.workload.get("kind", "Deployment")
        self.lasting = self.workload.get("style") == "revisions"  # a release leaves something behind until the hand-back

    def plan(self, image: str, *steps: Any, **more: Any) -> dict[str, Any]:
        delays = {"scale_down_delay": "2s", "abort_scale_down_delay": "1s"} if self.lasting else {}
        plan = self.app.plan(image, list(steps), **self.options, grace="2s", **more)
        return {**plan, "canary": {**plan["canary"], **delays}}

    def release(self, image: str, *steps: Any, **more: Any) -> dict[str, Any]:
        return self.app.module("rollout_step", self.plan(image, *steps, **more))

    def release_through_deaths(self, folder: Path, which: str, image: str, *steps: Any, **more: Any) -> dict[str, Any]:
        """The result of the call that came to the end; all those before it were killed."""
        target = {"namespace": self.app.namespace, "kubeconfig": self.app.kubeconfig}
        result, places = through_deaths({**self.plan(image, *steps, **more), **target}, folder, which)
        assert places == PHASES if which == "phase" else len(places) > 30, places
        return result

    def call(self, **options: Any) -> dict[str, Any]:
        return self.app.module("rollout_step", {"name": self.app.name, "wait_timeout": 60, **options})

    def snapshot(self) -> dict[str, Any]:
        kinds = ["VirtualService", "Service", "Deployment", "ConfigMap", "Lease", *({self.kind} - {"Deployment"})]
        return self.app.snapshot(*kinds)


@pytest.fixture
def styled(app: Application, style: str) -> Styled:
    options, prepare = STYLES[style]
    prepare(app)
    return Styled(app, options)


def _image_of(snapshot: dict[str, Any], key: str) -> str:
    return str(snapshot[key]["spec"]["template"]["spec"]["containers"][0]["image"])


# Which calls of a release are killed: tests/harness/mortal.py.
DEATHS = [pytest.param(which, marks=[] if which == "phase" else [pytest.mark.full]) for which in ("", "phase", "before", "after")]


# tests/unit/deaths has all of them each time.
EACH_TIME = ("replicas", "revisions", "StatefulSet")


@pytest.mark.parametrize("which", DEATHS)
@pytest.mark.parametrize("style", [pytest.param(each, marks=[] if each in EACH_TIME else [pytest.mark.full]) for each in STYLES])
def test_releases_and_the_hand_back(styled: Styled, which: str, tmp_path: Path) -> None:
    app = styled.app
    before = styled.snapshot()
    # The second release of style revisions begins with another version in the traffic than the workload's.
    images = ("yellow", "green") if styled.lasting else ("green",)
    with app.load(150) as load:
        for image in images:
            steps = ({"set_weight": 20}, {"set_weight": 50})
            dies = which and image == images[-1]
            release = partial(styled.release_through_deaths, tmp_path, which) if dies else styled.release
            result = release(image, *steps, until="end")
            assert (result.get("failed"), result["phase"]) == (None, "Healthy"), result
            assert set(app.ask(20)) == {image}
            again = styled.release(image, *steps, until="end")
            assert (again["changed"], again["phase"]) == (False, "Healthy"), again
        assert app.weights() == (100, 0)
        result = styled.call(state="absent")
        assert not result.get("failed"), result
        time.sleep(0.5)
    assert not load.results().failures, load.results().failures[:3]
    assert set(app.ask(20)) == {"green"}
    after = styled.snapshot()
    released = [f"{styled.kind}/{app.name}", *([f"Deployment/{app.name}-canary"] if styled.workload.get("style") == "pair" else [])]
    for key in released:
        assert _image_of(after, key).endswith(":green")
        after[key]["spec"]["template"]["spec"]["containers"][0]["image"] = _image_of(before, key)
    assert after == before


def _aborts() -> Iterator[Any]:
    """tests/unit/deaths has the way back from every place of every style."""
    for style, released in [*((style, False) for style in STYLES), ("revisions", True)]:
        marks = [] if style == "StatefulSet" or released else [pytest.mark.full]
        yield pytest.param(style, released, id=f"{style}, {'a later' if released else 'the first'} release", marks=marks)


@pytest.mark.parametrize(("style", "released"), list(_aborts()))
def test_an_abort_at_a_pause(styled: Styled, released: bool) -> None:
    app = styled.app
    if released:
        assert styled.release("yellow", until="end")["phase"] == "Healthy"
    before, runs = styled.snapshot(), "yellow" if released else "blue"
    with app.load(150) as load:
        paused = styled.release("green", {"set_weight": 50}, {"pause": {}})
        assert (paused["phase"], paused["weight"]["canary"]) == ("Paused", 50), paused
        assert set(app.ask(60)) == {runs, "green"}
        result = styled.call(state="aborted")
        assert result["phase"] == "Aborted", result
        time.sleep(0.5)
    assert not load.results().failures, load.results().failures[:3]
    assert set(app.ask(20)) == {runs}
    after = styled.snapshot()
    ours = {key for key in after if key not in before}
    allowed = {"ConfigMap/rollouts-demo.rollout", "Lease/rollouts-demo.rollout"}
    assert all(key in allowed or (styled.lasting and after[key]["spec"]["replicas"] == 0) for key in ours)
    for key in (key for key in before if not key.endswith(".rollout")):
        for item in (before[key], after[key]):
            item["metadata"].get("annotations", {}).pop("progressive.delivery/original", None)  # when it was changed last
        assert after[key] == before[key]
    if styled.lasting and not released:
        assert styled.release("yellow", until="end")["phase"] == "Healthy"  # what the abort left is in nobody's way
