"""Blue-green under live traffic, in every style: what answers at each moment, and the way back from each."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application
from ansible_collections.progressive.delivery.tests.harness.mortal import PHASES, through_deaths
from ansible_collections.progressive.delivery.tests.harness.pods import received
from ansible_collections.progressive.delivery.tests.harness.styles import Styled, styled_as

STYLES = ["clone", "revisions", "pair", "StatefulSet", "DaemonSet"]
# tests/unit/deaths has all of them each time.
EACH_TIME = ("revisions",)


class BlueGreen:
    """The application, released blue-green. Its gateway knows the active Service only."""

    def __init__(self, styled: Styled) -> None:
        self.styled, self.app = styled, styled.app

    def plan(self, image: str, **bluegreen: Any) -> dict[str, Any]:
        plan = self.app.plan(image, [], **self.styled.options, grace="2s")
        del plan["canary"], plan["routers"]
        delays = {"scale_down_delay": "3s", "abort_scale_down_delay": "1s"}
        services = {"active": self.app.name, "preview": f"{self.app.name}-canary"}
        return {**plan, "services": services, "bluegreen": {**delays, **bluegreen}}

    def release(self, image: str, /, until: str = "pause", **bluegreen: Any) -> dict[str, Any]:
        return self.app.module("rollout_step", {**self.plan(image, **bluegreen), "until": until})

    def call(self, **options: Any) -> dict[str, Any]:
        return self.styled.call(**{"grace": "2s", **options})

    def behind(self, service: str) -> set[str]:
        """The images of the ready pods behind a Service."""
        slices = self.app.request("GET", "EndpointSlice")["items"]
        own = [each for each in slices if each["metadata"]["labels"].get("kubernetes.io/service-name") == service]
        names = {end["targetRef"]["name"] for each in own for end in each.get("endpoints") or [] if end["conditions"]["ready"]}
        pods = [each for each in self.app.request("GET", "Pod")["items"] if each["metadata"]["name"] in names]
        return {pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in pods}


@pytest.mark.parametrize("style", [pytest.param(each, marks=[] if each in EACH_TIME else [pytest.mark.full]) for each in STYLES])
def test_previewed_switched_undone_and_released(app: Application, style: str) -> None:
    styled = styled_as(app, style)
    this, before = BlueGreen(styled), styled.snapshot()
    with app.load(150) as load:
        paused = this.release("green")
        assert (paused["phase"], paused["weight"]["canary"], paused["step"]["current"]) == ("Paused", 0, "pause until promoted"), paused
        assert set(app.ask(30)) == {"blue"} and this.behind(f"{app.name}-canary") == {"green"}

        approved = {"revision": paused["revision"], "step": paused["step"]["index"]}
        switched = this.call(promote=approved, until="step")
        switched = this.call(promote=approved, until="step") if switched["step"]["current"] == "switch" else switched
        assert (switched["phase"], switched["weight"]["canary"], switched["step"]["index"]) == ("Progressing", 100, 3), switched
        assert set(app.ask(30)) == {"green"}
        pods = set(app.names("Pod"))

        undone = this.call(undo="previous")
        assert (undone.get("failed"), undone["phase"]) == (None, "Aborted") and "undone by" in undone["msg"], undone
        assert set(app.ask(30)) == {"blue"}
        if style not in ("StatefulSet", "DaemonSet"):
            assert set(app.names("Pod")) <= pods  # just the Service moved

        refused = this.release("green")
        assert refused["failed"] and "was aborted (undone by" in refused["msg"]
        again = app.module("rollout_step", {**this.plan("green", auto_promotion=True), "retry": True, "until": "end"})
        assert (again.get("failed"), again["phase"]) == (None, "Healthy"), again
        assert set(app.ask(30)) == {"green"}
        assert not this.release("green", auto_promotion=True)["changed"]
        back = this.call(state="absent")
        assert not back.get("failed"), back
        time.sleep(0.5)
    assert not load.results().failures, load.results().failures[:3]
    assert set(app.ask(20)) == {"green"}
    after = styled.snapshot()
    template = after[f"{styled.kind}/{app.name}"]["spec"]["template"]["spec"]["containers"][0]
    assert template["image"].endswith(":green")
    template["image"] = before[f"{styled.kind}/{app.name}"]["spec"]["template"]["spec"]["containers"][0]["image"]
    if style == "pair":
        after[f"Deployment/{app.name}-canary"]["spec"]["template"] = before[f"Deployment/{app.name}-canary"]["spec"]["template"]
    assert after == before


# Which calls are killed: tests/harness/mortal.py. tests/unit/deaths has all of them each time.
@pytest.mark.full
@pytest.mark.parametrize("which", ["phase", "before", "after"])
@pytest.mark.parametrize("style", STYLES)
def test_deaths(app: Application, style: str, which: str, tmp_path: Path) -> None:
    styled = styled_as(app, style)
    this = BlueGreen(styled)
    with app.load(150) as load:
        target = {"namespace": app.namespace, "kubeconfig": app.kubeconfig, "until": "end"}
        result, places = through_deaths({**this.plan("green", auto_promotion=True), **target}, tmp_path, which)
        assert (result.get("failed"), result["phase"]) == (None, "Healthy"), result
        # Of a StatefulSet nothing moves any more after the switch.
        assert set(PHASES) - {"promotion"} <= set(places) if which == "phase" else len(places) > 25, places
        assert set(app.ask(30)) == {"green"}
        time.sleep(0.5)
    assert not load.results().failures, load.results().failures[:3]


def test_copies_before_the_switch_and_a_probe_that_sees_it(app: Application) -> None:
    """The preview gets copies of live requests, whose answers nobody gets; then the switch is seen by its answers."""
    this = BlueGreen(styled_as(app, "revisions"))
    plan = this.plan("green", mirror=100)
    plan["routers"] = [{"type": "istio", "name": app.name, "routes": ["primary"]}]
    plan["probe"] = {"url": app.gateway, "headers": {"Host": app.host}, "expect": {"canary": "green"}}
    with app.load(150) as load:
        paused = app.module("rollout_step", plan)
        assert (paused["phase"], paused["step"]["current"]) == ("Paused", "pause until promoted"), paused
        copies = received(app.transport, app.namespace, "green")
        assert copies > 0 and "mirror" in str(app.get("VirtualService")["spec"])
        this.call(promote={"full": True}, until="step")
        switched = this.call(promote={"full": True}, until="step", probe=plan["probe"])
        assert (switched.get("failed"), switched["weight"]["canary"]) == (None, 100), switched
        assert switched["measured"]["share"] == 100 and switched["measured"]["conclusive"], switched
        assert set(app.ask(30)) == {"green"} and "mirror" not in str(app.get("VirtualService")["spec"])
        time.sleep(0.5)
    assert not load.results().failures, load.results().failures[:3]
