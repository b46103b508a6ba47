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
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan, read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import decide
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import ABORTED, HEALTHY, PAUSED, PROGRESSING, Record
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.report import report
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
    run = ended(replace(GOING, steps=[{"began": 1.0, "ended": 2.0}] * 3, phase=PROGRESSING, position="pause:4"))
    run.agreed = plan_of({"set_weight": 1})
    assert result_of(run)["step"] == {"index": 3, "total": 6, "current": "pause until promoted"}


STEPS = [{"began": 1.0, "ended": 2.0}]
PAUSED_AT_THE_END_OF_TIME = {"phase": PAUSED, "began": 249.9e9, "steps": STEPS, "position": "pause:2"}
EXPIRING = plan_of({"set_weight": 20}, {"pause": {"expires": "99999d", "then": "abort"}})
BLUE_GREEN = read_plan(
    "shop",
    "test",
    {
        **{key: PLAN.raw[key] for key in ("workload", "revision")},
        "services": {"active": "shop", "preview": "shop-preview"},
        "bluegreen": {"auto_promotion": False},
    },
)


# Records as nobody but an attacker writes them: what of them is told, and by which plan.
@pytest.mark.parametrize("agreed", [PLAN, None], ids=["another plan was asked for", "no plan was read"])
@pytest.mark.parametrize(
    "record",
    [
        pytest.param(replace(GOING, plan={"grace": "x"}, plan_hash="1"), id="a plan of an unknown form"),
        pytest.param(replace(GOING, plan={}, plan_hash="1"), id="no plan"),
        pytest.param(
            replace(GOING, plan={**PLAN.raw, "canary": {"steps": []}}, plan_hash="1", steps=STEPS * 9), id="more steps than planned"
        ),
        pytest.param(replace(GOING, steps=STEPS * 9), id="more steps than the plan asked for has"),
        pytest.param(replace(GOING, position="restart-router"), id="a position beyond the end"),
        pytest.param(replace(record_of(BLUE_GREEN), phase=PAUSED, steps=STEPS * 9), id="blue-green, more steps than planned"),
    ],
)
def test_a_record_with_a_plan_that_does_not_fit_is_told_without_it(record: Record, agreed: Plan | None) -> None:
    run = ended(replace(record, skips=True))
    run.agreed = agreed
    told = result_of(run)
    assert (told["phase"], told["revision"], told["steps_skipped"]) == (record.phase, 7, True)
    assert told["weight"] is told["step"] is told["strategy"] is None
    assert f"Status:          {'॥' if record.phase == PAUSED else '◌'} {record.phase}" in tree_of(run)


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (record_of(EXPIRING, **PAUSED_AT_THE_END_OF_TIME), "at 9999-12-31T23:59:59Z it expires"),
        (record_of(BLUE_GREEN, program="", phase=PAUSED, steps=STEPS * 9), "paused after"),
    ],
    ids=["a date after the last one", "nothing is under way, and more steps than planned"],
)
def test_what_is_told_of_a_record_that_fits_in_part(record: Record, said: str) -> None:
    assert said in report(record, read_plan("shop", "test", record.plan), "shop")["msg"]


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
