"""Every style of workload: releases, aborts and the hand-back lose no request, and the hand-back leaves the application as it was."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.tests.harness.application import Application
from ansible_collections.progressive.delivery.tests.harness.styles import STYLES, Styled, styled_as


@pytest.fixture
def styled(app: Application, style: str) -> Styled:
    return styled_as(app, style)


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
