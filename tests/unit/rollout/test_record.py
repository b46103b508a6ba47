"""The record survives being written down, and a record that cannot be read is refused with the way out."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import record as records
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import ABORTED, HEALTHY, Record
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import SEED, plan_of, record_of, release_of

PLAN = plan_of(*SEED)
FULL: dict[str, Any] = {
    "phase": ABORTED,
    "msg": "aborted by ann@host",
    "program": "abort",
    "position": "drain",
    "began": 1.5,
    "moved": 2.5,
    "aborted_at": "ensure-canary:3",
    "forget": True,
    "resume_at": 3.5,
    "promoted": {"1": {"user": "ann", "at": 1.0}},
    "steps": [{"began": 1.0, "ended": 2.0}, {"began": 3.0}],
    "stable": {"workload": "shop", "hash": "abc", "template": "def", "images": {"app": "shop:1"}},
    "images": {"app": "shop:2"},
    "bystanders": ["metrics"],
    "originals": {"Service/shop": [{"path": ["spec", "selector", "x"], "by": "shop", "depth": 2, "now": None}]},
    "history": [{"revision": 6, "target": "old", "phase": HEALTHY, "images": {}}],
    "by": {"user": "ann", "job": "12"},
}


@pytest.mark.parametrize("changes", [{}, FULL])
def test_a_record_is_read_as_it_was_written(changes: dict[str, Any]) -> None:
    record = record_of(PLAN, **changes)
    data = records.dump(record)
    assert all(isinstance(value, str) for value in data.values())
    assert records.load(data, "shop") == record
    assert records.dump(records.load(data, "shop")) == data


def test_what_a_later_release_of_the_same_format_adds_is_left_aside() -> None:
    data = records.dump(record_of(PLAN))
    assert records.load({"record": json.dumps({**json.loads(data["record"]), "added": 1}), "more": "x"}, "shop") == record_of(PLAN)


def test_a_record_says_its_format_and_the_action_that_comes_next() -> None:
    raw = json.loads(records.dump(record_of(PLAN, position=4, began=1.0))["record"])
    assert (raw["format"], raw["position"]) == (2, release_of(PLAN, record_of(PLAN))[4].id)


WRONG_POSITIONS: list[Any] = [3, -1, None, True, [], "#3", "Drain", "drain ", "drain#", "drain#x", "dr\nain", "a" * 401]


@pytest.mark.parametrize("position", WRONG_POSITIONS)
@pytest.mark.parametrize("key", ["position", "aborted_at"])
def test_a_position_is_the_id_of_an_action(key: str, position: Any) -> None:
    raw = json.loads(records.dump(record_of(PLAN))["record"])
    with pytest.raises(Refused) as refused:
        records.load({"record": json.dumps({**raw, key: position})}, "shop")
    assert f"({key} not as this collection writes it)" in refused.value.problem.what


@pytest.mark.parametrize("position", [-1, 10_001, None, True, 1.0, "3", "drain"])
def test_of_format_1_it_is_a_number(position: Any) -> None:
    raw = {**json.loads(records.dump(record_of(PLAN))["record"]), "format": 1, "aborted_at": 0}
    with pytest.raises(Refused):
        records.load({"record": json.dumps({**raw, "position": position})}, "shop")


def test_what_a_record_of_an_earlier_release_lacks_has_its_default() -> None:
    raw = json.loads(records.dump(record_of(PLAN))["record"])
    del raw["history"], raw["moved"], raw["forget"]
    assert records.load({"record": json.dumps(raw)}, "shop") == record_of(PLAN)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "cannot be read"),
        ({"record": None}, "cannot be read"),
        ({"record": ""}, "cannot be read"),
        ({"record": "{"}, "cannot be read"),
        ({"record": "3"}, "cannot be read"),
        ({"record": "null"}, "cannot be read"),
        ({"record": '{"format": 1}'}, "cannot be read"),
        ({"record": "{}"}, "cannot be read"),
        ({"record": '{"format": 0}'}, "cannot be read"),
        ({"record": '{"format": true}'}, "cannot be read"),
        ({"record": '{"format": "2"}'}, "cannot be read"),
        ({"record": '{"format": [3]}'}, "cannot be read"),
        (
            {"record": '{"format": 3, "name": "shop"}'},
            "has a record of format 3, which a newer release of the collection wrote; this one reads up to 2",
        ),
    ],
)
def test_a_record_that_cannot_be_read(data: Any, said: str) -> None:
    with pytest.raises(Refused) as refused:
        records.load(data, "shop")
    assert refused.value.problem.object == "rollout shop" and said in refused.value.problem.what
    assert refused.value.problem.remedy.endswith("restore ConfigMap shop.rollout, or delete it once the application is as it should be")


def _stable(*lacking: str) -> dict[str, Any]:
    whole = {"workload": "shop", "template": "old", "hash": "old-pods", "canary": "other", "images": {}, "source": "old", "made": True}
    return {key: value for key, value in whole.items() if key not in lacking}


_PAIR = plan_of(*SEED, workload={"name": "shop", "style": "pair", "canary": "shop-canary"})
_NO_STABLE = r"cannot be read \(stable not as this collection writes it\): restore ConfigMap shop\.rollout"


# What `stable` lacks, in which program, and whether the record is refused for it.
@pytest.mark.parametrize(
    ("plan", "program", "lacking", "refused"),
    [
        *((PLAN, program, (key,), True) for program in ("release", "abort") for key in ("workload", "template", "hash")),
        *((PLAN, program, ("canary", "images", "source", "made"), False) for program in ("release", "abort")),
        *((_PAIR, program, ("canary",), True) for program in ("release", "abort")),
        *((PLAN, "hand back", (key,), True) for key in ("workload", "template")),
        (_PAIR, "hand back", ("hash", "canary", "source", "made"), False),
        # Of a finished release only what runs the stable version in the workload's place is needed.
        *((PLAN, "", (key,), True) for key in ("workload", "template")),
        (PLAN, "", ("hash", "canary", "source"), False),
        (PLAN, "", ("workload", "template", "hash", "made"), False),
        (PLAN, "", tuple(_stable()), False),
    ],
)
def test_what_a_record_must_know_of_the_stable_version(plan: Plan, program: str, lacking: tuple[str, ...], refused: bool) -> None:
    record = record_of(plan, program=program, stable=_stable(*lacking))
    with pytest.raises(Refused, match=_NO_STABLE) if refused else nullcontext():
        assert records.load(records.dump(record), "shop") == record


@pytest.mark.parametrize(
    ("program", "steps", "under_way", "done"),
    [
        ("release", [], True, 0),
        ("abort", [{"began": 1.0}], True, 0),
        ("", [{"began": 1.0, "ended": 2.0}], False, 1),
        ("release", [{"began": 1.0, "ended": 2.0}, {"began": 3.0}], True, 1),
    ],
)
def test_what_is_under_way_and_what_is_done(program: str, steps: Any, under_way: bool, done: int) -> None:
    record = record_of(PLAN, program=program, steps=steps)
    assert (record.under_way, record.steps_done) == (under_way, done)


def test_a_record_of_a_former_version_knows_no_least_number_of_pods() -> None:
    """Its release goes on as it began."""
    raw = json.loads(records.dump(record_of(PLAN, **FULL))["record"])
    del raw["min_replicas"]
    assert records.load({"record": json.dumps(raw)}, "shop").min_replicas == 1


# How many revisions there were before one that is aborted, how they ended, and how many of them are kept.
@pytest.mark.parametrize(
    ("before", "phase", "kept"), [(0, HEALTHY, 0), (3, HEALTHY, 3), (10, HEALTHY, 10), (15, HEALTHY, 10), (3, ABORTED, 3), (15, ABORTED, 9)]
)
def test_the_history_has_the_last_revisions_with_the_newest_on_top(before: int, phase: str, kept: int) -> None:
    """Those that were released are not crowded out by those that were aborted."""
    older = [{"revision": 7 - number, "phase": phase} for number in range(1, before + 1)]
    record: Record = record_of(PLAN, **{**FULL, "history": older})
    history = records.with_history(record, 99.0, 10)
    assert history[1:] == older[:kept]
    newest = {
        "revision": 7,
        "target": "new",
        "before": {"template": "def", "images": {"app": "shop:1"}},
        "images": {"app": "shop:2"},
        "phase": ABORTED,
        "ended": 99.0,
        "by": FULL["by"],
        "msg": FULL["msg"],
    }
    assert history[0] == newest


def test_the_names_of_record_and_lease() -> None:
    assert records.record_name("shop") == "shop.rollout"
