"""Whatever stands in a record and in the cluster, there is a picture of it."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.progressive.delivery.plugins.module_utils._objects.refusal import Refused
from ansible_collections.progressive.delivery.plugins.module_utils._plan.plan import Plan, read_plan
from ansible_collections.progressive.delivery.plugins.module_utils._rollout import record as records
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.observed import Observed
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.picture import picture
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.program import reached
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.record import Record
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.report import report
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.tree import tree
from ansible_collections.progressive.delivery.plugins.module_utils._rollout.watching import ended, line, told
from ansible_collections.progressive.delivery.tests.unit.rollout.examples import plan_of, record_of, release_of
from ansible_collections.progressive.delivery.tests.unit.rollout.scenes import (
    BLUEGREEN_PLAN,
    CANARY_PLAN,
    HISTORY,
    NOW,
    STABLE,
    bluegreen,
    canary,
)
from hypothesis import given, settings
from hypothesis import strategies as st

PLANS = [
    CANARY_PLAN,
    BLUEGREEN_PLAN,
    plan_of({"set_weight": 20}, workload={"name": "shop", "style": "revisions"}),
    plan_of({"set_weight": 20}, workload={"name": "shop", "style": "pair"}),
    plan_of({"set_weight": 20}, workload={"name": "shop", "kind": "StatefulSet"}),
    plan_of({"set_weight": 20}, routers=[{"type": "replicas"}], services={"stable": "shop"}),
]
POSITIONS = ["", "end", "drain", "pause:2", "no-such-action", *(each.id for each in release_of(CANARY_PLAN, record_of(CANARY_PLAN)))]
PARTS = ("workload", "services", "canary", "bluegreen", "routers", "revision", "hold", "grace")
KEYS = st.sampled_from(["name", "template", "hash", "revision", "target", "phase", "began", "ended", "1"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda each: st.lists(each, max_size=2) | st.dictionaries(KEYS, each, max_size=3),
    max_leaves=6,
)
SENSIBLE = st.fixed_dictionaries(
    {},
    optional={
        "phase": st.sampled_from(["Progressing", "Paused", "Healthy", "Aborted", "Degraded", "?"]),
        "program": st.sampled_from(["", "release", "abort", "hand back", "?"]),
        "position": st.sampled_from(POSITIONS),
        "aborted_at": st.sampled_from(POSITIONS),
        "began": st.none() | st.floats(0, 3e9),
        "resume_at": st.none() | st.floats(0, 3e9),
        "steps": st.lists(st.sampled_from([{"began": 1.0}, {"began": 1.0, "ended": 2.0}, {}]), max_size=5),
        "skips": st.booleans(),
        "stable": st.sampled_from([{}, STABLE, {**STABLE, "made": True, "template": "t2"}]),
        "history": st.sampled_from([[], HISTORY, [{}]]),
        "canary_service_made": st.booleans(),
    },
)
ANYTHING = st.dictionaries(st.sampled_from(sorted(records.Record.__dataclass_fields__)), JSON, max_size=3)


@st.composite
def seens(draw: st.DrawFn) -> Observed:
    """What was found, with parts of it missing."""
    observed = canary() if draw(st.booleans()) else bluegreen()
    for key in draw(st.sets(st.sampled_from(["workloads", "pods", "services", "routers", "now"]))):
        setattr(observed, key, None)
    if observed.workloads is not None:
        observed.workloads = draw(
            st.lists(st.sampled_from(observed.workloads), max_size=3, unique_by=lambda each: str(each["metadata"]["name"]))
        )
    for pod in draw(st.lists(st.sampled_from(observed.pods), max_size=3)) if observed.pods else []:
        pod["status"] = draw(st.sampled_from([{}, {"phase": "Failed"}, {"containerStatuses": None}]))
    observed.slices = draw(st.none() | st.just([]))
    observed.lease = draw(st.sampled_from([None, {}, {"spec": {"holderIdentity": "ann"}}]))
    observed.lease_is_stale = draw(st.booleans())
    return observed


def readable(record: Record) -> Plan | None:
    """The plan of the record as rollout_info goes by it."""
    try:
        plan = read_plan("shop", "test", record.plan)
        report(record, plan, "shop")
        reached(record, plan)
    except Refused:
        return None
    return plan


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLANS), SENSIBLE, ANYTHING, seens(), st.booleans())
def test_nothing_makes_it_fail(plan: Plan, sensible: dict[str, Any], anything: dict[str, Any], observed: Observed, wild: bool) -> None:
    raw = json.loads(records.dump(record_of(plan, target="t2"))["record"])
    try:
        record = records.load({"record": json.dumps({**raw, **sensible, **(anything if wild else {})})}, "shop")
    except Refused:
        record = None
    told_of = picture("shop", "test", record, readable(record) if record is not None else None, observed)
    assert "Status:" in tree(told_of) and "Status:" in tree(told_of, 60)
    assert told({**told_of, "line": line(told_of)}, "12:00:00") and ended(told_of, 99.0, 60.0, NOW) != ""


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PLANS), st.sampled_from(PARTS), JSON)
def test_a_plan_that_makes_no_sense_is_refused_or_read(plan: Plan, key: str, value: Any) -> None:
    record = record_of(plan)
    readable(records.load(records.dump(record_of(plan)), "shop"))
    broken = Record(**{**record.__dict__, "plan": {**record.plan, key: value}})
    assert "Status:" in tree(picture("shop", "test", broken, readable(broken), Observed()))
