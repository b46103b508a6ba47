"""A new kind of step: one file, and one line in the registry; the rest of the collection learns of it by itself."""

from __future__ import annotations

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._steps import registry
from ansible_collections.progressive.delivery.plugins.module_utils._steps.reading import read_steps
from ansible_collections.progressive.delivery.tests.fixtures.extensions.toy_step import Ramp
from ansible_collections.progressive.delivery.tests.unit.deaths.cases import CASES, NAME, stage


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line in the registry."""
    monkeypatch.setitem(registry.STEPS, Ramp.key, Ramp)


def test_without_the_line_it_is_unknown() -> None:
    with pytest.raises(Refused) as refused:
        read_steps([{"ramp": 40}])
    assert "unknown kind 'ramp'" in refused.value.problem.what


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("style", ["clone", "revisions", "pair", "StatefulSet"])
def test_a_canary_with_it_is_released(style: str) -> None:
    place = stage(CASES[style])
    run = place.call(options={"canary": {"steps": [{"ramp": 40}, {"pause": {}}]}}, until="pause")
    assert f"{NAME}: the canary reaches 40 %" in run.ctx.journal.warnings
    moves = [each for each in run.ctx.journal.actions if each.startswith("move the traffic")]
    assert moves == ["move the traffic: 20 % to the canary", "move the traffic: 40 % to the canary"]
    [virtual_service] = place.all("VirtualService")
    shares = [each.get("weight", 0) for each in virtual_service["spec"]["http"][0]["route"]]
    assert shares == [60, 40] and place.phase() == "Paused"
    place.call(options={"canary": {"steps": [{"ramp": 40}, {"pause": {}}]}}, promote={})
    assert place.phase() == "Healthy"
    assert not place.judge.complaints


@pytest.mark.usefixtures("toy")
def test_a_canary_with_it_is_aborted() -> None:
    place = stage(CASES["clone"])
    before = place.end_state()
    place.call(options={"canary": {"steps": [{"ramp": 40}, {"pause": {}}]}}, until="pause")
    place.call(state="aborted")
    after = place.end_state()
    assert place.phase() == "Aborted"
    assert {**after, "phase": None} == {**before, "phase": None} and not place.judge.complaints
