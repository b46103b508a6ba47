"""Records of format 1, as release 0.1.0 wrote them: each place and each plan of theirs is known again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan, read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import decide, sentences1
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import program as programs
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import record as records
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import program_of, reached
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import END, Record
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.upgrade import upgraded
from ansible_collections.progressive.delivery.plugins.module_utils._steps.actions import Drain
from ansible_collections.progressive.delivery.plugins.module_utils._steps.sequence import ScheduledAction
from ansible_collections.progressive.delivery.tests.harness.memory.snapshots import unpacked
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import SEED, plan_of, record_of

FOLDER = Path(__file__).parents[2] / "fixtures" / "records-0.1.0"
Object = dict[str, Any]


@cache
def raws() -> dict[str, list[Object]]:
    """The records of 0.1.0, by the file that they are in."""
    found: dict[str, list[Object]] = {}
    for path in sorted(FOLDER.glob("*.json")):
        texts = [each["data"]["record"] for each in _config_maps(unpacked(json.loads(path.read_text())))]
        if texts:
            found[path.stem] = [json.loads(each) for each in dict.fromkeys(texts)]
    return found


def _config_maps(objects: list[Object]) -> Iterator[Object]:
    for each in objects:
        if isinstance(each, dict) and each.get("kind") == "ConfigMap" and "record" in (each.get("data") or {}):
            yield each


def read(raw: Object) -> Record:
    return records.load({"record": json.dumps(raw)}, raw["name"])


PLACES = json.loads((Path(__file__).parents[2] / "fixtures" / "places-0.1.0.json").read_text())


def places() -> dict[str, list[list[Any]]]:
    """Of each record under way: its program, the places that it counts, and the ids of the actions there."""
    found: dict[str, list[list[Any]]] = {}
    for name, each in raws().items():
        under_way = [(raw, upgraded(read(raw), "test")) for raw in each if raw["program"]]
        rows = {(raw["program"], raw["position"], record.position, raw["aborted_at"], record.aborted_at) for raw, record in under_way}
        found[name] = [list(row) for row in sorted(rows)]
    return found


def test_each_place_that_0_1_0_counted_is_the_action_that_it_was() -> None:
    """Where the sequence of a strategy changes, upgrade.py must keep the one that 0.1.0 had: the file never changes."""
    assert places() == PLACES


@pytest.mark.parametrize("name", raws())
def test_the_plan_is_known_again(name: str) -> None:
    for raw in raws()[name]:
        plan = read_plan(raw["name"], "test", raw["plan"])
        assert sentences1.plan_hash(plan) == raw["plan_hash"]
        record = upgraded(read(raw), "test")
        assert not record.under_way or record.plan_hash == plan.hash
        assert records.load(records.dump(record), raw["name"]) == record and json.loads(records.dump(record)["record"])["format"] == 2


def test_sentences_of_steps_that_no_fixture_has() -> None:
    steps = [
        {"set_canary_scale": {"replicas": 2}},
        {"set_canary_scale": {"weight": 20}},
        {"set_canary_scale": {"match_traffic_weight": True}},
        {"set_header_route": {"name": "testers", "matches": [{"headers": {"x": "1"}}, {"cookies": {"y": "z"}}], "inherit": False}},
        {"set_mirror_route": {"name": "copies", "percent": 12.5}},
        {"pause": {"duration": "90m"}},
        {"pause": {"duration": 0.5}},
        {"pause": {"expires": "1h", "then": "promote"}},
        {"set_header_route": {"name": "testers"}},
    ]
    assert sentences1.plan_hash(plan_of(*steps)) == "5f8a47246d"
    routers = [{"type": "istio", "name": "shop", "tls_routes": [{"port": 443, "sni_hosts": ["a"]}]}]
    assert sentences1.plan_hash(plan_of(*SEED, routers=routers, hold=True, track_configs=True)) == "cb35d63362"


def test_a_place_behind_the_end_and_a_plan_that_cannot_be_read_are_refused_when_the_place_is_needed() -> None:
    raw = json.loads(records.dump(record_of(plan_of(*SEED)))["record"])
    for changes in ({"position": 99}, {"position": 3, "plan": {"grace": "x"}}, {"program": "abort", "aborted_at": 99, "position": 0}):
        record = upgraded(read({**raw, "aborted_at": 0, **changes, "format": 1}), "test")
        with pytest.raises(Refused):
            reached(record, plan_of(*SEED))


# Positions that are ids


def test_where_a_later_release_inserts_an_action_the_rollout_resumes_at_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(*SEED)
    before = program_of(record_of(plan), plan)
    released = [record_of(plan, position=index) for index in range(len(before))]
    turned = [decide.begin_abort(each, "x") for each in released[:12]]
    backs = [program_of(each, plan) for each in turned]
    plain = programs._labelled

    def inserting(of_plan: Plan, facts: Any, sequence: list[ScheduledAction]) -> list[ScheduledAction]:
        found = plain(of_plan, facts, sequence)
        return [
            ScheduledAction(Drain(), id="new-at-the-beginning"),
            *found[:7],
            ScheduledAction(Drain(), id="new-in-the-middle"),
            *found[7:],
        ]

    monkeypatch.setattr(programs, "_labelled", inserting)
    for entry, record in zip(before[1:], released[1:], strict=True):
        after = program_of(record, plan)
        assert len(after) == len(before) + 2 and after[reached(record, plan)].id == entry.id
    ended = replace(released[0], position=END)
    assert reached(ended, plan) == len(before) + 2
    for record, back in zip(turned, backs, strict=True):
        assert {each.id for each in back} <= {each.id for each in program_of(record, plan)}


def test_a_delay_that_a_call_takes_away_is_over() -> None:
    options: Object = {"workload": {"name": "shop", "style": "revisions"}}
    plan = plan_of(**options, canary={"steps": [{"set_weight": 20}], "scale_down_delay": 30})
    none = plan_of(**options, canary={"steps": [{"set_weight": 20}], "scale_down_delay": 0})
    record = record_of(plan, position="delay")
    assert program_of(record, none)[reached(record, none)].id == "retire-stable"
    with pytest.raises(Refused, match="no-such-action"):
        reached(replace(record, position="no-such-action"), none)
