"""What makes a failure of a call of rollout_step that did all it could."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._actions.context import Context
from ansible_collections.progressive.delivery.plugins.module_utils._actions.run import Run, Wish
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.clock import Clock
from ansible_collections.progressive.delivery.plugins.module_utils._cluster.transport import TransportError
from ansible_collections.progressive.delivery.plugins.module_utils._module.outcome import not_as_asked, result_of, tree_of
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import decide
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import ABORTED, HEALTHY, PAUSED, PROGRESSING, Record
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import SEED, plan_of, record_of

PLAN = plan_of(*SEED)
GOING = record_of(PLAN)
BACK = decide.begin_abort(GOING, "replaced by app=shop:3")


def ended(found: Record | None, check: bool = False, nothing_to_do: str = "", **wish: Any) -> Run:
    """A call that worked on revision 7, and what it found last."""
    nobody: Any = None
    ctx = Context(nobody, nobody, "test", "shop", check=check)
    return Run(ctx, Wish("shop", {}, **wish), nobody, nobody, found, PLAN, working=7, nothing_to_do=nothing_to_do)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        pytest.param(ended(replace(GOING, program="", phase=HEALTHY)), None, id="complete"),
        pytest.param(ended(replace(GOING, phase=PAUSED)), None, id="paused"),
        pytest.param(ended(GOING, until="step"), None, id="a step"),
        pytest.param(ended(GOING), "another run went on with it meanwhile: see how", id="under way elsewhere"),
        pytest.param(ended(BACK), "another run went on with it meanwhile (replaced by app=shop:3): see how", id="going back elsewhere"),
        pytest.param(ended(BACK, until="step"), "went on with it meanwhile (replaced by", id="going back, a step was asked for"),
        pytest.param(ended(replace(BACK, program="", phase=ABORTED)), ", revision 7: replaced by app=shop:3; all traffic", id="gone back"),
        pytest.param(
            ended(replace(GOING, revision=8, phase=PAUSED)), "revision 8 has taken the place of revision 7 while", id="another revision"
        ),
        pytest.param(ended(None), "it was handed back while this run worked on it", id="handed back"),
        pytest.param(ended(None, state="absent"), None, id="to be handed back"),
        pytest.param(ended(replace(BACK, program="", phase=ABORTED), state="aborted"), None, id="to be aborted"),
        pytest.param(ended(GOING, check=True), None, id="in check mode"),
        pytest.param(ended(None, nothing_to_do="it runs already"), None, id="nothing to do"),
    ],
)
def test_not_as_asked(run: Run, said: str | None) -> None:
    found = not_as_asked(run)
    assert found is None if said is None else found is not None and said in found


def test_a_record_of_another_plan_is_told_by_its_own() -> None:
    run = ended(replace(GOING, steps=[{"began": 1.0, "ended": 2.0}] * 3, phase=PROGRESSING))
    run.agreed = plan_of({"set_weight": 1})
    assert result_of(run)["step"] == {"index": 3, "total": 6, "current": "pause until promoted"}


def test_the_tree_of_a_call_that_did_nothing_asks_for_nothing() -> None:
    said = tree_of(ended(GOING))
    assert "Status:          ◌ Progressing: pause the workload\n" in said and "Step:          1/6 set_weight 5" in said
    assert "NAME" not in said and "Images" not in said


def test_a_tree_that_cannot_be_drawn_hides_no_result() -> None:
    class Down:
        def list(self, *_what: Any) -> Any:
            raise TransportError("nobody answers")

    run = ended(GOING)
    run.ctx.client, run.ctx.clock, run.ctx.journal.changed = cast(Any, Down()), Clock(), True
    assert tree_of(run) == tree_of(ended(GOING))
